//! Which programs a shell script runs and which files it names, as far as its text tells: a reading that
//! errs to be simple.
//!
//! Words are taken as they stand; what a variable or a substitution would become is not known. Whether a
//! command ran at all is told as far as an exit code of 0 tells it.

mod lexer;
pub(crate) mod options;
mod ran;

use lexer::{Simple, lex};
use options::{Given, Options, Value};

/// Deepest nesting of substitutions, groups and of `sh -c` that is followed.
const DEPTH: usize = 16;
/// Longest script that is read, in bytes.
const LENGTH: usize = 64 << 10;
/// Most words that are kept.
const WORDS: usize = 4_096;

/// Words in the place of a program that are followed by one.
const BEFORE_A_PROGRAM: &[&str] =
    &["{", "!", "if", "then", "else", "elif", "do", "while", "until", "time"];
/// The one of them after which an exit code of 0 says that the program failed.
const NOT: &str = "!";
/// The one of them that has options.
const TIME: &str = "time";
/// Words in the place of a program after which no program comes.
const NO_PROGRAM: &[&str] =
    &["}", "fi", "done", "esac", "for", "case", "select", "function", "in", "[", "[["];
/// The program that ends a script.
const EXIT: &str = "exit";
/// Programs that run a script given with `-c`.
const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "ksh", "fish"];

/// A program that runs the program named by its arguments.
struct Wrapper {
    name: &'static str,
    options: Options,
}

/// The options of wrappers that take a value.
const WRAPPERS: &[Wrapper] = &[
    wrapper(
        "sudo",
        "ughpCDRrtTU",
        &["user", "group", "host", "prompt", "close-from", "chdir", "chroot", "role", "type"],
    ),
    wrapper("doas", "uC", &[]),
    wrapper("env", "uCS", &["unset", "chdir", "split-string"]),
    wrapper("nohup", "", &[]),
    wrapper("exec", "a", &[]),
    wrapper("command", "", &[]),
    wrapper("builtin", "", &[]),
    wrapper("nice", "n", &["adjustment"]),
    wrapper(
        XARGS,
        "aEdILnPs",
        &["arg-file", "delimiter", "max-args", "max-chars", "max-lines", "max-procs"],
    ),
    wrapper(TIMEOUT, "ks", &["kill-after", "signal"]),
    wrapper("setsid", "", &[]),
    wrapper("stdbuf", "ioe", &["input", "output", "error"]),
];
/// The wrapper that adds words of its own, and the one whose first word is a time.
const XARGS: &str = "xargs";
const TIMEOUT: &str = "timeout";
/// Options of wrappers: a folder to run in, a script, and only asking where the program is.
const FOLDER: &[(&str, &[&str])] =
    &[("sudo", &["D", "R", "chdir", "chroot"]), ("env", &["C", "chdir"])];
const SCRIPT: (&str, &[&str]) = ("env", &["S", "split-string"]);
const ASKS: (&str, &[&str]) = ("command", &["v", "V"]);

const fn wrapper(
    name: &'static str,
    short: &'static str,
    long: &'static [&'static str],
) -> Wrapper {
    Wrapper { name, options: Options { short, long } }
}

/// What a script runs and which words it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Programs, without the folder they are in; `?` for one that only running it would tell.
    pub programs: Vec<String>,
    /// Every other word.
    pub words: Vec<String>,
    /// Files that output goes to or input comes from.
    pub files: Vec<File>,
    /// The programs with the words that each is given, in the order of the text.
    pub commands: Vec<Command>,
    /// Whether all of it was read.
    pub whole: bool,
}

/// A file of a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// As it is written.
    pub path: String,
    /// Whether output goes to it.
    pub written: bool,
    /// Whether it came to that for certain, if the script ended with exit code 0.
    pub certain: bool,
}

