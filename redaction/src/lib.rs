//! Takes secrets out of OTLP requests before anything is written.
//!
//! [`Redactor::may_contain`] decides on the bytes of a request, at memory speed, whether anything in it
//! needs a closer look; [`Redactor::redact`] takes it. A secret becomes a mark,
//! `[redacted:<rule>:<key id>.<fingerprint>]`, whose fingerprint is a keyed hash, so that one secret can
//! be followed without being seen.

mod account;
mod allow;
mod beside;
mod check;
mod classes;
mod complaint;
mod configuration;
mod custom;
mod error;
mod fields;
mod file;
mod json;
mod jwt;
mod keys;
mod mark;
mod pem;
mod prefilter;
mod redactor;
mod request;
mod rule;
mod rules;
mod runs;
mod scan;
mod texts;
mod view;
mod wire;

pub use classes::Class;
pub use complaint::complaint;
pub use configuration::{Allow, Configuration, CustomRule, FieldMode};
pub use error::Error;
pub use fields::Mode;
pub use file::CONFIGURATION_LIMIT;
pub use keys::Keys;
pub use mark::{CLAIMED, CUT};
pub use redactor::{Counts, Redactions, Redactor, RuleInfo};
