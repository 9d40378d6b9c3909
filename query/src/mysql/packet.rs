//! Packets: the frames of the MySQL protocol.
//!
//! A frame is a 3-byte little-endian length, a sequence number and the payload. A payload of
//! 16 MiB − 1 bytes or more continues in the next frame, and ends with a shorter (maybe empty) one.
//! The sequence number starts at 0 with every command and counts the frames of both sides.
//!
//! What a peer claims is never trusted: the reader grows its buffer as bytes arrive, not by the length
//! announced, and refuses a payload above its limit.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;

/// Payload bytes of a frame that another one follows.
const FULL_FRAME: usize = 0xFF_FFFF;
const HEADER: usize = 4;
/// How much is read from the socket at a time.
const READ_CHUNK: usize = 16 << 10;
/// Output is sent when this much is waiting.
const FLUSH_BYTES: usize = 64 << 10;

/// Reads payloads from a socket.
pub(crate) struct PacketReader {
    socket: OwnedReadHalf,
    /// Bytes received and not yet consumed start at `consumed`.
    buffer: Vec<u8>,
    consumed: usize,
    /// Largest payload accepted, in bytes.
    limit: usize,
    /// Sequence number that the next frame must carry.
    sequence: u8,
}

impl PacketReader {
    /// Reads from `socket`; payloads above `limit` bytes are refused.
    pub(crate) fn new(socket: OwnedReadHalf, limit: usize) -> Self {
        Self { socket, buffer: Vec::new(), consumed: 0, limit, sequence: 0 }
    }

    /// Changes the largest payload accepted.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Starts a new command: the next frame carries number 0.
    pub(crate) fn reset_sequence(&mut self) {
        self.sequence = 0;
    }

    /// Sequence number that the answer starts with.
    pub(crate) fn sequence(&self) -> u8 {
        self.sequence
    }

