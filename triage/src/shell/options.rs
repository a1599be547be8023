//! Options on a command line, as getopt reads them.

/// The options of a program that take a value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Those of one letter.
    pub short: &'static str,
    /// Those of more; they may be shortened.
    pub long: &'static [&'static str],
}

/// An option that is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given<'a> {
    /// Its name without dashes; of several letters in one word, the first that takes a value.
    pub name: &'a str,
    /// Its value.
    pub value: Value<'a>,
}

/// The value of an option.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// It takes none.
    None,
    /// In the same word.
    Attached(&'a str),
    /// The next word.
    Next,
}

/// A word of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    /// An option with its value.
    Option(&'a str, Option<&'a str>),
    /// Anything else.
    Operand(&'a str),
}

impl Options {
    /// Reads a word that begins with a dash.
    pub(crate) fn read<'a>(&self, word: &'a str) -> Given<'a> {
        let name = word.trim_start_matches('-');
        if let Some(long) = word.strip_prefix("--") {
            if let Some((name, value)) = long.split_once('=') {
                return Given { name: self.whole(name), value: Value::Attached(value) };
            }
            let name = self.whole(long);
            let value = if self.long.contains(&name) { Value::Next } else { Value::None };
            return Given { name, value };
        }
        // Some programs take long options with one dash.
        if self.long.contains(&name) {
            return Given { name, value: Value::Next };
        }
        let found = name.char_indices().find(|(_, letter)| self.short.contains(*letter));
        let Some((at, letter)) = found else { return Given { name, value: Value::None } };
        let rest = name.get(at..).unwrap_or_default();
        let (name, value) = rest.split_at(letter.len_utf8());
        let value = if value.is_empty() { Value::Next } else { Value::Attached(value) };
        Given { name, value }
    }

    /// Takes the words after a program apart.
    pub(crate) fn words<'a>(&self, words: &'a [String]) -> Vec<Word<'a>> {
        let mut words = words.iter().map(String::as_str);
        let mut found = Vec::new();
        while let Some(word) = words.next() {
            if word == "--" {
                found.extend(words.by_ref().map(Word::Operand));
            } else if word.starts_with('-') && word != "-" {
                let Given { name, value } = self.read(word);
                let value = match value {
                    Value::None => None,
                    Value::Attached(value) => Some(value),
                    Value::Next => words.next(),
                };
                found.push(Word::Option(name, value));
            } else {
                found.push(Word::Operand(word));
            }
        }
        found
    }

    /// The name that a shortened one stands for.
    fn whole<'a>(&self, name: &'a str) -> &'a str {
        let whole = self.long.iter().find(|long| !name.is_empty() && long.starts_with(name));
        whole.copied().unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_takes_its_value_from_its_word_or_from_the_next() {
        let options = Options { short: "tS", long: &["target-directory", "len"] };
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
        for (line, expected) in [
            ("-t /b", Word::Option("t", Some("/b"))),
            ("-t/b", Word::Option("t", Some("/b"))),
            ("-rft /b", Word::Option("t", Some("/b"))),
            ("--target-directory /b", Word::Option("target-directory", Some("/b"))),
            ("--target=/b", Word::Option("target-directory", Some("/b"))),
            ("-len 5", Word::Option("len", Some("5"))),
            ("-t", Word::Option("t", None)),
        ] {
            let mut more = words(line);
            more.extend(words("a -- -b"));
            let read = options.words(if line == "-t" { more.get(..1).unwrap() } else { &more });
            assert_eq!(read.first(), Some(&expected), "{line}");
            if line != "-t" {
                assert_eq!(read.get(1..), Some(&[Word::Operand("a"), Word::Operand("-b")][..]));
            }
        }
        assert_eq!(options.words(&words("-rf -")), [Word::Option("rf", None), Word::Operand("-")]);
    }
}
