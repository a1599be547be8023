//! What is in `deploy/` and in `docs/operation.md` is what a collector understands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use blotter_tests::binaries::binary;
use blotter_tests::guests::workspace;
use serde::Deserialize as _;
use serde_json::Value;

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(workspace().join(path)).with_context(|| path.to_owned())
}

fn collector(arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary("blotter-collector")?);
    for variable in ["BLOTTER_DATA", "BLOTTER_ARCHIVE", "BLOTTER_CONFIG"] {
        command.env_remove(variable);
    }
    Ok(command.args(arguments).output()?)
}

/// Has a collector read a configuration, as it would at its start.
fn is_configuration(text: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("collector.toml");
    std::fs::write(&file, text)?;
    let output = collector(&["--config", &file.to_string_lossy(), "--print-config"])?;
    ensure!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// All that the program explains of itself.
fn help() -> anyhow::Result<String> {
    let mut text = String::new();
    for command in ["", "status", "check", "drain"] {
        let mut arguments = vec!["--help"];
        arguments.splice(0..0, (!command.is_empty()).then_some(command));
        text.push_str(&String::from_utf8(collector(&arguments)?.stdout)?);
    }
    Ok(text)
}

/// Makes sure that flags and variables of ours are in the program's help.
fn is_known(text: &str, flags: &[&str]) -> anyhow::Result<()> {
    let help = help()?;
    let named = |text: &str, begins: &str| -> BTreeSet<String> {
        let words = text.split(|it: char| !(it.is_ascii_alphanumeric() || "-_".contains(it)));
        words.filter(|word| word.starts_with(begins)).map(str::to_owned).collect()
    };
    for flag in flags {
        ensure!(named(&help, "--").contains(*flag), "{flag} is no flag");
    }
    for variable in named(text, "BLOTTER_") {
        ensure!(help.contains(&format!("env: {variable}")), "{variable} is no variable of ours");
    }
    Ok(())
}

fn flags(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().filter(|word| word.starts_with("--")).collect()
}

#[test]
fn every_configuration_that_is_shown_is_one() -> anyhow::Result<()> {
    is_configuration(&read("deploy/systemd/collector.toml")?)?;
    is_configuration(&read("deploy/small.toml")?)?;
    let page = read("docs/operation.md")?;
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).collect();
    ensure!(!blocks.is_empty(), "docs/operation.md shows no configuration");
    for block in blocks {
        is_configuration(block.split("```").next().unwrap_or_default())?;
    }
    Ok(())
}

#[test]
fn every_setting_is_on_the_page_about_operation() -> anyhow::Result<()> {
    let page = read("docs/operation.md")?;
    let output = collector(&["--print-config", "--format", "json"])?;
    let settings: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    for setting in &settings {
        let key = setting["key"].as_str().unwrap_or_default();
        if ["redaction.", "forward", "access."].iter().any(|it| key.starts_with(it)) {
            continue;
        }
        ensure!(page.contains(&format!("`{key}`")), "docs/operation.md does not tell of `{key}`");
    }
    ensure!(settings.len() > 20, "{}", settings.len());
    Ok(())
}

#[test]
fn systemd_accepts_the_unit_and_finds_it_hardened() -> anyhow::Result<()> {
    let unit = read("deploy/systemd/blotter-collector.service")?;
    let commands = unit.lines().filter(|line| line.starts_with("ExecStart"));
    let used: Vec<&str> = commands.flat_map(flags).collect();
    ensure!(!used.is_empty(), "the unit starts nothing");
    is_known(&unit, &used)?;
    let Some(analyze) = on_path("systemd-analyze") else {
        println!("SKIPPED: no systemd-analyze here");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("blotter-collector.service");
    let program = binary("blotter-collector")?;
    std::fs::write(&file, unit.replace("/usr/bin/blotter-collector", &program.to_string_lossy()))?;
    for arguments in
        [&["verify", "--man=no"][..], &["security", "--offline=true", "--threshold=20"]]
    {
        let output = Command::new(&analyze).args(arguments).arg(&file).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {said}");
        ensure!(arguments[0] != "verify" || said.is_empty(), "{said}");
    }
    Ok(())
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[test]
fn the_container_file_starts_the_program_with_what_it_knows() -> anyhow::Result<()> {
    let text = read("deploy/container/Containerfile")?;
    is_known(&text, &[])?;
    ensure!(text.contains("\nUSER 10001:10001\n"), "it must not run as root");
    ensure!(text.contains("\nSTOPSIGNAL SIGTERM\n"), "it must end in order");
    Ok(())
}

#[test]
fn kubernetes_manifests_are_whole_and_hold_what_a_collector_understands() -> anyhow::Result<()> {
    let folder = workspace().join("deploy/kubernetes");
    let mut kinds = BTreeSet::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|it| it == "yaml") {
            manifests(&path, &mut kinds)?;
        }
    }
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    ensure!(kinds == ["ConfigMap", "Service", "StatefulSet"], "{kinds:?}");
    Ok(())
}

fn manifests(path: &Path, kinds: &mut BTreeSet<String>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(path)?;
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let it = Value::deserialize(document)?;
        let kind = it["kind"].as_str().context("a document without a kind")?;
        ensure!(it["apiVersion"].is_string() && it["metadata"]["name"].is_string(), "{kind}");
        kinds.insert(kind.to_owned());
        match kind {
            "ConfigMap" => {
                let files = it["data"].as_object().context("no data")?;
                for (name, content) in files {
                    is_configuration(content.as_str().context("not a text")?)
                        .with_context(|| name.clone())?;
                }
            }
            "StatefulSet" => workload(&it)?,
            _ => {}
        }
    }
    Ok(())
}

fn workload(it: &Value) -> anyhow::Result<()> {
    let labels = &it["spec"]["template"]["metadata"]["labels"];
    ensure!(it["spec"]["selector"]["matchLabels"] == *labels, "the selector finds other pods");
    let pod = &it["spec"]["template"]["spec"];
    ensure!(pod["securityContext"]["runAsNonRoot"] == true, "it may run as root");
    ensure!(pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", "no seccomp");
    ensure!(pod["automountServiceAccountToken"] == false, "it needs no token of the cluster");
    let containers = pod["containers"].as_array().context("no containers")?;
    for container in containers {
        let context = &container["securityContext"];
        ensure!(context["allowPrivilegeEscalation"] == false, "{context}");
        ensure!(context["readOnlyRootFilesystem"] == true, "{context}");
        ensure!(context["capabilities"]["drop"] == serde_json::json!(["ALL"]), "{context}");
        for (probe, path) in [
            ("startupProbe", "/healthz"),
            ("livenessProbe", "/healthz"),
            ("readinessProbe", "/readyz"),
        ] {
            let get = &container[probe]["httpGet"];
            ensure!(get["path"] == path && get["port"] == "http", "{probe}: {get}");
        }
        let ports = container["ports"].as_array().context("no ports")?;
        ensure!(ports.iter().any(|port| port["name"] == "http" && port["containerPort"] == 4318));
        let words = |list: &Value| -> Vec<String> {
            let words = list.as_array().into_iter().flatten();
            words.filter_map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let mut used = words(&container["args"]);
        used.extend(words(&container["lifecycle"]["preStop"]["exec"]["command"]));
        let used: Vec<&str> =
            used.iter().map(String::as_str).filter(|word| word.starts_with("--")).collect();
        is_known("", &used)?;
        ensure!(container["resources"]["limits"]["memory"].is_string(), "no limit of memory");
    }
    Ok(())
}
