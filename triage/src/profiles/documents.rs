//! The JSON of `triage profiles`.

use blotter_profiles::compare::Difference;
use blotter_profiles::decide::{Considered, Note, Reason};
use blotter_profiles::effective::{Availability, FORMAT};
use blotter_profiles::source::Replaced;
use blotter_profiles::{
    Decider, Decision, EffectiveProfile, LayerKind, Provenance, Request, Semantics, Verdict,
};
use serde::Serialize;
use serde_json::Value;

/// An answer of a profile.
#[derive(Debug, Serialize)]
pub struct Answered {
    /// What was asked: `read`, `write`, `list`, `connect` or `socket`.
    pub action: &'static str,
    /// About what.
    pub target: String,
    /// The profile.
    pub profile: String,
    /// The digest of its meaning.
    pub profile_digest: String,
    /// The semantics of the answer.
    pub semantics: Semantics,
    /// The answer.
    #[serde(flatten)]
    pub answer: One,
    /// The answers under both semantics, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<Under>,
    /// Every rule that was looked at, the one that decides first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Looked>,
}

/// Both answers.
#[derive(Debug, Serialize)]
pub struct Under {
    /// As Codex does it.
    pub codex: One,
    /// As it is documented.
    pub documented: One,
}

/// The answer under one semantics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct One {
    /// `allow`, `deny` or `not_stated`.
    pub decision: Verdict,
    /// Why.
    pub reason: Reason,
    /// The rule that decides, as it is written.
    pub rule: Option<String>,
    /// The layer that it stands in.
    pub layer: Option<LayerKind>,
    /// The file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// What tells a place without a file apart: a built-in profile, a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// For a connection: whether it is known which address it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_resolved: Option<bool>,
    /// What else has to be known.
    pub notes: Vec<Note>,
}

/// A rule that was looked at.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// The rule, as it is written.
    pub rule: String,
    /// Where it stands.
    pub at: Option<Provenance>,
    /// Whether it decides.
    pub decides: bool,
    /// Why, or why not.
    pub why: &'static str,
    /// What it replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

impl One {
    pub(crate) fn of(decision: &Decision<'_>) -> Self {
        let at = decision.rule.and_then(|rule| rule.at());
        Self {
            decision: decision.verdict,
            reason: decision.reason,
            rule: decision.rule.map(|rule| rule.text()),
            layer: at.map(|at| at.layer),
            file: at.and_then(|at| at.file.as_deref()).map(str::to_owned),
            line: at.and_then(|at| at.line),
            detail: at.and_then(|at| at.detail.as_deref()).map(str::to_owned),
            name_resolved: decision.name_resolved,
            notes: decision.notes.clone(),
        }
    }

    /// `FILE:LINE (LAYER)`, as far as it is known.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        let layer = self.layer?;
        let place = match (&self.file, self.line, &self.detail) {
            (Some(file), Some(line), _) => format!("{file}:{line}"),
            (Some(file), None, _) => file.clone(),
            (None, _, Some(detail)) => detail.clone(),
            (None, ..) => return Some(layer.to_string()),
        };
        Some(format!("{place} ({layer})"))
    }
}

/// Asks a profile.
#[must_use]
pub fn answered(
    decider: &Decider,
    name: &str,
    request: &Request<'_>,
    semantics: Semantics,
    trace: bool,
) -> Answered {
    let answer = decider.both(request, semantics);
    let one = One::of(&answer.decision);
    let under = answer.other.as_ref().map(|other| match semantics {
        Semantics::Codex => Under { codex: one.clone(), documented: One::of(other) },
        Semantics::Documented => Under { codex: One::of(other), documented: one.clone() },
    });
    let (action, target) = match request {
        Request::Read(path) => ("read", (*path).to_owned()),
        Request::Write(path) => ("write", (*path).to_owned()),
        Request::List(path) => ("list", (*path).to_owned()),
        Request::Socket(path) => ("socket", (*path).to_owned()),
        Request::Connect(connect) => {
            let host = if connect.host.contains(':') {
                format!("[{}]", connect.host)
            } else {
                connect.host.to_owned()
            };
            ("connect", connect.port.map_or(host.clone(), |port| format!("{host}:{port}")))
        }
    };
    let rules = if trace { decider.trace(request, semantics) } else { Vec::new() };
    Answered {
        action,
        target,
        profile: name.to_owned(),
        profile_digest: decider.profile().digest(),
        semantics,
        answer: one,
        under,
        trace: rules.iter().map(looked).collect(),
    }
}

