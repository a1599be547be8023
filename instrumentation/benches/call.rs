//! What a call costs the agent's thread: its start, six events, and its end.
//!
//! `cargo bench -p blotter-instrumentation` prints a table of Markdown. Time is that of the agent's thread on
//! the processor, and from call to return; it is taken over many calls between two flushes, which are not
//! counted. Allocations are those of the whole process while the delivery thread sleeps; in the modes in
//! which it cannot sleep they are left out.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench"
)]

#[path = "../tests/delivery/collector.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod collector;

use std::alloc::System;
use std::hint::black_box;
use std::time::{Duration, Instant};

use blotter_instrumentation::{
    Agent, AgentBuilder, AuditMode, DecidedBy, Decision, Executor, Identity, ProfileInEffect,
    ProxyDecision, SandboxOutcome, Scope, Transport, Turn, Verdict,
};
use collector::Collector;
use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Records of one call: its start, six events, its span.
const RECORDS: f64 = 8.0;
/// What is aimed at, in nanoseconds a span.
const EXPORTING: f64 = 2_000.0;
const DISABLED: f64 = 50.0;
/// Calls between two flushes, and how often.
const CALLS: u32 = 200;
const ROUNDS: usize = 50;
const ARGUMENTS: &str = r#"{"command":"cargo test --workspace","cwd":"/home/ada/project"}"#;
const PATIENCE: Duration = Duration::from_secs(60);
const NOBODY: &str = "http://127.0.0.1:9";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let collector = runtime.block_on(Collector::start(200));
    let folder = tempfile::tempdir().unwrap();
    println!(
        "| mode | CPU ns/call | wall ns/call | CPU ns/record | of the limit | allocations/call | bytes/call |"
    );
    println!("|---|---|---|---|---|---|---|");
    measure("export off", &Agent::disabled(), DISABLED, true);
    let sleeping = build(
        Agent::builder().endpoint(NOBODY).interval(Duration::from_secs(3600)).memory_limit(1 << 30),
    );
    measure("recording alone (delivery asleep)", &sleeping, EXPORTING, true);
    let exporting = build(Agent::builder().endpoint(collector.url()));
    measure("async export", &exporting, EXPORTING, false);
    let spool = folder.path().join("spool");
    let spooling = build(Agent::builder().endpoint(NOBODY).spool(&spool).spool_limit(1 << 40));
    measure("spool (no collector)", &spooling, EXPORTING, false);

    println!("\n| Required, one call after the other | median ms | p99 ms |\n|---|---|---|");
    let spool = folder.path().join("required");
    let required =
        build(Agent::builder().endpoint(collector.url()).spool(&spool).audit(AuditMode::Required));
    durable("fsynced spool", &required);
    let acknowledged = build(Agent::builder().endpoint(collector.url()).audit(AuditMode::Required));
    durable("acknowledged export, no spool", &acknowledged);
    for agent in [sleeping, exporting, spooling, required, acknowledged] {
        let _ = agent.shutdown(Duration::from_millis(500));
    }
}

fn build(builder: AgentBuilder) -> Agent {
    let builder = builder.name("bench").version("1").model("provider", "model");
    builder
        .policies("on-request", "workspace-write")
        .executor(Executor::LocalSandbox)
        .build()
        .unwrap()
}

fn turn(agent: &Agent) -> (blotter_instrumentation::Session, Turn) {
    let profile = ProfileInEffect::new(":workspace", "b3:0f1e2d3c").from_layer("user: config.toml");
    let session = agent.session(Identity::user("ada"), profile, Transport::new("websocket"));
    let turn = session.prompt("measure");
    (session, turn)
}

fn call(turn: &Turn) {
    let call = turn.call("shell", black_box(ARGUMENTS)).unwrap();
    call.approval("run it?").decided(Decision::allow(DecidedBy::User));
    let request = call.permission_requested("network");
    request.granted(Scope::Turn, Decision::allow(DecidedBy::User));
    // Strings of the caller's are not what is measured.
    call.sandbox(SandboxOutcome::Held);
    call.proxy(ProxyDecision::new(String::new(), 443, Verdict::Allow));
    drop(black_box(call));
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap(), u32::try_from(time.tv_nsec).unwrap())
}

fn measure(mode: &str, agent: &Agent, limit: f64, counted: bool) {
    let (session, turn) = turn(agent);
    let mut rounds = Vec::new();
    let rest = || {
        if !counted {
            let _ = agent.flush(PATIENCE);
        }
    };
    for _ in 0..CALLS {
        call(&turn);
    }
    rest();
    let region = Region::new(ALLOCATOR);
    let allocated = region.change();
    for _ in 0..ROUNDS {
        let (wall, thread) = (Instant::now(), cpu());
        for _ in 0..CALLS {
            call(&turn);
        }
        rounds.push((cpu() - thread, wall.elapsed()));
        rest();
    }
    let now = region.change();
    let calls = f64::from(CALLS) * ROUNDS as f64;
    let nanos = |of: fn(&(Duration, Duration)) -> Duration| {
        let mut all: Vec<f64> = rounds.iter().map(|it| of(it).as_nanos() as f64).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2] / f64::from(CALLS)
    };
    let (thread, wall) = (nanos(|it| it.0), nanos(|it| it.1));
    let of = |now: usize, before: usize| {
        if counted { format!("{:.1}", (now - before) as f64 / calls) } else { "-".to_owned() }
    };
    println!(
        "| {mode} | {thread:.0} | {wall:.0} | {:.0} | {:.0} % of {limit} ns | {} | {} |",
        thread / RECORDS,
        thread / RECORDS / limit * 100.0,
        of(now.allocations, allocated.allocations),
        of(now.bytes_allocated, allocated.bytes_allocated),
    );
    drop((turn, session));
}

fn durable(mode: &str, agent: &Agent) {
    let (session, turn) = turn(agent);
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let start = Instant::now();
            call(&turn);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("| {mode} | {:.2} | {:.2} |", times[times.len() / 2], times[times.len() * 99 / 100]);
    drop((turn, session));
}
