//! How large a request becomes when each of its records is kept with what stands around it.
//!
//! A row holds its record whole, with resource and scope. OTLP writes those once for many records, so a
//! small request can become very many bytes: one resource attribute of a megabyte and 10,000 records are ten
//! gigabytes of rows. Whoever takes requests in must look at this before it normalises them.

use opentelemetry_proto::tonic::metrics::v1::Metric;
use prost::Message;

use super::{Request, Signal, values};

/// Fields of OTLP's messages, which are alike for every signal: of the request, of what a resource has, of
/// what a scope has.
const RESOURCES: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPES: u32 = 2;
const SCOPE: u32 = 1;
const RECORDS: u32 = 2;
/// The URL of a schema, of a resource and of a scope: kept with each record too.
const SCHEMA_URL: u32 = 3;
/// The lists of points of a metric, and the field of a list that holds one.
const DATA: [u32; 5] = [5, 7, 9, 10, 11];
const POINTS: u32 = 1;

/// Adds up what surrounds records and how many they are.
#[derive(Default)]
struct Around {
    bytes: usize,
    records: usize,
    /// Bytes that the records repeat among themselves: what a metric says of each of its points.
    repeated: usize,
}

impl Around {
    /// What stands around these records, `more` bytes of it, once for each.
    fn times(self, more: usize) -> (usize, usize) {
        let bytes = self.bytes.saturating_add(more).saturating_mul(self.records);
        (bytes.saturating_add(self.repeated), self.records)
    }
}

impl Request {
    /// Bytes in Protobuf of all records with resource and scope beside each, to the size of what stands
    /// between them.
    #[must_use]
    pub fn expanded_bytes(&self) -> usize {
        macro_rules! sum {
            ($resources:expr, $scopes:ident, $records:ident, $rows:expr) => {{
                let mut sum = 0_usize;
                for resource in $resources {
                    let around = resource.resource.as_ref().map_or(0, Message::encoded_len)
                        + resource.schema_url.len();
                    for scope in &resource.$scopes {
                        let scoped = scope.scope.as_ref().map_or(0, Message::encoded_len)
                            + scope.schema_url.len();
                        let mut within = Around { bytes: scoped, ..Around::default() };
                        for record in &scope.$records {
                            $rows(record, &mut within);
                        }
                        sum = sum.saturating_add(within.times(around).0);
                    }
                }
                sum
            }};
        }
        let one = |size: usize, within: &mut Around| {
            within.records += 1;
            within.repeated = within.repeated.saturating_add(size);
        };
        match self {
            Self::Logs(request) => {
                sum!(
                    &request.resource_logs,
                    scope_logs,
                    log_records,
                    |log: &_, within: &mut _| one(Message::encoded_len(log), within)
                )
            }
            Self::Traces(request) => {
                sum!(&request.resource_spans, scope_spans, spans, |span: &_, within: &mut _| one(
                    Message::encoded_len(span),
                    within
                ))
            }
            Self::Metrics(request) => {
                sum!(&request.resource_metrics, scope_metrics, metrics, metric)
            }
        }
    }
}

fn metric(metric: &Metric, within: &mut Around) {
    let rows = values::row_count(metric);
    let said: usize = metric.name.len() + metric.description.len() + metric.unit.len();
    let said = metric.metadata.iter().map(Message::encoded_len).fold(said, usize::saturating_add);
    within.records = within.records.saturating_add(rows);
    let size = said.saturating_mul(rows).saturating_add(metric.encoded_len());
    within.repeated = within.repeated.saturating_add(size);
}

/// The same of a Protobuf body that nobody has decoded, or somewhat more; none where its fields cannot be
/// told apart.
///
/// It passes over records without looking into them, in a fraction of the time that decoding takes.
#[must_use]
pub fn expanded_bytes(signal: Signal, body: &[u8]) -> Option<usize> {
    let mut sum = 0_usize;
    for field in Fields(body) {
        let (RESOURCES, Some(resource)) = field? else { continue };
        let mut around = 0_usize;
        // The scopes may come before the resource.
        let (mut bytes, mut records) = (0_usize, 0_usize);
        for field in Fields(resource) {
            match field? {
                (RESOURCE | SCHEMA_URL, Some(text)) => around = around.saturating_add(text.len()),
                (SCOPES, Some(scope)) => {
                    let (more, count) = of_scope(signal, scope)?.times(0);
                    bytes = bytes.saturating_add(more);
                    records = records.saturating_add(count);
                }
                _ => {}
            }
        }
        sum = sum.saturating_add(bytes).saturating_add(around.saturating_mul(records));
    }
    Some(sum)
}

fn of_scope(signal: Signal, scope: &[u8]) -> Option<Around> {
    let mut within = Around::default();
    for field in Fields(scope) {
        match field? {
            (SCOPE | SCHEMA_URL, Some(text)) => {
                within.bytes = within.bytes.saturating_add(text.len());
            }
            (RECORDS, Some(record)) => {
                let (rows, said) = match signal {
                    Signal::Logs | Signal::Traces => (1, 0),
                    Signal::Metrics => of_metric(record)?,
                };
                within.records = within.records.saturating_add(rows);
                let size = said.saturating_mul(rows).saturating_add(record.len());
                within.repeated = within.repeated.saturating_add(size);
            }
            _ => {}
        }
    }
    Some(within)
}

