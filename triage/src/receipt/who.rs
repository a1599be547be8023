//! Who asked for a call, who made it, and whose word its records are.

use blotter_schemas::names::blotter::{EventKind, Grade};

use super::circumstances::Circumstances;
use super::tokens::Executed;
use crate::fact::{EventId, Fact};
use crate::reconstruct::Session;
use crate::reconstruct::model::{Call, Entry, Note, OF_MANY};
use crate::reconstruct::speakers::Speaker;

/// What agents put where the words of a prompt were. Codex: `codex-rs/otel/src/events`; Claude Code:
/// seen in its telemetry.
pub(crate) const WITHHELD_WORDS: [&str; 2] = ["[REDACTED]", "<REDACTED>"];
/// Id of the setting, in every coverage table, that reveals the words of prompts.
const PROMPTS: &str = "prompts";

/// The words of the prompt that the turn of this number began with.
pub(crate) fn asked(turn: Option<usize>, around: &Circumstances<'_>) -> Fact<String> {
    let Some(turn) = around.turn(turn) else {
        return Fact::missing("it cannot be told which turn the call was made in");
    };
    match turn.prompt.value.as_deref() {
        Some(words) if WITHHELD_WORDS.contains(&words) => {
            let how = around.setting(PROMPTS);
            let how =
                how.unwrap_or_else(|| "the sender keeps the words of prompts back".to_owned());
            Fact::withheld(how, turn.prompt.events.clone())
        }
        Some(_) => turn.prompt.clone(),
        None => around.absent(EventKind::Prompt, "text"),
    }
}

/// That no record says what the model meant to do.
pub(crate) fn not_planned(around: &Circumstances<'_>) -> Fact<String> {
    match around.coverage {
        Some(coverage) => {
            Fact::missing(format!("no record of {} says what the step was for", coverage.agent))
        }
        None => Fact::missing("not reported"),
    }
}

/// The agent, or the sub-agent where one made the call.
pub(crate) fn agent(call: &Call, session: &Session) -> Fact<String> {
    let of_many = session.agent.value.as_deref() == Some(OF_MANY);
    let own = call.agent.value.is_some() && (of_many || call.agent.value != session.program.value);
    if own { call.agent.clone() } else { session.agent.clone() }
}

/// The model: what the call's own records say, else the only one of the session.
pub(crate) fn model(call: &Call, around: &Circumstances<'_>) -> Fact<String> {
    if call.model.is_known() {
        return call.model.clone();
    }
    match around.session.models.as_slice() {
        [] => around.absent(EventKind::ApiRequest, "model"),
        [only] => match &only.value {
            Some(model) => Fact::inferred(
                model.clone(),
                "the only model that the session's records name",
                only.events.clone(),
            ),
            None => around.absent(EventKind::ApiRequest, "model"),
        },
        _ => Fact::missing("the session used several models, and the call's records name none"),
    }
}

/// Whose word the call's records are.
pub(crate) fn sender(call: &Call, session: &Session) -> Fact<String> {
    let first = session.speakers.first().map(|speaker| speaker.number);
    let own: Vec<&Speaker> = session
        .speakers
        .iter()
        .filter(|speaker| match call.speakers.as_slice() {
            [] => Some(speaker.number) == first,
            numbers => numbers.contains(&speaker.number),
        })
        .collect();
    let events: Vec<EventId> = call.events.iter().take(EVENTS_LIMIT).copied().collect();
    match own.as_slice() {
        [] => Fact::missing("the archive does not say who sent the records"),
        [one] => Fact::observed(one.described(), events),
        several => {
            let names: Vec<String> = several.iter().map(|speaker| speaker.described()).collect();
            Fact::observed(names.join("; "), events)
        }
    }
}

/// Most rows that are named as proof of who sent them.
const EVENTS_LIMIT: usize = 16;

/// The transport to the MCP server, else that of the model's connection.
pub(crate) fn transport(
    call: &Call,
    executed: &Fact<Executed>,
    around: &Circumstances<'_>,
) -> Fact<String> {
    if call.transport.is_known() {
        return call.transport.clone();
    }
    if let Some(server) = &call.mcp_server.value {
        return transport_to(server, executed, around);
    }
    match around.session.transports.as_slice() {
        [only] => match &only.value {
            Some(transport) => Fact::inferred(
                transport.clone(),
                "the only transport of the session's requests to the model",
                only.events.clone(),
            ),
            None => around.absent(EventKind::ApiRequest, "transport"),
        },
        [] => around.absent(EventKind::ApiRequest, "transport"),
        _ => Fact::missing("the session's requests went over several transports"),
    }
}

/// The transport of the session's connections to an MCP server, where a call went over it.
fn transport_to(
    server: &str,
    executed: &Fact<Executed>,
    around: &Circumstances<'_>,
) -> Fact<String> {
    if executed.value == Some(Executed::No) {
        return Fact::missing("it went over none: it was not executed");
    }
    let connections: Vec<&Fact<String>> = notes(around.session)
        .filter(|note| note.kind == EventKind::McpConnection.as_str())
        .filter(|note| note.mcp_server.value.as_deref() == Some(server))
        .filter(|note| note.success.value != Some(false))
        .map(|note| &note.transport)
        .filter(|transport| transport.is_known())
        .collect();
    let Some(first) = connections.first() else {
        return around.absent(EventKind::McpConnection, "transport");
    };
    if connections.iter().any(|transport| transport.value != first.value) {
        return Fact::missing(
            "the session's connections to the server went over several transports",
        );
    }
    Fact {
        why: "the transport of the session's connection to the server".into(),
        grade: Grade::Inferred,
        ..(*first).clone()
    }
}

fn notes(session: &Session) -> impl Iterator<Item = &Note> {
    let entries = session.turns.iter().flat_map(|turn| &turn.entries);
    session.outside.iter().chain(entries).filter_map(|entry| match entry {
        Entry::Note(note) => Some(note.as_ref()),
        Entry::Call(_) => None,
    })
}
