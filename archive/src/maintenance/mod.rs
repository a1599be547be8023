//! Keeping an archive fast and within bounds: few large files instead of many small ones, old days
//! removed, nothing on disk that no table refers to; and looking whether all is well.
//!
//! [`compact`] rewrites, [`retain`] removes whole days, [`clean`] deletes from disk what both left;
//! [`stat`] counts, [`check`] reads everything and compares. Whatever changes a table goes through
//! [`commit`], which lets one such change win.

pub(crate) mod check;
pub(crate) mod clean;
mod commit;
pub(crate) mod compact;
mod dropped;
mod output;
mod plan;
pub(crate) mod retain;
mod rewrite;
pub(crate) mod stat;

/// Application under which maintenance commits: of two commits that were planned from one state,
/// only one is accepted. Without it, two compactions of the same files would both be, and double
/// the rows.
pub(crate) const APP_ID: &str = "blotter/maintenance";

/// How often work that another commit stood against is planned again.
const REPLANS: usize = 3;
