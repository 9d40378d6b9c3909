//! Dates and times.

pub(super) mod arithmetic;
pub(super) mod convert;
pub(super) mod format;
pub(super) mod parts;
pub(super) mod str_to_date;
pub(super) mod unit;
pub(super) mod week;
