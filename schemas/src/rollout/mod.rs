//! Codex's session files, *rollouts*: `rollout-<time>-<thread>.jsonl`, one JSON object a line, each with
//! `timestamp`, `type`, `payload` and, in newer versions, `ordinal`.
//!
//! Start reading at [`Rollout::take`]. Every line becomes exactly one row of `events` with `source`
//! `rollout`, dialect `codex`, and the line as it stands in `record`. `name` is the line's `type`, with
//! that of its payload behind a dot.
//!
//! | line | kind | says |
//! |---|---|---|
//! | `session_meta` | session_start | thread, the thread it was started by or copied from, folder, version, client |
//! | `turn_context` | profile | of one turn: approval and sandbox policy, permission profile, folder, model |
//! | `thread_settings_applied` | config | the same, whenever it was set |
//! | `message` of a user | prompt | only what somebody typed: its parts say what they are; older files say it in a line `user_message` |
//! | `message` of the assistant | response | `detail` is its phase |
//! | `function_call`, `custom_tool_call`, `local_shell_call` | call | tool, arguments, and why the model makes it |
//! | `*_call_output` | result | the output as the model saw it |
//! | `item_completed` of a command, a patch or an MCP call | result | exit code, server, success; the output only of calls that code made, which have no other line |
//! | `task_started`, `task_complete`, `turn_aborted` | turn_start, turn_end | the turn, its trace, why it was cut off |
//! | `token_usage_record`, else `token_count` | usage | tokens of one response |
//! | `compacted` | compaction | the history was replaced by a summary |
//! | `agent_message`, `SubAgentActivity` | agent_message | messages between agents, sub-agents started |
//!
//! Anything else is `other`. A sub-agent's or a forked thread's file begins with a copy of the history of
//! another thread: those lines are `other` with the detail `inherited` and name no turn and no call, because
//! what they tell happened elsewhere.
//!
//! **What a rollout does not say**: who decided about a call, what the sandbox and the network proxy did,
//! what a hook or a reviewer found. Approvals are in telemetry alone.

mod events;
mod fields;
mod governed;
mod items;

use serde_json::Value;

use crate::dialects::codex::SIGNATURE;
use crate::event_id::EventIds;
use crate::names::blotter::{EventKind, EventSource, TimeSource};
use crate::normalise::{Custody, Rows, Standings, Time, stamp_custody};
use crate::tables::Event;
use fields::{Entry, Payload, Tokens};
pub use governed::attribute_of;

/// The detail of a line that was copied from another thread's file.
pub const INHERITED: &str = "inherited";
/// The detail of a `session_start` whose parent is the thread that it was copied from.
pub const FORKED: &str = "forked";

/// The type of the first line of every rollout.
const FIRST: &str = "session_meta";

/// A session file on its way to rows: what earlier lines say about later ones.
#[derive(Debug)]
pub struct Rollout {
    thread: String,
    /// What stands before a line when its identity is computed.
    origin: String,
    ids: EventIds,
    /// The turn that the last lines belonged to, until it ended.
    turn: Option<String>,
    /// Whether the next lines are a copy of another thread's.
    copied: Copied,
    /// Whether tokens stand in lines of their own.
    usage_records: bool,
    /// The sum of tokens said last.
    total: Tokens,
    /// Whether messages say which of their parts somebody typed.
    parts_told: bool,
}

/// How far the copy of another thread's history reaches.
#[derive(Debug, Clone, Copy)]
enum Copied {
    No,
    /// To the line before this ordinal.
    Before(u64),
    /// To the first line of a turn that began at or after this time, milliseconds since the epoch.
    UntilTurnOf(u64),
}

impl Rollout {
    /// Begins a file with its first line; none where the line is not a rollout's.
    #[must_use]
    pub fn begin(first: &Value) -> Option<Self> {
        let entry = Entry::read(first);
        let thread = entry.payload.id.filter(|_| entry.kind.as_deref() == Some(FIRST))?;
        let copied = match entry.payload.subagent_history_start_ordinal {
            Some(ordinal) => Copied::Before(ordinal),
            None if entry.payload.forked_from_id.is_some() => {
                began(&thread).map_or(Copied::No, Copied::UntilTurnOf)
            }
            None => Copied::No,
        };
        let origin = format!("rollout\n{thread}\n");
        let mut ids = EventIds::new("");
        ids.within(&origin, "");
        Some(Self {
            thread,
            origin,
            ids,
            turn: None,
            copied,
            usage_records: false,
            total: Tokens::default(),
            parts_told: false,
        })
    }

