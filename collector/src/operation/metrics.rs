//! `/metrics`: everything that is counted, for Prometheus.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::State;
use super::counters::Counted;
use super::exposition::Exposition;
use super::readiness::{self, Unready};
use super::report::{age_seconds, unix_seconds};
use crate::{Counts, DestinationStatus, KeptLetters};

/// Name and help of a family, and what its samples are of a part of something.
type Family<T> = (&'static str, &'static str, fn(&T) -> u64);

/// Bytes of a page of memory, as `/proc` counts them on the machines that we know.
const PAGE: u64 = 4096;

/// Writes all metrics.
pub(super) async fn render(state: &Arc<State>) -> String {
    let unready = readiness::unready(state).await;
    let free = readiness::space(state).await.ok().map(|space| space.free);
    let mut out = Exposition::default();
    about(&mut out, state, unready.as_ref());
    requests(&mut out, state);
    in_flight(&mut out, state);
    journal(&mut out, state, free);
    commits(&mut out, state);
    destinations(&mut out, state);
    out.finish()
}

fn about(out: &mut Exposition, state: &State, unready: Option<&Unready>) {
    out.gauge("blotter_collector_build_info", "Always 1; the version of the collector as a label.")
        .count(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    out.gauge(
        "blotter_collector_start_time_seconds",
        "When the collector was started, in seconds since the epoch.",
    )
    .value(&[], unix_seconds(state.started));
    out.gauge("blotter_collector_ready", "1 while requests are taken, as /readyz tells it.")
        .count(&[], u64::from(unready.is_none()));
    out.gauge(
        "blotter_collector_not_ready",
        "1 for the reason why no request is taken; no sample while requests are taken.",
    );
    if let Some(unready) = unready {
        out.count(&[("reason", unready.reason)], 1);
    }
    out.gauge("blotter_collector_draining", "1 while the collector is being drained.")
        .count(&[], u64::from(state.intake.is_draining()));
    if let Some(bytes) = resident_bytes() {
        out.gauge(
            "blotter_collector_resident_memory_bytes",
            "Memory of the process that is in use, in bytes.",
        )
        .count(&[], bytes);
    }
    out.counter(
        "blotter_collector_own_events_total",
        "Events that the collector told about itself, by name.",
    );
    let (told, lost) = state.events.counts();
    for (name, count) in told {
        out.count(&[("event", name)], count);
    }
    out.counter(
        "blotter_collector_own_events_lost_total",
        "Events that the collector told about itself and could not record.",
    )
    .count(&[], lost);
}

fn requests(out: &mut Exposition, state: &State) {
    let counters = &state.intake.counters;
    let counted = counters.counted();
    let families: [Family<Counted>; 4] = [
        ("blotter_collector_requests_total", "Requests that named a signal.", |it| it.requests),
        (
            "blotter_collector_received_bytes_total",
            "Bytes of the bodies of requests, as sent.",
            |it| it.bytes,
        ),
        (
            "blotter_collector_acknowledged_requests_total",
            "Requests that were made durable and acknowledged.",
            |it| it.acknowledged,
        ),
        (
            "blotter_collector_acknowledged_records_total",
            "Log records, spans and metric points in acknowledged requests.",
            |it| it.records,
        ),
    ];
    for (name, help, value) in families {
        out.counter(name, help);
        for it in &counted {
            out.count(&[("signal", it.signal), ("transport", it.transport)], value(it));
        }
    }
    out.counter("blotter_collector_refusals_total", "Requests that were refused, by reason.");
    for ((transport, reason), count) in counters.refusals() {
        out.count(&[("transport", transport), ("reason", reason)], count);
    }
    out.counter(
        "blotter_collector_redactions_total",
        "Marks that were put in the place of secrets, by rule.",
    );
    for (rule, count) in counters.redactions() {
        out.count(&[("rule", &rule)], count);
    }
}

fn in_flight(out: &mut Exposition, state: &State) {
    let limits = &state.config.limits;
    let connections = limits.connections.saturating_sub(state.connections.available_permits());
    let (requests, bytes) = state.intake.in_flight();
    for (name, help, value) in [
        ("blotter_collector_connections", "Connections that are open.", connections as u64),
        (
            "blotter_collector_connections_limit",
            "The most connections that may be open.",
            limits.connections as u64,
        ),
        (
            "blotter_collector_requests_in_flight",
            "Requests that are not acknowledged yet.",
            requests,
        ),
        (
            "blotter_collector_requests_in_flight_limit",
            "The most requests that may be in flight.",
            limits.requests_in_flight as u64,
        ),
        (
            "blotter_collector_in_flight_bytes",
            "Bytes of requests in flight, as sent and decompressed.",
            bytes,
        ),
        (
            "blotter_collector_in_flight_limit_bytes",
            "The most bytes that may be in flight.",
            limits.bytes_in_flight as u64,
        ),
        (
            "blotter_collector_request_limit_bytes",
            "Largest request that is taken, as sent and decompressed.",
            limits.request_bytes as u64,
        ),
    ] {
        out.gauge(name, help).count(&[], value);
    }
}

fn journal(out: &mut Exposition, state: &State, free: Option<u64>) {
    let standing = state.journal.standing();
    out.gauge("blotter_collector_journal_bytes", "Bytes of the journal's files.")
        .count(&[], standing.bytes);
    out.gauge("blotter_collector_journal_limit_bytes", "The most bytes of the journal's files.")
        .count(&[], state.config.journal.max_bytes);
    out.gauge("blotter_collector_journal_segments", "Files of the journal.")
        .count(&[], standing.segments as u64);
    out.gauge(
        "blotter_collector_journal_writable",
        "1 while the journal can be written, 0 when it is full or its disk has failed.",
    )
    .count(&[], u64::from(state.journal.unwritable(free).is_none()));
    out.counter(
        "blotter_collector_journal_records_total",
        "Records in the journal since it was begun, those that were deleted from it included.",
    )
    .count(&[], standing.end);
    out.counter(
        "blotter_collector_repeated_requests_total",
        "Requests that had been taken before: acknowledged again, not written again.",
    )
    .count(&[], standing.again);
    let consumers = &standing.consumers;
    out.gauge(
        "blotter_collector_consumer_waiting_records",
        "Records of the journal that wait for a consumer.",
    );
    for it in consumers {
        out.count(&[("consumer", &it.name)], it.records);
    }
    out.gauge(
        "blotter_collector_consumer_waiting_bytes",
        "Bytes of the journal that are kept for a consumer.",
    );
    for it in consumers {
        out.count(&[("consumer", &it.name)], it.bytes);
    }
    out.gauge(
        "blotter_collector_consumer_oldest_waiting_seconds",
        "How long the oldest record that waits for a consumer has waited; a day at most.",
    );
    for it in consumers {
        out.value(&[("consumer", &it.name)], it.oldest_unix_nano.map_or(0.0, age_seconds));
    }
    if let Some(free) = free {
        out.gauge(
            "blotter_collector_data_free_bytes",
            "Free bytes on the disk of the data folder.",
        )
        .count(&[], free);
    }
    let meter = state.journal.meter();
    out.counter("blotter_collector_journal_written_bytes_total", "Bytes written to the journal.")
        .count(&[], meter.bytes.load(Ordering::Relaxed));
    out.histogram(
        "blotter_collector_journal_append_seconds",
        "Time to write and sync a group of requests.",
        &meter.append.snapshot(),
    );
    out.histogram(
        "blotter_collector_journal_sync_seconds",
        "Time of the sync of a group of requests alone.",
        &meter.sync.snapshot(),
    );
}

fn commits(out: &mut Exposition, state: &State) {
    let meter = &state.commits;
    let latency = meter.latency.snapshot();
    out.counter("blotter_collector_commits_total", "Batches that were committed to the archive.")
        .count(&[], latency.count());
    out.counter(
        "blotter_collector_commit_failures_total",
        "Attempts to commit that failed and are made again.",
    )
    .count(&[], meter.failures.load(Ordering::Relaxed));
    out.counter("blotter_collector_committed_rows_total", "Rows that were written to the archive.")
        .count(&[], meter.rows.load(Ordering::Relaxed));
    out.gauge(
        "blotter_collector_archive_writing",
        "0 after an error that ends writing to the archive until the next start.",
    )
    .count(&[], u64::from(!meter.has_stopped()));
    out.gauge(
        "blotter_collector_last_commit_timestamp_seconds",
        "When the last commit was complete, in seconds since the epoch; 0 for none since the start.",
    )
    .value(&[], meter.last_unix_seconds().unwrap_or(0.0));
    out.histogram(
        "blotter_collector_commit_seconds",
        "Time from the first attempt until every table has the rows of a batch.",
        &latency,
    );
}

fn destinations(out: &mut Exposition, state: &State) {
    let all = state.destinations.status();
    let each = |out: &mut Exposition, value: &dyn Fn(&DestinationStatus) -> u64| {
        for it in &all {
            out.count(&[("destination", &it.name)], value(it));
        }
    };
    let families: [Family<Counts>; 7] = [
        (
            "blotter_collector_forwarded_records_total",
            "Records that a destination has taken.",
            |it| it.forwarded,
        ),
        (
            "blotter_collector_forward_rejected_records_total",
            "Records that a destination rejected in requests that it took otherwise.",
            |it| it.rejected,
        ),
        (
            "blotter_collector_forward_dead_letter_records_total",
            "Records that were set aside as dead letters.",
            |it| it.dead_letters,
        ),
        (
            "blotter_collector_forward_removed_dead_letters_total",
            "Dead letters that were removed to make room for newer ones.",
            |it| it.dead_letters_removed,
        ),
        (
            "blotter_collector_forward_shed_records_total",
            "Records that were given up because too much waited.",
            |it| it.shed,
        ),
        (
            "blotter_collector_forward_retries_total",
            "Attempts to send that are made again.",
            |it| it.retries,
        ),
        (
            "blotter_collector_forward_unexpected_answers_total",
            "Requests that a destination took with an answer that is none of OTLP.",
            |it| it.unexpected_answers,
        ),
    ];
    for (name, help, value) in families {
        out.counter(name, help);
        each(out, &|it| value(&it.counts));
    }
    let kept: [Family<KeptLetters>; 3] = [
        (
            "blotter_collector_forward_dead_letters",
            "Dead letters that lie in a destination's folder.",
            |it| it.letters,
        ),
        (
            "blotter_collector_forward_dead_letter_records",
            "Records in the dead letters of a destination.",
            |it| it.records,
        ),
        (
            "blotter_collector_forward_dead_letter_bytes",
            "Bytes of the disk that the dead letters of a destination take.",
            |it| it.bytes,
        ),
    ];
    for (name, help, value) in kept {
        out.gauge(name, help);
        each(out, &|it| value(&it.kept));
    }
    out.gauge("blotter_collector_forward_failing", "1 while nothing goes to a destination.");
    each(out, &|it| u64::from(it.failing.is_some()));
    out.gauge(
        "blotter_collector_forward_budget_bytes",
        "The most bytes of the journal that may wait for a destination.",
    );
    for (name, budget) in state.destinations.budgets() {
        out.count(&[("destination", name)], budget);
    }
}

/// Memory of this process that is in use; none where the system does not say.
fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(PAGE))
}
