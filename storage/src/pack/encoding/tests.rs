//! Whatever goes into a block comes out.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::take;
use arrow::datatypes::i256;
use bytes::Bytes;
use proptest::prelude::*;

use super::block::Encoding;
use super::*;
use crate::types::{KeyArray, KeyRef, StoredType};

/// Encodes, checks that all and some rows come back, and tells the encoding and the bytes.
pub(super) fn round_trip(array: impl Array + 'static, data_type: StoredType) -> (Encoding, Bytes) {
    let array: ArrayRef = Arc::new(array);
    let rows = array.len();
    let block = Bytes::from(encode(&array, data_type).unwrap());
    for trust in [Trust::Fresh, Trust::Checked] {
        let decoded = decode(&block, data_type, rows, trust).unwrap();
        assert_eq!(decoded.as_ref(), array.as_ref());
        assert_eq!(decoded.to_data().validate_full().map_err(|e| e.to_string()), Ok(()));
    }
    for step in [1, 2, 7, 31, 100, 3000] {
        let wanted: Vec<u32> = (0..rows as u32).skip(step / 2).step_by(step).collect();
        let some = decode_rows(&block, data_type, rows, &wanted).unwrap();
        assert_eq!(some.as_ref(), take(&array, &UInt32Array::from(wanted), None).unwrap().as_ref());
    }
    (Encoding::of(block[0]).unwrap(), block)
}

const N: i64 = 8192;

