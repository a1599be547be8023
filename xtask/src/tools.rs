//! Where installed things lie: all under `.tools` in the workspace, which git ignores.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::generate::workspace;

/// The folder for everything that the chores install.
pub(crate) fn folder() -> PathBuf {
    workspace().join(".tools")
}

/// The program `name` in one of the folders of `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Whether this is a run on a continuous-integration machine: there, whatever cannot be installed is
/// a failure instead of a skipped test.
pub(crate) fn on_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Whether the two files hold the same bytes; a missing file equals nothing.
pub(crate) fn same_content(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}
