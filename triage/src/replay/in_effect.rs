//! Which profile was in effect when.

use blotter_profiles::effective::Availability;
use blotter_profiles::effective::rollout::from_rollout;
use blotter_profiles::{EffectiveProfile, Error as ProfileError, Place, Stack};
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;
use serde_json::Value;

use super::compiled::{Compiled, Compiler};
use super::model::{InEffect, Source};
use crate::fact::EventId;
use crate::load::STATES_PROFILE;
use crate::reconstruct::pairing::order;
use crate::trail::{from, is};

/// Agents that work under such profiles, as they stand in a session's `agent`: Codex, and what is
/// instrumented to say which it works under.
const AGENTS: [&str; 2] = ["codex", "blotter"];

/// A configuration that was given beside the trail.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Its layers and requirements.
    pub stack: Stack,
    /// Where it is applied, for sessions that do not say where they worked.
    pub place: Place,
}

impl Configured {
    /// The configuration, if it is one of this agent's kind: another agent knows nothing of it.
    pub(super) fn of_agent<'a>(given: Option<&'a Self>, agent: Option<&str>) -> Option<&'a Self> {
        given.filter(|_| agent.is_some_and(|agent| AGENTS.contains(&agent)))
    }
}

/// A profile with everything that it can be asked.
pub(super) struct Known {
    /// What is said of it.
    pub said: InEffect,
    /// What answers; none where there is a problem.
    pub decider: Option<Compiled>,
    /// What a configuration that was given says of the profile of the same name: it knows where each rule
    /// stands, which a session file does not.
    pub configured: Option<Compiled>,
    /// Where it is applied.
    pub place: Place,
    /// What it allows that the one before it does not, a few examples.
    pub wider: Option<String>,
}

impl Known {
    fn new(said: InEffect, place: Place) -> Self {
        Self { said, decider: None, configured: None, place, wider: None }
    }

    /// Of which nothing is said.
    #[cfg(test)]
    pub(super) fn unknown() -> Self {
        let event = Event::default();
        Self::new(said(&event, Source::Rollout, "observed"), Place::default())
    }

    /// Whether it says the same in the same place.
    fn is_the_same(&self, other: &Self) -> bool {
        let (said, other_said) = (&self.said, &other.said);
        said.digest == other_said.digest
            && said.name == other_said.name
            && said.approval_policy == other_said.approval_policy
            && said.problem == other_said.problem
            && self.place == other.place
    }
}

/// The profiles of a session in order of time; of rows that state the same, the first.
pub(super) fn of(session_id: &str, rows: &[Event], configured: Option<&Configured>) -> Vec<Known> {
    let own = |row: &&Event| row.session_id.as_deref() == Some(session_id);
    let mut stating: Vec<&Event> = rows
        .iter()
        .filter(own)
        .filter(|row| STATES_PROFILE.iter().any(|kind| is(row, *kind)))
        .collect();
    stating.sort_by_key(|row| order(row));
    let states_rules = |row: &Event| from(row, EventSource::Rollout) && is(row, EventKind::Profile);
    let rollouts = stating.iter().any(|row| states_rules(row));
    let mut reader = Reader { configured, compiler: Compiler::default() };
    let mut found: Vec<Known> = Vec::new();
    for row in stating {
        // A session file states the rules; what telemetry says of the same turn is a name.
        let known = if states_rules(row) {
            reader.stated(row)
        } else if let (false, Some(name)) = (rollouts, row.profile_name.as_deref()) {
            reader.named(row, name)
        } else {
            continue;
        };
        match found.last_mut() {
            Some(last) if last.is_the_same(&known) => {
                last.said.events.extend(known.said.events);
            }
            _ => found.push(known),
        }
    }
    if found.is_empty() {
        found.extend(configured.map(|configured| reader.alone(configured)));
    }
    found
}

/// Reads what profiles a session states.
struct Reader<'a> {
    configured: Option<&'a Configured>,
    compiler: Compiler,
}

