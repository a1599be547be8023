//! The fields of every OTLP message, one table each: Protobuf tag, JSON name, Rust field, kind. The
//! order is that of the canonical OTLP/JSON.

mod logs;
mod metrics;
mod shared;
mod traces;
