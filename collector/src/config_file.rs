//! The configuration file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use blotter_archive::Location;
use blotter_redaction::{Configuration, Error as RedactionError, complaint};
use serde::Deserialize;

use crate::access::AccessConfig;
use crate::config::{
    CommitConfig, Config, JournalConfig, Limits, Listen, MaintenanceConfig, Seconds,
};
use crate::config_lines::{Lines, access_place, key_at, line, place};
use crate::forward::Destination;
use crate::{DEFAULT_DATA, Error};

/// Room that a request takes beside its bytes as sent and decompressed: the buffers of decompression.
const REQUEST_BUFFERS: usize = 256 << 10;

/// What a configuration file says.
#[derive(Debug, Clone, Default)]
pub struct ConfigFile {
    /// The file.
    path: PathBuf,
    /// What stands in it.
    text: String,
    /// `data`, beside the file where it is relative.
    pub data: Option<PathBuf>,
    /// `archive`: a URL, or a folder, beside the file where it is relative.
    pub archive: Option<String>,
    /// The table `[listen]`.
    pub listen: Listen,
    /// The table `[limits]`.
    pub limits: Limits,
    /// The table `[journal]`.
    pub journal: JournalConfig,
    /// The table `[commit]`.
    pub commit: CommitConfig,
    /// The table `[maintenance]`.
    pub maintenance: MaintenanceConfig,
    /// `shutdown_timeout_seconds`.
    pub shutdown_timeout: Option<Duration>,
    /// The table `[redaction]`.
    pub redaction: Configuration,
    /// The tables `[[forward]]`.
    pub forward: Vec<Destination>,
    /// The table `[access]`.
    pub access: AccessConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Content {
    data: Option<PathBuf>,
    archive: Option<String>,
    listen: Listen,
    limits: Limits,
    journal: JournalConfig,
    commit: CommitConfig,
    maintenance: MaintenanceConfig,
    shutdown_timeout_seconds: Option<Seconds>,
    /// Taken from where its rules are tried on their examples, too; read here for the nearest key.
    #[serde(rename = "redaction")]
    _redaction: Configuration,
    forward: Vec<Destination>,
    access: AccessConfig,
}

impl ConfigFile {
    /// Reads a configuration file and tries what can be tried without connecting to anybody. Relative
    /// paths in it are beside it.
    ///
    /// # Errors
    /// With file and line of what cannot be read or used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = Configuration::text(path).map_err(|error| match error {
            RedactionError::ConfigurationUnreadable { path, source } => {
                Error::File { action: "read", path, source }
            }
            RedactionError::ConfigurationTooLong { path, limit } => {
                let reason =
                    format!("the file is longer than {limit} bytes, the most that is read");
                Error::Configuration { path, line: 1, reason }
            }
            other => other.into(),
        })?;
        let mut read = Self::parse(path, &text)?;
        read.redaction = Configuration::parse(path, &text)?;
        Ok(read)
    }

    /// The configuration that the file makes, in the folder `data` instead of its own where one is given.
    ///
    /// # Errors
    /// [`Error::Archive`] when the archive is no place for one.
    pub fn config(&self, data: Option<PathBuf>) -> Result<Config, Error> {
        let data = data.or_else(|| self.data.clone());
        let mut config = Config::new(data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA)))?;
        if let Some(archive) = &self.archive {
            config.archive =
                Location::parse(archive).map_err(|error| Error::archive(archive, error))?;
        }
        config.grpc = self.listen.grpc.unwrap_or(config.grpc);
        config.http = self.listen.http.unwrap_or(config.http);
        config.unix.clone_from(&self.listen.unix);
        config.access = self.access.clone();
        config.limits = self.limits.clone();
        config.journal = self.journal.clone();
        config.commit = self.commit.clone();
        config.maintenance = self.maintenance.clone();
        config.shutdown_timeout = self.shutdown_timeout.unwrap_or(config.shutdown_timeout);
        config.redaction = self.redaction.clone();
        config.forward.clone_from(&self.forward);
        config.file = Some(self.path.clone()).filter(|path| !path.as_os_str().is_empty());
        Ok(config)
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lines on which keys and elements stand, by their path.
    pub(crate) fn lines(&self) -> Option<Lines<'_>> {
        Lines::of(&self.text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let wrong = |offset: usize, reason: String| Error::Configuration {
            path: path.to_owned(),
            line: line(text, offset),
            reason,
        };
        let read: Result<Content, _> = toml_edit::de::from_str(text);
        let read = read.map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let said = complaint(error.message());
            // A complaint about a name holds the name.
            let key = if said.contains(" field") { None } else { key_at(text, at) };
            wrong(at, key.map_or(said.clone(), |key| format!("{key}: {said}")))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut access = read.access;
        if let Err(unusable) = access.check() {
            let place = access_place(text, &unusable).map_or(0, |span| span.start);
            return Err(wrong(place, unusable.to_string()));
        }
        access.resolve(folder);
        let file = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            data: read.data.map(|data| folder.join(data)),
            archive: read.archive.map(|archive| beside(folder, archive)),
            listen: Listen { unix: read.listen.unix.map(|unix| folder.join(unix)), ..read.listen },
            limits: read.limits,
            journal: read.journal,
            commit: read.commit,
            maintenance: read.maintenance,
            shutdown_timeout: read.shutdown_timeout_seconds.map(|Seconds(it)| it),
            redaction: Configuration::default(),
            forward: destinations(path, text, read.forward)?,
            access,
        };
        if let Some((table, key, reason)) = file.unusable() {
            let at = file.lines().and_then(|lines| lines.line(&[table, key])).unwrap_or(1);
            let reason = format!("{table}.{key}: {reason}");
            return Err(Error::Configuration { path: path.to_owned(), line: at, reason });
        }
        Ok(file)
    }

    /// What no collector can work with: the table, the key, and why.
    fn unusable(&self) -> Option<(&'static str, &'static str, String)> {
        let Self { limits, journal, commit, maintenance, .. } = self;
        if let Err((key, reason)) = limits.check() {
            return Some(("limits", key, reason));
        }
        let rules = [
            (
                limits.bytes_in_flight
                    < limits.request_bytes.saturating_mul(2).saturating_add(REQUEST_BUFFERS),
                "limits",
                "bytes_in_flight",
                "must have room for one request as sent and again decompressed: at least twice \
                 limits.request_bytes and 262144",
            ),
            (journal.segment_bytes < 1 << 16, "journal", "segment_bytes", "must be at least 65536"),
            (
                journal.max_bytes < journal.segment_bytes.saturating_mul(2),
                "journal",
                "max_bytes",
                "must have room for two segments (journal.segment_bytes)",
            ),
            (journal.group_bytes == 0, "journal", "group_bytes", "must be at least 1"),
            (commit.rows == 0, "commit", "rows", "must be at least 1"),
            (commit.bytes == 0, "commit", "bytes", "must be at least 1"),
            (commit.max_backoff.is_zero(), "commit", "max_backoff_seconds", "must be more than 0"),
            (
                maintenance.interval.is_zero(),
                "maintenance",
                "interval_seconds",
                "must be more than 0",
            ),
            (maintenance.least_files < 2, "maintenance", "least_files", "must be at least 2"),
            (
                maintenance.keep_days.is_some_and(|days| days > 36_500),
                "maintenance",
                "keep_days",
                "must be at most 36500",
            ),
        ];
        let found = rules.into_iter().find(|rule| rule.0);
        found.map(|(_, table, key, reason)| (table, key, reason.to_owned()))
    }
}

