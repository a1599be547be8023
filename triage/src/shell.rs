//! Which programs a shell script runs and which files it names, as far as its text tells: a reading that
//! errs to be simple.
//!
//! Words are taken as they stand; what a variable or a substitution would become is not known.

/// Deepest nesting of substitutions and of `sh -c` that is followed.
const DEPTH: usize = 16;
/// Longest script that is read, in bytes.
const LENGTH: usize = 64 << 10;
/// Most words that are kept.
const WORDS: usize = 4_096;

/// Words in the place of a program that are followed by one.
const BEFORE_A_PROGRAM: &[&str] =
    &["{", "!", "if", "then", "else", "elif", "do", "while", "until", "time"];
/// Words in the place of a program after which no program comes.
const NO_PROGRAM: &[&str] =
    &["}", "fi", "done", "esac", "for", "case", "select", "function", "in", "[", "[["];
/// Programs that run the program named by their arguments.
const WRAPPERS: &[&str] = &[
    "sudo", "doas", "env", "nohup", "exec", "command", "builtin", "nice", "xargs", "timeout",
    "setsid", "stdbuf",
];
/// Programs that run a script given with `-c`.
const SHELLS: &[&str] = &["sh", "bash", "zsh", "dash", "ksh", "fish"];

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
}

/// A program with its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// As in [`Reading::programs`].
    pub program: String,
    /// What it is given.
    pub words: Vec<String>,
}

/// Reads a script.
pub(crate) fn read(script: &str) -> Reading {
    let mut reading = Reading { whole: true, ..Reading::default() };
    add(script, 0, &mut reading);
    reading
}

fn add(script: &str, depth: usize, reading: &mut Reading) {
    if depth > DEPTH || script.len() > LENGTH {
        reading.whole = false;
        return;
    }
    let lexed = lex(script);
    reading.whole &= lexed.whole;
    reading.files.extend(lexed.files);
    for command in lexed.commands {
        self::command(command, depth, reading);
    }
}

/// Takes a simple command apart.
fn command(words: Vec<String>, depth: usize, reading: &mut Reading) {
    let mut words = words.into_iter();
    let mut wrapped = false;
    while let Some(word) = words.next() {
        if BEFORE_A_PROGRAM.contains(&word.as_str()) || is_assignment(&word) {
            continue;
        }
        let option =
            word.starts_with('-') || word.starts_with(|first: char| first.is_ascii_digit());
        if wrapped && option {
            continue;
        }
        if NO_PROGRAM.contains(&word.as_str()) {
            break;
        }
        let name = program(&word);
        let is = |names: &[&str]| names.contains(&name.as_str());
        wrapped = is(WRAPPERS);
        let shell = is(SHELLS);
        reading.programs.push(name.clone());
        if shell {
            script_of(&mut words, depth, reading);
        }
        if !wrapped {
            let words = words.as_slice().to_vec();
            reading.commands.push(Command { program: name, words });
            break;
        }
    }
    reading.words.extend(words);
}

