//! What differs in what stands beside a step: connections that the network proxy decided about, and what
//! reviewers said.

use std::collections::BTreeSet;

use blotter_schemas::names::blotter::Grade;

use super::classes::Class;
use super::model::{Difference, Unknowns};
use super::steps::{Both, Comparison};
use crate::snapshot::model::{NETWORK, Reached, Step};

/// What the fact is called that reviewers state.
const REVIEW: &str = "review";
/// The place of these facts among all, behind all words.
const AFTER_WORDS: usize = 100;

impl Comparison<'_> {
    /// Compares the connections of two steps.
    pub(super) fn network(
        &self,
        both: Both<'_>,
        a: &Step,
        b: &Step,
        found: &mut Vec<Difference>,
        unknowns: &mut Unknowns,
    ) {
        let (Some(in_a), Some(in_b)) = (&a.network.value, &b.network.value) else {
            let said: Vec<String> = [&a.network, &b.network]
                .into_iter()
                .flat_map(|network| network.value.iter().flatten().map(shown))
                .collect();
            let grades = [
                (a.network.value.is_some(), a.network.grade),
                (b.network.value.is_some(), b.network.grade),
            ];
            self.unknown(unknowns, AFTER_WORDS, NETWORK, grades, said);
            return;
        };
        if !self.texts {
            let grades = [(true, a.network.grade), (true, b.network.grade)];
            self.unknown(unknowns, AFTER_WORDS, NETWORK, grades, None);
            return;
        }
        let addresses: BTreeSet<String> = in_a.iter().chain(in_b).map(Reached::address).collect();
        for address in addresses {
            let decided = |reached: &[Reached]| -> Option<String> {
                let decisions: BTreeSet<&str> = reached
                    .iter()
                    .filter(|one| one.address() == address)
                    .map(|one| one.decision.as_deref().unwrap_or("(decision not reported)"))
                    .collect();
                let decisions: Vec<&str> = decisions.into_iter().collect();
                (!decisions.is_empty()).then(|| decisions.join(" and "))
            };
            match (decided(in_a), decided(in_b)) {
                (Some(a), Some(b)) if a != b => {
                    let values = (Some(a), Some(b));
                    found.push(self.difference(Class::Decision, NETWORK, both, values, address));
                }
                (None, Some(decision)) => {
                    let host = in_b.iter().find(|one| one.address() == address);
                    let host = host.and_then(|one| one.host.as_deref()).unwrap_or_default();
                    let says = format!("reached for as {address}: {decision}");
                    self.host(both, host, &says, found);
                }
                _ => {}
            }
        }
    }

    /// Compares what reviewers said of two steps.
    pub(super) fn reviews(
        &self,
        both: Both<'_>,
        a: &Step,
        b: &Step,
        found: &mut Vec<Difference>,
        unknowns: &mut Unknowns,
    ) {
        let said = |step: &Step| -> Option<String> {
            let reviews: Vec<String> = step
                .reviews
                .iter()
                .map(|review| format!("{}, risk {}", review.verdict.shown(), review.risk.shown()))
                .collect();
            (!reviews.is_empty()).then(|| reviews.join("; "))
        };
        match (said(a), said(b)) {
            (Some(a), Some(b)) if a != b => {
                let values = (Some(a), Some(b));
                found.push(self.difference(Class::Decision, REVIEW, both, values, String::new()));
            }
            (a, b) if a.is_some() != b.is_some() => {
                let grades = [(a.is_some(), Grade::Missing), (b.is_some(), Grade::Missing)];
                self.unknown(unknowns, AFTER_WORDS + 1, REVIEW, grades, a.or(b));
            }
            _ => {}
        }
    }
}

fn shown(reached: &Reached) -> String {
    let decision = reached.decision.as_deref().unwrap_or("decision not reported");
    format!("{}: {decision}", reached.address())
}
