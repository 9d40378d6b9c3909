#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use clap::ValueEnum;
use deltatree_storage::types::{KeyRange, KeyRef, RowKey, Value, memcomparable};

use super::{InspectArgs, Section, show, text};
use crate::node::{Node, NodeConfig};

fn args(dir: &std::path::Path, section: Option<Section>) -> InspectArgs {
    InspectArgs { dir: dir.to_path_buf(), section, table: None, zones: true }
}

#[test]
fn keys_and_sizes_are_readable() {
    let mut key = Vec::new();
    memcomparable::encode(&mut key, &Value::Int(-7));
    memcomparable::encode(&mut key, &Value::Bytes("a \"quoted\" text".into()));
    assert_eq!(text::key(KeyRef::Bytes(&key)), r#"(-7, "a \"quoted\" text")"#);
    assert_eq!(text::key(KeyRef::Bytes(&[0xee, 1])), "0xee01");
    assert_eq!(text::range(&KeyRange { start: None, end: Some(RowKey::Int(5)) }), "[-∞, 5)");
    assert_eq!((text::bytes(1023), text::bytes(1536)), ("1023 B".to_owned(), "1.5 KiB".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_is_shown_and_a_running_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::open(NodeConfig::new(dir.path())).await.unwrap();
    let mut session = node.session("root", "localhost");
    session.execute("use test").await.unwrap();
    session.execute("create table looked_at (id bigint primary key, name varchar(20))").await.unwrap();
    session.execute("insert into looked_at values (1, 'one'), (2, 'two'), (3, 'three')").await.unwrap();
    session.execute("delete from looked_at where id = 2").await.unwrap();
    session.query("select /*+ read_from_storage(tiflash[looked_at]) */ * from looked_at").await.unwrap();
    let refused = show(&args(dir.path(), None)).unwrap_err();
    assert!(refused.contains("in use") && !refused.contains('\n'), "{refused}");
    drop(session);
    node.shutdown().await.unwrap();
    drop(node);

    let shown = |section| show(&args(dir.path(), section)).unwrap();
    let summary = shown(None);
    assert!(
        summary.contains("id, name")
            && summary.contains("space amplification")
            && summary.contains("write amplification"),
        "{summary}"
    );
    assert!(shown(Some(Section::Log)).contains("after log entry"));
    let delta = shown(Some(Section::Delta));
    assert!(delta.contains(r#""two""#) && delta.contains("1 tombstones"), "{delta}");
    for section in Section::value_variants() {
        assert!(!shown(Some(*section)).is_empty());
    }
    let other = InspectArgs { table: Some(u64::MAX), ..args(dir.path(), None) };
    assert!(show(&other).unwrap_err().starts_with("there is no table"));
}
