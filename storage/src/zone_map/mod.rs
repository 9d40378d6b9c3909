//! What is known of a zone's column without reading it: bounds, NULLs, and a sketch of how many
//! distinct values there are.

mod builder;
mod ndv;
mod prune;
#[expect(clippy::module_inception, reason = "the type lives in the file of its name")]
mod zone_map;

pub use ndv::NdvSketch;
pub use prune::{Verdict, prune};
pub use zone_map::ZoneMap;
