//! What a call costs the agent's thread: its start, six events, and its end.
//!
//! `cargo bench -p blotter-instrumentation` prints a table of Markdown. Time is that of the agent's thread on
//! the processor, and from call to return; it is taken over many calls between two flushes, which are not
//! counted. Allocations are those of the whole process, counted where the delivery thread sleeps.

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
/// Agents whose delivery sleeps, and calls of each: fewer records than wake it.
const ASLEEP: u32 = 30;
const FEW: u32 = 50;
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
    measure("export off", &Agent::disabled(), DISABLED);
    asleep();
    let exporting = build(Agent::builder().endpoint(collector.url()));
    measure("async export", &exporting, EXPORTING);
    let spool = folder.path().join("spool");
    let spooling = build(Agent::builder().endpoint(NOBODY).spool(&spool).spool_limit(1 << 40));
    measure("spool (no collector)", &spooling, EXPORTING);

    println!("\n| Required, one call after the other | median ms | p99 ms |\n|---|---|---|");
    let spool = folder.path().join("required");
    let required =
        build(Agent::builder().endpoint(collector.url()).spool(&spool).audit(AuditMode::Required));
    durable("fsynced spool", &required);
    let acknowledged = build(Agent::builder().endpoint(collector.url()).audit(AuditMode::Required));
    durable("acknowledged export, no spool", &acknowledged);
    for agent in [exporting, spooling, required, acknowledged] {
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

/// Times of one round: on the processor, and from call to return.
type Round = (Duration, Duration);

fn round(turn: &Turn, calls: u32) -> Round {
    let (wall, thread) = (Instant::now(), cpu());
    for _ in 0..calls {
        call(turn);
    }
    (cpu() - thread, wall.elapsed())
}

/// The median of the rounds, nanoseconds a call.
fn median(rounds: &[Round], calls: u32, of: fn(&Round) -> Duration) -> f64 {
    let mut all: Vec<f64> = rounds.iter().map(|it| of(it).as_nanos() as f64).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2] / f64::from(calls)
}

fn tell(mode: &str, rounds: &[Round], calls: u32, limit: f64, allocated: Option<[f64; 2]>) {
    let thread = median(rounds, calls, |it| it.0);
    let wall = median(rounds, calls, |it| it.1);
    let [count, bytes] = allocated.map_or(["-".to_owned(), "-".to_owned()], |allocated| {
        allocated.map(|number| format!("{number:.1}"))
    });
    let record = thread / RECORDS;
    let ratio = record / limit;
    println!(
        "| {mode} | {thread:.0} | {wall:.0} | {record:.1} | {ratio:.3} of {limit} ns | {count} | {bytes} |"
    );
}

fn measure(mode: &str, agent: &Agent, limit: f64) {
    let (session, turn) = turn(agent);
    round(&turn, CALLS);
    let mut rounds = Vec::new();
    let before = Region::new(ALLOCATOR);
    for _ in 0..ROUNDS {
        let _ = agent.flush(PATIENCE);
        rounds.push(round(&turn, CALLS));
    }
    // Only where nothing is recorded, no other thread allocates.
    let change = before.change();
    let calls = f64::from(CALLS) * ROUNDS as f64;
    let allocated = [change.allocations, change.bytes_allocated].map(|it| it as f64 / calls);
    tell(mode, &rounds, CALLS, limit, (!agent.is_enabled()).then_some(allocated));
    drop((turn, session));
}

/// Recording alone: so few calls that the delivery thread is not woken.
fn asleep() {
    let mut rounds = Vec::new();
    let mut allocated = [0.0; 2];
    for _ in 0..ASLEEP {
        let builder = Agent::builder().endpoint(NOBODY).interval(Duration::from_secs(3600));
        let agent = build(builder);
        let (session, turn) = turn(&agent);
        // It is at rest before anything is counted.
        std::thread::sleep(Duration::from_millis(20));
        round(&turn, 10);
        let before = Region::new(ALLOCATOR);
        let times = round(&turn, FEW);
        let change = before.change();
        rounds.push(times);
        for (sum, of) in allocated.iter_mut().zip([change.allocations, change.bytes_allocated]) {
            *sum += of as f64 / f64::from(FEW * ASLEEP);
        }
        drop((turn, session));
        let _ = agent.shutdown(Duration::from_millis(1));
    }
    tell("recording alone", &rounds, FEW, EXPORTING, Some(allocated));
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
