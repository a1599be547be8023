//! The words of a receipt: what every agent's own words are mapped to. `docs/receipts.md` says how.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

macro_rules! tokens {
    ($(#[$docs:meta])* $name:ident { $($(#[$member_docs:meta])* $member:ident = $token:literal,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$member_docs])* #[serde(rename = $token)] $member,)*
        }

        impl $name {
            /// Every token, in this order.
            pub const ALL: &[Self] = &[$(Self::$member,)*];

            /// The token, as it stands in a receipt.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$member => $token,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

tokens! {
    /// The last answer of a control point to the question whether a call may run.
    Decision {
        /// It was let through: by a person, a grant, the configuration or a reviewer.
        Allow = "allow",
        /// It was refused.
        Deny = "deny",
        /// A person ended it at the prompt instead of answering.
        Cancel = "cancel",
        /// It never came to a control point: an unknown tool, arguments that do not fit.
        None = "none",
    }
}

tokens! {
    /// Who or what gave that answer.
    DecidedBy {
        /// A person, asked about this very call.
        User = "user",
        /// An earlier answer of a person that holds for the session; nobody was asked this time.
        SessionGrant = "session_grant",
        /// Policy, rules, mode and flags, also a mode in which nobody can be asked.
        Config = "config",
        /// An automated reviewer, also one that failed and so refused.
        Reviewer = "reviewer",
        /// A hook.
        Hook = "hook",
        /// The network proxy.
        Proxy = "proxy",
        /// It cannot be told.
        Unknown = "unknown",
    }
}

tokens! {
    /// Whether the tool began to act.
    Executed {
        /// It did, whatever came of it.
        Yes = "yes",
        /// It did not.
        No = "no",
        /// It cannot be told.
        Unknown = "unknown",
    }
}

tokens! {
    /// What the sandbox did to a call.
    Sandbox {
        /// It stopped an effect of a command that ran.
        Denied = "denied",
        /// A command in it ran out of time.
        TimedOut = "timed_out",
        /// A command in it was ended by a signal.
        Signal = "signal",
        /// The command ran outside of it, after that was allowed.
        Escalated = "escalated",
        /// The command ran inside it, and it had nothing to stop.
        Held = "held",
        /// No sandbox takes part in such a call.
        None = "none",
        /// It cannot be told; a sandbox that lets a command run says nothing.
        Unknown = "unknown",
    }
}

tokens! {
    /// What became of a call. The first that fits, in this order: cancelled, blocked, refused,
    /// interrupted, failed, succeeded.
    Outcome {
        /// It came to its end, with exit code 0 where there is one, and without an error.
        Succeeded = "succeeded",
        /// It came to its end and did not do what it should.
        Failed = "failed",
        /// A person, the configuration or a reviewer said no.
        Refused = "refused",
        /// A hook, the sandbox or the network proxy stopped it.
        Blocked = "blocked",
        /// A person ended it at the prompt.
        Cancelled = "cancelled",
        /// It began and never came to its end.
        Interrupted = "interrupted",
        /// It cannot be told.
        Unknown = "unknown",
    }
}
