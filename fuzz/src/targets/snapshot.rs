//! Whatever is read as a snapshot is written and read again as the same, differs from itself in nothing,
//! and is compared with an empty one without a control character on the screen.

use blotter_triage::diff::diff;
use blotter_triage::render::terminal::is_treacherous;
use blotter_triage::render::{json, text};
use blotter_triage::snapshot::{List, Snapshot, file};

/// A snapshot file.
pub fn file(input: &[u8]) {
    let Ok(read) = file::read("a file", input) else { return };
    if let Ok(again) = file::write(&read) {
        assert_eq!(file::read("a file", again.as_bytes()).expect("what is written is read"), read);
    }
    assert!(!diff(("a", &read), ("b", &read)).differs);
    let empty = Snapshot { runs: List::default(), ..read.clone() };
    let found = diff(("a", &empty), ("b", &read));
    json::diff(&found).expect("a comparison can be written as JSON");
    let shown = text::diff(&found, text::Options { width: 80, colour: false, full: true });
    assert!(!shown.chars().any(|character| character != '\n' && is_treacherous(character)));
}
