//! What a call wanted to read or write, as its arguments tell.

use std::collections::BTreeMap;

use serde_json::Value;

use super::programs;
use crate::{script, shell};

/// Longest arguments that are taken apart, in bytes.
const LIMIT: usize = 1 << 20;
/// Most files of one call.
const TARGETS: usize = 1_000;
/// Programs after which relative paths mean another place.
const CHANGES: [&str; 4] = ["cd", "chdir", "pushd", "popd"];
/// The tool whose argument is a patch, and the fields that hold one.
const PATCHES: &str = "apply_patch";
const PATCH_FIELDS: [&str; 3] = ["input", "patch", "patchText"];
/// Fields that name the file of a tool that works on one.
const FILES: [&str; 4] = ["file_path", "absolute_path", "path", "notebook_path"];
/// Fields that name the folder that a command runs in.
const FOLDERS: [&str; 2] = ["workdir", "cwd"];
/// Parts of the names of tools that write, and that read.
const WRITES: [&str; 5] = ["write", "edit", "replace", "create", "delete"];
const READS: [&str; 2] = ["read", "view"];
/// Characters that a shell makes other text of.
const EXPANDED: [char; 6] = ['$', '*', '?', '[', '{', '`'];

/// Why it is not known which file is meant, and whether the command came so far.
const WHICH: &str = "only running the command would tell which file that is";
const WHETHER: &str = "only running the command would tell whether it came to that";

/// A file that a call wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Whether it wanted to write it.
    pub written: bool,
    /// As it is written.
    pub path: String,
    /// Where that stands.
    pub from: &'static str,
    /// Why it is not known that the call wanted this file: its name is a variable, a pattern, or relative
    /// after `cd`, or the command stands where it need not have run.
    pub unknown: Option<&'static str>,
}

/// What a call wanted, and the folder that its arguments say it works in.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Files, each once, in order of the text.
    pub targets: Vec<Target>,
    /// How many more there are.
    pub more: usize,
    /// Why the arguments were not read, or not all of them.
    pub unread: Option<&'static str>,
    /// Folder.
    pub folder: Option<String>,
    /// Whether it is a command, of which only its words are known.
    pub is_command: bool,
}

