//! `triage archive stat`

use blotter_schemas::tables::Table;
use blotter_triage::render::archive;
use serde_json::json;

use crate::cli::{Format, Global};
use crate::{Outcome, output};

/// Counts.
pub async fn run(global: &Global) -> anyhow::Result<Outcome> {
    let archive = crate::commands::open(global).await?;
    let mut stats = Vec::new();
    for table in Table::ALL {
        stats.push(archive.stat(table).await?);
    }
    match global.format {
        Format::Text => output::data(&archive::stat(global.archive(), &stats))?,
        Format::Json => {
            let tables = stats.iter().map(archive::stat_json).collect::<Vec<_>>();
            output::data(&format!("{}\n", json!({"tables": tables})))?;
        }
    }
    Ok(Outcome::Clean)
}
