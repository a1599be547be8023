//! Whatever is read as a request: the fast path never says no where redaction changes something, and
//! redacting twice is redacting once.
#![no_main]

use std::sync::LazyLock;

use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use libfuzzer_sys::fuzz_target;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let keys = Keys::ephemeral().expect("a key can be made");
    Redactor::new(&Configuration::default(), keys).expect("the built-in rules are good")
});

fuzz_target!(|body: &[u8]| {
    for signal in Signal::ALL {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let may_contain = REDACTOR.may_contain(signal, encoding, body);
            let Ok(mut request) = Request::decode(signal, encoding, body) else { continue };
            let before = format!("{request:?}");
            let redactions = REDACTOR.redact(&mut request);
            let once = format!("{request:?}");
            assert_eq!(redactions.is_empty(), before == once);
            assert!(may_contain || redactions.is_empty(), "{:?}", redactions.total);
            assert_eq!(redactions.records.len(), request.record_count());
            let again = REDACTOR.redact(&mut request);
            assert!(again.is_empty(), "{:?}", again.total);
        }
    }
});
