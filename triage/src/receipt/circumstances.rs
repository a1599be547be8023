//! What a receipt is derived from besides its call: the session around it.

use std::collections::BTreeMap;

use blotter_schemas::coverage::{Coverage, Reports, Why};
use blotter_schemas::names::blotter::EventKind;

use super::address::Addressed;
use super::beside::{Beside, Counters};
use crate::fact::Fact;
use crate::reconstruct::Session;
use crate::reconstruct::model::{Call, Turn};

/// Id of the setting, in every coverage table, without which an agent sends no spans.
const TRACES: &str = "traces";

/// The session around a call, and what is known of the way its telemetry is sent.
#[derive(Debug)]
pub(crate) struct Circumstances<'a> {
    /// The session.
    pub session: &'a Session,
    /// Its agent's coverage table.
    pub coverage: Option<&'static Coverage>,
    /// Every call of the session, nested ones included, in order of time.
    pub calls: &'a [Addressed<'a>],
    /// Counters of the session's process, by what they count.
    pub counters: Counters,
    /// Whether records may still come.
    pub open: bool,
    addresses: BTreeMap<usize, &'a str>,
}

impl<'a> Circumstances<'a> {
    /// Gathers them.
    pub(crate) fn new(session: &'a Session, calls: &'a [Addressed<'a>], beside: &Beside) -> Self {
        let (counters, open) = (beside.counters(session), beside.may_go_on(session));
        let addresses = calls.iter().map(|one| (one.call.number, one.address.as_str())).collect();
        Self { session, coverage: session.coverage(), calls, counters, open, addresses }
    }

    /// The turn of this number.
    pub(crate) fn turn(&self, number: Option<usize>) -> Option<&'a Turn> {
        let number = number?;
        self.session.turns.iter().find(|turn| turn.number == number)
    }

    /// Whether the agent's spans arrived.
    pub(crate) fn traced(&self) -> bool {
        self.session.signals.spans + self.session.signals.span_events > 0
    }

    /// How a setting of the agent is made, where it has one of this id.
    pub(crate) fn setting(&self, id: &str) -> Option<String> {
        let setting = self.coverage?.setting(id)?;
        Some(format!("{} would reveal it", setting.how))
    }

    /// That nothing states a fact, which a column of an event of this kind would have stated: pending
    /// while records may come, withheld where a setting is off, else missing.
    pub(crate) fn absent<T>(&self, kind: EventKind, column: &str) -> Fact<T> {
        let Some(coverage) = self.coverage else { return Fact::missing("not reported") };
        let agent = coverage.agent;
        match coverage.column(kind, column) {
            Reports::Never => Fact::missing(format!("{agent} never reports it")),
            Reports::Sometimes(Why::Setting(id)) if !(id == TRACES && self.traced()) => {
                let how = self.setting(id);
                how.map_or_else(
                    || Fact::missing("not reported"),
                    |how| Fact::withheld(how, Vec::new()),
                )
            }
            Reports::Always | Reports::Sometimes(_) if self.open => {
                Fact::pending("the session is open, and the record may still come")
            }
            Reports::Always | Reports::Sometimes(Why::Setting(_)) => {
                Fact::missing(format!("{agent} reports it, but no such record arrived"))
            }
            Reports::Sometimes(Why::Reason(reason)) => {
                Fact::missing(format!("not reported; {agent} reports it {reason}"))
            }
        }
    }

    /// The turn that a call of the session was made in.
    pub(crate) fn turn_of(&self, call: &Call) -> Option<usize> {
        let same = |one: &&Addressed<'_>| one.call.number == call.number;
        self.calls.iter().find(same).and_then(|one| one.turn)
    }

    /// Addresses of calls by their place in the session.
    pub(crate) fn addresses(&self) -> &BTreeMap<usize, &'a str> {
        &self.addresses
    }
}
