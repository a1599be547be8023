//! What is recorded is delivered, in order, or spooled, or counted as lost; and an agent that must be audited
//! does not act while it cannot be.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests fail by panicking"
)]

mod collector;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use blotter_disk::simulated::SimulatedDisk;
use blotter_instrumentation::{
    Agent, AgentBuilder, AuditMode, CallResult, ContentPolicy, Credential, DecidedBy, Decision,
    Error, Flushed, Identity, ProfileInEffect, Session, SubAgentLimits, Tool, Transport, TurnError,
};
use collector::{Collector, said};

const PATIENCE: Duration = Duration::from_secs(30);

fn agent(collector: &Collector) -> AgentBuilder {
    Agent::builder().name("tester").version("1").endpoint(collector.url())
}

fn session(agent: &Agent) -> Session {
    let profile = ProfileInEffect::new(":workspace", "b3:1").from_layer("user: config.toml");
    agent.session(Identity::user("ada"), profile, Transport::new("http"))
}

fn prompts(session: &Session, range: std::ops::Range<u32>) {
    for number in range {
        session.prompt(&number.to_string()).finish("");
    }
}

fn asked(collector: &Collector) -> Vec<String> {
    let logs = collector.logs();
    let prompts = logs.iter().filter(|log| log.event_name == "blotter.prompt");
    prompts.map(|log| said(&log.attributes, "blotter.prompt.text")).collect()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

fn outcomes(collector: &Collector) -> Vec<(String, String)> {
    let spans = collector.spans();
    let calls = spans.iter().filter(|span| span.name.starts_with("execute_tool"));
    let outcome = |span: &opentelemetry_proto::tonic::trace::v1::Span| {
        let said = |key| said(&span.attributes, key);
        (said("blotter.call.outcome"), said("error.type"))
    };
    calls.map(outcome).collect()
}

#[tokio::test]
async fn every_record_carries_what_holds_and_log_records_are_numbered() {
    let collector = Collector::start(200).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call("shell", "{}").unwrap();
    call.approval("run it?").decided(Decision::allow(DecidedBy::User));
    call.executing();
    call.executing();
    call.finish(CallResult::exited(0).output("done"));
    turn.finish("answer");
    let id = session.id().to_owned();
    session.end();
    assert_eq!(agent.flush_async(PATIENCE).await.unwrap(), Flushed::Delivered);
    assert_eq!(
        collector.names(),
        [
            "blotter.session.started",
            "blotter.prompt",
            "blotter.call.started",
            "blotter.approval.requested",
            "blotter.decision",
            "blotter.call.executing",
            "blotter.response",
            "blotter.session.ended",
        ]
    );
    let logs = collector.logs();
    let numbers: Vec<String> =
        logs.iter().map(|log| said(&log.attributes, "blotter.record.sequence")).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    let spans = collector.spans();
    assert_eq!(spans.len(), 2);
    let attributes = logs.iter().map(|log| &log.attributes);
    for attributes in attributes.chain(spans.iter().map(|span| &span.attributes)) {
        assert_eq!(said(attributes, "session.id"), id);
        assert_eq!(said(attributes, "blotter.profile.name"), ":workspace");
        assert_eq!(said(attributes, "blotter.transport"), "http");
        assert_eq!(said(attributes, "user.id"), "ada");
    }
    // The call lies within the turn, and its records within the call.
    let span = |name: &str| spans.iter().find(|span| span.name.starts_with(name)).unwrap();
    let (turn, call) = (span("invoke_agent"), span("execute_tool"));
    assert_eq!((&call.trace_id, &call.parent_span_id), (&turn.trace_id, &turn.span_id));
    assert_eq!(logs[4].span_id, call.span_id);
    agent.shutdown_async(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn what_is_recorded_while_the_collector_is_away_arrives_later_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(503).await;
    let agent = agent(&collector).spool(folder.path()).build().unwrap();
    let session = session(&agent);
    for range in [0..10, 10..20] {
        prompts(&session, range);
        assert_eq!(agent.flush_async(PATIENCE).await.unwrap(), Flushed::Spooled);
    }
    assert!(asked(&collector).is_empty());
    collector.answers(200);
    prompts(&session, 20..30);
    assert_eq!(agent.flush_async(PATIENCE).await.unwrap(), Flushed::Delivered);
    assert_eq!(asked(&collector), numbers(0..30));
    assert_eq!(files(folder.path()), 0, "what is delivered is not kept");
    drop(session);
    agent.shutdown_async(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn the_next_process_delivers_what_one_left_behind_before_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(503).await;
    let first = agent(&collector).spool(folder.path()).build().unwrap();
    let earlier = session(&first);
    prompts(&earlier, 0..5);
    drop(earlier);
    assert_eq!(first.shutdown_async(PATIENCE).await.unwrap(), Flushed::Spooled);
    assert!(files(folder.path()) > 0);
    collector.answers(200);
    let second = agent(&collector).spool(folder.path()).build().unwrap();
    let later = session(&second);
    prompts(&later, 5..10);
    assert_eq!(second.flush_async(PATIENCE).await.unwrap(), Flushed::Delivered);
    assert_eq!(asked(&collector), numbers(0..10));
    drop(later);
    second.shutdown_async(PATIENCE).await.unwrap();
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_full_spool_takes_no_more_and_the_loss_is_reported_when_the_collector_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(503).await;
    let agent = agent(&collector)
        .spool(folder.path())
        .spool_limit(16 << 10)
        .memory_limit(16 << 10)
        .build()
        .unwrap();
    let session = session(&agent);
    for number in 0..100 {
        prompts(&session, number..number + 1);
        if number % 5 == 0 {
            let _ = agent.flush_async(Duration::from_millis(100)).await;
        }
    }
    let size: u64 = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size <= 16 << 10, "{size} bytes");
    collector.answers(200);
    agent.flush_async(PATIENCE).await.unwrap();
    prompts(&session, 100..101);
    session.end();
    agent.shutdown_async(PATIENCE).await.unwrap();
    let logs = collector.logs();
    let dropped = logs.iter().filter(|log| log.event_name == "blotter.records.dropped");
    let dropped: u64 = dropped
        .map(|log| said(&log.attributes, "blotter.records.dropped").parse::<u64>().unwrap())
        .sum();
    // Each prompt is a log record and a span; the session has two records of its own.
    let arrived = logs.len() + collector.spans().len();
    let reports =
        collector.names().iter().filter(|name| *name == "blotter.records.dropped").count();
    assert_eq!(arrived - reports + usize::try_from(dropped).unwrap(), 2 * 101 + 2);
    assert!(dropped > 0);
    // What came first was kept.
    assert_eq!(asked(&collector)[..3], numbers(0..3));
}

#[tokio::test]
async fn a_guard_that_is_dropped_says_that_it_was_interrupted() {
    let collector = Collector::start(200).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    drop(turn.call("dropped", "{}").unwrap());
    let cancelled = async {
        let call = turn.call_async("cancelled", "{}").await.unwrap();
        std::future::pending::<()>().await;
        call.finish(CallResult::succeeded());
    };
    tokio::select! {
        biased;
        () = cancelled => {}
        () = tokio::task::yield_now() => {}
    }
    let panicking = turn.call("panicking", "{}").unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _call = panicking;
        panic!("as it may happen");
    }));
    assert!(panicked.is_err());
    drop(turn);
    drop(session);
    agent.shutdown_async(PATIENCE).await.unwrap();
    let interrupted = |why: &str| ("interrupted".to_owned(), why.to_owned());
    assert_eq!(
        outcomes(&collector),
        [interrupted("interrupted"), interrupted("interrupted"), interrupted("panic")]
    );
    let spans = collector.spans();
    let turn = spans.iter().find(|span| span.name.starts_with("invoke_agent")).unwrap();
    assert_eq!(said(&turn.attributes, "blotter.turn.outcome"), "interrupted");
    let end = collector.logs().pop().unwrap();
    assert_eq!(end.event_name, "blotter.session.ended");
    assert_eq!(said(&end.attributes, "error.type"), "interrupted");
}

