//! What a call wanted to read or write, as its arguments tell.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{script, shell};

/// Longest arguments that are taken apart, in bytes.
const LIMIT: usize = 1 << 20;
/// Most files of one call.
const TARGETS: usize = 200;
/// Programs that write every file that they are given, and those that write the last one.
const WRITERS: &[&str] =
    &["touch", "mkdir", "rm", "rmdir", "tee", "truncate", "unlink", "chmod", "chown", "mv"];
const LAST_WRITTEN: &[&str] = &["cp", "ln", "install", "rsync"];
/// Of those that write, whose first word is no file.
const MODE_FIRST: &[&str] = &["chmod", "chown"];
/// Programs that read every file that they are given.
const READERS: &[&str] = &[
    "cat", "head", "tail", "less", "more", "nl", "wc", "xxd", "od", "base64", "strings", "source",
    ".",
];
/// The program after which relative paths mean another place.
const CHANGE: &str = "cd";
/// Fields that name the file of a tool that works on one.
const FILES: [&str; 4] = ["file_path", "absolute_path", "path", "notebook_path"];
/// Fields that name the folder that a command runs in.
const FOLDERS: [&str; 2] = ["workdir", "cwd"];
/// Parts of the names of tools that write, and that read.
const WRITES: [&str; 5] = ["write", "edit", "replace", "create", "delete"];
const READS: [&str; 2] = ["read", "view"];
/// Characters that a shell makes other text of.
const EXPANDED: [char; 6] = ['$', '*', '?', '[', '{', '`'];

/// A file that a call wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Whether it wanted to write it.
    pub written: bool,
    /// As it is written.
    pub path: String,
    /// Where that stands.
    pub from: &'static str,
    /// Whether the path is known: a variable or a pattern is not, nor a relative one after `cd`.
    pub known: bool,
}

/// What a call wanted, and the folder that its arguments say it works in.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Files, each once, in order of the text.
    pub targets: Vec<Target>,
    /// Folder.
    pub folder: Option<String>,
    /// Whether it is a command, of which only its words are known.
    pub is_command: bool,
}

/// Reads the arguments of a call.
pub(super) fn of(tool: &str, arguments: &str) -> Wanted {
    let mut wanted = Wanted::default();
    if arguments.len() > LIMIT {
        return wanted;
    }
    let fields: BTreeMap<String, Value> = match serde_json::from_str(arguments) {
        Ok(fields) => fields,
        Err(_) => {
            patch(arguments, &mut wanted);
            return wanted;
        }
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    wanted.folder = FOLDERS.iter().find_map(|name| text(name)).map(str::to_owned);
    for value in fields.values().filter_map(Value::as_str) {
        patch(value, &mut wanted);
    }
    if let Some(script) = script::command(&fields) {
        wanted.is_command = true;
        command(&script, &mut wanted);
        return wanted;
    }
    let tool = tool.to_ascii_lowercase();
    let is = |parts: &[&str]| parts.iter().any(|part| tool.contains(part));
    let written = is(&WRITES);
    if written || is(&READS) {
        for path in FILES.iter().filter_map(|name| text(name)) {
            wanted.add(Target { written, path: path.to_owned(), from: "argument", known: true });
        }
    }
    wanted
}

impl Wanted {
    fn add(&mut self, target: Target) {
        if self.targets.len() < TARGETS && !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }
}

fn patch(text: &str, wanted: &mut Wanted) {
    for (file, _) in script::patched(text).unwrap_or_default() {
        wanted.add(Target { written: true, path: file.to_owned(), from: "patch", known: true });
    }
}

fn command(script: &str, wanted: &mut Wanted) {
    let reading = shell::read(script);
    let moved = reading.commands.iter().any(|command| command.program == CHANGE);
    let mut add = |path: &str, written: bool| {
        let absolute = path.starts_with('/') || path.starts_with("~/");
        let known = !path.contains(EXPANDED) && (absolute || !moved) && reading.whole;
        if !path.is_empty() && path != "/dev/null" {
            let from = "words of the command";
            wanted.add(Target { written, path: path.to_owned(), from, known });
        }
    };
    for file in &reading.files {
        add(&file.path, file.written);
    }
    for command in &reading.commands {
        let is = |programs: &[&str]| programs.contains(&command.program.as_str());
        let words = command.words.iter().filter(|word| !word.starts_with('-'));
        let words = words.map(String::as_str).skip(usize::from(is(MODE_FIRST)));
        if is(WRITERS) {
            words.for_each(|word| add(word, true));
        } else if is(LAST_WRITTEN) {
            let words: Vec<&str> = words.collect();
            if let Some((last, sources)) = words.split_last() {
                sources.iter().for_each(|word| add(word, false));
                add(last, true);
            }
        } else if is(READERS) {
            words.for_each(|word| add(word, false));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(tool: &str, arguments: &str) -> Vec<(bool, String, bool)> {
        let targets = of(tool, arguments).targets;
        targets.into_iter().map(|it| (it.written, it.path, it.known)).collect()
    }

    fn file(written: bool, path: &str, known: bool) -> (bool, String, bool) {
        (written, path.to_owned(), known)
    }

    #[test]
    fn a_patch_writes_the_files_that_it_names() {
        let patch = "*** Begin Patch\n*** Add File: a.py\n+x\n*** Move to: /etc/b\n*** End Patch\n";
        let expected = [file(true, "a.py", true), file(true, "/etc/b", true)];
        assert_eq!(targets("apply_patch", patch), expected);
        let within = serde_json::json!({ "input": patch }).to_string();
        assert_eq!(targets("apply_patch", &within), expected);
    }

    #[test]
    fn a_command_writes_what_its_redirections_and_writing_programs_name() {
        let command = |script: &str| serde_json::json!({ "cmd": script }).to_string();
        assert_eq!(
            targets("exec_command", &command("cat /etc/passwd > out.txt && cp -r a /b")),
            [
                file(true, "out.txt", true),
                file(false, "/etc/passwd", true),
                file(false, "a", true),
                file(true, "/b", true),
            ]
        );
        assert_eq!(
            targets("exec_command", &command("bash -c 'sudo tee /x < in' ; chmod 600 k")),
            [file(false, "in", true), file(true, "/x", true), file(true, "k", true)]
        );
    }

    #[test]
    fn what_only_running_it_would_tell_is_not_known() {
        let command = r#"{"cmd": "cd /tmp && touch x /y $HOME/z *.env"}"#;
        let expected = [
            file(true, "x", false),
            file(true, "/y", true),
            file(true, "$HOME/z", false),
            file(true, "*.env", false),
        ];
        assert_eq!(targets("exec_command", command), expected);
    }

    #[test]
    fn a_tool_that_works_on_a_file_names_it() {
        let arguments = r#"{"file_path": "/w/a", "content": "x"}"#;
        assert_eq!(targets("Write", arguments), [file(true, "/w/a", true)]);
        assert_eq!(targets("Read", arguments), [file(false, "/w/a", true)]);
        assert_eq!(targets("Grep", arguments), []);
    }
}
