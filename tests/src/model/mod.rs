//! A scripted model: the OpenAI Responses API on a loopback port, answering from a [`Scenario`].

mod responses;
mod scenario;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use scenario::{Item, Scenario, Step, call_id};

/// A running model; it stops when dropped.
#[derive(Debug)]
pub struct Model {
    address: SocketAddr,
    script: Arc<Script>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Script {
    scenario: Scenario,
    requests: Mutex<Vec<Value>>,
}

impl Model {
    /// Starts the model on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(scenario: Scenario) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Script { scenario, requests: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(script.clone());
        let server = tokio::spawn(async move {
            // An error here ends the server; the agent's requests then fail and the test says so.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, script, server })
    }

    /// Base URL to configure in an agent.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of the requests for responses so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        self.script.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the agent told the model a call's outcome was: the text of its `function_call_output` or
    /// `custom_tool_call_output`.
    #[must_use]
    pub fn told_output(&self, call_id: &str) -> Option<String> {
        let requests = self.requests();
        let items =
            requests.iter().filter_map(|request| request.get("input")?.as_array()).flatten();
        let output = items
            .filter(|item| item.get("call_id").and_then(Value::as_str) == Some(call_id))
            .find_map(|item| item.get("output"))?;
        Some(output.as_str().map_or_else(|| output.to_string(), str::to_owned))
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let path = uri.path();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if method == Method::GET && path.ends_with("/models") {
        return reply(StatusCode::OK, &json!({"object": "list", "data": [], "models": []}));
    }
    if path.ends_with("/analytics/codex/turn-costs") {
        return reply(StatusCode::OK, &turn_costs(&body));
    }
    if method != Method::POST || !path.ends_with("/responses") {
        return failure(StatusCode::NOT_FOUND);
    }
    let model = body.get("model").cloned().unwrap_or_default();
    let number = {
        let mut requests = script.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(body);
        requests.len() - 1
    };
    let done = Step::Items(vec![Item::Message { message: "done".to_owned() }]);
    let step = script.scenario.steps.get(number).unwrap_or(&done);
    match (step, responses::stream(step, number, &model)) {
        (_, Some(events)) => response(StatusCode::OK, "text/event-stream", events),
        (Step::Status { status }, None) => {
            failure(StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        (_, None) => failure(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// A price for every turn asked about.
fn turn_costs(body: &Value) -> Value {
    let turns = body.get("turn_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let turns: Vec<Value> = turns
        .into_iter()
        .map(|id| {
            json!({
                "turn_id": id, "status": "priced", "total_usd": "0.0421000000", "event_count": 1,
                "model": "gpt-5.5", "speed": "standard", "reasoning_effort": "medium",
            })
        })
        .collect();
    json!({ "turns": turns })
}

fn failure(status: StatusCode) -> Response {
    reply(status, &json!({"error": {"message": "scripted failure", "code": "scripted"}}))
}

fn reply(status: StatusCode, body: &Value) -> Response {
    response(status, "application/json", body.to_string())
}

fn response(status: StatusCode, content_type: &str, body: String) -> Response {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body))
        .unwrap_or_default()
}
