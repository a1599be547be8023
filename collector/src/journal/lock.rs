//! One collector per folder.

use std::io::IoSlice;
use std::path::Path;

use blotter_disk::{Access, Disk, DiskFile};

use crate::Error;

/// Name of the lock file in the journal's folder.
const NAME: &str = "lock";
/// Name of what is done to the disk here.
const STEP: &str = "journal.lock";

/// Held while a collector works in a folder; the system releases it when the process ends, however
/// it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: Box<dyn DiskFile>,
}

impl Lock {
    /// Takes the lock of `folder` and writes into it who has it.
    pub(super) fn take(disk: &dyn Disk, folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let file = disk.open(STEP, &path, Access::Create).map_err(Error::file("open", &path))?;
        if !file.try_lock().map_err(Error::file("lock", &path))? {
            let mut holder = [0; 64];
            let read = file.read_up_to(&mut holder, 0).unwrap_or_default();
            let holder = String::from_utf8_lossy(holder.get(..read).unwrap_or_default());
            let holder = match holder.trim() {
                "" => "unknown process".to_owned(),
                holder => holder.to_owned(),
            };
            return Err(Error::Locked { path, holder });
        }
        let holder = format!("process {} ({})\n", std::process::id(), program());
        // Only said to a second collector: on a full disk the first one works without.
        let written = file
            .set_len(STEP, 0)
            .and_then(|()| file.write_at(STEP, &mut [IoSlice::new(holder.as_bytes())], 0));
        if let Err(error) = written {
            tracing::warn!("cannot write {}: {error}", path.display());
        }
        Ok(Self { _file: file })
    }
}

/// The name of this program's file, as far as it is short and readable.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.chars().filter(|it| it.is_ascii_graphic()).take(30).collect()
}
