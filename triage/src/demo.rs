//! Telemetry that real agents sent, shipped with the program.

/// An OTLP request body and its name.
pub type Body = (&'static str, &'static [u8]);

macro_rules! bodies {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../demo/", $name)).as_slice())),+]
    };
}

/// Request bodies of three runs: Codex whose automated reviewer refused a deletion, Codex behind its
/// network proxy, Claude Code refused by its configuration.
pub const BODIES: &[Body] = bodies![
    "claude-code/03-denied/0001.traces.pb",
    "claude-code/03-denied/0002.logs.pb",
    "codex/04-guardian-deny/0001.traces.pb",
    "codex/04-guardian-deny/0002.traces.pb",
    "codex/04-guardian-deny/0004.logs.pb",
    "codex/17-netproxy/0001.traces.pb",
    "codex/17-netproxy/0002.logs.pb",
    "codex/17-netproxy/0003.traces.pb",
    "codex/17-netproxy/0005.logs.pb",
];

/// Start of the session that the demo shows: the automated reviewer refused a deletion.
pub const SESSION: &str = "01a1fb67-7b54";
