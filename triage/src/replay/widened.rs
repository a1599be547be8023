//! What a later profile of a session allows that the one before it does not.

use std::collections::BTreeMap;

use blotter_profiles::compare::{Widening, widens};
use blotter_profiles::effective::Kind;
use blotter_profiles::{Decider, Place, Request, Semantics, Verdict};

use super::compiled::Compiled;
use super::in_effect::Known;

/// What the comparisons of one session may weigh together, as [`super::compiled`] weighs.
const MOST: usize = 100_000;
/// Requests that are named as examples at most.
const EXAMPLES: usize = 5;
/// The switch of the network, which counts where the hosts are not known.
const NETWORK: &str = "enabled";

/// Of two profiles, the later of which is in effect after the other.
#[derive(Debug, Clone)]
enum Compared {
    No,
    Yes(String),
    Unknown(String),
}

/// Says of every profile what it allows that the one before it does not, or why that is not known. Returns
/// how many were not compared because there are too many.
pub(super) fn compare(profiles: &mut [Known]) -> usize {
    compare_within(profiles, MOST)
}

fn compare_within(profiles: &mut [Known], most: usize) -> usize {
    let mut known: BTreeMap<(usize, usize), Compared> = BTreeMap::new();
    let (mut weight, mut left_out) = (0_usize, 0);
    let mut before: Option<Compiled> = None;
    for profile in profiles {
        let Some(after) = profile.decider.clone() else {
            // What cannot be asked allows nobody knows what.
            before = None;
            continue;
        };
        let earlier = before.replace(after.clone());
        let Some(earlier) = earlier.filter(|earlier| earlier.id != after.id) else { continue };
        let ids = (earlier.id, after.id);
        let compared = match known.get(&ids) {
            Some(compared) => compared.clone(),
            None => {
                weight = weight.saturating_add(earlier.weight).saturating_add(after.weight);
                if weight > most {
                    left_out += 1;
                    profile.said.not_compared = Some(format!(
                        "the session's profiles are more or larger than are compared ({most} rules)"
                    ));
                    continue;
                }
                let compared = compared(&earlier, &after);
                known.insert(ids, compared.clone());
                compared
            }
        };
        match compared {
            Compared::Yes(examples) => profile.wider = Some(examples),
            Compared::Unknown(why) => profile.said.not_compared = Some(why),
            Compared::No => {}
        }
    }
    left_out
}

fn compared(earlier: &Compiled, later: &Compiled) -> Compared {
    let (from, to) = (&*earlier.decider, &*later.decider);
    let mut examples = network(from, to);
    examples.extend(roots(from, to));
    let mut unknown = None;
    let mut places: Vec<&Place> = vec![to.place()];
    if from.place() != to.place() {
        places.push(from.place());
    }
    for place in places {
        match widens(from.profile(), to.profile(), place, Semantics::Codex) {
            Ok(Widening::Yes { examples: more }) => {
                for example in more {
                    if !examples.contains(&example) {
                        examples.push(example);
                    }
                }
            }
            Ok(Widening::No) => {}
            Ok(Widening::Unknown { reason }) => unknown = Some(reason),
            Err(error) => unknown = Some(error.to_string()),
        }
    }
    examples.truncate(EXAMPLES);
    match unknown {
        _ if !examples.is_empty() => Compared::Yes(examples.join(", ")),
        Some(why) => Compared::Unknown(why),
        None => Compared::No,
    }
}

/// The network, where it was off and is on: a session file does not say for which hosts.
fn network(from: &Decider, to: &Decider) -> Vec<String> {
    let on = |decider: &Decider| {
        let profile = decider.profile();
        match profile.kind {
            Kind::Restricted => Some(profile.network.switch(NETWORK, Semantics::Codex).0),
            Kind::Unrestricted => Some(true),
            Kind::External => None,
        }
    };
    let opened = on(from) == Some(false) && on(to) == Some(true);
    opened.then(|| format!("network.{NETWORK}")).into_iter().collect()
}

/// The folders of the later place that could not be written in the earlier one: the rules may be the same and
/// mean more.
fn roots(from: &Decider, to: &Decider) -> Vec<String> {
    let writes = |decider: &Decider, path: &str| {
        decider.decide(&Request::Write(path), Semantics::Codex).verdict
    };
    let place = to.place();
    let folders = place.workspace_roots.iter().chain(&place.cwd);
    let mut opened: Vec<String> = folders
        .filter(|folder| {
            writes(from, folder) == Verdict::Deny && writes(to, folder) == Verdict::Allow
        })
        .map(|folder| format!("write {folder}"))
        .take(EXAMPLES)
        .collect();
    opened.dedup();
    opened
}

#[cfg(test)]
mod tests {
    use super::super::compiled::Compiler;
    use super::super::compiled::tests::writing;
    use super::*;

    #[test]
    fn what_is_more_than_is_compared_is_told_and_a_pair_that_comes_back_is_not_compared_again() {
        let mut compiler = Compiler::default();
        let known = |paths: &[&str]| Known {
            decider: Some(writing(&mut compiler, paths).unwrap()),
            ..Known::unknown()
        };
        let (small, large) = (["/a"], ["/a", "/b"]);
        let mut profiles = [&small[..], &large, &small, &large, &["/c"]].map(known);
        // Two pairs of three rules each; the last pair would be three more.
        assert_eq!(compare_within(&mut profiles, 6), 1);
        let wider: Vec<Option<&str>> =
            profiles.iter().map(|known| known.wider.as_deref()).collect();
        let told = |text: Option<&str>| text.is_some_and(|text| text.contains("/b"));
        assert_eq!(
            wider.iter().map(|it| told(*it)).collect::<Vec<_>>(),
            [false, true, false, true, false]
        );
        let last = profiles.last().and_then(|last| last.said.not_compared.as_deref());
        assert!(last.is_some_and(|why| why.contains("(6 rules)")), "{last:?}");
    }
}
