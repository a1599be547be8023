//! Getting the rows of a session, and of those nested in it, from an archive.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use blotter_archive::{Archive, Op, Predicate, ScanRequest, ScanStatistics, Value};
use blotter_schemas::names::blotter::EventKind;
use blotter_schemas::tables::{Event, MetricPoint, Row, Span, Table};

use crate::Error;
use crate::import::record;
use crate::receipt::address::{CallName, Named};
use crate::receipt::{Beside, HOOKS_RUN};
use crate::reconstruct::speakers::Speakers;
use crate::reconstruct::{Session, lineage};
use crate::tenant::{self, Asked, SessionKey, Wanted};
use crate::trail;

/// How long after the last row counters are looked for, in microseconds.
const COUNTERS_AFTER_MICROS: i64 = 120_000_000;
/// Most points of metrics that are read.
const POINTS_LIMIT: usize = 100_000;
/// Most spans that are read.
const SPANS_LIMIT: usize = 1_000_000;
/// How long before a session its process's records in other sessions are looked for, in microseconds.
const PROCESS_BEFORE_MICROS: i64 = 86_400_000_000;
/// Most rows that are read for one session and those nested in it.
const ROWS_LIMIT: usize = 2_000_000;
/// Most sessions that are nested in one.
const SESSIONS_LIMIT: usize = 1_000;
/// Most candidates that an ambiguous prefix names.
const CANDIDATES_LIMIT: usize = 20;
/// Rows whose trace also holds rows that name no session: Codex's answers to approvals stand in the
/// trace that its session ends in.
const TRACED: [EventKind; 4] =
    [EventKind::Prompt, EventKind::Review, EventKind::SessionStart, EventKind::SessionEnd];
/// Most traces that are followed in one step.
const TRACES_LIMIT: usize = 10_000;
/// Deepest lineage that is followed.
const DEPTH: usize = 16;

/// Columns that reconstruction does not look at.
const LEFT_OUT: &[&str] = &["record", "key_id", "log_index"];

/// Columns of metrics that tell whether points of a session arrived.
const POINT_COLUMNS: [&str; 7] =
    ["event_id", "dialect", "time_unix_nano", "start_time_unix_nano", "session_id", "name", "peer"];
/// Columns of spans that tell which span lies in which.
const SPAN_COLUMNS: [&str; 6] =
    ["event_id", "time_unix_nano", "trace_id", "span_id", "parent_span_id", "name"];
/// Columns of results that tell which process counted them.
const NUMBERED_COLUMNS: [&str; 9] = [
    "event_id",
    "source",
    "dialect",
    "time_unix_nano",
    "sequence",
    "session_id",
    "collector_id",
    "sender",
    "peer",
];

/// Kinds of rows that state the permission profile of a session or turn.
pub(crate) const STATES_PROFILE: [EventKind; 2] = [EventKind::Profile, EventKind::SessionStart];

/// Columns that state the permission profile of a turn.
const PROFILE_COLUMNS: [&str; 12] = [
    "event_id",
    "source",
    "dialect",
    "time_unix_nano",
    "observed_time_unix_nano",
    "sequence",
    "session_id",
    "kind",
    "profile_name",
    "profile_digest",
    "approval_policy",
    "record",
];

/// What was loaded and what it took.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The session that was asked for.
    pub session_id: String,
    /// Whose it is: all that was loaded is this tenant's, or has none like it.
    pub tenant: Option<String>,
    /// Its rows and those of the sessions around and below it.
    pub rows: Vec<Event>,
    /// Points of the metrics that receipts look at, of the time of those rows.
    pub points: Vec<MetricPoint>,
    /// Points of all metrics of that time, without their records; absent where they were not looked for.
    pub metrics: Option<Vec<MetricPoint>>,
    /// Where the spans of the sessions' traces stand; absent where they were not looked for.
    pub spans: Option<Vec<Span>>,
    /// Rows of other sessions with numbers that these rows lack of a counter of their process.
    pub elsewhere: Vec<Event>,
    /// Whether there are more such rows, which were not read.
    pub elsewhere_cut: bool,
    /// What imports into the archive left out, each with the reason; absent where it was not looked for.
    pub left_out: Option<Vec<String>>,
    /// What was read, all scans together.
    pub statistics: ScanStatistics,
}

