//! Flags, environment and configuration file, put together: a flag wins over the environment, and both
//! over the file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use blotter_archive::Location;
use blotter_collector::{Config, ConfigFile, DEFAULT_DATA, Origin};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};

/// What of the configuration can be set on the command line.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Folder of the journal, of the collector's id and, unless --archive says otherwise, of the
    /// archive. Made if it is not there [default: blotter-data].
    #[arg(long, value_name = "DIR", env = "BLOTTER_DATA", global = true)]
    data: Option<PathBuf>,

    /// Folder or URL of the archive [default: DATA/archive].
    #[arg(long, value_name = "DIR|URL", env = "BLOTTER_ARCHIVE", global = true)]
    archive: Option<String>,

    /// Configuration in TOML: every setting there is, [redaction] with rules, allowlist, modes of fields
    /// and the key file (docs/redaction.md), and a [[forward]] for each backend that gets a copy
    /// (docs/forwarding.md), [access] with who may connect (docs/access.md); docs/operation.md lists the
    /// rest. Something in it that cannot be used is
    /// refused with its line.
    #[arg(long, value_name = "FILE", env = "BLOTTER_CONFIG", global = true)]
    config: Option<PathBuf>,

    /// Where to expect OTLP/gRPC. Port 0 picks a free one [default: 127.0.0.1:4317].
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<SocketAddr>,

    /// Where to expect OTLP/HTTP, Protobuf and JSON, and to serve /metrics, /healthz, /readyz and
    /// /status. Port 0 picks a free one [default: 127.0.0.1:4318].
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,

    /// Make a Unix socket here as well, for OTLP/gRPC and OTLP/HTTP. Only the user that runs this
    /// can connect to it, and the kernel says which process each connection comes from.
    #[arg(long, value_name = "PATH")]
    unix: Option<PathBuf>,

    /// Listen on addresses that others can reach although TLS or credentials are missing: anybody there
    /// can read what is sent, or send in anybody's name. Said on stderr, and recorded as an event.
    #[arg(long)]
    insecure: bool,

    /// Leave small files of the archive as they are, where something else gathers them
    /// (`triage archive compact`). More and more of them make commits and questions slower.
    #[arg(long)]
    no_compaction: bool,

    /// Keep what was received today and on so many days before it, and remove the rest of the
    /// archive's tables [default: keep everything].
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=36_500))]
    keep: Option<u32>,
}

/// The flags, the variables that stand for them, and the keys of the file that they win over.
const FLAGS: [(&str, &str, Option<&str>, &str); 8] = [
    ("data", "--data", Some("BLOTTER_DATA"), "data"),
    ("archive", "--archive", Some("BLOTTER_ARCHIVE"), "archive"),
    ("grpc", "--grpc", None, "listen.grpc"),
    ("http", "--http", None, "listen.http"),
    ("unix", "--unix", None, "listen.unix"),
    ("insecure", "--insecure", None, "access.insecure"),
    ("no_compaction", "--no-compaction", None, "maintenance.compaction"),
    ("keep", "--keep", None, "maintenance.keep_days"),
];

impl Settings {
    /// The configuration file, where there is one.
    pub(crate) fn file(&self) -> anyhow::Result<Option<ConfigFile>> {
        Ok(self.config.as_deref().map(ConfigFile::read).transpose()?)
    }

    /// Its name.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The configuration in effect.
    pub(crate) fn effective(&self, file: Option<&ConfigFile>) -> anyhow::Result<Config> {
        let none = ConfigFile::default();
        let mut config = file.unwrap_or(&none).config(self.data.clone())?;
        if let Some(archive) = &self.archive {
            config.archive = Location::parse(archive)?;
        }
        config.grpc = self.grpc.unwrap_or(config.grpc);
        config.http = self.http.unwrap_or(config.http);
        config.unix = self.unix.clone().or(config.unix);
        config.access.insecure |= self.insecure;
        config.maintenance.compaction &= !self.no_compaction;
        config.maintenance.keep_days = self.keep.or(config.maintenance.keep_days);
        Ok(config)
    }

    /// The data folder alone.
    pub(crate) fn data(&self) -> anyhow::Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let data = self.file()?.and_then(|file| file.data);
        Ok(data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA)))
    }

    /// What flags and environment have set, by key.
    pub(crate) fn given(matches: &ArgMatches) -> BTreeMap<&'static str, Origin> {
        let mut given = BTreeMap::new();
        for (id, flag, variable, key) in FLAGS {
            let origin = match (matches.value_source(id), variable) {
                (Some(ValueSource::CommandLine), _) => Origin::Flag { name: flag.to_owned() },
                (Some(ValueSource::EnvVariable), Some(variable)) => {
                    Origin::Environment { name: variable.to_owned() }
                }
                _ => continue,
            };
            given.insert(key, origin);
        }
        given
    }
}
