//! What durable code asks of a disk, the disk of this machine, and a simulated one.
//!
//! Whatever must survive a power cut goes through [`Disk`]. [`LocalDisk`] is the real one;
//! [`simulated::SimulatedDisk`] forgets, tears or reorders what was not synced, so that a test can
//! show what a power cut at any moment leaves.

mod disk;
pub mod durable;
mod local;
pub mod simulated;

pub use disk::{Access, Disk, DiskFile, Listed, Metadata, Operation, Site};
pub use local::LocalDisk;