/// The script that a shell is given with `-c`.
fn script_of(words: &mut std::vec::IntoIter<String>, depth: usize, reading: &mut Reading) {
    let Some(first) = words.next() else { return };
    let flags = first.strip_prefix('-').filter(|flags| !flags.starts_with('-'));
    if flags.is_some_and(|flags| flags.ends_with('c')) {
        if let Some(script) = words.next() {
            add(&script, depth + 1, reading);
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

/// Simple commands and the files around them.
#[derive(Debug, Default)]
struct Lexed {
    commands: Vec<Vec<String>>,
    files: Vec<File>,
    whole: bool,
}

/// The commands of a script, those in substitutions included.
fn lex(script: &str) -> Lexed {
    let mut lexer = Lexer { stack: vec![Frame::default()], ..Lexer::default() };
    let mut characters = script.chars().peekable();
    let mut whole = true;
    while let Some(character) = characters.next() {
        lexer.take(character, &mut characters);
        if lexer.stack.len() > DEPTH || lexer.words > WORDS {
            whole = false;
            break;
        }
    }
    while let Some(frame) = lexer.stack.pop() {
        lexer.end_of(frame);
    }
    Lexed { commands: lexer.commands, files: lexer.files, whole }
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// A script, or a substitution in one.
#[derive(Debug, Default)]
struct Frame {
    /// What ends it; nothing ends the script itself.
    closes: Option<char>,
    double: bool,
    command: Vec<String>,
    word: Option<String>,
    /// Whether the next word is the file of a redirection, and whether output goes to it.
    redirects: Option<bool>,
}

#[derive(Debug, Default)]
struct Lexer {
    stack: Vec<Frame>,
    commands: Vec<Vec<String>>,
    files: Vec<File>,
    /// Ends of here-documents that begin with the next line.
    documents: Vec<String>,
    words: usize,
}

impl Lexer {
    fn take(&mut self, character: char, rest: &mut Characters<'_>) {
        let Some(frame) = self.stack.last_mut() else { return };
        let double = frame.double;
        match character {
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(escaped) => self.push(escaped),
            },
            '\'' if !double => {
                self.word();
                for quoted in rest.by_ref().take_while(|next| *next != '\'') {
                    self.push(quoted);
                }
            }
            '"' => {
                frame.double = !double;
                self.word();
            }
            '$' if rest.peek() == Some(&'(') => {
                rest.next();
                self.push('$');
                self.open(')');
            }
            '`' if frame.closes == Some('`') => self.close(),
            '`' => {
                self.push('$');
                self.open('`');
            }
            ')' if !double && frame.closes == Some(')') => self.close(),
            _ if double => self.push(character),
            '#' if frame.word.is_none() => while rest.next_if(|next| *next != '\n').is_some() {},
            '<' | '>' => self.redirect(character, rest),
            '\n' => {
                self.end_command();
                self.skip_documents(rest);
            }
            ';' | '|' | '&' | '(' | ')' => self.end_command(),
            _ if character.is_whitespace() => self.end_word(),
            _ => self.push(character),
        }
    }

    fn redirect(&mut self, character: char, rest: &mut Characters<'_>) {
        if rest.next_if_eq(&'(').is_some() {
            self.push('$');
            self.open(')');
            return;
        }
        if let Some(frame) = self.stack.last_mut() {
            // A number before it names what is redirected.
            let number = |word: &String| word.bytes().all(|byte| byte.is_ascii_digit());
            if frame.word.as_ref().is_some_and(number) {
                frame.word = None;
            }
        }
        self.end_word();
        if rest.next_if_eq(&character).is_some() && character == '<' {
            if rest.next_if_eq(&'<').is_none() {
                self.document(rest);
            }
            return;
        }
        if rest.next_if_eq(&'&').is_some() {
            while rest.next_if(|next| next.is_ascii_digit() || *next == '-').is_some() {}
            return;
        }
        rest.next_if_eq(&'|');
        if let Some(frame) = self.stack.last_mut() {
            frame.redirects = Some(character == '>');
        }
    }

    /// Takes the word that will end a here-document.
    fn document(&mut self, rest: &mut Characters<'_>) {
        rest.next_if_eq(&'-');
        while rest.next_if(|next| *next == ' ').is_some() {}
        let mut end = String::new();
        while let Some(next) =
            rest.next_if(|next| !next.is_whitespace() && !";|&<>()".contains(*next))
        {
            if !['\'', '"', '\\'].contains(&next) {
                end.push(next);
            }
        }
        self.documents.push(end);
    }

    fn skip_documents(&mut self, rest: &mut Characters<'_>) {
        for end in std::mem::take(&mut self.documents) {
            loop {
                let line: String = rest.by_ref().take_while(|next| *next != '\n').collect();
                if line.trim_start_matches('\t') == end || rest.peek().is_none() {
                    break;
                }
            }
        }
    }

    fn word(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.word.get_or_insert_default();
        }
    }

    fn push(&mut self, character: char) {
        if let Some(frame) = self.stack.last_mut() {
            frame.word.get_or_insert_default().push(character);
        }
    }

    fn open(&mut self, closes: char) {
        self.stack.push(Frame { closes: Some(closes), ..Frame::default() });
    }

    fn close(&mut self) {
        if let Some(frame) = self.stack.pop() {
            self.end_of(frame);
        }
    }

    fn end_of(&mut self, mut frame: Frame) {
        self.words += usize::from(frame.word.is_some());
        end_word(&mut frame, &mut self.files);
        self.commands.extend(Some(frame.command).filter(|command| !command.is_empty()));
    }

    fn end_word(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            self.words += usize::from(frame.word.is_some());
            end_word(frame, &mut self.files);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if let Some(frame) = self.stack.last_mut() {
            let command = std::mem::take(&mut frame.command);
            self.commands.extend(Some(command).filter(|command| !command.is_empty()));
        }
    }
}

fn end_word(frame: &mut Frame, files: &mut Vec<File>) {
    let Some(word) = frame.word.take() else { return };
    match frame.redirects.take() {
        Some(written) => files.push(File { path: word, written }),
        None => frame.command.push(word),
    }
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
