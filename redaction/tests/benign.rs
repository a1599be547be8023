//! How often something harmless is taken for a secret.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests"
)]

mod corpus;

use std::path::Path;

use base64::Engine as _;
use corpus::{Random, false_positives, generated};

/// Text files of this repository, but those of this crate, which are about secrets.
fn repository() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.')
                || ["target", "redaction", "captures", "snapshots", "redaction.md"]
                    .contains(&name.as_str())
            {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn source_code_of_this_repository_is_left_alone() {
    let lines: Vec<String> = repository()
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(lines.len() > 5_000);
    assert!(false_positives("source, documents, lock file", &lines) < 0.000_5);
}

#[test]
fn hashes_ids_and_encoded_data_are_left_alone() {
    let hex = |length| move |random: &mut Random| random.text(corpus::HEX, length);
    let uuid = |random: &mut Random| {
        let part = |random: &mut Random, length| random.text(corpus::HEX, length);
        format!(
            "{}-{}-4{}-a{}-{}",
            part(random, 8),
            part(random, 4),
            part(random, 3),
            part(random, 3),
            part(random, 12)
        )
    };
    for (name, texts) in [
        ("git commits", generated(3000, hex(40))),
        ("sha256", generated(3000, |r| format!("sha256:{}", r.text(corpus::HEX, 64)))),
        ("md5 sums", generated(3000, |r| format!("{}  ./src/lib.rs", r.text(corpus::HEX, 32)))),
        ("uuids", generated(3000, uuid)),
        ("call ids", generated(3000, |r| format!("call_{}", r.text(corpus::ALNUM, 24)))),
        ("response ids", generated(3000, |r| format!("resp_{}", r.text(corpus::HEX, 50)))),
        (
            "lock file entries",
            generated(3000, |r| format!("checksum = \"{}\"", r.text(corpus::HEX, 64))),
        ),
        (
            "npm integrity",
            generated(3000, |r| {
                format!("\"integrity\": \"sha512-{}==\"", r.text(corpus::BASE64, 86))
            }),
        ),
        (
            "public keys",
            generated(500, |r| {
                format!(
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} me@host",
                    r.text(corpus::BASE64, 43)
                )
            }),
        ),
        (
            "certificates",
            generated(200, |r| {
                format!(
                    "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
                    r.text(corpus::BASE64, 1200)
                )
            }),
        ),
        (
            "tracing headers",
            generated(3000, |r| {
                format!(
                    "traceparent: 00-{}-{}-01",
                    r.text(corpus::HEX, 32),
                    r.text(corpus::HEX, 16)
                )
            }),
        ),
        ("ETags", generated(3000, |r| format!("ETag: \"{}\"", r.text(corpus::HEX, 32)))),
        (
            "container images",
            generated(1000, |r| {
                format!("docker.io/library/debian@sha256:{}", r.text(corpus::HEX, 64))
            }),
        ),
        (
            "words joined by hyphens",
            generated(3000, |r| {
                let words = [
                    "task", "risk", "disk", "that", "format", "version", "least", "chat", "token",
                    "key", "secret",
                ];
                (0..8).map(|_| r.pick(&words)).collect::<Vec<_>>().join("-")
            }),
        ),
        (
            "token counts",
            generated(1000, |r| {
                format!(
                    r#"{{"input_tokens": {}, "output_tokens": {}, "token_type": "input", "max_tokens": 4096}}"#,
                    r.below(100_000),
                    r.below(10_000)
                )
            }),
        ),
    ] {
        let share = false_positives(name, &texts);
        assert!(share <= 0.001, "{name}: {share}");
    }
}

#[test]
fn images_in_base64_are_left_alone() {
    let images = generated(60, |random| {
        let bytes = random.bytes(40_000);
        format!(
            "data:image/png;base64,iVBORw0KGgo{}",
            base64::engine::general_purpose::STANDARD.encode(bytes)
        )
    });
    assert!(false_positives("images", &images) <= 0.02);
}

#[test]
fn values_that_stand_for_secrets_are_left_alone() {
    let texts: Vec<String> = [
        "password = os.environ['DB_PASSWORD']",
        "let token = request.headers().get(AUTHORIZATION);",
        "API_KEY=${API_KEY}",
        "api_key: <YOUR_API_KEY>",
        "Authorization: Bearer $TOKEN",
        "Authorization: Bearer <token>",
        "secret: ${{ secrets.NPM_TOKEN }}",
        "password: str = Field(min_length=8)",
        "token_count: 4096, max_tokens: 1024",
        "const apiKey = process.env.OPENAI_API_KEY;",
        "pub fn secret(&self) -> SecretString {",
        "--token-file /run/secrets/token",
        "PWD=/home/user/project-2",
        "keyboard_key: Key::F12",
        "cookie: none",
        "primary_key=(user_id, created_at)",
        "postgres://user:password@localhost",
        "\"token\": null, \"secret\": true",
        "password: ********",
        "token: [redacted]",
    ]
    .map(str::to_owned)
    .to_vec();
    let redactor = corpus::redactor();
    for text in texts {
        // The placeholder that everybody uses as a password is one.
        if text.contains("user:password@") {
            continue;
        }
        assert_eq!(redactor.redact_text(&text), None);
    }
}

#[test]
fn captures_are_left_alone_but_for_what_was_planted() {
    use blotter_schemas::otlp::Request;
    let redactor = corpus::redactor();
    let (mut bytes, mut total) = (0, std::collections::BTreeMap::new());
    for (_, signal, encoding, body) in corpus::bodies() {
        let mut request = Request::decode(signal, encoding, &body).unwrap();
        bytes += body.len();
        for (rule, count) in redactor.redact(&mut request).total {
            *total.entry(rule).or_insert(0_u64) += count;
        }
    }
    println!("captures, {:.1} MB: {total:?}", bytes as f64 / 1e6);
    // The runs show an invented bearer token and key, nothing else.
    assert!(total.values().sum::<u64>() < 60, "{total:?}");
}
