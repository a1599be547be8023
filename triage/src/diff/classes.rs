//! What a difference is about, in the order in which differences are shown.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::model::{Difference, Steps};

macro_rules! classes {
    ($($(#[$docs:meta])* $member:ident = $token:literal, $label:literal, $title:literal;)*) => {
        /// Classes of differences, what matters most for security first.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Class {
            $($(#[$docs])* $member,)*
        }

        impl Class {
            /// Every class, in order.
            pub const ALL: &[Self] = &[$(Self::$member,)*];

            /// Its name in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$member => $token,)* }
            }

            /// A label of at most 11 characters.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$member => $label,)* }
            }

            /// What it means.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$member => $title,)* }
            }
        }
    };
}

classes! {
    /// A tool that no step of the first side names.
    NewTool = "new_tool", "new tool", "a tool that no step of A names";
    /// An MCP server that no step of the first side names.
    NewMcpServer = "new_mcp_server", "new server", "an MCP server that no step of A names";
    /// A run or a sub-agent's session that the first side does not have.
    NewRun = "new_run", "new run", "a run or a sub-agent's session that A does not have";
    /// A profile, approval policy or sandbox policy that allows more, or asks less.
    WiderPolicy = "wider_policy", "wider", "a policy that allows more or asks less";
    /// A profile or policy that is another, and not known to be wider.
    PolicyChanged = "policy_changed", "policy", "another policy, not known to be wider";
    /// Somebody or something else decided.
    ApprovalSource = "approval_source", "decided by", "somebody or something else decided";
    /// It was decided otherwise, by a control point, a reviewer or the network proxy.
    Decision = "decision", "decision", "it was decided otherwise";
    /// A host that no step of the first side names.
    NewHost = "new_host", "new host", "a host that no step of A reached for or names";
    /// A program, a kind of path or a kind of change that no step of the first side has.
    NewArgumentClass =
        "new_argument_class", "new kind", "a program, kind of path or change that no step of A has";
    /// The sandbox did something else.
    Sandbox = "sandbox", "sandbox", "the sandbox did something else";
    /// It ran elsewhere, or went over another transport.
    ExecutionPath = "execution_path", "ran over", "another executor or transport";
    /// Something else became of it.
    Outcome = "outcome", "outcome", "something else became of it";
    /// A tool, server, host or run that the second side does not have.
    Gone = "gone", "gone", "a tool, server, host or run that B does not have";
    /// Other arguments of the same kind.
    Arguments = "arguments", "arguments", "other arguments";
    /// The same step at another place.
    Order = "order", "order", "the same step at another place";
    /// More or fewer steps.
    Count = "count", "steps", "a step that only one side has";
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Puts differences that say the same of several steps together, and all into the order in which they are
/// shown: by class, by run, by the first step.
pub(super) fn grouped(found: Vec<Difference>) -> Vec<Difference> {
    let mut groups: BTreeMap<_, Difference> = BTreeMap::new();
    for difference in found {
        let key = (
            (difference.class, difference.run.clone(), difference.fact),
            (difference.tool.clone(), difference.a.clone(), difference.b.clone()),
            difference.says.clone(),
        );
        match groups.get_mut(&key) {
            Some(group) => group.steps.extend(difference.steps),
            None => {
                groups.insert(key, difference);
            }
        }
    }
    let mut groups: Vec<Difference> = groups.into_values().collect();
    for group in &mut groups {
        group.steps.sort_by_key(place);
        group.steps.dedup();
    }
    // Stable: what else is equal stays in the order of the keys.
    groups.sort_by_key(|group| {
        let runs: Vec<usize> =
            group.run.split('.').map(|part| part.parse().unwrap_or(usize::MAX)).collect();
        (group.class, runs, group.steps.first().map(place))
    });
    groups
}

/// Where a step stands in the second run, or would stand.
fn place(steps: &Steps) -> (usize, usize) {
    let (a, b) = (steps.a.unwrap_or(usize::MAX), steps.b.unwrap_or(usize::MAX));
    (b.min(a), a)
}
