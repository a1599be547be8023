//! What is replaced in the texts of a run, so that two runs of the same behaviour give the same bytes.
//!
//! Every rule that is applied stands in [`declared`], and with that in every snapshot.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::model::Rule;
use crate::Error;

/// What stands for a port that differs from run to run.
const PORT: &str = "<port>";
/// The first port of those that Linux hands out to whoever asks for any.
const ANY_PORT: i64 = 32_768;
/// Shortest name of a user that is replaced wherever it stands.
const USER_LENGTH: usize = 6;

/// A rule of the file.
struct Declared {
    name: &'static str,
    replaces: &'static str,
    with: &'static str,
    by: By,
}

/// How a rule is applied.
enum By {
    /// Each pattern is replaced where `holds` is true of what it matched.
    Patterns(&'static [(&'static str, &'static str)], fn(&str) -> bool),
    /// A value that the run itself states.
    Own(Own),
    /// Where arguments or hosts are taken apart; see `arguments.rs`.
    Elsewhere,
}

/// A value that a run states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Session,
    Host,
    User,
}

/// The rules, in the order in which they are applied.
const DECLARED: &[Declared] = &[
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

/// A step of the normalisation.
enum Applied {
    Pattern(Regex, &'static str, fn(&str) -> bool),
    Own(Own, &'static str),
}

static APPLIED: LazyLock<Result<Vec<Applied>, regex::Error>> = LazyLock::new(|| {
    let mut applied = Vec::new();
    for rule in DECLARED {
        match rule.by {
            By::Patterns(patterns, holds) => {
                for (pattern, with) in patterns {
                    applied.push(Applied::Pattern(Regex::new(pattern)?, with, holds));
                }
            }
            By::Own(own) => applied.push(Applied::Own(own, rule.with)),
            By::Elsewhere => {}
        }
    }
    Ok(applied)
});

/// Applies the rules to the texts of one run.
#[derive(Clone)]
pub struct Normaliser {
    applied: &'static [Applied],
    session: Option<String>,
    host: Option<String>,
    user: Option<String>,
}

impl Normaliser {
    /// For a run that states these about itself.
    ///
    /// # Errors
    /// [`Error::Rules`] where a pattern is none, which a test rules out.
    pub fn new(
        session: Option<&str>,
        host: Option<&str>,
        user: Option<&str>,
    ) -> Result<Self, Error> {
        let applied = APPLIED.as_ref().map_err(|error| Error::Rules(error.clone()))?;
        let owned = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self { applied, session: owned(session), host: owned(host), user: owned(user) })
    }

    /// The text after every rule.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for applied in self.applied {
            let changed = match applied {
                Applied::Pattern(pattern, with, holds) => replace(pattern, &text, with, *holds),
                Applied::Own(own, with) => {
                    self.own(*own).and_then(|value| replace_word(&text, value, with))
                }
            };
            if let Some(changed) = changed {
                text = Cow::Owned(changed);
            }
        }
        text.into_owned()
    }

    /// The run's own value, where it is one that means nothing else in a text.
    fn own(&self, own: Own) -> Option<&str> {
        match own {
            Own::Session => self.session.as_deref(),
            Own::Host => self.host.as_deref().filter(|host| {
                host.contains(|character: char| {
                    character.is_ascii_digit() || ".-".contains(character)
                }) && host.parse::<IpAddr>().is_err()
            }),
            Own::User => self
                .user
                .as_deref()
                .filter(|user| user.contains('@') || user.chars().count() >= USER_LENGTH),
        }
    }

    /// The name of a host that was reached for.
    #[must_use]
    pub fn host(&self, host: &str) -> String {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let own = self.host.as_deref().map(str::to_ascii_lowercase);
        if own.as_ref() == Some(&host) { "<host>".to_owned() } else { self.text(&host) }
    }

    /// A port of this host.
    #[must_use]
    pub fn port(host: Option<&str>, port: i64) -> String {
        let own = host.is_some_and(|host| {
            host == "localhost"
                || host
                    .trim_matches(['[', ']'])
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback() || address.is_unspecified())
        });
        if own || port >= ANY_PORT { PORT.to_owned() } else { port.to_string() }
    }
}

/// Replaces what the pattern matches and `holds` is true of; nothing where that is nothing.
fn replace(pattern: &Regex, text: &str, with: &str, holds: fn(&str) -> bool) -> Option<String> {
    let replaced = pattern.replace_all(text, |captures: &Captures<'_>| {
        let whole = captures.get(0).map_or("", |whole| whole.as_str());
        let mut replaced = String::new();
        if holds(whole) {
            captures.expand(with, &mut replaced);
        } else {
            replaced.push_str(whole);
        }
        replaced
    });
    match replaced {
        Cow::Borrowed(_) => None,
        Cow::Owned(replaced) => Some(replaced),
    }
}

