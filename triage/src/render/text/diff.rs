//! A comparison of two runs.

use super::layout::Page;
use crate::diff::Diff;
use crate::diff::classes::Class;
use crate::diff::model::{Aspect, Difference, NotComparable, Side, State, Steps, Verdict};
use crate::render::terminal::Look;

/// Most differences of a class that are shown unless all are asked for.
const SHOWN: usize = 20;
/// Most steps of a difference that are named.
const STEPS: usize = 8;
/// Most sayings of a fact that cannot be compared that are shown.
const SAID: usize = 6;
/// Classes that are not alarming by themselves.
const QUIET: &[Class] = &[Class::Gone, Class::Arguments, Class::Order, Class::Count];

pub(super) fn diff(page: &mut Page, diff: &Diff) {
    page.heading(&[(Look::Strong, "Comparison of A with B")]);
    page.line("A", &[(Look::Plain, side(&diff.a))]);
    page.line("B", &[(Look::Plain, side(&diff.b))]);
    page.blank();
    comparability(page, diff);
    page.blank();
    differences(page, diff);
    if !diff.not_comparable.is_empty() {
        page.blank();
        page.heading(&[(Look::Strong, "Not comparable")]);
        not_comparable(page, diff);
    }
    page.blank();
    page.remark(diff.note);
}

fn side(side: &Side) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let Side { source, runs, steps } = side;
    format!("{source}, {runs} run{}, {steps} step{}", plural(*runs), plural(*steps))
}

