//! What the rules found.

use super::Options;
use super::layout::Page;
use super::speakers::{named, of_tenant};
use crate::gaps::{RULES, Rule};
use crate::reconstruct::Session;
use crate::reconstruct::findings::{Finding, Severity};
use crate::render::terminal::Look;
use crate::render::time;

/// The findings of one session, below what is said of it as a whole: one line each, and the least
/// important ones together.
pub(super) fn of_session(page: &mut Page, session: &Session) {
    let minor = |finding: &&Finding| finding.severity == Severity::Info && !page.is_full();
    let (minor, told): (Vec<&Finding>, Vec<&Finding>) = session.findings.iter().partition(minor);
    for finding in told {
        self::told(page, finding);
    }
    if !minor.is_empty() {
        let mut rules: Vec<&str> = minor.iter().map(|finding| finding.rule).collect();
        rules.dedup();
        let text =
            format!("{} of little weight: {}; triage gaps tells", minor.len(), rules.join(", "));
        page.unknown("findings", &text);
    }
}

/// One finding below what it is about.
pub(super) fn told(page: &mut Page, finding: &Finding) {
    let Finding { severity, summary, false_positive, .. } = finding;
    page.line("FINDING", &[(look(*severity), format!("{severity}: {summary}"))]);
    if page.is_full() || finding.rule == crate::gaps::SEVERAL_SPEAKERS {
        page.unknown("", &format!("(also found without harm: {false_positive})"));
    }
}

/// What `triage gaps` writes of one session, those nested in it included.
pub(super) fn listed(page: &mut Page, session: &Session, findings: &[&Finding]) {
    let agent = match (&session.agent_by_name().value, &session.agent_version.value) {
        (Some(agent), Some(version)) => format!("  {agent} {version}"),
        (Some(agent), None) => format!("  {agent}"),
        (None, _) => String::new(),
    };
    let start =
        session.span.map(|span| format!("  {}", time::date_time_seconds(span.start_unix_nano)));
    page.heading(&[
        (Look::Strong, "Session "),
        (Look::Strong, &session.session_id),
        (Look::Plain, &of_tenant(session.tenant.as_deref())),
        (Look::Dim, &agent),
        (Look::Dim, start.as_deref().unwrap_or_default()),
    ]);
    for finding in findings {
        one(page, session, finding);
    }
}

fn one(page: &mut Page, session: &Session, finding: &Finding) {
    let nested = if finding.session_id == session.session_id {
        String::new()
    } else {
        format!("  in {}", finding.session_id)
    };
    page.indent(|page| {
        page.heading(&[
            (look(finding.severity), finding.severity.as_str()),
            (Look::Plain, "  "),
            (Look::Strong, finding.rule),
            (Look::Dim, &nested),
        ]);
        page.line("found", &[(Look::Plain, finding.summary.clone())]);
        if !finding.speakers.is_empty() {
            page.line("about", &[(Look::Plain, named(&finding.speakers))]);
        }
        if page.is_full() {
            page.unknown("harmless if", &finding.false_positive);
            if finding.calls.len() > 1 {
                page.line("calls", &[(Look::Plain, finding.calls.join(" "))]);
            }
            let rows: Vec<String> = finding.events.iter().map(|id| hex::encode(id.0)).collect();
            page.line("rows", &[(Look::Dim, rows.join(" "))]);
        }
    });
}

fn look(severity: Severity) -> Look {
    match severity {
        Severity::Info => Look::Dim,
        Severity::Low => Look::Plain,
        Severity::Medium | Severity::High => Look::Bad,
    }
}

/// The rules, one after the other.
pub(super) fn rules(width: usize) -> String {
    let mut page = Page::new(Options { width, colour: false, full: true });
    for Rule { name, severity, finds, false_positive, .. } in &RULES {
        page.heading(&[(Look::Strong, name), (Look::Dim, "  "), (Look::Dim, severity.as_str())]);
        page.line("finds", &[(Look::Plain, (*finds).to_owned())]);
        page.unknown("harmless if", false_positive);
    }
    page.finish()
}
