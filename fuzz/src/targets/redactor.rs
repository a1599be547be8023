//! The redactor.

use std::sync::LazyLock;

use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::otlp::{self, Encoding, Request, Signal};

const TOKEN: &str = "ghp_k3JxQ9vLrT2mZ8bNcW5yHsD7fGpA4eUo1Rti";

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let keys = Keys::ephemeral().expect("a key can be made");
    Redactor::new(&Configuration::default(), keys).expect("the built-in rules are good")
});

/// Whatever is read as a request: the fast path never says no where redaction changes something, and
/// redacting twice is redacting once.
pub fn request(input: &[u8]) {
    for signal in Signal::ALL {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let may_contain = REDACTOR.may_contain(signal, encoding, input);
            let Ok(mut request) = Request::decode(signal, encoding, input) else { continue };
            let measured = otlp::measure(signal, &request.encode()).expect("it was decoded");
            let odd_ids = measured.odd_ids > 0;
            let before = format!("{request:?}");
            let redactions = REDACTOR.redact(&mut request);
            let once = format!("{request:?}");
            assert_eq!(redactions.is_empty(), before == once);
            // Ids that are none are told by the measure, not by the fast path.
            assert!(may_contain || odd_ids || redactions.is_empty(), "{:?}", redactions.total);
            assert_eq!(redactions.records.len(), request.record_count());
            let again = REDACTOR.redact(&mut request);
            assert!(again.is_empty(), "{:?}", again.total);
        }
    }
}

/// Redacting a text twice is redacting it once, and a token between blanks does not survive whatever
/// stands around it.
pub fn text(input: &[u8]) {
    let text = &*String::from_utf8_lossy(input);
    if let Some(once) = REDACTOR.redact_text(text) {
        assert_eq!(REDACTOR.redact_text(&once), None, "{once}");
    }
    let half = text.floor_char_boundary(text.len() / 2);
    let (before, after) = text.split_at(half);
    let hidden = REDACTOR.redact_text(&format!("{before} {TOKEN} {after}"));
    assert!(hidden.is_some_and(|hidden| !hidden.contains(TOKEN)));
}
