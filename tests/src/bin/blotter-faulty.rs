//! `blotter-faulty`: the collector on a disk that kills it at a named place, with small files, or on one
//! that is slow.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use blotter_collector::{Collector, Config, ConfigFile};
use blotter_tests::faulty_disk::{Fault, FaultyDisk, Rule};
use blotter_tests::small;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// A collector that is killed by SIGKILL at a named place, or has a slow disk.
#[derive(Parser)]
struct Args {
    /// Folder of the journal and of the archive.
    #[arg(long)]
    data: PathBuf,
    /// Place at which it is killed; without it, it is not killed.
    #[arg(long)]
    place: Option<String>,
    /// How often the place is passed before.
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Instead, how much longer each operation of the disk takes that changes something.
    #[arg(long, conflicts_with = "place")]
    delay_milliseconds: Option<u64>,
    /// Configuration file that says where to forward.
    #[arg(long)]
    config: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve(Args::parse()))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let disk = FaultyDisk::default();
    if args.place.is_some() {
        disk.set(Rule { place: args.place, after: args.after, fault: Fault::Kill });
    }
    let mut config = match args.delay_milliseconds.map(Duration::from_millis) {
        None => small::config(&args.data)?,
        Some(delay) => {
            disk.set(Rule { place: None, after: 0, fault: Fault::Delay(delay) });
            let mut config = Config::new(&args.data)?;
            config.grpc.set_port(0);
            config.http.set_port(0);
            config
        }
    };
    if let Some(file) = args.config {
        config.forward = ConfigFile::read(&file)?.forward;
    }
    let collector = Collector::start_on(config, Arc::new(disk)).await?;
    let (grpc, http) = (collector.grpc_address(), collector.http_address());
    let mut stdout = std::io::stdout();
    writeln!(stdout, "OTLP/gRPC http://{grpc}\nOTLP/HTTP http://{http}")?;
    stdout.flush()?;
    terminate.recv().await;
    collector.shutdown().await?;
    Ok(())
}
