//! With every class hashed, nothing that an agent was asked, called or answered is left in any record of
//! any capture: neither under the keys of the classes nor anywhere else.

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

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use blotter_redaction::{Class, Configuration, Keys, Mode, Redactor};
use blotter_schemas::otlp::{Encoding, Request, Signal};
use serde_json::Value;

/// What every run was asked, but for those of Codex, which were asked variously.
const PROMPT: &str = "please do the lab task";
/// Shorter texts may stand anywhere.
const LEAST: usize = 12;

fn hashing(classes: &[Class]) -> Redactor {
    let classes = classes.iter().map(|class| (*class, Mode::Hash)).collect();
    let configuration = Configuration { classes, ..Configuration::default() };
    Redactor::new(&configuration, Keys::ephemeral().unwrap()).unwrap()
}

/// The captured requests of each run.
fn runs() -> BTreeMap<PathBuf, Vec<(Signal, Encoding, Vec<u8>)>> {
    let mut runs: BTreeMap<PathBuf, Vec<_>> = BTreeMap::new();
    for (path, signal, encoding, body) in corpus::bodies() {
        runs.entry(path.parent().unwrap().to_owned()).or_default().push((signal, encoding, body));
    }
    runs
}

/// Every string of a request in JSON, with the attribute key that it stands under.
fn strings(json: &Value, key: &str, visit: &mut dyn FnMut(&str, &str)) {
    match json {
        Value::String(text) => visit(key, text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, key, visit)),
        Value::Object(fields) => {
            let own = fields.get("key").and_then(Value::as_str);
            for (name, value) in fields {
                let is_wrapper = name.ends_with("Value") || name == "value" || name == "values";
                match own {
                    Some(own) if name == "value" => strings(value, own, visit),
                    _ if is_wrapper => strings(value, key, visit),
                    _ => strings(value, name, visit),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn request(signal: Signal, encoding: Encoding, body: &[u8]) -> Request {
    Request::decode(signal, encoding, body).unwrap()
}

fn json(request: &Request) -> Value {
    serde_json::from_str(&corpus::json(request)).unwrap()
}

/// The texts in which the scripted model told the agent what to call and what to say.
fn told(run: &Path) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    if let Ok(script) = std::fs::read_to_string(run.join("asked.json")) {
        strings(&serde_json::from_str(&script).unwrap(), "", &mut |_, text| {
            told.extend(text.lines().filter(|line| line.contains(' ')).map(str::to_owned));
        });
    }
    told.retain(|text| text.len() >= LEAST);
    told
}

/// The longer values under the keys of `classes`.
fn said(classes: &[Class], requests: &[(Signal, Encoding, Vec<u8>)]) -> BTreeSet<String> {
    let keys: Vec<&str> = classes.iter().flat_map(|class| class.keys()).copied().collect();
    let mut said = BTreeSet::new();
    for (signal, encoding, body) in requests {
        strings(&json(&request(*signal, *encoding, body)), "", &mut |key, text| {
            if keys.contains(&key) && text.contains(' ') && text.len() >= LEAST {
                said.insert(text.to_owned());
            }
        });
    }
    said
}

/// What is left of `texts` after redaction, with the key it stands under.
fn left(
    redactor: &Redactor,
    requests: &[(Signal, Encoding, Vec<u8>)],
    texts: &BTreeSet<String>,
) -> BTreeSet<String> {
    let mut left = BTreeSet::new();
    for (signal, encoding, body) in requests {
        let mut request = request(*signal, *encoding, body);
        let before = request.clone();
        let changes = !redactor.redact(&mut request).is_empty();
        assert_eq!(changes, request != before);
        assert!(!changes || redactor.may_contain(*signal, *encoding, body));
        strings(&json(&request), "", &mut |key, value| {
            if let Some(text) = texts.iter().find(|text| value.contains(text.as_str())) {
                let shown: String = text.chars().take(60).collect();
                left.insert(format!("{} {key}: {shown}", signal.name()));
            }
        });
    }
    left
}

#[test]
fn with_every_class_hashed_nothing_asked_called_or_answered_is_left_in_any_capture() {
    let redactor = hashing(&Class::ALL);
    let mut all = BTreeMap::new();
    let mut looked_for = 0;
    for (run, requests) in runs() {
        let mut texts = told(&run);
        texts.extend(said(&Class::ALL, &requests));
        texts.insert(PROMPT.to_owned());
        looked_for += texts.len();
        let left = left(&redactor, &requests, &texts);
        if !left.is_empty() {
            all.insert(run, left);
        }
    }
    println!("{looked_for} texts looked for");
    assert!(looked_for > 300);
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn with_prompts_hashed_no_prompt_is_left_in_any_capture_of_any_agent() {
    let redactor = hashing(&[Class::Prompts]);
    let texts = BTreeSet::from([PROMPT.to_owned()]);
    let (mut agents, mut all) = (BTreeSet::new(), BTreeMap::new());
    for (run, requests) in runs() {
        let plain = requests
            .iter()
            .any(|(_, _, body)| memchr::memmem::find(body, PROMPT.as_bytes()).is_some());
        if plain {
            agents.insert(run.parent().unwrap().file_name().unwrap().to_owned());
        }
        let left = left(&redactor, &requests, &texts);
        if !left.is_empty() {
            all.insert(run, left);
        }
    }
    assert!(agents.len() >= 4, "the prompt stands in the captures of {agents:?}");
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn what_belongs_to_several_classes_has_the_strictest_of_their_modes() {
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{
        "status":{"code":2,"message":"the tool said no"},"attributes":[
        {"key":"gen_ai.input.messages","value":{"stringValue":"a history"}},
        {"key":"prompt","value":{"stringValue":"a question"}}]}]}]}]}"#;
    let redacted = |classes: &[(Class, Mode)]| {
        let classes = classes.iter().copied().collect();
        let configuration = Configuration { classes, ..Configuration::default() };
        let redactor = Redactor::new(&configuration, Keys::ephemeral().unwrap()).unwrap();
        let mut request = request(Signal::Traces, Encoding::Json, body);
        let before = request.clone();
        redactor.redact(&mut request);
        let may = redactor.may_contain(Signal::Traces, Encoding::Json, body);
        assert!(may || request == before);
        let mut again = request.clone();
        assert!(redactor.redact(&mut again).is_empty());
        assert_eq!(again, request);
        let json = corpus::json(&request);
        ["a question", "a history", "the tool said no"].map(|text| json.contains(text))
    };
    assert_eq!(redacted(&[]), [true, true, true]);
    assert_eq!(redacted(&[(Class::Prompts, Mode::Hash)]), [false, false, true]);
    assert_eq!(redacted(&[(Class::Outputs, Mode::Hash)]), [true, false, false]);
    assert_eq!(redacted(&[(Class::Outputs, Mode::Drop)]), [true, false, false]);
    assert_eq!(redacted(&[(Class::Outputs, Mode::Keep)]), [true, true, true]);
    let both = [(Class::Prompts, Mode::Hash), (Class::Outputs, Mode::Keep)];
    assert_eq!(redacted(&both), [false, false, true]);
}
