//! Numbers for texts, in the order in which they come.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use datafusion::common::hash_utils::RandomState;

use super::column_codes::ColumnCodes;

/// Entries of the cache before the map.
const CACHE_BITS: u32 = 9;
/// Longest text whose view is the text itself.
const INLINE: u32 = 12;
/// No text has this view: it would be 4 GiB long.
const NO_VIEW: u128 = u128::MAX;

/// Texts of one column as the numbers `1 ..`.
#[derive(Debug)]
pub(super) struct TextCodes {
    numbers: HashMap<Arc<str>, u16, RandomState>,
    /// By number, from 1.
    texts: Vec<Arc<str>>,
    /// Views seen lately and their numbers. The view of a long text is a place in one array's buffers,
    /// and means nothing in the next.
    cache: Box<[(u128, u16)]>,
    caches_long: bool,
    /// Of the rows of the current array.
    codes: Vec<u16>,
}

impl Default for TextCodes {
    fn default() -> Self {
        let cache = vec![(NO_VIEW, 0); 1 << CACHE_BITS].into();
        Self { numbers: HashMap::default(), texts: Vec::new(), cache, caches_long: false, codes: Vec::new() }
    }
}

impl TextCodes {
    /// The number of a text; `None` if there are too many texts.
    fn number(&mut self, text: &str) -> Option<u16> {
        if let Some(&code) = self.numbers.get(text) {
            return Some(code);
        }
        let code = u16::try_from(self.texts.len() + 1).ok()?;
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, code);
        Some(code)
    }
}

impl ColumnCodes for TextCodes {
    fn bits(&self) -> u32 {
        usize::BITS - self.texts.len().leading_zeros()
    }

    fn cover(&mut self, array: &dyn Array) -> Option<u16> {
        let array = array.as_string_view_opt()?;
        if std::mem::take(&mut self.caches_long) {
            self.cache.fill((NO_VIEW, 0));
        }
        self.codes.clear();
        self.codes.reserve(array.len());
        for (row, &view) in array.views().iter().enumerate() {
            if array.is_null(row) {
                self.codes.push(0);
                continue;
            }
            let slot = slot(view);
            let (cached, mut code) = self.cache[slot];
            if cached != view {
                code = self.number(array.value(row))?;
                self.cache[slot] = (view, code);
                self.caches_long |= view as u32 > INLINE;
            }
            self.codes.push(code);
        }
        Some(0)
    }

    fn write(&self, _: &dyn Array, shift: u32, cells: &mut [u16]) {
        cells.iter_mut().zip(&self.codes).for_each(|(cell, code)| *cell |= code.wrapping_shl(shift));
    }

    fn values(&self, codes: &[u16]) -> ArrayRef {
        let mut values = StringViewBuilder::with_capacity(codes.len());
        for &code in codes {
            values.append_option((code as usize).checked_sub(1).map(|at| &self.texts[at]));
        }
        Arc::new(values.finish())
    }
}

/// Where the cache would have a view.
fn slot(view: u128) -> usize {
    let folded = (view as u64) ^ (view >> 64) as u64;
    (folded.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - CACHE_BITS)) as usize
}
