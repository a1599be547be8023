//! The disk that a folder lies on.

use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

/// What can be told of a disk without writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Bytes that we may still take.
    pub free: u64,
    /// Nothing can be written.
    pub read_only: bool,
    /// What kind of file system it is, where that matters to us.
    pub kind: Option<Kind>,
}

/// File systems on which not everything is as on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In memory: gone with the machine.
    Memory,
    /// Over the network.
    Network,
    /// The writable layer of a container: gone with it.
    Overlay,
}

impl Space {
    /// Of the folder's disk.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub(crate) fn of(folder: &Path) -> std::io::Result<Self> {
        let found = statvfs(folder)?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
            kind: statfs(folder).ok().and_then(|found| kind(i128::from(found.f_type))),
        })
    }
}

/// By the numbers of Linux.
const fn kind(number: i128) -> Option<Kind> {
    match number & 0xffff_ffff {
        0x0102_1994 | 0x8584_58f6 => Some(Kind::Memory),
        0x6969 | 0xff53_4d42 | 0xfe53_4d42 | 0x517b | 0x00c3_6400 | 0x6573_5546 => {
            Some(Kind::Network)
        }
        0x794c_7630 => Some(Kind::Overlay),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_has_space_and_one_that_is_not_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::of(folder.path()).unwrap();
        assert!(space.free > 0 && !space.read_only, "{space:?}");
        assert!(Space::of(&folder.path().join("not-there")).is_err());
    }
}
