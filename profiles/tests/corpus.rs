//! The fuzzer's corpus, without the fuzzer.

#![allow(clippy::unwrap_used, reason = "tests")]

#[test]
fn the_corpus_goes_through_without_a_panic() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        blotter_profiles::exercise(&String::from_utf8_lossy(&bytes));
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}
