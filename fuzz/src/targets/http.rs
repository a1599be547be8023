//! The body of a request over HTTP: what is taken can be decoded and archived, and has lost its secrets.

use std::io::Write as _;
use std::sync::LazyLock;

use blotter_collector::fuzzing::Doorway;
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::dialects;

thread_local! {
    // Each thread has its own: a fuzzer has one, tests have several.
    static DOORWAY: LazyLock<(Doorway, TempDir)> = LazyLock::new(|| {
        let folder = TempDir::new().expect("a folder can be made");
        (Doorway::open(folder.path()).expect("a collector can be made"), folder)
    });
}

/// Protobuf; the first byte says which signal.
pub fn protobuf(input: &[u8]) {
    take(Encoding::Protobuf, false, input);
}

/// JSON.
pub fn json(input: &[u8]) {
    take(Encoding::Json, false, input);
}

/// Protobuf, compressed, or said to be.
pub fn protobuf_gzip(input: &[u8]) {
    take(Encoding::Protobuf, true, input);
}

/// JSON, compressed, or said to be.
pub fn json_gzip(input: &[u8]) {
    take(Encoding::Json, true, input);
}

/// Bit of the first byte: the body is compressed here. Without it the input is the compressed body.
const COMPRESS: u8 = 0x80;

fn take(encoding: Encoding, gzip: bool, input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let signal = signal(*choice);
    let body = if gzip && choice & COMPRESS != 0 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory can be written to");
        Bytes::from(encoder.finish().expect("memory can be written to"))
    } else {
        Bytes::copy_from_slice(body)
    };
    let taken = DOORWAY.with(|doorway| doorway.0.take(signal, encoding, gzip, body));
    let Some(taken) = taken.expect("the collector is at fault") else { return };
    let request = Request::decode(signal, taken.encoding, &taken.body).expect("it can be decoded");
    assert_eq!(u32::try_from(request.record_count()).ok(), Some(taken.count));
    dialects::normalise(&request);
}

/// The signal that a byte stands for.
pub fn signal(choice: u8) -> Signal {
    match choice & 3 {
        0 | 3 => Signal::Logs,
        1 => Signal::Traces,
        _ => Signal::Metrics,
    }
}
