//! Every rule that was looked at, and why it does not decide.

use super::{Decider, Decision, Request, Rule};
use crate::effective::{Kind, PathRule, Standing};
use crate::profile::Permission;
use crate::semantics::Semantics;
use crate::source::Replaced;

/// A rule that was looked at.
#[derive(Debug, Clone)]
pub struct Considered<'a> {
    /// The rule.
    pub rule: Rule<'a>,
    /// Whether it decides.
    pub decides: bool,
    /// Why, or why not.
    pub why: &'static str,
    /// What it replaced.
    pub replaced: &'a [Replaced],
}

pub(crate) fn trace<'a>(
    decider: &'a Decider,
    request: &Request<'_>,
    semantics: Semantics,
) -> Vec<Considered<'a>> {
    let decision = decider.decide(request, semantics);
    let mut all = Vec::new();
    if let Some(rule) = decision.rule {
        let why = decision.reason.sentence();
        all.push(Considered { rule, decides: true, why, replaced: replaced(rule) });
    }
    if decider.profile.kind != Kind::Restricted {
        return all;
    }
    let rest = match request {
        Request::Read(path) | Request::List(path) | Request::Write(path) => {
            paths(decider, path, semantics, &decision)
        }
        Request::Connect(connect) => hosts(decider, connect.host, semantics),
        Request::Socket(_) => Vec::new(),
    };
    let same = |one: &Considered<'_>| all.iter().any(|known| is_same(&known.rule, &one.rule));
    let rest: Vec<_> = rest.into_iter().filter(|one| !same(one)).collect();
    all.extend(rest);
    all
}

fn paths<'a>(
    decider: &'a Decider,
    path: &str,
    semantics: Semantics,
    decision: &Decision<'a>,
) -> Vec<Considered<'a>> {
    let Some(path) = decider.place.absolute(path) else { return Vec::new() };
    let real = decider.place.real(&path);
    let [codex, documented] = &decider.paths;
    let (own, other) = match semantics {
        Semantics::Codex => (codex, documented),
        Semantics::Documented => (documented, codex),
    };
    let mut all: Vec<Considered<'a>> = Vec::new();
    let mut put = |index: usize, why: &'static str| {
        let Some(rule) = decider.profile.paths.get(index) else { return };
        if !all.iter().any(|known| is_same(&known.rule, &Rule::Path(rule))) {
            let replaced = rule.replaced.as_slice();
            all.push(Considered { rule: Rule::Path(rule), decides: false, why, replaced });
        }
    };
    let winner = match decision.rule {
        Some(Rule::Path(rule)) => Some(rule),
        _ => None,
    };
    let names = [real.as_deref(), Some(&*path)];
    for name in names.into_iter().flatten() {
        for index in own.globs.all(name) {
            put(index, "a deny pattern that matches");
        }
        for index in own.tree.rules(name) {
            let tie = |rule: &&PathRule| winner.is_some_and(|winner| winner.target == rule.target);
            let why = match decider.profile.paths.get(index).filter(tie) {
                Some(_) => "the same path: deny goes before write, write before read",
                None => "the path is shorter",
            };
            put(index, why);
        }
        for index in other.tree.rules(name).into_iter().chain(other.globs.all(name)) {
            let rule = decider.profile.paths.get(index);
            if rule.is_some_and(|rule| rule.standing != Standing::Both) {
                put(index, "counts under the other semantics only");
            }
        }
    }
    all
}

fn hosts<'a>(decider: &'a Decider, host: &str, semantics: Semantics) -> Vec<Considered<'a>> {
    let [codex, documented] = &decider.hosts;
    let (own, other) = match semantics {
        Semantics::Codex => (codex, documented),
        Semantics::Documented => (documented, codex),
    };
    let own = own.all(&decider.profile, host);
    let other = other.all(&decider.profile, host);
    let mut all = Vec::new();
    for index in own.iter().chain(&other) {
        let Some(rule) = decider.profile.network.domains.get(*index) else { continue };
        let why = match (own.contains(index), rule.permission) {
            (false, _) => "counts under the other semantics only",
            (true, Permission::Deny) => "denies as well",
            (true, Permission::Allow) => {
                "allows; a deny goes before, and of allows the first one is named"
            }
        };
        let replaced = rule.replaced.as_slice();
        all.push(Considered { rule: Rule::Domain(rule), decides: false, why, replaced });
    }
    all.dedup_by(|one, other| is_same(&one.rule, &other.rule));
    all
}

fn replaced(rule: Rule<'_>) -> &[Replaced] {
    match rule {
        Rule::Path(rule) => &rule.replaced,
        Rule::Domain(rule) => &rule.replaced,
        Rule::Socket(rule) => &rule.replaced,
        _ => &[],
    }
}

fn is_same(one: &Rule<'_>, other: &Rule<'_>) -> bool {
    match (one, other) {
        (Rule::Path(one), Rule::Path(other)) => std::ptr::eq(*one, *other),
        (Rule::Domain(one), Rule::Domain(other)) => std::ptr::eq(*one, *other),
        (Rule::Socket(one), Rule::Socket(other)) => std::ptr::eq(*one, *other),
        _ => false,
    }
}