impl Loaded {
    /// Takes out what stands beside the rows, for one who looks at `as_of_unix_nano`.
    pub fn beside(&mut self, as_of_unix_nano: Option<i64>) -> Beside {
        Beside {
            points: std::mem::take(&mut self.points),
            as_of_unix_nano,
            metrics: self.metrics.take(),
            spans: self.spans.take(),
            elsewhere: std::mem::take(&mut self.elsewhere),
            elsewhere_cut: self.elsewhere_cut,
            left_out: self.left_out.take(),
        }
    }
}

/// Loads the one session whose id begins so, and what its ledger and its findings look at besides.
///
/// # Errors
/// As [`session`].
pub async fn examined(archive: &Archive, wanted: impl Into<Wanted>) -> Result<Loaded, Error> {
    let loaded = session(archive, wanted).await?;
    let mut reader = Reader { archive, loaded, ids: BTreeSet::new() };
    reader.metrics().await?;
    reader.spans().await?;
    reader.elsewhere().await?;
    reader.left_out().await?;
    Ok(reader.loaded)
}

/// Loads the one session whose id begins so. Only records of its tenant are loaded: what another tenant says
/// under its id is another session.
///
/// # Errors
/// [`Error::NoSession`], [`Error::Ambiguous`] and [`Error::SeveralTenants`] for what does not name one
/// session, [`Error::TooLarge`] for one that does not fit, [`Error::Archive`] when reading fails.
pub async fn session(archive: &Archive, wanted: impl Into<Wanted>) -> Result<Loaded, Error> {
    let wanted = wanted.into();
    let mut reader = Reader { archive, loaded: Loaded::default(), ids: BTreeSet::new() };
    let SessionKey { session_id, tenant } = reader.resolve(&wanted).await?;
    reader.loaded.session_id.clone_from(&session_id);
    reader.loaded.tenant = tenant;
    reader.family(session_id).await?;
    reader.points().await?;
    Ok(reader.loaded)
}

/// Loads the rows that state the permission profiles of a session and of those nested in it, with their
/// records.
///
/// # Errors
/// [`Error::Archive`] when reading fails.
pub async fn profiles(archive: &Archive, session: &Session) -> Result<Vec<Event>, Error> {
    let mut ids = BTreeSet::new();
    let mut open = vec![session];
    while let Some(session) = open.pop() {
        ids.insert(session.session_id.as_str());
        open.extend(&session.sessions);
    }
    let filter = Predicate::And(vec![
        Predicate::one_of("session_id", ids),
        Predicate::one_of("kind", STATES_PROFILE.map(EventKind::as_str)),
    ]);
    let filter = Asked::exactly(session.tenant.as_deref()).within(filter);
    let request = ScanRequest::new(Table::Events).filter(filter).columns(PROFILE_COLUMNS);
    let mut reader = Reader { archive, loaded: Loaded::default(), ids: BTreeSet::new() };
    reader.all(request, POINTS_LIMIT).await
}

/// Loads the session of a call. A call that is named by its id alone is looked for in every session of the
/// tenant that is asked for.
///
/// # Errors
/// As [`session`]; [`Error::NoCall`] for a call that no session has, [`Error::SeveralCalls`] for one that
/// several have.
pub async fn call(archive: &Archive, named: &Named, tenant: &Asked) -> Result<Loaded, Error> {
    match (&named.session, &named.call) {
        (Some(prefix), _) => {
            session(archive, Wanted { prefix: prefix.clone(), tenant: tenant.clone() }).await
        }
        (None, CallName::Number(_)) => Err(Error::NoAddress { text: named.to_string() }),
        (None, CallName::Id(call_id)) => {
            let request = ScanRequest::new(Table::Events)
                .filter(tenant.within(Predicate::equals("call_id", call_id.as_str())))
                .columns(["session_id", "call_id", "tenant"]);
            let mut found = BTreeSet::new();
            let mut scan = archive.scan(request).await?;
            while let Some(batch) = scan.next().await? {
                found.extend(Event::from_batch(&batch)?.iter().filter_map(SessionKey::of));
            }
            let ids: BTreeSet<&str> = found.iter().map(|key| key.session_id.as_str()).collect();
            match (ids.len(), found.first()) {
                (_, None) => Err(Error::NoCall {
                    call: call_id.clone(),
                    place: archive.location().to_string(),
                }),
                (1, Some(first)) => session(archive, &only_tenant(first, &found)?).await,
                (count, _) => Err(Error::SeveralCalls {
                    call: call_id.clone(),
                    count,
                    candidates: ids.into_iter().take(CANDIDATES_LIMIT).map(str::to_owned).collect(),
                }),
            }
        }
    }
}

