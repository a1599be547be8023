//! What happened against what the profile says.

use blotter_profiles::decide::{Connect, Decision, Request, Resolution, Verdict};
use blotter_profiles::{Decider, Semantics};

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
    if !target.known {
        check.happened = Happened::Unknown;
        "only running the command would tell which file that is".clone_into(&mut check.why);
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
    let wanted = Connect { host, port, method: None, resolution: Resolution::Unknown };
    let Some(verdict) = answer(&mut check, &Request::Connect(wanted), profile) else {
        return Some(check);
    };
    // The proxy also refuses what resolves to a local address, which nobody here can tell.
    let local = connection.reason.as_deref() == Some("not_allowed_local");
    check.result = match (verdict, happened) {
        (Verdict::Allow, Happened::Allowed) | (Verdict::Deny, Happened::Denied) => {
            Agreement::Agrees
        }
        (Verdict::Deny, Happened::Allowed) => Agreement::Differs,
        (Verdict::Allow, Happened::Denied) if !local => Agreement::Differs,
        _ => Agreement::NotJudged,
    };
    Some(check)
}

/// Asks the profile; the verdict is none where it cannot be asked.
fn answer(check: &mut Check, request: &Request<'_>, profile: Option<&Known>) -> Option<Verdict> {
    let Some(known) = profile else {
        "the trail names no profile for that time".clone_into(&mut check.why);
        return None;
    };
    let Some(decider) = &known.decider else {
        check.why = known.said.problem.clone().unwrap_or_default();
        return None;
    };
    check.events.extend(known.said.events.first());
    let asked = decider.both(request, Semantics::Codex);
    let verdict = asked.decision.verdict;
    let documented = asked.other.as_ref();
    // A configuration that answers the same knows which rule it is and where it stands; one that answers
    // otherwise is not what was in effect.
    let configured =
        known.configured.as_ref().map(|it: &Decider| it.decide(request, Semantics::Codex));
    let placed = configured.filter(|decision: &Decision<'_>| decision.verdict == verdict);
    check.profile = Some(Answer::new(placed.as_ref().unwrap_or(&asked.decision), documented));
    Some(verdict)
}

/// A path as its command meant it: from the folder that its arguments name.
fn in_folder(path: &str, folder: Option<&str>) -> String {
    match folder {
        Some(folder) if !path.starts_with('/') && !path.starts_with("~/") => {
            format!("{}/{path}", folder.trim_end_matches('/'))
        }
        _ => path.to_owned(),
    }
}
