//! Running programs: every command is shown before it runs and named when it fails.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail};

/// Cargo, started as from a shell. It would else hand on what `cargo xtask` was told of this crate, and build
/// scripts that look at that (ring's does) would run anew, with everything that depends on them, each time
/// that somebody calls cargo with and without xtask by turns.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let told = |prefix: &str| name.to_string_lossy().starts_with(prefix);
        if TOLD.iter().any(|prefix| told(prefix)) {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// How the names of variables begin that cargo sets for the program that it runs.
const TOLD: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];

/// Runs a command with its output going straight to the terminal.
///
/// # Errors
/// When it cannot be started or exits with anything but 0.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = describe(command);
    println!("   $ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Like [`run`], trying once more after a failure: for commands that fetch something.
///
/// # Errors
/// When the second attempt fails too.
pub(crate) fn run_fetching(command: &mut Command) -> anyhow::Result<()> {
    run(command).or_else(|error| {
        println!("   {error:#}; trying once more");
        run(command)
    })
}

/// Runs a command, passing its output on and handing each line of it to `each`; gives whether it exited with 0.
///
/// # Errors
/// When it cannot be started or its output cannot be read.
pub(crate) fn run_reading(
    command: &mut Command,
    mut each: impl FnMut(&str),
) -> anyhow::Result<bool> {
    let line = describe(command);
    println!("   $ {line}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let (sender, lines) = std::sync::mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for stream in streams.into_iter().flatten() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut bytes = Vec::new();
            while matches!(stream.read_until(b'\n', &mut bytes), Ok(read) if read > 0) {
                let line = String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned();
                if sender.send(line).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
    }
    drop(sender);
    for line in lines {
        println!("{line}");
        each(&line);
    }
    Ok(child.wait().with_context(|| line)?.success())
}

/// The command as one would type it.
fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
