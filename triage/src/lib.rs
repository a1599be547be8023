//! The desk: reconstructs what coding agents did from their archived telemetry.
//!
//! Start reading at [`reconstruct::reconstruct`]; [`load`] gets its rows, [`render`] writes what it
//! returns. Nothing here prints or exits.

pub mod configurations;
pub mod connect;
pub mod credentials;
pub mod demo;
pub mod diff;
mod error;
pub mod fact;
pub mod fingerprint;
pub mod gaps;
pub mod import;
pub mod ledger;
pub mod load;
pub mod profiles;
pub mod receipt;
pub mod reconstruct;
pub mod redaction;
pub mod render;
pub mod replay;
mod script;
mod session_rows;
pub mod sessions;
mod shell;
pub mod snapshot;
pub mod tenant;
pub mod trail;

pub use error::Error;
