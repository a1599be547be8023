//! The collector alone, for a service manager.

mod dead_letters;
mod token;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use blotter_archive::Location;
use blotter_collector::{Collector, Config, ConfigFile, quiet_panics};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Receives OTLP from coding agents and keeps every record.
///
/// A request is answered once it is on the disk, synced, in the journal (DATA/journal). From there
/// its records go into the tables of the archive: within about a second when idle, later under load.
/// If this process is killed or the machine loses power, what was answered is not lost: start it
/// again on the same folder.
///
/// Secrets are taken out of every record before it is written anywhere: where one stood, a mark with
/// a keyed fingerprint stands. What is not recognised as a secret is stored as it was sent, prompts and
/// output included, unless --config says otherwise.
///
/// On loopback, which is the default, nobody is asked who they are: whoever can run a program on this
/// machine can send. Every other address needs TLS, and tokens or client certificates, in --config
/// ([access]; `blotter-collector token` makes tokens); without them the collector does not start. What is
/// sent with a credential is stored under its name and tenant.
#[derive(Debug, Parser)]
#[command(name = "blotter-collector", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// Folder of the journal, of the collector's id and, unless --archive says otherwise, of the
    /// archive. Made if it is not there.
    #[arg(
        long,
        value_name = "DIR",
        env = "BLOTTER_DATA",
        default_value = "blotter-data",
        global = true
    )]
    data: PathBuf,

    /// Folder or URL of the archive [default: DATA/archive].
    #[arg(long, value_name = "DIR|URL", env = "BLOTTER_ARCHIVE")]
    archive: Option<String>,

    /// Configuration in TOML: [redaction] holds rules, allowlist, modes of fields and the key file
    /// (docs/redaction.md), each [[forward]] a backend that gets a copy (docs/forwarding.md), [access] who may connect
    /// (docs/access.md), [limits] what a sender may ask. Something
    /// in it that cannot be used is refused with its line.
    #[arg(long, value_name = "FILE", env = "BLOTTER_CONFIG", global = true)]
    config: Option<PathBuf>,

    /// Where to expect OTLP/gRPC. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    grpc: SocketAddr,

    /// Where to expect OTLP/HTTP, Protobuf and JSON. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    http: SocketAddr,

    /// Make a Unix socket here as well, for OTLP/gRPC and OTLP/HTTP. Only the user that runs this
    /// can connect to it, and the kernel says which process each connection comes from.
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,

    /// Listen on addresses that others can reach although TLS or credentials are missing: anybody there
    /// can read what is sent, or send in anybody's name. Said on stderr, and recorded as an event. In the
    /// configuration: `insecure = true` in [access].
    #[arg(long)]
    insecure: bool,

    /// Leave small files of the archive as they are, where something else gathers them
    /// (`triage archive compact`). More and more of them make commits and questions slower.
    #[arg(long)]
    no_compaction: bool,

    /// Keep what was received today and on so many days before it, and remove the rest of the
    /// archive's tables [default: keep everything].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    keep: Option<u32>,
}

/// What is done instead of collecting.
#[derive(Debug, Subcommand)]
enum Command {
    /// What destinations refused for good and was set aside: list it, send it again, or give it up
    #[command(subcommand)]
    DeadLetters(dead_letters::Command),
    /// Make a token for a sender: prints it, once, and its table for the configuration
    #[command(
        after_help = "Example:\n  blotter-collector token --name laptop-anna --tenant research --expires 2027-06-30"
    )]
    Token(token::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  blotter-collector
      Collect into ./blotter-data on the standard ports; look with `triage sessions`.
  blotter-collector --data /var/lib/blotter --archive /srv/blotter/archive
      Journal on one disk, archive on another.
  blotter-collector --config /etc/blotter/collector.toml
      With rules of your own, the key file of your fleet, and backends that get a copy.
  blotter-collector --config access.toml --grpc 0.0.0.0:4317 --http 0.0.0.0:4318
      For other machines: access.toml has [access.tls] and [[access.tokens]].
  blotter-collector token --name laptop-anna
      A token for a sender.
  blotter-collector dead-letters list
      What backends refused for good.

The keys of the fingerprints are in DATA/redaction.key unless the configuration names a file; `triage \
key rotate` adds one, which a running collector takes up within seconds.

The addresses are printed on stdout once requests are taken. Logs go to stderr; RUST_LOG=debug \
shows more. SIGTERM and SIGINT answer open requests, commit what the journal holds, and end.
Exit code: 0 after an orderly end, 2 on an error, whose message says what to do; `dead-letters` ends with 1 \
where there are any, or some were not taken.";

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,blotter_collector=info,blotter_archive=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    quiet_panics();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Every error of ours quotes its cause.
            let _ = writeln!(std::io::stderr(), "blotter-collector: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments {
        command,
        data,
        archive,
        config: file,
        grpc,
        http,
        unix,
        insecure,
        no_compaction,
        keep,
    } = arguments;
    if let Some(Command::Token(arguments)) = &command {
        return token::run(arguments);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(Command::DeadLetters(command)) = command {
        return runtime.block_on(dead_letters::run(command, &data, file.as_deref()));
    }
    let mut config = Config::new(data)?;
    if let Some(file) = file {
        let read = ConfigFile::read(&file)?;
        (config.redaction, config.forward) = (read.redaction, read.forward);
        (config.access, config.limits) = (read.access, read.limits);
    }
    if let Some(archive) = archive {
        config.archive = Location::parse(&archive)?;
    }
    (config.grpc, config.http, config.unix) = (grpc, http, unix);
    config.access.insecure |= insecure;
    (config.maintenance.compaction, config.maintenance.keep_days) = (!no_compaction, keep);
    runtime.block_on(serve(config))?;
    Ok(ExitCode::SUCCESS)
}

fn listen(kind: SignalKind, name: &str) -> anyhow::Result<Signal> {
    signal(kind).map_err(|error| anyhow::anyhow!("cannot listen for {name}: {error}"))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = listen(SignalKind::terminate(), "SIGTERM")?;
    let mut interrupt = listen(SignalKind::interrupt(), "SIGINT")?;
    let collector = Collector::start(config).await?;
    let (grpc, http) = (collector.grpc_address(), collector.http_address());
    for warning in collector.warnings() {
        // Whatever RUST_LOG says.
        let _ = writeln!(std::io::stderr(), "blotter-collector: {warning}");
    }
    let scheme = if collector.has_tls() { "https" } else { "http" };
    let mut stdout = std::io::stdout();
    // Whoever started us may not care to read.
    let _ = writeln!(stdout, "OTLP/gRPC {scheme}://{grpc}\nOTLP/HTTP {scheme}://{http}");
    if let Some(path) = collector.unix_path() {
        let _ = writeln!(stdout, "OTLP/Unix unix://{}", path.display());
    }
    let _ = stdout.flush();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    collector.shutdown().await?;
    Ok(())
}
