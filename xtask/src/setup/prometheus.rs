//! Prometheus and promtool, from their Debian package into `.tools/prometheus`.
//!
//! The package is unpacked and not installed: its service would be started, and nobody has to be root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use super::{Outcome, debian};
use crate::command::{run, run_fetching};
use crate::tools;

/// Name of the package.
const PACKAGE: &str = "prometheus";

/// Unpacks the package, unless what it holds is there.
pub(super) fn install() -> anyhow::Result<Outcome> {
    let folder = tools::folder().join(PACKAGE);
    let promtool = folder.join("usr/bin/promtool");
    if Command::new(&promtool).arg("--version").output().is_ok_and(|out| out.status.success()) {
        return Ok(Outcome::Present);
    }
    if tools::on_path("apt-get").is_none() || tools::on_path("dpkg-deb").is_none() {
        bail!("this is not a Debian system: put prometheus and promtool into {}", folder.display());
    }
    fs::create_dir_all(&folder)?;
    let package = match download(&folder) {
        Ok(package) => package,
        // The lists of packages may be old or missing.
        Err(_) => {
            debian::update()?;
            download(&folder)?
        }
    };
    run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&folder))?;
    fs::remove_file(&package)?;
    run(Command::new(&promtool).arg("--version"))?;
    Ok(Outcome::Installed)
}

/// Downloads the package into a folder.
fn download(folder: &Path) -> anyhow::Result<PathBuf> {
    let mut apt = Command::new("apt-get");
    apt.args(["-qq", "download", PACKAGE]).current_dir(folder);
    run_fetching(&mut apt)?;
    let files = fs::read_dir(folder)?;
    let mut packages = files.filter_map(|file| Some(file.ok()?.path()));
    packages
        .find(|path| path.extension().is_some_and(|it| it == "deb"))
        .context("apt-get has downloaded no package")
}
