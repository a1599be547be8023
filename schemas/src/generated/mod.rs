//! Code written by `cargo xtask generate`.

pub(crate) mod coverage;
pub(crate) mod events;
pub(crate) mod metrics;
pub mod names;
pub(crate) mod spans;