    /// Takes over the sequence after this side has sent frames.
    pub(crate) fn set_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// The next payload; `None` if the peer closed the connection between two of them.
    ///
    /// Fails with [`ErrorKind::InvalidData`] on frames out of order and [`ErrorKind::FileTooLarge`] on
    /// a payload above the limit; the connection cannot go on after either.
    pub(crate) async fn read(&mut self) -> Result<Option<Vec<u8>>> {
        let mut payload = Vec::new();
        loop {
            if !self.fill(HEADER).await? {
                if payload.is_empty() && self.buffer.len() == self.consumed {
                    return Ok(None);
                }
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let header = &self.buffer[self.consumed..self.consumed + HEADER];
            let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
            if header[3] != self.sequence {
                return Err(Error::new(ErrorKind::InvalidData, "packets out of order"));
            }
            self.sequence = self.sequence.wrapping_add(1);
            if payload.len() + length > self.limit {
                return Err(ErrorKind::FileTooLarge.into());
            }
            self.consumed += HEADER;
            let mut missing = length;
            while missing > 0 {
                if self.buffer.len() == self.consumed && !self.fill(1).await? {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                let n = missing.min(self.buffer.len() - self.consumed);
                payload.extend_from_slice(&self.buffer[self.consumed..self.consumed + n]);
                self.consumed += n;
                missing -= n;
            }
            if length < FULL_FRAME {
                return Ok(Some(payload));
            }
        }
    }

    /// Waits until the peer has closed its side. Never returns if it sends more bytes instead: a
    /// pipelining client is alive. May be dropped at any point.
    pub(crate) async fn closed(&mut self) {
        if self.buffer.len() == self.consumed {
            let mut byte = [0];
            match self.socket.peek(&mut byte).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        std::future::pending().await
    }

    /// Makes `n` unconsumed bytes available; false at end of stream.
    async fn fill(&mut self, n: usize) -> Result<bool> {
        if self.consumed == self.buffer.len() {
            self.buffer.clear();
            self.consumed = 0;
        }
        while self.buffer.len() - self.consumed < n {
            self.buffer.reserve(READ_CHUNK);
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Collects payloads and writes them as frames.
pub(crate) struct PacketWriter<W> {
    socket: W,
    buffer: Vec<u8>,
    /// Where the frame under construction starts.
    frame: usize,
    sequence: u8,
}

impl<W: AsyncWrite + Unpin> PacketWriter<W> {
    /// Writes to `socket`.
    pub(crate) fn new(socket: W) -> Self {
        Self { socket, buffer: Vec::new(), frame: 0, sequence: 0 }
    }

    /// Sets the number of the next frame.
    pub(crate) fn set_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Number of the next frame.
    pub(crate) fn sequence(&self) -> u8 {
        self.sequence
    }

    /// Begins a payload; append to the buffer returned, then call [`PacketWriter::end`].
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        self.frame = self.buffer.len();
        self.buffer.extend_from_slice(&[0; HEADER]);
        &mut self.buffer
    }

    /// Drops the payload begun.
    pub(crate) fn abandon(&mut self) {
        self.buffer.truncate(self.frame);
    }

    /// Completes the payload begun.
    pub(crate) fn end(&mut self) {
        let mut start = self.frame;
        loop {
            let rest = self.buffer.len() - start - HEADER;
            let length = rest.min(FULL_FRAME);
            self.buffer[start..start + 3].copy_from_slice(&(length as u32).to_le_bytes()[..3]);
            self.buffer[start + 3] = self.sequence;
            self.sequence = self.sequence.wrapping_add(1);
            if length < FULL_FRAME {
                return;
            }
            start += HEADER + length;
            self.buffer.splice(start..start, [0; HEADER]);
        }
    }

    /// Sends what waits if it is much.
    pub(crate) async fn flush_if_large(&mut self) -> Result<()> {
        if self.buffer.len() >= FLUSH_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Sends what waits.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        self.socket.write_all(&self.buffer).await?;
        self.buffer.clear();
        // One huge row must not keep its memory for the life of the connection.
        self.buffer.shrink_to(4 * FLUSH_BYTES);
        self.socket.flush().await
    }
}

/// Appends a length-encoded integer.
pub(crate) fn put_length(out: &mut Vec<u8>, n: u64) {
    match n {
        0..=250 => out.push(n as u8),
        251..=0xFFFF => {
            out.push(0xFC);
            out.extend_from_slice(&(n as u16).to_le_bytes());
        }
        0x1_0000..=0xFF_FFFF => {
            out.push(0xFD);
            out.extend_from_slice(&n.to_le_bytes()[..3]);
        }
        _ => {
            out.push(0xFE);
            out.extend_from_slice(&n.to_le_bytes());
        }
    }
}

/// Appends bytes after their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads the fields of a payload from front to back; every read fails with `None` when too few bytes
/// are left.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    /// The next `N` bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|b| b[0])
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Bytes up to a zero byte, which is consumed too.
    pub(crate) fn until_zero(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|&b| b == 0)?;
        let bytes = self.take(end)?;
        self.take(1)?;
        Some(bytes)
    }

    /// A length-encoded integer.
    pub(crate) fn length(&mut self) -> Option<u64> {
        Some(match self.u8()? {
            0xFC => u64::from(self.u16()?),
            0xFD => {
                let b = self.array::<3>()?;
                u64::from(u32::from_le_bytes([b[0], b[1], b[2], 0]))
            }
            0xFE => u64::from_le_bytes(self.array()?),
            0xFB | 0xFF => return None,
            n => u64::from(n),
        })
    }

    /// Bytes after their length.
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = usize::try_from(self.length()?).ok()?;
        self.take(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn payloads_split_at_the_frame_limit() {
        for length in [0, 1, FULL_FRAME - 1, FULL_FRAME, FULL_FRAME + 1, 2 * FULL_FRAME] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            let sender = tokio::spawn(async move {
                let mut writer = PacketWriter::new(client);
                writer.begin().extend(std::iter::repeat_n(7, length));
                writer.end();
                writer.flush().await.unwrap();
                writer.sequence()
            });
            let (read, _write) = server.into_split();
            let mut reader = PacketReader::new(read, 64 << 20);
            let payload = reader.read().await.unwrap().unwrap();
            assert_eq!(payload.len(), length);
            assert_eq!(sender.await.unwrap(), reader.sequence());
            assert!(reader.read().await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn oversized_and_disordered_frames_are_refused() {
        let cases: [(&[u8], ErrorKind); 3] = [
            (&[0xFF, 0xFF, 0xFF, 0, 1, 2], ErrorKind::FileTooLarge),
            (&[1, 0, 0, 9, 1], ErrorKind::InvalidData),
            (&[5, 0, 0, 0, 1], ErrorKind::UnexpectedEof),
        ];
        for (bytes, expected) in cases {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (server, _) = listener.accept().await.unwrap();
            client.write_all(bytes).await.unwrap();
            drop(client);
            let (read, _write) = server.into_split();
            let mut reader = PacketReader::new(read, 1 << 20);
            assert_eq!(reader.read().await.unwrap_err().kind(), expected);
        }
    }

    #[test]
    fn lengths_round_trip() {
        for n in [0, 250, 251, 0xFFFF, 0x1_0000, 0xFF_FFFF, 0x100_0000, u64::MAX] {
            let mut out = Vec::new();
            put_length(&mut out, n);
            let mut fields = Fields(&out);
            assert_eq!(fields.length(), Some(n));
            assert!(fields.0.is_empty());
        }
    }
}
