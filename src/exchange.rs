//! Whole files of records: read into commands, put in order, written again, and reported where they are refused.
//!
//! Imports by the command line, bulk requests and exports all go through here, so a file means the same to each.

pub(crate) mod csv;
mod export;
mod format;
mod ndjson;
mod order;
mod report;

pub use csv::records_of_csv;
pub(crate) use export::Export;
pub use export::export;
pub use format::Format;
pub use ndjson::{command_of_line, command_of_record, commands_of_lines};
pub use order::in_order;
pub(crate) use report::{Counts, RecordRefusal, Report, merging_advice, merging_helps};
