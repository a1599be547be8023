//! What permission profiles say of a session.

use super::findings;
use super::layout::Page;
use super::speakers::of_tenant;
use crate::render::terminal::Look;
use crate::render::time;
use crate::replay::{Agreement, Check, Happened, InEffect, Replay, Source};

/// Calls that no profile governs that are named.
const NAMED: usize = 10;

pub(super) fn replay(page: &mut Page, replay: &Replay) {
    page.heading(&[
        (Look::Strong, "Session "),
        (Look::Strong, &replay.session_id),
        (Look::Plain, &of_tenant(replay.tenant.as_deref())),
    ]);
    page.indent(|page| {
        if replay.profiles.is_empty() {
            let why = "none is known: import the agent's session file, or name a configuration (--config; of Codex and instrumented agents)";
            page.unknown("profile", why);
            return;
        }
        for said in &replay.profiles {
            profile(page, said);
        }
        counts(page, replay);
        for finding in &replay.findings {
            findings::told(page, finding);
        }
        let shown = |check: &&Check| page_shows(page.is_full(), check);
        let checks: Vec<&Check> = replay.checks.iter().filter(shown).collect();
        for check in checks {
            page.blank();
            page.heading(&[(Look::Plain, &check.address)]);
            page.indent(|page| self::check(page, check));
        }
    });
}

fn page_shows(full: bool, check: &Check) -> bool {
    full || check.result == Agreement::Differs
}

fn profile(page: &mut Page, said: &InEffect) {
    let name = said.name.as_deref().unwrap_or("(without a name)");
    let from = match said.source {
        Source::Rollout => "as the session file states it",
        Source::Named => "named by a record, its rules from the configuration given",
        Source::Configuration => {
            "from the configuration given; no record says that it was in effect"
        }
    };
    let since = said.since_unix_nano.map(|since| format!("since {}", time::clock(since)));
    let grade = if said.grade == "inferred" { "(inferred)" } else { "" };
    let mut pieces = vec![(Look::Strong, name.to_owned())];
    pieces.extend(since.map(|since| (Look::Dim, since)));
    pieces.extend(said.cwd.as_ref().map(|cwd| (Look::Dim, format!("in {cwd}"))));
    pieces.push((Look::Dim, from.to_owned()));
    pieces.push((Look::Dim, grade.to_owned()));
    if said.unrestricted {
        pieces.push((Look::Bad, "restricts nothing".to_owned()));
    }
    page.line("profile", &pieces);
    if let Some(policy) = &said.approval_policy {
        page.line("approval", &[(Look::Plain, policy.clone())]);
    }
    if let Some(problem) = &said.problem {
        page.unknown("", problem);
    }
    if let Some(why) = &said.not_compared {
        page.unknown(
            "",
            &format!("whether it allows more than the one before is not known: {why}"),
        );
    }
}

fn counts(page: &mut Page, replay: &Replay) {
    let count = |wanted: Agreement| replay.checks.iter().filter(|it| it.result == wanted).count();
    let (agree, differ) = (count(Agreement::Agrees), count(Agreement::Differs));
    let look = if differ > 0 { Look::Bad } else { Look::Plain };
    let not_judged = count(Agreement::NotJudged);
    page.line(
        "checks",
        &[
            (Look::Plain, format!("{agree} agree,")),
            (look, format!("{differ} differ,")),
            (Look::Plain, format!("{not_judged} not judged")),
        ],
    );
    let left_out = &replay.left_out;
    for (number, what) in [
        (left_out.calls, "calls: not, or not wholly, read: they are too many or too long"),
        (left_out.files, "files of calls that name very many"),
        (left_out.connections, "connections: there are too many checks"),
        (left_out.comparisons, "profiles: not compared with the one before, there are too many"),
    ] {
        if number > 0 {
            page.unknown("left out", &format!("{number} {what}"));
        }
    }
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for call in &replay.not_governed {
        let tool = call.tool.as_deref().unwrap_or("(tool not reported)");
        match reasons.iter_mut().find(|(why, _)| *why == call.why) {
            Some((_, tools)) => tools.push(tool),
            None => reasons.push((call.why, vec![tool])),
        }
    }
    for (why, tools) in reasons {
        let number = tools.len();
        let mut names = tools;
        names.sort_unstable();
        names.dedup();
        names.truncate(NAMED);
        page.unknown("not judged", &format!("{number} calls ({}): {why}", names.join(", ")));
    }
}

/// One check: what happened and what the profile says.
pub(super) fn check(page: &mut Page, check: &Check) {
    let (word, look) = match check.happened {
        Happened::Allowed => ("went through", Look::Plain),
        Happened::Denied => ("was stopped", Look::Plain),
        Happened::Unknown => ("not told", Look::Dim),
    };
    page.line(
        check.access,
        &[
            (Look::Strong, check.target.clone()),
            (Look::Dim, format!("({})", check.from)),
            (look, format!("{word}:")),
            (Look::Dim, check.why.clone()),
        ],
    );
    let Some(answer) = &check.profile else { return };
    let look = match check.result {
        Agreement::Differs => Look::Bad,
        Agreement::Agrees => Look::Good,
        Agreement::NotJudged => Look::Plain,
    };
    page.line("profile", &[(look, answer.sentence())]);
    if let Some(documented) = answer.documented {
        let text = format!("as documented, profiles would answer {documented}");
        page.line("", &[(Look::Bad, text)]);
    }
    for note in &answer.answer.notes {
        page.unknown("", note.sentence());
    }
}