impl Reader<'_> {
    /// What a session file states.
    fn stated(&mut self, row: &Event) -> Known {
        let mut said = said(row, Source::Rollout, "observed");
        let line = row.sequence.and_then(|line| u32::try_from(line).ok());
        let payload = row.record.as_deref().and_then(|record| {
            let mut line: Value = serde_json::from_str(record).ok()?;
            line.get_mut("payload").map(Value::take)
        });
        let Some(payload) = payload else {
            said.problem = Some("the line of the session file is not there".to_owned());
            return Known::new(said, Place::default());
        };
        let stated = match from_rollout(&payload, None, line) {
            Ok(stated) => stated,
            Err(error) => {
                said.problem = Some(error.to_string());
                return Known::new(said, Place::default());
            }
        };
        said.name.clone_from(&stated.profile.name);
        said.cwd.clone_from(&stated.cwd);
        if stated.approval_policy.is_some() {
            said.approval_policy = stated.approval_policy;
        }
        let place =
            Place { cwd: stated.cwd, workspace_roots: stated.workspace_roots, ..Place::default() };
        let mut known = Known::new(said, place);
        let name = known.said.name.clone();
        self.compile(Ok(stated.profile), &mut known);
        known.configured = name.zip(self.configured).and_then(|(name, configured)| {
            let profile = configured.stack.effective(&name).ok()?;
            if profile.availability != Availability::Available {
                return None;
            }
            let (source, digest) = (Source::Configuration, profile.digest());
            self.compiler.compile(source, profile, digest, &known.place).ok()
        });
        known
    }

    /// What a record names, and a configuration defines.
    fn named(&mut self, row: &Event, name: &str) -> Known {
        let mut said = said(row, Source::Named, "observed");
        said.name = Some(name.to_owned());
        said.digest.clone_from(&row.profile_digest);
        let Some(configured) = self.configured else {
            said.problem = Some(format!(
                "the records name the profile `{name}` and not its rules; --config FILE gives them"
            ));
            return Known::new(said, Place::default());
        };
        let stated = said.digest.clone();
        if stated.is_none() {
            said.grade = "inferred";
        }
        let mut known = Known::new(said, configured.place.clone());
        let profile = configured.stack.effective(name).and_then(|profile| {
            let digest = profile.digest();
            if stated.as_ref().is_some_and(|stated| *stated != digest) {
                let reason = format!(
                    "the configuration defines `{name}` otherwise than it was when the session ran (digest {digest})",
                );
                return Err(ProfileError::Unusable { what: name.to_owned(), reason });
            }
            Ok(profile)
        });
        self.compile(profile, &mut known);
        known.said.digest = stated;
        known
    }

    /// What a configuration selects, for a session whose trail says nothing.
    fn alone(&mut self, configured: &Configured) -> Known {
        let mut said = InEffect {
            since_unix_nano: None,
            source: Source::Configuration,
            grade: "inferred",
            name: configured.stack.selected().profile,
            digest: None,
            approval_policy: configured.stack.approval_policy().map(|policy| policy.value.clone()),
            cwd: None,
            unrestricted: false,
            problem: None,
            not_compared: None,
            events: Vec::new(),
        };
        let Some(name) = said.name.clone() else {
            said.problem = Some(
                "the configuration uses the older sandbox settings, to which profiles do not apply"
                    .to_owned(),
            );
            return Known::new(said, configured.place.clone());
        };
        let mut known = Known::new(said, configured.place.clone());
        self.compile(configured.stack.effective(&name), &mut known);
        known
    }

    /// Compiles a profile for the place where it is applied. One that requirements forbid answers nothing: it
    /// is not what was in effect, or was so in spite of them.
    fn compile(&mut self, profile: Result<EffectiveProfile, ProfileError>, known: &mut Known) {
        let compiled = profile.map_err(|error| error.to_string()).and_then(|profile| {
            let digest = profile.digest();
            known.said.unrestricted = is_unrestricted(&profile);
            known.said.digest = Some(digest.clone());
            if let Availability::Unavailable { reason, at } = &profile.availability {
                return Err(format!("{reason} ({at})"));
            }
            self.compiler.compile(known.said.source, profile, digest, &known.place)
        });
        known.decider = compiled.map_err(|problem| known.said.problem = Some(problem)).ok();
    }
}

fn is_unrestricted(profile: &EffectiveProfile) -> bool {
    profile.kind == blotter_profiles::effective::Kind::Unrestricted
}

fn said(row: &Event, source: Source, grade: &'static str) -> InEffect {
    InEffect {
        since_unix_nano: row.time_unix_nano,
        source,
        grade,
        name: None,
        digest: None,
        approval_policy: row.approval_policy.clone(),
        cwd: None,
        unrestricted: false,
        problem: None,
        not_compared: None,
        events: vec![EventId(row.event_id)],
    }
}
