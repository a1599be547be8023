//! The text of `triage profiles`.

use blotter_profiles::compare::{Change, Effect, Widening};
use blotter_profiles::effective::Availability;
use blotter_profiles::lint::{Finding, RULES, Severity};
use blotter_profiles::source::{Replaced, Scalar};
use blotter_profiles::stack::{Listed, Selection};
use blotter_profiles::{Provenance, Semantics, Verdict};
use unicode_width::UnicodeWidthStr as _;

use super::terminal::{Look, Screen, escape, wrap};
use crate::profiles::{Answered, Compared, Shown};

/// Columns and colours.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Columns.
    pub width: usize,
    /// Whether colours are written.
    pub colour: bool,
}

impl Options {
    fn screen(self) -> Screen {
        Screen::new(self.width, self.colour)
    }
}

/// Writes a text from the current column on, its further lines below its first.
fn paragraph(screen: &mut Screen, look: Look, text: &str) {
    let column = screen.column();
    let room = screen.left().max(16);
    for (index, line) in wrap(&escape(text), room).iter().enumerate() {
        if index > 0 {
            screen.pad(column);
        }
        screen.put(look, line);
        screen.end_line();
    }
}

/// A label and what belongs to it.
fn labelled(screen: &mut Screen, label: &str, look: Look, text: &str) {
    screen.put(Look::Dim, &format!("  {label}"));
    screen.pad(14);
    paragraph(screen, look, text);
}

fn verdict_look(verdict: Verdict) -> Look {
    match verdict {
        Verdict::Allow => Look::Good,
        Verdict::Deny => Look::Bad,
        Verdict::NotStated => Look::Strong,
    }
}

/// The profiles that there are.
#[must_use]
pub fn list(profiles: &[Listed], selection: &Selection, options: Options) -> String {
    let mut screen = options.screen();
    let widest = profiles.iter().map(|profile| escape(&profile.name).width()).max().unwrap_or(0);
    for profile in profiles {
        screen.put(Look::Strong, if profile.selected { "* " } else { "  " });
        screen.put(Look::Strong, &profile.name);
        screen.pad(widest.min(40) + 4);
        let extends = profile.extends.as_ref().map(|parent| format!("extends {parent}. "));
        let about = profile.description.clone().unwrap_or_default();
        let places: Vec<String> = profile.defined.iter().map(Provenance::to_string).collect();
        let built_in = profile.name.starts_with(':');
        let places = if built_in { "Built in.".to_owned() } else { places.join(", ") };
        let text = format!("{}{about}", extends.unwrap_or_default());
        paragraph(&mut screen, Look::Plain, if text.is_empty() { &places } else { &text });
        if !built_in && !text.is_empty() {
            screen.pad(widest.min(40) + 4);
            paragraph(&mut screen, Look::Dim, &places);
        }
        if let Availability::Unavailable { reason, at } = &profile.availability {
            screen.pad(widest.min(40) + 4);
            paragraph(&mut screen, Look::Bad, &format!("may not be used: {reason} ({at})"));
        }
    }
    screen.end_line();
    match (&selection.profile, &selection.at) {
        (None, _) => {
            let keys: Vec<String> =
                selection.legacy.iter().map(|key| format!("{} ({})", key.value, key.at)).collect();
            let text =
                format!("No profile is in effect: {} switches profiles off.", keys.join(", "));
            paragraph(&mut screen, Look::Bad, &text);
        }
        (Some(profile), Some(at)) => {
            paragraph(
                &mut screen,
                Look::Plain,
                &format!("* in effect: {profile}, selected by {at}"),
            );
        }
        (Some(profile), None) => {
            let text = format!("* in effect: {profile}, because nothing selects one");
            paragraph(&mut screen, Look::Plain, &text);
        }
    }
    if let Some(refused) = &selection.refused {
        let text = format!("`{}` is selected ({}) and may not be used.", refused.value, refused.at);
        paragraph(&mut screen, Look::Bad, &text);
    }
    screen.finish()
}

