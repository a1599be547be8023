//! A record's id does not depend on the key that its secrets were redacted with.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

mod corpus;
mod hider;

use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::Request;
use hider::Hider;

#[test]
fn redaction_with_another_key_gives_every_row_the_same_id() {
    let keys = [corpus::redactor(), corpus::redactor()];
    assert_ne!(keys[0].keys().current(), keys[1].keys().current());
    let (mut rows, mut with_redactions) = (0, 0);
    for (index, (path, signal, encoding, body)) in
        corpus::bodies().into_iter().step_by(9).enumerate()
    {
        let mut request = Request::decode(signal, encoding, &body).unwrap();
        Hider::new(index as u64).hide(&mut request);
        let of = |redactor: &blotter_redaction::Redactor| {
            let mut request = request.clone();
            let redacted = redactor.account(&redactor.redact(&mut request));
            let custody = Custody { redacted, ..Custody::default() };
            let mut rows = Rows::default();
            normalise(&request, &custody, &mut rows);
            rows
        };
        let [one, other] = [of(&keys[0]), of(&keys[1])];
        let ids = |rows: &Rows| {
            let events = rows.events.iter().map(|row| row.event_id);
            let spans = rows.spans.iter().map(|row| row.event_id);
            events
                .chain(spans)
                .chain(rows.metrics.iter().map(|row| row.event_id))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&one), ids(&other), "{}", path.display());
        let counts = |rows: &Rows| {
            let events = rows.events.iter().map(|row| row.redactions.clone());
            let spans = rows.spans.iter().map(|row| row.redactions.clone());
            let metrics = rows.metrics.iter().map(|row| row.redactions.clone());
            events.chain(spans).chain(metrics).collect::<Vec<_>>()
        };
        assert_eq!(counts(&one), counts(&other));
        rows += one.len();
        with_redactions += counts(&one).iter().flatten().count();
        for event in &one.events {
            assert_eq!(event.redaction_version, Some(i64::from(keys[0].rules_version())));
            let key_id = event.redactions.as_ref().map(|_| keys[0].keys().current());
            assert_eq!(event.key_id.as_deref(), key_id);
        }
    }
    assert!(rows > 100 && with_redactions > 100, "{with_redactions} of {rows}");
}
