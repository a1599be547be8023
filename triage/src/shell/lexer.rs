//! The characters of a script: simple commands with their words, the files of redirections, and how
//! commands are joined, which tells whether one ran.

use super::ran::{Context, List, Position, Ran};
use super::{BEFORE_A_PROGRAM, DEPTH, File, WORDS};

/// Words that begin what is run perhaps, or several times, and those that end it.
const COMPOUND: &[&str] = &["if", "while", "until", "for", "select", "case"];
const COMPOUND_END: &[&str] = &["fi", "done", "esac"];

/// Simple commands and the files around them.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    pub commands: Vec<Simple>,
    /// Files, each with the number of commands that come before its own.
    pub files: Vec<(usize, File)>,
    pub whole: bool,
}

/// A simple command.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub words: Vec<String>,
    /// Whether it ran for certain, if the script ended with exit code 0.
    pub certain: bool,
    /// Whether the script's exit code is 0 only if that of this command is.
    pub decisive: bool,
}

/// The commands of a script, those in substitutions included. `decisive` says whether the exit code that is
/// known is that of this script.
pub(super) fn lex(script: &str, decisive: bool) -> Lexed {
    let mut lexer = Lexer::new();
    let mut characters = script.chars().peekable();
    let mut whole = true;
    while let Some(character) = characters.next() {
        lexer.take(character, &mut characters);
        if lexer.stack.len() + lexer.groups > DEPTH || lexer.words > WORDS {
            whole = false;
            break;
        }
    }
    while let Some(frame) = lexer.stack.pop() {
        lexer.end_of(frame);
    }
    lexer.lexed(whole, decisive)
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// A `{` group that is open.
#[derive(Debug)]
struct Group {
    position: Position,
    compound: usize,
}

/// A script, or a substitution or group in one.
#[derive(Debug, Default)]
struct Frame {
    /// What ends it; nothing ends the script itself.
    closes: Option<char>,
    /// Brackets that are open in an arithmetic expression, in which nothing is run or redirected.
    arithmetic: Option<usize>,
    double: bool,
    /// Whether it is within `[[`, where nothing is redirected.
    test: bool,
    command: Vec<String>,
    word: Option<String>,
    /// Whether the next word is the file of a redirection, and whether output goes to it.
    redirects: Option<bool>,
    position: Position,
    /// Whether a joint waits for its other side, which may stand on the next line.
    joins: bool,
    compound: usize,
    cases: usize,
    /// Whether what follows is the body of a function.
    function: bool,
    groups: Vec<Group>,
}

impl Frame {
    /// Whether a program or a word of the shell may stand here.
    fn begins(&self) -> bool {
        self.command.iter().all(|word| BEFORE_A_PROGRAM.contains(&word.as_str()))
    }

    /// Whether a bracket that closes ends a pattern of `case`.
    fn in_case(&self) -> bool {
        self.cases > usize::from(self.begins() && self.word.as_deref() == Some("esac"))
    }

    fn here(&self) -> Position {
        let perhaps = self.position.perhaps || self.compound > 0;
        Position { perhaps, ..self.position }
    }
}

#[derive(Debug, Default)]
struct Lexer {
    stack: Vec<Frame>,
    commands: Vec<(Position, Vec<String>)>,
    files: Vec<(usize, Position, File)>,
    lists: Vec<List>,
    contexts: Vec<Context>,
    /// Ends of here-documents that begin with the next line.
    documents: Vec<String>,
    words: usize,
    groups: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
    Pipe,
    Sequence,
    Background,
}

impl Lexer {
    fn new() -> Self {
        Self {
            stack: vec![Frame::default()],
            lists: vec![List::default()],
            contexts: vec![Context::default()],
            ..Self::default()
        }
    }

    fn take(&mut self, character: char, rest: &mut Characters<'_>) {
        let Some(frame) = self.stack.last_mut() else { return };
        let double = frame.double;
        let within_test = frame.test && !double && frame.word.as_deref() != Some("]]");
        match character {
            '\\' => match rest.next() {
                Some('\n') | None => {}
                Some(escaped) => {
                    self.literal(Some(&escaped));
                    self.push(escaped);
                }
            },
            '$' if rest.peek() == Some(&'(') => {
                rest.next();
                self.push('$');
                if is_arithmetic(rest) {
                    rest.next();
                    self.open_arithmetic();
                } else {
                    self.open(')', true);
                }
            }
            '`' if frame.closes == Some('`') => self.close(),
            '`' => {
                self.push('$');
                self.open('`', true);
            }
            _ if frame.arithmetic.is_some() => self.arithmetic(character, rest),
            '\'' if !double => {
                self.literal(rest.peek());
                self.word();
                for quoted in rest.by_ref().take_while(|next| *next != '\'') {
                    self.push(quoted);
                }
            }
            '"' => {
                frame.double = !double;
                if !double {
                    self.literal(rest.peek());
                }
                self.word();
            }
            _ if within_test && "<>()&|".contains(character) => self.push(character),
            ')' if !double && frame.closes == Some(')') && !frame.in_case() => self.close(),
            _ if double => self.push(character),
            '#' if frame.word.is_none() => while rest.next_if(|next| *next != '\n').is_some() {},
            '<' | '>' => self.redirect(character, rest),
            '&' if rest.peek() == Some(&'>') => {
                rest.next();
                self.redirect('>', rest);
            }
            '\n' => {
                self.join(Joint::Sequence, true);
                self.skip_documents(rest);
            }
            '&' if rest.next_if_eq(&'&').is_some() => self.join(Joint::And, false),
            '&' => self.join(Joint::Background, false),
            '|' if rest.next_if_eq(&'|').is_some() => self.join(Joint::Or, false),
            '|' => {
                rest.next_if_eq(&'&');
                self.join(Joint::Pipe, false);
            }
            ';' => self.join(Joint::Sequence, false),
            '(' => self.bracket(rest),
            ')' => self.end_command(),
            _ if character.is_whitespace() => self.end_word(),
            _ => self.push(character),
        }
    }

    /// A bracket outside of a word's quotes: an expression, a function, or a group.
    fn bracket(&mut self, rest: &mut Characters<'_>) {
        let Some(frame) = self.stack.last_mut() else { return };
        if frame.word.is_none() && frame.begins() && is_arithmetic(rest) {
            rest.next();
            self.open_arithmetic();
            return;
        }
        let named = frame.word.is_some() || frame.command.len() == 1;
        if named && rest.next_if_eq(&')').is_some() {
            self.end_command();
            if let Some(frame) = self.stack.last_mut() {
                frame.function = true;
            }
            return;
        }
        self.end_command();
        self.open(')', false);
    }

    fn arithmetic(&mut self, character: char, rest: &mut Characters<'_>) {
        let Some(frame) = self.stack.last_mut() else { return };
        let depth = frame.arithmetic.unwrap_or_default();
        match character {
            '(' => frame.arithmetic = Some(depth + 1),
            ')' if depth > 0 => frame.arithmetic = Some(depth - 1),
            ')' => {
                rest.next_if_eq(&')');
                self.close();
            }
            _ => {}
        }
    }

    fn redirect(&mut self, character: char, rest: &mut Characters<'_>) {
        if rest.next_if_eq(&'(').is_some() {
            self.push('$');
            self.open(')', true);
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
        // Of another stream, unless a file is named.
        if rest.next_if_eq(&'&').is_some()
            && rest.peek().is_some_and(|next| next.is_ascii_digit() || *next == '-')
        {
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

    /// A `~` that is quoted at the start of a word is the name of a file here.
    fn literal(&mut self, next: Option<&char>) {
        let starts = self.stack.last().is_some_and(|frame| frame.word.is_none());
        if starts && next == Some(&'~') {
            self.push('.');
            self.push('/');
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

    /// A context in the place of the command at hand, and its first list.
    fn context(&mut self, around: Position, substitution: bool) -> Position {
        self.use_list(around);
        let list = self.lists.len();
        let context = self.contexts.len();
        self.contexts.push(Context { around: Some(around), substitution, last: list });
        self.lists.push(List { context, ..List::default() });
        Position { list, ..Position::default() }
    }

    fn open(&mut self, closes: char, substitution: bool) {
        let Some(frame) = self.stack.last_mut() else { return };
        let mut around = frame.here();
        if !substitution {
            around.perhaps |= std::mem::take(&mut frame.function);
            frame.joins = false;
        }
        let position = self.context(around, substitution);
        self.stack.push(Frame { closes: Some(closes), position, ..Frame::default() });
    }

    fn open_arithmetic(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        frame.joins = false;
        let position = frame.here();
        self.stack.push(Frame { arithmetic: Some(0), position, ..Frame::default() });
    }

    fn close(&mut self) {
        if let Some(frame) = self.stack.pop() {
            self.end_of(frame);
        }
    }

    fn end_of(&mut self, frame: Frame) {
        if frame.arithmetic.is_some() {
            return;
        }
        self.groups = self.groups.saturating_sub(frame.groups.len());
        self.stack.push(frame);
        self.end_command();
        self.stack.pop();
    }

    fn end_word(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        let Some(word) = frame.word.take() else { return };
        self.words += 1;
        if let Some(written) = frame.redirects.take() {
            let at = frame.here();
            frame.joins = false;
            let file = File { path: word, written, certain: false };
            self.files.push((self.commands.len(), at, file));
            self.use_list(at);
            return;
        }
        if frame.begins() {
            match word.as_str() {
                "{" => {
                    self.open_group();
                    return;
                }
                "}" => {
                    self.close_group();
                    return;
                }
                "[[" => frame.test = true,
                word if COMPOUND.contains(&word) => {
                    frame.compound += 1;
                    frame.cases += usize::from(word == "case");
                }
                word if COMPOUND_END.contains(&word) => {
                    frame.compound = frame.compound.saturating_sub(1);
                    frame.cases = frame.cases.saturating_sub(usize::from(word == "esac"));
                }
                _ => {}
            }
        } else if word == "]]" {
            frame.test = false;
        } else if word == "{" && frame.command.first().is_some_and(|first| first == "function") {
            frame.command.clear();
            frame.function = true;
            self.open_group();
            return;
        }
        frame.command.push(word);
    }

    fn open_group(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        let function = std::mem::take(&mut frame.function);
        frame.command.clear();
        frame.joins = false;
        let mut around = frame.here();
        around.perhaps |= function;
        let position = self.context(around, false);
        self.groups += 1;
        if let Some(frame) = self.stack.last_mut() {
            let outside = std::mem::replace(&mut frame.position, position);
            let compound = std::mem::take(&mut frame.compound);
            frame.groups.push(Group { position: outside, compound });
        }
    }

    fn close_group(&mut self) {
        let Some(frame) = self.stack.last_mut() else { return };
        let Some(group) = frame.groups.pop() else { return };
        frame.position = group.position;
        frame.compound = group.compound;
        self.groups = self.groups.saturating_sub(1);
    }

    fn end_command(&mut self) {
        self.end_word();
        let Some(frame) = self.stack.last_mut() else { return };
        frame.test = false;
        let command = std::mem::take(&mut frame.command);
        if command.is_empty() {
            return;
        }
        frame.joins = false;
        let at = frame.here();
        self.commands.push((at, command));
        self.use_list(at);
    }

    fn use_list(&mut self, at: Position) {
        let context = self.lists.get(at.list).map(|list| list.context);
        if let Some(context) = context.and_then(|context| self.contexts.get_mut(context)) {
            context.last = context.last.max(at.list);
        }
    }

    fn join(&mut self, joint: Joint, line: bool) {
        self.end_command();
        let Some(frame) = self.stack.last_mut() else { return };
        // The other side of a joint may stand on the next line.
        if line && frame.joins {
            return;
        }
        let Some(list) = self.lists.get_mut(frame.position.list) else { return };
        list.either |= joint == Joint::Or;
        list.piped |= joint == Joint::Pipe;
        list.background |= joint == Joint::Background;
        frame.joins = matches!(joint, Joint::And | Joint::Or | Joint::Pipe);
        frame.position.joined |= matches!(joint, Joint::And | Joint::Or);
        if !frame.joins {
            let context = list.context;
            frame.position.list = self.lists.len();
            frame.position.joined = false;
            self.lists.push(List { context, ..List::default() });
        }
    }

    fn lexed(self, whole: bool, decisive: bool) -> Lexed {
        let ran = Ran { lists: &self.lists, contexts: &self.contexts, decisive };
        let files = self.files.into_iter().map(|(order, at, file)| {
            let certain = ran.certain(at);
            (order, File { certain, ..file })
        });
        let files = files.collect();
        let commands = self.commands.into_iter().map(|(at, words)| Simple {
            words,
            certain: ran.certain(at),
            decisive: ran.alone(at),
        });
        Lexed { commands: commands.collect(), files, whole }
    }
}

/// Whether an arithmetic expression begins with the bracket that comes next, after another one.
fn is_arithmetic(rest: &Characters<'_>) -> bool {
    let mut rest = rest.clone();
    if rest.peek() != Some(&'(') {
        return false;
    }
    let mut depth = 1_usize;
    while let Some(character) = rest.next() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 1 {
            return rest.peek() == Some(&')');
        }
    }
    false
}
