//! The codec of OTLP.

use blotter_schemas::otlp::json::{encode_logs, encode_metrics, encode_traces};
use blotter_schemas::otlp::{Encoding, Request, Signal, check};
use prost::Message as _;

/// Whatever is read as OTLP/JSON is given back by the canonical form and can be sent on as Protobuf.
pub fn json(input: &[u8]) {
    for signal in Signal::ALL {
        let Ok(request) = Request::decode(signal, Encoding::Json, input) else { continue };
        let (json, protobuf) = match &request {
            Request::Logs(request) => (encode_logs(request), request.encode_to_vec()),
            Request::Traces(request) => (encode_traces(request), request.encode_to_vec()),
            Request::Metrics(request) => (encode_metrics(request), request.encode_to_vec()),
        };
        let again = Request::decode(signal, Encoding::Json, json.as_bytes())
            .expect("the canonical form is read");
        assert_eq!(format!("{again:?}"), format!("{request:?}"));
        let sent_on = Request::decode(signal, Encoding::Protobuf, &protobuf)
            .expect("what was read can be sent on");
        assert_eq!(sent_on.record_count(), request.record_count());
    }
}

/// The check of Protobuf bytes accepts what prost decodes and counts the same records.
pub fn wire(input: &[u8]) {
    for signal in Signal::ALL {
        let checked = check(signal, Encoding::Protobuf, input).ok();
        let decoded = Request::decode(signal, Encoding::Protobuf, input).ok();
        assert_eq!(checked, decoded.map(|request| request.record_count()));
    }
}
