//! The daemon: receives OTLP, makes it durable, normalises it and commits it to the archive.
//!
//! Start reading at [`Collector::start`]; a request's way is `receive` -> `admit` -> `journal` ->
//! acknowledged, and from the journal `commit` takes it to the archive and `forward` to other backends.

mod admit;
mod collector;
mod commit;
mod config;
mod config_file;
mod error;
mod forward;
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod journal;
mod maintenance;
mod own_events;
mod panics;
mod receive;
mod redaction;
mod rpc;
#[cfg(test)]
mod simulation;

pub use collector::Collector;
pub use config::{CommitConfig, Config, JournalConfig, Limits, MaintenanceConfig};
pub use config_file::ConfigFile;
pub use error::Error;
pub use forward::{
    BatchLimits, Compression, Condition, Counts, DeadLetter, Destination, DestinationStatus,
    Headers, Pattern, Protocol, Retried, SignalName, Tls, WhenSpent, dead_letters,
    drop_dead_letter, retry_dead_letter,
};
pub use panics::quiet_panics;
