//! A tiny agent that leaves a whole audit trail: it runs commands, fetches from hosts that its proxy allows,
//! and calls tools of an MCP server.
//!
//! Instead of a model it has a script: one step a line, in JSON, on standard input.
//!
//! ```text
//! {"tool": "shell", "arguments": {"command": "echo hi"}, "why": "to greet", "by": "user"}
//! {"tool": "shell", "arguments": {"command": "rm -rf /"}, "deny": "not that one", "by": "reviewer"}
//! {"tool": "fetch", "arguments": {"host": "127.0.0.1", "port": 8080}, "by": "config"}
//! {"tool": "mcp:echo", "arguments": {"text": "hello"}, "by": "config"}
//! {"grant": "network", "scope": "session", "tool": "request_permissions", "by": "user"}
//! {"error": "revoked", "status": 401}
//! ```
//!
//! `cargo run -p blotter-instrumentation --example tiny -- --required --spool /tmp/spool < script`

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::error::Error;
use std::io::{BufRead, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use blotter_instrumentation::{
    Agent, AuditMode, Call, CallResult, Configuration, ConfigurationKind, Continuation, Credential,
    DecidedBy, Decision, Executor, Flushed, Identity, ProfileInEffect, ProxyDecision,
    SandboxOutcome, Scope, Tool, TraceContext, Transport, Turn, TurnError, Verdict,
};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Hosts that the agent's proxy lets through.
const ALLOWED: [&str; 1] = ["127.0.0.1"];
/// How long a shutdown may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the command line says.
#[derive(Default)]
struct Options {
    required: bool,
    spool: Option<String>,
    keys: Option<String>,
    mcp: Option<String>,
    instructions: Option<PathBuf>,
    prompt: String,
}

fn options() -> Outcome<Options> {
    let mut options = Options { prompt: "do the script".to_owned(), ..Options::default() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--required" => options.required = true,
            "--spool" => options.spool = Some(value()?),
            "--keys" => options.keys = Some(value()?),
            "--instructions" => options.instructions = Some(value()?.into()),
            "--mcp" => options.mcp = Some(value()?),
            "--prompt" => options.prompt = value()?,
            other => return Err(format!("unknown option {other}").into()),
        }
    }
    Ok(options)
}

fn main() -> Outcome<()> {
    let options = options()?;
    let mode = if options.required { AuditMode::Required } else { AuditMode::BestEffort };
    let mut builder = Agent::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        builder = builder.name("tiny");
    }
    builder = builder
        .version(env!("CARGO_PKG_VERSION"))
        .model("nobody", "a-script")
        .policies("on-request", "none")
        .executor(Executor::Standalone)
        .parent(TraceContext::from_environment())
        .audit(mode);
    if let Some(folder) = &options.spool {
        builder = builder.spool(folder);
    }
    if let Some(file) = &options.keys {
        builder = builder.keys(file);
    }
    let agent = builder.build()?;
    let key = std::env::var("TINY_API_KEY").unwrap_or_default();
    let identity = Identity::user("u-1")
        .email("ada@example.com")
        .account("acme")
        .auth_mode("api_key")
        .credential(Credential::new(key));
    let profile = ProfileInEffect::new(":workspace", "b3:0f1e").from_layer("user: config.toml");
    let session = agent.session(identity, profile, Transport::new("http"));
    say(&format!("session {}", session.id()));
    if let Some(file) = &options.instructions {
        let file = Configuration::of_path(ConfigurationKind::Instructions, file)?;
        session.configuration_loaded(file);
    }
    if let Some(server) = &options.mcp {
        let definition = json!({"command": server}).to_string();
        let kind = ConfigurationKind::McpServer;
        let files = Configuration::content(kind, "files", definition.as_bytes());
        session.configuration_loaded(files);
    }
    let turn = session.prompt(&options.prompt);
    let mut server = options.mcp.as_deref().map(McpServer::start).transpose()?;
    let mut done = 0;
    for line in std::io::stdin().lock().lines() {
        let step: Value = serde_json::from_str(&line?)?;
        if let Continuation::No { reason, advice } = turn.may_continue() {
            say(&format!("stopped: {reason}; {}", advice.as_str()));
            break;
        }
        take(&turn, &step, server.as_mut())?;
        done += 1;
    }
    turn.finish(&format!("{done} steps done"));
    session.end();
    match agent.shutdown(PATIENCE)? {
        Flushed::Delivered => say("delivered"),
        Flushed::Spooled => say("spooled"),
    }
    Ok(())
}

/// Tells whoever watches.
fn say(words: &str) {
    println!("{words}");
    let _ = std::io::stdout().flush();
}

fn text<'v>(step: &'v Value, name: &str) -> Option<&'v str> {
    step.get(name)?.as_str()
}

