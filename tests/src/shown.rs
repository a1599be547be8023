//! What `triage show --format json` says, taken apart.

use anyhow::Context as _;
use serde_json::Value;

/// A document of `triage show --format json`.
#[derive(Debug, Clone)]
pub struct Shown(pub Value);

impl Shown {
    /// Reads what the command printed.
    ///
    /// # Errors
    /// When it is no JSON document.
    pub fn read(stdout: &str) -> anyhow::Result<Self> {
        Ok(Self(serde_json::from_str(stdout).with_context(|| format!("not JSON: {stdout}"))?))
    }

    /// Every call, in order, those within others too.
    #[must_use]
    pub fn calls(&self) -> Vec<&Value> {
        // A receipt, which has a format of its own, names its call too.
        self.objects(&|object| {
            object.get("call_id").is_some_and(Value::is_string) && object.get("format").is_none()
        })
    }

    /// The call of this id.
    ///
    /// # Errors
    /// When there is none.
    pub fn call(&self, call_id: &str) -> anyhow::Result<&Value> {
        let found = self.calls().into_iter().find(|call| call["call_id"] == call_id);
        found.with_context(|| format!("call {call_id} is not shown: {:#}", self.0))
    }

    /// Every entry that is no call: responses, errors, ...
    #[must_use]
    pub fn notes(&self) -> Vec<&Value> {
        self.objects(&|object| object.get("type").is_some_and(|kind| kind == "note"))
    }

    fn objects(&self, wanted: &dyn Fn(&Value) -> bool) -> Vec<&Value> {
        fn walk<'a>(value: &'a Value, wanted: &dyn Fn(&Value) -> bool, found: &mut Vec<&'a Value>) {
            if wanted(value) {
                found.push(value);
            }
            match value {
                Value::Array(items) => items.iter().for_each(|item| walk(item, wanted, found)),
                Value::Object(fields) => {
                    fields.values().for_each(|field| walk(field, wanted, found));
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        walk(&self.0, wanted, &mut found);
        found
    }
}

/// What a fact states; null where nothing is known.
#[must_use]
pub fn stated(fact: &Value) -> &Value {
    fact.get("value").unwrap_or(&Value::Null)
}
