//! `blotter-collector dead-letters`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use blotter_collector::{
    ConfigFile, DeadLetter, Destination, Retried, dead_letters, drop_dead_letter, retry_dead_letter,
};
use clap::{Args, Subcommand};

use super::{Format, escaped, say};

/// Longest pause that is waited where a destination asks for one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what was set aside, and why; exit code 1 where there is something
    List(Which),
    /// Send it to its destination again, now; what is taken is removed. A pause of up to a minute that the
    /// destination asks for is waited. Needs --config. The collector may be running
    #[command(
        after_help = "Examples:\n  blotter-collector dead-letters retry --config collector.toml --all\n  \
                            blotter-collector dead-letters retry --config collector.toml tempo"
    )]
    Retry(Named),
    /// Remove it for good. It stays in the archive
    Drop(Named),
}

/// Dead letters, or all of them.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// A destination (`tempo`) or a file of one (`tempo/1f3a….logs.pb`), as `list` names them
    names: Vec<String>,

    /// Text to read, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Dead letters that must be named.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    which: Which,

    /// Those of every destination
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

impl Which {
    fn holds(&self, letter: &DeadLetter) -> bool {
        let file = format!("{}/{}", letter.destination, letter.file);
        self.names.is_empty()
            || self.names.iter().any(|it| *it == letter.destination || *it == file)
    }

    fn select(&self, data: &Path) -> anyhow::Result<Vec<DeadLetter>> {
        let mut letters = dead_letters(data)?;
        letters.retain(|letter| self.holds(letter));
        Ok(letters)
    }

    /// One line for a dead letter and what became of it.
    fn say(&self, letter: &DeadLetter, became: Option<&str>) -> anyhow::Result<()> {
        let line = match self.format {
            Format::Text => {
                let became = became.map(|it| format!(" -> {it}")).unwrap_or_default();
                escaped(&format!("{letter}{became}"))
            }
            Format::Json => {
                let mut value = serde_json::to_value(letter)?;
                if let (Some(became), Some(object)) = (became, value.as_object_mut()) {
                    object.insert("became".to_owned(), became.into());
                }
                value.to_string()
            }
        };
        say(&line);
        Ok(())
    }
}

impl Named {
    fn select(&self, data: &Path) -> anyhow::Result<Vec<DeadLetter>> {
        if self.which.names.is_empty() && !self.all {
            bail!("name destinations or files as `dead-letters list` does, or say --all");
        }
        let letters = self.which.select(data)?;
        for name in &self.which.names {
            let known = |it: &DeadLetter| {
                *name == it.destination || *name == format!("{}/{}", it.destination, it.file)
            };
            if !letters.iter().any(known) {
                bail!("there is no dead letter {name:?}; `dead-letters list` names all");
            }
        }
        Ok(letters)
    }
}

/// Does it.
pub(crate) async fn run(
    command: Command,
    data: &Path,
    config: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    match command {
        Command::List(which) => {
            let letters = which.select(data)?;
            for letter in &letters {
                which.say(letter, None)?;
            }
            Ok(if letters.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Command::Drop(named) => {
            for letter in named.select(data)? {
                drop_dead_letter(data, &letter)?;
                named.which.say(&letter, Some("dropped"))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Retry(named) => {
            let Some(config) = config else {
                bail!("retry needs --config FILE, which says where the destinations are");
            };
            let destinations = ConfigFile::read(config)?.forward;
            let mut code = ExitCode::SUCCESS;
            let mut pauses = Pauses::default();
            for letter in named.select(data)? {
                // What goes wrong with one is no reason to leave the others.
                let became = retry(data, &letter, &destinations, &mut pauses).await;
                let became = became.unwrap_or_else(|error| Err(error.to_string()));
                if let Err(refused) = &became {
                    code = ExitCode::from(1);
                    named.which.say(&letter, Some(&format!("still here: {refused}")))?;
                } else if let Ok(taken) = &became {
                    named.which.say(&letter, Some(taken))?;
                }
            }
            Ok(code)
        }
    }
}

/// Destinations that asked for a longer pause than is waited here: nothing more is sent to them.
type Pauses = BTreeMap<String, Duration>;

/// What became of it: taken, or why not. Where the destination asks for a short pause, it is kept, and the
/// letter is sent once more.
async fn retry(
    data: &Path,
    letter: &DeadLetter,
    destinations: &[Destination],
    pauses: &mut Pauses,
) -> anyhow::Result<Result<String, String>> {
    let Some(destination) = destinations.iter().find(|it| it.name == letter.destination) else {
        return Ok(Err("the configuration has no such destination".to_owned()));
    };
    if let Some(pause) = pauses.get(&letter.destination) {
        return Ok(Err(format!("not sent: the destination asks for {} s", pause.as_secs())));
    }
    let mut retried = retry_dead_letter(data, letter, destination).await?;
    if let Retried::Later { after: Some(pause), .. } = retried
        && pause <= LONGEST_PAUSE
    {
        tokio::time::sleep(pause).await;
        retried = retry_dead_letter(data, letter, destination).await?;
    }
    Ok(match retried {
        Retried::Later { reason, after } => {
            if let Some(pause) = after {
                pauses.insert(letter.destination.clone(), pause);
            }
            Err(reason)
        }
        Retried::Taken { rejected: 0, .. } => Ok("taken".to_owned()),
        Retried::Taken { rejected, message } => {
            Ok(format!("taken without {rejected} records: {message}"))
        }
        Retried::Refused(reason) => Err(reason),
        Retried::Gone => Ok("gone: somebody else has dealt with it meanwhile".to_owned()),
    })
}
