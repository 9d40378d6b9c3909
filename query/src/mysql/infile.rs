//! `LOAD DATA LOCAL`: the server asks for a file, and the client sends it in packets up to an empty one.

use std::io::Result;

use bytes::Bytes;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::packet::{PacketReader, PacketWriter};

/// Packets that may wait for a statement that is slower than the client.
pub(super) const PACKETS_AHEAD: usize = 4;

/// Asks the client for a file.
pub(super) async fn ask(writer: &mut PacketWriter<OwnedWriteHalf>, file: &str) -> Result<()> {
    let out = writer.begin();
    out.push(0xFB);
    out.extend_from_slice(file.as_bytes());
    writer.end();
    writer.flush().await
}

/// Receives the file. Whoever stops listening does not stop the client: all of it is read. False if the
/// client left.
pub(super) async fn receive(reader: &mut PacketReader, pieces: mpsc::Sender<Bytes>) -> Result<bool> {
    loop {
        match reader.read().await? {
            None => return Ok(false),
            Some(packet) if packet.is_empty() => return Ok(true),
            Some(packet) => {
                // The statement may have failed already.
                let _ = pieces.send(packet.into()).await;
            }
        }
    }
}
