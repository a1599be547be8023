//! `triage coverage`

use std::fmt::Write as _;

use anyhow::Context as _;
use blotter_schemas::coverage::{self, Coverage, EventCoverage, Why};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `coverage`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage coverage codex
  triage coverage gemini-cli --format json
  triage coverage                  which agents are known")]
pub struct Arguments {
    /// Agent: codex, claude-code, gemini-cli, qwen-code, copilot-cli, opencode, gen-ai.
    #[arg(value_name = "AGENT")]
    agent: Option<String>,
}

/// Prints what an agent reports.
pub fn run(global: &Global, arguments: &Arguments) -> anyhow::Result<Outcome> {
    let Some(agent) = &arguments.agent else {
        for known in coverage::all() {
            output::data(&format!("{}\t{} {}\n", name(known), known.agent, known.version))?;
        }
        return Ok(Outcome::Clean);
    };
    let found = coverage::coverage(&agent.replace('-', "_")).with_context(|| {
        let known: Vec<String> = coverage::all().iter().map(name).collect();
        format!("no agent {agent:?}; known are {}", known.join(", "))
    })?;
    match global.format {
        Format::Text => output::data(&text(found)?)?,
        Format::Json => {
            output::data(&format!("{}\n", serde_json::to_string_pretty(&document(found))?))?;
        }
    }
    Ok(Outcome::Clean)
}

fn name(coverage: &Coverage) -> String {
    coverage.dialect.replace('_', "-")
}

fn text(coverage: &Coverage) -> Result<String, std::fmt::Error> {
    let mut out = format!("{} {}\n\n{}\n\n", coverage.agent, coverage.version, coverage.turn_on);
    for signal in coverage.signals {
        let setting = signal.setting.map(|id| format!(" (setting {id})")).unwrap_or_default();
        writeln!(out, "{:<8} {}{setting}", signal.signal, signal.reports)?;
    }
    out.push_str("\nSettings that reveal more:\n");
    for setting in coverage.settings {
        writeln!(out, "  {:<12} {}, default {}", setting.id, setting.how, setting.default)?;
        writeln!(out, "  {:<12} reveals {}", "", setting.reveals)?;
    }
    out.push_str("\nWhat it cannot tell:\n");
    for line in coverage.never {
        writeln!(out, "  - {line}")?;
    }
    if !coverage.drops.is_empty() {
        out.push_str("\nWhat it is known to lose:\n");
        for line in coverage.drops {
            writeln!(out, "  - {line}")?;
        }
    }
    out.push_str("\nEvents; what is not listed is never reported:\n");
    for event in coverage.events {
        let setting = event.setting.map(|id| format!(" (setting {id})")).unwrap_or_default();
        writeln!(out, "\n  {} from {}{setting}", event.kind.as_str(), event.source.as_str())?;
        writeln!(out, "    always: {}", event.always.join(", "))?;
        for (column, why) in event.sometimes {
            writeln!(out, "    {column}: {}", reason(*why))?;
        }
    }
    Ok(out)
}

fn reason(why: Why) -> String {
    match why {
        Why::Setting(id) => format!("with the setting {id}"),
        Why::Reason(reason) => reason.to_owned(),
    }
}

fn document(coverage: &Coverage) -> Value {
    json!({
        "dialect": coverage.dialect,
        "agent": coverage.agent,
        "version": coverage.version,
        "turn_on": coverage.turn_on,
        "signals": coverage.signals.iter().map(|signal| json!({
            "signal": signal.signal, "reports": signal.reports, "setting": signal.setting,
        })).collect::<Vec<_>>(),
        "settings": coverage.settings.iter().map(|setting| json!({
            "id": setting.id, "how": setting.how, "default": setting.default, "reveals": setting.reveals,
        })).collect::<Vec<_>>(),
        "never": coverage.never,
        "drops": coverage.drops,
        "events": coverage.events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn event(event: &EventCoverage) -> Value {
    let sometimes = event.sometimes.iter().map(|(column, why)| {
        let why = match why {
            Why::Setting(id) => json!({ "setting": id }),
            Why::Reason(reason) => json!({ "reason": reason }),
        };
        ((*column).to_owned(), why)
    });
    json!({
        "kind": event.kind.as_str(),
        "source": event.source.as_str(),
        "setting": event.setting,
        "always": event.always,
        "sometimes": sometimes.collect::<serde_json::Map<_, _>>(),
    })
}
