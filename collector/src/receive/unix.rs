//! The file of the Unix socket: made for our user alone, taken over from a collector that is gone,
//! removed at an orderly end.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

use crate::Error;

/// Longest path of a socket in bytes: `sun_path` without its closing zero.
const PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The file of a socket that we listen on.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: what lies at the path later may be another's.
    identity: (u64, u64),
}

/// Listens on a new socket at `path`, which only our own user may connect to.
pub(crate) fn listen(path: &Path) -> Result<(UnixListener, SocketFile), Error> {
    let path = std::path::absolute(path).map_err(Error::file("find", path))?;
    let refuse = |reason: String| Error::Socket { path: path.clone(), reason };
    let length = path.as_os_str().len();
    if length > PATH_LIMIT {
        return Err(refuse(format!(
            "its path has {length} bytes, of which a socket can have {PATH_LIMIT}; choose a shorter one"
        )));
    }
    clear(&path)?;
    let bound = bind(&path);
    bound.map_err(|error| {
        refuse(match error.kind() {
            ErrorKind::NotFound => "its folder does not exist; create it".to_owned(),
            ErrorKind::AddrInUse => {
                "another program has just made it; choose another path".to_owned()
            }
            _ => format!("{error}; choose a path where sockets can be made"),
        })
    })
}

/// Removes what an earlier collector left at `path`, if nobody listens there and it is a socket.
fn clear(path: &Path) -> Result<(), Error> {
    let refuse = |reason: &str| Error::Socket { path: path.to_owned(), reason: reason.to_owned() };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("look at", path)(error)),
    };
    if !found.file_type().is_socket() {
        return Err(refuse(
            "there is a file that is no socket; it is left alone, choose another path",
        ));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(refuse(&format!("cannot tell whether somebody listens: {error}")));
        }
        Ok(_) => {
            return Err(refuse(
                "another program listens there (another collector?); stop it or choose another path",
            ));
        }
    }
    let now = fs::symlink_metadata(path).map_err(Error::file("look at", path))?;
    if identity(&now) != identity(&found) {
        return Err(refuse("another program is making it just now; choose another path"));
    }
    fs::remove_file(path).map_err(Error::file("remove", path))
}

fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    // Until it listens nobody can connect: no moment passes in which others could.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let identity = identity(&fs::symlink_metadata(path)?);
    let listener = socket.listen(BACKLOG)?;
    Ok((listener, SocketFile { path: path.to_owned(), identity }))
}

fn identity(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

impl SocketFile {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, if it is still ours.
    pub(crate) fn remove(&self) {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), "cannot remove the socket: {error}");
        }
    }
}
