//! The configuration in effect, value by value, and where each value came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::config_lines::Lines;
use crate::{Config, ConfigFile};

/// What stands where a value must not be shown.
pub(crate) const HIDDEN: &str = "(hidden)";
/// Lists of `[redaction]` that quote what looks like a secret.
const QUOTING: [&str; 3] = ["values", "matches", "rejects"];

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "lowercase")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File {
        /// Its path.
        path: PathBuf,
        /// The line of the key, from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment {
        /// Its name.
        name: String,
    },
    /// A flag on the command line.
    Flag {
        /// The flag.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "environment {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
        }
    }
}

/// A value in effect.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Setting {
    /// Its key as the configuration file has it: `journal.max_bytes`, `forward[0].name`.
    pub key: String,
    /// What it is; null where there is none. Never a secret.
    pub value: Value,
    /// Where it came from.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Every value of `config`, in the order of their keys. `given` says what flags and environment
/// have set, by key; they win over `file`.
///
/// # Errors
/// When the configuration cannot be put into words, which is a fault of ours.
pub fn settings(
    config: &Config,
    file: Option<&ConfigFile>,
    given: &BTreeMap<&str, Origin>,
) -> Result<Vec<Setting>, serde_json::Error> {
    let tree = serde_json::to_value(config)?;
    let lines = file.and_then(ConfigFile::lines);
    let origins = Origins { file: file.zip(lines.as_ref()), given };
    let mut settings = Vec::new();
    walk(&tree, &mut Vec::new(), &origins, &mut settings);
    Ok(settings)
}

struct Origins<'a> {
    file: Option<(&'a ConfigFile, &'a Lines<'a>)>,
    given: &'a BTreeMap<&'a str, Origin>,
}

impl Origins<'_> {
    fn of(&self, key: &str, path: &[String]) -> Origin {
        if let Some(given) = self.given.get(key) {
            return given.clone();
        }
        let steps: Vec<&str> = path.iter().map(String::as_str).collect();
        let found = self.file.and_then(|(file, lines)| {
            let line = lines.line(&steps)?;
            Some(Origin::File { path: file.path().to_owned(), line })
        });
        found.unwrap_or(Origin::Default)
    }
}

fn walk(value: &Value, path: &mut Vec<String>, origins: &Origins<'_>, out: &mut Vec<Setting>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            // In the order of their names, whatever the map does.
            for (key, value) in fields.iter().collect::<BTreeMap<_, _>>() {
                path.push(key.clone());
                walk(value, path, origins, out);
                path.pop();
            }
        }
        // A list of tables goes on; a list of values is one.
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, value) in items.iter().enumerate() {
                path.push(index.to_string());
                walk(value, path, origins, out);
                path.pop();
            }
        }
        leaf => {
            let key = key(path);
            let origin = origins.of(&key, path);
            out.push(Setting { value: shown(leaf, path), key, origin });
        }
    }
}

fn key(path: &[String]) -> String {
    let mut key = String::new();
    for step in path {
        let plain = !step.is_empty()
            && step.chars().all(|it| it.is_ascii_alphanumeric() || "_-".contains(it));
        if step.bytes().all(|it| it.is_ascii_digit()) && !step.is_empty() {
            key.push_str(&format!("[{step}]"));
            continue;
        }
        if !key.is_empty() {
            key.push('.');
        }
        match plain {
            true => key.push_str(step),
            false => key.push_str(&Value::from(step.as_str()).to_string()),
        }
    }
    key
}

/// What may be shown of a value.
fn shown(value: &Value, path: &[String]) -> Value {
    let in_redaction = path.first().is_some_and(|first| first == "redaction");
    let quoting = path.last().is_some_and(|last| QUOTING.contains(&last.as_str()));
    match value {
        Value::Array(items) if in_redaction && quoting && !items.is_empty() => {
            Value::from(format!("({} hidden)", items.len()))
        }
        Value::String(text) => Value::from(without_credentials(text)),
        other => other.clone(),
    }
}

/// A URL without user, password and query: some backends want their key there. Other texts as they are.
pub(crate) fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    format!("{scheme}://{}", without_user(rest))
}

/// The same of what was to be a URL, and may be none.
pub(crate) fn in_words(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['@', '?', '#']) => {
            format!("{scheme}://{}", without_user(rest))
        }
        _ => without_user(text),
    }
}

/// Without what stands before the last `@`, wherever that is (a password may hold any character, and a
/// `/` in one is mostly a mistake), and without the query.
fn without_user(rest: &str) -> String {
    let (before, after) = rest.rsplit_once('@').map_or((None, rest), |(a, b)| (Some(a), b));
    // Behind a query, `@` says nothing of a user.
    let (hidden, shown) = match before {
        None => ("", after),
        Some(before) if before.contains(['?', '#']) => return HIDDEN.to_owned(),
        Some(_) => ("(hidden)@", after),
    };
    match shown.split_once(['?', '#']) {
        Some((shown, _)) => format!("{hidden}{shown}?{HIDDEN}"),
        None => format!("{hidden}{shown}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_says_where_it_came_from_and_no_secret_is_among_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.toml");
        let text = "[journal]\nmax_bytes = 900000000\n\n[[forward]]\nname = \"a\"\n\
                    endpoint = \"https://host/x?key=hunter2\"\nheaders = { authorization = \"hunter2\" }\n\
                    [redaction.allow]\nvalues = [\"hunter2\"]\n";
        std::fs::write(&path, text).unwrap();
        let file = ConfigFile::read(&path).unwrap();
        let config = file.config(Some("d".into())).unwrap();
        let flag = Origin::Flag { name: "--data".to_owned() };
        let given = BTreeMap::from([("data", flag.clone())]);
        let settings = settings(&config, Some(&file), &given).unwrap();
        let find = |key: &str| settings.iter().find(|it| it.key == key).unwrap();
        let at = |line| Origin::File { path: path.clone(), line };
        assert_eq!((&find("data").value, &find("data").origin), (&Value::from("d"), &flag));
        assert_eq!(find("journal.max_bytes").origin, at(2));
        assert_eq!(find("journal.segment_bytes").origin, Origin::Default);
        assert_eq!(find("forward[0].name").origin, at(5));
        assert_eq!(find("forward[0].endpoint").value, "https://host/x?(hidden)");
        assert_eq!(find("forward[0].headers.authorization").value, HIDDEN);
        assert_eq!(find("forward[0].headers.authorization").origin, at(7));
        assert_eq!(find("forward[0].timeout_seconds").origin, Origin::Default);
        assert_eq!(find("redaction.allow.values").value, "(1 hidden)");
        let all = serde_json::to_string(&settings).unwrap();
        assert!(!all.contains("hunter2"), "{all}");
    }

    #[test]
    fn credentials_of_a_url_are_hidden() {
        for (text, expected) in [
            ("https://user:pw@host/a", "https://(hidden)@host/a"),
            ("s3://bucket/a", "s3://bucket/a"),
            ("https://user:p/w@host/a", "https://(hidden)@host/a"),
            ("https://host/a?user=b@c", "https://(hidden)"),
            ("https://host/a#b", "https://host/a?(hidden)"),
            ("/var/lib/a?b", "/var/lib/a?b"),
            ("somebody@host", "somebody@host"),
        ] {
            assert_eq!(without_credentials(text), expected);
        }
        for (text, expected) in [
            ("https//user:pw@host/a?b", "(hidden)@host/a?(hidden)"),
            ("host:4317", "host:4317"),
            ("user:pw@host://x", "(hidden)@host://x"),
        ] {
            assert_eq!(in_words(text), expected);
        }
    }
}
