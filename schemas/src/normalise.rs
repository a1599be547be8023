//! From one decoded OTLP request to rows.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span as OtlpSpan, span::Event as OtlpSpanEvent};

use crate::dialects::{self, Origin};
use crate::event_id::{self, EventIds};
use crate::names::blotter::{EventKind, EventSource, TimeSource};
use crate::names::opentelemetry as otel;
use crate::otlp::json::Envelope;
use crate::otlp::values::{self, Attributes};
use crate::otlp::{Encoding, Request, Signal};
use crate::record::{self, LONG, LongValue};
use crate::tables::{Event, MetricPoint, Span};

/// Writes the custody columns, which all rows have under the same names.
macro_rules! stamp_custody {
    ($row:expr, $custody:expr, $position:expr) => {{
        $row.received_time = Some($custody.received_time_unix_nano.div_euclid(1000));
        $row.collector_id.clone_from(&$custody.collector_id);
        $row.journal_position = $position;
        $row.sender.clone_from(&$custody.sender);
        $row.peer.clone_from(&$custody.peer);
        $row.tenant.clone_from(&$custody.tenant);
    }};
}

/// Who vouches for a request and where it lies.
#[derive(Debug, Clone, Default)]
pub struct Custody {
    /// When it was received, nanoseconds since the epoch.
    pub received_time_unix_nano: i64,
    /// Collector that accepted it; none for an import.
    pub collector_id: Option<String>,
    /// Journal position of the request's first record; the rest follow one by one.
    pub journal_position: Option<i64>,
    /// Name of the credential it was sent with.
    pub sender: Option<String>,
    /// Address it was sent from.
    pub peer: Option<String>,
    /// Tenant it belongs to.
    pub tenant: Option<String>,
}

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
        position: custody.journal_position,
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
    stamp_custody!(event, custody, custody.journal_position);
    rows.events.push(event);
}

struct Normaliser<'a> {
    custody: &'a Custody,
    ids: EventIds,
    position: Option<i64>,
    rows: &'a mut Rows,
}

