//! How a playground that runs is asked for something: a line of JSON over a socket in its directory, and an
//! answer of one line of JSON.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// List the processes.
    Display,
    /// Start more.
    ScaleOut { db: usize, kv: usize, tiflash: usize },
    /// End one.
    ScaleIn { pid: u32 },
}

/// Longest request, in bytes.
const LONGEST: u64 = 4096;

fn socket(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// Listens in `dir`. Fails if another playground does.
pub(super) async fn listen(dir: &Path) -> Result<UnixListener, String> {
    let path = socket(dir);
    if UnixStream::connect(&path).await.is_ok() {
        return Err(format!("a playground runs in {} already", dir.display()));
    }
    // What one that was killed has left.
    let _ = std::fs::remove_file(&path);
    UnixListener::bind(&path).map_err(|e| format!("cannot listen on {}: {e}", path.display()))
}

/// Asks the playground in `dir`.
pub(super) async fn ask(dir: &Path, request: &Request) -> Result<String, String> {
    let stream = UnixStream::connect(socket(dir)).await;
    let mut stream = stream.map_err(|e| format!("no playground runs in {}: {e}", dir.display()))?;
    let lost = |e: std::io::Error| format!("the playground in {} does not answer: {e}", dir.display());
    stream.write_all(format!("{}\n", request.to_json()).as_bytes()).await.map_err(lost)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.map_err(lost)?;
    let answer: Value = serde_json::from_str(&answer).map_err(|e| lost(e.into()))?;
    match (answer["text"].as_str(), answer["error"].as_str()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(error)) => Err(error.to_owned()),
        (None, None) => Err(format!("the playground in {} answers something else: {answer}", dir.display())),
    }
}

/// Reads a request.
pub(super) async fn receive(stream: &mut UnixStream) -> Result<Request, String> {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.take(LONGEST));
    reader.read_line(&mut line).await.map_err(|e| format!("cannot read a request: {e}"))?;
    Request::parse(&line).ok_or_else(|| format!("not a request: {line}"))
}

/// Answers it.
pub(super) async fn answer(mut stream: UnixStream, outcome: Result<String, String>) {
    let answer = match outcome {
        Ok(text) => json!({ "text": text }),
        Err(error) => json!({ "error": error }),
    };
    if let Err(e) = stream.write_all(format!("{answer}\n").as_bytes()).await {
        tracing::debug!("whoever asked has gone: {e}");
    }
}

impl Request {
    fn to_json(&self) -> Value {
        match self {
            Self::Display => json!({ "verb": "display" }),
            Self::ScaleOut { db, kv, tiflash } => {
                json!({ "verb": "scale-out", "db": db, "kv": kv, "tiflash": tiflash })
            }
            Self::ScaleIn { pid } => json!({ "verb": "scale-in", "pid": pid }),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let request: Value = serde_json::from_str(line).ok()?;
        let count = |name: &str| usize::try_from(request[name].as_u64()?).ok();
        match request["verb"].as_str()? {
            "display" => Some(Self::Display),
            "scale-out" => Some(Self::ScaleOut { db: count("db")?, kv: count("kv")?, tiflash: count("tiflash")? }),
            "scale-in" => Some(Self::ScaleIn { pid: u32::try_from(request["pid"].as_u64()?).ok()? }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_are_written() {
        for request in [Request::Display, Request::ScaleOut { db: 1, kv: 0, tiflash: 2 }, Request::ScaleIn { pid: 7 }] {
            assert_eq!(Request::parse(&request.to_json().to_string()), Some(request));
        }
        for wrong in ["", "display", "{}", r#"{"verb":"scale-in"}"#] {
            assert_eq!(Request::parse(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_request_reaches_the_playground_and_its_answer_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        assert!(ask(dir.path(), &Request::Display).await.unwrap_err().contains("no playground runs"));
        let listener = listen(dir.path()).await.unwrap();
        assert!(listen(dir.path()).await.unwrap_err().contains("already"));
        // The look of the second one is a connection without a request.
        drop(listener.accept().await.unwrap());
        let (asked, ()) = tokio::join!(ask(dir.path(), &Request::ScaleIn { pid: 3 }), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = receive(&mut stream).await.unwrap();
            answer(stream, Ok(format!("{request:?}"))).await;
        });
        assert_eq!(asked.unwrap(), "ScaleIn { pid: 3 }");
    }
}
