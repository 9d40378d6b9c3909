//! Statements: reading them, and running each kind.
//!
//! - [`split`], [`words`], [`parse`], [`set_parse`]: from text to [`ParsedStatement`]
//! - [`dispatch`]: which file runs what
//! - [`select`], [`explain`]: queries; [`point_select`]: for one row by primary key, without the planner;
//!   [`key_range`]: for a few, with a plan that is kept
//! - [`insert`], [`rows`], [`values`], [`conflict`], [`insert_batch`]: new rows
//! - [`load_data`], [`import_into`]: rows of files
//! - [`target`], [`update`], [`delete`]: changed rows; [`point`]: one row by primary key, without the planner
//! - [`definition`], [`constraint`], [`check`], [`create_table`], [`alter_table`], [`schema_change`]: definitions
//! - [`view`]: views, and their queries in the place of their names
//! - [`account`], [`authorize`]: accounts, and what a session may run
//! - [`show`]: what clients ask about the server

mod account;
mod alter_table;
mod authorize;
mod check;
mod conflict;
mod constraint;
mod create_table;
mod definition;
mod delete;
mod dispatch;
mod explain;
mod import_into;
mod insert;
mod insert_batch;
mod key_range;
pub(crate) mod load_data;
mod maintenance;
mod parse;
mod parsed;
mod placeholder;
mod point;
mod point_key;
mod point_select;
mod rows;
mod schema_change;
mod select;
mod set;
mod set_parse;
mod show;
mod split;
mod target;
mod update;
mod values;
mod view;
mod words;

pub use parsed::ParsedStatement;

pub(crate) use check::RowCheck;
pub(crate) use insert_batch::repeat;
pub(crate) use parse::parse;
pub(crate) use parsed::TransactionStatement;
pub(crate) use schema_change::change_definitions;
pub(crate) use select::select_items;
pub(crate) use show::like;
pub(crate) use view::ViewUse;