impl Normaliser<'_> {
    /// Position of the next record.
    fn next_position(&mut self) -> Option<i64> {
        let position = self.position;
        self.position = position.map(|position| position.saturating_add(1));
        position
    }

    fn logs(&mut self, request: &ExportLogsServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_logs {
            for scope in &resource.scope_logs {
                let envelope = Envelope::logs(resource, scope);
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
        let position = self.next_position();
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
        stamp_custody!(event, self.custody, position);
        dialect.log(origin, log, event);
        event.record = Some(shorten_event(canonical, long, event));
    }

    fn traces(&mut self, request: &ExportTraceServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_spans {
            for scope in &resource.scope_spans {
                let envelope = Envelope::traces(resource, scope);
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
        let position = self.next_position();
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
            dialect: Some(dialect.name().to_owned()),
            dialect_version: Some(dialect.version()),
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
            record: Some(canonical.to_owned()),
            ..Span::default()
        };
        stamp_custody!(row, self.custody, position);

        self.derive(origin, dialect, span, (row.event_id, 0), position, |event| {
            event.source = Some(EventSource::OtlpSpan.as_str().to_owned());
            event.name = Some(span.name.clone());
            event.duration_ns = duration;
            time.stamp(event);
            dialect.span(origin, span, &mut row, event)
        });
        for (index, span_event) in span.events.iter().enumerate() {
            let received = self.custody.received_time_unix_nano;
            self.derive(origin, dialect, span, (row.event_id, index + 1), position, |event| {
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
        position: Option<i64>,
        fill: impl FnOnce(&mut Event) -> bool,
    ) {
        let event = push(&mut self.rows.events, base_event(origin, dialect));
        event.origin_id = Some(span_row);
        event.trace_id = id(&span.trace_id);
        event.span_id = id(&span.span_id);
        event.parent_span_id = id(&span.parent_span_id);
        if fill(event) {
            event.event_id = event_id::derived(span_row, index);
            stamp_custody!(event, self.custody, position);
        } else {
            self.rows.events.pop();
        }
    }

    fn metrics(&mut self, request: &ExportMetricsServiceRequest) {
        let mut canonical = String::new();
        for resource in &request.resource_metrics {
            for scope in &resource.scope_metrics {
                let envelope = Envelope::metrics(resource, scope);
                let origin = origin(resource.resource.as_ref(), scope.scope.as_ref());
                for metric in &scope.metrics {
                    for point in 0..values::row_count(metric) {
                        canonical.clear();
                        envelope.metric(metric, point, &mut canonical);
                        let row = self.metric(&origin, metric, point, &canonical);
                        self.rows.metrics.push(row);
                    }
                }
            }
        }
    }

    fn metric(
        &mut self,
        origin: &Origin<'_>,
        metric: &Metric,
        point: usize,
        canonical: &str,
    ) -> MetricPoint {
        let mut row = MetricPoint {
            event_id: self.ids.next(canonical),
            service_name: origin.resource.text(otel::SERVICE_NAME),
            service_version: origin.resource.text(otel::SERVICE_VERSION),
            scope_name: Some(origin.scope.to_owned()).filter(|scope| !scope.is_empty()),
            name: Some(metric.name.clone()),
            unit: Some(metric.unit.clone()).filter(|unit| !unit.is_empty()),
            record: Some(canonical.to_owned()),
            ..MetricPoint::default()
        };
        let (times, attributes) = fill_point(metric, point, &mut row);
        let attributes = Attributes(attributes);
        let dialect = dialects::recognise(origin, &attributes);
        row.dialect = Some(dialect.name().to_owned());
        row.dialect_version = Some(dialect.version());
        let time = Time::new(
            &[(TimeSource::Record, times.at), (TimeSource::Record, times.start)],
            self.custody.received_time_unix_nano,
        );
        row.time = Some(time.nanos.div_euclid(1000));
        row.time_unix_nano = Some(time.nanos);
        row.time_source = Some(time.source.as_str().to_owned());
        row.time_clamped = time.clamped.then_some(true);
        row.start_time_unix_nano = Some(clamp(times.start).0).filter(|start| *start != 0);
        let position = self.next_position();
        stamp_custody!(row, self.custody, position);
        dialect.metric(origin, &attributes, &mut row);
        row
    }
}

/// Adds a row and lends it: rows are two kilobytes, and are filled where they will stay.
fn push(events: &mut Vec<Event>, event: Event) -> &mut Event {
    events.push_mut(event)
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
        dialect: Some(dialect.name().to_owned()),
        dialect_version: Some(dialect.version()),
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

    /// The record as canonical OTLP/JSON, whole again; none for a row derived from a span.
    ///
    /// # Errors
    /// When the record refers to a column that was not read or has no value.
    pub fn canonical_record(&self) -> Result<Option<String>, crate::Error> {
        let Some(record) = &self.record else {
            return Ok(None);
        };
        let columns = self.text_columns();
        let column = |name: &str| {
            columns.iter().find(|(column, _)| *column == name).and_then(|(_, content)| *content)
        };
        record::restore(record, column).map(|record| Some(record.into_owned()))
    }
}

/// The time of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time {
    nanos: i64,
    source: TimeSource,
    clamped: bool,
}

impl Time {
    /// The first candidate that is not zero, else the time of receipt.
    fn new(candidates: &[(TimeSource, u64)], received: i64) -> Self {
        let candidate = candidates.iter().find(|(_, nanos)| *nanos != 0);
        match candidate {
            Some(&(source, nanos)) => {
                let (nanos, clamped) = clamp(nanos);
                Self { nanos, source, clamped }
            }
            None => Self { nanos: received, source: TimeSource::Received, clamped: false },
        }
    }

    fn stamp(self, event: &mut Event) {
        event.time = Some(self.nanos.div_euclid(1000));
        event.time_unix_nano = Some(self.nanos);
        event.time_source = Some(self.source.as_str().to_owned());
        event.time_clamped = self.clamped.then_some(true);
    }
}

/// A time as a row holds it, and whether it had to be clamped to fit.
fn clamp(nanos: u64) -> (i64, bool) {
    i64::try_from(nanos).map_or((i64::MAX, true), |nanos| (nanos, false))
}

fn rfc3339_nanos(text: &str) -> Option<u64> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    u64::try_from(time.timestamp_nanos_opt()?).ok()
}

/// Times of a metric point; zero where it has none.
struct PointTimes {
    at: u64,
    start: u64,
}

/// Fills the columns that describe the `index`-th point of a metric; its times and attributes.
fn fill_point<'a>(
    metric: &'a Metric,
    index: usize,
    row: &mut MetricPoint,
) -> (PointTimes, &'a [KeyValue]) {
    let none = (PointTimes { at: 0, start: 0 }, [].as_slice());
    macro_rules! times {
        ($point:expr) => {
            (
                PointTimes { at: $point.time_unix_nano, start: $point.start_time_unix_nano },
                $point.attributes.as_slice(),
            )
        };
    }
    let (points, name) = match &metric.data {
        None => return none,
        Some(Data::Gauge(data)) => (&data.data_points, "gauge"),
        Some(Data::Sum(data)) => {
            row.temporality = Some(i64::from(data.aggregation_temporality));
            row.is_monotonic = Some(data.is_monotonic);
            (&data.data_points, "sum")
        }
        Some(Data::Histogram(data)) => {
            row.data = Some("histogram".to_owned());
            row.temporality = Some(i64::from(data.aggregation_temporality));
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = point.sum;
            return times!(point);
        }
        Some(Data::ExponentialHistogram(data)) => {
            row.data = Some("exponential_histogram".to_owned());
            row.temporality = Some(i64::from(data.aggregation_temporality));
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = point.sum;
            return times!(point);
        }
        Some(Data::Summary(data)) => {
            row.data = Some("summary".to_owned());
            let Some(point) = data.data_points.get(index) else { return none };
            row.count = Some(clamp(point.count).0);
            row.sum = Some(point.sum);
            return times!(point);
        }
    };
    row.data = Some(name.to_owned());
    let Some(point) = points.get(index) else { return none };
    match point.value {
        Some(Number::AsInt(value)) => row.value_int = Some(value),
        Some(Number::AsDouble(value)) => row.value_double = Some(value),
        None => {}
    }
    times!(point)
}
