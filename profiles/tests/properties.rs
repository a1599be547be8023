//! What holds for every profile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use blotter_profiles::compare::{Widening, widens};
use blotter_profiles::decide::Connect;
use blotter_profiles::{
    Decider, Layer, LayerKind, Place, Request, Requirements, RequirementsLayer, Semantics, Stack,
};
use proptest::prelude::*;

/// Folders that rules and questions are about; few, so that they meet.
fn path() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just(".git"), Just("x.env")];
    prop::collection::vec(name, 0..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn access() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("read"), Just("write"), Just("deny")]
}

fn host() -> impl Strategy<Value = String> {
    let label = prop_oneof![Just("a"), Just("b"), Just("example")];
    prop::collection::vec(label, 1..4).prop_map(|labels| labels.join("."))
}

#[derive(Debug, Clone)]
struct Rules {
    paths: Vec<(String, &'static str)>,
    hosts: Vec<(String, bool)>,
    network: bool,
    local: bool,
}

fn rules() -> impl Strategy<Value = Rules> {
    let front = prop_oneof![Just(""), Just("*."), Just("**.")];
    let pattern = (front, host()).prop_map(|(front, host)| format!("{front}{host}"));
    (
        prop::collection::vec((path(), access()), 0..8),
        prop::collection::vec((pattern, any::<bool>()), 0..6),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(paths, hosts, network, local)| Rules { paths, hosts, network, local })
}

fn text(rules: &Rules) -> String {
    let mut text = String::from("[permissions.p]\n[permissions.p.filesystem]\n");
    let mut seen = std::collections::BTreeSet::new();
    for (path, access) in &rules.paths {
        if seen.insert(path) {
            text.push_str(&format!("'{path}' = '{access}'\n"));
        }
    }
    let (network, local) = (rules.network, rules.local);
    text.push_str(&format!(
        "[permissions.p.network]\nenabled = {network}\nallow_local_binding = {local}\n"
    ));
    text.push_str("[permissions.p.network.domains]\n");
    let mut seen = std::collections::BTreeSet::new();
    for (pattern, allow) in &rules.hosts {
        if seen.insert(pattern) {
            let word = if *allow { "allow" } else { "deny" };
            text.push_str(&format!("'{pattern}' = '{word}'\n"));
        }
    }
    text
}

fn stack(layers: &[(LayerKind, String)], deny_read: &[String]) -> Stack {
    let layers =
        layers.iter().map(|(kind, text)| Layer::parse(*kind, kind.as_str(), text).unwrap());
    let list = deny_read.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>().join(", ");
    let text = format!("[permissions.filesystem]\ndeny_read = [{list}]\n");
    let requirements =
        RequirementsLayer::parse(LayerKind::RequirementsSystem, "requirements", &text).unwrap();
    Stack::new(layers.collect(), Requirements::new(vec![requirements])).unwrap()
}

fn decider(stack: &Stack) -> Decider {
    Decider::new(stack.effective("p").unwrap(), Place::of("/a")).unwrap()
}

fn questions() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    (prop::collection::vec(path(), 1..12), prop::collection::vec(host(), 1..8))
}

