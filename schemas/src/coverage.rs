//! What each agent reports always, sometimes or never, so that a reader can tell what was withheld from
//! what is missing. Declared in `schemas/registry/coverage`, checked against what the agents really sent.

use crate::generated::coverage::ALL;
use crate::names::blotter::{EventKind, EventSource};

/// What one agent reports.
#[derive(Debug)]
pub struct Coverage {
    /// Name of its dialect, as it stands in the column `dialect`.
    pub dialect: &'static str,
    /// Name for people.
    pub agent: &'static str,
    /// Version of the agent that this was seen of.
    pub version: &'static str,
    /// How its telemetry is turned on, in Markdown.
    pub turn_on: &'static str,
    /// Logs, traces and metrics.
    pub signals: &'static [SignalCoverage],
    /// Settings that reveal more.
    pub settings: &'static [Setting],
    /// Kinds of events by the records they come from. A kind that is not here is never reported.
    pub events: &'static [EventCoverage],
    /// What no setting reveals, a sentence each.
    pub never: &'static [&'static str],
    /// What it is known to have recorded and then not sent, a sentence each.
    pub drops: &'static [&'static str],
}

/// Whether an agent sends a signal.
#[derive(Debug)]
pub struct SignalCoverage {
    /// `logs`, `traces` or `metrics`.
    pub signal: &'static str,
    /// `always`, `sometimes` or `never`.
    pub reports: &'static str,
    /// Id of the setting it needs.
    pub setting: Option<&'static str>,
}

/// A setting of an agent that reveals more.
#[derive(Debug)]
pub struct Setting {
    /// Name within this agent.
    pub id: &'static str,
    /// What to write where, in Markdown.
    pub how: &'static str,
    /// Its value where nobody set it.
    pub default: &'static str,
    /// What it reveals.
    pub reveals: &'static str,
}

/// What an agent says in the events of one kind from one kind of record.
#[derive(Debug)]
pub struct EventCoverage {
    /// Kind of the events.
    pub kind: EventKind,
    /// Records they come from.
    pub source: EventSource,
    /// Id of the setting without which there is no such event.
    pub setting: Option<&'static str>,
    /// Columns that every such event has.
    pub always: &'static [&'static str],
    /// Columns that some such events have, and what it depends on.
    pub sometimes: &'static [(&'static str, Why)],
}

/// Why a column is not always filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Only with the setting of this id.
    Setting(&'static str),
    /// Only then.
    Reason(&'static str),
}

/// Whether a column is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// In every such event.
    Always,
    /// In some, for this reason.
    Sometimes(Why),
    /// In none.
    Never,
}

impl EventCoverage {
    /// Whether the column of this name is filled.
    #[must_use]
    pub fn column(&self, name: &str) -> Reports {
        if self.always.contains(&name) {
            return Reports::Always;
        }
        let sometimes = self.sometimes.iter().find(|(column, _)| *column == name);
        sometimes.map_or(Reports::Never, |(_, why)| Reports::Sometimes(*why))
    }
}

impl Coverage {
    /// What events of this kind say, one entry for each kind of record they come from; none where the
    /// agent never reports it.
    pub fn of_kind(&self, kind: EventKind) -> impl Iterator<Item = &'static EventCoverage> {
        self.events.iter().filter(move |event| event.kind == kind)
    }

    /// The entry for events of this kind from this kind of record.
    #[must_use]
    pub fn event(&self, kind: EventKind, source: EventSource) -> Option<&'static EventCoverage> {
        self.of_kind(kind).find(|event| event.source == source)
    }

    /// Whether some record of this agent can fill a column of an event of this kind, and why not always:
    /// the most that any of its records says.
    #[must_use]
    pub fn column(&self, kind: EventKind, name: &str) -> Reports {
        let mut best = Reports::Never;
        for event in self.of_kind(kind) {
            match (event.column(name), event.setting) {
                (Reports::Always, None) => return Reports::Always,
                (Reports::Always, Some(setting)) => {
                    best = Reports::Sometimes(Why::Setting(setting));
                }
                (sometimes @ Reports::Sometimes(_), _) if best == Reports::Never => {
                    best = sometimes;
                }
                _ => {}
            }
        }
        best
    }

    /// The setting of this id.
    #[must_use]
    pub fn setting(&self, id: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.id == id)
    }
}

/// Every agent, in order of its dialect's name.
#[must_use]
pub fn all() -> &'static [Coverage] {
    ALL
}

/// What the agent of this dialect reports; none for `other`.
#[must_use]
pub fn coverage(dialect: &str) -> Option<&'static Coverage> {
    ALL.iter().find(|coverage| coverage.dialect == dialect)
}
