//! Comparing what receipts state with the truth.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use blotter_triage::receipt::Receipt;
use blotter_triage::reconstruct::Session;
use blotter_triage::reconstruct::model::{Entry, Relation};
use blotter_triage::replay::Check;
use serde_json::{Value, json};

use super::Told;
use super::file::{TrueCall, Truth, Which};

/// The score of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Its folder.
    pub run: String,
    /// Its agent, by the truth.
    pub agent: String,
    /// Every fact that the truth tells.
    pub facts: Vec<Compared>,
}

/// One fact, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The call it is about; absent for the run.
    pub call: Option<String>,
    /// Name of the field.
    pub field: String,
    /// Whether the telemetry supports it.
    pub supported: bool,
    /// How it was told.
    pub verdict: Verdict,
}

/// How a fact was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Rightly.
    Right,
    /// Not at all; what was said instead.
    LeftOut(String),
    /// Wrongly: what is true, and what was stated.
    Wrong {
        /// The truth.
        truth: Value,
        /// What was stated, with its grade and reason.
        stated: String,
    },
}

/// The token that a field has where a fact is not known.
const UNKNOWN: &str = "unknown";
/// Name of what a replay comes to.
const REPLAY: &str = "replay";
/// How the name of a part of a field ends.
const CONTAINS: &str = "_contains";

/// Compares every fact of the truth with what was told.
///
/// # Errors
/// When the truth names a field that receipts do not have.
pub fn score(run: &str, truth: &Truth, told: &Told) -> anyhow::Result<Scored> {
    let mut facts = Vec::new();
    for (field, value) in &truth.run {
        let verdict = of_run(field, value, told)?;
        facts.push(Compared { call: None, field: field.clone(), supported: true, verdict });
    }
    let mut taken = BTreeSet::new();
    for call in &truth.calls {
        let found = find(&call.is, told, &mut taken);
        let receipt = found.map(serde_json::to_value).transpose()?;
        for (field, value) in &call.facts {
            let verdict = match &receipt {
                Some(receipt) => of_call(field, value, receipt)?,
                None => Verdict::LeftOut("no such call is told of".to_owned()),
            };
            facts.push(compared(call, field, verdict));
        }
        let checks = found.map(|receipt| receipt.checks.as_slice()).unwrap_or_default();
        if told.replayed && !(call.replay.is_empty() && checks.is_empty()) {
            let verdict = of_replay(&call.replay, checks);
            let call = Some(call.is.to_string());
            facts.push(Compared { call, field: REPLAY.to_owned(), supported: true, verdict });
        }
    }
    let agent = truth.run.get("agent").and_then(Value::as_str).unwrap_or("other").to_owned();
    Ok(Scored { run: run.to_owned(), agent, facts })
}

/// What a replay comes to; all of it is told, or it is wrong.
fn of_replay(truth: &[Value], checks: &[Check]) -> Verdict {
    let told: Vec<Value> = checks
        .iter()
        .map(|check| {
            let mut told = json!({
                "access": check.access,
                "target": check.target,
                "happened": check.happened,
                "result": check.result,
            });
            if let (Some(answer), Some(fields)) = (&check.profile, told.as_object_mut()) {
                fields.insert("profile".to_owned(), json!(answer.answer.decision));
            }
            told
        })
        .collect();
    if told == truth {
        return Verdict::Right;
    }
    Verdict::Wrong { truth: truth.into(), stated: Value::from(told).to_string() }
}

fn compared(call: &TrueCall, field: &str, verdict: Verdict) -> Compared {
    Compared {
        call: Some(call.is.to_string()),
        field: field.to_owned(),
        supported: call.supported.iter().any(|name| name == field),
        verdict,
    }
}

/// The receipt of a call: each is found once.
fn find<'a>(which: &Which, told: &'a Told, taken: &mut BTreeSet<String>) -> Option<&'a Receipt> {
    let is = |receipt: &&Receipt| match which {
        Which::Id(id) => receipt.call_id.as_ref() == Some(id),
        Which::Match { tool, arguments_contains } => {
            let arguments = receipt.arguments.value.as_deref().unwrap_or_default();
            receipt.tool.value.as_ref() == Some(tool) && arguments.contains(arguments_contains)
        }
    };
    let free = |receipt: &&Receipt| !taken.contains(&receipt.address);
    let found = told.receipts.iter().filter(is).find(free)?;
    taken.insert(found.address.clone());
    Some(found)
}

