//! Writing what was found: text for a terminal and JSON.

pub mod archive;
pub mod configurations;
pub mod credentials;
pub mod json;
pub mod profiles;
pub mod sessions;
pub mod terminal;
pub mod text;
pub mod time;
mod uses;
