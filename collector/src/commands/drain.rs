//! `blotter-collector drain`

use std::process::ExitCode;
use std::time::Duration;

use blotter_collector::{Drain, Drained};
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
    let drained = drain.run(timeout, token.as_deref()).await?;
    let code = match &drained {
        Drained::Whole => {
            say("Drained: everything acknowledged is in the archive and with every destination.");
            ExitCode::SUCCESS
        }
        Drained::Left(report) => {
            say(&format!("Not drained within {} s:", arguments.timeout));
            for it in report.journal.consumers.iter().filter(|it| it.waiting_records > 0) {
                say(&escaped(&format!("  {}: {} records wait", it.name, it.waiting_records)));
            }
            for it in &report.destinations {
                if let Some(reason) = &it.failing {
                    say(&escaped(&format!("  {} takes nothing: {reason}", it.name)));
                }
            }
            ExitCode::from(1)
        }
    };
    if arguments.stop {
        drain.stop()?;
        say("The collector was told to end.");
    } else {
        say(
            "No requests are taken. `drain --cancel` takes them again; SIGTERM ends the collector.",
        );
    }
    Ok(code)
}
