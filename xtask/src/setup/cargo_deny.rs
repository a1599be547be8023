//! cargo-deny, which checks licences, banned crates and sources.

use std::path::PathBuf;
use std::process::Command;

use super::Outcome;
use crate::command::{cargo, run_fetching};
use crate::tools;

const VERSION: &str = "0.20.2";

/// The program, whether it is there or not.
pub(crate) fn program() -> PathBuf {
    tools::folder().join("bin/cargo-deny")
}

/// Builds it into `.tools` unless this version is there.
pub(super) fn install() -> anyhow::Result<Outcome> {
    let version = Command::new(program()).arg("--version").output();
    if version.is_ok_and(|out| out.stdout.trim_ascii().ends_with(VERSION.as_bytes())) {
        return Ok(Outcome::Present);
    }
    // Without default features: no advisory database and no git, neither of which the checks need.
    let mut install = cargo();
    install.args(["install", "--locked", "--no-default-features", "--root"]);
    install.arg(tools::folder()).arg(format!("cargo-deny@{VERSION}"));
    run_fetching(&mut install)?;
    Ok(Outcome::Installed)
}
