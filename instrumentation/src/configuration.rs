//! What steers an agent beside the prompt: settings, standing instructions, hooks, skills, plugins and MCP
//! definitions, by digest. An incident review asks which sessions ran under a file that turned out to be bad.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use blotter_schemas::names::blotter;
pub use blotter_schemas::names::blotter::ConfigurationKind;
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::value::Attributes;

/// Largest file, and largest folder in all its files, in bytes.
const BYTES: u64 = 64 << 20;
/// Most files and links of a folder.
const FILES: usize = 10_000;
/// How deep folders may lie in each other.
const DEPTH: usize = 32;

/// A file, folder or definition that steers the agent: its name, size and SHA-256.
///
/// The digest has no key, so that it can be compared with what `sha256sum` prints on another machine: it
/// also lets a short content be guessed. Do not report a definition whose only unknown part is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    kind: ConfigurationKind,
    name: String,
    size: u64,
    digest: String,
}

impl Configuration {
    /// What the agent holds in memory: the definition of an MCP server as the agent took it up.
    #[must_use]
    pub fn content(kind: ConfigurationKind, name: impl Into<String>, content: &[u8]) -> Self {
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        Self { kind, name: name.into(), size, digest: written(&Sha256::digest(content)) }
    }

    /// A file, or a folder with everything in it, such as a skill.
    ///
    /// The digest of a folder is that of the lines that `sha256sum` prints for its files, in the order of
    /// their paths' bytes: `cd DIR && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum`, for names
    /// without blanks. A link within a folder is not followed; it counts as a file whose content is the path
    /// that it points to.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read whole, or is larger than 64 MiB, 10,000 files or 32
    /// folders deep.
    pub fn of_path(kind: ConfigurationKind, path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Configuration { path: path.to_owned(), reason };
        let read = || -> io::Result<(u64, String)> {
            if !fs::metadata(path)?.is_dir() {
                let (size, digest) = of_file(path, BYTES)?;
                return Ok((size, format!("sha256:{digest}")));
            }
            let mut folder = Folder { files: BTreeMap::new(), left: BYTES };
            folder.gather(path, b".", DEPTH)?;
            let mut lines = Sha256::new();
            for (path, digest) in &folder.files {
                lines.update(digest);
                lines.update(b"  ");
                lines.update(path);
                lines.update(b"\n");
            }
            Ok((BYTES - folder.left, written(&lines.finalize())))
        };
        let (size, digest) = read().map_err(|error| failed(error.to_string()))?;
        Ok(Self { kind, name: path.display().to_string(), size, digest })
    }

    /// `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn attributes(self) -> Attributes {
        let mut attributes = Attributes::with_capacity(4);
        attributes.add(blotter::BLOTTER_CONFIGURATION_KIND, self.kind.as_str());
        attributes.add(blotter::BLOTTER_CONFIGURATION_NAME, self.name);
        attributes.add(blotter::BLOTTER_CONFIGURATION_DIGEST, self.digest);
        let size = i64::try_from(self.size).unwrap_or(i64::MAX);
        attributes.add(blotter::BLOTTER_CONFIGURATION_SIZE, size);
        attributes
    }
}

fn written(digest: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

/// Size and digest of a file of at most `limit` bytes.
fn of_file(path: &Path, limit: u64) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let size = io::copy(&mut File::open(path)?.take(limit + 1), &mut digest)?;
    if size > limit {
        return Err(io::Error::other(format!("more than {BYTES} bytes")));
    }
    Ok((size, hex::encode(digest.finalize())))
}

/// The files of a folder: each by its path within, with its digest.
struct Folder {
    files: BTreeMap<Vec<u8>, String>,
    /// Bytes that may still be read.
    left: u64,
}

impl Folder {
    fn gather(&mut self, folder: &Path, within: &[u8], depth: usize) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(io::Error::other(format!("more than {DEPTH} folders deep")));
        };
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let within = [within, b"/", entry.file_name().as_bytes()].concat();
            if kind.is_dir() {
                self.gather(&path, &within, depth)?;
                continue;
            }
            let (size, digest) = if kind.is_symlink() {
                let target = fs::read_link(&path)?;
                let target = target.as_os_str().as_bytes();
                let size = u64::try_from(target.len()).unwrap_or(u64::MAX);
                (size, hex::encode(Sha256::digest(target)))
            } else if kind.is_file() {
                of_file(&path, self.left)?
            } else {
                return Err(io::Error::other(format!("{} is no file", path.display())));
            };
            self.left = self.left.saturating_sub(size);
            self.files.insert(within, digest);
            if self.files.len() > FILES {
                return Err(io::Error::other(format!("more than {FILES} files")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::process::Command;

    use super::*;

    fn of(path: &Path) -> Result<Configuration, Error> {
        Configuration::of_path(ConfigurationKind::Skill, path)
    }

    fn shell(folder: &Path, command: &str) -> String {
        let output = Command::new("sh").args(["-c", command]).current_dir(folder).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        format!("sha256:{}", text.split(' ').next().unwrap())
    }

    #[test]
    fn the_digest_of_a_file_is_what_sha256sum_prints() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("AGENTS.md");
        fs::write(&file, "be kind\n").unwrap();
        let read = of(&file).unwrap();
        assert_eq!(read.digest(), shell(folder.path(), "sha256sum AGENTS.md"));
        let held =
            Configuration::content(ConfigurationKind::Skill, read.name.clone(), b"be kind\n");
        assert_eq!(held, read);
    }

    #[test]
    fn the_digest_of_a_folder_is_that_of_what_sha256sum_prints_for_its_files() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("SKILL.md", "a"), ("scripts/run.sh", "b"), ("scripts-old", "c")] {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let printed = "find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum";
        let digest = of(folder.path()).unwrap();
        assert_eq!(digest.digest(), shell(folder.path(), printed));
        assert_eq!(digest.size, 3);
        // A link is part of it, whatever it points to.
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        let with_link = of(folder.path()).unwrap();
        assert_ne!(with_link.digest(), digest.digest());
        fs::remove_file(folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/etc/shadow", folder.path().join("link")).unwrap();
        assert_ne!(of(folder.path()).unwrap().digest(), with_link.digest());
    }

    #[test]
    fn what_cannot_be_read_whole_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        for _ in 0..=DEPTH {
            deep = deep.join("d");
        }
        fs::create_dir_all(&deep).unwrap();
        let beside = tempfile::tempdir().unwrap();
        let large = beside.path().join("large");
        File::create(&large).unwrap().set_len(BYTES + 1).unwrap();
        for (path, reason) in [
            (folder.path().join("nothing"), "No such file"),
            (folder.path().to_owned(), "deep"),
            (large, "bytes"),
        ] {
            let error = of(&path).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
