//! Fingerprint keys and the file they live in.
//!
//! The file has one line per key, `<key id> <64 hex>`, the newest last; that one is current. Lines that
//! begin with `#` are ignored. It must be a regular file that only its owner can read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretBox};

use crate::Error;
use crate::mark;

/// Most keys that are kept, and with 100 bytes each the largest file that is read.
const LIMIT: usize = 1000;

/// One fingerprint key.
struct Key {
    id: String,
    secret: SecretBox<[u8; 32]>,
}

/// The keys of a collector, or of a fleet that shares a file. Never printed.
pub struct Keys(Vec<Key>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Keys").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}

impl Keys {
    /// The keys in the file; a file with one new key is made where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or made, others than its owner can read it, or it holds no keys.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        match Self::load(path) {
            Err(Error::KeyFile { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            other => return other,
        }
        let key = Key::random().map_err(|source| at(path, source))?;
        match write_new(path, &[&key]) {
            Ok(()) => Ok(Self(vec![key])),
            // Another process was faster; its key is as good.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(path),
            Err(source) => Err(at(path, source)),
        }
    }

    /// The keys in the file.
    ///
    /// # Errors
    /// When the file cannot be read, others than its owner can read it, or it holds no keys.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| at(path, source))?;
        let mode = file.metadata().map_err(|source| at(path, source))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::KeyFileMode { path: path.to_owned(), mode: mode & 0o7777 });
        }
        let mut text = String::new();
        file.take(LIMIT as u64 * 100)
            .read_to_string(&mut text)
            .map_err(|source| at(path, source))?;
        let content = |line, reason| Error::KeyFileContent { path: path.to_owned(), line, reason };
        let mut keys: Vec<Key> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = Key::parse(line).ok_or_else(|| {
                content(index + 1, "not a key id, a space and 64 hexadecimal digits")
            })?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(content(index + 1, "this key id stands twice"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(content(0, "no key in it"));
        }
        Ok(Self(keys))
    }

    /// Adds a new key to the file, which becomes current, and returns all keys. Collectors take it up
    /// when they load the file again; the old keys stay, to recognise marks and compute fingerprints.
    ///
    /// # Errors
    /// As for [`Keys::load`], and when the file cannot be replaced.
    pub fn rotate(path: &Path) -> Result<Self, Error> {
        let mut keys = Self::load(path)?;
        if keys.0.len() >= LIMIT {
            return Err(Error::KeyFileContent {
                path: path.to_owned(),
                line: 0,
                reason: "too many keys; remove the oldest",
            });
        }
        keys.0.push(Key::random().map_err(|source| at(path, source))?);
        let mut next = path.as_os_str().to_owned();
        next.push(".new");
        let next = Path::new(&next);
        write_new(next, &keys.0.iter().collect::<Vec<_>>()).map_err(|source| at(next, source))?;
        fs::rename(next, path)
            .and_then(|()| sync_parent(path))
            .map_err(|source| at(path, source))?;
        Ok(keys)
    }

    /// Keys from no file, forgotten with the process; for one-off imports and tests.
    ///
    /// # Errors
    /// When the operating system has no random bytes.
    pub fn ephemeral() -> Result<Self, Error> {
        let key = Key::random().map_err(|source| at(Path::new(RANDOM), source))?;
        Ok(Self(vec![key]))
    }

    /// Key ids, oldest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Id of the key that marks are made with.
    #[must_use]
    pub fn current(&self) -> &str {
        self.0.last().map(|key| key.id.as_str()).unwrap_or_default()
    }

    pub(crate) fn holds(&self, id: &str) -> bool {
        self.ids().any(|known| known == id)
    }

    /// `<key id>.<16 hex>` of a normalised secret under the current key.
    pub(crate) fn mark_fingerprint(&self, secret: &[u8]) -> String {
        self.0
            .last()
            .map(|key| format!("{}.{}", key.id, key.fingerprint(secret)))
            .unwrap_or_default()
    }

    /// The fingerprint of a secret under every key, newest first: key id and 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self, secret: &str) -> Vec<(String, String)> {
        let secret = normalise(secret.as_bytes());
        self.0.iter().rev().map(|key| (key.id.clone(), key.fingerprint(&secret))).collect()
    }
}

impl Key {
    fn random() -> std::io::Result<Self> {
        let mut id = [0; 4];
        let mut secret = Box::new([0; 32]);
        let mut random = File::open(RANDOM)?;
        random.read_exact(&mut id)?;
        random.read_exact(secret.as_mut())?;
        Ok(Self { id: format!("k{}", hex::encode(id)), secret: SecretBox::new(secret) })
    }

    fn parse(line: &str) -> Option<Self> {
        let (id, digits) = line.trim_end().split_once(' ')?;
        let mut secret = Box::new([0; 32]);
        hex::decode_to_slice(digits, secret.as_mut()).ok()?;
        // The id stands before a dot in a mark.
        let plain = mark::is_id(id) && !id.contains('.');
        plain.then(|| Self { id: id.to_owned(), secret: SecretBox::new(secret) })
    }

    fn fingerprint(&self, normalised: &[u8]) -> String {
        let digest = blake3::keyed_hash(self.secret.expose_secret(), normalised);
        hex::encode(digest.as_bytes().iter().copied().take(8).collect::<Vec<_>>())
    }
}

/// The operating system's random bytes.
const RANDOM: &str = "/dev/urandom";

fn at(path: &Path, source: std::io::Error) -> Error {
    Error::KeyFile { path: path.to_owned(), source }
}

/// Writes a file that must not exist yet, readable by its owner only, and makes it durable.
fn write_new(path: &Path, keys: &[&Key]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut text = String::from(
        "# Fingerprint keys of redaction, the newest last. Keep them out of the archive.\n",
    );
    for key in keys {
        text.push_str(&format!("{} {}\n", key.id, hex::encode(key.secret.expose_secret())));
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// A secret without what depends on how it was written down: white space and quotes around it, and in
/// a private key everything but its lines' Base64.
pub(crate) fn normalise(secret: &[u8]) -> Vec<u8> {
    if let Some(body) = crate::pem::body(secret) {
        return body;
    }
    let around = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`');
    let start = secret.iter().position(|byte| !around(byte)).unwrap_or(secret.len());
    let end = secret.iter().rposition(|byte| !around(byte)).map_or(start, |last| last + 1);
    secret.get(start..end).unwrap_or_default().to_vec()
}
