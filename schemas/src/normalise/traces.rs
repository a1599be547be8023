//! Spans are kept whole; those that matter to an audit, and events on them, yield events besides.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use super::custody::{Standing, stamp_custody};
use super::time::{Time, clamp};
use super::{Normaliser, base_event, id, origin, push};
use crate::dialects::{self, Derived, Origin};
use crate::event_id;
use crate::names::blotter::{EventSource, TimeSource};
use crate::names::opentelemetry as otel;
use crate::otlp::json::Envelope;
use crate::otlp::values::Attributes;
use crate::tables::{Event, Span};

impl Normaliser<'_> {
    pub(super) fn traces(&mut self, request: &ExportTraceServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_spans {
            for scope in &resource.scope_spans {
                let envelope = Envelope::traces(resource, scope);
                let (before, after) = envelope.around();
                self.ids.within(before, after);
                let origin = origin(resource.resource.as_ref(), scope.scope.as_ref());
                for span in &scope.spans {
                    canonical.clear();
                    envelope.span(span, &mut canonical, &mut Vec::new());
                    self.span(&origin, span, &canonical);
                }
            }
        }
    }

    fn span(&mut self, origin: &Origin<'_>, span: &OtlpSpan, canonical: &str) {
        let attributes = Attributes(&span.attributes);
        let dialect = dialects::recognise(origin, &attributes);
        let standing = self.standings.take_next();
        let time = Time::new(
            &[
                (TimeSource::Record, span.start_time_unix_nano),
                (TimeSource::Record, span.end_time_unix_nano),
            ],
            self.custody.received_time_unix_nano,
        );
        let duration = (span.start_time_unix_nano != 0)
            .then(|| span.end_time_unix_nano.checked_sub(span.start_time_unix_nano))
            .flatten()
            .and_then(|duration| i64::try_from(duration).ok());
        let mut row = Span {
            event_id: self.ids.next(canonical),
            dialect: Some(dialect.signature().name.to_owned()),
            dialect_version: Some(dialect.signature().version),
            time: Some(time.nanos.div_euclid(1000)),
            time_unix_nano: Some(time.nanos),
            time_source: Some(time.source.as_str().to_owned()),
            time_clamped: time.clamped.then_some(true),
            end_time_unix_nano: Some(clamp(span.end_time_unix_nano).0).filter(|end| *end != 0),
            duration_ns: duration,
            trace_id: id(&span.trace_id),
            span_id: id(&span.span_id),
            parent_span_id: id(&span.parent_span_id),
            service_name: origin.resource.text(otel::SERVICE_NAME),
            service_version: origin.resource.text(otel::SERVICE_VERSION),
            scope_name: Some(origin.scope.to_owned()).filter(|scope| !scope.is_empty()),
            name: Some(span.name.clone()),
            kind: Some(i64::from(span.kind)),
            status_code: span.status.as_ref().map(|status| i64::from(status.code)),
            status_message: span
                .status
                .as_ref()
                .map(|status| status.message.clone())
                .filter(|message| !message.is_empty()),
            event_count: i64::try_from(span.events.len()).ok(),
            link_count: i64::try_from(span.links.len()).ok(),
            session_id: dialect.session(origin, &attributes),
            record: Some(canonical.to_owned()),
            ..Span::default()
        };
        stamp_custody!(row, self.custody, standing);

        let whole = |event: &mut Event| {
            event.source = Some(EventSource::OtlpSpan.as_str().to_owned());
            event.name = Some(span.name.clone());
            event.duration_ns = duration;
            time.stamp(event);
        };
        let mut derived = Derived::Nothing;
        self.derive(origin, dialect, span, (row.event_id, 0), &standing, |event| {
            whole(event);
            derived = dialect.span(origin, span, &mut row, event);
            derived != Derived::Nothing
        });
        if derived == Derived::StartAndEnd {
            // After the span itself and the events on it.
            let index = span.events.len() + 1;
            self.derive(origin, dialect, span, (row.event_id, index), &standing, |event| {
                whole(event);
                dialects::at_end(&row, event);
                dialect.span_end(origin, span, &row, event)
            });
        }
        for (index, span_event) in span.events.iter().enumerate() {
            let received = self.custody.received_time_unix_nano;
            self.derive(origin, dialect, span, (row.event_id, index + 1), &standing, |event| {
                name_and_time(event, span, span_event, received);
                dialect.span_event(origin, span, span_event, event)
            });
        }
        self.rows.spans.push(row);
    }

    /// Adds the row derived from a span, or from an event on it, if `fill` says that it matters.
    fn derive(
        &mut self,
        origin: &Origin<'_>,
        dialect: &dyn dialects::Dialect,
        span: &OtlpSpan,
        (span_row, index): ([u8; 16], usize),
        standing: &Standing,
        fill: impl FnOnce(&mut Event) -> bool,
    ) {
        let event = push(&mut self.rows.events, base_event(origin, dialect));
        event.origin_id = Some(span_row);
        event.trace_id = id(&span.trace_id);
        event.span_id = id(&span.span_id);
        event.parent_span_id = id(&span.parent_span_id);
        if fill(event) {
            event.event_id = event_id::derived(span_row, index);
            stamp_custody!(event, self.custody, standing);
            standing.fill_token_type(event);
        } else {
            self.rows.events.pop();
        }
    }
}

/// What an event on a span says of itself, whatever the agent.
fn name_and_time(event: &mut Event, span: &OtlpSpan, span_event: &OtlpSpanEvent, received: i64) {
    event.source = Some(EventSource::OtlpSpanEvent.as_str().to_owned());
    event.name = Attributes(&span_event.attributes)
        .text(otel::EVENT_NAME)
        .or_else(|| Some(span_event.name.clone()).filter(|name| !name.is_empty()));
    let candidates = [span_event.time_unix_nano, span.start_time_unix_nano];
    Time::new(&candidates.map(|nanos| (TimeSource::Record, nanos)), received).stamp(event);
}
