//! The configuration file.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use blotter_redaction::Configuration;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml_edit::ImDocument;

use crate::access::{AccessConfig, Unusable};
use crate::forward::Destination;
use crate::{Error, Limits};

/// Largest file that is read, in bytes.
const LIMIT: u64 = 1 << 20;
/// How alike a key and a known one must be for the one to be named where the other stands.
const ALIKE: f64 = 0.7;

/// What a configuration file says.
#[derive(Debug, Clone, Default)]
pub struct ConfigFile {
    /// The table `[redaction]`.
    pub redaction: Configuration,
    /// The tables `[[forward]]`.
    pub forward: Vec<Destination>,
    /// The table `[access]`.
    pub access: AccessConfig,
    /// The table `[limits]`.
    pub limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Content {
    #[serde(rename = "redaction")]
    _redaction: Option<IgnoredAny>,
    forward: Vec<Destination>,
    access: AccessConfig,
    limits: Limits,
}

impl ConfigFile {
    /// Reads a configuration file and tries what can be tried without connecting to anybody. Relative
    /// paths in it are beside it.
    ///
    /// # Errors
    /// With file and line of what cannot be read or used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let redaction = Configuration::read(path)?;
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(LIMIT).read_to_string(&mut text))
            .map_err(Error::file("read", path))?;
        let Content { forward, access, limits, .. } = content(path, &text)?;
        Ok(Self { redaction, forward, access, limits })
    }
}

