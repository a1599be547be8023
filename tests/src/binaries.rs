//! The project's own programs, as processes.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, bail};

use crate::guests::workspace;

/// Set where the programs were built together with the tests, as a build of the whole workspace does.
pub const BUILT: &str = "BLOTTER_PROGRAMS_BUILT";

/// The program `name` of this workspace, freshly built with the profile of the running test.
///
/// Cargo tells a test where its own package's programs are, not those of other packages, so they are
/// asked for here. Without [`BUILT`] that may compile every dependency once more: the features that
/// tests want of them are left out.
///
/// # Errors
/// When it does not build.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER
        .get_or_init(|| build(&["--workspace", "--bins"]).map_err(|error| format!("{error:#}")));
    match folder {
        Ok(folder) => Ok(folder.join(name)),
        Err(error) => bail!(error.clone()),
    }
}

/// The example `name` of `blotter-instrumentation`, freshly built in the same way.
///
/// # Errors
/// When it does not build.
pub fn example(name: &str) -> anyhow::Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let arguments = ["--package", "blotter-instrumentation", "--examples"];
    let folder = FOLDER.get_or_init(|| build(&arguments).map_err(|error| format!("{error:#}")));
    match folder {
        Ok(folder) => Ok(folder.join("examples").join(name)),
        Err(error) => bail!(error.clone()),
    }
}

fn build(what: &[&str]) -> anyhow::Result<PathBuf> {
    // target/<profile>/deps/<test>, or target/<profile>/<program>
    let test = env::current_exe()?;
    let folder = test.parent().context("the test is not in a folder")?;
    let folder = match folder.parent() {
        Some(above) if folder.ends_with("deps") => above,
        _ => folder,
    };
    if env::var_os(BUILT).is_some() {
        return Ok(folder.to_path_buf());
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked"]).args(what);
    // What cargo says to a test about its package is not for another cargo: build scripts that look at
    // it would run again, and whatever depends on them would be built anew.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_") {
            cargo.env_remove(&*name);
        }
    }
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    if let Some(target) = folder.parent() {
        cargo.arg("--target-dir").arg(target);
    }
    let output = cargo.current_dir(workspace()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the programs do not build: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(folder.to_path_buf())
}
