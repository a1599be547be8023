//! `cargo xtask fuzz`: runs the fuzz targets for a while and ends with a table.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, bail};

use crate::command::cargo;
use crate::generate::workspace;

/// Longest input that is made, in bytes.
const LONGEST: usize = 16 << 10;
/// Seconds after which an input hangs.
const HANGS: u32 = 10;
/// Megabytes after which an input takes too much memory.
const MEMORY: u32 = 2_048;

/// What to fuzz.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Minutes for each target; a part of one is allowed.
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// Targets at a time; by default as many as there are cores.
    #[arg(long)]
    jobs: Option<usize>,
    /// The targets, by the names of the folders in `fuzz/corpus`; all where none is named.
    targets: Vec<String>,
}

/// What came of a target.
struct Ran {
    target: String,
    executions: u64,
    seconds: f64,
    findings: Vec<PathBuf>,
    corpus: usize,
}

pub(crate) fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|error| format!("{error}"))?;
    let is_good = minutes.is_finite() && minutes > 0.0 && minutes < 1e5;
    is_good.then_some(minutes).ok_or_else(|| "say how many minutes".to_owned())
}

/// Runs the targets: 0 where nothing was found, 1 where something was, 2 where they could not be run.
pub(crate) fn run(options: &Options) -> ExitCode {
    match fuzz(options) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// How many findings there are.
fn fuzz(options: &Options) -> anyhow::Result<usize> {
    let targets = targets(&options.targets)?;
    build()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = options.jobs.unwrap_or(cores).clamp(1, targets.len().max(1));
    let waiting = Mutex::new(targets.iter().rev().collect::<Vec<_>>());
    let done: Mutex<Vec<anyhow::Result<Ran>>> = Mutex::default();
    // Not in the loop's condition: it would hold the lock for as long as a target runs.
    let next = || locked(&waiting).pop();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(target) = next() {
                    let ran = fuzz_one(target, options.minutes);
                    if let Ok(ran) = &ran {
                        println!("{target}: {} executions", ran.executions);
                    }
                    locked(&done).push(ran);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut done: Vec<Ran> = done.into_iter().collect::<anyhow::Result<_>>()?;
    done.sort_by(|a, b| a.target.cmp(&b.target));
    println!("\n| target | executions | seconds | findings | corpus |\n|---|---|---|---|---|");
    for Ran { target, executions, seconds, findings, corpus } in &done {
        println!("| {target} | {executions} | {seconds:.0} | {} | {corpus} |", findings.len());
    }
    for finding in done.iter().flat_map(|it| &it.findings) {
        println!("found: {}", finding.display());
    }
    Ok(done.iter().map(|it| it.findings.len()).sum())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The targets of these names, or all.
fn targets(named: &[String]) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(corpora())? {
        all.push(entry?.file_name().to_string_lossy().into_owned());
    }
    all.sort();
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        bail!("there is no target {unknown}; there are {}", all.join(", "));
    }
    Ok(if named.is_empty() { all } else { named.to_vec() })
}

fn corpora() -> PathBuf {
    workspace().join("fuzz/corpus")
}

fn build() -> anyhow::Result<()> {
    let mut cargo = cargo();
    // With the whole workspace its dependencies have the features that they have in every other build.
    cargo.args(["build", "--workspace", "--locked", "--bin", "blotter-fuzz"]);
    cargo.args(["--features", "blotter-fuzz/libfuzzer"]);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", workspace().join("fuzz/instrument.sh"));
    let built = cargo.current_dir(workspace()).status().context("cannot start cargo")?;
    if !built.success() {
        bail!("the fuzzer does not build; it needs a C++ compiler (Debian package g++)");
    }
    Ok(())
}

fn fuzz_one(target: &str, minutes: f64) -> anyhow::Result<Ran> {
    let folder = workspace().join("target/fuzz");
    let (corpus, findings) =
        (folder.join("corpus").join(target), folder.join("found").join(target));
    let log = folder.join(format!("{target}.log"));
    for made in [&corpus, &findings] {
        fs::create_dir_all(made)?;
    }
    let before = files(&findings)?;
    let mut fuzzer = Command::new(workspace().join("target/debug/blotter-fuzz"));
    fuzzer.env("BLOTTER_FUZZ_TARGET", target).env("RUST_BACKTRACE", "1").env("RUST_LOG", "off");
    fuzzer.arg(format!("-max_total_time={:.0}", (minutes * 60.0).max(1.0)));
    fuzzer.args([format!("-max_len={LONGEST}"), format!("-timeout={HANGS}")]);
    fuzzer.args([format!("-rss_limit_mb={MEMORY}"), "-print_final_stats=1".to_owned()]);
    fuzzer.arg(format!("-artifact_prefix={}/", findings.display()));
    fuzzer.arg(&corpus).arg(corpora().join(target));
    fuzzer.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
    let started = Instant::now();
    let ended = fuzzer.status().context("cannot start the fuzzer")?;
    let said = fs::read(&log)?;
    let said = String::from_utf8_lossy(&said);
    let found: Vec<PathBuf> =
        files(&findings)?.into_iter().filter(|file| !before.contains(file)).collect();
    if !ended.success() && found.is_empty() {
        bail!("the fuzzer of {target} ended with {ended}; see {}", log.display());
    }
    Ok(Ran {
        target: target.to_owned(),
        executions: executions(&said),
        seconds: started.elapsed().as_secs_f64(),
        findings: found,
        corpus: files(&corpus)?.len() + files(&corpora().join(target))?.len(),
    })
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.push(entry?.path());
    }
    Ok(files)
}

/// How often the target was called: libFuzzer's last number, which starts its lines, or that of its
/// statistics.
fn executions(said: &str) -> u64 {
    let number = |line: &str| {
        let line = line
            .strip_prefix("stat::number_of_executed_units:")
            .or_else(|| line.strip_prefix('#').and_then(|line| line.split_whitespace().next()));
        line.and_then(|number| number.trim().parse().ok())
    };
    said.lines().filter_map(number).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_those_of_the_statistics_or_of_the_last_line() {
        let line = "#4096\tpulse  cov: 12 ft: 13";
        assert_eq!(executions(line), 4096);
        let statistics = format!("{line}\nDone\nstat::number_of_executed_units: 5000\n");
        assert_eq!(executions(&statistics), 5000);
    }

    #[test]
    fn minutes_are_a_number_above_zero() {
        assert_eq!(minutes("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "inf", "NaN", "x"] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }
}
