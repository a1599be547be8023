//! How each agent's telemetry says things.
//!
//! A dialect is data plus a small function per kind of record: it reads a record tolerantly and fills
//! the typed columns of a row that [`crate::normalise`] has already given its identity, times, ids and
//! custody. What a dialect does not know it leaves empty; nothing is guessed here.

mod address;
mod blotter;
mod claude_code;
pub(crate) mod codex;
mod copilot_cli;
mod gemini_cli;
mod gen_ai;
mod json;
mod opencode;
mod other;
mod qwen_code;
mod signature;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

pub use signature::Signature;

use crate::names::blotter::EventKind;
use crate::otlp::values::{self, Attributes};
use crate::tables::{Event, MetricPoint, Span};

/// Where a record comes from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    /// Attributes of the resource.
    pub resource: Attributes<'a>,
    /// Name of the instrumentation scope.
    pub scope: &'a str,
}

/// Which rows of `events` a span yields, besides its own in `spans`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derived {
    /// None: plumbing.
    Nothing,
    /// One for its start, or for the span as a whole.
    Start,
    /// One for its start, and one for its end if [`Dialect::span_end`] says so.
    StartAndEnd,
}

impl From<bool> for Derived {
    fn from(derived: bool) -> Self {
        if derived { Self::Start } else { Self::Nothing }
    }
}

/// How one agent's telemetry says things.
pub trait Dialect: Sync {
    /// Its name and version, and how its agent's records are told from those of others.
    fn signature(&self) -> &'static Signature;

    /// Whether records of this origin are this agent's. `attributes` are the record's own.
    fn recognises(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> bool {
        self.signature().matches(origin, attributes)
    }

    /// Fills the columns of a log record's event, whose session is already [`Self::session`].
    fn log(&self, origin: &Origin<'_>, record: &LogRecord, event: &mut Event);

    /// The session that a record of this origin names.
    fn session(&self, origin: &Origin<'_>, attributes: &Attributes<'_>) -> Option<String>;

    /// Fills the columns of a span's row, whose session is already [`Self::session`]. Where the span matters
    /// to an audit, also fills `event`, the row derived from its start.
    fn span(
        &self,
        origin: &Origin<'_>,
        span: &OtlpSpan,
        row: &mut Span,
        event: &mut Event,
    ) -> Derived;

    /// Where the end of a span says more than its start, fills the row derived from it and returns true.
    /// Asked only after [`Self::span`] said that there is such a row; its time is the span's end.
    fn span_end(&self, _: &Origin<'_>, _: &OtlpSpan, _: &Span, _: &mut Event) -> bool {
        false
    }

    /// Where an event on a span matters to an audit, fills the row derived from it and returns true.
    fn span_event(&self, _: &Origin<'_>, _: &OtlpSpan, _: &OtlpSpanEvent, _: &mut Event) -> bool {
        false
    }

    /// Fills the columns of a metric point's row. `attributes` are the point's.
    fn metric(&self, origin: &Origin<'_>, attributes: &Attributes<'_>, row: &mut MetricPoint) {
        row.session_id = self.session(origin, attributes);
    }
}

/// Every dialect, in the order in which they are asked; the last one takes what is left.
static DIALECTS: [&dyn Dialect; 9] = [
    &blotter::Blotter,
    &codex::Codex,
    &claude_code::ClaudeCode,
    &gemini_cli::GeminiCli,
    &qwen_code::QwenCode,
    &copilot_cli::CopilotCli,
    &opencode::OpenCode,
    &gen_ai::GenAi,
    &other::Other,
];

/// Names of all dialects, in the order in which they are asked.
#[must_use]
pub fn names() -> Vec<&'static str> {
    DIALECTS.into_iter().map(|dialect| dialect.signature().name).collect()
}

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

/// Puts a row at the end of its span.
pub(crate) fn at_end(row: &Span, event: &mut Event) {
    if let Some(end) = row.end_time_unix_nano {
        event.time_unix_nano = Some(end);
        event.time = Some(end.div_euclid(1000));
    }
}

/// Gives a row derived from a span the place that the span's own row has.
fn same_place(row: &Span, event: &mut Event) {
    event.session_id.clone_from(&row.session_id);
    event.turn_id.clone_from(&row.turn_id);
    event.call_id.clone_from(&row.call_id);
}

/// The words of a log record's body.
fn body(record: &LogRecord) -> Option<String> {
    record.body.as_ref().and_then(|body| body.value.as_ref()).and_then(values::text)
}
