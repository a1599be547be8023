//! From one decoded OTLP request to rows.

mod custody;
mod logs;
mod metrics;
mod time;
mod traces;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;

pub use custody::Custody;
use custody::Standing;
pub(crate) use custody::{Standings, stamp_custody};
pub(crate) use time::Time;

use crate::dialects::{self, Origin};
use crate::event_id::EventIds;
use crate::names::blotter::EventKind;
use crate::names::opentelemetry as otel;
use crate::otlp::values::Attributes;
use crate::otlp::{Encoding, Request, Signal};
use crate::tables::{Event, MetricPoint, Span};

/// Rows of one or more requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// For the table `events`.
    pub events: Vec<Event>,
    /// For the table `spans`.
    pub spans: Vec<Span>,
    /// For the table `metrics`.
    pub metrics: Vec<MetricPoint>,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len() + self.spans.len() + self.metrics.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Turns a request into rows and appends them to `rows`.
///
/// Every record becomes exactly one row with a `record`: a log record in `events`, a span in `spans`, a
/// metric point in `metrics`; audit-relevant spans and span events yield rows in `events` besides.
pub fn normalise(request: &Request, custody: &Custody, rows: &mut Rows) {
    let mut normaliser = Normaliser {
        custody,
        ids: EventIds::new(custody.sender.as_deref().unwrap_or_default()),
        standings: Standings::new(custody),
        rows,
    };
    let count = request.record_count();
    match request {
        Request::Logs(_) => normaliser.rows.events.reserve(count),
        Request::Traces(_) => normaliser.rows.spans.reserve(count),
        Request::Metrics(_) => normaliser.rows.metrics.reserve(count),
    }
    match request {
        Request::Logs(request) => normaliser.logs(request),
        Request::Traces(request) => normaliser.traces(request),
        Request::Metrics(request) => normaliser.metrics(request),
    }
}

/// Keeps a request that was acknowledged but cannot be decoded: one row of kind `other` with the
/// error and, in `text`, the body in hexadecimal.
pub fn undecodable(
    signal: Signal,
    encoding: Encoding,
    body: &[u8],
    error: &crate::Error,
    custody: &Custody,
    rows: &mut Rows,
) {
    let body = hex::encode(body);
    let mut ids = EventIds::new(custody.sender.as_deref().unwrap_or_default());
    let event_id = ids.next(&format!("undecodable {} {encoding:?} {body}", signal.name()));
    let mut event = Event {
        event_id,
        dialect: Some("other".to_owned()),
        kind: Some(EventKind::Other.as_str().to_owned()),
        name: Some(format!("undecodable {}", signal.name())),
        normalise_error: Some(error.to_string()),
        text: Some(body),
        ..Event::default()
    };
    let time = Time::new(&[], custody.received_time_unix_nano);
    time.stamp(&mut event);
    stamp_custody!(event, custody, Standing::whole(custody));
    rows.events.push(event);
}

struct Normaliser<'a> {
    custody: &'a Custody,
    ids: EventIds,
    standings: Standings<'a>,
    rows: &'a mut Rows,
}

/// Adds a row and lends it: rows are two kilobytes, and are filled where they will stay.
fn push(events: &mut Vec<Event>, event: Event) -> &mut Event {
    events.push_mut(event)
}

fn origin<'a>(
    resource: Option<&'a Resource>,
    scope: Option<&'a InstrumentationScope>,
) -> Origin<'a> {
    Origin {
        resource: Attributes(resource.map(|it| it.attributes.as_slice()).unwrap_or_default()),
        scope: scope.map(|it| it.name.as_str()).unwrap_or_default(),
    }
}

/// What every event has from its resource, whatever the agent.
fn base_event(origin: &Origin<'_>, dialect: &dyn dialects::Dialect) -> Event {
    Event {
        dialect: Some(dialect.signature().name.to_owned()),
        dialect_version: Some(dialect.signature().version),
        agent_name: origin.resource.text(otel::SERVICE_NAME),
        agent_version: origin.resource.text(otel::SERVICE_VERSION),
        host_name: origin.resource.text(otel::HOST_NAME),
        process_pid: origin.resource.int(otel::PROCESS_PID),
        ..Event::default()
    }
}

/// An id as lower-case hex; none where it is empty. Odd lengths are kept as they are.
fn id(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| hex::encode(bytes))
}
