//! The Gemini API: an answer as the one chunk of `streamGenerateContent`, or as `generateContent`.

use serde_json::{Value, json};

use super::scenario::{Item, Step};

/// What the model says to the agent's side questions (which model to take, who speaks next).
const ASIDE: &str = r#"{"reasoning": "scripted", "model_choice": "flash", "next_speaker": "user", "complexity_score": 10, "complexity_reasoning": "scripted"}"#;

/// Whether a request is one of the agent's own: those that only ask something aside declare no tools.
pub(super) fn is_main(body: &Value) -> bool {
    let tools = body.get("tools").and_then(Value::as_array);
    tools.is_some_and(|tools| tools.iter().any(|tool| tool.get("functionDeclarations").is_some()))
}

/// The answer to a side question.
pub(super) fn aside() -> Step {
    Step::says(ASIDE)
}

/// The body that gives `step`; none for a step that is no answer.
pub(super) fn body(step: &Step, number: usize, path: &str) -> Option<Value> {
    let Step::Items(items) = step else { return None };
    let parts: Vec<Value> = items.iter().filter_map(part).collect();
    let (_, model) = path.split_once("/models/").unwrap_or_default();
    let (model, _) = model.split_once(':').unwrap_or_default();
    Some(json!({
        "candidates": [
            {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0},
        ],
        "responseId": format!("resp_scripted_{number}"),
        "modelVersion": model,
        "usageMetadata": {
            "promptTokenCount": 1_200 + number, "candidatesTokenCount": 42,
            "totalTokenCount": 1_249 + number, "cachedContentTokenCount": 800,
            "thoughtsTokenCount": 7,
        },
    }))
}

fn part(item: &Item) -> Option<Value> {
    match item {
        Item::Message { message } => Some(json!({"text": message})),
        Item::Call { call, args, .. } => {
            Some(json!({"functionCall": {"name": call, "args": args}}))
        }
        Item::Reasoning { .. } | Item::Custom { .. } => None,
    }
}
