//! `codex app-server`: a session in which a person answers, spoken to in JSON-RPC over its standard
//! input and output.

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::{Codex, Home};
use crate::agents::isolated::TIMEOUT;

/// How often a file is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// A person's answer to a question of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes, this once.
    Accept,
    /// Yes, and do not ask again in this session.
    AcceptForSession,
    /// Yes, and add the rule that the agent proposes.
    Amend,
    /// No; go on.
    Decline,
    /// No; stop the turn.
    Cancel,
    /// What is asked for, until the turn ends.
    GrantForTurn,
    /// What is asked for, until the session ends.
    GrantForSession,
    /// Nothing of what is asked for.
    GrantNothing,
}

/// A finished turn.
#[derive(Debug)]
pub struct Turn {
    /// Its status, in the agent's words: `completed`, `interrupted`, `failed`.
    pub status: String,
    /// The calls that a person was asked about, in order; none where the question names no call.
    pub asked: Vec<Option<String>>,
}

/// A running app-server with one session.
#[derive(Debug)]
pub struct AppServer {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: PathBuf,
    home: Home,
    next_id: u64,
    thread: String,
    answers: VecDeque<Answer>,
    asked: Vec<Option<String>>,
}

impl AppServer {
    /// Starts it with a session under this approval policy and sandbox.
    ///
    /// # Errors
    /// When it cannot be started or refuses the session.
    pub async fn start(
        codex: &Codex,
        home: Home,
        approval_policy: &str,
        sandbox: &str,
    ) -> anyhow::Result<Self> {
        let stderr = home.path().join("app-server.stderr");
        let mut command = home.command(codex);
        command.arg("app-server").stdin(Stdio::piped()).stderr(File::create(&stderr)?);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().context("no standard input")?;
        let stdout = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        let mut server = Self {
            child,
            stdin,
            stdout,
            stderr,
            home,
            next_id: 0,
            thread: String::new(),
            answers: VecDeque::new(),
            asked: Vec::new(),
        };
        let client = json!({"name": "scripted_person", "title": "Scripted", "version": "0.0.1"});
        let capabilities = json!({"experimentalApi": true});
        server
            .request("initialize", json!({"clientInfo": client, "capabilities": capabilities}))
            .await?;
        server.send(&json!({"method": "initialized"})).await?;
        let folder = server.folder().to_path_buf();
        let started = server
            .request(
                "thread/start",
                json!({"cwd": folder, "approvalPolicy": approval_policy, "sandbox": sandbox}),
            )
            .await?;
        let id = started.pointer("/thread/id").and_then(Value::as_str);
        server.thread = id.context("a session without an id")?.to_owned();
        Ok(server)
    }

