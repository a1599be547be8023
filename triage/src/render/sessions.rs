//! The table of `triage sessions`.

use unicode_width::UnicodeWidthStr as _;

use super::terminal::{Look, Screen, cut, escape, wrap};
use super::time;
use crate::reconstruct::model::Relation;
use crate::sessions::Summary;

/// Narrowest that the last column may be.
const LAST: usize = 16;

/// One line a session, cut to `width` columns, and below the table a line a finding.
#[must_use]
pub fn table(sessions: &[Summary], width: usize, colour: bool) -> String {
    let mut screen = Screen::new(width, colour);
    let header = ["STARTED (UTC)", "SESSION", "AGENT", "CALLS", "REFUSED", "ERRORS", "HOST, MODEL"];
    let rows: Vec<[String; 7]> = sessions.iter().map(row).collect();
    let mut widths = header.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(escape(cell).width());
        }
    }
    line(&mut screen, &header.map(str::to_owned), &widths, Look::Dim);
    for row in &rows {
        line(&mut screen, row, &widths, Look::Plain);
    }
    for session in sessions {
        for finding in &session.findings {
            let text = format!("FINDING {}: {}", session.session_id, finding.summary);
            for part in wrap(&escape(&text), screen.width) {
                screen.put(Look::Bad, &part);
                screen.end_line();
            }
        }
    }
    screen.finish()
}

fn row(session: &Summary) -> [String; 7] {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
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
    [
        session.start_unix_nano.map_or_else(|| "-".to_owned(), time::date_time_seconds),
        session.session_id.clone(),
        format!("{nested}{agent}"),
        session.calls.to_string(),
        session.denied.to_string(),
        session.errors.to_string(),
        format!("{}, {}", text(&session.host), text(&session.model)),
    ]
}

fn line(screen: &mut Screen, cells: &[String; 7], widths: &[usize; 7], look: Look) {
    // The id is what `show` needs: at narrow widths its start is enough, the rest gives way.
    let fixed: usize = widths.iter().take(6).sum::<usize>() + 2 * 6;
    let short = fixed.saturating_sub(screen.width);
    for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let room = match index {
            1 => width.saturating_sub(short).max(13),
            // A stump of a host name tells nothing.
            6 if screen.left() < LAST => 0,
            6 => screen.left(),
            _ => *width,
        };
        let end = screen.column() + room + 2;
        let right = (3..6).contains(&index);
        let cell = cut(&escape(cell), room).0;
        if right {
            screen.pad(end.saturating_sub(2 + cell.width()));
        }
        screen.put(look, &cell);
        if index < 6 {
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
