//! One collector per folder.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::Error;

/// Name of the lock file in the journal's folder.
const NAME: &str = "lock";

/// Held while a collector works in a folder; the system releases it when the process ends, however
/// it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `folder` and writes the process id into it.
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::file("open", &path))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let read = (&file).take(64).read_to_string(&mut holder);
                let holder = match read {
                    Ok(_) if !holder.trim().is_empty() => holder.trim().to_owned(),
                    _ => "unknown process".to_owned(),
                };
                return Err(Error::Locked { path, holder });
            }
            Err(error) => return Err(Error::file("lock", &path)(error.into())),
        }
        file.set_len(0).map_err(Error::file("write", &path))?;
        writeln!(file, "process {}", std::process::id()).map_err(Error::file("write", &path))?;
        Ok(Self { _file: file })
    }
}
