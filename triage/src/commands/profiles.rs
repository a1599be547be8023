//! `triage profiles`

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use blotter_profiles::compare::compare;
use blotter_profiles::decide::{Connect, Resolution, parse_target};
use blotter_profiles::lint::{RULES, lint};
use blotter_profiles::{Decider, Request, Semantics, Verdict};
use blotter_triage::profiles::{answered, compared, load, shown};
use blotter_triage::render::profiles as text;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::profile_files::ProfileFiles;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `profiles`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage profiles list
  triage profiles show dev --trace                 every entry with the file and line that set it
  triage profiles decide dev write .env            may it, and which rule says so
  triage profiles decide dev connect api.example.com:443 --resolve api.example.com=10.0.0.7
  triage profiles diff :workspace dev
  triage profiles lint --config system:base.toml --config user:mine.toml --requirements requirements.toml

Without --config and --requirements the usual places are read: /etc/codex/config.toml and
managed_config.toml, config.toml in $CODEX_HOME or ~/.codex, .codex/config.toml of the project (only with
--trusted), /etc/codex/requirements.toml. With either, only the files that are named.

A file's layer is stated, `LAYER:FILE` with system, organisation, user, project, profile or command-line, or
told from its path: /etc/codex/config.toml is the system's, managed_config.toml the organisation's,
.codex/config.toml in the project the project's, NAME.config.toml a profile override, anything else the
user's. Of requirements: system, mdm (also in base64) or cloud; told from the name, else the system's.

Two semantics: `codex` answers as Codex does it, `documented` as it is documented, where a less trusted layer
and a child profile never weaken a deny. Where they differ, both answers are shown. Profiles govern local
commands, not MCP servers, app connectors, the browser or cloud tasks. No name is resolved. docs/profiles.md
says more.

Exit codes: decide 0 allowed, 1 denied; diff and lint 0 nothing, 1 something; 2 error.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    files: ProfileFiles,
    /// Which meaning profiles are given.
    #[arg(long, global = true, value_enum, default_value_t = Meaning::Codex)]
    semantics: Meaning,
}

/// A semantics on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Meaning {
    /// As Codex does it.
    Codex,
    /// As it is documented.
    Documented,
}

/// What to do with profiles.
#[derive(Debug, Subcommand)]
enum Command {
    /// List the profiles, and which one is in effect.
    List,
    /// Show a profile with everything that changes it.
    Show {
        /// The profile.
        name: String,
        /// Say for every entry which file and line set it, and what it replaced.
        #[arg(long)]
        trace: bool,
    },
    /// Ask whether a command may do something.
    Decide {
        /// The profile.
        name: String,
        /// What the command wants to do.
        action: Action,
        /// A path; for `connect` `HOST[:PORT]`, an IPv6 address in brackets; for `socket` its path.
        target: String,
        /// What the host resolves to, HOST=IP; may be given several times.
        #[arg(long, value_name = "HOST=IP")]
        resolve: Vec<String>,
        /// The HTTP method of a connection.
        #[arg(long, value_name = "METHOD")]
        method: Option<String>,
        /// The folder that a relative path starts from [default: the project].
        #[arg(long, value_name = "DIR")]
        cwd: Option<PathBuf>,
        /// Show the rules that do not decide as well.
        #[arg(long)]
        trace: bool,
    },
    /// Compare two profiles: what became allowed, what became denied.
    Diff {
        /// The first profile.
        a: String,
        /// The second profile.
        b: String,
    },
    /// Find what people get wrong.
    Lint {
        /// Print the rules instead.
        #[arg(long)]
        rules: bool,
    },
}

/// What a command wants to do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Read a file.
    Read,
    /// Create, change, rename or delete a file.
    Write,
    /// List a folder.
    List,
    /// Connect to a host.
    Connect,
    /// Connect to a Unix socket.
    Socket,
}

