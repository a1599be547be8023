//! The daemon: receives OTLP, makes it durable, normalises it and commits it to the archive.

mod collector;
mod config;
mod error;

pub use collector::Collector;
pub use config::{CommitConfig, Config, JournalConfig, Limits};
pub use error::Error;
