//! The daemon: receives OTLP, makes it durable, normalises it and commits it to the archive.
//!
//! Start reading at [`Collector::start`]; a request's way is `receive` -> `admit` -> `journal` ->
//! acknowledged, and from the journal `commit` takes it to the archive.

mod admit;
mod collector;
mod commit;
mod config;
mod error;
mod identity;
mod journal;
mod maintenance;
mod panics;
mod receive;
mod redaction;
#[cfg(test)]
mod simulation;

pub use collector::Collector;
pub use config::{CommitConfig, Config, JournalConfig, Limits, MaintenanceConfig};
pub use error::Error;
pub use panics::quiet_panics;
