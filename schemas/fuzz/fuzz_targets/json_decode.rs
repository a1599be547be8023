//! Whatever is read as OTLP/JSON is given back by the canonical form and can be sent on as Protobuf.
#![no_main]

use blotter_schemas::otlp::json::{encode_logs, encode_metrics, encode_traces};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|body: &[u8]| {
    for signal in Signal::ALL {
        let Ok(request) = Request::decode(signal, Encoding::Json, body) else { continue };
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
});
