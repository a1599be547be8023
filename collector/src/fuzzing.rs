//! What takes bytes from outside, for the fuzzer and its corpora. Nothing of it is for other users.

pub use crate::journal::fuzzing::read_back;
pub use crate::receive::fuzzing::{Compression, Doorway, Taken};
