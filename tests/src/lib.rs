//! End to end: real agents, real clients, faults.
//!
//! The library is what the tests in `tests/` share: a scripted [`model`] and the [`agents`] driven
//! against it, an OTLP [`client`] and the [`captures`] it replays, the project's own programs as
//! [`processes`], and what the archive holds as [`records`].

pub mod agents;
pub mod backend;
pub mod binaries;
pub mod captures;
pub mod chaos;
pub mod client;
pub mod faulty_disk;
pub mod flood;
pub mod guests;
pub mod ledger;
pub mod load;
pub mod lossy_proxy;
pub mod model;
pub mod operation;
pub mod processes;
pub mod random;
pub mod receipts;
pub mod records;
pub mod retrying;
pub mod sdk;
pub mod shown;
pub mod small;
pub mod table_files;
pub mod truth;