/// Takes one step of the script.
fn take(turn: &Turn, step: &Value, server: Option<&mut McpServer>) -> Outcome<()> {
    if let Some(message) = text(step, "error") {
        let status = step.get("status").and_then(Value::as_u64).unwrap_or(500);
        turn.error(TurnError::new(message).http_status(u16::try_from(status)?));
        return Ok(());
    }
    let name = text(step, "tool").ok_or("a step needs a tool")?;
    let arguments = step.get("arguments").cloned().unwrap_or(json!({}));
    let of_server = name.strip_prefix("mcp:");
    let mut tool = match of_server {
        Some(name) => Tool::of_mcp_server(name, "files", "stdio"),
        None => Tool::new(name),
    };
    if let Some(why) = text(step, "why") {
        tool = tool.because(why);
    }
    // With `AuditMode::Required` nothing is done before this is on the disk.
    let call = turn.call(tool, &arguments.to_string())?;
    say(&format!("call {}", call.id()));
    if !decide(&call, step) {
        call.finish(CallResult::refused("it was not allowed"));
        return Ok(());
    }
    let result = match (of_server, name) {
        (Some(tool), _) => ask_server(&call, server.ok_or("no --mcp")?, tool, &arguments)?,
        (None, "shell") => run(&call, text(&arguments, "command").unwrap_or("true"))?,
        (None, "fetch") => fetch(&call, &arguments)?,
        (None, "request_permissions") => {
            call.executing();
            grant(&call, step);
            CallResult::succeeded().output("granted")
        }
        (None, _) => CallResult::failed("there is no such tool"),
    };
    call.finish(result);
    Ok(())
}

/// What was decided about a call: a person is asked, everybody else just says it.
fn decide(call: &Call, step: &Value) -> bool {
    let by = match text(step, "by") {
        Some("user") => DecidedBy::User,
        Some("reviewer") => DecidedBy::Reviewer,
        Some("session_grant") => DecidedBy::SessionGrant,
        Some("hook") => DecidedBy::Hook,
        _ => DecidedBy::Config,
    };
    let decision = match text(step, "deny") {
        Some(why) => Decision::deny(by).because(why),
        None => Decision::allow(by),
    };
    if by == DecidedBy::User {
        return call.approval("may it be done?").decided(decision).is_allowed();
    }
    call.decided(decision.clone());
    decision.is_allowed()
}

fn grant(call: &Call, step: &Value) {
    let request = call.permission_requested(text(step, "grant").unwrap_or("network"));
    let scope = match text(step, "scope") {
        Some("session") => Scope::Session,
        Some("turn") => Scope::Turn,
        _ => Scope::Call,
    };
    request.granted(scope, Decision::allow(DecidedBy::User));
}

/// Really runs a command, in the trace of the call.
fn run(call: &Call, command: &str) -> Outcome<CallResult> {
    call.executing();
    call.sandbox(SandboxOutcome::None);
    say("executing");
    let output = Command::new("sh").args(["-c", command]).envs(call.environment()).output()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(match output.status.code() {
        Some(code) => CallResult::exited(code).output(words),
        None => CallResult::failed("ended by a signal").output(words),
    })
}

/// Fetches from a host that the proxy lets through.
fn fetch(call: &Call, arguments: &Value) -> Outcome<CallResult> {
    let host = text(arguments, "host").unwrap_or_default();
    let port = arguments.get("port").and_then(Value::as_u64).unwrap_or(80);
    let port = u16::try_from(port)?;
    call.sandbox(SandboxOutcome::None);
    if !ALLOWED.contains(&host) {
        let decision = ProxyDecision::new(host, port, Verdict::Deny);
        call.proxy(decision.because("not_allowed").over("http", Some("GET")));
        return Ok(CallResult::blocked(format!("the proxy does not let {host} through")));
    }
    let decision = ProxyDecision::new(host, port, Verdict::Allow);
    call.proxy(decision.because("allow").over("http", Some("GET")));
    call.executing();
    let mut stream = TcpStream::connect((host, port))?;
    stream.write_all(format!("GET / HTTP/1.0\r\nHost: {host}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(1 << 16).read_to_string(&mut answer)?;
    Ok(CallResult::succeeded().output(answer))
}

/// An MCP server over standard input and output.
struct McpServer {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last: u64,
}

impl McpServer {
    fn start(program: &str) -> Outcome<Self> {
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = child.stdin.take().ok_or("no standard input")?;
        let from = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut server = Self { child, to, from, last: 0 };
        let client = json!({"name": "tiny", "version": "0"});
        let hello =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
        server.ask("initialize", &hello)?;
        Ok(server)
    }

    fn ask(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.last += 1;
        let request =
            json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params});
        writeln!(self.to, "{request}")?;
        self.to.flush()?;
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Calls a tool of the server, which joins the trace.
fn ask_server(
    call: &Call,
    server: &mut McpServer,
    tool: &str,
    arguments: &Value,
) -> Outcome<CallResult> {
    call.sandbox(SandboxOutcome::None);
    let request = call.mcp("files", "tools/call");
    let meta: serde_json::Map<String, Value> =
        request.meta().into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let answer = server.ask("tools/call", &params)?;
    if let Some(error) = answer.get("error") {
        let code = error.get("code").map(Value::to_string).unwrap_or_default();
        request.failed(&code, text(error, "message").unwrap_or_default());
        return Ok(CallResult::failed("the server answered with an error"));
    }
    let words = answer.pointer("/result/content/0/text").and_then(Value::as_str);
    let words = words.unwrap_or_default();
    if answer.pointer("/result/isError").and_then(Value::as_bool) == Some(true) {
        request.failed("tool_error", "the tool says that it failed");
        return Ok(CallResult::failed("the tool says that it failed").output(words));
    }
    request.answered();
    Ok(CallResult::succeeded().output(words))
}
