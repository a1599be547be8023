//! Which files permission profiles are read from, on the command line.

use std::path::PathBuf;

use blotter_triage::profiles::{Sources, load};
use blotter_triage::replay::Configured;
use clap::Args;

/// The files that profiles are read from.
#[derive(Debug, Args)]
pub struct ProfileFiles {
    /// A configuration file, FILE or LAYER:FILE; may be given several times.
    #[arg(long, global = true, value_name = "[LAYER:]FILE")]
    pub config: Vec<String>,
    /// A file of requirements, FILE or LAYER:FILE; may be given several times.
    #[arg(long, global = true, value_name = "[LAYER:]FILE")]
    pub requirements: Vec<String>,
    /// The project, which is the workspace root [default: the working folder].
    #[arg(long, global = true, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// The project is trusted: its own configuration counts.
    #[arg(long, global = true)]
    pub trusted: bool,
}

impl ProfileFiles {
    /// Whether a file is named.
    pub fn are_named(&self) -> bool {
        !self.config.is_empty() || !self.requirements.is_empty()
    }

    /// The same for the library.
    pub fn sources(&self, cwd: Option<PathBuf>) -> Sources {
        Sources {
            config: self.config.clone(),
            requirements: self.requirements.clone(),
            project: self.project.clone(),
            trusted: self.trusted,
            cwd,
        }
    }

    /// What the files say, where any is named. Of a session only what was named is asked: this machine's own
    /// files need not be those of the machine that the session ran on.
    pub fn configured(&self) -> anyhow::Result<Option<Configured>> {
        if !self.are_named() {
            return Ok(None);
        }
        let (stack, mut place, _) = load(&self.sources(None))?;
        place.links = blotter_profiles::place::Links::AsWritten;
        Ok(Some(Configured { stack, place }))
    }
}
