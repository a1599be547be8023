//! Keeping an archive fast: few large files instead of many small ones.
//!
//! [`compact`] rewrites. Whatever changes a table goes through [`commit`], which lets one such change
//! win.

pub(crate) mod commit;
pub(crate) mod compact;
mod dropped;
mod output;
mod plan;
mod rewrite;

/// Application under which maintenance commits: of two commits that were planned from one state,
/// only one is accepted. Without it, two compactions of the same files would both be, and double
/// the rows.
pub(crate) const APP_ID: &str = "blotter/maintenance";

/// How often work that another commit stood against is planned again.
const REPLANS: usize = 3;
