//! What happened against what the profile says.

use blotter_profiles::Semantics;
use blotter_profiles::decide::{Connect, Decision, Reason, Request, Resolution, Rule, Verdict};
use blotter_profiles::effective::PathRule;
use blotter_profiles::profile::path::Target as Spot;

use super::in_effect::Known;
use super::model::{Agreement, Answer, Check, Happened};
use super::targets::{Target, Wanted};
use crate::fact::{EventId, Fact};
use crate::receipt::Receipt;
use crate::receipt::model::Connection;
use crate::receipt::tokens::{DecidedBy, Decision as Decided, Executed, Outcome, Sandbox};

/// What a call did, as far as its receipt tells, and why that is said.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub happened: Happened,
    pub why: String,
    pub events: Vec<EventId>,
}

impl Told {
    fn new<T>(happened: Happened, why: &str, fact: &Fact<T>) -> Self {
        Self { happened, why: why.to_owned(), events: fact.events.clone() }
    }
}

/// What became of the files of a call.
pub(super) fn of_files(receipt: &Receipt, wanted: &Wanted) -> Told {
    let unknown = |why: &str| Told {
        happened: Happened::Unknown,
        why: why.to_owned(),
        events: receipt.outcome.events.clone(),
    };
    if receipt.sandbox.value == Some(Sandbox::Escalated) {
        return unknown("it ran outside the sandbox, which was approved: no profile governs that");
    }
    if receipt.sandbox.value == Some(Sandbox::Denied) {
        return Told::new(Happened::Denied, "the sandbox denied something", &receipt.sandbox);
    }
    if matches!(receipt.decision.value, Some(Decided::Deny | Decided::Cancel)) {
        return unknown("it was refused before the profile was asked");
    }
    if receipt.executed.value == Some(Executed::No) {
        return unknown("it was not executed");
    }
    match receipt.outcome.value {
        Some(Outcome::Succeeded) => {
            let why =
                if wanted.is_command { "the command ended well" } else { "the call succeeded" };
            Told::new(Happened::Allowed, why, &receipt.outcome)
        }
        Some(Outcome::Failed) => unknown("it failed, which need not be for the profile"),
        _ => unknown("the trail does not tell how it ended"),
    }
}

/// Compares one file of a call. `alone` says whether the call wanted no other.
pub(super) fn file(
    receipt: &Receipt,
    wanted: &Wanted,
    target: &Target,
    told: &Told,
    profile: Option<&Known>,
) -> Check {
    let path = in_folder(&target.path, wanted.folder.as_deref());
    let request = if target.written { Request::Write(&path) } else { Request::Read(&path) };
    let mut check = Check {
        address: receipt.address.clone(),
        time_unix_nano: receipt.time_unix_nano,
        access: if target.written { "write" } else { "read" },
        target: path.clone(),
        from: target.from,
        happened: told.happened,
        why: told.why.clone(),
        profile: None,
        result: Agreement::NotJudged,
        events: told.events.clone(),
    };
    if let Some(why) = target.unknown {
        check.happened = Happened::Unknown;
        why.clone_into(&mut check.why);
        return check;
    }
    let Some(verdict) = answer(&mut check, &request, profile) else { return check };
    if let (Verdict::Deny, Happened::Allowed, Some(why)) =
        (verdict, told.happened, let_out(receipt))
    {
        check.why = why;
        return check;
    }
    let only_one = wanted.targets.len() == 1;
    check.result = match (verdict, told.happened) {
        (Verdict::Allow, Happened::Allowed) | (Verdict::Deny, Happened::Denied) => {
            Agreement::Agrees
        }
        (Verdict::Deny, Happened::Allowed) => Agreement::Differs,
        // What the sandbox denied may have been another file, or something that no word names.
        (Verdict::Allow, Happened::Denied) if only_one && !wanted.is_command => Agreement::Differs,
        _ => Agreement::NotJudged,
    };
    check
}

