//! Real coding agents, driven against the scripted model.

pub mod claude;
pub mod codex;
pub mod copilot;
pub mod gemini;
mod isolated;

pub use codex::Codex;
pub use gemini::Gemini;
