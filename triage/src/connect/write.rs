//! Making a change of an agent's file: whole or not at all, with a copy of what stood there.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Change;
use crate::Error;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// The copy of what stood there; absent where there was no such file.
    pub backup: Option<PathBuf>,
}

/// Most copies that are kept beside a file.
const BACKUPS: usize = 1_000;

/// Writes the change. What stood in the file is copied beside it first; the new file takes its place in
/// one step and keeps its mode.
///
/// # Errors
/// [`Error::Write`]; the file is then as it was.
pub fn write(change: &Change) -> Result<Written, Error> {
    let path = &change.path;
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(at(folder))?;
    let backup = match &change.before {
        Some(before) => Some(keep(path, before).map_err(at(path))?),
        None => None,
    };
    let fresh = beside(path, ".blotter-new");
    let replaced = replace(path, &fresh, &change.after);
    if replaced.is_err() {
        // The file itself is untouched; what was begun beside it is of no use.
        let _ = fs::remove_file(&fresh);
    }
    replaced.map_err(at(path))?;
    Ok(Written { file: path.clone(), backup })
}

fn replace(path: &Path, fresh: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(fresh)?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(path) {
        file.set_permissions(metadata.permissions())?;
    }
    file.sync_all()?;
    fs::rename(fresh, path)
}

/// Copies what stands in a file to the first free name beside it.
fn keep(path: &Path, text: &str) -> std::io::Result<PathBuf> {
    for number in 1..=BACKUPS {
        let backup = beside(path, &format!(".before-blotter-{number}"));
        match File::create_new(&backup) {
            Ok(mut file) => {
                file.set_permissions(fs::metadata(path)?.permissions())?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(backup);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("there are too many copies beside it"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_file_changes_in_one_step_keeps_its_mode_and_what_stood_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/settings.json");
        let change = |before: Option<&str>, after: &str| Change {
            path: path.clone(),
            before: before.map(str::to_owned),
            after: after.to_owned(),
        };
        assert_eq!(write(&change(None, "1")).unwrap().backup, None);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let first = write(&change(Some("1"), "2")).unwrap().backup.unwrap();
        let second = write(&change(Some("2"), "3")).unwrap().backup.unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!([read(&first), read(&second), read(&path)], ["1", "2", "3"]);
        for file in [&path, &first] {
            assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            3,
            "nothing else is left"
        );
    }
}
