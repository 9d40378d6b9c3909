//! What every store promises.

use super::*;
use crate::error::{Error, ErrorKind};

fn each_store(check: impl Fn(&dyn FileStore)) {
    let dir = tempfile::tempdir().unwrap();
    check(&LocalStore::new(dir.path()).unwrap());
    check(&MemoryStore::new());
    check(&FaultyStore::new(1, FaultPlan::default()));
}

#[test]
fn files_are_written_read_listed_and_removed() {
    each_store(|store| {
        let mut a = store.create("a").unwrap();
        a.write(b"one").unwrap();
        a.write(b" two").unwrap();
        a.sync().unwrap();
        assert_eq!(a.len(), 7);
        store.create("empty").unwrap();
        store.sync_dir().unwrap();
        let mut names = store.list().unwrap();
        names.sort();
        assert_eq!(names, ["a", "empty"]);
        let bytes = store.open("a").unwrap();
        assert_eq!(bytes, "one two");
        assert_eq!(store.open("empty").unwrap(), "");
        store.remove("a").unwrap();
        store.remove("a").unwrap();
        assert_eq!(bytes, "one two", "removed files stay readable");
        assert_eq!(store.list().unwrap(), ["empty"]);
    });
}

#[test]
fn nothing_is_overwritten_by_mistake() {
    each_store(|store| {
        store.create("a").unwrap();
        assert_eq!(store.create("a").unwrap_err().kind(), ErrorKind::Io);
        assert!(
            matches!(store.open("b"), Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound)
        );
    });
}

#[test]
fn replacing_sets_the_contents_whole() {
    each_store(|store| {
        store.replace("current", b"old").unwrap();
        let old = store.open("current").unwrap();
        store.replace("current", b"new and longer").unwrap();
        assert_eq!(store.open("current").unwrap(), "new and longer");
        assert_eq!(old, "old");
        assert_eq!(store.list().unwrap(), ["current"]);
    });
}
