//! Damage to the bytes of a file: what disks, cables, other programs and forgers do.

use proptest::prelude::*;
use proptest::sample::Index;

/// Numbers at which lengths, counts and offsets go wrong.
const LIMITS: [u64; 20] = [
    0,
    1,
    63,
    64,
    65,
    127,
    128,
    255,
    256,
    8191,
    8192,
    8193,
    u16::MAX as u64,
    u32::MAX as u64 - 1,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    i64::MAX as u64,
    i64::MAX as u64 + 1,
    u64::MAX - 1,
    u64::MAX,
];

/// One piece of damage.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// Another byte.
    Set(Place, u8),
    /// Another number, little-endian, of so many bytes.
    Number(Place, u64, usize),
    /// A number of variable length in the place of a byte.
    Varint(Place, u64),
    /// Further bytes.
    Insert(Place, Vec<u8>),
    /// So many bytes are gone.
    Remove(Place, usize),
    /// So many bytes come a second time, elsewhere.
    Repeat(Place, Place, usize),
    /// The rest is gone.
    Cut(Place),
}

/// Where: half of all damage is near the front, where the structure is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    index: Index,
    front: bool,
}

impl Place {
    fn of(&self, bytes: &[u8]) -> usize {
        self.index.index(if self.front { bytes.len().min(128) } else { bytes.len() } + 1)
    }
}

/// One to four pieces of damage.
pub(crate) fn damage() -> BoxedStrategy<Vec<Damage>> {
    let place = || (any::<Index>(), any::<bool>()).prop_map(|(index, front)| Place { index, front }).boxed();
    let number = || prop_oneof![prop::sample::select(LIMITS.to_vec()), any::<u64>(), 0..300u64].boxed();
    let piece = prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (place(), number(), prop::sample::select(vec![2, 4, 8])).prop_map(|(at, n, len)| Damage::Number(at, n, len)),
        (place(), number()).prop_map(|(at, n)| Damage::Varint(at, n)),
        (place(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (place(), 1..100usize).prop_map(|(at, len)| Damage::Remove(at, len)),
        (place(), place(), 1..100usize).prop_map(|(from, to, len)| Damage::Repeat(from, to, len)),
        place().prop_map(Damage::Cut),
    ];
    prop::collection::vec(piece, 1..5).boxed()
}

/// The bytes with all of the damage.
pub(crate) fn damaged(bytes: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    damage.iter().for_each(|piece| piece.apply(&mut out));
    out
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let range = |bytes: &[u8], at: &Place, len: usize| {
            let at = at.of(bytes);
            at..(at + len).min(bytes.len())
        };
        match self {
            Self::Set(at, byte) => {
                let range = range(bytes, at, 1);
                bytes[range].fill(*byte);
            }
            Self::Number(at, number, len) => {
                let range = range(bytes, at, *len);
                let len = range.len();
                bytes[range].copy_from_slice(&number.to_le_bytes()[..len]);
            }
            Self::Varint(at, number) => {
                let range = range(bytes, at, 1);
                bytes.splice(range, varint(*number));
            }
            Self::Insert(at, more) => {
                let range = range(bytes, at, 0);
                bytes.splice(range, more.iter().copied());
            }
            Self::Remove(at, len) => {
                let range = range(bytes, at, *len);
                bytes.drain(range);
            }
            Self::Repeat(from, to, len) => {
                let again = bytes[range(bytes, from, *len)].to_vec();
                let range = range(bytes, to, 0);
                bytes.splice(range, again);
            }
            Self::Cut(at) => bytes.truncate(at.of(bytes)),
        }
    }
}

/// As postcard writes numbers: seven bits a byte, lowest first.
fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
    out
}