/// A path beside the configuration file, or a URL as it is.
fn beside(folder: &Path, archive: String) -> String {
    match archive.contains("://") {
        true => archive,
        false => folder.join(archive).to_string_lossy().into_owned(),
    }
}

fn destinations(
    path: &Path,
    text: &str,
    mut destinations: Vec<Destination>,
) -> Result<Vec<Destination>, Error> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let wrong = |offset: usize, reason: String| Error::Configuration {
        path: path.to_owned(),
        line: line(text, offset),
        reason,
    };
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
    Ok(destinations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        ConfigFile::parse(Path::new("/etc/blotter.toml"), text).unwrap_err().to_string()
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
            (
                "protocol = \"udp\"",
                "/etc/blotter.toml:4: forward[0].protocol: unknown variant, expected",
                "`http/json`",
            ),
            (
                "compression = \"gzi\"",
                "/etc/blotter.toml:4: forward[0].compression: ",
                "did you mean `gzip`?",
            ),
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
            ("[limits]\nrequest_time_seconds = 0", "/etc/blotter.toml:5: limits.", "a year"),
            ("[access]\ninsecur = true", "/etc/blotter.toml:5: ", "did you mean `insecure`?"),
            ("[access.tls]\nkey = 1", "/etc/blotter.toml:5: ", "did you mean `key_file`?"),
            (
                "[[access.tokens]]\nname = \"a\"\nhash = \"x\"",
                "/etc/blotter.toml:6: access.tokens[0].hash: must be",
                "makes both",
            ),
            (
                "[[access.tokens]]\nname = \"a\"\nhash = \"x\"\nscopes = [\"write\"]",
                "/etc/blotter.toml:7: access.tokens[0].scopes: unknown variant",
                "",
            ),
            ("[forwards]", "/etc/blotter.toml:4: unknown field", "did you mean `forward`?"),
            ("[comit]", "/etc/blotter.toml:4: unknown field", "did you mean `commit`?"),
            (
                "[journal]\nsegment_byte = 1",
                "/etc/blotter.toml:5: unknown field",
                "did you mean `segment_bytes`?",
            ),
            (
                "[commit]\nquiet = 1",
                "/etc/blotter.toml:5: unknown field",
                "did you mean `quiet_seconds`?",
            ),
            (
                "[maintenance]\nkeep_day = 1",
                "/etc/blotter.toml:5: unknown field",
                "did you mean `keep_days`?",
            ),
            ("[listen]\nhtpp = \"\"", "/etc/blotter.toml:5: unknown field", "did you mean `http`?"),
            ("[listen]\nhttp = \"here\"", "/etc/blotter.toml:5: ", "socket address syntax"),
            (
                "[redaction]\nkey_fil = \"\"",
                "/etc/blotter.toml:5: unknown field",
                "did you mean `key_file`?",
            ),
            (
                "[commit]\nquiet_seconds = -1",
                "/etc/blotter.toml:5: commit.quiet_seconds: -1 is",
                "seconds up to 315360000",
            ),
            (
                "timeout_seconds = 601",
                "/etc/blotter.toml:4: forward[0].timeout_seconds: ",
                "to 600",
            ),
            ("budget_bytes = 0", "/etc/blotter.toml:4: forward[0].budget_bytes: ", ""),
            (
                "batch = { delay_milliseconds = 600001 }",
                "/etc/blotter.toml:4: forward[0].batch: ",
                "",
            ),
            (
                "[journal]\nmax_bytes = 1",
                "/etc/blotter.toml:5: journal.max_bytes: ",
                "(journal.segment_bytes)",
            ),
            ("[limits]\nconnection = 1", "/etc/blotter.toml:5: ", "did you mean `connections`?"),
            (
                "[limits]\nbytes_in_flight = 134217728",
                "/etc/blotter.toml:5: limits.bytes_in_flight: ",
                "limits.request_bytes and 262144",
            ),
            ("[commit]\nrows = 0", "/etc/blotter.toml:5: commit.rows: ", "at least 1"),
        ] {
            let refused = refused(&format!("{first}{more}\n"));
            assert!(refused.starts_with(begins) && refused.trim_end().ends_with(ends), "{refused}");
        }
    }

    #[test]
    fn the_defaults_have_room_for_the_largest_request() {
        assert_eq!(ConfigFile::default().unusable(), None);
        let text =
            |bytes: usize| format!("[limits]\nrequest_bytes = 1000\nbytes_in_flight = {bytes}");
        assert!(refused(&text(2_000 + REQUEST_BUFFERS - 1)).contains("bytes_in_flight"));
        let enough = text(2_000 + REQUEST_BUFFERS);
        assert!(ConfigFile::parse(Path::new("/etc/blotter.toml"), &enough).is_ok());
    }

    #[test]
    fn ten_thousand_tokens_are_read_and_a_file_that_is_too_long_is_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("collector.toml");
        let token = |at: usize| {
            format!(
                "[[access.tokens]]\nname = \"sender-{at:05}-of-a-team-with-a-long-name\"\nhash = \"sha256:{at:064x}\"\n\
                 scopes = [\"ingest\"]\nexpires = \"2027-06-30T12:00:00Z\"\ntenant = \"a-tenant-with-a-long-name-too\"\n\n"
            )
        };
        let text: String = (0..10_000).map(token).collect();
        std::fs::write(&path, &text).unwrap();
        assert_eq!(ConfigFile::read(&path).unwrap().access.tokens.len(), 10_000);
        // What stands last may be what keeps somebody out.
        let long = format!("{}{}", "# a comment\n".repeat(750_000), token(1));
        std::fs::write(&path, long).unwrap();
        let refused = ConfigFile::read(&path).unwrap_err().to_string();
        let expected = "collector.toml:1: the file is longer than 8388608 bytes";
        assert!(refused.contains(expected), "{refused}");
    }

    /// Configurations that cannot be used, each with a secret in it, and with the place that complains.
    const SECRETIVE: [(&str, &str); 18] = [
        ("FIRST\nheaders = \"authorization=Bearer SECRET\"", "forward[0].headers"),
        ("FIRST\nheaders = [\"SECRET\"]", "forward[0].headers"),
        ("FIRST\nheaders = { authorization = [\"SECRET\"] }", "forward[0].headers"),
        ("FIRST\nheaders = { authorization = \"SECRET\\n\" }", "forward[0].headers"),
        ("FIRST\nheaders = { \"authorization: Bearer SECRET\" = \"\" }", "forward[0].headers"),
        ("FIRST\nheaders_file = [\"SECRET\"]", "forward[0].headers_file"),
        ("FIRST\ntimeout_seconds = \"SECRET\"", "forward[0].timeout_seconds"),
        ("FIRST\nprotocol = \"SECRET\"", "forward[0].protocol"),
        (
            "[[forward]]\nname = \"a\"\nendpoint = \"https//user:SECRET@host\"",
            "forward[0].endpoint",
        ),
        (
            "[[forward]]\nname = \"a\"\nendpoint = \"ftp://user:SECRET@host/x?key=SECRET\"",
            "forward[0].endpoint",
        ),
        (
            "[[forward]]\nname = \"a\"\nendpoint = \"https://user:SE/CRET?SECRET@ho st\"",
            "forward[0].endpoint",
        ),
        ("FIRST\nendpoints = { logs = \"SECRET@nowhere\" }", "forward[0].endpoints"),
        ("[redaction.allow]\nvalues = \"SECRET\"", "redaction.allow.values"),
        ("[redaction.allow]\nmatches = { a = \"SECRET\" }", "redaction.allow.matches"),
        (
            "[[access.tokens]]\nname = \"a\"\nhash = \"x\"\nscopes = [\"SECRET\"]",
            "access.tokens[0].scopes",
        ),
        ("[[access.tokens]]\nname = \"a\"\nhash = \"SECRET\"", "access.tokens[0].hash"),
        ("[[access.tokens]]\nname = \"a\"\nhash = \"SECRET", ""),
        ("[redaction.classes]\nprompts = \"SECRET\"", "redaction.classes.prompts"),
    ];

    #[test]
    fn no_error_quotes_what_may_be_a_secret_and_each_names_the_key() {
        for secret in
            ["hunter2-secret", "blt_0123456789012345678901234567890123456789012", "ingest\u{e4}"]
        {
            for (text, key) in SECRETIVE {
                let first = "[[forward]]\nname = \"a\"\nendpoint = \"http://a\"";
                let text = text.replace("FIRST", first).replace("SECRET", secret);
                let refused = refused(&text);
                assert!(!refused.contains(secret), "{refused}");
                assert!(refused.contains(key), "{refused} for {text}");
            }
        }
    }

    #[test]
    fn an_archive_that_is_no_place_is_told_without_user_and_password() {
        let archive = "archive = \"nowhere://user:hunter2@host/a?key=hunter2\"";
        let read = ConfigFile::parse(Path::new("/etc/blotter.toml"), archive).unwrap();
        let refused = read.config(None).unwrap_err();
        let mut said = format!("{refused:?}");
        let mut error: Option<&dyn std::error::Error> = Some(&refused);
        while let Some(it) = error {
            said.push_str(&it.to_string());
            error = it.source();
        }
        assert!(!said.contains("hunter2") && said.contains("@host/a"), "{said}");
    }

    #[test]
    fn access_and_limits_are_read_and_the_limits_are_written_as_they_are_read() {
        let text = "[access.tls]\ncertificate_file = \"c\"\nkey_file = \"/k\"\n\
                    [limits]\nrequest_bytes = 1000\nrequest_time_seconds = 1.5\n";
        let read = ConfigFile::parse(Path::new("/etc/blotter.toml"), text).unwrap();
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
        let read = ConfigFile::parse(Path::new("/etc/blotter.toml"), text).unwrap().forward;
        let Some([destination]) = read.get(..) else { panic!("one destination") };
        assert_eq!(destination.headers_file.as_deref(), Some(Path::new("/etc/h")));
        assert_eq!(destination.tls.ca_file.as_deref(), Some(Path::new("/ca")));
        assert_eq!(destination.tls.key_file.as_deref(), Some(Path::new("/etc/k")));
    }

    #[test]
    fn every_table_sets_what_it_names_and_leaves_the_rest_as_it_is() {
        let text = "data = \"d\"\narchive = \"s3://bucket/a\"\nshutdown_timeout_seconds = 1.5\n\
                    [listen]\nhttp = \"127.0.0.1:1\"\nunix = \"u\"\n[journal]\nmax_bytes = 1000000000\n\
                    [commit]\ninterval_seconds = 9\n[maintenance]\nkeep_days = 3\n";
        let read = ConfigFile::parse(Path::new("/etc/blotter.toml"), text).unwrap();
        assert_eq!(read.archive.as_deref(), Some("s3://bucket/a"));
        assert_eq!(read.data.as_deref(), Some(Path::new("/etc/d")));
        let file = ConfigFile { archive: None, ..read };
        let config = file.config(None).unwrap();
        let default = Config::new("/etc/d").unwrap();
        assert_eq!(config.data, default.data);
        assert_eq!(config.archive, default.archive);
        assert_eq!((config.http.port(), config.grpc.port()), (1, 4317));
        assert_eq!(config.unix.as_deref(), Some(Path::new("/etc/u")));
        assert_eq!(config.journal.max_bytes, 1_000_000_000);
        assert_eq!(config.journal.segment_bytes, default.journal.segment_bytes);
        assert_eq!(config.commit.interval, Duration::from_secs(9));
        assert_eq!(config.commit.quiet, default.commit.quiet);
        assert_eq!(config.maintenance.keep_days, Some(3));
        assert_eq!(config.shutdown_timeout, Duration::from_millis(1500));
        assert_eq!(file.config(Some("/x".into())).unwrap().data, Path::new("/x"));
    }
}
