//! The tables: append and scan over Delta Lake tables of events, spans and metric points.
//!
//! Start reading at [`Archive`]: it appends batches in one commit ([`Archive::append`]) and reads
//! them back in a total order ([`Archive::scan`]), wherever the [`Location`] points.
//! [`Archive::compact`] and its neighbours keep that fast.

mod append;
mod archive;
mod durable_store;
mod error;
mod evolution;
mod existing;
mod location;
mod maintenance;
mod order;
mod partition;
mod scan;
mod statistics;
mod table_definition;
mod table_handle;
mod write;

pub use append::{Appended, Transaction};
pub use archive::Archive;
pub use error::Error;
pub use location::Location;
pub use maintenance::check::{CheckProgress, Checked, Finding, FindingKind};
pub use maintenance::clean::{Amount, CleanOptions, Cleaned};
pub use maintenance::compact::{CompactOptions, CompactProgress, Compacted};
pub use maintenance::retain::Retained;
pub use maintenance::stat::TableStat;
pub use scan::Scan;
pub use scan::predicate::{Op, Predicate};
pub use scan::request::ScanRequest;
pub use scan::statistics::ScanStatistics;
pub use scan::value::Value;