/// What is allowed of all questions.
fn allowed(
    decider: &Decider,
    asked: &(Vec<String>, Vec<String>),
    semantics: Semantics,
) -> Vec<bool> {
    let ask = |request: Request<'_>| decider.decide(&request, semantics).is_allowed();
    let paths = asked.0.iter().flat_map(|path| [Request::Read(path), Request::Write(path)]);
    let hosts = asked.1.iter().map(|host| Request::Connect(Connect::to(host)));
    paths.chain(hosts).map(ask).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_of_requirements_never_allows_more(rules in rules(), deny in path(), asked in questions()) {
        let layers = [(LayerKind::User, text(&rules))];
        let before = decider(&stack(&layers, &[]));
        let after = decider(&stack(&layers, std::slice::from_ref(&deny)));
        for semantics in Semantics::ALL {
            let (before, after) = (allowed(&before, &asked, semantics), allowed(&after, &asked, semantics));
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(before || !after);
            }
        }
        let below = format!("{}/a", deny.trim_end_matches('/'));
        prop_assert!(!after.decide(&Request::Read(&below), Semantics::Codex).is_allowed());
    }

    #[test]
    fn a_deny_for_a_host_never_allows_more(rules in rules(), deny in host(), asked in questions()) {
        let mut more = rules.clone();
        more.hosts.retain(|(pattern, _)| *pattern != deny);
        more.hosts.push((deny.clone(), false));
        let before = decider(&stack(&[(LayerKind::User, text(&rules))], &[]));
        let after = decider(&stack(&[(LayerKind::User, text(&more))], &[]));
        for semantics in Semantics::ALL {
            let (before, after) = (allowed(&before, &asked, semantics), allowed(&after, &asked, semantics));
            for (before, after) in before.into_iter().zip(after) {
                prop_assert!(before || !after);
            }
        }
        let request = Request::Connect(Connect::to(&deny));
        prop_assert!(!after.decide(&request, Semantics::Codex).is_allowed());
    }

    #[test]
    fn as_documented_a_project_cannot_weaken_what_the_system_denies(
        system in rules(), project in rules(), asked in questions(),
    ) {
        let mut denies = system.clone();
        denies.paths.retain(|(_, access)| *access == "deny");
        denies.hosts.retain(|(_, allow)| !allow);
        let layers = [(LayerKind::System, text(&denies)), (LayerKind::Project, text(&project))];
        let both = decider(&stack(&layers, &[]));
        for (path, _) in &denies.paths {
            for path in [path.clone(), format!("{}/b", path.trim_end_matches('/'))] {
                prop_assert!(!both.decide(&Request::Read(&path), Semantics::Documented).is_allowed());
            }
        }
        for (pattern, _) in denies.hosts.iter().filter(|(pattern, _)| !pattern.starts_with('*')) {
            let request = Request::Connect(Connect::to(pattern));
            prop_assert!(!both.decide(&request, Semantics::Documented).is_allowed());
        }
        // The documented semantics never allows what Codex denies, where hosts have one spelling.
        let codex = allowed(&both, &asked, Semantics::Codex);
        let documented = allowed(&both, &asked, Semantics::Documented);
        for (codex, documented) in codex.into_iter().zip(documented) {
            prop_assert!(codex || !documented);
        }
    }

    #[test]
    fn the_stronger_layer_decides_where_both_have_the_key(
        rules in rules(), path in path(), weak in access(), strong in access(),
    ) {
        let one = |access: &str| {
            let mut rules = rules.clone();
            rules.paths.retain(|(known, _)| *known != path);
            rules.paths.push((path.clone(), match access { "read" => "read", "write" => "write", _ => "deny" }));
            text(&rules)
        };
        let mut order = vec![(LayerKind::CommandLine, one(strong)), (LayerKind::User, one(weak))];
        let found = decider(&stack(&order, &[]));
        let alone = decider(&stack(&[(LayerKind::CommandLine, one(strong))], &[]));
        order.reverse();
        let reversed = decider(&stack(&order, &[]));
        for request in [Request::Read(&path), Request::Write(&path)] {
            let verdict = |decider: &Decider| decider.decide(&request, Semantics::Codex).verdict;
            prop_assert_eq!(verdict(&found), verdict(&alone));
            prop_assert_eq!(verdict(&found), verdict(&reversed));
        }
    }

    #[test]
    fn the_digest_is_the_same_whatever_the_order_of_keys(rules in rules(), seed in any::<u64>()) {
        let mut turned = rules.clone();
        // Of one key the first entry counts, so it has to stay the first.
        let mut seen = std::collections::BTreeSet::new();
        turned.paths.retain(|(path, _)| seen.insert(path.clone()));
        let mut seen = std::collections::BTreeSet::new();
        turned.hosts.retain(|(host, _)| seen.insert(host.clone()));
        let (paths, hosts) = (turned.paths.len().max(1), turned.hosts.len().max(1));
        turned.paths.rotate_left(usize::try_from(seed % 7).unwrap() % paths);
        turned.hosts.reverse();
        turned.hosts.rotate_left(usize::try_from(seed % 5).unwrap() % hosts);
        let digest = |rules: &Rules| {
            let stack = stack(&[(LayerKind::User, text(rules))], &[]);
            stack.effective("p").unwrap().digest()
        };
        prop_assert_eq!(digest(&rules), digest(&turned));
    }

    #[test]
    fn a_profile_that_does_not_widen_allows_no_sample_more(
        from in rules(), to in rules(), asked in questions(),
    ) {
        let effective = |rules: &Rules| stack(&[(LayerKind::User, text(rules))], &[]).effective("p").unwrap();
        let (from, to) = (effective(&from), effective(&to));
        let place = Place::of("/a");
        for semantics in Semantics::ALL {
            let answer = widens(&from, &to, &place, semantics).unwrap();
            let compiled = |profile: &blotter_profiles::EffectiveProfile| {
                Decider::new(profile.clone(), place.clone()).unwrap()
            };
            let before = allowed(&compiled(&from), &asked, semantics);
            let after = allowed(&compiled(&to), &asked, semantics);
            let more = before.iter().zip(&after).any(|(before, after)| !before && *after);
            match answer {
                Widening::No => prop_assert!(!more),
                Widening::Yes { examples } => prop_assert!(!examples.is_empty()),
                // These rules have no patterns, so the answer is exact.
                Widening::Unknown { reason } => prop_assert!(false, "{reason}"),
            }
        }
        prop_assert_eq!(widens(&from, &from, &place, Semantics::Codex).unwrap(), Widening::No);
    }

    #[test]
    fn no_text_makes_anything_panic(text in "\\PC{0,200}", path in "\\PC{0,40}", host in "\\PC{0,40}") {
        if let Ok(layer) = Layer::parse(LayerKind::User, "user", &text) {
            let _ = Stack::new(vec![layer], Requirements::default());
        }
        let _ = RequirementsLayer::parse(LayerKind::RequirementsMdm, "mdm", &text);
        let stack = Stack::new(Vec::new(), Requirements::default()).unwrap();
        let decider = Decider::new(stack.effective(":workspace").unwrap(), Place::of("/a")).unwrap();
        let _ = decider.decide(&Request::Write(&path), Semantics::Codex);
        let _ = decider.decide(&Request::Connect(Connect::to(&host)), Semantics::Documented);
    }
}
