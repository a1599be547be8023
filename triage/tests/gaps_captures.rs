//! What the rules find in what real agents really sent, held against what really happened
//! (`tests/captures/README.md`), and how `triage gaps` writes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helper functions of tests"
)]

mod captures;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use blotter_schemas::tables::Event;
use blotter_triage::gaps;
use blotter_triage::reconstruct::findings::{Finding, Severity};
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::{json, text};
use blotter_triage::trail;

/// Every capture that holds a session, such as `codex/03-mcp`.
fn every() -> Vec<String> {
    let mut names = Vec::new();
    for agent in std::fs::read_dir(captures::folder("")).unwrap().map(|entry| entry.unwrap()) {
        if !agent.path().is_dir() {
            continue;
        }
        for run in std::fs::read_dir(agent.path()).unwrap().map(|entry| entry.unwrap()) {
            let [agent, run] =
                [agent.file_name(), run.file_name()].map(|it| it.into_string().unwrap());
            names.push(format!("{agent}/{run}"));
        }
    }
    names.sort();
    names.retain(|name| captures::events(name).iter().any(|row| row.session_id.is_some()));
    names
}

fn at(name: &str, width: usize, full: bool) -> String {
    let session = captures::examined(name);
    let options = text::Options { width, colour: false, full };
    text::findings(&session, &gaps::family(&session), false, options)
}

#[test]
fn what_is_found_in_each_capture_is_as_reviewed() {
    let mut found = String::new();
    for name in every() {
        let session = captures::examined(&name);
        writeln!(found, "{name}").unwrap();
        for Finding { severity, rule, summary, .. } in gaps::family(&session) {
            writeln!(found, "    {severity} {rule}: {summary}").unwrap();
        }
    }
    insta::assert_snapshot!(found);
}

#[test]
fn every_finding_names_its_session_its_proof_and_when_it_is_harmless() {
    let mut rules = BTreeSet::new();
    for name in every() {
        let session = captures::examined(&name);
        let rows = captures::rows(&name);
        let known: BTreeSet<_> = rows
            .events
            .iter()
            .map(|row| row.event_id)
            .chain(rows.spans.iter().map(|row| row.event_id))
            .chain(rows.metrics.iter().map(|row| row.event_id))
            .collect();
        for finding in gaps::family(&session) {
            rules.insert(finding.rule);
            assert!(!finding.events.is_empty(), "{name}: {finding:?}");
            assert!(finding.events.iter().all(|id| known.contains(&id.0)), "{name}: {finding:?}");
            assert!(!finding.false_positive.is_empty() && !finding.summary.is_empty());
            for call in &finding.calls {
                assert!(call.starts_with(&finding.session_id), "{name}: {finding:?}");
            }
        }
    }
    assert!(rules.len() > 4, "{rules:?}");
}

#[test]
fn what_agents_leave_out_by_design_is_no_gap() {
    // Refused by a rule without a decision; refused without a result; refused by a hook without a result.
    for name in ["codex/05-rules-forbidden", "claude-code/03-denied", "claude-code/04-hooks"] {
        let session = captures::examined(name);
        let gaps: Vec<&Finding> =
            gaps::family(&session).into_iter().filter(|it| it.severity > Severity::Info).collect();
        assert!(gaps.is_empty(), "{name}: {gaps:?}");
    }
}

#[test]
fn a_refusal_logged_as_a_persons_under_policy_never_is_found() {
    let session = captures::examined("codex/03-mcp");
    let findings = gaps::family(&session);
    let mut refused = findings.iter().filter(|it| it.rule == "user_decision_with_nobody_to_ask");
    let finding = refused.next().unwrap();
    assert!(finding.summary.contains("refused by a person") && refused.next().is_none());
    // Nobody was asked: that is not told as what happened.
    assert!(!finding.summary.contains("config"), "{finding:?}");
}

/// Names of the rules that find something in the capture's session when `lost` rows are taken out.
fn without(name: &str, lost: impl Fn(&Event) -> bool) -> BTreeSet<&'static str> {
    let id = captures::session(name).session_id;
    let mut rows = captures::events(name);
    rows.retain(|row| !lost(row));
    let mut session = reconstruct(&id, &rows);
    trail::examine(&mut session, &rows, &captures::beside(name));
    gaps::family(&session).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_log_record_of_claude_code_that_is_taken_out_is_missed_but_the_last() {
    let name = "claude-code/03-denied";
    let rows = captures::events(name);
    let numbers: BTreeSet<i64> = rows.iter().filter_map(|row| row.sequence).collect();
    let last = *numbers.last().unwrap();
    for number in numbers {
        let found = without(name, |row| row.sequence == Some(number));
        assert_eq!(found.contains("sequence_hole"), number != last, "{number}: {found:?}");
    }
}

#[test]
fn a_result_that_is_taken_out_of_a_codex_session_is_missed_also_where_its_copy_on_a_span_stays() {
    let name = "codex/01-exec-ok-workspace-write";
    let second = |row: &Event| row.kind.as_deref() == Some("result") && row.sequence == Some(2);
    let found = without(name, second);
    assert!(
        found.contains("decision_without_result") && found.contains("sequence_hole"),
        "{found:?}"
    );
    let found = without(name, |row| second(row) && row.source.as_deref() == Some("otlp_log"));
    assert!(found.contains("sequence_hole"), "{found:?}");
    let found = without(name, |row| row.kind.as_deref() == Some("decision"));
    assert!(found.contains("result_without_decision"), "{found:?}");
}

#[test]
fn text_at_80_and_200_columns_is_as_reviewed() {
    for name in ["codex/02-denied-readonly", "codex/03-mcp", "codex/23-mtls"] {
        for width in [80, 200] {
            let file = format!("{}_{width}", name.replace('/', "_"));
            insta::assert_snapshot!(file, at(name, width, false));
        }
    }
    insta::assert_snapshot!("codex_03-mcp_full", at("codex/03-mcp", 80, true));
}

#[test]
fn json_is_one_finding_a_line_with_every_field() {
    let session = captures::examined("codex/03-mcp");
    let findings = gaps::family(&session);
    let lines = json::findings(&findings).unwrap();
    assert_eq!(lines.lines().count(), findings.len());
    for line in lines.lines() {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields: Vec<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = [
            "calls",
            "events",
            "false_positive",
            "rule",
            "session_id",
            "severity",
            "speakers",
            "summary",
        ];
        let sorted: BTreeSet<&str> = fields.into_iter().collect();
        assert_eq!(sorted, expected.into_iter().collect());
    }
    let rules = json::rules().unwrap();
    assert_eq!(rules.lines().count(), gaps::RULES.len());
}