/// A program with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// As in [`Reading::programs`].
    pub program: String,
    /// What it is given.
    pub words: Vec<String>,
    /// Whether it ran for certain, if the script ended with exit code 0.
    pub certain: bool,
    /// Whether it runs in another folder than the script.
    pub elsewhere: bool,
    /// Whether it is given other words than these.
    pub fed: bool,
}

/// Reads a script.
pub(crate) fn read(script: &str) -> Reading {
    let mut reading = Reading { whole: true, ..Reading::default() };
    add(script, Around { depth: 0, certain: true, decisive: true }, &mut reading);
    reading
}

/// What is around a script: how deep it is, whether it ran for certain, and whether the exit code that is
/// known is its own.
#[derive(Debug, Clone, Copy)]
struct Around {
    depth: usize,
    certain: bool,
    decisive: bool,
}

fn add(script: &str, around: Around, reading: &mut Reading) {
    if around.depth > DEPTH || script.len() > LENGTH {
        reading.whole = false;
        return;
    }
    let lexed = lex(script, around.decisive);
    reading.whole &= lexed.whole;
    let mut ended = None;
    for (order, mut simple) in lexed.commands.into_iter().enumerate() {
        let ends = ends(&simple);
        simple.certain &= around.certain && ended.is_none();
        simple.decisive &= ended.is_none();
        self::command(simple, around.depth, reading);
        if ends && ended.is_none() {
            ended = Some(order);
        }
    }
    reading.files.extend(lexed.files.into_iter().map(|(order, file)| {
        let reached = ended.is_none_or(|ended| order <= ended);
        File { certain: file.certain && around.certain && reached, ..file }
    }));
}

/// Whether nothing that follows need have run, if the exit code is 0.
fn ends(simple: &Simple) -> bool {
    let program = |word: &&String| !BEFORE_A_PROGRAM.contains(&word.as_str());
    let mut words = simple.words.iter().skip_while(|word| !program(word));
    words.next().is_some_and(|word| word == EXIT)
        && words.next().is_none_or(|code| code == "0" || code.parse::<u8>().is_err())
}

/// Takes a simple command apart.
fn command(simple: Simple, depth: usize, reading: &mut Reading) {
    let Simple { words, mut certain, mut decisive } = simple;
    let (mut elsewhere, mut fed) = (false, false);
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if BEFORE_A_PROGRAM.contains(&word.as_str()) || is_assignment(&word) {
            if word == NOT {
                (certain, decisive) = (false, false);
            }
            if word == TIME {
                while words.next_if(|word| word.starts_with('-')).is_some() {}
            }
            continue;
        }
        if NO_PROGRAM.contains(&word.as_str()) {
            break;
        }
        let name = program(&word);
        reading.programs.push(name.clone());
        let around = Around { depth: depth + 1, certain, decisive };
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) else {
            if SHELLS.contains(&name.as_str()) {
                script_of(&mut words, around, reading);
            }
            let words = words.clone().collect();
            reading.commands.push(Command { program: name, words, certain, elsewhere, fed });
            break;
        };
        fed |= name == XARGS;
        let mut asks = false;
        while let Some(option) = words.next_if(|word| word.starts_with('-') && word != "-") {
            if option == "--" {
                break;
            }
            let Given { name: option, value } = wrapper.options.read(&option);
            let value = match value {
                Value::None => None,
                Value::Attached(value) => Some(value.to_owned()),
                Value::Next => words.next(),
            };
            let is =
                |(program, options): (&str, &[&str])| program == name && options.contains(&option);
            elsewhere |= FOLDER.iter().copied().any(is);
            asks |= is(ASKS);
            if let Some(script) = value.filter(|_| is(SCRIPT)) {
                add(&script, around, reading);
            }
        }
        if asks {
            break;
        }
        if name == TIMEOUT {
            words.next();
        }
    }
    reading.words.extend(words);
}

