//! What is written to the log at once, and durable as a whole or not at all: a *frame*.
//!
//! | bytes | content |
//! |---|---|
//! | 0..4 | `DTR1` |
//! | 4..8 | length of the payload (u32, little-endian, as all numbers here) |
//! | 8..16 | which log: a number drawn when it was created |
//! | 16..24 | number of the frame, one more than that of the frame before |
//! | 24..32 | xxh3 of bytes 0..24, then of the payload, mixed |
//! | 32.. | payload: [`FrameState`], then the entries (postcard) |
//!
//! Frames start at multiples of [`ALIGNMENT`], so that no sector of the disk holds parts of two of them: one that
//! is torn by a power loss takes no other with it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::codec::encode_into;
use crate::error::{Error, Result};
use crate::raft::{Entry, LogId, NodeId};

/// See the module.
pub(super) const ALIGNMENT: usize = 512;

const MAGIC: [u8; 4] = *b"DTR1";
const HEADER: usize = 32;

/// What is to know about the log as of a frame, so that nothing of it has to be looked for in older ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FrameState {
    pub(super) vote: Option<openraft::Vote<NodeId>>,
    pub(super) committed: Option<LogId>,
    /// Entries up to this one are not needed any more.
    pub(super) purged: Option<LogId>,
    /// Index of the frame's first entry or, if it has none, of the one that comes next. Older entries from there
    /// on are void.
    pub(super) first: u64,
    /// How many entries the frame has.
    pub(super) entries: u32,
}

/// A frame that is whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) log: u64,
    pub(super) number: u64,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Appends a frame to `buffer`, with what fills it up to [`ALIGNMENT`]. Fails only on entries of more than 4 GiB
    /// and those that cannot be written down.
    pub(super) fn encode(
        log: u64,
        number: u64,
        state: &FrameState,
        entries: &[Entry],
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        let start = buffer.len();
        buffer.extend(MAGIC);
        buffer.extend([0; 4]);
        buffer.extend(log.to_le_bytes());
        buffer.extend(number.to_le_bytes());
        buffer.extend([0; 8]);
        let mut written = encode_into(state, std::mem::take(buffer))?;
        for entry in entries {
            written = encode_into(entry, written)?;
        }
        *buffer = written;
        let frame = &mut buffer[start..];
        let length = u32::try_from(frame.len() - HEADER)
            .map_err(|_| Error::Invalid("entries of more than 4 GiB cannot be appended to the log at once".into()))?;
        frame[4..8].copy_from_slice(&length.to_le_bytes());
        let sum = checksum(&frame[..24], &frame[HEADER..]);
        frame[24..32].copy_from_slice(&sum.to_le_bytes());
        let padded = start + (buffer.len() - start).next_multiple_of(ALIGNMENT);
        buffer.resize(padded, 0);
        Ok(())
    }

    /// The frame that `bytes` start with, unless there is none, or it is not whole.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        if header[..4] != MAGIC {
            return None;
        }
        let length = u32::from_le_bytes(header[4..8].try_into().ok()?);
        let payload = rest.get(..length as usize)?;
        let number_at = |at: usize| header[at..at + 8].try_into().ok().map(u64::from_le_bytes);
        let frame = Self { log: number_at(8)?, number: number_at(16)?, payload };
        (number_at(24)? == checksum(&header[..24], payload)).then_some(frame)
    }

    /// Bytes that it takes in the file.
    pub(super) fn size(&self) -> u64 {
        (HEADER + self.payload.len()).next_multiple_of(ALIGNMENT) as u64
    }

    /// What it says about the log.
    pub(super) fn state(&self) -> Result<FrameState> {
        postcard::from_bytes(self.payload).map_err(undecodable)
    }

    /// Its entries.
    pub(super) fn entries(&self) -> Result<Vec<Entry>> {
        let (state, mut rest) = postcard::take_from_bytes::<FrameState>(self.payload).map_err(undecodable)?;
        let mut entries = Vec::with_capacity((state.entries as usize).min(rest.len()));
        for _ in 0..state.entries {
            let (entry, after) = postcard::take_from_bytes(rest).map_err(undecodable)?;
            entries.push(entry);
            rest = after;
        }
        Ok(entries)
    }
}

fn checksum(header: &[u8], payload: &[u8]) -> u64 {
    xxh3_64_with_seed(payload, xxh3_64(header))
}

/// The checksum held, so that it was written like this.
fn undecodable(e: postcard::Error) -> Error {
    Error::Corrupt { what: "log", reason: format!("a whole frame cannot be decoded: {e}") }
}
