//! Agents that were instrumented for Blotter: with `blotter-instrumentation`, or by hand in any language as
//! `docs/emit.md` says.
//!
//! **Who.** The scope's name begins with `blotter.`, or the resource has `blotter.instrumentation.version`.
//!
//! **How its records map.** A fact by its name, in `event.name` or as the name of the record, whether it is a
//! log record or an event on a span; a span by `gen_ai.operation.name`:
//!
//! | record | kind |
//! |---|---|
//! | `blotter.session.started`, `.ended` | session_start, session_end |
//! | `blotter.profile.changed`, `blotter.transport.changed` | profile, config |
//! | `blotter.configuration.loaded` | config: `detail` is what it is, `text` its path or name |
//! | `blotter.prompt`, `blotter.response`, `blotter.error` | prompt, response, error |
//! | `blotter.call.started`, `blotter.call.executing` | call |
//! | `blotter.approval.requested`, `blotter.permission.requested` | approval_request |
//! | `blotter.decision` | decision |
//! | `blotter.permission.granted`, `.denied` | grant: `detail` is its scope, `text` the permission |
//! | `blotter.sandbox`, `blotter.proxy.decision` | sandbox, proxy_decision |
//! | `blotter.records.dropped` | error |
//! | span `execute_tool` | call at its start, result at its end: `detail` is what became of it |
//! | span `invoke_agent` | turn_start, turn_end |
//! | span with `mcp.method.name` | mcp_call |
//! | span of a request to a model | as in [`super::gen_ai`] |
//!
//! An event on a span is about what the span is about: what it does not say itself is taken from the span.
//! Where a call is over, its span says so; a `blotter.call.started` without one is a call that was cut off.

mod facts;
mod place;
mod spans;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::gen_ai;
use super::{Derived, Dialect, Origin, Signature, body, set_kind};
use crate::names::blotter::{self, EventKind, EventName};
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature = Signature {
    name: "blotter",
    version: 1,
    services: &[],
    scopes: &["blotter."],
    events: &["blotter."],
};

/// The dialect of instrumented agents.
pub(super) struct Blotter;

impl Dialect for Blotter {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn recognises(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
        origin.resource.contains(blotter::BLOTTER_INSTRUMENTATION_VERSION)
            || self.signature().matches(origin, attributes)
    }

    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        [attributes, &origin.resource].into_iter().find_map(|attributes| {
            attributes.first_text(&[otel::SESSION_ID, otel::GEN_AI_CONVERSATION_ID])
        })
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        let attributes = Attributes(&record.attributes);
        place::fill(&attributes, event);
        event.sequence = attributes.int(blotter::BLOTTER_RECORD_SEQUENCE);
        let name = event.name.as_deref().and_then(EventName::from_value);
        let Some(name) = name else {
            event.text = body(record);
            set_kind(event, EventKind::Other);
            return;
        };
        let kind = facts::fill(name, &attributes, event);
        set_kind(event, kind);
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event) -> Derived {
        spans::start(span, row, event)
    }

    fn span_end(&self, _: &Origin<'_>, span: &OtlpSpan, row: &Span, event: &mut Event) -> bool {
        spans::end(span, row, event)
    }

    fn span_event(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool {
        let Some(name) = event.name.as_deref().and_then(EventName::from_value) else {
            return gen_ai::GenAi.span_event(origin, span, span_event, event);
        };
        let around = Attributes(&span.attributes);
        let attributes = Attributes(&span_event.attributes);
        place::fill(&around, event);
        place::fill(&attributes, event);
        event.session_id =
            self.session(origin, &attributes).or_else(|| self.session(origin, &around));
        let kind = facts::fill(name, &attributes, event);
        set_kind(event, kind);
        true
    }
}
