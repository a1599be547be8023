//! One file a command: its arguments, a call of the library, its output.

pub mod archive;
pub mod check;
pub mod configurations;
pub mod connect;
pub mod coverage;
pub mod credentials;
pub mod demo;
pub mod diff;
pub mod fingerprint;
pub mod gaps;
pub mod import;
pub mod key;
mod moment;
mod profile_files;
pub mod profiles;
pub mod receipt;
pub mod redaction;
pub mod sessions;
pub mod show;
pub mod snapshot;
mod tenant;
pub mod up;

use blotter_archive::{Archive, Location};

use crate::cli::Global;

/// Opens the archive that the command line names.
async fn open(global: &Global) -> anyhow::Result<Archive> {
    let location = Location::parse(global.archive())?;
    Ok(Archive::open(&location).await?)
}

/// Now, nanoseconds since the epoch.
fn now() -> i64 {
    chrono::Utc::now().timestamp_nanos_opt().unwrap_or(i64::MAX)
}
