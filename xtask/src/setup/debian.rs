//! Debian packages: npm and Python, where the machine has none.

use std::process::Command;

use anyhow::bail;

use super::{Outcome, python};
use crate::command::{run, run_fetching};
use crate::tools::on_path;

/// Installs the Debian packages whose programs are missing.
pub(super) fn install() -> anyhow::Result<Outcome> {
    let mut packages = Vec::new();
    if on_path("npm").is_none() {
        packages.push("npm");
        if on_path("node").is_none() {
            packages.push("nodejs");
        }
    }
    if python::interpreter().is_none() {
        packages.extend(["python3", "python3-venv"]);
    }
    if packages.is_empty() {
        return Ok(Outcome::Present);
    }
    let list = packages.join(" ");
    if on_path("apt-get").is_none() {
        bail!("this is not a Debian system: install what the packages {list} contain by hand");
    }
    let Some(root) = becoming_root() else {
        bail!("not root and no password-less sudo: run `apt-get install {list}` as root");
    };
    run_fetching(&mut apt(root, &["update"]))?;
    let mut arguments = vec!["install", "--no-install-recommends"];
    arguments.extend(packages);
    run(&mut apt(root, &arguments))?;
    Ok(Outcome::Installed)
}

/// Reads the lists of packages anew.
pub(super) fn update() -> anyhow::Result<()> {
    let Some(root) = becoming_root() else {
        bail!("not root and no password-less sudo: run `apt-get update` as root");
    };
    run_fetching(&mut apt(root, &["update"]))
}

fn apt(root: &[&str], arguments: &[&str]) -> Command {
    let words: Vec<&str> = root
        .iter()
        .copied()
        .chain(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"])
        .chain(arguments.iter().copied())
        .collect();
    let mut command = Command::new(words.first().copied().unwrap_or("env"));
    command.args(words.get(1..).unwrap_or_default());
    command
}

/// What to put before a command so that it runs as root; none where that is not possible.
fn becoming_root() -> Option<&'static [&'static str]> {
    let output = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().ok().filter(|out| out.status.success())
    };
    if output("id", &["-u"]).is_some_and(|out| out.stdout.trim_ascii() == b"0") {
        return Some(&[]);
    }
    output("sudo", &["-n", "true"]).map(|_| ["sudo", "-n"].as_slice())
}