/// A profile with its entries; with `trace` what each replaced.
#[must_use]
pub fn show(shown: &Shown, trace: bool, options: Options) -> String {
    let mut screen = options.screen();
    screen.put(Look::Strong, &shown.name);
    screen.end_line();
    if let Some(about) = &shown.description {
        labelled(&mut screen, "about", Look::Plain, about);
    }
    if !shown.extends.is_empty() {
        labelled(&mut screen, "extends", Look::Plain, &shown.extends.join(", "));
    }
    labelled(&mut screen, "digest", Look::Plain, &shown.digest);
    if let Availability::Unavailable { reason, at } = &shown.availability {
        labelled(&mut screen, "unavailable", Look::Bad, &format!("{reason} ({at})"));
    }
    for (about, title) in
        [("path", "Paths"), ("setting", "Settings"), ("host", "Hosts"), ("socket", "Unix sockets")]
    {
        let entries: Vec<_> = shown.entries.iter().filter(|entry| entry.about == about).collect();
        if entries.is_empty() {
            continue;
        }
        screen.end_line();
        screen.put(Look::Strong, title);
        screen.end_line();
        let widest = entries.iter().map(|entry| escape(&entry.written).width()).max().unwrap_or(0);
        let column = (widest + 4).min(options.width / 2);
        for entry in entries {
            screen.put(Look::Plain, "  ");
            let look = if entry.written.ends_with("deny") { Look::Bad } else { Look::Plain };
            screen.put(look, &entry.written);
            if screen.column() + 2 > column {
                screen.end_line();
            }
            screen.pad(column);
            let mut text = if trace { entry.at.to_string() } else { entry.at.layer.to_string() };
            if let Some(only) = entry.only {
                text.push_str(&format!(", under {only} only"));
            }
            if entry.floor {
                text.push_str(", cannot be weakened");
            }
            paragraph(&mut screen, Look::Dim, &text);
            for old in entry.replaced.iter().filter(|_| trace) {
                screen.pad(column);
                paragraph(&mut screen, Look::Dim, &replaced(old));
            }
        }
    }
    for notice in &shown.notices {
        screen.end_line();
        paragraph(&mut screen, Look::Bad, &format!("{} ({})", notice.summary, notice.at));
    }
    screen.finish()
}

fn replaced(old: &Replaced) -> String {
    let value = match &old.value {
        Scalar::Text(text) => text.clone(),
        Scalar::Bool(flag) => flag.to_string(),
        Scalar::Integer(number) => number.to_string(),
        other => other.kind().to_owned(),
    };
    let below = match old.below.as_slice() {
        [] => String::new(),
        below => format!("{} = ", below.join("/")),
    };
    let by = if old.by_child { ", of a parent" } else { "" };
    format!("replaced {below}{value} at {}{by}", old.at)
}

/// An answer.
#[must_use]
pub fn decide(answered: &Answered, options: Options) -> String {
    let mut screen = options.screen();
    let answer = &answered.answer;
    screen.put(verdict_look(answer.decision), answer.decision.as_str());
    screen.put(Look::Plain, "  ");
    let asked = format!("{} {} under {}", answered.action, answered.target, answered.profile);
    paragraph(&mut screen, Look::Strong, &asked);
    if let Some(rule) = &answer.rule {
        labelled(&mut screen, "rule", Look::Plain, rule);
    }
    if let Some(place) = answer.place() {
        labelled(&mut screen, "at", Look::Plain, &place);
    }
    labelled(&mut screen, "why", Look::Plain, answer.reason.sentence());
    for note in &answer.notes {
        labelled(&mut screen, "note", Look::Dim, note.sentence());
    }
    if let Some(under) = &answered.under {
        let (name, other) = match answered.semantics {
            Semantics::Codex => ("documented", &under.documented),
            Semantics::Documented => ("codex", &under.codex),
        };
        let rule = other.rule.as_ref().map(|rule| format!(" by `{rule}`")).unwrap_or_default();
        let place = other.place().map(|place| format!(", {place}")).unwrap_or_default();
        let text = format!("{}{rule}{place}: {}", other.decision.as_str(), other.reason.sentence());
        labelled(&mut screen, name, verdict_look(other.decision), &text);
    }
    for looked in answered.trace.iter().filter(|looked| !looked.decides) {
        let place = looked.at.as_ref().map(|at| format!(", {at}")).unwrap_or_default();
        labelled(
            &mut screen,
            "not",
            Look::Dim,
            &format!("`{}`{place}: {}", looked.rule, looked.why),
        );
        for old in &looked.replaced {
            labelled(&mut screen, "", Look::Dim, &replaced(old));
        }
    }
    screen.finish()
}

