//! The check of Protobuf bytes accepts what prost decodes and counts the same records.
#![no_main]

use blotter_schemas::otlp::{Encoding, Request, Signal, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    for signal in Signal::ALL {
        let checked = check(signal, Encoding::Protobuf, body).ok();
        let decoded = Request::decode(signal, Encoding::Protobuf, body).ok();
        assert_eq!(checked, decoded.map(|request| request.record_count()));
    }
});