/// Who let a call do more than the profile allows, where that is told: no profile governs what a person or a
/// reviewer let out of the sandbox, and a grant goes before it.
fn let_out(receipt: &Receipt) -> Option<String> {
    if let Some(grant) = receipt.grants.value.iter().flatten().next() {
        return Some(format!(
            "it went through under a grant ({}), which goes before the profile",
            grant.what
        ));
    }
    let allowed = receipt.decision.value == Some(Decided::Allow);
    let by = receipt.decided_by.value.filter(|by| {
        matches!(by, DecidedBy::User | DecidedBy::Reviewer | DecidedBy::SessionGrant)
    })?;
    allowed
        .then(|| format!("it went through, approved by {by}: an approval goes before the profile"))
}

/// That something of a call was not looked at.
pub(super) fn unread(receipt: &Receipt, what: String, why: &str) -> Check {
    Check {
        address: receipt.address.clone(),
        time_unix_nano: receipt.time_unix_nano,
        access: "write",
        target: what,
        from: "argument",
        happened: Happened::Unknown,
        why: why.to_owned(),
        profile: None,
        result: Agreement::NotJudged,
        events: receipt.arguments.events.clone(),
    }
}

/// Who decided about a connection instead of the profile, as Codex's proxy names it.
const DECIDER: &str = "decider";
/// Reasons of Codex's proxy for which the profile's rules for hosts were not asked, or did not decide.
const OTHER_REASONS: [&str; 4] =
    ["mitm_required", "proxy_disabled", "policy_denied", "unix_socket_unsupported"];
/// The reason that rests on the method, and the one that rests on what the name resolves to.
const METHOD: &str = "method_not_allowed";
const LOCAL: &str = "not_allowed_local";

/// Compares a decision of the network proxy.
pub(super) fn connection(
    receipt: &Receipt,
    connection: &Connection,
    profile: Option<&Known>,
) -> Option<Check> {
    let host = connection.host.as_deref()?;
    let port = connection.port.and_then(|port| u16::try_from(port).ok());
    let shown = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let happened = match connection.decision.as_deref() {
        Some("allow") => Happened::Allowed,
        Some("deny") => Happened::Denied,
        _ => Happened::Unknown,
    };
    let mut check = Check {
        address: receipt.address.clone(),
        time_unix_nano: connection.time_unix_nano,
        access: "connect",
        target: port.map_or(shown.clone(), |port| format!("{shown}:{port}")),
        from: "decision of the network proxy",
        happened,
        why: connection.reason.clone().unwrap_or_default(),
        profile: None,
        result: Agreement::NotJudged,
        events: receipt.network.events.clone(),
    };
    let method = connection.method.as_deref();
    let wanted = Connect { host, port, method, resolution: Resolution::Unknown };
    let Some(verdict) = answer(&mut check, &Request::Connect(wanted), profile) else {
        return Some(check);
    };
    let source = connection.source.as_deref();
    if source == Some(DECIDER) || source.is_some_and(is_a_person) {
        check.why = "someone was asked about the host, which goes before the profile".to_owned();
        return Some(check);
    }
    if let (Verdict::Deny, Happened::Allowed, Some(why)) = (verdict, happened, let_out(receipt)) {
        check.why = why;
        return Some(check);
    }
    // The proxy also refuses what resolves to a local address, which nobody here can tell.
    let reason = connection.reason.as_deref();
    let other = reason.is_some_and(|reason| {
        OTHER_REASONS.contains(&reason) || reason == LOCAL || (reason == METHOD && method.is_none())
    });
    check.result = match (verdict, happened) {
        (Verdict::Allow, Happened::Allowed) | (Verdict::Deny, Happened::Denied) => {
            Agreement::Agrees
        }
        (Verdict::Deny, Happened::Allowed) => Agreement::Differs,
        (Verdict::Allow, Happened::Denied) if !other => Agreement::Differs,
        _ => Agreement::NotJudged,
    };
    Some(check)
}

/// Whether the word for who decided is that of a person or reviewer, as an instrumented agent names them.
fn is_a_person(source: &str) -> bool {
    [DecidedBy::User, DecidedBy::Reviewer, DecidedBy::SessionGrant]
        .iter()
        .any(|by| by.as_str() == source)
}

