//! What an SDK sent, compared with what the archive has.

use std::path::Path;

use anyhow::ensure;
use blotter_archive::{Archive, Location};
use blotter_schemas::otlp::{Request, Signal};
use blotter_schemas::tables::{Event, MetricPoint, Span};

use crate::captures::Capture;
use crate::records::{archived, comparable, split};
use crate::table_files;

/// Makes sure that every record of the requests that were written down in the folder `sent` is in the
/// archive once, with every field as it was sent.
///
/// # Errors
/// When that is not so, or something cannot be read.
pub async fn came_back(
    sent: &Path,
    location: &Location,
    archive_folder: &Path,
) -> anyhow::Result<()> {
    let archive = Archive::open(location).await?;
    for signal in Signal::ALL {
        let sent = sent_records(sent, signal)?;
        let name = signal.name();
        ensure!(!sent.is_empty(), "the SDK sent no {name}");
        let (there, here) = (comparable(&sent), comparable(&archived(&archive, signal).await?));
        ensure!(there == here, "{name} are not as they were sent:\n{there:#?}\n{here:#?}");
        // Not only when it is read: nothing was written twice.
        let written = originals(archive_folder, signal)?;
        ensure!(written == sent.len(), "{written} rows for {} {name}", sent.len());
    }
    Ok(())
}

/// Rows with an original record of one signal in the files of the archive.
fn originals(archive: &Path, signal: Signal) -> anyhow::Result<usize> {
    Ok(match signal {
        Signal::Logs => {
            let rows = table_files::rows::<Event>(archive)?;
            rows.iter().filter(|row| row.record.is_some()).count()
        }
        Signal::Traces => table_files::rows::<Span>(archive)?.len(),
        Signal::Metrics => table_files::rows::<MetricPoint>(archive)?.len(),
    })
}

/// The records of one signal among the requests that were written down.
fn sent_records(folder: &Path, signal: Signal) -> anyhow::Result<Vec<Request>> {
    let sent = Capture { name: "sdk".to_owned(), folder: folder.to_path_buf() };
    let mut records = Vec::new();
    for export in sent.exports()? {
        if export.signal == signal {
            records.extend(split(&Request::decode(signal, export.encoding, &export.body)?));
        }
    }
    Ok(records)
}