/// The script that a shell is given with `-c`.
fn script_of(
    words: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    around: Around,
    reading: &mut Reading,
) {
    let Some(first) = words.next() else { return };
    let flags = first.strip_prefix('-').filter(|flags| !flags.starts_with('-'));
    if flags.is_some_and(|flags| flags.ends_with('c')) {
        if let Some(script) = words.next() {
            add(&script, around, reading);
        }
    } else {
        reading.words.push(first);
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn program(word: &str) -> String {
    let name = word.rsplit('/').next().unwrap_or(word);
    let unknown = name.is_empty() || name.contains(['$', '*', '?']);
    if unknown { "?".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn programs(script: &str) -> Vec<String> {
        read(script).programs
    }

    #[test]
    fn programs_are_found_in_lists_pipes_substitutions_wrappers_and_shells() {
        for (script, expected) in [
            ("echo lab-ok && ls -la && cat README.md", &["echo", "ls", "cat"][..]),
            (
                "env | grep -i proxy; curl -sS 'http://a;b' || true",
                &["env", "grep", "curl", "true"],
            ),
            ("X=1 /usr/bin/python3 -c 'import os; os.system(1)'", &["python3"]),
            ("echo \"$(whoami; id)\" `date`", &["whoami", "id", "date", "echo"]),
            ("sudo -E timeout 5 rm -rf /x", &["sudo", "timeout", "rm"]),
            ("bash -lc 'git push && sh -c \"nc -l 1\"'", &["bash", "git", "sh", "nc"]),
            ("if test -f a; then mv a b; fi # rm c", &["test", "mv"]),
            ("for f in a b; do wc $f; done", &["wc"]),
            ("cat <<'EOF' > out.txt\nrm -rf /\nEOF\nls 2>&1 >/dev/null", &["cat", "ls"]),
            ("$CMD x; ./run.sh", &["?", "run.sh"]),
            ("diff <(sort a) <(uniq b)", &["sort", "uniq", "diff"]),
            ("", &[]),
        ] {
            assert_eq!(programs(script), expected, "{script}");
        }
    }

    #[test]
    fn files_of_redirections_are_told_from_words() {
        let reading = read("echo nope > /etc/x 2>>err.log <in");
        let files: Vec<(&str, bool)> =
            reading.files.iter().map(|file| (file.path.as_str(), file.written)).collect();
        assert_eq!(files, [("/etc/x", true), ("err.log", true), ("in", false)]);
        assert_eq!(reading.words, ["nope"]);
    }

    /// The files that redirections name, with whether each is written for certain.
    fn files(script: &str) -> Vec<(String, bool, bool)> {
        let files = read(script).files.into_iter();
        files.map(|file| (file.path, file.written, file.certain)).collect()
    }

    #[test]
    fn what_only_looks_like_a_redirection_is_none_and_one_of_both_streams_is_one() {
        for script in [
            "[[ b > /etc/cmp ]] && true",
            "[[ a < b || ( c > d ) ]]; [[ x>y ]]",
            "echo $(( 3 > 2 ))",
            "(( (i+1) > 2 )) && true",
            "echo a 2>&1 >&- <&3",
            "echo 'a > b' \\> c # > d",
            "cat <<EOF\n> /etc/n\nEOF\n",
        ] {
            assert_eq!(files(script), [], "{script}");
        }
        for script in ["a >& /f", "a &> /f", "a &>>/f", "[ b > /f ]", "[[ a ]] > /f", "((1)) >/f"] {
            assert_eq!(files(script), [("/f".to_owned(), true, true)], "{script}");
        }
        assert_eq!(files("echo $((1))>/f $(x > /g)").len(), 2);
    }

    #[test]
    fn a_command_is_certain_to_have_run_only_where_the_exit_code_says_so() {
        let certain = [
            "touch x",
            "a; touch x",
            "a\ntouch x",
            "touch x; b",
            "a && touch x",
            "a &&\n touch x && b",
            "a | touch x",
            "(a && touch x)",
            "{ a && touch x; }",
            "a; (b; touch x)",
            "bash -c 'a && touch x'",
            "a && bash -lc 'b && touch x'",
            "if a; then b; fi; touch x",
            "a || exit 1; touch x",
            "echo $(touch x)",
            "case a in b) c;; esac; touch x",
            "f() { a; }; touch x",
        ];
        let uncertain = [
            "false && touch x || true",
            "touch x || true",
            "a || touch x",
            "a && touch x; b",
            "a && touch x\nb",
            "a && touch x &",
            "(a && touch x) | b",
            "(a && touch x) || b",
            "{ touch x; } || b",
            "bash -c 'a && touch x' || b",
            "bash -c 'a && touch x'; b",
            "bash -c 'a || touch x'",
            "echo $(a && touch x)",
            "if a; then touch x; fi",
            "if touch x; then a; fi",
            "while a; do touch x; done",
            "for i in a b; do touch x; done",
            "case a in b) touch x;; esac",
            "echo $(case a in b) c;; d) touch x;; esac)",
            "f() { touch x; }",
            "function f { touch x; }",
            "f() (touch x)",
            "! touch x",
            "exit; touch x",
            "exit 0\ntouch x",
            "a && exit; touch x",
        ];
        let touch = |script: &str| {
            let commands = read(script).commands;
            commands.into_iter().find(|command| command.program == "touch").unwrap().certain
        };
        for script in certain {
            assert!(touch(script), "{script}");
        }
        for script in uncertain {
            assert!(!touch(script), "{script}");
        }
        assert_eq!(files("for f in a; do b; done > /f"), [("/f".to_owned(), true, true)]);
        assert_eq!(files("if a; then b > /f; fi"), [("/f".to_owned(), true, false)]);
        assert_eq!(files("exit 0; > /f"), [("/f".to_owned(), true, false)]);
    }

    #[test]
    fn options_of_wrappers_are_not_taken_for_the_program() {
        let ran = |script: &str| {
            let commands = read(script).commands;
            let told: Vec<String> = commands
                .iter()
                .map(|command| format!("{} {}", command.program, command.words.join(" ")))
                .collect();
            told.join("; ")
        };
        for script in [
            "sudo -u root tee /etc/z",
            "sudo -nu root -- tee /etc/z",
            "sudo --user root tee /etc/z",
            "sudo --user=root tee /etc/z",
            "env -u A B=1 tee /etc/z",
            "nice -n 10 tee /etc/z",
            "timeout -s KILL 5s tee /etc/z",
            "timeout -k 1 0.5 sudo -E tee /etc/z",
            "xargs -n 1 -I % tee /etc/z",
            "stdbuf -o L tee /etc/z",
            "exec -a x tee /etc/z",
            "time -p tee /etc/z",
        ] {
            assert_eq!(ran(script), "tee /etc/z", "{script}");
        }
        assert_eq!(ran("env -S 'tee /etc/z'"), "tee /etc/z");
        assert_eq!(ran("command -v tee"), "");
        let elsewhere = |script: &str| read(script).commands.iter().any(|it| it.elsewhere);
        assert!(elsewhere("env -C /etc touch x") && elsewhere("sudo --chdir=/etc touch x"));
        assert!(!elsewhere("sudo touch x"));
    }

    #[test]
    fn a_tilde_in_quotes_is_no_home_folder() {
        let read = |script| super::read(script).words;
        assert_eq!(
            read("cat '~/x' \"~/y\" \\~/z ~/a 'b~'"),
            ["./~/x", "./~/y", "./~/z", "~/a", "b~"]
        );
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_said_to_be_read_in_part() {
        assert!(!read(&"$(".repeat(100)).whole);
        assert!(!read(&"a ".repeat(LENGTH)).whole);
        assert!(read("echo $(echo $(echo))").whole);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_script_is_read(script in "[a-z $()`'\"<>|&;#\n\\\\=-]{0,60}") {
            let reading = read(&script);
            prop_assert!(reading.programs.iter().all(|program| !program.is_empty()));
        }
    }
}