/// Asks the profile; the verdict is none where it cannot be asked.
fn answer(check: &mut Check, request: &Request<'_>, profile: Option<&Known>) -> Option<Verdict> {
    let Some(known) = profile else {
        "the trail names no profile for that time".clone_into(&mut check.why);
        return None;
    };
    let Some(compiled) = &known.decider else {
        check.why = known.said.problem.clone().unwrap_or_default();
        return None;
    };
    check.events.extend(known.said.events.first());
    let asked = compiled.decider.both(request, Semantics::Codex);
    let unknown = match asked.decision.reason {
        Reason::NoHome => {
            "the path is in the home folder, and the trail does not tell which that is"
        }
        Reason::NoPath => "the path is relative, and the trail does not tell the folder",
        _ => "",
    };
    if !unknown.is_empty() {
        unknown.clone_into(&mut check.why);
        return None;
    }
    let verdict = asked.decision.verdict;
    let documented = asked.other.as_ref();
    // A configuration that has the same rule knows where it stands; one that answers by another rule is not
    // what was in effect.
    let configured = known.configured.as_ref().map(|configured| {
        let decision = configured.decider.decide(request, Semantics::Codex);
        let same = configured.digest == compiled.digest
            || same_rule(&decision, &asked.decision, &known.place.workspace_roots);
        (decision, same)
    });
    let placed = configured
        .filter(|(decision, same)| *same && decision.verdict == verdict)
        .map(|(decision, _)| decision);
    check.profile = Some(Answer::new(placed.as_ref().unwrap_or(&asked.decision), documented));
    Some(verdict)
}

/// Whether a configuration decides by the rule by which a session file decides.
fn same_rule(configured: &Decision<'_>, stated: &Decision<'_>, roots: &[String]) -> bool {
    let same_path = |configured: &PathRule, stated: &PathRule| {
        configured.access == stated.access && same_spot(&configured.target, &stated.target, roots)
    };
    match (configured.rule, stated.rule) {
        (Some(Rule::Path(configured)), Some(Rule::Path(stated))) => same_path(configured, stated),
        (
            Some(Rule::Protected { name, folder }),
            Some(Rule::Protected { name: stated_name, folder: stated_folder }),
        ) => name == stated_name && same_path(folder, stated_folder),
        (Some(Rule::Domain(configured)), Some(Rule::Domain(stated))) => {
            let host = |written: &str| written.trim().to_lowercase();
            configured.permission == stated.permission
                && host(&configured.pattern.written) == host(&stated.pattern.written)
        }
        (Some(Rule::Socket(configured)), Some(Rule::Socket(stated))) => {
            configured.permission == stated.permission && configured.path == stated.path
        }
        (Some(Rule::Switch { text, .. }), Some(Rule::Switch { text: stated, .. })) => {
            text == stated
        }
        (None, None) => configured.reason == stated.reason,
        _ => false,
    }
}

/// Whether two targets are the same; a session file may state the folder that a word stands for.
fn same_spot(configured: &Spot, stated: &Spot, roots: &[String]) -> bool {
    if configured == stated {
        return true;
    }
    let Spot::Path { path } = stated else { return false };
    match configured {
        Spot::Root => path == "/",
        Spot::SlashTmp => path == "/tmp",
        Spot::WorkspaceRoots { below: None } => roots.contains(path),
        Spot::WorkspaceRoots { below: Some(below) } => roots.iter().any(|root| {
            let rest = path.strip_prefix(root.trim_end_matches('/'));
            rest.and_then(|rest| rest.strip_prefix('/')) == Some(below.as_str())
        }),
        _ => false,
    }
}

/// A path as its command meant it: from the folder that its arguments name.
fn in_folder(path: &str, folder: Option<&str>) -> String {
    match folder {
        Some(folder) if !path.starts_with(['/', '~']) => {
            format!("{}/{path}", folder.trim_end_matches('/'))
        }
        _ => path.to_owned(),
    }
}
