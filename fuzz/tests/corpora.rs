//! The fuzzer's corpora, without the fuzzer: captures of real agents cut small, and every input that once
//! found something.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use blotter_fuzz::{TARGETS, reached};

/// Bytes that all corpora together may have: every clone of the repository carries them.
const LARGEST: usize = 512 << 10;

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let found = TARGETS.iter().find(|it| it.name == target).unwrap();
    let files = inputs(target);
    assert!(files.len() >= 3, "{target} has {} inputs", files.len());
    for file in files {
        // Said where a panic is shown.
        println!("{}", file.display());
        (found.run)(&fs::read(&file).unwrap());
    }
    for short in [&[][..], &[0], &[255], &[1, 2]] {
        (found.run)(short);
    }
}

macro_rules! corpora {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            replay($target);
        })*

        #[test]
        fn every_target_has_a_corpus_that_is_replayed() {
            let names: BTreeSet<_> = TARGETS.iter().map(|it| it.name).collect();
            assert_eq!(names, BTreeSet::from([$($target),*]));
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
            let folders = fs::read_dir(folder).unwrap();
            let folders = folders.map(|it| it.unwrap().file_name().into_string().unwrap());
            assert_eq!(folders.collect::<BTreeSet<_>>(), names.iter().map(|it| (*it).to_owned()).collect());
        }
    };
}

corpora! {
    a_configuration_is_taken_or_refused_with_its_file: "configuration",
    every_record_of_every_dialect_has_a_row: "dialects",
    a_body_in_json_is_taken_whole_or_refused: "http-json",
    a_body_in_json_compressed_with_gzip_is_taken_whole_or_refused: "http-json-gzip",
    a_body_in_json_compressed_with_zstandard_is_taken_whole_or_refused: "http-json-zstd",
    a_body_in_protobuf_is_taken_whole_or_refused: "http-protobuf",
    a_body_in_protobuf_compressed_with_gzip_is_taken_whole_or_refused: "http-protobuf-gzip",
    a_body_in_protobuf_compressed_with_zstandard_is_taken_whole_or_refused: "http-protobuf-zstd",
    a_journal_is_read_the_same_way_twice_or_said_to_be_damaged: "journal",
    what_is_read_as_json_is_given_back: "otlp-json",
    the_check_of_protobuf_accepts_what_is_decoded: "otlp-wire",
    a_permission_profile_can_be_resolved_and_asked: "profiles",
    a_request_is_redacted_once_and_for_all: "redaction-request",
    a_text_is_redacted_once_and_for_all: "redaction-text",
    every_line_of_a_session_file_has_a_row: "rollout",
    a_profile_that_a_session_file_states_can_be_asked: "rollout-profile",
    a_snapshot_is_written_and_read_as_the_same: "snapshot",
    a_spool_that_is_taken_up_can_be_read: "spool",
}

#[test]
fn every_dialect_is_reached_by_its_corpus() {
    replay("dialects");
    let reached = reached();
    println!("{reached:?}");
    for name in blotter_schemas::dialects::names() {
        assert!(reached.get(name).is_some_and(|count| *count >= 2), "{name}: {reached:?}");
    }
}

#[test]
fn the_corpora_are_small() {
    let files = TARGETS.iter().flat_map(|it| inputs(it.name));
    let bytes: usize = files.map(|file| fs::read(file).unwrap().len()).sum();
    assert!(bytes < LARGEST, "{bytes}");
}
