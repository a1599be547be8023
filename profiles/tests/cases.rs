//! The tables of cases in `tests/cases`: what a profile of some layers answers, under both semantics.
//!
//! A line of a table is `REQUEST => VERDICT`, for instance
//! `connect example.com ip=10.0.0.1 => deny (not_allowed_local)` or
//! `write /w/x => allow/deny @system.toml:3`: the second verdict is that of the documented semantics, the
//! reason and the place are those of the first answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::net::IpAddr;

use blotter_profiles::decide::{Connect, Resolution, parse_target};
use blotter_profiles::grants::{Grant, GrantKind};
use blotter_profiles::place::Tmpdir;
use blotter_profiles::profile::Access;
use blotter_profiles::{
    Decider, EffectiveProfile, Error, Layer, LayerKind, Place, Request, Requirements,
    RequirementsLayer, Semantics, Stack,
};
use toml_edit::{DocumentMut, Item, Table};

fn text<'a>(case: &'a Table, key: &str) -> Option<&'a str> {
    case.get(key).and_then(Item::as_str)
}

fn list(case: &Table, key: &str) -> Vec<String> {
    let values = case.get(key).and_then(Item::as_array);
    values.into_iter().flatten().map(|value| value.as_str().unwrap().to_owned()).collect()
}

fn table<'a>(case: &'a Table, key: &str) -> Vec<(&'a str, &'a Item)> {
    let table = case.get(key).and_then(Item::as_table_like);
    table.map(|table| table.iter().collect()).unwrap_or_default()
}

fn stack(case: &Table) -> Result<Stack, Error> {
    let mut layers = Vec::new();
    for (kind, item) in table(case, "layers") {
        let kind = LayerKind::ALL.into_iter().find(|known| known.as_str() == kind).expect(kind);
        layers.push(Layer::parse(kind, &format!("{kind}.toml"), item.as_str().unwrap())?);
    }
    for item in list(case, "untrusted") {
        layers.push(Layer::parse(LayerKind::Project, "project.toml", &item)?.untrusted());
    }
    let mut requirements = Vec::new();
    for (kind, item) in table(case, "requirements") {
        let name = format!("requirements_{kind}");
        let kind = LayerKind::ALL.into_iter().find(|known| known.as_str() == name).expect(kind);
        let file = text(case, "requirements_file").map_or(format!("{name}.toml"), str::to_owned);
        requirements.push(RequirementsLayer::parse(kind, &file, item.as_str().unwrap())?);
    }
    Stack::new(layers, Requirements::new(requirements))
}

fn effective(case: &Table, stack: &Stack) -> Result<EffectiveProfile, Error> {
    let name =
        text(case, "profile").map_or_else(|| stack.selected().profile.unwrap(), str::to_owned);
    let mut profile = stack.effective(&name)?;
    for (kind, item) in table(case, "grant") {
        let kind = match kind {
            "turn" => GrantKind::RequestedForTurn,
            "session" => GrantKind::RequestedForSession,
            "escalation" => GrantKind::ApprovedEscalation,
            "plugin" => GrantKind::Plugin,
            "skill" => GrantKind::Skill,
            other => panic!("no kind of grant: {other}"),
        };
        let mut grant = Grant::new(kind);
        for word in item.as_str().unwrap().split_whitespace() {
            match word.split_once('=') {
                Some(("host", host)) => grant.hosts.push(host.to_owned()),
                Some((path, word)) => {
                    grant.paths.push((path.to_owned(), Access::parse(word).unwrap()));
                }
                None if word == "network" => grant.network = true,
                None => panic!("no grant: {word}"),
            }
        }
        profile = profile.with_grant(&grant)?;
    }
    Ok(profile)
}

fn place(case: &Table) -> Place {
    Place {
        home: Some(text(case, "home").unwrap_or("/home/dev").to_owned()),
        tmpdir: text(case, "tmpdir").map_or(Tmpdir::Unset, |path| Tmpdir::At(path.to_owned())),
        ..Place::of(text(case, "project").unwrap_or("/w"))
    }
}

