//! `blotter-collector --print-config`

use std::process::ExitCode;

use blotter_collector::settings;
use clap::ArgMatches;
use serde_json::Value;

use super::settings::Settings;
use super::{Format, escaped, say};

/// Prints every value in effect and where it came from.
pub(crate) fn run(
    given: &Settings,
    matches: &ArgMatches,
    format: Format,
) -> anyhow::Result<ExitCode> {
    let file = given.file()?;
    let config = given.effective(file.as_ref())?;
    let all = settings(&config, file.as_ref(), &Settings::given(matches))?;
    if format == Format::Json {
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    let width = |of: fn(&(String, String)) -> usize, rows: &[(String, String)]| {
        rows.iter().map(of).filter(|width| *width <= 60).max().unwrap_or(0)
    };
    let rows: Vec<(String, String)> = all
        .iter()
        .map(|it| {
            let value = match &it.value {
                Value::Null => "(none)".to_owned(),
                value => value.to_string(),
            };
            (it.key.clone(), value)
        })
        .collect();
    let (keys, values) = (width(|it| it.0.len(), &rows), width(|it| it.1.len(), &rows));
    for ((key, value), setting) in rows.iter().zip(&all) {
        let line = format!("{key:keys$} = {value:values$}  # {}", setting.origin);
        say(&escaped(&line));
    }
    Ok(ExitCode::SUCCESS)
}
