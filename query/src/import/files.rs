//! Which files a path means.

use std::path::{Path, PathBuf};

use super::CsvFormat;
use crate::error::{Result, SqlError};

/// How files are written.
#[derive(Clone, Debug)]
pub(crate) enum Format {
    /// Apache Parquet.
    Parquet,
    /// Text with fields.
    Csv(CsvFormat),
}

/// A file to import.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) bytes: u64,
}

impl Input {
    /// How messages name it.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Fails with 29, MySQL's error for a file that cannot be read.
    pub(super) fn open(&self) -> Result<std::fs::File> {
        std::fs::File::open(&self.path).map_err(|e| unreadable(&self.path, &e))
    }
}

fn unreadable(path: &Path, e: &std::io::Error) -> SqlError {
    SqlError::new(29, format!("File '{}' not found ({e})", path.display()))
}

/// The files that a path names, by name: one, or all whose last part matches a pattern with `*` and `?`.
/// Fails with 29 if there is none, and with 1235 for a place that is no file of this machine's. Blocks.
pub(crate) fn expand(source: &str) -> Result<Vec<Input>> {
    let path = match source.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("file") => rest,
        Some((scheme, _)) => return Err(SqlError::not_supported(format!("IMPORT INTO from {scheme}://"))),
        None => source,
    };
    let path = Path::new(path);
    let pattern = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !pattern.contains(['*', '?']) {
        return Ok(vec![input(path.to_owned())?]);
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut inputs = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, &e))? {
        let entry = entry.map_err(|e| unreadable(folder, &e))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| matches(pattern.as_bytes(), name.as_bytes())) && entry.path().is_file() {
            inputs.push(input(entry.path())?);
        }
    }
    inputs.sort_by(|a, b| a.path.cmp(&b.path));
    if inputs.is_empty() {
        return Err(SqlError::new(29, format!("File '{source}' not found (nothing matches)")));
    }
    Ok(inputs)
}

fn input(path: PathBuf) -> Result<Input> {
    let about = std::fs::metadata(&path).map_err(|e| unreadable(&path, &e))?;
    if !about.is_file() {
        return Err(SqlError::new(29, format!("File '{}' not found (it is no file)", path.display())));
    }
    Ok(Input { path, bytes: about.len() })
}

/// Whether a name matches a pattern of `*`, `?` and letters. Takes no longer than the product of both lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and what of the name it covers.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(letter) if *letter == name[n] => (p, n) = (p + 1, n + 1),
            Some(_) | None => match star {
                Some((at, covered)) => {
                    star = Some((at, covered + 1));
                    (p, n) = (at + 1, covered + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*.parquet", "a.parquet", true),
            ("*.parquet", "a.parquet.tmp", false),
            ("a?c*", "abcd", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn files_come_by_name_and_missing_ones_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "c.txt"] {
            std::fs::write(dir.path().join(name), name).unwrap();
        }
        let at = |name: &str| dir.path().join(name).display().to_string();
        let found = expand(&at("*.csv")).unwrap();
        assert_eq!(found.iter().map(|f| f.path.file_name().unwrap()).collect::<Vec<_>>(), ["a.csv", "b.csv"]);
        assert_eq!(expand(&format!("file://{}", at("c.txt"))).unwrap()[0].bytes, 5);
        assert_eq!(expand(&at("*.parquet")).unwrap_err().code, 29);
        assert_eq!(expand(&at("d.csv")).unwrap_err().code, 29);
        assert_eq!(expand(&at("")).unwrap_err().code, 29);
        assert_eq!(expand("s3://bucket/a.csv").unwrap_err().code, 1235);
    }
}
