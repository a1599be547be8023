//! What the tests need and `cargo xtask setup` installs: agents and a Python with packages.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::bail;

/// Folder of the workspace.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The file `path` below `.tools`, or none with a printed reason: then the test is to be skipped.
///
/// # Errors
/// When it is missing on a continuous-integration machine, where nothing may be skipped.
pub fn installed(path: &str) -> anyhow::Result<Option<PathBuf>> {
    let file = workspace().join(".tools").join(path);
    if file.is_file() {
        return Ok(Some(file));
    }
    let reason = format!("{} is not installed; run `cargo xtask setup`", file.display());
    if env::var("CI").is_ok_and(|value| value == "true" || value == "1") {
        bail!(reason);
    }
    say(&format!("SKIPPED: {reason}"));
    Ok(None)
}

/// A program that may not be passed on, where somebody installed it below `.tools/proprietary`; else
/// none with a printed reason, on every machine.
#[must_use]
pub fn present(path: &str) -> Option<PathBuf> {
    let file = workspace().join(".tools/proprietary").join(path);
    if file.is_file() {
        return Some(file);
    }
    say(&format!(
        "SKIPPED: {} is not there; tests/README.md says how it gets there",
        file.display()
    ));
    None
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests must see what was not tested")]
fn say(text: &str) {
    eprintln!("{text}");
}
