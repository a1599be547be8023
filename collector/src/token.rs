//! `blotter-collector token`

use std::io::Write as _;
use std::process::ExitCode;

use blotter_collector::{NewToken, Scope, TokenConfig};
use clap::{Args, ValueEnum};
use serde::Serialize;

/// What the token is to be.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What it is called: its records are stored under `token:NAME`. Keep the name when you replace a
    /// token, so that what is sent again is still known
    #[arg(long)]
    name: String,

    /// What it may do; may be given more than once
    #[arg(long, value_enum, default_values_t = [ScopeName::Ingest])]
    scope: Vec<ScopeName>,

    /// Until when, in UTC: `2027-06-30` or `2027-06-30T12:00:00Z` [default: for ever]
    #[arg(long, value_name = "DAY|MOMENT")]
    expires: Option<String>,

    /// Tenant that its records belong to
    #[arg(long)]
    tenant: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeName {
    /// Send telemetry
    Ingest,
    /// Look at how the collector is doing
    Read,
    /// Tell the collector to do something
    Admin,
}

/// As it stands in the configuration.
#[derive(Serialize)]
struct File {
    access: Tables,
}

#[derive(Serialize)]
struct Tables {
    tokens: Vec<TokenConfig>,
}

/// Makes a token, prints it, and its table.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { name, scope, expires, tenant } = arguments;
    let scope = scope.iter().map(|scope| match scope {
        ScopeName::Ingest => Scope::Ingest,
        ScopeName::Read => Scope::Read,
        ScopeName::Admin => Scope::Admin,
    });
    let scopes: Vec<Scope> = scope.collect();
    let token = NewToken::make()?;
    let table = token.table(name, &scopes, expires.as_deref(), tenant.as_deref())?;
    let table = toml_edit::ser::to_string_pretty(&File { access: Tables { tokens: vec![table] } })?;
    let mut stderr = std::io::stderr();
    let _ = writeln!(
        stderr,
        "The token, shown only now: give it to the sender, which sends the header \
         `authorization: Bearer TOKEN`.\nBelow it, its table for the configuration, which holds its SHA-256 alone."
    );
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}\n\n{}", token.reveal(), table.trim_start())?;
    Ok(ExitCode::SUCCESS)
}
