//! `blotter-collector drain`

use std::process::ExitCode;
use std::time::Duration;

use blotter_collector::{DestinationReport, Drain, Drained, Report};
use clap::Args;

use super::settings::Settings;
use super::{escaped, say};

/// How to drain.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How long to wait until nothing waits any more
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,

    /// End the collector afterwards, also when the time is over: what is left stays safe in its journal
    #[arg(long)]
    stop: bool,

    /// Take requests again
    #[arg(long, conflicts_with_all = ["stop", "timeout"])]
    cancel: bool,

    /// File with a token of the scope `read`, where the collector wants one
    #[arg(long, value_name = "FILE")]
    token_file: Option<std::path::PathBuf>,
}

/// Tells the collector and waits.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let drain = Drain::find(&settings.data()?)?;
    if arguments.cancel {
        drain.cancel()?;
        say("Requests are taken again.");
        return Ok(ExitCode::SUCCESS);
    }
    let token = super::status::token(arguments.token_file.as_deref())?;
    let timeout = Duration::from_secs(arguments.timeout);
    // Before it is told: whoever cannot ask would leave it refusing requests, and not know.
    drain.ask(token.as_deref()).await?;
    let drained = drain.run(timeout, token.as_deref()).await;
    let stopped = if arguments.stop { drain.stop() } else { Ok(()) };
    let left = match &drained {
        Ok(Drained::Whole(report)) => set_aside(report),
        Ok(Drained::Left(report)) => waiting(report),
        Err(_) => Vec::new(),
    };
    say(&match &drained {
        Ok(Drained::Whole(_)) if left.is_empty() => {
            "Drained: everything acknowledged is in the archive and with every destination."
                .to_owned()
        }
        Ok(Drained::Whole(_)) => {
            "Drained: nothing waits any more. Not with their destination are:".to_owned()
        }
        Ok(Drained::Left(_)) => format!("Not drained within {} s:", arguments.timeout),
        Err(_) => "It was told to take no more requests, and does not answer any more.".to_owned(),
    });
    left.iter().for_each(|line| say(&escaped(line)));
    stopped?;
    say(match arguments.stop {
        true => "The collector was told to end.",
        false => {
            "No requests are taken. `drain --cancel` takes them again; SIGTERM ends the collector."
        }
    });
    let whole = matches!(drained?, Drained::Whole(_)) && left.is_empty();
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What still waits, and why.
fn waiting(report: &Report) -> Vec<String> {
    let consumers = report.journal.consumers.iter().filter(|it| it.waiting_records > 0);
    let waits = consumers.map(|it| format!("  {}: {} records wait", it.name, it.waiting_records));
    let failing = report.destinations.iter().filter_map(|it| {
        it.failing.as_ref().map(|reason| format!("  {} takes nothing: {reason}", it.name))
    });
    waits.chain(failing).collect()
}

/// What nothing waits for, and is not where it should be.
fn set_aside(report: &Report) -> Vec<String> {
    let lost = report.destinations.iter().filter(|it| it.kept_records + it.shed > 0);
    lost.map(|it| {
        let DestinationReport { name, kept_records, shed, .. } = it;
        format!("  {name}: {kept_records} records set aside as dead letters, {shed} given up")
    })
    .collect()
}
