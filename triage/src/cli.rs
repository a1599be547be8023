//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

/// Where an archive is looked for unless one is named.
pub const DEFAULT_ARCHIVE: &str = "./blotter-data/archive";

/// Shows what coding agents did, from the telemetry they sent.
#[derive(Debug, Parser)]
#[command(name = "triage", version, after_help = AFTER_HELP, propagate_version = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Begin here:
  triage demo                    look at telemetry that ships with the program
  triage up                      collect telemetry on this machine
  triage connect codex           what to put into an agent's configuration
  triage sessions                list what was collected
  triage show 01a1fb66           one session, by any unique start of its id
  triage gaps                    what is missing and what does not fit, in every session
  triage profiles list           which permission profiles this machine's configuration has

Exit codes: 0 clean, 1 findings or differences, 2 error. Data goes to stdout, everything else to \
stderr. NO_COLOR turns colours off.";

/// Options of every command; they go before or after it.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The archive: a folder or a URL.
    #[arg(long, global = true, value_name = "DIR|URL", env = "BLOTTER_ARCHIVE")]
    pub archive: Option<String>,
    /// How to write what was found.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

impl Global {
    /// The archive that was named, or the default.
    #[must_use]
    pub fn archive(&self) -> &str {
        self.archive.as_deref().unwrap_or(DEFAULT_ARCHIVE)
    }
}

/// How output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one document, or JSON Lines where there are many.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the collector and the archive in one process.
    Up(commands::up::Arguments),
    /// Print the configuration that makes an agent send its telemetry here.
    Connect(commands::connect::Arguments),
    /// Print what an agent reports always, sometimes or never, and which setting reveals more.
    Coverage(commands::coverage::Arguments),
    /// Take in recorded OTLP request bodies and session files.
    Import(commands::import::Arguments),
    /// List sessions, newest first.
    Sessions(commands::sessions::Arguments),
    /// Show one session: turns, prompts, calls, decisions, results.
    Show(commands::show::Arguments),
    /// Show the receipt of one call: every fact about it, its grade, and the rows behind it.
    Receipt(commands::receipt::Arguments),
    /// Find gaps and contradictions: what is missing from a session's trail, and what does not fit.
    Gaps(commands::gaps::Arguments),
    /// Ask of everything a session did what its permission profile says, and where the two differ.
    Check(commands::check::Arguments),
    /// Which types of credentials acted, where and until when; which sessions went on with a revoked one.
    Credentials(commands::credentials::Arguments),
    /// Which settings, AGENTS.md, hooks, skills and MCP definitions steered agents, and which sessions.
    Configurations(commands::configurations::Arguments),
    /// Write what a run did as a file that is made to be compared.
    Snapshot(commands::snapshot::Arguments),
    /// Compare two runs: whether they can be compared, then what differs.
    Diff(commands::diff::Arguments),
    /// Explain permission profiles: list, show, ask, compare, and find what is wrong with them.
    Profiles(commands::profiles::Arguments),
    /// Look after the archive: gather small files, remove old days, count, check.
    Archive(commands::archive::Arguments),
    /// Where a secret that you hold was seen: its marks, and what the archive says.
    Fingerprint(commands::fingerprint::Arguments),
    /// The keys of the fingerprints: list them, add one.
    Key(commands::key::Arguments),
    /// Show a session from telemetry that ships with the program.
    Demo(commands::demo::Arguments),
}