/// Explains profiles.
pub fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let options = text::Options { width: output::width(), colour: output::colour() };
    if let Command::Lint { rules: true } = arguments.command {
        output::data(&match global.format {
            Format::Text => text::rules(options),
            Format::Json => lines(RULES.iter().map(
                |rule| json!({"rule": rule.name, "severity": rule.severity, "finds": rule.finds}),
            ))?,
        })?;
        return Ok(Outcome::Clean);
    }
    let files = &arguments.files;
    let cwd = match &arguments.command {
        Command::Decide { cwd, .. } => cwd.clone(),
        _ => None,
    };
    let (stack, place, read) = load(&files.sources(cwd))?;
    if !files.are_named() {
        let read = if read.is_empty() { "no file".to_owned() } else { read.join(", ") };
        output::note(&format!("Read: {read}."));
    }
    let semantics = match arguments.semantics {
        Meaning::Codex => Semantics::Codex,
        Meaning::Documented => Semantics::Documented,
    };
    let format = global.format;
    match &arguments.command {
        Command::List => {
            let (profiles, selection) = (stack.list(), stack.selected());
            output::data(&match format {
                Format::Text => text::list(&profiles, &selection, options),
                Format::Json => document(&json!({"profiles": profiles, "selection": selection}))?,
            })?;
            Ok(Outcome::Clean)
        }
        Command::Show { name, trace } => {
            let shown = shown(name, &stack.effective(name)?);
            output::data(&match format {
                Format::Text => text::show(&shown, *trace, options),
                Format::Json => document(&shown)?,
            })?;
            Ok(Outcome::Clean)
        }
        Command::Decide { name, action, target, resolve, method, trace, .. } => {
            let decider = Decider::new(stack.effective(name)?, place)?;
            let addresses = resolutions(resolve, *action, target)?;
            let request = match action {
                Action::Read => Request::Read(target),
                Action::Write => Request::Write(target),
                Action::List => Request::List(target),
                Action::Socket => Request::Socket(target),
                Action::Connect => {
                    let (host, port) = parse_target(target).map_err(anyhow::Error::msg)?;
                    let resolution = match addresses.as_slice() {
                        [] => Resolution::Unknown,
                        addresses => Resolution::Addresses(addresses),
                    };
                    let method = method.as_deref();
                    Request::Connect(Connect { host, port, method, resolution })
                }
            };
            let answered = answered(&decider, name, &request, semantics, *trace);
            output::data(&match format {
                Format::Text => text::decide(&answered, options),
                Format::Json => document(&answered)?,
            })?;
            let allowed = answered.answer.decision == Verdict::Allow;
            Ok(if allowed { Outcome::Clean } else { Outcome::Findings })
        }
        Command::Diff { a, b } => {
            let (before, after) = (stack.effective(a)?, stack.effective(b)?);
            let difference = compare(&before, &after, &place, semantics)?;
            let same = before.canonical() == after.canonical() && difference.changes.is_empty();
            let compared = compared([(a, &before), (b, &after)], difference, semantics);
            output::data(&match format {
                Format::Text => text::diff(&compared, options),
                Format::Json => document(&compared)?,
            })?;
            Ok(if same { Outcome::Clean } else { Outcome::Findings })
        }
        Command::Lint { .. } => {
            let findings = lint(&stack, &place)?;
            if findings.is_empty() {
                output::note("Nothing found.");
                return Ok(Outcome::Clean);
            }
            output::data(&match format {
                Format::Text => text::lint(&findings, options),
                Format::Json => lines(&findings)?,
            })?;
            Ok(Outcome::Findings)
        }
    }
}

/// The addresses that are given for the target of a connection.
fn resolutions(given: &[String], action: Action, target: &str) -> anyhow::Result<Vec<IpAddr>> {
    let mut addresses = Vec::new();
    for pair in given {
        anyhow::ensure!(
            matches!(action, Action::Connect),
            "--resolve is for connect; a path and a socket have no name"
        );
        let (host, address) = pair.split_once('=').with_context(|| {
            format!("--resolve {pair}: it takes HOST=IP, for instance example.com=192.0.2.7")
        })?;
        let address: IpAddr = address
            .trim_matches(['[', ']'])
            .parse()
            .with_context(|| format!("--resolve {pair}: `{address}` is no address"))?;
        let (asked, _) = parse_target(target).map_err(anyhow::Error::msg)?;
        let same = |host: &str| blotter_profiles::profile::domain::normalize(host);
        anyhow::ensure!(
            same(host) == same(asked),
            "--resolve {pair}: the target is {asked}, not {host}"
        );
        addresses.push(address);
    }
    Ok(addresses)
}

fn document(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

fn lines<T: Serialize>(values: impl IntoIterator<Item = T>) -> serde_json::Result<String> {
    let mut text = String::new();
    for value in values {
        text.push_str(&serde_json::to_string(&value)?);
        text.push('\n');
    }
    Ok(text)
}
