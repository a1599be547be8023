//! Comparing profiles, links on a real disk, digests, and what `lint` finds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use blotter_profiles::compare::{Effect, Widening, compare, widens};
use blotter_profiles::lint::{RULES, lint};
use blotter_profiles::place::Links;
use blotter_profiles::{
    Decider, EffectiveProfile, Layer, LayerKind, Place, Request, Requirements, RequirementsLayer,
    Semantics, Stack, Verdict,
};

fn stack(user: &str) -> Stack {
    let layer = Layer::parse(LayerKind::User, "user.toml", user).unwrap();
    Stack::new(vec![layer], Requirements::default()).unwrap()
}

fn profile(rules: &str) -> EffectiveProfile {
    stack(&format!("[permissions.p]\n{rules}")).effective("p").unwrap()
}

fn widening(from: &str, to: &str) -> Widening {
    widens(&profile(from), &profile(to), &Place::of("/w"), Semantics::Codex).unwrap()
}

#[test]
fn built_in_profiles_widen_one_another_in_one_direction() {
    let stack = stack("");
    let [read, write, full] = [":read-only", ":workspace", ":danger-full-access"]
        .map(|name| stack.effective(name).unwrap());
    let place = Place::of("/w");
    let widens = |from, to| widens(from, to, &place, Semantics::Codex).unwrap();
    for (narrow, wide) in [(&read, &write), (&write, &full), (&read, &full)] {
        assert!(matches!(widens(narrow, wide), Widening::Yes { .. }));
        assert_eq!(widens(wide, narrow), Widening::No);
    }
}

#[test]
fn patterns_widen_where_one_goes_and_not_where_one_comes() {
    let base = "extends = ':workspace'\n[permissions.p.filesystem]\n";
    let with = format!("{base}'/w/**/*.env' = 'deny'\n");
    assert!(
        matches!(widening(&with, base), Widening::Yes { examples } if examples == ["read /w/x/x.env", "write /w/x/x.env"])
    );
    assert_eq!(widening(base, &with), Widening::No);
    assert_eq!(widening(&with, &with), Widening::No);
    let shallow = format!("{base}glob_scan_max_depth = 1\n'/w/**/*.env' = 'deny'\n");
    assert!(matches!(widening(&with, &shallow), Widening::Yes { .. } | Widening::Unknown { .. }));
    assert_eq!(widening(&shallow, &with), Widening::No);
    // Two patterns for the same files in other words: it cannot be told.
    let other = format!("{base}'/w/**/?*.env' = 'deny'\n'/w/**/.env' = 'deny'\n");
    assert!(matches!(widening(&with, &other), Widening::Unknown { .. }));
}

#[test]
fn a_tunnel_that_the_proxy_looks_into_is_a_widening() {
    let limited = "[permissions.p.filesystem]\n':root' = 'read'\n[permissions.p.network]\nenabled = true\nmode = 'limited'\n\
        [permissions.p.network.domains]\n'x.com' = 'allow'\n";
    let looking = limited.replace("mode = 'limited'\n", "mode = 'limited'\nmitm = {hooks = {}}\n");
    assert!(
        matches!(widening(limited, &looking), Widening::Yes { examples } if examples == ["connect x.com with CONNECT"])
    );
    // What is done to a tunnel, and so whether less of it is done, is not known.
    let other = looking.replace("hooks = {}", "actions = {}");
    for to in [limited, &other] {
        assert!(
            matches!(widening(&looking, to), Widening::Unknown { reason } if reason.contains("network.mitm"))
        );
    }
    let difference =
        compare(&profile(limited), &profile(&looking), &Place::of("/w"), Semantics::Codex).unwrap();
    let change = difference.changes.iter().find(|change| change.subject == "network.mitm").unwrap();
    assert_eq!((change.before.as_str(), change.after.as_str()), ("not set", "set"));
    // Without a network nothing goes through its proxy.
    let off = |rules: &str| rules.replace("enabled = true", "enabled = false");
    assert_eq!(widening(&off(limited), &off(&looking)), Widening::No);
}