#[test]
fn a_call_that_must_be_audited_is_on_the_disk_when_it_begins() {
    let disk = SimulatedDisk::new();
    let build = |disk: SimulatedDisk, endpoint: &str| {
        Agent::builder()
            .endpoint(endpoint)
            .spool("/spool")
            .disk(Arc::new(disk))
            .audit(AuditMode::Required)
            .build()
    };
    // Nobody listens there.
    let agent = build(disk.clone(), "http://127.0.0.1:9").unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call("shell", r#"{"command":"rm"}"#).unwrap();
    // The power fails at this moment.
    let after = disk.after_power_cut(7);
    std::mem::forget((call, turn, session));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let collector = Collector::start(200).await;
        let next = build(after, &collector.url()).unwrap();
        next.flush_async(PATIENCE).await.unwrap();
        let names = collector.names();
        assert_eq!(names, ["blotter.session.started", "blotter.prompt", "blotter.call.started"]);
        next.shutdown_async(PATIENCE).await.unwrap();
    });
}

#[test]
fn a_call_is_not_made_when_its_start_cannot_be_made_durable() {
    let disk = SimulatedDisk::new();
    let agent = Agent::builder()
        .endpoint("http://127.0.0.1:9")
        .spool("/spool")
        .disk(Arc::new(disk.clone()))
        .audit(AuditMode::Required)
        .build()
        .unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    turn.call("first", "{}").unwrap().finish(CallResult::succeeded());
    disk.cut_power_at(disk.operations() + 1);
    let refused = turn.call("second", "{}");
    assert!(matches!(refused, Err(Error::NotAudited { .. })), "it may not be made");
    drop((turn, session));
    let _ = agent.shutdown(Duration::from_secs(1));
}

