//! The daemon: receives OTLP, makes it durable, normalises it and commits it to the archive.
//!
//! Start reading at [`Collector::start`]; a request's way is `receive` -> `access` -> `admit` -> `journal` ->
//! acknowledged, and from the journal `commit` takes it to the archive and `forward` to other backends.

mod access;
mod admit;
mod collector;
mod command_line;
mod commit;
mod config;
mod config_file;
mod config_lines;
mod effective;
mod error;
mod forward;
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod journal;
mod limits_check;
mod maintenance;
mod operation;
mod own_events;
mod panics;
mod receive;
mod redaction;
mod rpc;
mod seconds;
#[cfg(test)]
mod simulation;

pub use access::{
    AccessConfig, ClientConfig, NewToken, Scope, TENANT_NAME, TlsConfig, TokenConfig,
    is_tenant_name,
};
pub use collector::Collector;
pub use command_line::CommandLine;
pub use config::{CommitConfig, Config, JournalConfig, Limits, Listen, MaintenanceConfig};
pub use config_file::ConfigFile;
pub use effective::{Origin, Setting, settings};
pub use error::Error;
pub use forward::{
    BatchLimits, Compression, Condition, Counts, DeadLetter, Destination, DestinationStatus,
    Headers, KeptLetters, Pattern, Protocol, Retried, SignalName, Tls, WhenSpent, dead_letters,
    drop_dead_letter, retry_dead_letter,
};
pub use operation::{
    Asked, ConsumerReport, DestinationReport, Drain, Drained, Finding, Grade, JournalReport,
    NotAsked, Problem, ReceivedReport, Report, verify,
};
pub use panics::quiet_panics;

/// The data folder where none is named.
pub const DEFAULT_DATA: &str = "blotter-data";
