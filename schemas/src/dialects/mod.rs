//! How each agent's telemetry says things.
//!
//! A dialect is data plus a small function per kind of record: it reads a record tolerantly and fills
//! the typed columns of a row that [`crate::normalise`] has already given its identity, times, ids and
//! custody. What a dialect does not know it leaves empty; nothing is guessed here.

mod address;
mod claude_code;
mod codex;
mod other;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use crate::names::blotter::EventKind;
use crate::otlp::values::Attributes;
use crate::tables::{Event, MetricPoint, Span};

/// Where a record comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// Attributes of the resource.
    pub resource: Attributes<'a>,
    /// Name of the instrumentation scope.
    pub scope: &'a str,
}

/// How one agent's telemetry says things.
pub trait Dialect: Sync {
    /// Name as it stands in the column `dialect`.
    fn name(&self) -> &'static str;

    /// Version as it stands in the column `dialect_version`; raised whenever the same record would
    /// fill a column differently.
    fn version(&self) -> i64;

    /// Whether records of this origin are this agent's. `attributes` are the record's own.
    fn recognises(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool;

    /// Fills the columns of a log record's event.
    fn log(&self, origin: &Origin<'_>, record: &LogRecord, event: &mut Event);

    /// Fills the columns of a span's row. Where the span matters to an audit, also fills `event`, the
    /// row derived from it, and returns true.
    fn span(&self, origin: &Origin<'_>, span: &OtlpSpan, row: &mut Span, event: &mut Event)
    -> bool;

    /// Where an event on a span matters to an audit, fills the row derived from it and returns true.
    fn span_event(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        span_event: &OtlpSpanEvent,
        event: &mut Event,
    ) -> bool;

    /// Fills the columns of a metric point's row. `attributes` are the point's.
    fn metric(&self, origin: &Origin<'_>, attributes: &Attributes<'_>, row: &mut MetricPoint);
}

/// Every dialect, in the order in which they are asked; the last one takes what is left.
static DIALECTS: [&dyn Dialect; 3] = [&codex::Codex, &claude_code::ClaudeCode, &other::Other];

/// The dialect of a record of this origin.
#[must_use]
pub fn recognise(origin: &Origin<'_>, attributes: &Attributes<'_>) -> &'static dyn Dialect {
    DIALECTS
        .into_iter()
        .find(|dialect| dialect.recognises(origin, attributes))
        .unwrap_or(&other::Other)
}

fn set_kind(event: &mut Event, kind: EventKind) {
    event.kind = Some(kind.as_str().to_owned());
}