/// A comparison.
#[must_use]
pub fn diff(compared: &Compared, options: Options) -> String {
    let mut screen = options.screen();
    let title =
        format!("{} -> {} ({} semantics)", compared.before, compared.after, compared.semantics);
    paragraph(&mut screen, Look::Strong, &title);
    if compared.difference.changes.is_empty() {
        paragraph(&mut screen, Look::Plain, "No rule says anything else.");
    }
    for change in &compared.difference.changes {
        line(&mut screen, change);
    }
    screen.end_line();
    for (label, widening) in [
        ("more allowed", &compared.difference.widens),
        ("more denied", &compared.difference.narrows),
    ] {
        screen.put(Look::Dim, label);
        screen.pad(14);
        match widening {
            Widening::No => paragraph(&mut screen, Look::Plain, "no"),
            Widening::Yes { examples } => {
                let text = format!("yes, for instance {}", examples.join(", "));
                paragraph(&mut screen, Look::Strong, &text);
            }
            Widening::Unknown { reason } => {
                paragraph(&mut screen, Look::Plain, &format!("cannot be told: {reason}"));
            }
        }
    }
    screen.finish()
}

fn line(screen: &mut Screen, change: &Change) {
    let (mark, look) = match change.effect {
        Effect::Allowed => ("+", Look::Good),
        Effect::Denied => ("-", Look::Bad),
        Effect::Changed => ("~", Look::Plain),
    };
    screen.put(look, mark);
    screen.put(Look::Dim, &format!(" {}", change.about));
    screen.pad(11);
    let text = format!("{}: {} -> {}", change.subject, change.before, change.after);
    paragraph(screen, look, &text);
    let places = [("was", &change.before_at), ("is", &change.after_at)];
    let places: Vec<String> = places
        .into_iter()
        .filter_map(|(word, at)| Some(format!("{word} {}", at.as_ref()?)))
        .collect();
    if !places.is_empty() {
        screen.pad(11);
        paragraph(screen, Look::Dim, &places.join(", "));
    }
}

/// What is wrong with profiles.
#[must_use]
pub fn lint(findings: &[Finding], options: Options) -> String {
    let mut screen = options.screen();
    for finding in findings {
        let look = match finding.severity {
            Severity::High => Look::Bad,
            Severity::Medium => Look::Strong,
            Severity::Low => Look::Dim,
        };
        screen.put(look, finding.severity.as_str());
        screen.pad(8);
        let profile =
            finding.profile.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        paragraph(&mut screen, Look::Strong, &format!("{}{profile}", finding.rule));
        screen.pad(8);
        paragraph(&mut screen, Look::Plain, &finding.summary);
        for at in &finding.at {
            screen.pad(8);
            paragraph(&mut screen, Look::Dim, &at.to_string());
        }
    }
    screen.finish()
}

/// The rules of `lint`.
#[must_use]
pub fn rules(options: Options) -> String {
    let mut screen = options.screen();
    for rule in &RULES {
        screen.put(Look::Dim, rule.severity.as_str());
        screen.pad(8);
        screen.put(Look::Strong, rule.name);
        screen.end_line();
        screen.pad(8);
        paragraph(&mut screen, Look::Plain, rule.finds);
    }
    screen.finish()
}
