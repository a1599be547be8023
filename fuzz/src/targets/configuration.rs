//! The collector's configuration: it is taken, or refused with file and line.

use std::path::PathBuf;
use std::sync::LazyLock;

use blotter_collector::ConfigFile;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    // In memory where that is to be had: a file is written for every input.
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    TempDir::new_in(folder).expect("a folder can be made")
});

/// A configuration file.
pub fn file(input: &[u8]) {
    let path = FOLDER.path().join(format!("{:?}.toml", std::thread::current().id()));
    std::fs::write(&path, input).expect("a file can be written");
    if let Err(error) = ConfigFile::read(&path) {
        assert!(error.to_string().contains(".toml"), "{error}");
    }
}
