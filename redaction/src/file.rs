//! The configuration file: TOML with a table `[redaction]`.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml_edit::{ImDocument, Item};

use crate::keys::Keys;
use crate::{Configuration, Error, Redactor, complaint};

/// Most bytes that a configuration file may have: 10,000 tokens have room.
pub const CONFIGURATION_LIMIT: u64 = 8 << 20;

/// What the file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Content {
    redaction: Configuration,
    /// The collector's own, like everything below; it reads it itself.
    #[serde(rename = "forward")]
    _forward: Option<IgnoredAny>,
    #[serde(rename = "access")]
    _access: Option<IgnoredAny>,
    #[serde(rename = "data")]
    _data: Option<IgnoredAny>,
    #[serde(rename = "archive")]
    _archive: Option<IgnoredAny>,
    #[serde(rename = "listen")]
    _listen: Option<IgnoredAny>,
    #[serde(rename = "limits")]
    _limits: Option<IgnoredAny>,
    #[serde(rename = "journal")]
    _journal: Option<IgnoredAny>,
    #[serde(rename = "commit")]
    _commit: Option<IgnoredAny>,
    #[serde(rename = "maintenance")]
    _maintenance: Option<IgnoredAny>,
    #[serde(rename = "shutdown_timeout_seconds")]
    _shutdown_timeout_seconds: Option<IgnoredAny>,
}

impl Configuration {
    /// Reads a configuration file and tries everything in it, rules on their examples included, so that
    /// it can be used when this returns. A relative key file lies beside the configuration file.
    ///
    /// # Errors
    /// With file and line of what cannot be read or used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(path, &Self::text(path)?)
    }

    /// What stands in a configuration file. One that is too long is refused: the rest of it may be what
    /// keeps somebody out.
    ///
    /// # Errors
    /// With the file that cannot be read, or is longer than [`CONFIGURATION_LIMIT`].
    pub fn text(path: &Path) -> Result<String, Error> {
        let unreadable = |source| Error::ConfigurationUnreadable { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut text = Vec::new();
        file.take(CONFIGURATION_LIMIT + 1).read_to_end(&mut text).map_err(unreadable)?;
        if u64::try_from(text.len()).is_ok_and(|length| length > CONFIGURATION_LIMIT) {
            return Err(Error::ConfigurationTooLong {
                path: path.to_owned(),
                limit: CONFIGURATION_LIMIT,
            });
        }
        let no_text =
            |error| unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error));
        String::from_utf8(text).map_err(|error| no_text(error.utf8_error()))
    }

    /// As [`Configuration::read`], of the text that stands in the file `path`.
    ///
    /// # Errors
    /// With file and line of what cannot be used.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |offset: usize, reason: String| Error::ConfigurationFile {
            path: path.to_owned(),
            line: line(text, offset),
            reason,
        };
        let document = ImDocument::parse(text).map_err(|error| {
            wrong(error.span().map_or(0, |span| span.start), complaint(error.message()))
        })?;
        let read: Result<Content, _> = toml_edit::de::from_str(text);
        let mut configuration = read
            .map_err(|error| {
                wrong(error.span().map_or(0, |span| span.start), complaint(error.message()))
            })?
            .redaction;
        match Redactor::new(&configuration, Keys::ephemeral()?) {
            Ok(_) => {}
            Err(Error::Configuration { field, reason }) => {
                let at = offset(document.as_item(), &field);
                return Err(wrong(at, format!("redaction.{field}: {reason}")));
            }
            Err(other) => return Err(other),
        }
        if let Some(file) = &mut configuration.key_file {
            let folder = path.parent().unwrap_or(Path::new(""));
            *file = folder.join(PathBuf::from(&*file));
        }
        Ok(configuration)
    }
}

/// Line of an offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    memchr::memchr_iter(b'\n', before).count() + 1
}

/// Where `field`, such as `rules[2].matches[0]`, stands; where it does not, what it would stand in.
fn offset(document: &Item, field: &str) -> usize {
    let mut at = document.get("redaction");
    let mut found = at.and_then(Item::span);
    for step in field.split(['.', '[']) {
        at = match step.strip_suffix(']') {
            Some(index) => {
                let index: Option<usize> = index.parse().ok();
                // An element of a list of values is no item; the list is as near as that gets.
                index.zip(at).and_then(|(index, item)| item.get(index))
            }
            None => at.and_then(|item| item.get(step)),
        };
        found = at.and_then(Item::span).or(found);
    }
    found.map_or(0, |span| span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        Configuration::parse(Path::new("/etc/blotter.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_file_and_line() {
        let rule = r#"[redaction]
[[redaction.rules]]
id = "acme"
pattern = '\b(acme_[a-f0-9]{8})\b'
anchors = ["acme_"]
matches = ["acme_01234567"]
rejects = ["acme_89abcdef"]
"#;
        for (text, begins) in [
            ("[redaction]\n\nkey_files = 1\n", "/etc/blotter.toml:3: unknown field `key_files`"),
            ("\n[reduction]\n", "/etc/blotter.toml:2: unknown field `reduction`"),
            ("[redaction]\nkey_file = \n", "/etc/blotter.toml:2: "),
            ("[redaction]\ndisable = [\"none\"]\n", "/etc/blotter.toml:2: redaction.disable[0]: "),
            ("[redaction.classes]\nprompts = \"off\"\n", "/etc/blotter.toml:2: unknown variant"),
            (rule, "/etc/blotter.toml:7: redaction.rules[0].rejects[0]: "),
            (
                "[redaction.allow]\npatterns = [\"lab-.*\"]\nmatches = [\"lab-1\"]\nrejects = [\"lab-2\"]\n",
                "/etc/blotter.toml:4: redaction.allow.rejects[0]: ",
            ),
        ] {
            let refused = refused(text);
            assert!(refused.starts_with(begins), "{refused}");
        }
    }

    #[test]
    fn a_file_that_is_too_long_is_refused_and_not_read_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.toml");
        let rest = usize::try_from(CONFIGURATION_LIMIT).unwrap() - 1;
        std::fs::write(&path, format!("#{}", "x".repeat(rest))).unwrap();
        assert_eq!(Configuration::read(&path).unwrap(), Configuration::default());
        std::fs::write(&path, format!("#{}\n", "x".repeat(rest))).unwrap();
        let refused = Configuration::read(&path).unwrap_err().to_string();
        assert!(refused.contains("long.toml is longer than 8388608 bytes"), "{refused}");
    }

    #[test]
    fn a_relative_key_file_lies_beside_the_configuration() {
        let read = |text| Configuration::parse(Path::new("/etc/blotter.toml"), text).unwrap();
        let beside = read("[redaction]\nkey_file = \"fleet.key\"\n");
        assert_eq!(beside.key_file, Some(PathBuf::from("/etc/fleet.key")));
        let absolute = read("[redaction]\nkey_file = \"/run/fleet.key\"\n");
        assert_eq!(absolute.key_file, Some(PathBuf::from("/run/fleet.key")));
        assert_eq!(read(""), Configuration::default());
    }
}
