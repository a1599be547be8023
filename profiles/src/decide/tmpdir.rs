//! Paths that may lie in the folder that TMPDIR names, where nobody said which one that is.

/// Folders in which systems keep temporary ones.
const FOLDERS: [&str; 9] = [
    "/dev/shm",
    "/private/tmp",
    "/private/var/folders",
    "/private/var/tmp",
    "/run/shm",
    "/run/user",
    "/tmp",
    "/var/folders",
    "/var/tmp",
];

/// What people call temporary folders of their own.
const NAMES: [&str; 6] = [".temp", ".tmp", "scratch", "temp", "tmp", "tmpdir"];

/// Whether TMPDIR may name a folder above an absolute path. It can name any; where such folders do not lie by
/// any custom the answer is no, or else nothing could be said of any path.
pub(crate) fn may_hold(path: &str) -> bool {
    let known = FOLDERS.iter().any(|folder| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    let above = path.rsplit_once('/').map_or("", |(above, _)| above);
    known || above.split('/').any(|name| NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::may_hold;

    #[test]
    fn temporary_folders_are_told_from_others() {
        for path in
            ["/var/folders/zz/T/out", "/tmp", "/var/tmp/x", "/home/dev/tmp/x", "/srv/Temp/a/b"]
        {
            assert!(may_hold(path), "{path}");
        }
        for path in
            ["/", "/etc/passwd", "/tmpx/a", "/home/dev/tmp", "/home/dev/.bashrc", "/var/log/x"]
        {
            assert!(!may_hold(path), "{path}");
        }
    }
}
