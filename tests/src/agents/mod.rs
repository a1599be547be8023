//! Real coding agents, driven against the scripted model.

pub mod codex;

pub use codex::Codex;
