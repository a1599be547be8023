//! Python environments: `.tools/venv` with the OpenTelemetry SDK, the readers of Delta tables and a small
//! backend, and `.tools/phoenix` with Arize Phoenix, which brings too much along to be beside them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use super::Outcome;
use crate::command::{run, run_fetching};
use crate::generate::workspace;
use crate::tools;

/// Fails where the interpreter is too old for the pinned packages or cannot make environments.
const FIT: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

/// A Python interpreter that can make the environment.
pub(super) fn interpreter() -> Option<PathBuf> {
    ["python3", "python3.13", "python3.12", "python3.11"]
        .into_iter()
        .filter_map(tools::on_path)
        .chain([PathBuf::from("/usr/bin/python3")])
        .find(|python| {
            let run = Command::new(python).args(["-c", FIT]).output();
            run.is_ok_and(|out| out.status.success())
        })
}

/// The environment that most tests use.
pub(super) fn install() -> anyhow::Result<Outcome> {
    install_into("requirements.txt", "venv")
}

/// That of Arize Phoenix.
pub(super) fn install_phoenix() -> anyhow::Result<Outcome> {
    install_into("phoenix.txt", "phoenix")
}

/// Makes the environment and installs the pinned packages, unless exactly these are there.
fn install_into(requirements: &str, folder: &str) -> anyhow::Result<Outcome> {
    let requirements = workspace().join("tests/python").join(requirements);
    let folder = tools::folder().join(folder);
    // Written last: its presence says that the installation was completed.
    let installed = folder.join("installed-requirements.txt");
    if tools::same_content(&requirements, &installed) {
        return Ok(Outcome::Present);
    }
    let Some(python) = interpreter() else {
        bail!("no Python 3.11 or newer with the modules venv and ensurepip");
    };
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--only-binary=:all:", "--no-deps", "--requirement"]).arg(&requirements);
    run_fetching(&mut pip)?;
    fs::copy(&requirements, &installed).context("marking the environment as complete")?;
    Ok(Outcome::Installed)
}