#[test]
fn a_pattern_is_compared_as_deep_as_it_looks() {
    let of = |system: &str, user: &str| {
        let layers = [(LayerKind::System, system), (LayerKind::User, user)]
            .map(|(kind, text)| Layer::parse(kind, kind.as_str(), text).unwrap());
        let stack = Stack::new(layers.into(), Requirements::default()).unwrap();
        stack.effective("p").unwrap()
    };
    let rules = "[permissions.p.filesystem]\n':root' = 'read'\n'/srv/**/k' = 'deny'\n";
    let depth = "[permissions.p.filesystem]\nglob_scan_max_depth = 8\n";
    let (users, systems) = (of(rules, depth), of(&format!("{rules}glob_scan_max_depth = 8\n"), ""));
    let widens = |semantics| widens(&users, &systems, &Place::of("/w"), semantics).unwrap();
    assert_eq!(widens(Semantics::Codex), Widening::No);
    // The user's depth does not count against the system's pattern there, the system's own does.
    assert!(matches!(widens(Semantics::Documented), Widening::Unknown { .. }));
}

#[test]
fn a_depth_that_weakens_a_more_trusted_pattern_is_reported() {
    let requirements = "[permissions.filesystem]\ndeny_read = ['/srv/**/*.env']\n";
    let user = |depth: &str| format!("[permissions.p.filesystem]\n':root' = 'read'\n{depth}\n");
    assert!(found(&user("glob_scan_max_depth = 1"), requirements).contains("divergence"));
    assert!(!found(&user(""), requirements).contains("divergence"));
    // Deep enough for everything that the pattern can match.
    let flat = "[permissions.filesystem]\ndeny_read = ['/srv/*.env']\n";
    assert!(!found(&user("glob_scan_max_depth = 1"), flat).contains("divergence"));
}

#[test]
fn a_table_that_codex_does_not_know_is_reported_and_has_no_effect() {
    let requirements =
        "[experimental_network.domains]\n'evil.example' = 'deny'\n[network]\nenabled = true\n";
    assert!(found("", requirements).contains("unknown_requirement"));
}

#[test]
fn a_protected_name_that_is_a_link_stays_protected() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(root.join("w/real")).unwrap();
    std::os::unix::fs::symlink(root.join("w/real"), root.join("w/.git")).unwrap();
    let rules = |more: &str| {
        let written = path("w");
        format!("[permissions.p.filesystem]\n':root' = 'read'\n'{written}' = 'write'\n{more}")
    };
    let ask = |rules: &str, file: &str| {
        let here = Place { links: Links::Follow, ..Place::of(&path("w")) };
        let decider = Decider::new(profile(rules), here).unwrap();
        let (file, semantics) = (path(file), Semantics::ALL);
        semantics.map(|semantics| decider.decide(&Request::Write(&file), semantics).verdict)
    };
    assert_eq!(ask(&rules(""), "w/.git/config"), [Verdict::Deny; 2]);
    assert_eq!(ask(&rules(""), "w/real/config"), [Verdict::Allow; 2]);
    let opened = rules(&format!("'{}' = 'write'\n", path("w/.git")));
    assert_eq!(ask(&opened, "w/.git/config"), [Verdict::Allow; 2]);
}

