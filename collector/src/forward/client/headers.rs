//! The headers of every request to a destination.

use std::path::{Path, PathBuf};

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::forward::destination::{Destination, Headers};

/// Largest file of headers, in bytes.
const FILE_LIMIT: u64 = 64 << 10;
/// Values shorter than this are not looked for in what a destination says.
const TELLING: usize = 4;

/// Headers from the configuration, and from the file that it names.
#[derive(Debug, Clone)]
pub(super) struct AllHeaders {
    fixed: Headers,
    file: Option<PathBuf>,
}

impl AllHeaders {
    pub(super) fn of(destination: &Destination) -> Self {
        Self { fixed: destination.headers.clone(), file: destination.headers_file.clone() }
    }

    /// All of them; where both have one of a name, that of the file counts.
    pub(super) fn read(&self) -> Result<HeaderMap, String> {
        let mut all = HeaderMap::new();
        let from_file = self.file.as_deref().map(read_file).transpose()?.unwrap_or_default();
        for (name, value) in self.fixed.0.iter().chain(&from_file.0) {
            let name = HeaderName::try_from(name.as_str()).map_err(|error| error.to_string())?;
            let mut value =
                HeaderValue::try_from(value.as_str()).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            all.insert(name, value);
        }
        Ok(all)
    }
}

fn read_file(path: &Path) -> Result<Headers, String> {
    use std::io::Read as _;
    let wrong = |reason: String| format!("{}: {reason}", path.display());
    let file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    let mut limited = file.take(FILE_LIMIT);
    limited.read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?;
    let headers = parse(&text).map_err(|(line, reason)| wrong(format!("line {line}: {reason}")))?;
    headers.check().map_err(wrong)?;
    Ok(headers)
}

/// One `name: value` a line; empty lines and those that begin with `#` say nothing.
fn parse(text: &str) -> Result<Headers, (usize, &'static str)> {
    let mut headers = Headers::default();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err((at + 1, "is no `name: value`"));
        };
        headers.0.insert(name.trim().to_lowercase(), value.trim().to_owned());
    }
    Ok(headers)
}

/// What a destination said, without what we sent it in our headers: some quote credentials.
pub(super) fn without_values(message: &str, headers: &HeaderMap) -> String {
    let mut message = message.to_owned();
    for value in headers.values().filter_map(|value| value.to_str().ok()) {
        // `Bearer secret`: the words by themselves, too.
        for part in std::iter::once(value).chain(value.split_ascii_whitespace()) {
            if part.len() >= TELLING && !matches!(part, "Basic" | "Bearer") {
                message = message.replace(part, "[header]");
            }
        }
    }
    message
}

/// What a destination said, without these keys of its own URLs: some quote what they were asked for.
pub(super) fn without_queries(mut message: String, queries: &[String]) -> String {
    for query in queries {
        let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, it)| it);
        for part in std::iter::once(query.as_str()).chain(values) {
            if part.len() >= TELLING {
                message = message.replace(part, "[query]");
            }
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fixed: &str, file: Option<&Path>) -> AllHeaders {
        let fixed = toml_edit::de::from_str(fixed).unwrap();
        AllHeaders { fixed, file: file.map(Path::to_owned) }
    }

    #[test]
    fn those_of_the_file_are_read_anew_and_count_before_the_fixed_ones() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        let all = headers("a = \"1\"\nb = \"2\"", Some(&file));
        assert!(all.read().unwrap_err().contains("headers"));
        std::fs::write(&file, "# comment\n\nB: 3\nc:  a: b \n").unwrap();
        let read = all.read().unwrap();
        let value = |name: &str| read.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!([value("a"), value("b"), value("c")], ["1", "3", "a: b"]);
        std::fs::write(&file, "b: 4\n").unwrap();
        assert_eq!(all.read().unwrap().get("b").unwrap(), "4");
    }

    #[test]
    fn a_file_that_is_none_of_headers_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headers");
        let refused = |text: &str| {
            std::fs::write(&file, text).unwrap();
            headers("", Some(&file)).read().unwrap_err()
        };
        assert!(refused("a: 1\nsecret").contains("line 2"));
        assert!(!refused("a: 1\nsecret").contains("secret"));
        assert!(refused("host: else").contains("set by the protocol"));
    }

    #[test]
    fn credentials_that_a_destination_quotes_are_taken_out() {
        let all = headers("authorization = \"Bearer s3cr3t-token\"\nshort = \"a\"", None);
        let said =
            without_values("bad token s3cr3t-token in Bearer s3cr3t-token", &all.read().unwrap());
        assert_eq!(said, "bad token [header] in [header]");
    }
}
