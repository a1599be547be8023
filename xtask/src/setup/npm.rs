//! What the tests take from npm: the agents that they drive, into `.tools/npm`, at the versions of
//! `tests/agents`, and the OpenTelemetry SDK for JavaScript, into `.tools/javascript`, at those of
//! `tests/javascript`.

use std::fs;
use std::process::Command;

use anyhow::Context as _;

use super::Outcome;
use crate::command::run_fetching;
use crate::generate::workspace;
use crate::tools;

/// Installs the agents.
pub(super) fn install_agents() -> anyhow::Result<Outcome> {
    install("tests/agents", "npm")
}

/// Installs the SDK for JavaScript.
pub(super) fn install_sdk() -> anyhow::Result<Outcome> {
    install("tests/javascript", "javascript")
}

/// Installs the packages of a lock file, unless exactly these are there.
fn install(wanted: &str, folder: &str) -> anyhow::Result<Outcome> {
    let wanted = workspace().join(wanted);
    let folder = tools::folder().join(folder);
    // Written last: its presence says that the installation was completed.
    let installed = folder.join("installed-package-lock.json");
    if tools::same_content(&wanted.join("package-lock.json"), &installed) {
        return Ok(Outcome::Present);
    }
    fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(wanted.join(name), folder.join(name)).with_context(|| name)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    run_fetching(npm.current_dir(&folder))?;
    fs::copy(wanted.join("package-lock.json"), &installed)?;
    Ok(Outcome::Installed)
}