#[test]
fn a_difference_says_what_changed_and_where() {
    let before = profile(
        "extends = ':workspace'\n[permissions.p.filesystem]\n'/srv' = 'deny'\n'/w/*.env' = 'deny'\n\
         [permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n'a.example' = 'allow'\n",
    );
    let after = profile(
        "extends = ':workspace'\n[permissions.p.filesystem]\n'/srv' = 'write'\n'/tmp' = 'deny'\n\
         [permissions.p.network]\nenabled = true\nmode = 'limited'\n[permissions.p.network.domains]\n'*' = 'allow'\n\
         'a.example' = 'deny'\n[permissions.p.network.unix_sockets]\n'/run/x.sock' = 'allow'\n",
    );
    let difference = compare(&before, &after, &Place::of("/w"), Semantics::Codex).unwrap();
    let changes: Vec<_> = difference
        .changes
        .iter()
        .map(|change| {
            (
                change.about,
                change.subject.as_str(),
                change.before.as_str(),
                change.after.as_str(),
                change.effect,
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("path", "/srv", "deny", "write", Effect::Allowed),
            ("path", "/tmp", "write", "deny", Effect::Denied),
            ("pattern", "/w/*.env", "deny", "no rule", Effect::Allowed),
            ("host", "*", "deny", "allow", Effect::Allowed),
            ("host", "a.example", "allow", "deny", Effect::Denied),
            ("socket", "/run/x.sock", "deny", "allow", Effect::Allowed),
            ("setting", "network.mode", "full", "limited", Effect::Denied),
        ]
    );
    let first = difference.changes.first().unwrap();
    assert_eq!(first.before_at.as_ref().unwrap().to_string(), "user.toml:4 (user)");
    assert!(matches!(difference.widens, Widening::Yes { .. }));
    assert!(matches!(difference.narrows, Widening::Yes { .. }));
}

#[test]
fn a_digest_is_of_the_meaning_alone() {
    let one =
        profile("description = 'one'\n[permissions.p.filesystem]\n'/a' = 'read'\n'/b/' = 'none'\n");
    let other = profile(
        "\n\n[permissions.p.filesystem]\n'/b' = 'deny'\n'/a/**' = 'read'\n[permissions.p.network]\nenabled = false\n",
    );
    assert_eq!(one.digest(), other.digest());
    let third = profile("[permissions.p.filesystem]\n'/a' = 'read'\n");
    assert_ne!(one.digest(), third.digest());
    // Pinned: a digest that changes without a new format makes trails incomparable.
    assert_eq!(third.digest(), PINNED);
}

const PINNED: &str = "blake3:5bd1e9bd8093e29b476e2ee1ddc3944be0997e0f8f9565a439abce713db6ab48";

#[test]
fn links_are_followed_in_rules_and_in_questions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let path = |name: &str| root.join(name).to_str().unwrap().to_owned();
    std::fs::create_dir_all(root.join("w/real")).unwrap();
    std::fs::create_dir_all(root.join("out")).unwrap();
    std::fs::create_dir_all(root.join("secret")).unwrap();
    std::fs::write(root.join("w/real/file"), "x").unwrap();
    std::os::unix::fs::symlink(root.join("out"), root.join("w/link")).unwrap();
    std::os::unix::fs::symlink(root.join("secret"), root.join("w/leak")).unwrap();
    std::os::unix::fs::symlink(root.join("w/real"), root.join("alias")).unwrap();
    let rules = format!(
        "[permissions.p.filesystem]\n':root' = 'read'\n'{}' = 'write'\n'{}' = 'deny'\n'{}' = 'read'\n'{}' = 'deny'\n",
        path("w"),
        path("secret"),
        path("alias"),
        path("w/link/named"),
    );
    let here = Place { links: Links::Follow, ..Place::of(&path("w")) };
    let decider = Decider::new(profile(&rules), here).unwrap();
    let verdict = |request: Request<'_>| decider.decide(&request, Semantics::Codex).verdict;
    // Through a link out of the workspace, to a place that is only read.
    assert_eq!(verdict(Request::Write(&path("w/link/new"))), Verdict::Deny);
    assert_eq!(verdict(Request::Read(&path("w/link/new"))), Verdict::Allow);
    // Through a link to what is denied.
    assert_eq!(verdict(Request::Read(&path("w/leak/key"))), Verdict::Deny);
    // A rule that names a link is about its target as well.
    assert_eq!(verdict(Request::Write(&path("w/real/file"))), Verdict::Deny);
    assert_eq!(verdict(Request::Write(&path("w/other"))), Verdict::Allow);
    // A deny holds for the name of a link, whatever it leads to, and for what it leads to.
    assert_eq!(verdict(Request::Read(&path("w/link/named"))), Verdict::Deny);
    assert_eq!(verdict(Request::Read(&path("out/named"))), Verdict::Deny);
    // As it is written, the first one is in the workspace.
    let elsewhere = Decider::new(profile(&rules), Place::of(&path("w"))).unwrap();
    let request = path("w/link/new");
    let decision = elsewhere.decide(&Request::Write(&request), Semantics::Codex);
    assert_eq!(decision.verdict, Verdict::Allow);
}