    /// The session's id.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.thread
    }

    /// The working folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// Gives the agent `prompt` and answers its questions, in order, until the turn ends.
    ///
    /// # Errors
    /// When it asks more often than there are answers, or less often, or does not end.
    pub async fn turn(&mut self, prompt: &str, answers: &[Answer]) -> anyhow::Result<Turn> {
        self.answers = answers.iter().copied().collect();
        self.begin(prompt).await?;
        self.end_of_turn().await
    }

    /// Gives the agent `prompt`, and interrupts the turn as soon as the file `once` is there.
    ///
    /// # Errors
    /// When it asks, or the file or the end of the turn does not come.
    pub async fn interrupted_turn(&mut self, prompt: &str, once: &Path) -> anyhow::Result<Turn> {
        self.answers.clear();
        let turn = self.begin(prompt).await?;
        let there = async {
            while !once.exists() {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(TIMEOUT, there).await.context("the command did not start")?;
        let interrupt = json!({"threadId": self.thread, "turnId": turn});
        self.request("turn/interrupt", interrupt).await?;
        self.end_of_turn().await
    }

    /// Ends it as a client does that goes away, and waits for it to export what it still holds.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn end(self) -> anyhow::Result<ExitStatus> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        let status = tokio::time::timeout(TIMEOUT, child.wait()).await;
        Ok(status.context("codex app-server did not end")??)
    }

    /// Starts a turn; its id.
    async fn begin(&mut self, prompt: &str) -> anyhow::Result<Value> {
        let input = json!([{"type": "text", "text": prompt}]);
        let begun =
            self.request("turn/start", json!({"threadId": self.thread, "input": input})).await?;
        begun.pointer("/turn/id").cloned().context("a turn without an id")
    }

    async fn end_of_turn(&mut self) -> anyhow::Result<Turn> {
        let ended = self.until(|message| message.get("method") == Some(&json!("turn/completed")));
        let ended = ended.await?;
        let status = ended.pointer("/params/turn/status").and_then(Value::as_str);
        let status = status.unwrap_or_default().to_owned();
        if !self.answers.is_empty() {
            bail!("nobody asked for {:?}; the turn is {status}", self.answers);
        }
        Ok(Turn { status, asked: std::mem::take(&mut self.asked) })
    }

    /// The result of a request.
    async fn request(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.next_id += 1;
        let id = json!(self.next_id);
        self.send(&json!({"id": id, "method": method, "params": params})).await?;
        let answer =
            self.until(|message| message.get("id") == Some(&id) && message.get("method").is_none());
        let answer = answer.await?;
        answer.get("result").cloned().with_context(|| format!("{method} was refused: {answer}"))
    }

    /// The next message that is wanted; questions that come meanwhile are answered.
    async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let search = async {
            while let Some(line) = self.stdout.next_line().await? {
                let message: Value =
                    serde_json::from_str(&line).with_context(|| format!("not JSON: {line}"))?;
                if let (Some(id), Some(method)) =
                    (message.get("id"), message.get("method").and_then(Value::as_str))
                {
                    let params = message.get("params").unwrap_or(&Value::Null);
                    let answer = self.answer(method, params)?;
                    self.send(&json!({"id": id, "result": answer})).await?;
                } else if wanted(&message) {
                    return Ok(message);
                }
            }
            let said = std::fs::read_to_string(&self.stderr).unwrap_or_default();
            bail!("codex app-server ended: {said}")
        };
        tokio::time::timeout(TIMEOUT, search).await.context("codex app-server says nothing")?
    }

    /// The person's next answer, in the words that the question wants.
    fn answer(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        let Some(answer) = self.answers.pop_front() else {
            bail!("nobody is there to answer {method}: {params}");
        };
        self.asked.push(params.get("itemId").and_then(Value::as_str).map(str::to_owned));
        let said = match method {
            "item/commandExecution/requestApproval" | "item/fileChange/requestApproval" => {
                decision(answer, params)
            }
            "mcpServer/elicitation/request" => elicited(answer),
            "item/permissions/requestApproval" => granted(answer, params),
            _ => None,
        };
        said.with_context(|| format!("{answer:?} is no answer to {method}"))
    }

    async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        self.stdin.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }
}

/// An answer to "may this command run, may this file be changed?"
fn decision(answer: Answer, params: &Value) -> Option<Value> {
    let decision = match answer {
        Answer::Accept => json!("accept"),
        Answer::AcceptForSession => json!("acceptForSession"),
        Answer::Decline => json!("decline"),
        Answer::Cancel => json!("cancel"),
        Answer::Amend => {
            let proposed = params.get("proposedExecpolicyAmendment")?;
            json!({"acceptWithExecpolicyAmendment": {"execpolicy_amendment": proposed}})
        }
        Answer::GrantForTurn | Answer::GrantForSession | Answer::GrantNothing => return None,
    };
    Some(json!({"decision": decision}))
}

/// An answer to "may this MCP server be called?"
fn elicited(answer: Answer) -> Option<Value> {
    match answer {
        Answer::Accept => Some(json!({"action": "accept", "content": {}})),
        Answer::AcceptForSession => {
            Some(json!({"action": "accept", "content": {}, "_meta": {"persist": "session"}}))
        }
        Answer::Decline => Some(json!({"action": "decline", "content": null})),
        Answer::Cancel => Some(json!({"action": "cancel", "content": null})),
        Answer::Amend | Answer::GrantForTurn | Answer::GrantForSession | Answer::GrantNothing => {
            None
        }
    }
}

/// An answer to "may I do more than the sandbox allows?"
fn granted(answer: Answer, params: &Value) -> Option<Value> {
    let wanted = params.get("permissions")?;
    match answer {
        Answer::GrantForTurn => Some(json!({"permissions": wanted, "scope": "turn"})),
        Answer::GrantForSession => Some(json!({"permissions": wanted, "scope": "session"})),
        Answer::GrantNothing => Some(json!({"permissions": {}, "scope": "turn"})),
        _ => None,
    }
}