fn content(path: &Path, text: &str) -> Result<Content, Error> {
    let wrong = |offset: usize, reason: String| Error::Configuration {
        path: path.to_owned(),
        line: line(text, offset),
        reason,
    };
    let read: Result<Content, _> = toml_edit::de::from_str(text);
    let mut content = read.map_err(|error| {
        let message = with_nearest(error.message());
        wrong(error.span().map_or(0, |span| span.start), message)
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Err(unusable) = content.access.check() {
        let place = access_place(text, &unusable).map_or(0, |span| span.start);
        return Err(wrong(place, unusable.to_string()));
    }
    content.access.resolve(folder);
    if let Err((field, reason)) = content.limits.check() {
        let document = ImDocument::parse(text).ok();
        let item = document.as_ref().and_then(|document| document.get("limits"));
        let field_item = item.and_then(|item| item.get(field));
        let place = field_item.or(item).and_then(toml_edit::Item::span);
        let offset = place.map_or(0, |span| span.start);
        return Err(wrong(offset, format!("limits.{field}: {reason}")));
    }
    let destinations = &mut content.forward;
    for (at, destination) in destinations.iter_mut().enumerate() {
        if let Err(unusable) = destination.check() {
            let place = place(text, at, unusable.field).map_or(0, |span| span.start);
            return Err(wrong(
                place,
                format!("forward[{at}].{}: {}", unusable.field, unusable.reason),
            ));
        }
        destination.resolve(folder);
    }
    let named = |at: usize| destinations.get(at).map(|it| &it.name);
    for at in 0..destinations.len() {
        if (0..at).any(|before| named(before) == named(at)) {
            let place = place(text, at, "name").map_or(0, |span| span.start);
            return Err(wrong(place, format!("forward[{at}].name: there are two of this name")));
        }
    }
    Ok(content)
}

/// Where a setting of access stands, or else what it would stand in.
fn access_place(text: &str, unusable: &Unusable) -> Option<Range<usize>> {
    let document = ImDocument::parse(text).ok()?;
    let mut item = document.get("access")?;
    if let Some((table, at)) = unusable.table {
        item = item.get(table)?;
        item = at.map_or(Some(item), |at| item.get(at))?;
    }
    item.get(unusable.field).and_then(toml_edit::Item::span).or_else(|| item.span())
}

/// Where a field of the destination `at` stands, or else the destination.
fn place(text: &str, at: usize, field: &str) -> Option<Range<usize>> {
    let document = ImDocument::parse(text).ok()?;
    let destination = document.get("forward")?.get(at)?;
    destination.get(field).and_then(toml_edit::Item::span).or_else(|| destination.span())
}

/// A message of the parser, with the known key that is most like an unknown one.
fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let nearest = message.contains("unknown field").then(|| {
        let unknown = quoted.next()?;
        let alike = |known: &&str| strsim::jaro_winkler(unknown, known);
        let nearest = quoted.max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
        (alike(&nearest) >= ALIKE).then_some(nearest)
    });
    match nearest.flatten() {
        Some(nearest) => format!("{message}; did you mean `{nearest}`?"),
        None => message.to_owned(),
    }
}

/// Line of an offset, from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        content(Path::new("/etc/blotter.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_line_and_what_may_have_been_meant() {
        let first = "[[forward]]\nname = \"a\"\nendpoint = \"http://a\"\n";
        for (more, begins, ends) in [
            (
                "compresion = \"gzip\"",
                "/etc/blotter.toml:4: unknown field",
                "did you mean `compression`?",
            ),
            (
                "batch = { record = 3 }",
                "/etc/blotter.toml:4: unknown field",
                "did you mean `records`?",
            ),
            ("xyz = 1", "/etc/blotter.toml:4: unknown field `xyz`", "`when_spent`"),
            ("protocol = \"udp\"", "/etc/blotter.toml:4: unknown variant", "`http/json`"),
            ("\nsignals = []", "/etc/blotter.toml:5: forward[0].signals: ", "for all"),
            (
                "[[forward]]\nname = \"a\"\nendpoint = \"http://b\"",
                "/etc/blotter.toml:5: forward[1].name",
                "two of this name",
            ),
            ("[[forward]]\nname = \"b\"", "/etc/blotter.toml:4: missing field `endpoint`", ""),
            ("[acess]", "/etc/blotter.toml:4: unknown field", "did you mean `access`?"),
            (
                "[limits]\nrequest_byte = 1",
                "/etc/blotter.toml:5: ",
                "did you mean `request_bytes`?",
            ),
            (
                "[limits]\n\nrequest_bytes = 0",
                "/etc/blotter.toml:6: limits.request_bytes: must",
                "",
            ),
            ("[limits]\nrequest_time_seconds = 0", "/etc/blotter.toml:5: must be", "a year"),
            ("[access]\ninsecur = true", "/etc/blotter.toml:5: ", "did you mean `insecure`?"),
            ("[access.tls]\nkey = 1", "/etc/blotter.toml:5: ", "did you mean `key_file`?"),
            (
                "[[access.tokens]]\nname = \"a\"\nhash = \"x\"",
                "/etc/blotter.toml:6: access.tokens[0].hash: must be",
                "makes both",
            ),
            (
                "[[access.tokens]]\nname = \"a\"\nhash = \"x\"\nscopes = [\"write\"]",
                "/etc/blotter.toml:7: unknown variant",
                "",
            ),
            ("[forwards]", "/etc/blotter.toml:4: unknown field", "did you mean `forward`?"),
        ] {
            let refused = refused(&format!("{first}{more}\n"));
            assert!(refused.starts_with(begins) && refused.trim_end().ends_with(ends), "{refused}");
        }
    }

    #[test]
    fn access_and_limits_are_read_and_the_limits_are_written_as_they_are_read() {
        let text = "[access.tls]\ncertificate_file = \"c\"\nkey_file = \"/k\"\n\
                    [limits]\nrequest_bytes = 1000\nrequest_time_seconds = 1.5\n";
        let read = content(Path::new("/etc/blotter.toml"), text).unwrap();
        let tls = read.access.tls.unwrap();
        assert_eq!(tls.certificate_file, Path::new("/etc/c"));
        assert_eq!(tls.key_file, Path::new("/k"));
        assert_eq!(read.limits.request_bytes, 1000);
        assert_eq!(read.limits.request_time, std::time::Duration::from_millis(1500));
        let written = toml_edit::ser::to_string(&read.limits).unwrap();
        assert_eq!(toml_edit::de::from_str::<Limits>(&written).unwrap(), read.limits);
    }

    #[test]
    fn relative_files_lie_beside_the_configuration() {
        let text = "[[forward]]\nname = \"a\"\nendpoint = \"http://a\"\nheaders_file = \"h\"\n\
                    tls = { ca_file = \"/ca\", certificate_file = \"c\", key_file = \"k\" }\n";
        let read = content(Path::new("/etc/blotter.toml"), text).unwrap().forward;
        let Some([destination]) = read.get(..) else { panic!("one destination") };
        assert_eq!(destination.headers_file.as_deref(), Some(Path::new("/etc/h")));
        assert_eq!(destination.tls.ca_file.as_deref(), Some(Path::new("/ca")));
        assert_eq!(destination.tls.key_file.as_deref(), Some(Path::new("/etc/k")));
    }
}
