//! What real agents sent.

use std::path::{Path, PathBuf};

use blotter_schemas::otlp::{Encoding, Request, Signal};

/// Folder of the captures.
pub fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// Every captured request body, in a fixed order.
pub fn bodies() -> Vec<(PathBuf, Signal, Encoding, Vec<u8>)> {
    let mut paths = Vec::new();
    for agent in std::fs::read_dir(captures()).unwrap() {
        let agent = agent.unwrap().path();
        if !agent.is_dir() {
            continue;
        }
        for run in std::fs::read_dir(agent).unwrap() {
            let run = run.unwrap().path();
            if run.is_dir() {
                paths.extend(std::fs::read_dir(run).unwrap().map(|file| file.unwrap().path()));
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let parts: Vec<&str> = name.split('.').collect();
            let [_, signal, encoding] = parts.as_slice() else { return None };
            let encoding = match *encoding {
                "pb" => Encoding::Protobuf,
                "json" => Encoding::Json,
                _ => return None,
            };
            let signal = Signal::from_name(signal)?;
            let body = std::fs::read(&path).unwrap();
            Some((path, signal, encoding, body))
        })
        .collect()
}

/// A request as Protobuf.
pub fn protobuf(request: &Request) -> Vec<u8> {
    use prost::Message as _;
    match request {
        Request::Logs(request) => request.encode_to_vec(),
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
    }
}

/// A request as OTLP/JSON.
pub fn json(request: &Request) -> String {
    use blotter_schemas::otlp::json;
    match request {
        Request::Logs(request) => json::encode_logs(request),
        Request::Traces(request) => json::encode_traces(request),
        Request::Metrics(request) => json::encode_metrics(request),
    }
}
