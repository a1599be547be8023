//! The collector alone, for a service manager.

mod commands;
mod token;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use blotter_collector::{Collector, Config, quiet_panics};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use commands::Format;
use commands::settings::Settings;
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

    #[command(flatten)]
    settings: Settings,

    /// Print every setting in effect and where it came from (a flag, the environment, a line of the
    /// configuration file, or nobody), and end. No secret is printed.
    #[arg(long)]
    print_config: bool,

    /// How --print-config prints: text to read, or a JSON array
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "print_config")]
    format: Format,
}

/// What is done instead of collecting.
#[derive(Debug, Subcommand)]
enum Command {
    /// Ask a running collector how it is doing; exit code 1 when something is wrong
    ///
    /// Says what was received, refused and redacted, what waits in the journal for whom and since when,
    /// the last commit, and how each destination is doing. Finds the collector by its data folder.
    #[command(
        after_help = "Exit code: 0 nothing is wrong, 1 something is (it is named), 2 the collector cannot be asked."
    )]
    Status(commands::status::Arguments),

    /// Look at configuration, keys, certificates, destinations and disk before they are needed
    ///
    /// Lists everything that was looked at and what to do about it. Each destination is sent an empty
    /// request unless --offline says otherwise; nothing is left behind. A collector may be running.
    #[command(
        after_help = "Exit code: 0 all is well, 1 there are warnings or problems, 2 it could not be looked at."
    )]
    Check(commands::check::Arguments),

    /// Have a running collector take no more requests and bring everything it holds where it belongs
    ///
    /// Requests are refused with a status that says: try again later or elsewhere; /readyz answers 503.
    /// Waits until nothing waits for the archive or a destination. The collector is told by SIGUSR1,
    /// which the system takes only from its own user and from root.
    #[command(
        after_help = "Examples:\n  blotter-collector drain --data /var/lib/blotter --timeout 120 --stop\n  \
                            blotter-collector drain --cancel\n\n\
                            Exit code: 0 nothing waits any more, 1 the time was over before, 2 it cannot be told."
    )]
    Drain(commands::drain::Arguments),

    /// What destinations refused for good and was set aside: list it, send it again, or give it up
    #[command(subcommand)]
    DeadLetters(commands::dead_letters::Command),
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
  blotter-collector --config /etc/blotter/collector.toml --print-config
      Every setting in effect, and where it came from.
  blotter-collector check --config /etc/blotter/collector.toml
      Whether that would work: disk, keys, certificates, backends.
  blotter-collector status --data /var/lib/blotter
      How the collector on that folder is doing.

The keys of the fingerprints are in DATA/redaction.key unless the configuration names a file; `triage \
key rotate` adds one, which a running collector takes up within seconds.

/metrics (Prometheus), /healthz, /readyz and /status are served beside OTLP/HTTP.

The addresses are printed on stdout once requests are taken. Logs go to stderr; RUST_LOG=debug \
shows more. SIGTERM and SIGINT answer open requests, commit what the journal holds, and end; SIGUSR1 drains (see `drain`), \
SIGUSR2 takes requests again.
Exit code: 0 after an orderly end, 2 on an error, whose message says what to do; the commands end with 1 \
where they found something.";

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,blotter_collector=info,blotter_archive=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    quiet_panics();
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Every error of ours quotes its cause.
            let _ = writeln!(std::io::stderr(), "blotter-collector: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> anyhow::Result<ExitCode> {
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let Arguments { command, settings, print_config, format } = arguments;
    if print_config && command.is_none() {
        return commands::print_config::run(&settings, &matches, format);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Some(Command::Token(arguments)) => token::run(&arguments),
        Some(Command::Status(arguments)) => {
            runtime.block_on(commands::status::run(&settings, &arguments))
        }
        Some(Command::Check(arguments)) => {
            runtime.block_on(commands::check::run(&settings, &arguments))
        }
        Some(Command::Drain(arguments)) => {
            runtime.block_on(commands::drain::run(&settings, &arguments))
        }
        Some(Command::DeadLetters(command)) => {
            let (data, file) = (settings.data()?, settings.config());
            runtime.block_on(commands::dead_letters::run(command, &data, file))
        }
        None => {
            let file = settings.file()?;
            runtime.block_on(serve(settings.effective(file.as_ref())?))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn listen(kind: SignalKind, name: &str) -> anyhow::Result<Signal> {
    signal(kind).map_err(|error| anyhow::anyhow!("cannot listen for {name}: {error}"))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = listen(SignalKind::terminate(), "SIGTERM")?;
    let mut interrupt = listen(SignalKind::interrupt(), "SIGINT")?;
    let mut drain = listen(SignalKind::user_defined1(), "SIGUSR1")?;
    let mut resume = listen(SignalKind::user_defined2(), "SIGUSR2")?;
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
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = drain.recv() => collector.drain(),
            _ = resume.recv() => collector.resume(),
        }
    }
    collector.shutdown().await?;
    Ok(())
}
