//! What takes bytes from outside, and what must hold whatever they are.
//!
//! Every [`Target`] is a function that panics where something is wrong. The fuzzer (`src/main.rs`) and the
//! tests that replay the corpora (`tests/corpora.rs`) call the same one.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a target says by a panic what is wrong"
)]

mod targets;

use targets::{
    configuration, dialects, http, journal, otlp, profiles, redactor, rollout, snapshot, spool,
};

/// Variable of the environment that names the target for the fuzzer.
pub const VARIABLE: &str = "BLOTTER_FUZZ_TARGET";

/// Something that takes bytes from outside.
#[derive(Debug)]
pub struct Target {
    /// Its name, and that of its corpus in `corpus/`.
    pub name: &'static str,
    /// Takes an input; panics where what must hold does not.
    pub run: fn(&[u8]),
}

/// All of them.
pub static TARGETS: [Target; 18] = [
    Target { name: "configuration", run: configuration::file },
    Target { name: "dialects", run: dialects::record },
    Target { name: "http-json", run: http::json },
    Target { name: "http-json-gzip", run: http::json_gzip },
    Target { name: "http-json-zstd", run: http::json_zstd },
    Target { name: "http-protobuf", run: http::protobuf },
    Target { name: "http-protobuf-gzip", run: http::protobuf_gzip },
    Target { name: "http-protobuf-zstd", run: http::protobuf_zstd },
    Target { name: "journal", run: journal::segment },
    Target { name: "otlp-json", run: otlp::json },
    Target { name: "otlp-wire", run: otlp::wire },
    Target { name: "profiles", run: profiles::layers },
    Target { name: "redaction-request", run: redactor::request },
    Target { name: "redaction-text", run: redactor::text },
    Target { name: "rollout", run: rollout::lines },
    Target { name: "rollout-profile", run: rollout::profile },
    Target { name: "snapshot", run: snapshot::file },
    Target { name: "spool", run: spool::segment },
];

pub use targets::dialects::reached;
