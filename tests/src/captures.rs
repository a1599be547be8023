//! The captures of real agents in `tests/captures`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;

use crate::client::Export;
use crate::guests::workspace;

/// One recorded run of one agent.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Agent and run: `codex/01-exec-ok-workspace-write`.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
}

/// The folder of all captures.
#[must_use]
pub fn folder() -> PathBuf {
    workspace().join("tests/captures")
}

/// Every capture, in order of its name.
///
/// # Errors
/// When the folder cannot be read.
pub fn all() -> anyhow::Result<Vec<Capture>> {
    let mut captures = Vec::new();
    for agent in subfolders(&folder())? {
        for run in subfolders(&agent)? {
            let name = run.strip_prefix(folder())?.to_string_lossy().into_owned();
            captures.push(Capture { name, folder: run });
        }
    }
    Ok(captures)
}

/// The capture of this name.
///
/// # Errors
/// When there is none.
pub fn named(name: &str) -> anyhow::Result<Capture> {
    let found = all()?.into_iter().find(|capture| capture.name == name);
    found.with_context(|| format!("no capture {name}"))
}

impl Capture {
    /// The files of the export requests in the order in which they arrived.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn requests(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<_>>()?;
        files.retain(|file| described(file).is_some());
        files.sort();
        Ok(files)
    }

    /// The export requests in the order in which they arrived.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn exports(&self) -> anyhow::Result<Vec<Export>> {
        let mut exports = Vec::new();
        for file in self.requests()? {
            if let Some((signal, encoding)) = described(&file) {
                exports.push(Export { signal, encoding, body: fs::read(&file)?.into() });
            }
        }
        Ok(exports)
    }
}

/// What a file named `0001.logs.pb` holds; none where it is something else.
fn described(file: &Path) -> Option<(Signal, Encoding)> {
    let mut parts = file.file_name()?.to_str()?.split('.').skip(1);
    let signal = Signal::from_name(parts.next()?)?;
    let encoding = match parts.next()? {
        "pb" => Encoding::Protobuf,
        "json" => Encoding::Json,
        _ => return None,
    };
    Some((signal, encoding))
}

/// The same request in Protobuf.
///
/// # Errors
/// When it cannot be decoded.
pub fn in_protobuf(export: &Export) -> anyhow::Result<Export> {
    let body = encode(&Request::decode(export.signal, export.encoding, &export.body)?);
    Ok(Export { signal: export.signal, encoding: Encoding::Protobuf, body })
}

/// A decoded request as a Protobuf body.
#[must_use]
pub fn encode(request: &Request) -> Bytes {
    request.encode().into()
}

fn subfolders(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
