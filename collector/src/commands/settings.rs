//! Flags, environment and configuration file, put together: a flag wins over the environment, and both
//! over the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use blotter_collector::{CommandLine, Config, ConfigFile, DEFAULT_DATA, Origin};
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

    #[command(flatten)]
    line: CommandLine,
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
        Ok(self.line.file()?)
    }

    /// Its name.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.line.config_path()
    }

    /// The configuration in effect.
    pub(crate) fn effective(&self, file: Option<&ConfigFile>) -> anyhow::Result<Config> {
        Ok(self.line.effective(file, self.data.clone(), self.archive.as_deref())?)
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
