//! `triage receipt`

use blotter_triage::receipt::address::Named;
use blotter_triage::reconstruct::reconstruct;
use blotter_triage::render::{json, text};
use blotter_triage::{Error, load, receipt, replay};
use clap::Args;

use super::now;
use super::profile_files::ProfileFiles;
use super::tenant::Tenant;
use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Arguments of `receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  triage receipt 01a1fb66/call_mock_000_0
  triage receipt 01a1fb66/@3              the third call of the session, by time
  triage receipt call_mock_000_0          where only one session has such a call
  triage receipt 01a1fb66/@3 --format json | jq .decided_by

Every fact has a grade: observed (a record says so), inferred (concluded; the rule is named), pending
(it may still come), missing, withheld (the setting that would reveal it is named), contradicted
(records disagree; both sides are shown). The words are explained in docs/receipts.md; --schema prints
the JSON Schema of the JSON.")]
pub struct Arguments {
    /// SESSION/CALL or SESSION/@n, by any unique start of the session's id; or a call's id alone.
    #[arg(required_unless_present = "schema")]
    call: Option<String>,
    #[command(flatten)]
    tenant: Tenant,
    /// Show long values whole.
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    files: ProfileFiles,
    /// Print the JSON Schema of a receipt.
    #[arg(long, conflicts_with_all = ["call", "full"])]
    schema: bool,
}

/// Shows the receipt of one call.
pub async fn run(global: &Global, arguments: Arguments) -> anyhow::Result<Outcome> {
    let Some(name) = arguments.call.filter(|_| !arguments.schema) else {
        output::data(&receipt::schema()?)?;
        return Ok(Outcome::Clean);
    };
    let named = Named::parse(&name)?;
    let archive = super::open(global).await?;
    let mut loaded = load::call(&archive, &named, &arguments.tenant.asked()).await?;
    let session = reconstruct(&loaded.session_id, &loaded.rows);
    let profiles = load::profiles(&archive, &session).await?;
    let configured = arguments.files.configured()?;
    let beside = loaded.beside(Some(now()));
    let mut receipts = receipt::receipts(&session, &beside);
    receipt::attribute(&mut receipts, &session, &loaded.rows);
    let agent = session.agent.value.as_deref();
    let id = &session.session_id;
    replay::attach(id, agent, &mut receipts, &profiles, configured.as_ref());
    let Some(receipt) = receipts.iter().find(|receipt| named.means(receipt)) else {
        let place = format!("session {}", loaded.session_id);
        return Err(Error::NoCall { call: name, place }.into());
    };
    let text = match global.format {
        Format::Json => json::receipt(receipt)?,
        Format::Text => {
            let (width, colour) = (output::width(), output::colour());
            text::receipt(receipt, text::Options { width, colour, full: arguments.full })
        }
    };
    output::data(&text)?;
    Ok(Outcome::Clean)
}
