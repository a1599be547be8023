//! Real coding agents, driven against the scripted model.

pub mod codex;
pub mod gemini;

pub use codex::Codex;
pub use gemini::Gemini;
