//! No bytes whatever lead a decoder astray: they are refused, or give as many values as they say.

use std::sync::LazyLock;

use arrow::array::*;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::Index;

use super::tests::{key_blocks, round_trip, scattered};
use super::*;
use crate::testing::{damage, damaged, peak_bytes};
use crate::types::{KeyKind, KeyRef, StoredType};

const TYPES: [StoredType; 13] = [
    StoredType::Int8,
    StoredType::Int64,
    StoredType::UInt16,
    StoredType::UInt32,
    StoredType::Float32,
    StoredType::Float64,
    StoredType::Decimal128(20, 3),
    StoredType::Decimal256(60, 3),
    StoredType::Date32,
    StoredType::TimestampMicros,
    StoredType::DurationMicros,
    StoredType::Utf8,
    StoredType::Binary,
];

/// Decodes a block in every way, as a column of the type and as keys.
fn decode_in_every_way(block: &Bytes, data_type: StoredType, rows: usize) {
    // Rows take up to 128 bytes, of strings that differ in few positions.
    let limit = (1 << 20) + rows * 512 + block.len() * 64;
    let (decoded, peak) = peak_bytes(|| decode(block, data_type, rows, Trust::Fresh));
    assert!(peak < limit, "{peak} bytes for a block of {} and {rows} rows", block.len());
    if let Ok(array) = decoded {
        assert_eq!(array.len(), rows);
        assert_eq!(array.to_data().validate_full().map_err(|e| e.to_string()), Ok(()));
        assert_eq!(decode(block, data_type, rows, Trust::Checked).unwrap().as_ref(), array.as_ref());
        for step in [2, 31] {
            let wanted: Vec<u32> = (0..rows as u32).step_by(step).collect();
            let some = decode_rows(block, data_type, rows, &wanted).unwrap();
            let expected = arrow::compute::take(&array, &UInt32Array::from(wanted), None).unwrap();
            assert_eq!(some.as_ref(), expected.as_ref());
        }
        if let Some(coded) = decode_coded(block, data_type, rows).unwrap() {
            let all = arrow::compute::take(&coded.values, &UInt32Array::from(coded.codes), None).unwrap();
            assert_eq!(all.as_ref(), array.as_ref());
        }
    }
    for kind in [KeyKind::Int, KeyKind::Bytes] {
        let (decoded, peak) = peak_bytes(|| decode_keys(block, kind, rows));
        assert!(peak < limit, "{peak} bytes for a block of {} and {rows} rows", block.len());
        if let Ok(keys) = decoded {
            assert_eq!(keys.len(), rows);
            KeyBlock::with(block, kind, rows, |keys| {
                for from in [0, rows / 2, rows] {
                    for key in [KeyRef::Int(i64::MIN), KeyRef::Int(77), KeyRef::Int(i64::MAX), KeyRef::Bytes(b"0077")] {
                        let (row, _) = keys.lower_bound(key, from);
                        assert!(from <= row && row <= rows, "row {row} of {from}..{rows}");
                    }
                }
            })
            .unwrap();
        }
    }
}

/// Blocks of every encoding, with the types that they are of.
static SAMPLES: LazyLock<Vec<(Bytes, StoredType)>> = LazyLock::new(|| {
    const ROWS: i64 = 768;
    let numbers = |f: &dyn Fn(i64) -> i64| {
        let array: Int64Array = (0..ROWS).map(|i| (i % 10 > 0).then(|| f(i))).collect();
        (round_trip(array, StoredType::Int64).1, StoredType::Int64)
    };
    let text = |f: &dyn Fn(i64) -> String| {
        let array: StringViewArray = (0..ROWS).map(|i| (i % 7 > 0).then(|| f(i))).collect();
        (round_trip(array, StoredType::Utf8).1, StoredType::Utf8)
    };
    let floats = |f: &dyn Fn(i64) -> f64| {
        (round_trip((0..ROWS).map(f).collect::<Float64Array>(), StoredType::Float64).1, StoredType::Float64)
    };
    let decimals = |f: &dyn Fn(i64) -> i128| {
        let array = (0..ROWS).map(f).collect::<Decimal128Array>().with_precision_and_scale(38, 2).unwrap();
        (round_trip(array, StoredType::Decimal128(38, 2)).1, StoredType::Decimal128(38, 2))
    };
    let noise: BinaryViewArray = (0..ROWS).map(|i| Some(scattered(i).to_le_bytes())).collect();
    let mut samples = vec![
        numbers(&|_| 5),
        numbers(&|i| scattered(i) % 1000),
        numbers(&|i| scattered(i / 100)),
        numbers(&|i| i * 1_000_000 + i % 3),
        numbers(&|i| scattered(scattered(i) % 5)),
        numbers(&|i| scattered(i) << 20 ^ scattered(i)),
        (round_trip(Int64Array::from(vec![None; 100]), StoredType::Int64).1, StoredType::Int64),
        floats(&|i| (scattered(i) % 1000) as f64 / 10.0),
        floats(&|i| (scattered(i) as f64).sqrt()),
        floats(&|i| [0.0, -0.0, f64::NAN, f64::INFINITY][i as usize % 4]),
        floats(&|_| f64::NAN),
        decimals(&|i| (1 << 80) + i128::from(scattered(i) % 100_000)),
        text(&|_| "the very same thing".into()),
        text(&|i| format!("category {}", i % 25)),
        text(&|i| format!("number {i} of the deposits, étale")),
        text(&|i| format!("{i} ").repeat(100)),
        (round_trip(noise, StoredType::Binary).1, StoredType::Binary),
    ];
    samples.extend(key_blocks().into_iter().map(|(keys, _)| (Bytes::from(encode_keys(&keys)), StoredType::Int64)));
    samples
});

#[test]
fn there_is_a_sample_of_each_encoding() {
    let names: std::collections::BTreeSet<_> = SAMPLES.iter().map(|(block, _)| name(block[0]).unwrap()).collect();
    assert_eq!(names.len(), 10, "{names:?}");
}

#[test]
fn a_forged_length_of_compressed_text_takes_no_memory() {
    let (block, data_type) = SAMPLES.iter().find(|(block, _)| name(block[0]).unwrap() == "zstd").unwrap();
    for length in [1 << 20, 100 << 20, 1 << 32, u64::MAX] {
        let mut forged = block.to_vec();
        forged[8..16].copy_from_slice(&length.to_le_bytes());
        decode_in_every_way(&forged.into(), *data_type, 768);
    }
}

proptest! {
    #[test]
    fn forged_noise_is_refused_or_read(mut noise in prop::collection::vec(any::<u8>(), 0..300), encoding in 0..12u8,
                                       nulls in 0..4u8, rows in 1..400usize,
                                       data_type in prop::sample::select(TYPES.to_vec())) {
        if noise.len() >= 8 {
            noise[..8].copy_from_slice(&[encoding, nulls, 0, 0, rows as u8, (rows >> 8) as u8, 0, 0]);
        }
        decode_in_every_way(&Bytes::from(noise), data_type, rows);
    }

    #[test]
    fn forged_blocks_are_refused_or_read(sample in any::<Index>(), damage in damage(),
                                         other in prop::option::of(prop::sample::select(TYPES.to_vec()))) {
        let (block, data_type) = sample.get(&SAMPLES);
        let rows = u32::from_le_bytes([block[4], block[5], block[6], block[7]]) as usize;
        decode_in_every_way(&damaged(block, &damage).into(), other.unwrap_or(*data_type), rows);
    }
}
