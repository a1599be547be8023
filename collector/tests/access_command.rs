//! The program: what it refuses to start with, what it says, and the tokens it makes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::process::{Command, Output};

use blotter_collector::{ConfigFile, Scope};

fn collector(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blotter-collector"));
    command.args(arguments).env_remove("BLOTTER_CONFIG").env_remove("BLOTTER_DATA");
    command.output().unwrap()
}

#[test]
fn an_address_that_others_can_reach_is_refused_with_what_to_do_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data_text = data.to_str().unwrap();
    for option in ["--grpc", "--http"] {
        let output = collector(&["--data", data_text, option, "0.0.0.0:0"]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        for part in ["0.0.0.0:0", "TLS, and tokens or client certificates", "--insecure"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!data.exists());
    }
}

#[test]
fn a_token_is_shown_once_and_its_table_can_be_used_as_it_stands() {
    let output = collector(&[
        "token",
        "--name",
        "laptop",
        "--scope",
        "ingest",
        "--scope",
        "read",
        "--tenant",
        "acme",
        "--expires",
        "2099-01-31",
    ]);
    assert!(output.status.success(), "{output:?}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let (token, table) = stdout.split_once("\n\n").unwrap();
    assert!(token.starts_with("blt_") && token.len() == 47, "{token}");
    assert_eq!(stdout.matches(token).count(), 1);
    assert!(!String::from_utf8(output.stderr).unwrap().contains(token));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("collector.toml");
    std::fs::write(&file, table).unwrap();
    let read = ConfigFile::read(&file).unwrap();
    let [read] = read.access.tokens.as_slice() else { panic!("{table}") };
    assert_eq!((read.name.as_str(), read.tenant.as_deref()), ("laptop", Some("acme")));
    assert_eq!(read.scopes, [Scope::Ingest, Scope::Read]);
}

#[test]
fn a_token_that_the_configuration_would_refuse_is_not_made() {
    for arguments in [
        &["token", "--name", ""][..],
        &["token", "--name", "a", "--expires", "tomorrow"],
        &["token", "--name", "a", "--tenant", " "],
    ] {
        let output = collector(arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty());
    }
}
