//! The load generator: pre-encoded requests over many connections, bounded in count and time.

mod requests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use blotter_schemas::otlp::{Encoding, Signal};
use serde::Serialize;

use crate::client::{Answer, Export, Sender};

pub use requests::Template;

/// Where to send.
#[derive(Debug, Clone)]
pub enum Target {
    /// Base URL of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`.
    Http(String),
    /// Base URL of an OTLP/gRPC receiver, such as `http://127.0.0.1:4317`.
    Grpc(String),
}

/// What to send, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Receiver; only loopback addresses are accepted.
    pub target: Target,
    /// Connections.
    pub connections: usize,
    /// Requests in flight on each connection (over HTTP/1.1 each takes a connection of its own).
    pub in_flight: usize,
    /// Log records in each request.
    pub records: usize,
    /// Log records in each session.
    pub session_records: usize,
    /// Requests to send at most.
    pub requests: u64,
    /// Time after which no further request is sent.
    pub time: Duration,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Requests that were acknowledged.
    pub acknowledged_requests: u64,
    /// Log records in them.
    pub acknowledged_records: u64,
    /// Requests that were refused with a retryable status, and sent again.
    pub refused: u64,
    /// Bytes of Protobuf in one record.
    pub bytes_per_record: f64,
    /// Seconds from the first request to the last answer.
    pub seconds: f64,
    /// Acknowledged log records a second.
    pub records_per_second: f64,
    /// Median time to acknowledgement, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the time to acknowledgement, milliseconds.
    pub p99_ms: f64,
}

/// Sends what `plan` says.
///
/// # Errors
/// When the target is not on loopback, cannot be reached, or answers with a permanent error.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let template = Arc::new(Template::new(plan.records, plan.session_records)?);
    let senders = connect(plan).await?;
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let deadline = started + plan.time;
    let mut tasks = Vec::new();
    for mut sender in senders {
        let (template, next, requests) = (template.clone(), next.clone(), plan.requests);
        tasks.push(tokio::spawn(async move {
            let (mut latencies, mut refused) = (Vec::new(), 0_u64);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= requests || Instant::now() >= deadline {
                    return anyhow::Ok((latencies, refused));
                }
                let body = template.request(number);
                let export = Export { signal: Signal::Logs, encoding: Encoding::Protobuf, body };
                let sent = Instant::now();
                loop {
                    match sender.send(&export).await? {
                        Answer::Acknowledged(_) => break,
                        Answer::Permanent(reason) => bail!(reason),
                        Answer::Retryable(_) => refused += 1,
                    }
                    if Instant::now() >= deadline {
                        return Ok((latencies, refused));
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                latencies.push(sent.elapsed());
            }
        }));
    }
    let (mut latencies, mut refused) = (Vec::new(), 0);
    for task in tasks {
        let (mut times, refusals) = task.await??;
        latencies.append(&mut times);
        refused += refusals;
    }
    Ok(report(plan, &template, started.elapsed(), &mut latencies, refused))
}

fn report(
    plan: &Plan,
    template: &Template,
    elapsed: Duration,
    latencies: &mut [Duration],
    refused: u64,
) -> Report {
    latencies.sort_unstable();
    let percentile = |part: usize| {
        let index = latencies.len().saturating_sub(1) * part / 100;
        latencies.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let requests = latencies.len() as u64;
    let records = requests * plan.records as u64;
    Report {
        acknowledged_requests: requests,
        acknowledged_records: records,
        refused,
        bytes_per_record: template.len() as f64 / plan.records as f64,
        seconds: elapsed.as_secs_f64(),
        records_per_second: records as f64 / elapsed.as_secs_f64(),
        p50_ms: percentile(50),
        p99_ms: percentile(99),
    }
}

async fn connect(plan: &Plan) -> anyhow::Result<Vec<Sender>> {
    let mut senders = Vec::new();
    match &plan.target {
        Target::Http(url) => {
            let address = loopback(url)?;
            for _ in 0..plan.connections * plan.in_flight {
                senders.push(Sender::http(address).await?);
            }
        }
        Target::Grpc(url) => {
            let address = loopback(url)?;
            for _ in 0..plan.connections {
                let sender = Sender::grpc(address).await?;
                senders.extend((1..plan.in_flight).filter_map(|_| sender.multiplexed()));
                senders.push(sender);
            }
        }
    }
    Ok(senders)
}

/// The address of a URL, which must be on loopback: a load test has no business elsewhere.
fn loopback(url: &str) -> anyhow::Result<SocketAddr> {
    let uri: http::Uri = url.parse().with_context(|| format!("not a URL: {url}"))?;
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().with_context(|| format!("{url}: no port"))?;
    let host = if host == "localhost" { "127.0.0.1" } else { host.trim_matches(['[', ']']) };
    let ip: IpAddr = host.parse().with_context(|| format!("{url}: not an address"))?;
    if !ip.is_loopback() {
        bail!("{url}: only loopback addresses are loaded");
    }
    Ok(SocketAddr::new(ip, port))
}
