//! One file for each thing that takes bytes from outside.

pub mod configuration;
pub mod dialects;
pub mod http;
pub mod journal;
pub mod otlp;
pub mod profiles;
pub mod redactor;
pub mod rollout;
pub mod snapshot;
pub mod spool;
