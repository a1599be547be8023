//! Which profile was in effect when.

use blotter_profiles::effective::rollout::from_rollout;
use blotter_profiles::{Decider, Error as ProfileError, Place, Stack};
use blotter_schemas::names::blotter::{EventKind, EventSource};
use blotter_schemas::tables::Event;
use serde_json::Value;

use super::model::{InEffect, Source};
use crate::fact::EventId;
use crate::load::STATES_PROFILE;
use crate::reconstruct::pairing::order;
use crate::trail::{from, is};

/// A configuration that was given beside the trail.
#[derive(Debug, Clone)]
pub struct Configured {
    /// Its layers and requirements.
    pub stack: Stack,
    /// Where it is applied, for sessions that do not say where they worked.
    pub place: Place,
}

/// A profile with everything that it can be asked.
pub(super) struct Known {
    /// What is said of it.
    pub said: InEffect,
    /// What answers; none where there is a problem.
    pub decider: Option<Decider>,
    /// What a configuration that was given says of the profile of the same name: it knows where each rule
    /// stands, which a session file does not.
    pub configured: Option<Decider>,
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
    let mut found: Vec<Known> = Vec::new();
    for row in stating {
        // A session file states the rules; what telemetry says of the same turn is a name.
        let known = if states_rules(row) {
            stated(row, configured)
        } else if let (false, Some(name)) = (rollouts, row.profile_name.as_deref()) {
            named(row, name, configured)
        } else {
            continue;
        };
        match found.last_mut() {
            Some(last) if last.said.is_the_same(&known.said) => {
                last.said.events.extend(known.said.events);
            }
            _ => found.push(known),
        }
    }
    if found.is_empty() {
        found.extend(configured.map(alone));
    }
    found
}

impl InEffect {
    fn is_the_same(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.name == other.name
            && self.approval_policy == other.approval_policy
            && self.problem == other.problem
    }
}

/// What a session file states.
fn stated(row: &Event, configured: Option<&Configured>) -> Known {
    let mut said = said(row, Source::Rollout, "observed");
    let line = row.sequence.and_then(|line| u32::try_from(line).ok());
    let payload = row.record.as_deref().and_then(|record| {
        let mut line: Value = serde_json::from_str(record).ok()?;
        line.get_mut("payload").map(Value::take)
    });
    let Some(payload) = payload else {
        said.problem = Some("the line of the session file is not there".to_owned());
        return Known { said, decider: None, configured: None };
    };
    match from_rollout(&payload, None, line) {
        Ok(stated) => {
            said.name.clone_from(&stated.profile.name);
            said.digest = Some(stated.profile.digest());
            said.unrestricted = is_unrestricted(&stated.profile);
            if stated.approval_policy.is_some() {
                said.approval_policy = stated.approval_policy;
            }
            let place = Place {
                cwd: stated.cwd,
                workspace_roots: stated.workspace_roots,
                ..Place::default()
            };
            let configured = said.name.as_deref().zip(configured).and_then(|(name, configured)| {
                let profile = configured.stack.effective(name).ok()?;
                Decider::new(profile, place.clone()).ok()
            });
            let decider = compiled(Decider::new(stated.profile, place), &mut said);
            Known { said, decider, configured }
        }
        Err(error) => {
            said.problem = Some(error.to_string());
            Known { said, decider: None, configured: None }
        }
    }
}

/// What a record names, and a configuration defines.
fn named(row: &Event, name: &str, configured: Option<&Configured>) -> Known {
    let mut said = said(row, Source::Named, "observed");
    said.name = Some(name.to_owned());
    said.digest.clone_from(&row.profile_digest);
    let Some(configured) = configured else {
        said.problem = Some(format!(
            "the records name the profile `{name}` and not its rules; --config FILE gives them"
        ));
        return Known { said, decider: None, configured: None };
    };
    let decider = configured.stack.effective(name).and_then(|profile| {
        said.unrestricted = is_unrestricted(&profile);
        if said.digest.as_ref().is_some_and(|digest| *digest != profile.digest()) {
            let reason = format!(
                "the configuration defines `{name}` otherwise than it was when the session ran (digest {})",
                profile.digest()
            );
            return Err(ProfileError::Unusable { what: name.to_owned(), reason });
        }
        if said.digest.is_none() {
            said.grade = "inferred";
        }
        Decider::new(profile, configured.place.clone())
    });
    let decider = compiled(decider, &mut said);
    Known { said, decider, configured: None }
}

/// What a configuration selects, for a session whose trail says nothing.
fn alone(configured: &Configured) -> Known {
    let mut said = InEffect {
        since_unix_nano: None,
        source: Source::Configuration,
        grade: "inferred",
        name: configured.stack.selected().profile,
        digest: None,
        approval_policy: configured.stack.approval_policy().map(|policy| policy.value.clone()),
        unrestricted: false,
        problem: None,
        events: Vec::new(),
    };
    let Some(name) = said.name.clone() else {
        said.problem = Some(
            "the configuration uses the older sandbox settings, to which profiles do not apply"
                .to_owned(),
        );
        return Known { said, decider: None, configured: None };
    };
    let decider = configured.stack.effective(&name).and_then(|profile| {
        said.digest = Some(profile.digest());
        said.unrestricted = is_unrestricted(&profile);
        Decider::new(profile, configured.place.clone())
    });
    let decider = compiled(decider, &mut said);
    Known { said, decider, configured: None }
}

fn is_unrestricted(profile: &blotter_profiles::EffectiveProfile) -> bool {
    profile.kind == blotter_profiles::effective::Kind::Unrestricted
}

fn compiled(decider: Result<Decider, ProfileError>, said: &mut InEffect) -> Option<Decider> {
    decider.map_err(|error| said.problem = Some(error.to_string())).ok()
}

fn said(row: &Event, source: Source, grade: &'static str) -> InEffect {
    InEffect {
        since_unix_nano: row.time_unix_nano,
        source,
        grade,
        name: None,
        digest: None,
        approval_policy: row.approval_policy.clone(),
        unrestricted: false,
        problem: None,
        events: vec![EventId(row.event_id)],
    }
}
