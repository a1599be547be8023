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

    /// What it states about `fact`, how well that is supported, and why.
    fn grounds(&self, fact: &str) -> String {
        let field = |name: &str| {
            let field = self.0.get(fact).and_then(|fact| fact.get(name)).and_then(Value::as_str);
            field.unwrap_or_default()
        };
        format!("it says {:?} ({}; {})", self.says(fact), field("grade"), field("why"))
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

/// What really happened in a session, call by call.
#[derive(Debug)]
pub struct Truth {
    session: String,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    address: String,
    facts: Vec<(String, String)>,
    disputed: Vec<String>,
}

impl Truth {
    /// Of the session with this id, nothing yet.
    #[must_use]
    pub fn of(session: &str) -> Self {
        Self { session: session.to_owned(), calls: Vec::new() }
    }

    /// The id of the session.
    #[must_use]
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The call with this id, or `@n`, in the session: each fact with its true value.
    pub fn call(&mut self, call: &str, facts: &[(&str, &str)]) {
        self.disputed_call(call, facts, &[]);
    }

    /// The same of a call about which the records disagree: about exactly the facts `disputed`.
    pub fn disputed_call(&mut self, call: &str, facts: &[(&str, &str)], disputed: &[&str]) {
        let address = format!("{}/{call}", self.session);
        self.add(address, facts, disputed);
    }

    /// A call of another session, at `address`.
    pub fn elsewhere(&mut self, address: &str, facts: &[(&str, &str)]) {
        self.add(address.to_owned(), facts, &[]);
    }

    fn add(&mut self, address: String, facts: &[(&str, &str)], disputed: &[&str]) {
        let owned = |(fact, really): &(&str, &str)| ((*fact).to_owned(), (*really).to_owned());
        self.calls.push(Call {
            address,
            facts: facts.iter().map(owned).collect(),
            disputed: disputed.iter().map(|fact| (*fact).to_owned()).collect(),
        });
    }

    /// Whether the receipts of the archive say exactly this.
    ///
    /// # Errors
    /// When one says anything else, or that records disagree where they do not: everything that is
    /// wrong is named.
    pub async fn held_by(&self, archive: &Path) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for call in &self.calls {
            let receipt = Receipt::of(archive, &call.address).await?;
            let before = wrong.len();
            for (fact, really) in &call.facts {
                if receipt.says(fact) != *really {
                    wrong.push(format!("  {fact} is {really:?}: {}", receipt.grounds(fact)));
                }
            }
            let contradicted = receipt.contradicted();
            if contradicted != call.disputed {
                wrong.push(format!("  records disagree about {contradicted:?}"));
            }
            if wrong.len() > before {
                wrong.insert(before, call.address.clone());
            }
        }
        ensure!(wrong.is_empty(), "wrong receipts:\n{}", wrong.join("\n"));
        Ok(())
    }
}
