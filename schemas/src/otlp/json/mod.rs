//! OTLP/JSON, both ways.
//!
//! **Writing** is canonical, because the identity of a row is computed over it: fields in the order of
//! the tables in `messages`, without white space; fields with their default value omitted, but members
//! of a oneof and optional values written whenever they are set, and messages that are there but empty
//! written as `{}`; 64-bit integers as strings; doubles as ECMAScript writes them, except that negative
//! zero is `-0`, and `"NaN"`, `"Infinity"`, `"-Infinity"`; bytes in padded Base64; ids in lower-case
//! hexadecimal; strings with only quote, backslash and control characters escaped.
//!
//! **Reading** is as tolerant as real senders demand:
//! - unknown fields are ignored; a name may be in lowerCamelCase or snake_case; a name that comes twice
//!   has its last value; the last of several members of a oneof counts;
//! - a field that is `null` is absent; in a list of values, numbers or strings `null` is an empty one,
//!   because position carries meaning there; in other lists it is left out;
//! - integers and doubles are numbers or strings, integers also with an exponent or a fraction of zero;
//!   enumerations are integers or names; booleans may be strings;
//! - ids are hexadecimal in either case and of any length, empty included; bytes are Base64 of either
//!   alphabet, padded or not;
//! - half a surrogate pair (`"\ud83d"`: JavaScript cuts strings there) is read as U+FFFD.
//!
//! Messages may lie within each other as deep as Protobuf's decoder allows and no deeper, so that what
//! is read can be sent on as Protobuf, and the JSON of what came as Protobuf can be read.

mod envelope;
mod failure;
mod number;
mod reader;
mod scan;
mod writer;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

pub use envelope::Envelope;
pub(super) use failure::Failure;
pub use failure::JsonError;
pub(super) use reader::Reader;
pub(super) use writer::Writer;
pub(crate) use writer::push_string;

use super::fields::Message;
use crate::Error;

/// Reads a request that takes no more than `memory` bytes.
pub(super) fn decode<M: Message>(body: &[u8], memory: usize) -> Result<M, Error> {
    reader::decode(body, memory).map_err(|failure| match failure.is_too_large() {
        true => Error::TooLargeDecoded { limit: memory },
        false => failure.locate(body).into(),
    })
}

fn encode<M: Message>(message: &M) -> String {
    let mut out = String::new();
    Writer::new(&mut out).message(message);
    out
}

/// A request as canonical OTLP/JSON.
#[must_use]
pub fn encode_logs(request: &ExportLogsServiceRequest) -> String {
    encode(request)
}

/// A request as canonical OTLP/JSON.
#[must_use]
pub fn encode_traces(request: &ExportTraceServiceRequest) -> String {
    encode(request)
}

/// A request as canonical OTLP/JSON.
#[must_use]
pub fn encode_metrics(request: &ExportMetricsServiceRequest) -> String {
    encode(request)
}