fn looked(considered: &Considered<'_>) -> Looked {
    Looked {
        rule: considered.rule.text(),
        at: considered.rule.at().cloned(),
        decides: considered.decides,
        why: considered.why,
        replaced: considered.replaced.to_vec(),
    }
}

/// A profile that is shown.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// What it extends, the nearest first.
    pub extends: Vec<String>,
    /// What its author says of it.
    pub description: Option<String>,
    /// Whether it may be used.
    pub availability: Availability,
    /// The digest of its meaning.
    pub digest: String,
    /// Name and version of the canonical form.
    pub format: &'static str,
    /// Its canonical form.
    pub canonical: Value,
    /// Its entries with their places.
    pub entries: Vec<Entry>,
    /// What has no effect.
    pub notices: Vec<blotter_profiles::lint::Notice>,
}

/// An entry of a profile.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// `path`, `host`, `socket` or `setting`.
    pub about: &'static str,
    /// As it is written.
    pub written: String,
    /// Where it stands.
    pub at: Provenance,
    /// Under which semantics it counts, where it is not both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Semantics>,
    /// Whether requirements say it, so that nothing weakens it.
    pub floor: bool,
    /// What it replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
}

/// Makes a document of a profile.
#[must_use]
pub fn shown(name: &str, profile: &EffectiveProfile) -> Shown {
    use blotter_profiles::effective::Standing;
    let only = |standing| match standing {
        Standing::Both => None,
        Standing::Codex => Some(Semantics::Codex),
        Standing::Documented => Some(Semantics::Documented),
    };
    let mut entries = Vec::new();
    let setting = |written: String, at: &Provenance| Entry {
        about: "setting",
        written,
        at: at.clone(),
        only: None,
        floor: at.layer.is_requirements(),
        replaced: Vec::new(),
    };
    for (path, root) in &profile.workspace_roots {
        entries.push(setting(format!("workspace_roots.{path} = {}", root.value), &root.at));
    }
    if let Some(depth) = &profile.glob_scan_max_depth {
        entries.push(setting(format!("glob_scan_max_depth = {}", depth.value), &depth.at));
    }
    entries.extend(profile.paths.iter().map(|rule| Entry {
        about: "path",
        written: rule.written.clone(),
        at: rule.at.clone(),
        only: only(rule.standing),
        floor: rule.floor,
        replaced: rule.replaced.clone(),
    }));
    let network = &profile.network;
    for (name, switch) in &network.switches {
        entries.push(setting(format!("network.{name} = {}", switch.value), &switch.at));
        if let Some(held) = &switch.held {
            let mut entry = setting(format!("network.{name} = {}", held.value), &held.at);
            entry.only = Some(Semantics::Documented);
            entries.push(entry);
        }
    }
    if let Some(limited) = &network.limited {
        let mode = if limited.value { "limited" } else { "full" };
        entries.push(setting(format!("network.mode = {mode}"), &limited.at));
    }
    for (name, other) in &network.others {
        let value = serde_json::to_string(&other.value).unwrap_or_default();
        entries.push(setting(format!("network.{name} = {value}"), &other.at));
    }
    entries.extend(network.domains.iter().map(|rule| Entry {
        about: "host",
        written: rule.written.clone(),
        at: rule.at.clone(),
        only: only(rule.standing),
        floor: rule.at.layer.is_requirements(),
        replaced: rule.replaced.clone(),
    }));
    entries.extend(network.sockets.iter().map(|rule| Entry {
        about: "socket",
        written: rule.written.clone(),
        at: rule.at.clone(),
        only: only(rule.standing),
        floor: rule.at.layer.is_requirements(),
        replaced: rule.replaced.clone(),
    }));
    Shown {
        name: name.to_owned(),
        extends: profile.extends.clone(),
        description: profile.description.clone(),
        availability: profile.availability.clone(),
        digest: profile.digest(),
        format: FORMAT,
        canonical: profile.canonical(),
        entries,
        notices: profile.notices.clone(),
    }
}

/// Two profiles that were compared.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// The first.
    pub before: String,
    /// The second.
    pub after: String,
    /// The semantics.
    pub semantics: Semantics,
    /// The digest of the first one's meaning.
    pub before_digest: String,
    /// The digest of the second one's meaning.
    pub after_digest: String,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
}

/// Makes a document of a comparison.
#[must_use]
pub fn compared(
    [before, after]: [(&str, &EffectiveProfile); 2],
    difference: Difference,
    semantics: Semantics,
) -> Compared {
    Compared {
        before: before.0.to_owned(),
        after: after.0.to_owned(),
        semantics,
        before_digest: before.1.digest(),
        after_digest: after.1.digest(),
        difference,
    }
}
