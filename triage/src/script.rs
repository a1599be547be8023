//! Where a call's arguments hold a shell script or a patch.

use std::collections::BTreeMap;

use serde_json::Value;

/// Fields that hold a shell command, the most telling first.
const COMMANDS: &[&str] = &["full_command", "cmd", "command", "script"];
/// How a patch begins, and how the lines begin that name its files.
const PATCH: &str = "*** Begin Patch";
const PATCH_LINES: &[(&str, &str)] = &[
    ("*** Add File: ", "add"),
    ("*** Update File: ", "update"),
    ("*** Delete File: ", "delete"),
    ("*** Move to: ", "move"),
];

/// The shell command among the fields of arguments.
pub(crate) fn command(fields: &BTreeMap<String, Value>) -> Option<String> {
    COMMANDS.iter().find_map(|name| match fields.get(*name)? {
        Value::String(script) => Some(script.clone()),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            let words: Vec<String> = words?.into_iter().map(quoted).collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        _ => None,
    })
}

/// A word that stays one in a script.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The files that a text names if it is a patch, each with what is done to it; none where it is no patch.
pub(crate) fn patched(text: &str) -> Option<Vec<(&str, &'static str)>> {
    let named = |line| {
        PATCH_LINES
            .iter()
            .find_map(|(begins, does)| Some((str::strip_prefix(line, begins)?, *does)))
    };
    let is_patch = text.trim_start().starts_with(PATCH);
    is_patch.then(|| text.lines().filter_map(named).collect())
}
