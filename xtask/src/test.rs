//! `cargo xtask test`: everything that must hold before a change is taken.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::bail;

use crate::command::{self, run, run_reading};
use crate::documents;
use crate::generate::{self, workspace};
use crate::setup;
use crate::tally::Tally;
use crate::tools;

/// Runs every stage, also after one has failed, and ends with a line that counts the tests.
///
/// # Errors
/// When what the stages need cannot be installed.
pub(crate) fn run_all() -> anyhow::Result<ExitCode> {
    let mut stages = Stages::default();
    let mut missing = Vec::new();
    stages.run("setup", || {
        missing = setup::run()?;
        Ok(())
    });
    stages.run("format", || cargo(&["fmt", "--all", "--check"]));
    stages.run("documents", documents::check);
    stages.run("generated files", || generate::run(true));
    stages.run("lints", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
    });
    stages.run("licences and sources", || {
        let mut deny = Command::new(setup::cargo_deny::program());
        deny.args(["--locked", "check", "licenses", "bans", "sources"]);
        run(deny.current_dir(workspace()))
    });
    stages.run("documentation", || {
        let mut doc = cargo_command(&["doc", "--workspace", "--no-deps", "--locked"]);
        run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    let mut tally = Tally::default();
    stages.run("tests", || tests(&mut tally));

    println!();
    for (stage, seconds, passed) in &stages.done {
        let outcome = if *passed { "ok" } else { "FAILED" };
        println!("{stage:>20} {seconds:7.1} s  {outcome}");
    }
    for name in missing {
        println!("skipped: tests that need {name}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    let clean = stages.done.iter().all(|(_, _, passed)| *passed);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What has run: name, seconds, whether it passed.
#[derive(Default)]
struct Stages {
    done: Vec<(&'static str, f64, bool)>,
}

impl Stages {
    fn run(&mut self, name: &'static str, stage: impl FnOnce() -> anyhow::Result<()>) {
        println!("== {name}");
        let start = Instant::now();
        let result = stage();
        let seconds = start.elapsed().as_secs_f64();
        match &result {
            Ok(()) => println!("-- {name}: {seconds:.1} s"),
            Err(error) => println!("-- {name}: FAILED after {seconds:.1} s: {error:#}"),
        }
        self.done.push((name, seconds, result.is_ok()));
    }
}

/// Runs every test, with `cargo nextest` where the machine has it, and counts them.
fn tests(tally: &mut Tally) -> anyhow::Result<()> {
    let runs: &[&[&str]] = if tools::on_path("cargo-nextest").is_some() {
        &[
            &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"],
            &["test", "--workspace", "--locked", "--no-fail-fast", "--doc"],
        ]
    } else {
        &[&["test", "--workspace", "--locked", "--no-fail-fast"]]
    };
    let mut passed = true;
    for arguments in runs {
        let mut tests = cargo_command(arguments);
        // With the whole workspace, the programs that the tests start are built before them.
        tests.env("BLOTTER_PROGRAMS_BUILT", "1");
        passed &= run_reading(&mut tests, |line| tally.read(line))?;
    }
    if !passed || tally.failed > 0 {
        bail!("a test failed or did not build");
    }
    if tally.passed == 0 {
        bail!("no test was counted");
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    run(&mut cargo_command(arguments))
}

fn cargo_command(arguments: &[&str]) -> Command {
    let mut command = command::cargo();
    command.args(arguments).current_dir(workspace());
    command
}