/// Rows of a metric, and bytes of what it says of all of them.
fn of_metric(metric: &[u8]) -> Option<(usize, usize)> {
    let (mut points, mut said) = (0_usize, 0_usize);
    for field in Fields(metric) {
        match field? {
            (tag, Some(data)) if DATA.contains(&tag) => {
                for field in Fields(data) {
                    points += usize::from(matches!(field?, (POINTS, Some(_))));
                }
            }
            (_, Some(text)) => said = said.saturating_add(text.len()),
            _ => {}
        }
    }
    Some((points.max(1), said))
}

/// The fields of a message: the tag, and the content of those that have a length. None for what is no
/// field, and for groups, which nobody sends; nothing follows it.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Option<&'a [u8]>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Option<&'a [u8]>)> {
        let key = u32::try_from(self.varint()?).ok()?;
        let content = match key & 7 {
            0 => self.varint().map(|_| None)?,
            1 => self.take(8).map(|_| None)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Some(self.take(length)?)
            }
            5 => self.take(4).map(|_| None)?,
            _ => return None,
        };
        Some((key >> 3, content))
    }

    fn varint(&mut self) -> Option<u64> {
        prost::encoding::decode_varint(&mut self.0).ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use opentelemetry_proto::tonic::metrics::v1::{
        Gauge, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric::Data,
    };
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use proptest::prelude::*;

    use super::*;

    fn scope(bytes: usize) -> Option<InstrumentationScope> {
        Some(InstrumentationScope { name: "s".repeat(bytes), ..InstrumentationScope::default() })
    }

    #[test]
    fn what_stands_around_records_counts_for_each_of_them() {
        let log_records = vec![LogRecord::default(); 1_000];
        let scope_logs =
            vec![ScopeLogs { scope: scope(1 << 20), log_records, ..ScopeLogs::default() }];
        let logs = ResourceLogs { scope_logs, ..ResourceLogs::default() };
        let request = Request::Logs(ExportLogsServiceRequest { resource_logs: vec![logs] });
        assert!(request.encode().len() < 2 << 20);
        assert!(request.expanded_bytes() > 1_000 << 20);
        let walked = expanded_bytes(Signal::Logs, &request.encode()).unwrap();
        assert!(walked > 1_000 << 20);
    }

    #[test]
    fn the_urls_of_schemas_count_for_each_record_too() {
        let schema_url = || "u".repeat(1 << 20);
        for (of_resource, of_scope) in
            [(schema_url(), String::new()), (String::new(), schema_url())]
        {
            let log_records = vec![LogRecord::default(); 1_000];
            let scope_logs =
                vec![ScopeLogs { log_records, schema_url: of_scope, ..ScopeLogs::default() }];
            let logs =
                ResourceLogs { scope_logs, schema_url: of_resource, ..ResourceLogs::default() };
            let request = Request::Logs(ExportLogsServiceRequest { resource_logs: vec![logs] });
            assert!(request.expanded_bytes() >= 1_000 << 20);
            assert!(expanded_bytes(Signal::Logs, &request.encode()).unwrap() >= 1_000 << 20);
        }
    }

    #[test]
    fn what_a_metric_says_counts_for_each_of_its_points() {
        let data_points = vec![NumberDataPoint::default(); 1_000];
        let metric = Metric {
            description: "d".repeat(1 << 20),
            data: Some(Data::Gauge(Gauge { data_points })),
            ..Metric::default()
        };
        let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
        let metrics = ResourceMetrics { scope_metrics, ..ResourceMetrics::default() };
        let request =
            Request::Metrics(ExportMetricsServiceRequest { resource_metrics: vec![metrics] });
        assert!(request.expanded_bytes() > 1_000 << 20);
        assert!(expanded_bytes(Signal::Metrics, &request.encode()).unwrap() > 1_000 << 20);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_walked_is_what_is_decoded_to_a_few_bytes_a_record(
            shape in prop::collection::vec((0..300_usize, prop::collection::vec((0..300_usize, 0..20_usize), 0..4)), 0..4),
        ) {
            let resource_logs = shape.iter().map(|(around, scopes)| ResourceLogs {
                resource: Some(Resource {
                    dropped_attributes_count: u32::try_from(*around).unwrap(),
                    ..Resource::default()
                }),
                scope_logs: scopes
                    .iter()
                    .map(|(bytes, records)| ScopeLogs {
                        scope: scope(*bytes),
                        log_records: vec![LogRecord { event_name: "e".repeat(*bytes), ..LogRecord::default() }; *records],
                        schema_url: "u".repeat(*records),
                    })
                    .collect(),
                schema_url: "u".repeat(*around),
            });
            let request = Request::Logs(ExportLogsServiceRequest { resource_logs: resource_logs.collect() });
            let walked = expanded_bytes(Signal::Logs, &request.encode()).unwrap();
            prop_assert_eq!(walked, request.expanded_bytes());
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for signal in Signal::ALL {
                let _ = expanded_bytes(signal, &body);
            }
        }
    }
}
