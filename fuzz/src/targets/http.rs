//! The body of a request over HTTP: what is taken can be decoded and archived, and has lost its secrets.

use std::io::Write as _;
use std::sync::LazyLock;

use blotter_collector::fuzzing::{Compression, Doorway};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use bytes::Bytes;
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
    take(Encoding::Protobuf, Compression::None, input);
}

/// JSON.
pub fn json(input: &[u8]) {
    take(Encoding::Json, Compression::None, input);
}

/// Protobuf, compressed with gzip, or said to be.
pub fn protobuf_gzip(input: &[u8]) {
    take(Encoding::Protobuf, Compression::Gzip, input);
}

/// JSON, compressed with gzip, or said to be.
pub fn json_gzip(input: &[u8]) {
    take(Encoding::Json, Compression::Gzip, input);
}

/// Protobuf, compressed with Zstandard, or said to be.
pub fn protobuf_zstd(input: &[u8]) {
    take(Encoding::Protobuf, Compression::Zstd, input);
}

/// JSON, compressed with Zstandard, or said to be.
pub fn json_zstd(input: &[u8]) {
    take(Encoding::Json, Compression::Zstd, input);
}

/// Bit of the first byte: the body is compressed here. Without it the input is the compressed body.
const COMPRESS: u8 = 0x80;

fn take(encoding: Encoding, compression: Compression, input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let signal = signal(*choice);
    let compressed = if choice & COMPRESS == 0 { None } else { compressed(compression, body) };
    let body = compressed.map_or_else(|| Bytes::copy_from_slice(body), Bytes::from);
    let taken = DOORWAY.with(|doorway| doorway.0.take(signal, encoding, compression, body));
    let Some(taken) = taken.expect("the collector is at fault") else { return };
    let request = Request::decode(signal, taken.encoding, &taken.body).expect("it can be decoded");
    assert_eq!(u32::try_from(request.record_count()).ok(), Some(taken.count));
    dialects::normalise(&request);
}

fn compressed(compression: Compression, body: &[u8]) -> Option<Vec<u8>> {
    match compression {
        Compression::None => None,
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).expect("memory can be written to");
            Some(encoder.finish().expect("memory can be written to"))
        }
        Compression::Zstd => Some(zstd::encode_all(body, 1).expect("memory can be written to")),
    }
}

/// The signal that a byte stands for.
pub fn signal(choice: u8) -> Signal {
    match choice & 3 {
        0 | 3 => Signal::Logs,
        1 => Signal::Traces,
        _ => Signal::Metrics,
    }
}
