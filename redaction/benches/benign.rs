//! Throughput of the fast path on benign text, per core, beside the goal of 1 GB/s.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use blotter_redaction::{Configuration, Keys, Redactor};
use blotter_schemas::otlp::{Encoding, Request, Signal};

/// Bytes per second that are aimed at.
const GOAL: f64 = 1e9;

fn main() {
    let keys = Keys::ephemeral().unwrap();
    let redactor = Redactor::new(&Configuration::default(), keys).unwrap();
    let bodies = bodies();
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        let chosen: Vec<_> = bodies.iter().filter(|body| body.1 == encoding).collect();
        let benign: Vec<_> =
            chosen.iter().filter(|(s, e, body)| !redactor.may_contain(*s, *e, body)).collect();
        println!(
            "{encoding:?}: {} of {} captured requests need no closer look",
            benign.len(),
            chosen.len()
        );
        rate("  the fast path over those", benign.iter().map(|it| it.2.len()).sum(), || {
            for (signal, encoding, body) in &benign {
                black_box(redactor.may_contain(*signal, *encoding, body));
            }
        });
    }
    let text = sources().repeat(4);
    // In blocks of 64 KiB, so that the search is never stopped early: a block that needs a closer look is
    // left out.
    let blocks: Vec<&[u8]> = text.as_bytes().chunks(64 << 10).collect();
    let closer = |block: &[u8]| redactor.may_contain(Signal::Logs, Encoding::Protobuf, block);
    let benign: Vec<&[u8]> = blocks.iter().copied().filter(|block| !closer(block)).collect();
    println!("source code: {} of {} blocks need no closer look", benign.len(), blocks.len());
    rate("  the fast path over those", benign.iter().map(|block| block.len()).sum(), || {
        for block in &benign {
            black_box(closer(block));
        }
    });
    let mut decoded: Vec<Request> =
        bodies.iter().map(|(s, e, body)| Request::decode(*s, *e, body).unwrap()).collect();
    rate(
        "the closer look over every capture, decoded",
        bodies.iter().map(|it| it.2.len()).sum(),
        || {
            for request in &mut decoded {
                black_box(redactor.redact(request));
            }
        },
    );
}

fn rate(name: &str, bytes: usize, mut work: impl FnMut()) {
    work();
    let start = Instant::now();
    let mut rounds = 0_u32;
    while start.elapsed() < Duration::from_secs(1) {
        work();
        rounds += 1;
    }
    let rate = bytes as f64 * f64::from(rounds) / start.elapsed().as_secs_f64();
    println!(
        "{name}: {:.2} GB/s, {:.2} of the goal ({:.1} MB)",
        rate / 1e9,
        rate / GOAL,
        bytes as f64 / 1e6
    );
}

fn bodies() -> Vec<(Signal, Encoding, Vec<u8>)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")];
    let mut bodies = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let parts: Vec<&str> = name.split('.').collect();
            let [_, signal, ending] = parts.as_slice() else { continue };
            let Some(signal) = Signal::from_name(signal) else { continue };
            let encoding = if *ending == "pb" { Encoding::Protobuf } else { Encoding::Json };
            bodies.push((signal, encoding, std::fs::read(&path).unwrap()));
        }
    }
    bodies
}

fn sources() -> String {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    text
}
