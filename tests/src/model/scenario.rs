//! What the scripted model says, step by step, in the JSON of the captures' `asked.json`.

use serde::Deserialize;
use serde_json::{Value, json};

/// The answers of the model, in order; after the last it only says that it is done.
#[derive(Debug, Clone, Deserialize)]
pub struct Scenario {
    /// The n-th answers the n-th request of the agent.
    pub steps: Vec<Step>,
    /// The n-th answers the n-th request of its sub-agents.
    #[serde(default)]
    pub sub_agent: Vec<Step>,
    /// What the automated reviewer says whenever it is asked: a text as it stands, anything else as JSON.
    #[serde(default)]
    pub reviewer: Value,
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

/// Whose request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// The agent itself.
    Agent,
    /// One of its sub-agents.
    SubAgent,
    /// The automated reviewer of its calls.
    Reviewer,
}

/// The place of an answer in the scenario.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub asker: Asker,
    pub step: usize,
}

impl Scenario {
    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// When it is not one.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        Ok(serde_json::from_str(text)?)
    }

    /// The answer at `place`.
    pub(super) fn step(&self, place: Place) -> Step {
        let steps = match place.asker {
            Asker::Agent => &self.steps,
            Asker::SubAgent => &self.sub_agent,
            Asker::Reviewer => {
                let said = self.reviewer.as_str().map(str::to_owned);
                return Step::says(&said.unwrap_or_else(|| self.reviewer.to_string()));
            }
        };
        steps.get(place.step).cloned().unwrap_or_else(|| Step::says("done"))
    }
}

impl Step {
    /// An answer that is only this text.
    pub(super) fn says(message: &str) -> Self {
        Self::Items(vec![Item::Message { message: message.to_owned() }])
    }
}

/// Id of the call that is the `index`-th item of step `step`.
#[must_use]
pub fn call_id(step: usize, index: usize) -> String {
    Place { asker: Asker::Agent, step }.call_id(index)
}

/// The same of a step of a sub-agent.
#[must_use]
pub fn sub_agent_call_id(step: usize, index: usize) -> String {
    Place { asker: Asker::SubAgent, step }.call_id(index)
}

impl Place {
    pub(super) fn call_id(self, index: usize) -> String {
        let Self { asker, step } = self;
        match asker {
            Asker::Agent => format!("call_scripted_{step:03}_{index}"),
            Asker::SubAgent => format!("call_sub_agent_{step:03}_{index}"),
            Asker::Reviewer => format!("call_reviewer_{step:03}_{index}"),
        }
    }
}

impl Item {
    /// The item as it stands in the output of a response.
    pub(super) fn output(&self, place: Place, index: usize) -> Value {
        let id = |kind: &str| format!("{kind}_{:?}_{}_{index}", place.asker, place.step);
        match self {
            Self::Message { message } => json!({
                "type": "message", "id": id("msg"), "role": "assistant",
                "status": "completed", "phase": "final_answer",
                "content": [{"type": "output_text", "text": message, "annotations": []}],
            }),
            Self::Reasoning { reasoning } => json!({
                "type": "reasoning", "id": id("rs"),
                "summary": [{"type": "summary_text", "text": reasoning}],
            }),
            Self::Call { call, args, namespace } => {
                let mut item = json!({
                    "type": "function_call", "id": id("fc"),
                    "call_id": place.call_id(index), "name": call,
                    "arguments": args.to_string(), "status": "completed",
                });
                if let (Some(namespace), Some(item)) = (namespace, item.as_object_mut()) {
                    item.insert("namespace".to_owned(), json!(namespace));
                }
                item
            }
            Self::Custom { custom, input } => json!({
                "type": "custom_tool_call", "id": id("ctc"),
                "call_id": place.call_id(index), "name": custom, "input": input,
                "status": "completed",
            }),
        }
    }
}
