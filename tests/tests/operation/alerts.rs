//! The alert rules: promtool likes them, their own tests hold, and every metric in them is there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use blotter_tests::guests::{installed, workspace};
use blotter_tests::operation::{families, metrics};
use blotter_tests::processes::Daemon;

fn alerts() -> PathBuf {
    workspace().join("dashboards/alerts")
}

fn promtool(arguments: &[&str]) -> anyhow::Result<()> {
    let Some(promtool) = installed("prometheus/usr/bin/promtool")? else { return Ok(()) };
    let output = Command::new(promtool).args(arguments).current_dir(alerts()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn promtool_accepts_the_rules() -> anyhow::Result<()> {
    promtool(&["check", "rules", "--lint-fatal", "blotter-collector.rules.yaml"])
}

#[test]
fn each_rule_fires_when_it_should_and_not_on_a_healthy_collector() -> anyhow::Result<()> {
    promtool(&["test", "rules", "blotter-collector.tests.yaml"])?;
    let read = |name: &str| std::fs::read_to_string(alerts().join(name));
    let (rules, tests) =
        (read("blotter-collector.rules.yaml")?, read("blotter-collector.tests.yaml")?);
    let named = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in named {
        let healthy = format!("{{ eval_time: 50m, alertname: {alert} }}");
        ensure!(tests.contains(&healthy), "{alert} is not tried on a healthy collector");
        let fires = format!("- eval_time: 50m\n        alertname: {alert}\n        exp_alerts:");
        ensure!(tests.contains(&fires), "{alert} is not made to fire");
    }
    Ok(())
}

#[tokio::test]
async fn every_metric_of_an_alert_is_one_that_a_collector_has() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let mut collector = Daemon::collector(data.path())?;
    let text = metrics(collector.addresses().await?.http).await?;
    let there = families(&text);
    let rules = std::fs::read_to_string(alerts().join("blotter-collector.rules.yaml"))?;
    let words = rules.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let named: BTreeSet<&str> =
        words.filter(|word| word.starts_with("blotter_collector_")).collect();
    ensure!(named.len() > 10, "{named:?}");
    for name in named {
        ensure!(there.contains(name), "{name} is in an alert and not in /metrics");
    }
    let status = collector.terminate().await?;
    status.success().then_some(()).context("it did not end well")
}