/// What is told of the whole run. A count that is too low says that calls were not seen; one that is too
/// high says that something was told which did not happen.
fn of_run(field: &str, truth: &Value, told: &Told) -> anyhow::Result<Verdict> {
    let first = told.sessions.first();
    let text = |stated: Option<&String>, all: Vec<&String>| match truth.as_str() {
        Some(truth) if all.iter().any(|value| *value == truth) => Verdict::Right,
        Some(_) => match stated {
            None => Verdict::LeftOut("not stated".to_owned()),
            Some(stated) => Verdict::Wrong { truth: truth.clone(), stated: stated.clone() },
        },
        None => Verdict::Wrong { truth: truth.clone(), stated: "a text".to_owned() },
    };
    Ok(match field {
        "agent" => {
            let agent = first.and_then(|session| session.agent.value.as_ref());
            text(agent, agent.into_iter().collect())
        }
        "model" => {
            let models = told.sessions.iter().flat_map(|session| &session.models);
            let models: Vec<&String> = models.filter_map(|model| model.value.as_ref()).collect();
            text(models.first().copied(), models)
        }
        "turns" => count(truth, told.sessions.iter().map(|session| session.turns.len()).sum())?,
        "prompts" => count(truth, told.sessions.iter().map(prompts).sum())?,
        "sub_agents" => count(truth, told.sessions.iter().map(sub_agents).sum())?,
        "calls" => count(truth, told.sessions.iter().map(actions).sum())?,
        field => anyhow::bail!("a run has no {field}"),
    })
}

fn count(truth: &Value, told: usize) -> anyhow::Result<Verdict> {
    let number = truth.as_u64().with_context(|| format!("{truth} is no count"))?;
    Ok(match u64::try_from(told)?.cmp(&number) {
        std::cmp::Ordering::Equal => Verdict::Right,
        std::cmp::Ordering::Less => Verdict::LeftOut(format!("{told} of {number} are told of")),
        std::cmp::Ordering::Greater => {
            Verdict::Wrong { truth: truth.clone(), stated: told.to_string() }
        }
    })
}

fn prompts(session: &Session) -> usize {
    session.turns.iter().filter(|turn| turn.prompted_unix_nano.is_known()).count()
}

fn nested(session: &Session) -> impl Iterator<Item = &Session> {
    let is = |nested: &&Session| {
        nested.parent.as_ref().is_some_and(|parent| parent.relation == Relation::SubAgent)
    };
    session.sessions.iter().filter(is)
}

fn sub_agents(session: &Session) -> usize {
    nested(session).map(|nested| 1 + sub_agents(nested)).sum()
}

/// Calls that acted: one whose code made others acted by them.
fn actions(session: &Session) -> usize {
    let entries = session.turns.iter().flat_map(|turn| &turn.entries).chain(&session.outside);
    let own: usize = entries
        .map(|entry| match entry {
            Entry::Call(call) => call.calls.len().max(1),
            Entry::Note(_) => 0,
        })
        .sum();
    own + nested(session).map(actions).sum::<usize>()
}

/// What a receipt states about one field.
fn of_call(field: &str, truth: &Value, receipt: &Value) -> anyhow::Result<Verdict> {
    let (name, part) = match field.strip_suffix(CONTAINS) {
        Some(name) => (name, true),
        None => (field, false),
    };
    let fact = receipt.get(name).filter(|fact| fact.get("grade").is_some());
    let fact = fact.with_context(|| format!("a receipt has no fact `{name}`"))?;
    let grade = fact.get("grade").and_then(Value::as_str).unwrap_or_default();
    let why = fact.get("why").and_then(Value::as_str).unwrap_or_default();
    let value = fact.get("value").filter(|value| !value.is_null());
    let stated = value.filter(|value| value.as_str() != Some(UNKNOWN) || truth == *value);
    let Some(stated) = stated.filter(|_| ["observed", "inferred", "contradicted"].contains(&grade))
    else {
        return Ok(Verdict::LeftOut(format!("{grade}: {why}")));
    };
    let claims = fact.get("claims").and_then(Value::as_array).into_iter().flatten();
    let claimed: Vec<&Value> = claims.filter_map(|claim| claim.get("value")).collect();
    for stated in std::iter::once(stated).chain(claimed) {
        if says(name, stated, truth, part)? {
            return Ok(Verdict::Right);
        }
    }
    Ok(Verdict::Wrong { truth: truth.clone(), stated: format!("{stated} ({grade}: {why})") })
}

fn says(name: &str, stated: &Value, truth: &Value, part: bool) -> anyhow::Result<bool> {
    if part {
        let (Some(stated), Some(truth)) = (stated.as_str(), truth.as_str()) else {
            return Ok(false);
        };
        // Arguments are JSON text where the agent sends them so.
        let quoted = serde_json::to_string(truth)?;
        let quoted = quoted.trim_matches('"');
        return Ok(stated.contains(truth) || stated.contains(quoted));
    }
    if name == "network" {
        let all = truth.as_array().context("`network` is to be a list")?;
        let stated = stated.as_array().map(Vec::as_slice).unwrap_or_default();
        return same_connections(stated, all);
    }
    Ok(stated == truth)
}

/// Whether both lists hold the same connections, in whatever order; only what the truth tells is compared.
fn same_connections(stated: &[Value], truth: &[Value]) -> anyhow::Result<bool> {
    let mut left: Vec<&Value> = stated.iter().collect();
    for connection in truth {
        let fields = connection.as_object().context("a connection is to be a table")?;
        for name in fields.keys() {
            ensure!(["host", "port", "decision"].contains(&name.as_str()), "no such key: {name}");
        }
        let is = |one: &&Value| fields.iter().all(|(name, value)| one.get(name) == Some(value));
        match left.iter().position(is) {
            Some(place) => left.swap_remove(place),
            None => return Ok(false),
        };
    }
    Ok(left.is_empty())
}