fn ask(decider: &Decider, name: &str, line: &str) {
    let (request, expected) = line.split_once(" => ").expect(line);
    let mut words = request.split_whitespace();
    let (action, target) = (words.next().unwrap(), words.next().unwrap());
    let (mut addresses, mut failed, mut method) = (Vec::<IpAddr>::new(), false, None);
    for word in words {
        match word.split_once('=').expect(line) {
            ("ip", "none") => failed = true,
            ("ip", address) => addresses.push(address.parse().unwrap()),
            ("method", word) => method = Some(word),
            other => panic!("{name}: {line}: {other:?}"),
        }
    }
    let request = match action {
        "read" => Request::Read(target),
        "write" => Request::Write(target),
        "list" => Request::List(target),
        "socket" => Request::Socket(target),
        "connect" => {
            let (host, port) = parse_target(target).unwrap();
            let resolution = if failed {
                Resolution::Failed
            } else if addresses.is_empty() {
                Resolution::Unknown
            } else {
                Resolution::Addresses(&addresses)
            };
            Request::Connect(Connect { host, port, method, resolution })
        }
        other => panic!("{name}: {line}: {other}"),
    };
    let codex = decider.decide(&request, Semantics::Codex);
    let documented = decider.decide(&request, Semantics::Documented);
    let said = format!(
        "{name}: {line}\n codex: {} ({:?}) {:?}\n documented: {} ({:?}) {:?}",
        codex.verdict,
        codex.reason,
        codex.rule.map(|rule| (rule.text(), rule.at().map(ToString::to_string))),
        documented.verdict,
        documented.reason,
        documented.rule.map(|rule| (rule.text(), rule.at().map(ToString::to_string))),
    );
    let mut expected = expected.split_whitespace();
    let verdicts = expected.next().unwrap();
    let (first, second) = verdicts.split_once('/').unwrap_or((verdicts, verdicts));
    assert_eq!(codex.verdict.as_str(), first, "{said}");
    assert_eq!(documented.verdict.as_str(), second, "{said}");
    for word in expected {
        if let Some(at) = word.strip_prefix('@') {
            let place = codex.rule.and_then(|rule| rule.at()).map(|at| at.place());
            assert_eq!(place.as_deref(), Some(at), "{said}");
        } else {
            let reason = serde_json::to_value(codex.reason).unwrap();
            assert_eq!(format!("({})", reason.as_str().unwrap()), word, "{said}");
        }
    }
}

/// Runs every case of a table; at least `least` of them, so that no table is skipped unseen.
fn run(file: &str, least: usize) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(file);
    let document: DocumentMut = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let mut asked = 0;
    for case in document["case"].as_array_of_tables().unwrap() {
        let name = text(case, "name").unwrap();
        if let Some(error) = text(case, "error") {
            let found = stack(case).and_then(|stack| effective(case, &stack)).map(|_| ());
            let message = found.expect_err(name).to_string();
            assert!(message.contains(error), "{name}: {message}");
            asked += 1;
            continue;
        }
        let stack = stack(case).unwrap_or_else(|error| panic!("{name}: {error}"));
        if let Some(selected) = text(case, "selected") {
            let found = stack.selected().profile;
            assert_eq!(found.as_deref().unwrap_or("legacy"), selected, "{name}");
            asked += 1;
        }
        let asks = list(case, "asks");
        if asks.is_empty() {
            continue;
        }
        let profile = effective(case, &stack).unwrap_or_else(|error| panic!("{name}: {error}"));
        let decider = Decider::new(profile, place(case)).unwrap();
        for line in asks {
            ask(&decider, name, &line);
            asked += 1;
        }
    }
    assert!(asked >= least, "{file}: only {asked} answers were checked");
}

#[test]
fn paths_are_decided_as_the_table_says() {
    run("paths.toml", 40);
}

#[test]
fn patterns_are_decided_as_the_table_says() {
    run("patterns.toml", 20);
}

#[test]
fn hosts_are_decided_as_the_table_says() {
    run("hosts.toml", 60);
}

#[test]
fn layers_are_put_together_as_the_table_says() {
    run("layers.toml", 20);
}

#[test]
fn requirements_hold_as_the_table_says() {
    run("requirements.toml", 25);
}

#[test]
fn what_has_no_meaning_is_refused_as_the_table_says() {
    run("errors.toml", 20);
}

#[test]
fn grants_go_on_top_as_the_table_says() {
    run("grants.toml", 12);
}