pub(super) fn scattered(i: i64) -> i64 {
    let mut h = (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (h >> 20) as i64
}

#[test]
fn each_kind_of_numbers_gets_its_encoding() {
    let encoding = |values: Int64Array| round_trip(values, StoredType::Int64).0;
    assert_eq!(encoding((0..N).map(|_| 42).collect()), Encoding::Constant);
    assert_eq!(encoding((0..N).map(|i| scattered(i) % 1000).collect()), Encoding::BitPacked);
    assert_eq!(encoding((0..N).map(|i| scattered(i / 100)).collect()), Encoding::Rle);
    assert_eq!(encoding((0..N).map(|i| i * 1_000_000 + scattered(i) % 100).collect()), Encoding::Delta);
    assert_eq!(encoding((0..N).map(|i| scattered(scattered(i) % 50)).collect()), Encoding::Dictionary);
    assert_eq!(encoding((0..N).map(|i| scattered(i) << 20 ^ scattered(i)).collect()), Encoding::Plain);
    assert_eq!(encoding((0..N).map(|i| (i % 3 > 0).then_some(7)).collect()), Encoding::Constant);
    assert_eq!(encoding(Int64Array::from(vec![None; 100])), Encoding::Plain);
    assert_eq!(encoding(Int64Array::from(vec![i64::MIN, i64::MAX, 0])), Encoding::Plain);
}

#[test]
fn each_kind_of_text_gets_its_encoding() {
    let encoding = |value: &dyn Fn(i64) -> Option<String>| {
        let text: StringViewArray = (0..N).map(value).collect();
        let binary: BinaryViewArray = (0..N).map(|i| value(i).map(String::into_bytes)).collect();
        assert_eq!(round_trip(binary, StoredType::Binary).0, round_trip(text.clone(), StoredType::Utf8).0);
        round_trip(text, StoredType::Utf8).0
    };
    assert_eq!(encoding(&|_| Some("the very same thing everywhere".into())), Encoding::Constant);
    assert_eq!(encoding(&|i| (i % 9 > 0).then(|| "same".into())), Encoding::Constant);
    assert_eq!(encoding(&|i| (i % 11 > 0).then(|| format!("category {}", i % 25))), Encoding::Dictionary);
    assert_eq!(encoding(&|i| Some(format!("carefully number {i} of the deposits sleeps"))), Encoding::Fsst);
    assert_eq!(encoding(&|i| Some(format!("{i} ").repeat(100))), Encoding::Zstd);
    let noise = |i| (0..9).map(|k| scattered(i * 9 + k) as u8).collect::<Vec<_>>();
    let noise: BinaryViewArray = (0..N).map(|i| (i % 5 > 0).then(|| noise(i))).collect();
    assert_eq!(round_trip(noise, StoredType::Binary).0, Encoding::Plain);
}

#[test]
fn decimals_and_floats_get_their_encodings() {
    let decimals = |value: &dyn Fn(i64) -> i128| {
        let array: Decimal128Array = (0..N).map(|i| (i % 13 > 0).then(|| value(i))).collect();
        round_trip(array.with_precision_and_scale(38, 2).unwrap(), StoredType::Decimal128(38, 2)).0
    };
    assert_eq!(decimals(&|i| i128::from(scattered(i) % 100_000)), Encoding::BitPacked);
    assert_eq!(decimals(&|i| (1 << 80) + i128::from(scattered(i) % 100_000)), Encoding::Planes);
    assert_eq!(decimals(&|_| 1 << 80), Encoding::Constant);
    assert_eq!(decimals(&|_| 5), Encoding::Constant);
    let big: Decimal256Array = (0..N).map(|i| Some(i256::from_i128(scattered(i).into()))).collect();
    let big = big.with_precision_and_scale(60, 0).unwrap();
    assert_eq!(round_trip(big, StoredType::Decimal256(60, 0)).0, Encoding::Planes);

    let floats = |value: &dyn Fn(i64) -> f64| {
        round_trip((0..N).map(|i| (i % 7 > 0).then(|| value(i))).collect::<Float64Array>(), StoredType::Float64).0
    };
    assert_eq!(floats(&|i| (scattered(i) % 100_000) as f64 / 100.0), Encoding::Decimals);
    assert_eq!(floats(&|i| (scattered(i) as f64).sqrt()), Encoding::Plain);
    assert_eq!(floats(&|i| [0.0, -0.0, f64::NAN, f64::INFINITY][i as usize % 4]), Encoding::Zstd);
    assert_eq!(floats(&|_| f64::NAN), Encoding::Constant);
    let single: Float32Array = (0..N).map(|i| Some((scattered(i) % 10_000) as f32 / 10.0)).collect();
    assert_eq!(round_trip(single, StoredType::Float32).0, Encoding::Decimals);
}

#[test]
fn narrow_and_unsigned_types_keep_their_extremes() {
    round_trip(Int8Array::from(vec![i8::MIN, -1, 0, i8::MAX]), StoredType::Int8);
    round_trip(UInt8Array::from_iter_values((0..N).map(|i| scattered(i) as u8)), StoredType::UInt8);
    round_trip(UInt16Array::from_iter_values((0..N).map(|i| scattered(i) as u16 | 1)), StoredType::UInt16);
    round_trip(UInt32Array::from(vec![0, 5, u32::MAX]), StoredType::UInt32);
    round_trip(
        UInt64Array::from_iter_values((0..N).map(|i| u64::MAX - (scattered(i) as u64 % 99))),
        StoredType::UInt64,
    );
    round_trip(Date32Array::from_iter_values((0..N).map(|i| scattered(i) as i32 % 3000)), StoredType::Date32);
    let ts = TimestampMicrosecondArray::from_iter_values((0..N).map(|i| i * 1_000_000));
    round_trip(ts.clone(), StoredType::TimestampMicros);
    round_trip(ts.with_timezone("UTC"), StoredType::TimestampMicrosUtc);
    round_trip(DurationMicrosecondArray::from_iter_values((0..N).map(|i| -i)), StoredType::DurationMicros);
}

pub(super) fn key_blocks() -> Vec<(KeyArray, Encoding)> {
    let composite: BinaryArray = (0..N)
        .map(|i| {
            let mut key = vec![3];
            key.extend((i / 4 * 32).to_be_bytes());
            key.push(3);
            key.extend((i % 4).to_be_bytes());
            Some(key)
        })
        .collect();
    let text: BinaryArray = (0..N).map(|i| Some(format!("{:06}{}", i * 3, "x".repeat(i as usize % 3)))).collect();
    vec![
        (KeyArray::Int((0..N).map(|i| i * 3).collect()), Encoding::Constant),
        (KeyArray::Int((0..N).map(|i| i * 300 + scattered(i) % 3).collect()), Encoding::Delta),
        (KeyArray::Int((0..N).map(|i| i / 8 * 4096 + i % 8 * (i / 8 % 300) + i % 8).collect()), Encoding::BitPacked),
        (KeyArray::Int(Int64Array::from(vec![5, 9])), Encoding::BitPacked),
        (KeyArray::Bytes(composite), Encoding::Planes),
        (KeyArray::Bytes(text), Encoding::Zstd),
    ]
}

#[test]
fn keys_come_back_and_are_found() {
    for (keys, _) in key_blocks() {
        let block = Bytes::from(encode_keys(&keys));
        let decoded = decode_keys(&block, keys.kind(), keys.len()).unwrap();
        assert_eq!(decoded.as_array(), keys.as_array());
        KeyBlock::with(&block, keys.kind(), keys.len(), |block| {
            for row in 0..keys.len() {
                assert_eq!(block.lower_bound(keys.get(row), 0), (row, true));
                assert_eq!(block.lower_bound(keys.get(row), row.saturating_sub(300)), (row, true));
                let between = match keys.get(row) {
                    KeyRef::Int(key) => crate::types::RowKey::Int(key + 1),
                    KeyRef::Bytes(key) => crate::types::RowKey::Bytes([key, b"\0"].concat().into()),
                };
                let next = (row + 1 < keys.len() && keys.get(row + 1) == between.as_ref(), row + 1);
                assert_eq!(block.lower_bound(between.as_ref(), 0), (next.1, next.0));
            }
        })
        .unwrap();
    }
}

proptest! {
    #[test]
    fn any_numbers_come_back(values in prop::collection::vec(any::<Option<i64>>(), 1..700), shift in 0..64u32) {
        round_trip(values.iter().map(|v| v.map(|v| v >> shift)).collect::<Int64Array>(), StoredType::Int64);
    }

    #[test]
    fn any_text_comes_back(values in prop::collection::vec(any::<Option<String>>(), 1..300)) {
        round_trip(values.into_iter().collect::<StringViewArray>(), StoredType::Utf8);
    }

    #[test]
    fn any_floats_come_back(values in prop::collection::vec(any::<Option<f64>>(), 1..300)) {
        round_trip(values.into_iter().collect::<Float64Array>(), StoredType::Float64);
    }
}
