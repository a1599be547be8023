//! Receipts of real runs against what really happened.

use blotter_tests::captures;
use blotter_tests::truth::file::Truth;
use blotter_tests::truth::{Trail, folders, score, score_folder, table, told};
use serde_json::json;

#[tokio::test]
async fn no_receipt_of_a_capture_states_what_is_not_true_and_what_the_trail_supports_is_stated()
-> anyhow::Result<()> {
    holds(Trail::Telemetry).await
}

#[tokio::test]
async fn the_agents_own_session_files_make_no_receipt_state_what_is_not_true() -> anyhow::Result<()>
{
    holds(Trail::WithRollouts).await
}

async fn holds(trail: Trail) -> anyhow::Result<()> {
    let mut scores = Vec::new();
    for folder in folders(&captures::folder())? {
        scores.push(score_folder(&folder, trail).await?);
    }
    let bad = table::counts(&scores).values().any(|count| !count.is_good());
    assert!(!bad, "{}", table::report(&scores));
    Ok(())
}

#[tokio::test]
async fn a_wrong_statement_and_one_that_is_left_out_are_told_apart() -> anyhow::Result<()> {
    let capture = captures::named("codex/01-exec-ok-workspace-write")?;
    let told = told(&capture.folder, Trail::Telemetry).await?;
    let scored = |text: &str| -> anyhow::Result<table::Count> {
        let scored = score::score("run", &Truth::parse(text)?, &told)?;
        Ok(table::counts(&[scored]).values().copied().next().unwrap_or_default())
    };
    let call =
        |facts: &str| format!("agent = \"codex\"\n[[call]]\nid = \"call_mock_000_1\"\n{facts}\n");
    let right = scored(&call("outcome = \"succeeded\"\nsupported = [\"outcome\"]"))?;
    assert!(right.is_good() && right.supported == 2, "{right:?}");
    let wrong = scored(&call("outcome = \"failed\"\nsupported = [\"outcome\"]"))?;
    assert_eq!(wrong.wrong, 1);
    let left_out = scored(&call("executor = \"local\"\nsupported = [\"executor\"]"))?;
    assert!(left_out.wrong == 0 && !left_out.is_good(), "{left_out:?}");
    let no_call = scored(
        "agent = \"codex\"\n[[call]]\nid = \"no\"\noutcome = \"failed\"\nsupported = [\"outcome\"]",
    )?;
    assert!(no_call.wrong == 0 && !no_call.is_good(), "{no_call:?}");
    assert!(scored(&call("no_such_fact = 1\nsupported = [\"no_such_fact\"]")).is_err());
    Ok(())
}

#[test]
fn a_truth_file_that_leaves_a_value_without_a_reason_is_refused() {
    let text = "[[call]]\nid = \"a\"\noutcome = \"failed\"\nsupported = []\n";
    assert!(Truth::parse(text).is_err());
    let text = format!("{text}outcome_note = \"no record says so\"\n");
    let truth = Truth::parse(&text).unwrap();
    let [call] = truth.calls.as_slice() else { panic!("one call") };
    assert_eq!(call.facts.get("outcome"), Some(&json!("failed")));
    assert!(Truth::parse("no_such_key = 1\n").is_err());
}
