//! Log records become events.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::custody::stamp_custody;
use super::time::{Time, clamp};
use super::{Normaliser, base_event, id, origin, push};
use crate::dialects::{self, Origin};
use crate::names::blotter::{EventSource, TimeSource};
use crate::names::opentelemetry as otel;
use crate::otlp::json::Envelope;
use crate::otlp::values::Attributes;
use crate::record::{self, LONG, LongValue};
use crate::tables::Event;

impl Normaliser<'_> {
    pub(super) fn logs(&mut self, request: &ExportLogsServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_logs {
            for scope in &resource.scope_logs {
                let envelope = Envelope::logs(resource, scope);
                let (before, after) = envelope.around();
                self.ids.within(before, after);
                let origin = origin(resource.resource.as_ref(), scope.scope.as_ref());
                for log in &scope.log_records {
                    canonical.clear();
                    let mut long = Vec::new();
                    envelope.log(log, &mut canonical, &mut long);
                    self.log(&origin, log, &canonical, &long);
                }
            }
        }
    }

    fn log(
        &mut self,
        origin: &Origin<'_>,
        log: &LogRecord,
        canonical: &str,
        long: &[LongValue<'_>],
    ) {
        let attributes = Attributes(&log.attributes);
        let dialect = dialects::recognise(origin, &attributes);
        let standing = self.standings.take_next();
        let event_id = self.ids.next(canonical);
        let event = push(&mut self.rows.events, base_event(origin, dialect));
        event.event_id = event_id;
        event.source = Some(EventSource::OtlpLog.as_str().to_owned());
        event.trace_id = id(&log.trace_id);
        event.span_id = id(&log.span_id);
        event.name = Some(log.event_name.clone())
            .filter(|name| !name.is_empty())
            .or_else(|| attributes.text(otel::EVENT_NAME));
        event.severity = Some(i64::from(log.severity_number)).filter(|severity| *severity != 0);
        let stamped = attributes.str(otel::EVENT_TIMESTAMP).and_then(rfc3339_nanos);
        let time = Time::new(
            &[
                (TimeSource::Record, log.time_unix_nano),
                (TimeSource::Observed, log.observed_time_unix_nano),
                (TimeSource::Attribute, stamped.unwrap_or(0)),
            ],
            self.custody.received_time_unix_nano,
        );
        time.stamp(event);
        if log.observed_time_unix_nano != 0 {
            let (observed, _) = clamp(log.observed_time_unix_nano);
            event.observed_time = Some(observed.div_euclid(1000));
            event.observed_time_unix_nano = Some(observed);
        }
        stamp_custody!(event, self.custody, standing);
        event.session_id = dialect.session(origin, &attributes);
        dialect.log(origin, log, event);
        standing.fill_token_type(event);
        event.record = Some(shorten_event(canonical, long, event));
    }
}

fn rfc3339_nanos(text: &str) -> Option<u64> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_nanos_opt()?).ok()
}

/// The record with its long strings replaced by references to the columns they stand in.
fn shorten_event(canonical: &str, long: &[LongValue<'_>], event: &Event) -> String {
    let columns: Vec<(&str, &str)> = event
        .text_columns()
        .into_iter()
        .filter_map(|(name, content)| Some((name, content?)))
        .filter(|(_, content)| content.len() >= LONG)
        .collect();
    record::shorten(canonical, long, &columns)
}

impl Event {
    /// The columns a long string of `record` may refer to.
    fn text_columns(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("text", self.text.as_deref()),
            ("arguments", self.arguments.as_deref()),
            ("output", self.output.as_deref()),
            ("decision_reason", self.decision_reason.as_deref()),
            ("error_message", self.error_message.as_deref()),
        ]
    }

    /// The record as canonical OTLP/JSON, whole again, or the line of a session file; none for a row
    /// derived from a span.
    ///
    /// # Errors
    /// When the record refers to a column that was not read or has no value.
    pub fn canonical_record(&self) -> Result<Option<String>, crate::Error> {
        let Some(record) = &self.record else {
            return Ok(None);
        };
        if self.source.as_deref() == Some(EventSource::Rollout.as_str()) {
            return Ok(Some(record.clone()));
        }
        let columns = self.text_columns();
        let column = |name: &str| {
            columns.iter().find(|(column, _)| *column == name).and_then(|(_, content)| *content)
        };
        record::restore(record, column).map(|record| Some(record.into_owned()))
    }
}
