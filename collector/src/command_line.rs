//! What of the configuration can be set on the command line of a program that runs a collector.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use blotter_archive::Location;
use clap::Args;

use crate::{Config, ConfigFile, Error};

/// Flags that win over the configuration file.
#[derive(Debug, Clone, Default, Args)]
pub struct CommandLine {
    /// Configuration in TOML: every setting there is, [redaction] with rules, allowlist, modes of fields
    /// and the key file (docs/redaction.md), a [[forward]] for each backend that gets a copy
    /// (docs/forwarding.md), [access] with who may connect (docs/access.md); docs/operation.md lists the
    /// rest. Something in it that cannot be used is refused with its line.
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

impl CommandLine {
    /// The name of the configuration file, where there is one.
    #[must_use]
    pub fn config_path(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The configuration file, where there is one.
    ///
    /// # Errors
    /// As [`ConfigFile::read`].
    pub fn file(&self) -> Result<Option<ConfigFile>, Error> {
        self.config.as_deref().map(ConfigFile::read).transpose()
    }

    /// The configuration in effect: the flags, then `data` and `archive` where they are given, then the
    /// file, then the defaults.
    ///
    /// # Errors
    /// [`Error::Archive`] when the archive is no place for one.
    pub fn effective(
        &self,
        file: Option<&ConfigFile>,
        data: Option<PathBuf>,
        archive: Option<&str>,
    ) -> Result<Config, Error> {
        let none = ConfigFile::default();
        let mut config = file.unwrap_or(&none).config(data)?;
        if let Some(archive) = archive {
            config.archive =
                Location::parse(archive).map_err(|error| Error::archive(archive, error))?;
        }
        config.grpc = self.grpc.unwrap_or(config.grpc);
        config.http = self.http.unwrap_or(config.http);
        config.unix = self.unix.clone().or(config.unix);
        config.access.insecure |= self.insecure;
        config.maintenance.compaction &= !self.no_compaction;
        config.maintenance.keep_days = self.keep.or(config.maintenance.keep_days);
        Ok(config)
    }
}