#[test]
fn an_agent_that_must_be_audited_does_not_start_without_its_spool() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let spool = file.path().join("spool");
    let built = Agent::builder().spool(spool).audit(AuditMode::Required).build();
    assert!(matches!(built.map(|_| ()), Err(Error::Spool { .. })));
}

/// The collector runs on the one thread that the call waits on: did the call block it, neither would go on.
#[tokio::test(flavor = "current_thread")]
async fn waiting_for_an_acknowledgement_does_not_block_the_runtime() {
    let collector = Collector::start(200).await;
    let agent = agent(&collector).audit(AuditMode::Required).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call_async("shell", "{}").await.unwrap();
    assert!(collector.names().contains(&"blotter.call.started".to_owned()));
    call.finish(CallResult::succeeded());
    drop((turn, session));
    agent.shutdown_async(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn without_a_spool_a_call_waits_for_the_collector_and_gives_up() {
    let collector = Collector::start(503).await;
    let agent = agent(&collector)
        .audit(AuditMode::Required)
        .patience(Duration::from_millis(300))
        .build()
        .unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let refused = turn.call_async("shell", "{}").await;
    assert!(matches!(refused, Err(Error::NotAudited { .. })));
    collector.answers(200);
    drop((turn, session));
    agent.shutdown_async(PATIENCE).await.unwrap();
    // The trail says that the call was not made.
    assert_eq!(outcomes(&collector), [("refused".to_owned(), "refused".to_owned())]);
}

#[tokio::test]
async fn a_flush_ends_at_its_deadline() {
    // It takes connections and never answers.
    let collector = Collector::start(0).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let flushed = agent.flush_async(Duration::from_millis(200)).await;
    assert!(matches!(flushed, Err(Error::Deadline { .. })));
    drop(session);
    let shut = agent.shutdown_async(Duration::from_millis(200)).await;
    assert!(matches!(shut, Err(Error::Deadline { .. })));
}

#[test]
fn no_thread_is_left_behind() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ours = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let names = tasks
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|name| name.starts_with("blotter")).count()
    };
    let before = ours();
    let collector = runtime.block_on(Collector::start(503));
    let agent = agent(&collector).build().unwrap();
    // It has its name when it answers.
    let _ = runtime.block_on(agent.flush_async(PATIENCE));
    assert_eq!(ours(), before + 1);
    drop(session(&agent));
    let _ = runtime.block_on(agent.shutdown_async(Duration::from_millis(100)));
    assert_eq!(ours(), before);
}

#[tokio::test]
async fn no_secret_and_no_withheld_word_leaves_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(503).await;
    let key = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let agent = agent(&collector)
        .spool(folder.path())
        .audit(AuditMode::Required)
        .content(ContentPolicy::Full)
        .build()
        .unwrap();
    let identity = Identity::user("ada").credential(Credential::new(key.to_owned()));
    let session = agent.session(identity, ProfileInEffect::new("p", ""), Transport::new("http"));
    let turn = session.prompt("go");
    let call = turn.call_async("shell", &format!("curl -H 'token: {key}'")).await.unwrap();
    call.finish(CallResult::succeeded().output(key));
    turn.finish("");
    session.end();
    assert_eq!(agent.flush_async(PATIENCE).await.unwrap(), Flushed::Spooled);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()));
    }
    collector.answers(200);
    agent.shutdown_async(PATIENCE).await.unwrap();
    let start = &collector.logs()[0];
    assert_eq!(said(&start.attributes, "blotter.token.type"), "personal_access_token");
    let fingerprint = said(&start.attributes, "blotter.token.fingerprint");
    // The same secret has the same fingerprint where it was taken out of a command.
    let arguments = collector.logs()[2].clone();
    let arguments = said(&arguments.attributes, "gen_ai.tool.call.arguments");
    assert!(!fingerprint.is_empty() && arguments.contains(&fingerprint), "{arguments}");
}

