//! What durable code asks of a disk, and the disk of this machine.
//!
//! Whatever must survive a power cut goes through [`Disk`]. [`LocalDisk`] is the real one.

mod disk;
pub mod durable;
mod local;

pub use disk::{Access, Disk, DiskFile, Listed, Metadata, Operation};
pub use local::LocalDisk;
