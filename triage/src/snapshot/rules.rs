//! What is replaced in the texts of a run, so that two runs of the same behaviour give the same bytes.
//!
//! Every rule that is applied stands in [`declared`], and with that in every snapshot.

use std::borrow::Cow;

use super::model::Rule;

/// What stands for a port that differs from run to run.
pub(super) const PORT: &str = "<port>";

/// A rule of the file.
pub(super) struct Declared {
    name: &'static str,
    replaces: &'static str,
    /// What stands there instead.
    pub with: &'static str,
    /// How it is applied.
    pub by: By,
}

/// How a rule is applied.
pub(super) enum By {
    /// Each pattern is replaced where the function is true of what it matched.
    Patterns(&'static [(&'static str, &'static str)], fn(&str) -> bool),
    /// A value that the run itself states.
    Own(Own),
    /// Where arguments or hosts are taken apart; see `arguments.rs`.
    Elsewhere,
}

/// A value that a run states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// Its id.
    Session,
    /// The host it was on.
    Host,
    /// Whoever used it.
    User,
}

/// The rules, in the order in which they are applied.
pub(super) const DECLARED: &[Declared] = &[
    Declared {
        name: "json",
        replaces: "the order of keys and the white space of arguments that are JSON",
        with: "sorted, none",
        by: By::Elsewhere,
    },
    Declared {
        name: "prose",
        replaces: "the fields description and justification beside a command: the model's own words for it",
        with: "nothing",
        by: By::Elsewhere,
    },
    Declared {
        name: "full-command",
        replaces: "the field full_command, as Claude Code names the command of a decision, with bash_command",
        with: "the field command",
        by: By::Elsewhere,
    },
    Declared {
        name: "process",
        replaces: "a number in the field session_id of arguments: a process that goes on between calls",
        with: "<process>",
        by: By::Elsewhere,
    },
    Declared {
        name: "redaction-mark",
        replaces: "key and fingerprint in a mark that the redaction left",
        with: "[redacted:RULE]",
        by: By::Patterns(
            &[(r"\[redacted:([A-Za-z0-9_-]{1,64}):[^\]\s]{1,64}\]", "[redacted:$1]")],
            always,
        ),
    },
    Declared {
        name: "session",
        replaces: "the run's own session id",
        with: "<session>",
        by: By::Own(Own::Session),
    },
    Declared {
        name: "host-name",
        replaces: "the name of the host that the run was on; in a text only one with a digit, a dot or a hyphen",
        with: "<host>",
        by: By::Own(Own::Host),
    },
    Declared {
        name: "user-name",
        replaces: "the run's own user: an email address, or a name of 6 characters or more",
        with: "<user>",
        by: By::Own(Own::User),
    },
    Declared {
        name: "uuid",
        replaces: "UUIDs",
        with: "<uuid>",
        by: By::Patterns(
            &[(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>")],
            always,
        ),
    },
    Declared {
        name: "id",
        replaces: "ids as agents and models make them: call_, toolu_, ses_, msg_, resp_ or req_ and 6 or more \
                   letters, digits and _, with a digit among them",
        with: "<id>",
        by: By::Patterns(
            &[(r"\b(?:call|toolu|ses|msg|resp|req)_[A-Za-z0-9_]{6,}\b", "<id>")],
            has_digit,
        ),
    },
    Declared {
        name: "temporary-path",
        replaces: "a temporary folder with the first name in it: /tmp/NAME, /var/tmp/NAME, /dev/shm/NAME, \
                   /var/folders/X/Y/T, AppData\\Local\\Temp",
        with: "<tmp>",
        by: By::Patterns(
            &[
                (
                    r#"(^|[^A-Za-z0-9_.<>/~-])(?:/private)?(?:(?:/var)?/tmp|/dev/shm)/[^/\s'"`;|&()<>:,\\]+"#,
                    "${1}<tmp>",
                ),
                (
                    r"(^|[^A-Za-z0-9_.<>/~-])(?:/private)?/var/folders/[^/\s]+/[^/\s]+/T\b",
                    "${1}<tmp>",
                ),
                (r"[A-Za-z]:\\Users\\[^\\\s]+\\AppData\\Local\\Temp\b", "<tmp>"),
            ],
            always,
        ),
    },
    Declared {
        name: "home",
        replaces: "home folders: /home/NAME, /Users/NAME, /root, C:\\Users\\NAME, ~ before a slash",
        with: "<home>",
        by: By::Patterns(
            &[
                (
                    r#"(^|[^A-Za-z0-9_.<>/~-])(?:/(?:home|Users)/[^/\s'"`;|&()<>:,\\]+|/root\b)"#,
                    "${1}<home>",
                ),
                (r#"(^|[\s'"=:(])~/"#, "${1}<home>/"),
                (r#"[A-Za-z]:\\Users\\[^\\\s'"]+"#, "<home>"),
            ],
            always,
        ),
    },
    Declared {
        name: "time",
        replaces: "dates and times as 2026-11-21 or 2026-11-21T08:15:30.123Z, and numbers of 10, 13, 16 or 19 \
                   digits that begin with 1, as seconds since 1970 and their parts do",
        with: "<time>",
        by: By::Patterns(
            &[
                (
                    r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?\b",
                    "<time>",
                ),
                (r"\b1\d{9}(?:\d{3}|\d{6}|\d{9})?\b", "<time>"),
            ],
            always,
        ),
    },
    Declared {
        name: "hash",
        replaces: "7 to 128 hexadecimal digits in a row, with a letter and a figure among them",
        with: "<hash>",
        by: By::Patterns(&[(r"\b[0-9a-fA-F]{7,128}\b", "<hash>")], has_letter_and_digit),
    },
    Declared {
        name: "port",
        replaces: "ports of the machine itself (localhost, 127.*, 0.0.0.0, [::1]), and ports from 32768 up",
        with: PORT,
        by: By::Patterns(
            &[
                (r"\b(localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0):\d{1,5}\b", "${1}:<port>"),
                (r"(\[::1\]):\d{1,5}\b", "${1}:<port>"),
                (
                    r"([A-Za-z0-9\]]):(?:3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[4-6]\d{4})\b",
                    "${1}:<port>",
                ),
            ],
            always,
        ),
    },
    Declared {
        name: "host-case",
        replaces: "capital letters in names of hosts that were reached for, and a dot at their end",
        with: "small letters, nothing",
        by: By::Elsewhere,
    },
];

fn always(_: &str) -> bool {
    true
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn has_letter_and_digit(text: &str) -> bool {
    has_digit(text) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The rules as a snapshot lists them.
#[must_use]
pub fn declared() -> Vec<Rule> {
    let rule = |rule: &Declared| Rule {
        name: Cow::Borrowed(rule.name),
        replaces: Cow::Borrowed(rule.replaces),
        with: Cow::Borrowed(rule.with),
    };
    DECLARED.iter().map(rule).collect()
}
