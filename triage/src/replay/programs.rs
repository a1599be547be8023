//! Which files a program reads and writes, by the words that it is given.

use crate::shell::Command;
use crate::shell::options::{Options, Word};

/// What a program does with the files that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Reads every one.
    Read,
    /// Reads the first; what follows is for the script in it.
    ReadFirst,
    /// Reads the first and writes the second.
    ReadThenWrite,
    /// Writes every one.
    Write,
    /// Writes every one but the first, which is a mode or an owner.
    WriteButFirst,
    /// Reads every one but the last, which it writes.
    Copy,
    /// Writes the last, and does not read what the others name.
    Link,
}

/// A program and its options that take a value.
struct Program {
    names: &'static [&'static str],
    does: Does,
    options: Options,
}

const fn program(
    names: &'static [&'static str],
    does: Does,
    short: &'static str,
    long: &'static [&'static str],
) -> Program {
    Program { names, does, options: Options { short, long } }
}

const PROGRAMS: &[Program] = &[
    program(&["cat"], Does::Read, "", &[]),
    program(
        &["head", "tail"],
        Does::Read,
        "ncs",
        &["lines", "bytes", "pid", "sleep-interval", "max-unchanged-stats"],
    ),
    program(&["less"], Does::Read, "pPtTxjkoObDyz", &["pattern", "tag", "prompt", "tabs"]),
    program(&["more"], Does::Read, "n", &["lines"]),
    program(&["nl"], Does::Read, "bdfhilnsvw", &["body-numbering", "number-format"]),
    program(&["wc"], Does::Read, "", &["files0-from"]),
    program(
        &["od"],
        Does::Read,
        "AjNStw",
        &["address-radix", "skip-bytes", "read-bytes", "format", "width"],
    ),
    program(&["base64"], Does::Read, "wb", &["wrap", "break"]),
    program(&["strings"], Does::Read, "neTUto", &["bytes", "encoding", "radix", "target"]),
    program(
        &["xxd"],
        Does::ReadThenWrite,
        "cglosnR",
        &["cols", "groupsize", "len", "offset", "seek", "name"],
    ),
    program(&["source", "."], Does::ReadFirst, "", &[]),
    program(&["touch"], Does::Write, "dtrA", &["date", "reference", "time"]),
    program(&["mkdir"], Does::Write, "m", &["mode"]),
    program(&["rm", "rmdir", "tee", "unlink"], Does::Write, "", &[]),
    program(&["truncate"], Does::Write, "sr", &["size", "reference"]),
    program(&["chmod", "chown"], Does::WriteButFirst, "", &[REFERENCE, "from"]),
    program(&["mv"], Does::Write, "tS", &[INTO, "suffix"]),
    program(&["cp"], Does::Copy, "tS", &[INTO, "suffix", "no-preserve", "sparse"]),
    program(
        &[INSTALL],
        Does::Copy,
        "tSmog",
        &[INTO, "suffix", "mode", "owner", "group", "strip-program"],
    ),
    program(&["ln"], Does::Link, "tS", &[INTO, "suffix"]),
    program(
        &[RSYNC],
        Does::Copy,
        "efTBM",
        &[
            "rsh",
            "rsync-path",
            "exclude",
            "exclude-from",
            "include",
            "include-from",
            "files-from",
            "filter",
            "temp-dir",
            "partial-dir",
            "backup-dir",
            "chmod",
            "chown",
            "compare-dest",
            "copy-dest",
            "link-dest",
            "log-file",
            "log-file-format",
            "out-format",
            "port",
            "password-file",
            "suffix",
            "timeout",
            "bwlimit",
            "max-size",
            "min-size",
            "block-size",
            "usermap",
            "groupmap",
            "address",
        ],
    ),
];
/// Of programs that write into a folder: the option that names it, in one letter and in full.
const INTO_SHORT: &str = "t";
const INTO: &str = "target-directory";
/// Of those that change a mode: the option that takes it from another file.
const REFERENCE: &str = "reference";
/// The program that makes folders with an option, and the option.
const INSTALL: &str = "install";
const FOLDERS: [&str; 2] = ["d", "directory"];
/// The program that names other machines.
const RSYNC: &str = "rsync";
/// The mode that begins with a dash: `chmod -x`.
const MODE: &str = "rwxXst";

