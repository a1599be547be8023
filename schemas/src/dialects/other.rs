//! Records of agents that no dialect knows: kept whole, with what the conventions give away.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::{Dialect, Origin};
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::otlp::values::{self, Attributes};
use crate::tables::{Event, MetricPoint, Span};

/// The dialect of everything else. It never gives a record a meaning (kind `other`), only the ids
/// that OpenTelemetry's own conventions define.
pub(super) struct Other;

impl Dialect for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    fn version(&self) -> i64 {
        1
    }

    fn recognises(&self, _: &Origin<'_>, _: &Attributes<'_>) -> bool {
        true
    }

    fn log(&self, origin: &Origin<'_>, record: &LogRecord, event: &mut Event) {
        let attributes = Attributes(&record.attributes);
        event.kind = Some(EventKind::Other.as_str().to_owned());
        event.session_id = session(origin, &attributes);
        event.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        event.text =
            record.body.as_ref().and_then(|body| body.value.as_ref()).and_then(values::text);
    }

    fn span(&self, origin: &Origin<'_>, span: &OtlpSpan, row: &mut Span, _: &mut Event) -> bool {
        let attributes = Attributes(&span.attributes);
        row.session_id = session(origin, &attributes);
        row.call_id = attributes.text(otel::GEN_AI_TOOL_CALL_ID);
        false
    }

    fn span_event(&self, _: &Origin<'_>, _: &OtlpSpan, _: &OtlpSpanEvent, _: &mut Event) -> bool {
        false
    }

    fn metric(&self, origin: &Origin<'_>, attributes: &Attributes<'_>, row: &mut MetricPoint) {
        row.session_id = session(origin, attributes);
    }
}

/// The session by OpenTelemetry's own names, on the record or its resource.
fn session(origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String> {
    [attributes, &origin.resource].into_iter().find_map(|attributes| {
        attributes.text(otel::SESSION_ID).or_else(|| attributes.text(otel::GEN_AI_CONVERSATION_ID))
    })
}