/// Reads the arguments of a call.
pub(super) fn of(tool: &str, arguments: &str) -> Wanted {
    let mut wanted = Wanted::default();
    if arguments.len() > LIMIT {
        wanted.unread = Some("the arguments are longer than 1 MiB, the most that is taken apart");
        return wanted;
    }
    let tool = tool.to_ascii_lowercase();
    let patches = tool.contains(PATCHES);
    let fields: BTreeMap<String, Value> = match serde_json::from_str(arguments) {
        Ok(fields) => fields,
        Err(_) => {
            if patches {
                patch(arguments, &mut wanted);
            }
            return wanted;
        }
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    wanted.folder = FOLDERS.iter().find_map(|name| text(name)).map(str::to_owned);
    // What a tool writes into a file that it names may look like a patch and is none.
    if !FILES.iter().any(|name| text(name).is_some()) {
        let holds = |name: &str| patches || PATCH_FIELDS.contains(&name);
        for (_, value) in fields.iter().filter(|(name, _)| holds(name)) {
            patch(value.as_str().unwrap_or_default(), &mut wanted);
        }
    }
    if let Some(script) = script::command(&fields) {
        wanted.is_command = true;
        command(&script, &mut wanted);
        return wanted;
    }
    let is = |parts: &[&str]| parts.iter().any(|part| tool.contains(part));
    let written = is(&WRITES);
    if written || is(&READS) {
        for path in FILES.iter().filter_map(|name| text(name)) {
            wanted.add(Target { written, path: path.to_owned(), from: "argument", unknown: None });
        }
    }
    wanted
}

impl Wanted {
    fn add(&mut self, target: Target) {
        if self.targets.len() >= TARGETS {
            self.more += 1;
        } else if !self.targets.contains(&target) {
            self.targets.push(target);
        }
    }
}

fn patch(text: &str, wanted: &mut Wanted) {
    for (file, _) in script::patched(text).unwrap_or_default() {
        wanted.add(Target { written: true, path: file.to_owned(), from: "patch", unknown: None });
    }
}

fn command(script: &str, wanted: &mut Wanted) {
    let reading = shell::read(script);
    if !reading.whole {
        wanted.unread = Some("the command is longer or deeper than is read");
    }
    let moved = reading.commands.iter().any(|it| CHANGES.contains(&it.program.as_str()));
    let mut add = |path: &str, written: bool, certain: bool, moved: bool| {
        if path.is_empty() || path == "/dev/null" {
            return;
        }
        let home = path == "~" || path.starts_with("~/");
        let other_home = path.starts_with('~') && !home;
        let placed = path.starts_with('/') || home || !moved;
        let unknown = if path.contains(EXPANDED) || other_home || !placed || !reading.whole {
            Some(WHICH)
        } else {
            (!certain).then_some(WHETHER)
        };
        let from = "words of the command";
        wanted.add(Target { written, path: path.to_owned(), from, unknown });
    };
    for file in &reading.files {
        add(&file.path, file.written, file.certain, moved);
    }
    for command in &reading.commands {
        let certain = command.certain && !command.fed;
        for (path, written) in programs::files(command) {
            add(&path, written, certain, moved || command.elsewhere);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(tool: &str, arguments: &str) -> Vec<(bool, String, bool)> {
        let targets = of(tool, arguments).targets;
        targets.into_iter().map(|it| (it.written, it.path, it.unknown.is_none())).collect()
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
    fn what_a_command_need_not_have_come_to_is_not_known() {
        let command = |script: &str| serde_json::json!({ "cmd": script }).to_string();
        for (script, expected) in [
            ("false && touch /etc/x || true", vec![file(true, "/etc/x", false)]),
            ("pushd /etc && touch x", vec![file(true, "x", false)]),
            ("env -C /etc touch x /y", vec![file(true, "x", false), file(true, "/y", true)]),
            ("ls | xargs touch x", vec![file(true, "x", false)]),
            ("cat ~root/x ~/y", vec![file(false, "~root/x", false), file(false, "~/y", true)]),
            ("[[ b > /etc/cmp ]] && true", vec![]),
            ("echo a >& /etc/q", vec![file(true, "/etc/q", true)]),
            ("sudo -u root tee /etc/z", vec![file(true, "/etc/z", true)]),
        ] {
            assert_eq!(targets("exec_command", &command(script)), expected, "{script}");
        }
    }

    #[test]
    fn a_text_that_looks_like_a_patch_is_one_only_where_patches_stand() {
        let patch = "*** Begin Patch\n*** Add File: /etc/evil\n+x\n*** End Patch\n";
        let write = serde_json::json!({ "file_path": "/w/a", "content": patch }).to_string();
        assert_eq!(targets("write_file", &write), [file(true, "/w/a", true)]);
        let input = serde_json::json!({ "path": "/w/a", "input": patch }).to_string();
        assert_eq!(targets("write_file", &input), [file(true, "/w/a", true)]);
        for content in ["content", "text", "query"] {
            let other = serde_json::json!({ content: patch }).to_string();
            assert_eq!(targets("send", &other), [], "{content}");
        }
        assert_eq!(targets("send", patch), []);
        for (tool, field) in [("edit_files", "patch"), ("apply_patch", "text")] {
            let within = serde_json::json!({ field: patch }).to_string();
            assert_eq!(targets(tool, &within), [file(true, "/etc/evil", true)], "{tool}");
        }
    }

    #[test]
    fn what_is_not_read_is_told() {
        let command = |script: &str| serde_json::json!({ "cmd": script }).to_string();
        let many: Vec<String> = (0..TARGETS).map(|number| format!("f{number}")).collect();
        let wanted = of("exec_command", &command(&format!("touch {} /etc/evil", many.join(" "))));
        assert_eq!((wanted.targets.len(), wanted.more, wanted.unread), (TARGETS, 1, None));
        let long = of("exec_command", &command(&"x".repeat(LIMIT)));
        assert!(long.targets.is_empty() && long.unread.is_some());
        let long = of("exec_command", &command(&format!("touch {}", "x".repeat(70_000))));
        assert!(long.targets.is_empty() && long.unread.is_some());
        let lines = "+x\n".repeat(10_001);
        let patch = format!("*** Begin Patch\n*** Add File: a\n{lines}*** Add File: /etc/evil\n");
        let expected = [file(true, "a", true), file(true, "/etc/evil", true)];
        assert_eq!(targets("apply_patch", &patch), expected);
    }

    #[test]
    fn a_tool_that_works_on_a_file_names_it() {
        let arguments = r#"{"file_path": "/w/a", "content": "x"}"#;
        assert_eq!(targets("Write", arguments), [file(true, "/w/a", true)]);
        assert_eq!(targets("Read", arguments), [file(false, "/w/a", true)]);
        assert_eq!(targets("Grep", arguments), []);
    }
}
