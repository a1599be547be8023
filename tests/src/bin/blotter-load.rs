//! `blotter-load`: sends generated log records to an OTLP receiver on loopback and reports, as JSON,
//! how many were acknowledged and how fast.

use std::time::Duration;

use blotter_tests::load::{self, Plan, Target};
use clap::Parser;

/// Send generated log records to an OTLP receiver on loopback.
#[derive(Parser)]
struct Args {
    /// Send over OTLP/HTTP to this base URL.
    #[arg(long, conflicts_with = "grpc", required_unless_present = "grpc")]
    http: Option<String>,
    /// Send over OTLP/gRPC to this base URL.
    #[arg(long)]
    grpc: Option<String>,
    /// Connections.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Requests in flight on each connection.
    #[arg(long, default_value_t = 4)]
    in_flight: usize,
    /// Log records in each request.
    #[arg(long, default_value_t = 1000)]
    records: usize,
    /// Log records in each session.
    #[arg(long, default_value_t = 200)]
    session_records: usize,
    /// Requests to send at most.
    #[arg(long, default_value_t = 1000)]
    requests: u64,
    /// Seconds after which no further request is sent.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

#[expect(clippy::print_stdout, reason = "the report is this program's output")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let target = match (args.http, args.grpc) {
        (Some(url), _) => Target::Http(url),
        (None, url) => Target::Grpc(url.unwrap_or_default()),
    };
    let plan = Plan {
        target,
        connections: args.connections,
        in_flight: args.in_flight,
        records: args.records,
        session_records: args.session_records,
        requests: args.requests,
        time: Duration::from_secs(args.seconds),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(load::run(&plan))?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}
