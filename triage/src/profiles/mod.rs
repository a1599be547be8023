//! Permission profiles on the desk: which files to read, and what is said about a profile.
//!
//! The meaning is that of [`blotter_profiles`]; this finds the files and makes documents of the answers.

mod documents;
mod sources;

pub use documents::{Answered, Compared, One, Shown, answered, compared, shown};
pub use sources::{Sources, load};