fn comparability(page: &mut Page, diff: &Diff) {
    let (look, verdict) = match diff.comparability.verdict {
        Verdict::Yes => (Look::Good, "yes: nothing that is known of how they ran differs"),
        Verdict::Limited => {
            (Look::Bad, "with limits: a difference may come from what differs here")
        }
        Verdict::No => (Look::Bad, "no: they are runs of different agents"),
    };
    page.heading(&[(Look::Strong, "Comparable  "), (look, verdict)]);
    let aspects = &diff.comparability.aspects;
    for aspect in aspects.iter().filter(|aspect| !aspect.means.is_empty()) {
        self::aspect(page, aspect, diff);
    }
    let named = |state: State| {
        let mut names: Vec<&str> = aspects
            .iter()
            .filter(|aspect| aspect.state == state)
            .map(|aspect| label(aspect.name))
            .collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    for (name, state) in [("the same", State::Same), ("not known", State::UnknownInBoth)] {
        let names = named(state);
        if !names.is_empty() {
            page.unknown(name, &names);
        }
    }
}

fn aspect(page: &mut Page, aspect: &Aspect, diff: &Diff) {
    let mut pieces = Vec::new();
    if let (Some(run), true) = (&aspect.run, several(diff)) {
        pieces.push((Look::Dim, format!("run {run}:")));
    }
    if aspect.a.is_some() || aspect.b.is_some() {
        let value = |side: &Option<String>| side.clone().unwrap_or_else(|| "not known".to_owned());
        let text = format!("A {}; B {}", value(&aspect.a), value(&aspect.b));
        pieces.push((Look::Plain, text));
    }
    pieces.push((Look::Dim, format!("({})", aspect.means)));
    page.line(label(aspect.name), &pieces);
}

/// A name of at most 11 characters.
fn label(name: &str) -> &str {
    match name {
        "agent_version" => "version",
        "approval_policy" => "approval",
        "sandbox_policy" => "sandbox",
        "auth_mode" => "signed in",
        "transports" => "transport",
        "sender_settings" => "sender",
        "mcp_server" => "mcp server",
        "decided_by" => "decided by",
        "exit_code" => "exit code",
        name => name,
    }
}

/// Whether there is more than one place where runs stand.
fn several(diff: &Diff) -> bool {
    diff.a.runs > 1 || diff.b.runs > 1
}

fn differences(page: &mut Page, diff: &Diff) {
    let what = match (diff.differences.len(), diff.not_comparable.is_empty()) {
        (0, true) => "none",
        (0, false) => "none in what is known of both",
        _ => "what matters most for security first",
    };
    page.heading(&[(Look::Strong, "Differences  "), (Look::Dim, what)]);
    for class in Class::ALL {
        let these: Vec<&Difference> =
            diff.differences.iter().filter(|difference| difference.class == *class).collect();
        if these.is_empty() {
            continue;
        }
        page.unknown("", &format!("{}:", class.title()));
        let limit = if page.is_full() { usize::MAX } else { SHOWN };
        for difference in these.iter().take(limit) {
            self::difference(page, difference, diff);
        }
        if let Some(more) = these.len().checked_sub(limit).filter(|more| *more > 0) {
            page.unknown("", &format!("... {more} more, see --full"));
        }
    }
}

fn difference(page: &mut Page, difference: &Difference, diff: &Diff) {
    let Difference { class, run, fact, tool, a, b, says, steps } = difference;
    let mut pieces = Vec::new();
    if several(diff) {
        pieces.push((Look::Dim, format!("run {run}:")));
    }
    let loud = if QUIET.contains(class) { Look::Plain } else { Look::Bad };
    let unlabelled = [
        "approval_policy",
        "sandbox_policy",
        "profile",
        "network",
        "review",
        "executed",
        "exit_code",
        "executor",
    ];
    if unlabelled.contains(fact) {
        pieces.push((Look::Plain, label(fact).to_owned()));
    }
    match (a, b) {
        (Some(a), Some(b)) => {
            pieces.push((Look::Plain, a.clone()));
            pieces.push((Look::Dim, "->".to_owned()));
            pieces.push((loud, b.clone()));
        }
        (None, Some(b)) => pieces.push((loud, format!("+ {b}"))),
        (Some(a), None) => pieces.push((Look::Plain, format!("- {a}"))),
        (None, None) => {}
    }
    if !says.is_empty() {
        pieces.push((Look::Plain, format!("({says})")));
    }
    if let Some(place) = place(steps, tool.as_deref()) {
        pieces.push((Look::Dim, place));
    }
    page.line(class.label(), &pieces);
}

/// `in step 3 (exec_command)`, `in steps 1, 2 of B`, `in steps 1; 3 of A and 4 of B`.
fn place(steps: &[Steps], tool: Option<&str>) -> Option<String> {
    let first = steps.first()?;
    // Where all stand on one side only, that is said once.
    let side = match (first.a, first.b) {
        (Some(_), None) if steps.iter().all(|steps| steps.b.is_none()) => " of A",
        (None, Some(_)) if steps.iter().all(|steps| steps.a.is_none()) => " of B",
        _ => "",
    };
    let one = |steps: &Steps| match (steps.a, steps.b) {
        (Some(a), Some(b)) if a != b => format!("{a} of A and {b} of B"),
        (Some(place), _) | (None, Some(place)) if !side.is_empty() || steps.a == steps.b => {
            place.to_string()
        }
        (Some(a), _) => format!("{a} of A"),
        (None, Some(b)) => format!("{b} of B"),
        (None, None) => String::new(),
    };
    let mut named: Vec<String> = steps.iter().take(STEPS).map(one).collect();
    if let Some(more) = steps.len().checked_sub(STEPS).filter(|more| *more > 0) {
        named.push(format!("{more} more"));
    }
    let plural = if steps.len() == 1 { "" } else { "s" };
    let tool = tool.map(|tool| format!(" ({tool})")).unwrap_or_default();
    let separator = if named.iter().any(|one| one.contains(' ')) { "; " } else { ", " };
    Some(format!("in step{plural} {}{side}{tool}", named.join(separator)))
}

fn not_comparable(page: &mut Page, diff: &Diff) {
    let mut neither: Vec<(&str, &str)> = Vec::new();
    for one in &diff.not_comparable {
        let NotComparable { run, fact, unknown_in_a, unknown_in_b, unclear, .. } = one;
        if unknown_in_a + unknown_in_b + unclear == 0 {
            neither.push((run, label(fact)));
            continue;
        }
        let mut pieces = Vec::new();
        if several(diff) {
            pieces.push((Look::Dim, format!("run {run}:")));
        }
        let step = |count: usize| format!("{count} step{}", if count == 1 { "" } else { "s" });
        let counts: Vec<String> = [(*unknown_in_a, "A"), (*unknown_in_b, "B")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, side)| format!("not known in {side} for {}", step(count)))
            .chain((*unclear > 0).then(|| format!("unclear for {}", step(*unclear))))
            .collect();
        let grades: Vec<&str> = one.grades.iter().copied().collect();
        let grades =
            if grades.is_empty() { String::new() } else { format!(" ({})", grades.join(", ")) };
        pieces.push((Look::Plain, format!("{}{grades}", counts.join(", "))));
        if !one.said.is_empty() {
            let mut said: Vec<&str> = one.said.iter().take(SAID).map(String::as_str).collect();
            if one.said.len() > SAID {
                said.push("...");
            }
            pieces.push((Look::Plain, format!("; the other side says {}", said.join(", "))));
        }
        page.line(label(fact), &pieces);
    }
    let mut facts: Vec<&str> = neither.iter().map(|(_, fact)| *fact).collect();
    facts.dedup();
    if several(diff) {
        facts.sort_unstable();
        facts.dedup();
    }
    if !facts.is_empty() {
        page.unknown("in neither", &format!("for some or all steps: {}", facts.join(", ")));
    }
}
