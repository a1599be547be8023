//! Snapshots: what a run did, as canonical JSON that is made to be compared.
//!
//! Start reading at [`snapshot`]. `take.rs` makes one from receipts, [`rules`] says what is replaced in its
//! texts and `normalise.rs` does it, `arguments.rs` and `shell` what a call's arguments become, [`model`] is the structure, `file.rs`
//! reads and writes files. `docs/snapshot.md` describes the format.

mod arguments;
pub mod file;
mod known;
mod list;
pub mod model;
mod normalise;
pub mod rules;
mod take;

pub use known::{Compared, Known};
pub use list::List;
pub use model::Snapshot;
pub use take::snapshot;
