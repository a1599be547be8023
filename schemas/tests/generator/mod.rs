//! Any OTLP request: a generator that reaches every field of every message, with what real and
//! hostile senders put there.
//!
//! A test of another crate takes it in with
//! `#[path = "../../schemas/tests/generator/mod.rs"] mod generator;` and
//! `use blotter_schemas::otlp::Request;`.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "every test uses a part of it")]

mod logs;
mod metrics;
mod traces;
mod values;

use proptest::prelude::*;

// Named by the parent, because this crate's own tests cannot name it as others do.
use super::Request;

pub use logs::logs_request;
pub use metrics::{metric, metrics_request};
pub use traces::traces_request;

/// A request of any signal.
pub fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        logs_request().prop_map(Request::Logs),
        traces_request().prop_map(Request::Traces),
        metrics_request().prop_map(Request::Metrics),
    ]
}