/// The files that a command names, each with whether it writes it; of any other program none.
pub(super) fn files(command: &Command) -> Vec<(String, bool)> {
    let name = command.program.as_str();
    let Some(program) = PROGRAMS.iter().find(|program| program.names.contains(&name)) else {
        return Vec::new();
    };
    let mut does = program.does;
    let mut operands = Vec::new();
    let mut into = None;
    for word in program.options.words(&command.words) {
        match word {
            Word::Option(INTO, value) => into = value,
            Word::Option(INTO_SHORT, value) if program.options.long.contains(&INTO) => into = value,
            Word::Option(option, _) if does == Does::WriteButFirst => {
                let mode = !option.is_empty() && option.chars().all(|it| MODE.contains(it));
                if option == REFERENCE || mode {
                    does = Does::Write;
                }
            }
            Word::Option(option, _) if name == INSTALL && FOLDERS.contains(&option) => {
                does = Does::Write;
            }
            Word::Option(..) | Word::Operand("-") => {}
            // Where to begin, not a file.
            Word::Operand(word) if does == Does::Read && word.starts_with('+') => {}
            Word::Operand(word) => operands.push(word),
        }
    }
    let elsewhere =
        |word: &str| name == RSYNC && word.split('/').next().is_some_and(|host| host.contains(':'));
    let all = operands.len();
    let mut found = Vec::new();
    for (index, operand) in operands.into_iter().enumerate() {
        let last = into.is_none() && index + 1 == all;
        let written = match does {
            Does::Read => false,
            Does::ReadFirst if index == 0 => false,
            Does::ReadThenWrite if index < 2 => index == 1,
            Does::Write => true,
            Does::WriteButFirst if index > 0 => true,
            Does::Copy if all > 1 || into.is_some() => last,
            Does::Link if last => true,
            _ => continue,
        };
        let alone = does == Does::Link && all == 1;
        if alone {
            // A link of the same name in the folder at hand.
            let name = operand.trim_end_matches('/').rsplit('/').next().unwrap_or(operand);
            found.push((name.to_owned(), true));
        } else if !elsewhere(operand) {
            found.push((operand.to_owned(), written));
        }
    }
    found.extend(into.map(|folder| (folder.to_owned(), true)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    fn told(script: &str) -> String {
        let reading = shell::read(script);
        let files = reading.commands.iter().flat_map(files);
        let told: Vec<String> = files
            .map(|(path, written)| format!("{} {path}", if written { "write" } else { "read" }))
            .collect();
        told.join(", ")
    }

    #[test]
    fn values_of_options_are_no_files_and_folders_that_options_name_are() {
        for (script, expected) in [
            ("head -n 5 README.md", "read README.md"),
            (
                "head -5 -c10 a; tail -n +5 b; tail +5 c; tail --lines 3 d",
                "read a, read b, read c, read d",
            ),
            ("cat - a -- -b", "read a, read -b"),
            ("xxd -len 5 -s 3 a b", "read a, write b"),
            ("source venv/bin/activate dev", "read venv/bin/activate"),
            ("touch -d yesterday f; touch -cr /etc/hosts g", "write f, write g"),
            ("mkdir -pm 700 d; truncate -s 0 e", "write d, write e"),
            ("cp -t /etc a b", "read a, read b, write /etc"),
            (
                "cp -rt/etc a; cp --target-directory=/etc b",
                "read a, write /etc, read b, write /etc",
            ),
            ("cp a b /c", "read a, read b, write /c"),
            ("cp a", ""),
            ("mv --target-dir /etc a", "write a, write /etc"),
            (
                "install -m 755 -o root a /b; install -d /c /d",
                "read a, write /b, write /c, write /d",
            ),
            ("ln -s /etc/shadow l; ln -s /etc/passwd", "write l, write passwd"),
            ("ln -st /etc a b", "write /etc"),
            (
                "chmod 600 k; chmod -x l; chmod -R u+w m; chmod --reference=a n",
                "write k, write l, write m, write n",
            ),
            ("chown -R a:b c", "write c"),
            ("rsync -e ssh --exclude x a host:/etc; rsync -a b /c", "read a, read b, write /c"),
            ("tee -a /x", "write /x"),
            ("git push x", ""),
        ] {
            assert_eq!(told(script), expected, "{script}");
        }
    }
}
