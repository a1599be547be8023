//! `blotter-collector check`

use std::process::ExitCode;

use blotter_collector::{Config, Grade, verify};
use clap::Args;

use super::settings::Settings;
use super::{Format, escaped, say};

/// What is looked at, and how it is said.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Connect to nobody: neither destinations nor an archive that is elsewhere
    #[arg(long)]
    offline: bool,

    /// Text to read, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Looks and says.
pub(crate) async fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = match configuration(settings) {
        Ok(config) => config,
        Err(error) => {
            print(arguments, Grade::Problem, "configuration", &error.to_string(), "put it right");
            return Ok(ExitCode::from(1));
        }
    };
    let text = match settings.config() {
        Some(file) => format!("{} can be used", file.display()),
        None => "no configuration file: everything is as by default".to_owned(),
    };
    print(arguments, Grade::Ok, "configuration", &text, "");
    let findings = verify(&config, arguments.offline).await;
    for it in &findings {
        print(arguments, it.grade, &it.what, &it.text, &it.advice);
    }
    let clean = findings.iter().all(|it| it.grade == Grade::Ok);
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn configuration(settings: &Settings) -> anyhow::Result<Config> {
    let file = settings.file()?;
    settings.effective(file.as_ref())
}

fn print(arguments: &Arguments, grade: Grade, what: &str, text: &str, advice: &str) {
    let word = match grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    };
    if arguments.format == Format::Json {
        let line =
            serde_json::json!({ "what": what, "grade": word, "text": text, "advice": advice });
        return say(&line.to_string());
    }
    let word = if grade == Grade::Ok { word.to_owned() } else { word.to_uppercase() };
    say(&escaped(&format!("{word:8} {what}: {text}")));
    if !advice.is_empty() {
        say(&escaped(&format!("{:8}   {advice}", "")));
    }
}
