//! How often files, logs and scripts that agents read, and placeholders of documents, are taken for secrets.

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

use corpus::{Random, false_positives, generated};

#[test]
fn lock_files_logs_and_minified_scripts_are_left_alone() {
    let words = [
        "token", "secret", "key", "auth", "login", "password", "cookie", "session", "parse",
        "render", "cache", "client", "header", "bearer", "node", "value", "state", "index",
    ];
    let word = move |r: &mut Random| r.pick(&words).to_owned();
    let version = |r: &mut Random| format!("{}.{}.{}", r.below(20), r.below(40), r.below(90));
    let package = move |r: &mut Random| format!("{}-{}", r.pick(&words), r.pick(&words));
    for (name, texts) in [
        (
            "package-lock.json",
            generated(2000, |r| {
                let (name, version) = (package(r), version(r));
                let digest = r.text(corpus::BASE64, 86);
                format!(
                    "\"node_modules/{name}\": {{\"version\": \"{version}\", \"resolved\": \"https://packages.example.org/{name}/-/{name}-{version}.tgz\", \"integrity\": \"sha512-{digest}==\", \"license\": \"MIT\"}},"
                )
            }),
        ),
        (
            "yarn.lock",
            generated(2000, |r| {
                let (name, version) = (package(r), version(r));
                let digest = r.text(corpus::HEX, 40);
                format!(
                    "{name}@^{version}:\n  version \"{version}\"\n  resolved \"https://registry.yarnpkg.com/{name}/-/{name}-{version}.tgz#{digest}\""
                )
            }),
        ),
        (
            "go.sum",
            generated(2000, |r| {
                let (name, version) = (package(r), version(r));
                format!("github.com/{name}/v2 v{version} h1:{}=", r.text(corpus::BASE64, 43))
            }),
        ),
        (
            "pip hashes",
            generated(2000, |r| {
                let (name, version) = (package(r), version(r));
                let digest = r.text(corpus::HEX, 64);
                format!("{name}=={version} \\\n    --hash=sha256:{digest}")
            }),
        ),
        (
            "git log",
            generated(2000, |r| {
                let (commit, subject) = (r.text(corpus::HEX, 40), (word(r), word(r), word(r)));
                format!(
                    "commit {commit}\nAuthor: A Person <person@example.org>\nDate:   Mon Nov 3 10:{}:07 2025 +0100\n\n    {}: rotate the {} {} (#{})",
                    10 + r.below(50),
                    subject.0,
                    subject.1,
                    subject.2,
                    r.below(90_000)
                )
            }),
        ),
        (
            "git diff headers",
            generated(2000, |r| {
                let (old, new) = (r.text(corpus::HEX, 12), r.text(corpus::HEX, 12));
                let file = package(r);
                format!("diff --git a/src/{file}.rs b/src/{file}.rs\nindex {old}..{new} 100644")
            }),
        ),
        (
            "minified JavaScript",
            generated(2000, |r| {
                let mut text = String::from("!function(e,t){\"use strict\";");
                for _ in 0..12 {
                    let letter = r.pick(&["a", "e", "n", "r", "t", "o", "i"]);
                    let (first, second) = (word(r), word(r));
                    let capital = first[..1].to_uppercase() + &first[1..];
                    text += &match r.below(6) {
                        0 => format!("{letter}.{second}={letter}.get{capital}({letter},0),"),
                        1 => format!(
                            "function {letter}{}(e){{return e.{first}||e.{second}()}}",
                            r.below(99)
                        ),
                        2 => format!("var {second}=\"{first}\"+{letter}[{}];", r.below(999)),
                        3 => format!(
                            "{{{first}:{letter}.{second},{second}:!0,max{capital}:{}}},",
                            r.below(9999)
                        ),
                        4 => {
                            format!("{letter}.{second}=function(){{return this.{first}{capital}}},")
                        }
                        _ => format!("{first}:{letter}=>{letter}.{second}({:?}),", word(r)),
                    };
                }
                text + "}(this);"
            }),
        ),
        (
            "source maps",
            generated(500, |r| {
                format!(
                    "{{\"version\":3,\"mappings\":\"{}\"}}",
                    r.text(
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/,;",
                        2000
                    )
                )
            }),
        ),
        (
            "fonts in Base64",
            generated(60, |r| {
                format!("url(data:font/woff2;base64,d09GMgAB{})", r.text(corpus::BASE64, 20_000))
            }),
        ),
        (
            "paths drawn",
            generated(1000, |r| {
                format!(
                    "<path d=\"M{} {}c-{}.5-1-2.{}-2-3.5z\" id=\"{}\"/>",
                    r.below(99),
                    r.below(99),
                    r.below(9),
                    r.below(9),
                    r.text(corpus::LOWER, 8)
                )
            }),
        ),
        (
            "URLs with ids",
            generated(2000, |r| {
                format!(
                    "https://example.org/{}/{}?page={}&sort=key&id={}",
                    word(r),
                    r.text(corpus::HEX, 24),
                    r.below(99),
                    r.text(corpus::ALNUM, 11)
                )
            }),
        ),
        (
            "spans",
            generated(2000, |r| {
                format!(
                    r#"{{"traceId":"{}","spanId":"{}","name":"{}.{}","attributes":[{{"key":"gen_ai.usage.input_tokens","value":{{"intValue":"{}"}}}}]}}"#,
                    r.text(corpus::HEX, 32),
                    r.text(corpus::HEX, 16),
                    word(r),
                    word(r),
                    r.below(90_000)
                )
            }),
        ),
    ] {
        let share = false_positives(name, &texts);
        assert!(share <= 0.001, "{name}: {share}");
    }
}

#[test]
fn placeholders_of_documents_are_left_alone() {
    let (crosses, dots) = ("x".repeat(36), "...");
    let places = [
        "{}",
        "export OPENAI_API_KEY={}",
        "export OPENAI_API_KEY=\"{}\"",
        "api_key: {}",
        "apiKey: '{}',",
        "\"token\": \"{}\"",
        "Authorization: Bearer {}",
        "curl -H 'Authorization: Bearer {}' https://x",
        "--token {}",
        "--api-key={}",
        "client_secret={}&grant_type=x",
        "password = \"{}\"",
        "DB_PASSWORD={}",
        "https://user:{}@example.org/",
        "curl -u admin:{} https://x",
        "mysql -u root -p{} app",
    ];
    let values = [
        "sk-xxxx",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-...",
        "sk-ant-...",
        "YOUR_API_KEY",
        "your-api-key-here",
        "<your-api-key>",
        "<TOKEN>",
        "[TOKEN]",
        "${TOKEN}",
        "$TOKEN",
        "${env:API_TOKEN}",
        "$(cat token.txt)",
        "{{ secrets.TOKEN }}",
        "{{TOKEN}}",
        "%TOKEN%",
        "process.env.TOKEN",
        "os.environ[\"TOKEN\"]",
        "********",
        "changeme",
        "null",
        "example",
        "REPLACE_ME",
        "MY_SECRET_TOKEN",
        "insert-token-here",
        "redacted",
        "TODO",
        &format!("ghp_{crosses}"),
        &format!("glpat-{}", &crosses[..20]),
        &format!("npm_{crosses}"),
        dots,
    ];
    let texts: Vec<String> = places
        .iter()
        .flat_map(|place| values.iter().map(|value| place.replace("{}", value)))
        .collect();
    let share = false_positives("placeholders", &texts);
    // In a header, a URL or a login a word may well be the password: nobody can tell.
    assert!(share <= 0.04, "{share}");
}
