//! What an event is: the vocabulary, the rows and their Arrow schemas, the OTLP codec and the
//! dialects of the agents.
//!
//! Start reading at [`normalise`]: it turns one decoded OTLP request into rows; [`rollout`] does the same
//! with a line of a session file.

pub mod columns;
pub mod coverage;
pub mod dialects;
mod error;
pub mod event_id;
mod generated;
pub mod normalise;
pub mod normalised;
pub mod otlp;
pub mod peer;
pub mod record;
pub mod redacted;
pub mod rollout;
pub mod tables;

pub use error::Error;
pub use generated::names;
