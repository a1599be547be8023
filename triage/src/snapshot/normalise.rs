//! Applies the rules of snapshots to texts.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::rules::{By, DECLARED, Own, PORT};
use crate::Error;

/// The first port of those that Linux hands out to whoever asks for any.
const ANY_PORT: i64 = 32_768;
/// Shortest name of a user that is replaced wherever it stands.
const USER_LENGTH: usize = 6;

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