/// Replaces a value where it is not part of a longer word.
fn replace_word(text: &str, value: &str, with: &str) -> Option<String> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut replaced = String::new();
    let mut rest = text;
    let mut before: Option<char> = None;
    let mut found = false;
    while let Some((head, tail)) = rest.split_once(value) {
        let left = head.chars().next_back().or(before);
        let right = tail.chars().next();
        replaced.push_str(head);
        if left.is_some_and(is_word) || right.is_some_and(is_word) {
            replaced.push_str(value);
        } else {
            replaced.push_str(with);
            found = true;
        }
        before = value.chars().next_back();
        rest = tail;
    }
    replaced.push_str(rest);
    found.then_some(replaced)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normaliser() -> Normaliser {
        Normaliser::new(
            Some("01a1fb66-2a6e-7a00-a545-35ab1439446a"),
            Some("dev-laptop-01"),
            Some("ada@example.org"),
        )
        .unwrap()
    }

    #[test]
    fn each_rule_replaces_what_it_says_and_leaves_what_is_like_it() {
        let normaliser = normaliser();
        for (text, expected) in [
            ("key [redacted:jwt:k1f3.0123456789abcdef]!", "key [redacted:jwt]!"),
            ("see 01a1fb66-2a6e-7a00-a545-35ab1439446a", "see <session>"),
            ("ssh dev-laptop-01 and dev-laptop-012", "ssh <host> and dev-laptop-012"),
            ("to ada@example.org", "to <user>"),
            ("to eve@example.org", "to eve@example.org"),
            ("7f3c2e11-0000-4000-8000-0123456789AB", "<uuid>"),
            ("call_mock_000_0 toolu_01AbCdEf call_function", "<id> <id> call_function"),
            ("cat /tmp/x1/out.txt /var/tmp/y;", "cat <tmp>/out.txt <tmp>;"),
            ("/private/var/folders/zz/abc/T/x", "<tmp>/x"),
            (
                "cat /home/dev/project/a ~/.ssh /root/b /rootfs",
                "cat <home>/project/a <home>/.ssh <home>/b /rootfs",
            ),
            ("/home/dev/tmp/keep /srv/tmp/x", "<home>/tmp/keep /srv/tmp/x"),
            (
                "at 2026-11-21T08:15:30.123Z, 1795219365356023754 or 2026-11-21",
                "at <time>, <time> or <time>",
            ),
            ("git show 1a2b3c4 deadbeef 1234567", "git show <hash> deadbeef 1234567"),
            (
                "http://127.0.0.1:9/x http://h.org:443/ h.org:54321",
                "http://127.0.0.1:<port>/x http://h.org:443/ h.org:<port>",
            ),
            ("C:\\Users\\ada\\AppData\\Local\\Temp\\q", "<tmp>\\q"),
        ] {
            assert_eq!(normaliser.text(text), expected);
        }
    }

    #[test]
    fn a_short_name_of_a_host_or_user_is_only_replaced_where_it_is_the_whole_host() {
        let short = Normaliser::new(None, Some("dev"), Some("root")).unwrap();
        assert_eq!(short.text("cat /dev/null as root"), "cat /dev/null as root");
        assert_eq!(short.host("DEV."), "<host>");
        assert_eq!(short.host("Example.ORG."), "example.org");
    }

    #[test]
    fn ports_of_the_machine_itself_and_those_handed_out_are_replaced() {
        assert_eq!(Normaliser::port(Some("127.0.0.1"), 80), "<port>");
        assert_eq!(Normaliser::port(Some("[::1]"), 80), "<port>");
        assert_eq!(Normaliser::port(Some("example.org"), 443), "443");
        assert_eq!(Normaliser::port(None, 40_000), "<port>");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn normalising_twice_is_normalising_once(
            parts in proptest::collection::vec(prop_oneof![
                Just("/tmp/".to_owned()), Just("/home/".to_owned()), Just("127.0.0.1:".to_owned()),
                Just("1795219365".to_owned()), Just("2026-11-21".to_owned()), Just("deadbeef1".to_owned()),
                Just("~/".to_owned()), Just("dev-laptop-01".to_owned()), Just(" ".to_owned()),
                Just("call_".to_owned()), Just("<tmp>".to_owned()), ".{0,6}",
            ], 0..8),
        ) {
            let normaliser = normaliser();
            let once = normaliser.text(&parts.concat());
            prop_assert_eq!(normaliser.text(&once), once);
        }
    }
}