/// Every rule of `lint`, with a configuration that it finds something in.
const LINTED: [(&str, &str, &str); 21] = [
    (
        "approval_policy_forbidden",
        "approval_policy = 'never'\n",
        "allowed_approval_policies = ['on-request']\n",
    ),
    (
        "deny_pattern_depth",
        "[permissions.p.filesystem]\nglob_scan_max_depth = 1\n'/w/*/*/x' = 'deny'\n",
        "",
    ),
    (
        "divergence",
        "[permissions.q.filesystem]\n'/s' = 'deny'\n[permissions.p]\nextends = 'q'\n[permissions.p.filesystem]\n'/s' = 'read'\n",
        "",
    ),
    (
        "exact_only_address",
        "[permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n'10.*' = 'allow'\n",
        "",
    ),
    (
        "full_access_without_asking",
        "approval_policy = 'never'\ndefault_permissions = ':danger-full-access'\n",
        "",
    ),
    (
        "global_wildcard",
        "[permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n'*' = 'allow'\n",
        "",
    ),
    (
        "lasting_danger",
        "[permissions.p.network]\nenabled = true\ndangerously_allow_all_unix_sockets = true\n",
        "",
    ),
    ("legacy_settings", "sandbox_mode = 'read-only'\ndefault_permissions = ':workspace'\n", ""),
    (
        "local_addresses",
        "[permissions.p.network]\nenabled = true\nallow_local_binding = true\n",
        "",
    ),
    ("network_off", "[permissions.p.network.domains]\n'a.example' = 'allow'\n", ""),
    ("global_deny", "", "[requirements.permissions.p.network.domains]\n'*' = 'deny'\n"),
    ("no_path_rules", "[permissions.p]\ndescription = 'nothing'\n", ""),
    ("relative_deny_read", "", "[permissions.filesystem]\ndeny_read = ['**/*.env']\n"),
    ("unknown_requirement", "", "allowed_permission_profile = ['p']\n"),
    ("unknown_special_path", "[permissions.p.filesystem]\n':future' = 'deny'\n", ""),
    (
        "profile_unavailable",
        "default_permissions = ':workspace'\n",
        "[allowed_permission_profiles]\n':read-only' = true\n",
    ),
    ("reopened_deny", "[permissions.p.filesystem]\n'/s' = 'deny'\n'/s/open' = 'read'\n", ""),
    (
        "shadowed_allow",
        "[permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n'a.evil.example' = 'allow'\n'**.evil.example' = 'deny'\n",
        "",
    ),
    (
        "socket_grant",
        "[permissions.p.network]\nenabled = true\n[permissions.p.network.unix_sockets]\n'/var/run/docker.sock' = 'allow'\n",
        "",
    ),
    ("unbounded_pattern", "[permissions.p.filesystem]\n'/w/**/*.env' = 'deny'\n", ""),
    ("unresolvable", "[permissions.p]\nextends = 'p'\n", ""),
];

fn found(user: &str, requirements: &str) -> BTreeSet<&'static str> {
    let layer = Layer::parse(LayerKind::User, "user.toml", user).unwrap();
    let requirements =
        RequirementsLayer::parse(LayerKind::RequirementsSystem, "requirements.toml", requirements)
            .unwrap();
    let stack = Stack::new(vec![layer], Requirements::new(vec![requirements])).unwrap();
    lint(&stack, &Place::of("/w")).unwrap().into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_rule_finds_what_it_is_for() {
    for (rule, user, requirements) in LINTED {
        let found = found(user, requirements);
        assert!(found.contains(rule), "{rule}: {found:?}");
    }
    let tested: BTreeSet<&str> =
        LINTED.iter().map(|(rule, ..)| *rule).chain(["untrusted_project"]).collect();
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(tested, all);
}

