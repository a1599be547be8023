//! A scripted model on a loopback port, answering from a [`Scenario`]: the OpenAI Responses API, over
//! HTTP and WebSocket, and the APIs of Gemini, Anthropic Messages and OpenAI Chat Completions.

mod chat_completions;
mod generate_content;
mod messages;
mod responses;
mod scenario;
mod websocket;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use scenario::{Asker, Place};

pub use scenario::{Item, Scenario, Step, call_id, sub_agent_call_id};

/// Who asks, as Codex says of the requests that are not the agent's own.
const SUB_AGENT: &str = "x-openai-subagent";
const REVIEWER: &str = "guardian";

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
    requests: Mutex<Vec<Asked>>,
}

/// A request that the scenario answers.
#[derive(Debug)]
struct Asked {
    asker: Asker,
    channel: Channel,
    body: Value,
}

/// What a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Http,
    WebSocket,
}

impl Script {
    /// The place of the answer to a request of `asker`, which is kept.
    fn next(&self, asker: Asker, channel: Channel, body: Value) -> Place {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let step = requests.iter().filter(|earlier| earlier.asker == asker).count();
        requests.push(Asked { asker, channel, body });
        Place { asker, step }
    }
}

impl Model {
    /// Starts the model on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(scenario: Scenario) -> anyhow::Result<Self> {
        Self::start_with(|_| Ok(scenario)).await
    }

    /// The same with a scenario that speaks of where the model listens.
    ///
    /// # Errors
    /// When no port can be had, or there is no scenario.
    pub async fn start_with(
        scenario: impl FnOnce(SocketAddr) -> anyhow::Result<Scenario>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let scenario = scenario(address)?;
        let script = Arc::new(Script { scenario, requests: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(script.clone());
        let server = tokio::spawn(async move {
            // An error here ends the server; the agent's requests then fail and the test says so.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, script, server })
    }

    /// Where it listens, for an agent that knows the paths itself.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL to configure in an agent.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The bodies of the requests so far that the scenario answers, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        let requests = self.script.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().map(|asked| asked.body.clone()).collect()
    }

    /// How many of them came over a WebSocket.
    #[must_use]
    pub fn websocket_requests(&self) -> usize {
        let requests = self.script.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|asked| asked.channel == Channel::WebSocket).count()
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

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response {
    let asker = asker(request.headers());
    if websocket::is_asked_for(request.headers()) {
        return websocket::accept(script, asker, request);
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return failure(StatusCode::BAD_REQUEST);
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path();
    if parts.method == Method::GET && path.ends_with("/models") {
        return reply(StatusCode::OK, &json!({"object": "list", "data": [], "models": []}));
    }
    if path.ends_with("/analytics/codex/turn-costs") {
        return reply(StatusCode::OK, &turn_costs(&body));
    }
    if path.ends_with(":countTokens") {
        return reply(StatusCode::OK, &json!({"totalTokens": 100}));
    }
    if path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent") {
        return generated(&script, path, body);
    }
    if path.ends_with("/messages/count_tokens") {
        return reply(StatusCode::OK, &json!({"input_tokens": 100}));
    }
    if path.ends_with("/messages") {
        return messaged(&script, body);
    }
    if path.ends_with("/chat/completions") {
        return completed(&script, body);
    }
    if parts.method != Method::POST || !path.ends_with("/responses") {
        return failure(StatusCode::NOT_FOUND);
    }
    let model = body.get("model").cloned().unwrap_or_default();
    let place = script.next(asker, Channel::Http, body);
    let step = script.scenario.step(place);
    match responses::events(&step, place, &model) {
        Some(events) => {
            response(StatusCode::OK, "text/event-stream", responses::server_sent(&events))
        }
        None => refused(&step),
    }
}

fn asker(headers: &HeaderMap) -> Asker {
    match headers.get(SUB_AGENT).and_then(|value| value.to_str().ok()) {
        None => Asker::Agent,
        Some(REVIEWER) => Asker::Reviewer,
        Some(_) => Asker::SubAgent,
    }
}

/// An answer of the Gemini API.
fn generated(script: &Script, path: &str, body: Value) -> Response {
    let (number, step) = if generate_content::is_main(&body) {
        let place = script.next(Asker::Agent, Channel::Http, body);
        (place.step, script.scenario.step(place))
    } else {
        (0, generate_content::aside())
    };
    match generate_content::body(&step, number, path) {
        Some(body) if path.ends_with(":streamGenerateContent") => {
            response(StatusCode::OK, "text/event-stream", format!("data: {body}\r\n\r\n"))
        }
        Some(body) => reply(StatusCode::OK, &body),
        None => refused(&step),
    }
}

/// An answer of the Messages API.
fn messaged(script: &Script, body: Value) -> Response {
    let (model, streams) = (body.get("model").cloned().unwrap_or_default(), streams(&body));
    let (place, step) = next_with_tools(script, body);
    match messages::blocks(&step, place) {
        Some(blocks) if streams => {
            let events = messages::events(&blocks, place.step, &model);
            response(StatusCode::OK, "text/event-stream", responses::server_sent(&events))
        }
        Some(blocks) => reply(StatusCode::OK, &messages::whole(&blocks, place.step, &model)),
        None => refused(&step),
    }
}

/// An answer of the Chat Completions API.
fn completed(script: &Script, body: Value) -> Response {
    let (model, streams) = (body.get("model").cloned().unwrap_or_default(), streams(&body));
    let (place, step) = next_with_tools(script, body);
    match chat_completions::Answer::new(&step, place, &model) {
        Some(answer) if streams => response(StatusCode::OK, "text/event-stream", answer.stream()),
        Some(answer) => reply(StatusCode::OK, &answer.whole()),
        None => refused(&step),
    }
}

fn streams(body: &Value) -> bool {
    body.get("stream").and_then(Value::as_bool).unwrap_or_default()
}

/// The next answer; a request without tools only asks something aside, such as for a title.
fn next_with_tools(script: &Script, body: Value) -> (Place, Step) {
    let tools = body.get("tools").and_then(Value::as_array);
    if tools.is_none_or(Vec::is_empty) {
        return (Place { asker: Asker::Agent, step: 0 }, Step::says("aside"));
    }
    let place = script.next(Asker::Agent, Channel::Http, body);
    (place, script.scenario.step(place))
}

fn refused(step: &Step) -> Response {
    let status = match step {
        Step::Status { status } => StatusCode::from_u16(*status).ok(),
        Step::Items(_) | Step::Failed { .. } => None,
    };
    failure(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
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
