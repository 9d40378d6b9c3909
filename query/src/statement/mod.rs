//! Statements: reading them, and running each kind.
//!
//! - [`split`], [`words`], [`parse`], [`set_parse`]: from text to [`ParsedStatement`]
//! - [`dispatch`]: which file runs what
//! - [`select`], [`explain`]: queries; [`as_of`]: of the past; [`point_select`]: for one row by primary key, without the planner
//! - [`insert`], [`rows`], [`values`], [`conflict`], [`insert_batch`]: new rows; [`load_data`], [`import_into`]: of files
//! - [`target`], [`update`], [`delete`]: changed rows
//! - [`keyed`]: queries for, and changes of, a few rows by key, without planning how to find them
//! - [`definition`], [`constraint`], [`check`], [`create_table`], [`alter_table`], [`schema_change`]: definitions
//! - [`add_index`], [`convert_column`]: schema changes in steps, over rows that are being written; [`online_change`]: the
//!   steps; [`row_batches`]: those rows; [`hidden_column`]: what writers do meanwhile; [`unfinished`]: what is left by a
//!   process that died
//! - [`view`]: views, and their queries in the place of their names
//! - [`account`], [`authorize`]: accounts, and what a session may run
//! - [`show`]: what clients ask about the server

mod account;
mod add_index;
mod alter_table;
mod as_of;
mod authorize;
mod check;
mod conflict;
mod constraint;
mod convert_column;
mod create_table;
mod definition;
mod delete;
mod dispatch;
mod explain;
mod hidden_column;
mod import_into;
mod insert;
mod insert_batch;
mod keyed;
pub(crate) mod load_data;
mod maintenance;
mod online_change;
mod parse;
mod parsed;
mod placeholder;
mod point_key;
mod point_select;
mod row_batches;
mod rows;
mod schema_change;
mod select;
mod set;
mod set_parse;
mod show;
mod split;
mod target;
mod unfinished;
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
pub(crate) use unfinished::{forget_all, forget_unfinished};
pub(crate) use view::ViewUse;
