//! What a rule is.

use crate::fact::EventId;
use crate::ledger::Ledger;
use crate::receipt::Receipt;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Call;
use crate::trail::{EVENTS_LIMIT, Trail};

/// A rule over the trail of a session.
pub struct Rule {
    /// Its name, as it stands in a finding.
    pub name: &'static str,
    /// How much a finding of it matters; a rule may say otherwise of a single one.
    pub severity: Severity,
    /// What it finds, in one sentence.
    pub finds: &'static str,
    /// When the same is found although nothing is wrong.
    pub false_positive: &'static str,
    /// What it finds in a trail, in order of time.
    pub(crate) find: fn(&Trail<'_>, &Ledger) -> Vec<Finding>,
}

impl Rule {
    /// A finding about the session as a whole.
    pub(crate) fn finding(
        &self,
        trail: &Trail<'_>,
        summary: String,
        events: Vec<EventId>,
    ) -> Finding {
        let mut finding = Finding {
            rule: self.name,
            severity: self.severity,
            session_id: trail.session.session_id.clone(),
            tenant: trail.session.tenant.clone(),
            summary,
            false_positive: self.false_positive.to_owned(),
            calls: Vec::new(),
            speakers: Vec::new(),
            events,
        };
        bound(&mut finding.events);
        finding
    }

    /// A finding about one call, which `summary` names, with all of its rows.
    pub(crate) fn about(
        &self,
        trail: &Trail<'_>,
        call: &Call,
        receipt: &Receipt,
        summary: String,
    ) -> Finding {
        let mut finding = self.finding(trail, summary, call.events.clone());
        finding.calls.push(receipt.address.clone());
        finding.speakers.clone_from(&call.speakers);
        finding
    }
}

/// Each row once, and not too many.
pub(crate) fn bound(events: &mut Vec<EventId>) {
    let mut kept: Vec<EventId> = Vec::new();
    for event in events.iter() {
        if kept.len() < EVENTS_LIMIT && !kept.contains(event) {
            kept.push(*event);
        }
    }
    *events = kept;
}

/// `A`, `A and B`, `A, B and 4 more`.
pub(crate) fn listed(names: &[String]) -> String {
    /// Most that are named.
    const NAMED: usize = 3;
    match names {
        [] => String::new(),
        [only] => only.clone(),
        names if names.len() <= NAMED => {
            let (last, rest) =
                names.split_last().map_or(("", names), |(last, rest)| (last.as_str(), rest));
            format!("{} and {last}", rest.join(", "))
        }
        names => {
            let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
            format!("{} and {} more", first.join(", "), names.len() - NAMED)
        }
    }
}
