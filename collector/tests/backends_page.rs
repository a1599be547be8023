//! The configuration on `docs/backends.md` and `docs/forwarding.md` is configuration.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use blotter_collector::ConfigFile;

/// Reads every block of a page; the names of all destinations in it, by the heading they stand under.
fn read(page: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.toml");
    let (mut heading, mut block, mut found) = (String::new(), None::<String>, Vec::new());
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```toml") => block = Some(String::new()),
            (None, line) => {
                if let Some(title) = line.strip_prefix("## ") {
                    title.clone_into(&mut heading);
                }
            }
            (Some(content), "```") => {
                std::fs::write(&file, &content).unwrap();
                let read = ConfigFile::read(&file)
                    .unwrap_or_else(|error| panic!("{page}, {heading}: {error}\n{content}"));
                assert!(!read.forward.is_empty(), "{page}, {heading}");
                found.extend(read.forward.into_iter().map(|it| (heading.clone(), it.name)));
                block = None;
            }
            (Some(content), line) => {
                content.push_str(line);
                content.push('\n');
            }
        }
    }
    assert!(block.is_none(), "{page} ends within a block");
    found
}

#[test]
fn every_block_of_the_page_of_backends_is_read_by_our_parser() {
    let found = read("backends.md");
    let headings: BTreeSet<&str> = found.iter().map(|(heading, _)| heading.as_str()).collect();
    let expected = BTreeSet::from([
        "Arize Phoenix",
        "Datadog",
        "Elastic",
        "Grafana Loki",
        "Grafana Tempo",
        "Honeycomb",
        "Jaeger",
        "Langfuse",
        "OpenTelemetry Collector",
        "Splunk",
    ]);
    assert_eq!(headings, expected);
    // All of them stand beside each other in one file.
    let names: BTreeSet<&String> = found.iter().map(|(_, name)| name).collect();
    assert_eq!(names.len(), found.len());
}

#[test]
fn the_example_of_the_page_on_forwarding_is_read_by_our_parser() {
    assert_eq!(read("forwarding.md").len(), 2);
}
