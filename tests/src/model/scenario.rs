//! What the scripted model says, step by step, in the JSON of the captures' `asked.json`.

use serde::Deserialize;
use serde_json::{Value, json};

/// The answers of the model, in order; after the last it only says that it is done.
#[derive(Debug, Clone, Deserialize)]
pub struct Scenario {
    /// The n-th answers the n-th request.
    pub steps: Vec<Step>,
}

/// One answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A response with these items.
    Items(Vec<Item>),
    /// A refusal over HTTP.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// A stream that starts and then fails.
    Failed {
        /// The error object of `response.failed`.
        failed: Value,
    },
}

/// One thing that the model says or asks for.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// Text for the user.
    Message {
        /// The text.
        message: String,
    },
    /// A summary of its reasoning.
    Reasoning {
        /// The summary.
        reasoning: String,
    },
    /// A call of a tool with JSON arguments.
    Call {
        /// Name of the tool.
        call: String,
        /// Its arguments.
        args: Value,
        /// Namespace of the tool: an MCP server.
        #[serde(default)]
        namespace: Option<String>,
    },
    /// A call of a tool that takes free text.
    Custom {
        /// Name of the tool.
        custom: String,
        /// The text.
        input: String,
    },
}

impl Scenario {
    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

/// Id of the call that is the `index`-th item of step `step`.
#[must_use]
pub fn call_id(step: usize, index: usize) -> String {
    format!("call_scripted_{step:03}_{index}")
}

impl Item {
    /// The item as it stands in the output of a response.
    pub(super) fn output(&self, step: usize, index: usize) -> Value {
        match self {
            Self::Message { message } => json!({
                "type": "message", "id": format!("msg_{step}_{index}"), "role": "assistant",
                "status": "completed", "phase": "final_answer",
                "content": [{"type": "output_text", "text": message, "annotations": []}],
            }),
            Self::Reasoning { reasoning } => json!({
                "type": "reasoning", "id": format!("rs_{step}_{index}"),
                "summary": [{"type": "summary_text", "text": reasoning}],
            }),
            Self::Call { call, args, namespace } => {
                let mut item = json!({
                    "type": "function_call", "id": format!("fc_{step}_{index}"),
                    "call_id": call_id(step, index), "name": call,
                    "arguments": args.to_string(), "status": "completed",
                });
                if let (Some(namespace), Some(item)) = (namespace, item.as_object_mut()) {
                    item.insert("namespace".to_owned(), json!(namespace));
                }
                item
            }
            Self::Custom { custom, input } => json!({
                "type": "custom_tool_call", "id": format!("ctc_{step}_{index}"),
                "call_id": call_id(step, index), "name": custom, "input": input,
                "status": "completed",
            }),
        }
    }
}
