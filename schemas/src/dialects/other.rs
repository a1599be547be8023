//! Records of agents that no dialect knows: kept whole, with what the conventions give away.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;

use super::{Derived, Dialect, Origin, Signature, body, set_kind};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

const SIGNATURE: Signature =
    Signature { name: "other", version: 1, services: &[], scopes: &[], events: &[] };

/// The dialect of everything else. It never gives a record a meaning (kind `other`), only the ids
/// that OpenTelemetry's own conventions define.
pub(super) struct Other;

impl Dialect for Other {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn recognises(&self, _: &Origin<'_>, _: &Attributes<'_>) -> bool {
        true
    }

    fn log(&self, _: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        let attributes = Attributes(&record.attributes);
        set_kind(event, EventKind::Other);
        event.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        event.text = body(record);
    }

    /// The session by OpenTelemetry's own names, on the record or its resource.
    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
        [attributes, &origin.resource].into_iter().find_map(|attributes| {
            attributes.first_text(&[otel::SESSION_ID, otel::GEN_AI_CONVERSATION_ID])
        })
    }

    fn span(&self, _: &Origin<'_>, span: &OtlpSpan, row: &mut Span, _: &mut Event) -> Derived {
        let attributes = Attributes(&span.attributes);
        row.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        Derived::Nothing
    }
}
