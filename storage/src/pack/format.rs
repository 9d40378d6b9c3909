//! Header, trailer and names of pack files. `DESIGN.md` draws the whole file.
//!
//! ```text
//! 0       header   64 bytes   magic 8 · format u32 · zero u32 · file id u64 · zero 40
//! 64      blocks              each starts at a multiple of 64 and is padded with zeros to one
//! f       footer              postcard
//! e - 32  trailer  32 bytes   footer offset u64 · footer length u64 · xxh3 of footer u64 · magic 8
//! e       end of file
//! ```

use xxhash_rust::xxh3::xxh3_64;

use crate::types::FileId;

/// Rows of a zone, at most.
pub const ZONE_ROWS: usize = 8192;

/// Blocks start at multiples of this, so that any Arrow buffer can lie inside the mapped file.
pub(super) const ALIGNMENT: usize = 64;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const TRAILER_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"DeltaPck";
const END_MAGIC: &[u8; 8] = b"kcPatleD";
const FORMAT: u32 = 1;

const _: () = assert!(HEADER_BYTES.is_multiple_of(ALIGNMENT) && ZONE_ROWS <= u16::MAX as usize);

/// The name of a pack's file.
pub fn file_name(file: FileId) -> String {
    format!("{:016}.pack", file.0)
}

/// The file id in a name that [`file_name`] made; `None` for any other name.
pub fn parse_file_name(name: &str) -> Option<FileId> {
    let id = FileId(name.strip_suffix(".pack")?.parse().ok()?);
    (file_name(id) == name).then_some(id)
}

pub(super) fn header(file: FileId) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[16..24].copy_from_slice(&file.0.to_le_bytes());
    bytes
}

pub(super) fn trailer(footer_offset: u64, footer: &[u8]) -> [u8; TRAILER_BYTES] {
    let mut bytes = [0; TRAILER_BYTES];
    bytes[..8].copy_from_slice(&footer_offset.to_le_bytes());
    bytes[8..16].copy_from_slice(&(footer.len() as u64).to_le_bytes());
    bytes[16..24].copy_from_slice(&xxh3_64(footer).to_le_bytes());
    bytes[24..].copy_from_slice(END_MAGIC);
    bytes
}

/// Why a file is not a pack, and at which byte that shows.
pub(super) type Refusal = (u64, String);

/// Checks header, trailer and footer checksum; gives the footer's place.
pub(super) fn locate_footer(bytes: &[u8], file: FileId) -> Result<std::ops::Range<usize>, Refusal> {
    let (Some(head), Some(tail)) = (bytes.first_chunk::<HEADER_BYTES>(), bytes.last_chunk::<TRAILER_BYTES>()) else {
        return Err((bytes.len() as u64, "the file is too short for a pack".into()));
    };
    if head[..8] != *MAGIC {
        return Err((0, "the file does not begin as a pack".into()));
    }
    if head[8..12] != FORMAT.to_le_bytes() {
        return Err((8, format!("pack format {} is not known, only {FORMAT}", u32_at(head, 8))));
    }
    if head[16..24] != file.0.to_le_bytes() {
        return Err((16, format!("the pack calls itself file {}, not {file}", u64_at(head, 16))));
    }
    if *head != header(file) {
        return Err((0, "reserved bytes of the header are not zero".into()));
    }
    let trailer = (bytes.len() - TRAILER_BYTES) as u64;
    if tail[24..] != *END_MAGIC {
        return Err((trailer + 24, "the file does not end as a pack: it was cut short or never finished".into()));
    }
    let (offset, length) = (u64_at(tail, 0), u64_at(tail, 8));
    if offset < HEADER_BYTES as u64 || offset.checked_add(length) != Some(trailer) {
        return Err((trailer, format!("the footer cannot be {length} bytes at {offset}")));
    }
    let place = offset as usize..trailer as usize;
    if xxh3_64(&bytes[place.clone()]) != u64_at(tail, 16) {
        return Err((offset, "the footer's checksum does not match".into()));
    }
    Ok(place)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..].first_chunk().map_or(0, |b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |b| u64::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_their_own_inverse() {
        assert_eq!(parse_file_name(&file_name(FileId(42))), Some(FileId(42)));
        assert_eq!(parse_file_name(&file_name(FileId(u64::MAX))), Some(FileId(u64::MAX)));
        for other in ["42.pack", "+000000000000042.pack", "0000000000000042.log", "0000000000000042.pack.staging"] {
            assert_eq!(parse_file_name(other), None);
        }
    }
}
