//! What was decided about a call.

use crate::fact::{EventId, Fact};
use crate::receipt::tokens::{DecidedBy, Decision};

/// What was decided, and who decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// Whether the call was let through.
    pub decision: Fact<Decision>,
    /// Who or what decided.
    pub decided_by: Fact<DecidedBy>,
}

impl Verdict {
    /// Both concluded by the rule `why`.
    pub(super) fn inferred(
        decision: Decision,
        decided_by: DecidedBy,
        why: &'static str,
        events: &[EventId],
    ) -> Self {
        Self {
            decision: Fact::inferred(decision, why, events.to_vec()),
            decided_by: Fact::inferred(decided_by, why, events.to_vec()),
        }
    }

    /// What was decided is concluded by the rule `why`; `unknown` says why nobody can tell who decided.
    pub(super) fn by_unknown(
        decision: Decision,
        why: &'static str,
        unknown: &'static str,
        events: &[EventId],
    ) -> Self {
        Self {
            decision: Fact::inferred(decision, why, events.to_vec()),
            decided_by: Fact::missing(unknown).or_unknown(DecidedBy::Unknown),
        }
    }

    /// The call never came to a control point, by the rule `why`.
    pub(super) fn none(why: &'static str, events: &[EventId]) -> Self {
        Self {
            decision: Fact::inferred(Decision::None, why, events.to_vec()),
            decided_by: Fact::missing("nothing was decided"),
        }
    }
}