/// The session of this id, where only one tenant has it.
fn only_tenant(key: &SessionKey, found: &BTreeSet<SessionKey>) -> Result<SessionKey, Error> {
    let same: Vec<&SessionKey> =
        found.iter().filter(|other| other.session_id == key.session_id).collect();
    if same.len() < 2 {
        return Ok(key.clone());
    }
    let tenants = same.iter().map(|key| tenant::shown(key.tenant.as_deref()).to_owned());
    Err(Error::SeveralTenants { session_id: key.session_id.clone(), tenants: tenants.collect() })
}

struct Reader<'a> {
    archive: &'a Archive,
    loaded: Loaded,
    ids: BTreeSet<[u8; 16]>,
}

impl Reader<'_> {
    async fn resolve(&mut self, wanted: &Wanted) -> Result<SessionKey, Error> {
        let prefix = wanted.prefix.as_str();
        let mut found = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let request = ScanRequest::new(Table::Events)
            .filter(wanted.tenant.within(Predicate::starts_with("session_id", prefix)))
            .columns(["session_id", "tenant"]);
        let mut scan = self.archive.scan(request).await?;
        while let Some(batch) = scan.next().await? {
            for event in Event::from_batch(&batch)? {
                found.extend(SessionKey::of(&event));
                ids.extend(event.session_id);
            }
            // More candidates than are named, and none is the whole id: they come in order.
            if ids.len() > CANDIDATES_LIMIT {
                break;
            }
        }
        add(&mut self.loaded.statistics, scan.statistics());
        let whole = found.iter().find(|key| key.session_id == prefix);
        if let (Some(key), _) | (None, (1, Some(key))) = (whole, (ids.len(), found.first())) {
            return only_tenant(key, &found);
        }
        if ids.is_empty() {
            return Err(Error::NoSession {
                prefix: prefix.to_owned(),
                tenant: wanted.tenant.clone(),
                archive: self.archive.location().to_string(),
            });
        }
        let more = if ids.len() > CANDIDATES_LIMIT { "+" } else { "" };
        let candidates: Vec<String> = ids.into_iter().take(CANDIDATES_LIMIT).collect();
        Err(Error::Ambiguous {
            prefix: prefix.to_owned(),
            count: format!("{}{more}", candidates.len()),
            candidates,
        })
    }

    /// Narrows a predicate to rows of the session's tenant.
    fn own(&self, predicate: Predicate) -> Predicate {
        Asked::exactly(self.loaded.tenant.as_deref()).within(predicate)
    }

    /// Reads the session, what says whose child it is, and every session below it.
    async fn family(&mut self, session_id: String) -> Result<(), Error> {
        let mut known = BTreeSet::from([session_id.clone()]);
        self.rows_where("session_id", &known).await?;
        self.rows_where("receiver_session_id", &known).await?;
        let mut newest = known.clone();
        let mut traces = BTreeSet::new();
        for _ in 0..DEPTH {
            self.rows_where("parent_session_id", &newest).await?;
            let shared = self.traces(&newest, &mut traces);
            self.rows_where("trace_id", &shared).await?;
            newest = self.children(&known);
            if newest.is_empty() {
                break;
            }
            known.extend(newest.iter().cloned());
            self.rows_where("session_id", &newest).await?;
        }
        Ok(())
    }

    /// Traces of sessions that were not followed yet: their rows may name no session, and a review
    /// shares its trace with the reviewer.
    fn traces(&self, sessions: &BTreeSet<String>, done: &mut BTreeSet<String>) -> BTreeSet<String> {
        let of_session = |row: &&Event| {
            row.session_id.as_ref().is_some_and(|session| sessions.contains(session))
        };
        let audited = |row: &&Event| {
            let kind = row.kind.as_deref();
            TRACED.iter().any(|wanted| kind == Some(wanted.as_str()))
        };
        let rows = self.loaded.rows.iter().filter(of_session).filter(audited);
        let mut fresh = BTreeSet::new();
        for trace in rows.filter_map(|row| row.trace_id.as_ref()) {
            if fresh.len() < TRACES_LIMIT && done.insert(trace.clone()) {
                fresh.insert(trace.clone());
            }
        }
        fresh
    }

    /// Sessions below `known` that are not in it yet.
    fn children(&self, known: &BTreeSet<String>) -> BTreeSet<String> {
        let parents = lineage::parents(&self.loaded.rows);
        parents
            .into_iter()
            .filter(|(child, parent)| known.contains(&parent.session_id) && !known.contains(child))
            .map(|(child, _)| child)
            .take(SESSIONS_LIMIT.saturating_sub(known.len()))
            .collect()
    }

    async fn rows_where(&mut self, column: &str, values: &BTreeSet<String>) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        let schema = Table::Events.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        let request = ScanRequest::new(Table::Events)
            .filter(self.own(Predicate::one_of(column, values.iter().map(String::as_str))))
            .columns(columns.filter(|column| !LEFT_OUT.contains(column)));
        let mut scan = self.archive.scan(request).await?;
        while let Some(batch) = scan.next().await? {
            self.take(&batch)?;
        }
        add(&mut self.loaded.statistics, scan.statistics());
        Ok(())
    }

    /// Reads the counters of the time in which the rows fall.
    async fn points(&mut self) -> Result<(), Error> {
        let Some(time) = self.time_of_metrics() else { return Ok(()) };
        let filter = Predicate::And(vec![Predicate::equals("name", HOOKS_RUN), time]);
        let request = ScanRequest::new(Table::Metrics).filter(self.own(filter));
        self.loaded.points = self.all(request, POINTS_LIMIT).await?;
        self.loaded.points.sort_by_key(|point| (point.time_unix_nano, point.event_id));
        Ok(())
    }

    /// Reads that there are points of metrics of the time in which the rows fall.
    async fn metrics(&mut self) -> Result<(), Error> {
        let points = match self.time_of_metrics() {
            Some(time) => {
                let request =
                    ScanRequest::new(Table::Metrics).filter(self.own(time)).columns(POINT_COLUMNS);
                self.all(request, POINTS_LIMIT).await?
            }
            None => Vec::new(),
        };
        self.loaded.metrics = Some(points);
        Ok(())
    }

    /// The time in which metrics fall that belong to the rows.
    fn time_of_metrics(&self) -> Option<Predicate> {
        let times = || self.loaded.rows.iter().filter_map(|row| row.time);
        let until = times().max()?.saturating_add(COUNTERS_AFTER_MICROS);
        Some(Predicate::And(vec![
            Predicate::compare("time", Op::GtEq, Value::Time(times().min()?)),
            Predicate::compare("time", Op::Lt, Value::Time(until)),
        ]))
    }

    /// Reads where the spans of the rows' traces stand.
    async fn spans(&mut self) -> Result<(), Error> {
        let traces = self.loaded.rows.iter().filter_map(|row| row.trace_id.as_deref());
        let traces: BTreeSet<&str> = traces.take(ROWS_LIMIT).collect();
        let mut spans = Vec::new();
        let traces: Vec<&str> = traces.into_iter().take(TRACES_LIMIT).collect();
        if !traces.is_empty() {
            let filter = self.own(Predicate::one_of("trace_id", traces));
            let request = ScanRequest::new(Table::Spans).filter(filter).columns(SPAN_COLUMNS);
            spans = self.all(request, SPANS_LIMIT).await?;
        }
        self.loaded.spans = Some(spans);
        Ok(())
    }

    /// Reads rows of other sessions with numbers that these rows lack: a process counts for all its
    /// sessions.
    async fn elsewhere(&mut self) -> Result<(), Error> {
        let lacking = trail::lacking(&self.loaded.rows);
        let times = || self.loaded.rows.iter().filter_map(|row| row.time);
        let (Some(from), Some(until)) = (times().min(), times().max()) else { return Ok(()) };
        if lacking.is_empty() {
            return Ok(());
        }
        let from = from.saturating_sub(PROCESS_BEFORE_MICROS);
        let request = ScanRequest::new(Table::Events)
            .filter(self.own(Predicate::And(vec![
                Predicate::equals("kind", EventKind::Result.as_str()),
                Predicate::one_of("sequence", lacking),
                Predicate::compare("time", Op::GtEq, Value::Time(from)),
                Predicate::compare("time", Op::LtEq, Value::Time(until)),
            ])))
            .columns(NUMBERED_COLUMNS);
        let speakers = Speakers::new(&self.loaded.rows);
        let mut scan = self.archive.scan(request).await?;
        while let Some(batch) = scan.next().await? {
            // In an archive of many processes most of these numbers are other processes'.
            let rows = Event::from_batch(&batch)?.into_iter();
            self.loaded.elsewhere.extend(rows.filter(|row| speakers.like(row).is_some()));
            if self.loaded.elsewhere.len() > POINTS_LIMIT {
                self.loaded.elsewhere_cut = true;
                break;
            }
        }
        add(&mut self.loaded.statistics, scan.statistics());
        Ok(())
    }

    /// Reads what imports left out, where rows were imported.
    async fn left_out(&mut self) -> Result<(), Error> {
        if self.loaded.rows.iter().all(|row| row.collector_id.is_some()) {
            return Ok(());
        }
        let request = ScanRequest::new(Table::Events)
            .filter(self.own(record::predicate()))
            .columns(["event_id", "text"]);
        let rows: Vec<Event> = self.all(request, POINTS_LIMIT).await?;
        let all = rows.len() <= POINTS_LIMIT;
        let left_out: BTreeSet<String> = rows.into_iter().filter_map(|row| row.text).collect();
        let mut left_out: Vec<String> = left_out.into_iter().collect();
        if !all {
            left_out.push(format!("and others beyond the first {POINTS_LIMIT} that imports name"));
        }
        self.loaded.left_out = Some(left_out);
        Ok(())
    }

    /// The rows of a scan; not all where there are more than `limit`.
    async fn all<R: Row>(&mut self, request: ScanRequest, limit: usize) -> Result<Vec<R>, Error> {
        let mut rows = Vec::new();
        let mut scan = self.archive.scan(request).await?;
        while let Some(batch) = scan.next().await? {
            rows.extend(R::from_batch(&batch)?);
            if rows.len() > limit {
                break;
            }
        }
        add(&mut self.loaded.statistics, scan.statistics());
        Ok(rows)
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        for event in Event::from_batch(batch)? {
            if self.ids.insert(event.event_id) {
                self.loaded.rows.push(event);
            }
        }
        if self.loaded.rows.len() > ROWS_LIMIT {
            return Err(Error::TooLarge {
                session_id: self.loaded.session_id.clone(),
                limit: ROWS_LIMIT,
            });
        }
        Ok(())
    }
}

/// Adds one scan's statistics to another's. What there is, is counted once; what was read, each time.
pub(crate) fn add(sum: &mut ScanStatistics, scan: ScanStatistics) {
    sum.files_total = sum.files_total.max(scan.files_total);
    sum.bytes_total = sum.bytes_total.max(scan.bytes_total);
    sum.files_read += scan.files_read;
    sum.row_groups_total += scan.row_groups_total;
    sum.row_groups_read += scan.row_groups_read;
    sum.pages_total += scan.pages_total;
    sum.pages_read += scan.pages_read;
    sum.bytes_read += scan.bytes_read;
    sum.rows_read += scan.rows_read;
    sum.rows_returned += scan.rows_returned;
    sum.copies_dropped += scan.copies_dropped;
}