#[test]
fn a_careful_configuration_has_no_findings() {
    let user = "default_permissions = 'p'\napproval_policy = 'on-request'\n[permissions.p]\nextends = ':workspace'\n\
        [permissions.p.filesystem]\nglob_scan_max_depth = 6\n'/srv/keys' = 'deny'\n'/w/**/*.env' = 'deny'\n\
        [permissions.p.network]\nenabled = true\n[permissions.p.network.domains]\n'**.example.com' = 'allow'\n\
        'ads.example.com' = 'deny'\n'localhost' = 'allow'\n";
    assert_eq!(
        found(user, "[permissions.filesystem]\ndeny_read = ['/srv/other']\n"),
        BTreeSet::new()
    );
    assert_eq!(found("", ""), BTreeSet::new());
}

#[test]
fn an_untrusted_project_is_reported() {
    let layer =
        Layer::parse(LayerKind::Project, "project.toml", "default_permissions = 'x'").unwrap();
    let stack = Stack::new(vec![layer.untrusted()], Requirements::default()).unwrap();
    let findings = lint(&stack, &Place::of("/w")).unwrap();
    assert_eq!(findings.first().unwrap().rule, "untrusted_project");
}

#[test]
fn requirements_are_read_from_base64() {
    use base64::Engine as _;
    let inside =
        "default_permissions = ':read-only'\n[allowed_permission_profiles]\n':read-only' = true\n";
    let packed = base64::engine::general_purpose::STANDARD.encode(inside);
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    std::fs::write(&plain, format!("{packed}\n")).unwrap();
    let keyed = folder.path().join("keyed");
    std::fs::write(&keyed, format!("requirements_toml_base64 = \"{packed}\"\n")).unwrap();
    for file in [plain, keyed] {
        let layer = RequirementsLayer::read(LayerKind::RequirementsMdm, &file).unwrap();
        let stack = Stack::new(Vec::new(), Requirements::new(vec![layer])).unwrap();
        assert_eq!(stack.selected().profile.as_deref(), Some(":read-only"));
    }
    let bad = folder.path().join("bad");
    std::fs::write(&bad, "requirements_toml_base64 = \"***\"\n").unwrap();
    assert!(RequirementsLayer::read(LayerKind::RequirementsMdm, &bad).is_err());
}

#[test]
fn a_layer_is_told_from_its_path() {
    use blotter_profiles::layer::{derive, derive_requirements};
    use std::path::Path;
    let project = Some(Path::new("/w"));
    for (path, kind) in [
        ("/etc/codex/config.toml", LayerKind::System),
        ("/etc/codex/managed_config.toml", LayerKind::Organisation),
        ("/home/dev/.codex/config.toml", LayerKind::User),
        ("/home/dev/.codex/ci.config.toml", LayerKind::ProfileOverride),
        ("/w/.codex/config.toml", LayerKind::Project),
        ("/w/sub/.codex/config.toml", LayerKind::Project),
        ("elsewhere.toml", LayerKind::User),
    ] {
        assert_eq!(derive(Path::new(path), project), kind, "{path}");
    }
    let mdm = derive_requirements(Path::new("requirements_toml_base64"));
    assert_eq!(mdm, LayerKind::RequirementsMdm);
    let system = derive_requirements(Path::new("/etc/codex/requirements.toml"));
    assert_eq!(system, LayerKind::RequirementsSystem);
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let text = "#".repeat(blotter_profiles::source::LIMIT + 1);
    assert!(Layer::parse(LayerKind::User, "user.toml", &text).is_err());
}

#[test]
fn the_documentation_lists_every_rule_of_lint() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/profiles.md");
    let text = std::fs::read_to_string(file).unwrap();
    for rule in RULES {
        let row = format!("| `{}` | {} | {} |", rule.name, rule.severity.as_str(), rule.finds);
        assert!(text.contains(&row), "docs/profiles.md lacks: {row}");
    }
}