    /// Adds the row of the next line: `value` is what `text` says. `custody` is the line's own.
    pub fn take(&mut self, text: &str, value: &Value, custody: &Custody, rows: &mut Rows) {
        let entry = Entry::read(value);
        let mut event = Event {
            event_id: self.ids.next(&format!("{}{text}", self.origin)),
            source: Some(EventSource::Rollout.as_str().to_owned()),
            dialect: Some(SIGNATURE.name.to_owned()),
            dialect_version: Some(SIGNATURE.version),
            session_id: Some(self.thread.clone()),
            name: entry.name(),
            sequence: entry.ordinal.and_then(|ordinal| i64::try_from(ordinal).ok()),
            record: Some(text.to_owned()),
            ..Event::default()
        };
        let time = Time::new(
            &[(TimeSource::Record, entry.nanos().unwrap_or(0))],
            custody.received_time_unix_nano,
        );
        time.stamp(&mut event);
        let standing = Standings::new(custody).take_next();
        stamp_custody!(event, custody, standing);
        standing.fill_token_type(&mut event);
        let kind = if self.is_inherited(&entry) {
            event.detail = Some(INHERITED.to_owned());
            EventKind::Other
        } else {
            self.fill(&entry, &mut event)
        };
        event.kind = Some(kind.as_str().to_owned());
        rows.events.push(event);
    }

    /// Whether the line was copied from another thread's file.
    fn is_inherited(&mut self, entry: &Entry) -> bool {
        if entry.kind.as_deref() == Some(FIRST) {
            return entry.payload.id.as_deref() != Some(&self.thread);
        }
        match self.copied {
            Copied::No => false,
            Copied::Before(start) => entry.ordinal.is_some_and(|ordinal| ordinal < start),
            Copied::UntilTurnOf(start) => {
                let turn = entry.payload.turn().and_then(began);
                if turn.is_some_and(|turn| turn >= start) {
                    self.copied = Copied::No;
                    return false;
                }
                true
            }
        }
    }

    fn fill(&mut self, entry: &Entry, event: &mut Event) -> EventKind {
        let payload = &entry.payload;
        event.turn_id = payload.turn().map(str::to_owned).or_else(|| self.turn.clone());
        match entry.kind.as_deref() {
            Some(FIRST) => session(payload, event),
            Some("turn_context") => {
                self.turn.clone_from(&payload.turn_id);
                policy(payload, event);
                event.model.clone_from(&payload.model);
                event.text = payload.permission_profile.as_ref().map(Value::to_string);
                EventKind::Profile
            }
            Some("response_item") => self.item(payload, event),
            Some("event_msg") => self.event(payload, event),
            Some("token_usage_record") => {
                self.usage_records = true;
                payload.usage.unwrap_or_default().fill(event);
                EventKind::Usage
            }
            Some("compacted") => {
                event.text = payload.message.as_ref().and_then(fields::words);
                EventKind::Compaction
            }
            Some("inter_agent_communication") => items::message_between_agents(payload, event),
            _ => EventKind::Other,
        }
    }
}

fn session(payload: &Payload, event: &mut Event) -> EventKind {
    event.parent_session_id =
        payload.parent_thread_id.clone().or_else(|| payload.forked_from_id.clone());
    event.agent_name = payload.agent_path.clone().or_else(|| payload.originator.clone());
    event.agent_version.clone_from(&payload.cli_version);
    event.provider.clone_from(&payload.model_provider);
    event.cwd.clone_from(&payload.cwd);
    event.detail = match (&payload.parent_thread_id, &payload.forked_from_id) {
        (None, Some(_)) => Some(FORKED.to_owned()),
        _ => payload.began_by(),
    };
    EventKind::SessionStart
}

/// Under what rules and where, as a turn's context and the settings of a thread say it.
fn policy(payload: &Payload, event: &mut Event) {
    event.approval_policy = payload.approval_policy.as_ref().and_then(fields::tag);
    event.sandbox_policy = payload.sandbox_policy.as_ref().and_then(fields::tag);
    event.profile_name =
        payload.active_permission_profile.as_ref().and_then(|profile| profile.id.clone());
    event.cwd.clone_from(&payload.cwd);
}

/// When the bearer of this id came to be, milliseconds since the epoch: ids of threads and turns are
/// version 7 UUIDs, which begin with it.
fn began(id: &str) -> Option<u64> {
    let mut digits = id.chars().filter(|character| *character != '-');
    let time: String = digits.by_ref().take(12).collect();
    (time.len() == 12 && digits.next() == Some('7')).then_some(())?;
    u64::from_str_radix(&time, 16).ok()
}