#[tokio::test]
async fn a_sub_agent_says_whose_it_is_and_a_terminal_error_ends_a_turn() {
    let collector = Collector::start(200).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call("task", "{}").unwrap();
    let limits = SubAgentLimits { depth: Some(1), running: Some(2), threads: Some(6) };
    let child = session.child("reader", limits);
    let inner = child.prompt_within(&call, "look");
    let again = inner.error(TurnError::new("slow").http_status(429));
    assert!(again.is_yes() && inner.may_continue().is_yes());
    inner.error(TurnError::new("revoked").http_status(401));
    assert!(!inner.may_continue().is_yes());
    inner.finish("");
    child.end();
    call.finish(CallResult::succeeded());
    turn.finish("");
    let parent = session.id().to_owned();
    session.end();
    agent.shutdown_async(PATIENCE).await.unwrap();
    let logs = collector.logs();
    let started: Vec<_> =
        logs.iter().filter(|log| log.event_name == "blotter.session.started").collect();
    let child = &started[1].attributes;
    assert_eq!(said(child, "blotter.session.parent_id"), parent);
    assert_eq!(said(child, "gen_ai.agent.name"), "reader");
    assert_eq!(said(child, "blotter.session.depth"), "1");
    assert_eq!(said(child, "blotter.session.thread_limit"), "6");
    let spans = collector.spans();
    let failed = |span: &&opentelemetry_proto::tonic::trace::v1::Span| {
        said(&span.attributes, "blotter.turn.outcome") == "failed"
    };
    let inner = spans.iter().find(failed).unwrap();
    let call = spans.iter().find(|span| span.name.starts_with("execute_tool")).unwrap();
    assert_eq!(inner.parent_span_id, call.span_id);
}

#[tokio::test]
async fn a_request_to_an_mcp_server_carries_its_own_span() {
    let collector = Collector::start(200).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call(Tool::of_mcp_server("read", "files", "stdio"), "{}").unwrap();
    let request = call.mcp("files", "tools/call");
    let meta = request.meta();
    drop(request);
    call.finish(CallResult::failed("it broke off"));
    drop((turn, session));
    agent.shutdown_async(PATIENCE).await.unwrap();
    let spans = collector.spans();
    let request = spans.iter().find(|span| span.name == "tools/call read").unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parent = format!("00-{}-{}-01", hex(&request.trace_id), hex(&request.span_id));
    assert_eq!(meta, [("traceparent", parent)]);
    assert_eq!(said(&request.attributes, "error.type"), "interrupted");
    assert_eq!(said(&request.attributes, "blotter.mcp.transport"), "stdio");
    let call = spans.iter().find(|span| span.name == "execute_tool read").unwrap();
    assert_eq!(request.parent_span_id, call.span_id);
    assert_eq!(said(&call.attributes, "blotter.executor"), "mcp_server");
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn the_agents_own_spans_are_delivered_within_their_call() {
    use tracing_subscriber::layer::SubscriberExt as _;

    let collector = Collector::start(200).await;
    let agent = agent(&collector).build().unwrap();
    let session = session(&agent);
    let turn = session.prompt("go");
    let call = turn.call("shell", "{}").unwrap();
    let subscriber = tracing_subscriber::registry().with(agent.tracing_layer());
    tracing::subscriber::with_default(subscriber, || {
        let _attached = call.otel_context().attach();
        tracing::info_span!("spawn").in_scope(|| {});
    });
    call.finish(CallResult::succeeded());
    drop((turn, session));
    agent.shutdown_async(PATIENCE).await.unwrap();
    let spans = collector.spans();
    let span = |name: &str| spans.iter().find(|span| span.name.starts_with(name)).unwrap();
    assert_eq!(span("spawn").parent_span_id, span("execute_tool").span_id);
    assert_eq!(span("spawn").trace_id, span("execute_tool").trace_id);
}
