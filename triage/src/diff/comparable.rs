//! Whether two runs can be compared, and what it means where something about them differs.

use std::collections::BTreeSet;

use blotter_schemas::names::blotter::Grade;

use super::Pair;
use super::model::{Aspect, Comparability, State, Verdict};
use crate::snapshot::model::{Extent, Header, ITEMS, Run, Signals};
use crate::snapshot::{Compared, Known, List};

const AGENT: &str =
    "runs of different agents: tools have other names, and the words of policies mean other things";
const VERSION: &str = "a difference may come from the version";
const MODEL: &str = "a difference may come from the model";
const SETTING: &str = "a difference may follow from this setting";
const ASKED: &str = "they were asked different things: other steps are to be expected";
const SENDER: &str = "what the agents sent of what they did is not the same";
const SIGNALS: &str = "what only one side's records tell cannot be compared";
const COVERAGE: &str = "a fact that only one side knows is not compared";
const RULES: &str =
    "their texts were normalised by different rules: arguments, prompts and hosts are not compared";
const UNKNOWN: &str = "one side does not say: a difference may come from it";
const RUNS: &str =
    "what a run or a sub-agent's session did that only one side has is compared with nothing";

/// Holds the headers of the runs against each other.
pub(super) fn comparability(texts: bool, pairs: &[Pair<'_>]) -> Comparability {
    let mut aspects = Vec::new();
    if !texts {
        aspects.push(Aspect {
            run: None,
            name: "rules",
            a: None,
            b: None,
            state: State::Differs,
            means: RULES,
        });
    }
    let count =
        |of: fn(&Pair<'_>) -> bool| pairs.iter().filter(|pair| of(pair)).count().to_string();
    let (a, b) = (count(|pair| pair.a.is_some()), count(|pair| pair.b.is_some()));
    let alone = pairs.iter().any(|pair| pair.a.is_none() || pair.b.is_none());
    if alone {
        let (a, b) = (Some(a), Some(b));
        aspects.push(Aspect { run: None, name: "runs", a, b, state: State::Differs, means: RUNS });
    }
    for pair in pairs {
        if let (Some(a), Some(b)) = (pair.a, pair.b) {
            let mut these = Vec::new();
            self::aspects(a, b, texts, &mut these);
            for aspect in &mut these {
                aspect.run = Some(pair.place.clone());
            }
            aspects.extend(these);
        }
    }
    let other_agent = |aspect: &Aspect| aspect.name == "agent" && aspect.state == State::Differs;
    let limits = |aspect: &Aspect| matches!(aspect.state, State::Differs | State::Unknown);
    let verdict = if aspects.iter().any(other_agent) {
        Verdict::No
    } else if aspects.iter().any(limits) {
        Verdict::Limited
    } else {
        Verdict::Yes
    };
    Comparability { verdict, aspects }
}

fn aspects(a: &Run, b: &Run, texts: bool, aspects: &mut Vec<Aspect>) {
    let (a, b) = (&a.header, &b.header);
    type Words = fn(&Header) -> &Known<String>;
    let words: [(&'static str, Words, &'static str); 7] = [
        ("agent", |header| &header.agent, AGENT),
        ("agent_version", |header| &header.agent_version, VERSION),
        ("provider", |header| &header.provider, MODEL),
        ("profile", |header| &header.settings.profile, SETTING),
        ("approval_policy", |header| &header.settings.approval_policy, SETTING),
        ("sandbox_policy", |header| &header.settings.sandbox_policy, SETTING),
        ("auth_mode", |header| &header.settings.auth_mode, SETTING),
    ];
    for (name, of, means) in words {
        let (a, b) = (of(a), of(b));
        let shown = |known: &Known<String>| known.value.as_ref().map(|_| known.shown());
        aspects.push(aspect(name, a.compare(b), (shown(a), shown(b)), means));
    }
    type Lists = fn(&Header) -> &Known<List<String, ITEMS>>;
    let lists: [(&'static str, Lists, &'static str); 2] = [
        ("models", |header| &header.models, MODEL),
        ("transports", |header| &header.settings.transports, SETTING),
    ];
    for (name, of, means) in lists {
        let (a, b) = (of(a), of(b));
        let shown = |known: &Known<List<String, ITEMS>>| {
            known.value.as_ref().map(|values| values.join(", "))
        };
        aspects.push(aspect(name, a.compare(b), (shown(a), shown(b)), means));
    }
    if texts {
        let shown = |known: &Known<List<String, ITEMS>>| {
            let count = known.value.as_ref()?.len();
            Some(format!("{count} prompt{}", if count == 1 { "" } else { "s" }))
        };
        let compared = a.asked.compare(&b.asked);
        aspects.push(aspect("asked", compared, (shown(&a.asked), shown(&b.asked)), ASKED));
    }
    aspects.push(sender_settings(a, b));
    let (sent_a, sent_b) = (sent(a.signals), sent(b.signals));
    let compared = if sent_a == sent_b { Compared::Same } else { Compared::Differs };
    aspects.push(aspect("signals", compared, (Some(sent_a), Some(sent_b)), SIGNALS));
    let (known_a, known_b) = coverage(a, b);
    let compared = if known_a == known_b { Compared::Same } else { Compared::Differs };
    aspects.push(aspect("coverage", compared, (Some(known_a), Some(known_b)), COVERAGE));
}

fn aspect(
    name: &'static str,
    compared: Compared,
    (a, b): (Option<String>, Option<String>),
    means: &'static str,
) -> Aspect {
    let state = match compared {
        Compared::Same => State::Same,
        Compared::Differs => State::Differs,
        Compared::NotComparable { in_a: false, in_b: false } => State::UnknownInBoth,
        Compared::NotComparable { .. } => State::Unknown,
    };
    let means = match state {
        State::Differs => means,
        State::Unknown => UNKNOWN,
        State::Same | State::UnknownInBoth => "",
    };
    Aspect { run: None, name, a, b, state, means }
}

/// The settings of the senders that are not known to be the same.
fn sender_settings(a: &Header, b: &Header) -> Aspect {
    let (a, b) = (&a.sender_settings, &b.sender_settings);
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let unknown = Known::unknown(Grade::Missing);
    let (mut in_a, mut in_b) = (Vec::new(), Vec::new());
    let mut worst = Compared::Same;
    for name in names {
        let (of_a, of_b) = (a.get(name).unwrap_or(&unknown), b.get(name).unwrap_or(&unknown));
        let compared = of_a.compare(of_b);
        if compared == Compared::Same
            || matches!(compared, Compared::NotComparable { in_a: false, in_b: false })
        {
            continue;
        }
        if worst != Compared::Differs {
            worst = compared;
        }
        in_a.push(format!("{name} {}", of_a.shown()));
        in_b.push(format!("{name} {}", of_b.shown()));
    }
    let joined = |settings: Vec<String>| (!settings.is_empty()).then(|| settings.join(", "));
    aspect("sender_settings", worst, (joined(in_a), joined(in_b)), SENDER)
}

fn sent(signals: Signals) -> String {
    let kinds = [
        (signals.logs, "logs"),
        (signals.spans, "spans"),
        (signals.span_events, "span events"),
        (signals.rollout, "session file"),
    ];
    let sent: Vec<&str> = kinds.iter().filter(|(sent, _)| *sent).map(|(_, kind)| *kind).collect();
    if sent.is_empty() { "nothing".to_owned() } else { sent.join(", ") }
}

/// The facts whose extent differs, as each side has them; `as the other` where none does. A run without
/// steps covers nothing, and nothing of it can be compared.
fn coverage(a: &Header, b: &Header) -> (String, String) {
    if a.coverage.is_empty() || b.coverage.is_empty() {
        return ("the same facts".to_owned(), "the same facts".to_owned());
    }
    let extent = |header: &Header, fact: &str| match header
        .coverage
        .get(fact)
        .copied()
        .unwrap_or(Extent::None)
    {
        Extent::All => "all",
        Extent::Some => "some",
        Extent::None => "none",
    };
    let facts: BTreeSet<&String> = a.coverage.keys().chain(b.coverage.keys()).collect();
    let (mut in_a, mut in_b) = (Vec::new(), Vec::new());
    for fact in facts {
        let (of_a, of_b) = (extent(a, fact), extent(b, fact));
        if of_a != of_b {
            in_a.push(format!("{fact} in {of_a}"));
            in_b.push(format!("{fact} in {of_b}"));
        }
    }
    if in_a.is_empty() {
        return ("the same facts".to_owned(), "the same facts".to_owned());
    }
    (in_a.join(", "), in_b.join(", "))
}
