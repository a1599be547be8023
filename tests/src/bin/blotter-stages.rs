//! `blotter-stages`: what each stage between the wire and a Parquet file costs on one core, in
//! microseconds per 1,000 records.

use std::hint::black_box;
use std::time::{Duration, Instant};

use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::normalise::{Custody, Rows, normalise};
use blotter_schemas::otlp::json::Envelope;
use blotter_schemas::otlp::{Encoding, Request, Signal, check};
use blotter_schemas::tables::{Event, Row as _, Table};
use blotter_tests::load::Template;
use clap::Parser;

/// Measure each stage of the collector's work on generated log records.
#[derive(Parser)]
struct Args {
    /// Log records in the request.
    #[arg(long, default_value_t = 1000)]
    records: usize,
    /// Milliseconds to spend on each stage.
    #[arg(long, default_value_t = 1000)]
    milliseconds: u64,
}

#[expect(clippy::print_stdout, reason = "the table is this program's output")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let time = Duration::from_millis(args.milliseconds);
    let per_thousand = 1000.0 / args.records as f64;
    let body = Template::new(args.records, 200)?.request(0);
    let decode = || Request::decode(Signal::Logs, Encoding::Protobuf, &body);
    let request = decode()?;
    let rows = {
        let mut rows = Rows::default();
        normalise(&request, &Custody::default(), &mut rows);
        rows.events
    };
    let batch = Event::to_batch(&rows)?;

    let mut stages: Vec<(&str, f64)> = Vec::new();
    stages.push(("copy the request", measure(time, || black_box(body.to_vec()))));
    stages.push((
        "check it (before the journal)",
        measure(time, || black_box(check(Signal::Logs, Encoding::Protobuf, &body))),
    ));
    let redactor = Redactor::new(&Configuration::default(), Keys::ephemeral()?)?;
    let clean = !redactor.may_contain(Signal::Logs, Encoding::Protobuf, &body);
    stages.push((
        if clean { "search it for secrets, none there" } else { "search it for secrets" },
        measure(time, || black_box(redactor.may_contain(Signal::Logs, Encoding::Protobuf, &body))),
    ));
    stages.push((
        "redact it where it may hold one (decode, search, encode)",
        measure(time, || {
            let mut request = decode();
            let redactions = request.as_mut().map(|request| redactor.redact(request));
            black_box((redactions.is_ok(), request.map(|request| request.encode())))
        }),
    ));
    stages.push(("decode it", measure(time, || black_box(decode()))));
    stages.push(("write canonical JSON", measure(time, || black_box(canonical(&request)))));
    stages.push((
        "normalise (JSON, event_id and dialect included)",
        measure(time, || {
            let mut rows = Rows::default();
            normalise(&request, &Custody::default(), &mut rows);
            black_box(rows)
        }),
    ));
    stages.push(("rows to an Arrow batch", measure(time, || black_box(Event::to_batch(&rows)))));
    stages.push((
        "sort, Parquet (zstd 1) and commit to a local table",
        measure_append(time, &batch)?,
    ));
    println!("{:<56} {:>12}", "stage", "us / 1,000");
    for (name, seconds) in stages {
        println!("{name:<56} {:>12.0}", seconds * 1e6 * per_thousand);
    }
    Ok(())
}

/// Seconds one call takes, the fastest of many in `time`.
fn measure<T>(time: Duration, mut stage: impl FnMut() -> T) -> f64 {
    let started = Instant::now();
    let mut best = f64::MAX;
    while started.elapsed() < time {
        let one = Instant::now();
        let value = stage();
        best = best.min(one.elapsed().as_secs_f64());
        drop(value);
    }
    best
}

fn canonical(request: &Request) -> usize {
    let Request::Logs(request) = request else {
        return 0;
    };
    let mut out = String::new();
    let mut bytes = 0;
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            let envelope = Envelope::logs(resource, scope);
            for record in &scope.log_records {
                out.clear();
                envelope.log(record, &mut out, &mut Vec::new());
                bytes += out.len();
            }
        }
    }
    bytes
}

/// Sixteen batches make one append, as in the collector under load.
fn measure_append(time: Duration, batch: &arrow_array::RecordBatch) -> anyhow::Result<f64> {
    const BATCHES: usize = 16;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let location = blotter_archive::Location::parse(&folder.path().to_string_lossy())?;
    let archive = runtime.block_on(blotter_archive::Archive::open_or_create(&location))?;
    let batches = vec![batch.clone(); BATCHES];
    let seconds =
        measure(time, || runtime.block_on(archive.append(Table::Events, batches.clone(), None)));
    Ok(seconds / BATCHES as f64)
}
