//! Fields of a call's arguments.

use serde_json::{Map, Value};

use crate::fact::Fact;
use crate::reconstruct::model::Call;

/// Longest arguments that are taken apart, in bytes.
const LIMIT: usize = 1 << 20;
/// The field in which several agents ask the model what a command is for.
const DESCRIPTION: &str = "description";

/// A field of the arguments, where they are a JSON object that is not too large to be read.
pub(super) fn argument(call: &Call, name: &str) -> Option<String> {
    let arguments = call.arguments.value.as_deref().filter(|text| text.len() <= LIMIT)?;
    let object: Map<String, Value> = serde_json::from_str(arguments).ok()?;
    object.get(name)?.as_str().map(str::to_owned)
}

/// What the model says a command is for.
pub(super) fn description(call: &Call) -> Option<Fact<String>> {
    let words = argument(call, DESCRIPTION).filter(|words| !words.is_empty())?;
    Some(Fact::observed(words, call.arguments.events.clone()))
}
