//! The number by which the group knows a process, kept in its data directory.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};

const FILE: &str = "member";

/// The number, if the process has one. Errors: `Io`, `Corrupt`.
pub(super) fn load(dir: &Path) -> Result<Option<u64>> {
    let text = match fs::read_to_string(dir.join(FILE)) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("read the member number")(e)),
    };
    let number = text.trim().parse();
    number.map(Some).map_err(|_| Error::Corrupt { what: "member number", reason: format!("{text:?} is no number") })
}

/// Keeps the number, durably. Errors: `Io`.
pub(super) fn keep(dir: &Path, id: u64) -> Result<()> {
    let written = || {
        fs::create_dir_all(dir)?;
        let new = dir.join("member.new");
        let mut file = fs::File::create(&new)?;
        writeln!(file, "{id}")?;
        file.sync_all()?;
        fs::rename(&new, dir.join(FILE))?;
        fs::File::open(dir)?.sync_all()
    };
    written().map_err(Error::io("write the member number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("new");
        assert_eq!(load(&dir).unwrap(), None);
        keep(&dir, 7).unwrap();
        assert_eq!(load(&dir).unwrap(), Some(7));
        fs::write(dir.join(FILE), "x").unwrap();
        assert!(load(&dir).is_err());
    }
}
