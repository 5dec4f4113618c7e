//! Import and export of record files (NDJSON, CSV, JSON): parsing into commands, ordering, writing, error reports.
//!
//! Invariant: the command line, bulk requests and exports all use this module, so a file means the same to each.

mod answer;
pub(crate) mod csv;
mod encoding;
mod end;
mod export;
mod format;
mod json_array;
mod kept;
mod ndjson;
mod order;
mod report;

pub(crate) use answer::{BulkAnswer, KeptAsAttribute, made_units, second_parents};
pub use csv::records_of_csv;
pub(crate) use csv::{ColumnMapping, CsvFile, CsvOptions, read_csv};
pub(crate) use encoding::{decoded, encoding_named};
pub(crate) use end::lowest_first;
pub use export::export;
pub(crate) use export::{Export, ExportKind, ExportSelection};
pub use format::Format;
pub(crate) use json_array::JsonItems;
pub(crate) use kept::{KeptFields, similar_field};
pub(crate) use ndjson::{ReadOptions, ReadRecord, read_line, read_record};
pub use ndjson::{command_of_line, command_of_record, commands_of_lines};
pub use order::in_order;
pub(crate) use report::{RecordRefusal, Report, upsert_advice, upsert_helps};
