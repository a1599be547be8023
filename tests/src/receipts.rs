//! What `triage receipt --format json` says about a call, held against what really happened.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::processes::triage;

/// The grades of a fact that states something.
const STATED: [&str; 3] = ["observed", "inferred", "contradicted"];

/// What a receipt must say of a fact that it knows nothing about.
pub const NOTHING: &str = "";

/// A receipt.
#[derive(Debug, Clone)]
pub struct Receipt(pub Value);

impl Receipt {
    /// The receipt of the call at `address`: `SESSION/CALL` or `SESSION/@n`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn of(archive: &Path, address: &str) -> anyhow::Result<Self> {
        let finished = triage(archive, ["receipt", address, "--format", "json"]).await?;
        ensure!(finished.exit_code == Some(0), "no receipt of {address}: {}", finished.stderr);
        let text = &finished.stdout;
        Ok(Self(serde_json::from_str(text).with_context(|| format!("not JSON: {text}"))?))
    }

    /// What it states about `fact`, as a text; [`NOTHING`] where it states nothing.
    #[must_use]
    pub fn says(&self, fact: &str) -> String {
        let fact = self.0.get(fact).unwrap_or(&Value::Null);
        let grade = fact.get("grade").and_then(Value::as_str).unwrap_or_default();
        if !STATED.contains(&grade) {
            return NOTHING.to_owned();
        }
        match fact.get("value").unwrap_or(&Value::Null) {
            Value::Null => NOTHING.to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(connections) => {
                connections.iter().map(connection).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        }
    }

    /// The facts that records disagree about.
    #[must_use]
    pub fn contradicted(&self) -> Vec<&str> {
        let facts = self.0.as_object().into_iter().flatten();
        let contradicted = facts
            .filter(|(_, fact)| fact.get("grade").is_some_and(|grade| grade == "contradicted"));
        contradicted.map(|(name, _)| name.as_str()).collect()
    }
}

/// `host:port decision`.
fn connection(connection: &Value) -> String {
    let text = |name: &str| match connection.get(name) {
        Some(Value::String(text)) => text.clone(),
        other => other.unwrap_or(&Value::Null).to_string(),
    };
    format!("{}:{} {}", text("host"), text("port"), text("decision"))
}

/// Whether the receipt of the call at `address` says exactly this, and no records disagree about it.
///
/// # Errors
/// When it says anything else: everything that is wrong is named, with the receipt.
pub async fn assert_receipt(
    archive: &Path,
    address: &str,
    truth: &[(&str, &str)],
) -> anyhow::Result<()> {
    assert_disputed_receipt(archive, address, truth, &[]).await
}

/// The same where records do disagree, about exactly the facts `disputed`.
///
/// # Errors
/// As for [`assert_receipt`].
pub async fn assert_disputed_receipt(
    archive: &Path,
    address: &str,
    truth: &[(&str, &str)],
    disputed: &[&str],
) -> anyhow::Result<()> {
    let receipt = Receipt::of(archive, address).await?;
    let wrong: Vec<String> = truth
        .iter()
        .map(|(fact, really)| (fact, really, receipt.says(fact)))
        .filter(|(_, really, says)| says != *really)
        .map(|(fact, really, says)| format!("{fact} is {really:?} and it says {says:?}"))
        .collect();
    let whole = &receipt.0;
    ensure!(wrong.is_empty(), "{address}: {}; {whole:#}", wrong.join("; "));
    let contradicted = receipt.contradicted();
    ensure!(
        contradicted == disputed,
        "{address}: records disagree about {contradicted:?}: {whole:#}"
    );
    Ok(())
}
