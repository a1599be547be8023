//! The tables: append and scan over Delta Lake tables of events, spans and metric points.
//!
//! Start reading at [`Archive`]: it appends batches in one commit ([`Archive::append`]) and reads
//! them back in a total order ([`Archive::scan`]), wherever the [`Location`] points.

mod append;
mod archive;
mod error;
mod location;
mod scan;

pub use append::{Appended, Transaction};
pub use archive::Archive;
pub use error::Error;
pub use location::Location;
pub use scan::Scan;
pub use scan::predicate::{Op, Predicate, Value};
pub use scan::request::ScanRequest;
pub use scan::statistics::ScanStatistics;
