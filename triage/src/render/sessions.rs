//! The table of `triage sessions`.

use unicode_width::UnicodeWidthStr as _;

use super::terminal::{Look, Screen, cut, escape, wrap};
use super::time;
use crate::reconstruct::model::Relation;
use crate::sessions::Summary;
use crate::tenant;

/// Narrowest that the last column may be.
const LAST: usize = 16;

/// One line a session, cut to `width` columns, and below the table a line a finding.
#[must_use]
pub fn table(sessions: &[Summary], width: usize, colour: bool) -> String {
    let mut screen = Screen::new(width, colour);
    let tenants = sessions.iter().any(|session| session.tenant.is_some());
    let columns: &[Column] = if tenants { &WITH_TENANT } else { &COLUMNS };
    let header: Vec<String> = columns.iter().map(|column| column.name().to_owned()).collect();
    let rows: Vec<Vec<String>> = sessions
        .iter()
        .map(|session| columns.iter().map(|column| column.cell(session)).collect())
        .collect();
    let widths: Vec<(Column, usize)> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            let widest = cells.map(|cell| escape(cell).width()).max().unwrap_or(0);
            (*column, widest.max(column.name().len()))
        })
        .collect();
    line(&mut screen, &header, &widths, Look::Dim);
    for row in &rows {
        line(&mut screen, row, &widths, Look::Plain);
    }
    for session in sessions {
        for finding in &session.findings {
            let of = |tenant: &String| format!(" of tenant {tenant}");
            let tenant = session.tenant.as_ref().map(of).unwrap_or_default();
            let text = format!("FINDING {}{tenant}: {}", session.session_id, finding.summary);
            for part in wrap(&escape(&text), screen.width) {
                screen.put(Look::Bad, &part);
                screen.end_line();
            }
        }
    }
    screen.finish()
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Started,
    Session,
    Tenant,
    Agent,
    Calls,
    Refused,
    Errors,
    Place,
}

const COLUMNS: [Column; 7] = [
    Column::Started,
    Column::Session,
    Column::Agent,
    Column::Calls,
    Column::Refused,
    Column::Errors,
    Column::Place,
];
/// The same where a session has a tenant.
const WITH_TENANT: [Column; 8] = [
    Column::Started,
    Column::Session,
    Column::Tenant,
    Column::Agent,
    Column::Calls,
    Column::Refused,
    Column::Errors,
    Column::Place,
];

impl Column {
    const fn name(self) -> &'static str {
        match self {
            Self::Started => "STARTED (UTC)",
            Self::Session => "SESSION",
            Self::Tenant => "TENANT",
            Self::Agent => "AGENT",
            Self::Calls => "CALLS",
            Self::Refused => "REFUSED",
            Self::Errors => "ERRORS",
            Self::Place => "HOST, MODEL",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Calls | Self::Refused | Self::Errors)
    }

    fn cell(self, session: &Summary) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        match self {
            Self::Started => {
                session.start_unix_nano.map_or_else(|| "-".to_owned(), time::date_time_seconds)
            }
            Self::Session => session.session_id.clone(),
            Self::Tenant => tenant::shown(session.tenant.as_deref()).to_owned(),
            Self::Agent => {
                let agent = match (&session.agent, &session.agent_version) {
                    (Some(agent), Some(version)) => format!("{agent} {version}"),
                    (agent, _) => text(agent),
                };
                // A sub-agent's or a reviewer's conversation is no session of a user.
                let nested = match session.relation {
                    Some(Relation::SubAgent) => "sub-agent: ",
                    Some(Relation::Reviewer) => "reviewer: ",
                    Some(Relation::Fork) => "fork: ",
                    None => "",
                };
                format!("{nested}{agent}")
            }
            Self::Calls => session.calls.to_string(),
            Self::Refused => session.denied.to_string(),
            Self::Errors => session.errors.to_string(),
            Self::Place => format!("{}, {}", text(&session.host), text(&session.model)),
        }
    }
}

fn line(screen: &mut Screen, cells: &[String], widths: &[(Column, usize)], look: Look) {
    // The id is what `show` needs: at narrow widths its start is enough, the rest gives way.
    let before = widths.iter().filter(|(column, _)| *column != Column::Place);
    let fixed: usize = before.map(|(_, width)| width + 2).sum();
    let short = fixed.saturating_sub(screen.width);
    for (cell, (column, width)) in cells.iter().zip(widths) {
        let room = match column {
            Column::Session => width.saturating_sub(short).max(13),
            // A stump of a host name tells nothing.
            Column::Place if screen.left() < LAST => 0,
            Column::Place => screen.left(),
            _ => *width,
        };
        let end = screen.column() + room + 2;
        let cell = cut(&escape(cell), room).0;
        if column.is_number() {
            screen.pad(end.saturating_sub(2 + cell.width()));
        }
        screen.put(look, &cell);
        if *column != Column::Place {
            screen.pad(end);
        }
    }
    screen.end_line();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_colour_has_no_spaces_at_its_end_that_would_wrap() {
        let table = table(&[], 80, true);
        let line = table.lines().next().unwrap();
        assert!(line.contains("ERRORS") && !line.contains("  \u{1b}[0m"), "{line:?}");
        assert!(!line.ends_with(' '), "{line:?}");
    }
}
