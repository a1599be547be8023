//! Profiles that session files state: turn contexts of real sessions, and the shapes beside them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use blotter_profiles::decide::{Connect, Reason, Resolution};
use blotter_profiles::effective::rollout::{Stated, from_rollout};
use blotter_profiles::place::Tmpdir;
use blotter_profiles::{Decider, Place, Request, Semantics, Verdict};
use serde_json::{Value, json};

fn captured(name: &str) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rollouts");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn stated(payload: &Value) -> Stated {
    from_rollout(payload, Some("rollout.jsonl"), Some(4)).unwrap()
}

fn decider(stated: Stated) -> Decider {
    let place = Place {
        cwd: stated.cwd.clone(),
        workspace_roots: stated.workspace_roots.clone(),
        ..Place::default()
    };
    Decider::new(stated.profile, place).unwrap()
}

fn verdict(decider: &Decider, request: Request<'_>) -> Verdict {
    decider.decide(&request, Semantics::Codex).verdict
}

#[test]
fn every_captured_turn_states_a_profile() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rollouts");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let payload: Value = serde_json::from_str(&text).unwrap();
        let profile = stated(&payload).profile;
        assert!(profile.notices.is_empty(), "{profile:?}");
        assert!(profile.digest().starts_with("blake3:"));
        seen += 1;
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn a_workspace_turn_writes_its_project_and_not_what_is_protected() {
    let decider = decider(stated(&captured("01-exec-ok-workspace-write")));
    assert_eq!(verdict(&decider, Request::Write("hello.txt")), Verdict::Allow);
    assert_eq!(verdict(&decider, Request::Write("/home/dev/project/.git/config")), Verdict::Deny);
    assert_eq!(verdict(&decider, Request::Write("/home/dev/project/.aws/x")), Verdict::Deny);
    assert_eq!(verdict(&decider, Request::Write("/tmp/x")), Verdict::Allow);
    assert_eq!(verdict(&decider, Request::Write("/home/dev/other")), Verdict::Deny);
    assert_eq!(verdict(&decider, Request::Read("/etc/passwd")), Verdict::Allow);
    let connect = Request::Connect(Connect::to("example.com"));
    let decision = decider.decide(&connect, Semantics::Codex);
    assert_eq!((decision.verdict, decision.reason), (Verdict::Deny, Reason::NetworkOff));
    let at = decision.rule.unwrap().at().unwrap().clone();
    assert_eq!(at.to_string(), "rollout.jsonl:4 (rollout)");
    assert_eq!(at.detail.as_deref(), Some("as the rollout states it"));
}

#[test]
fn a_turn_with_the_network_on_does_not_say_for_which_hosts() {
    let decider = decider(stated(&captured("17-netproxy-allow")));
    let connect = |host| decider.decide(&Request::Connect(Connect::to(host)), Semantics::Codex);
    assert_eq!(connect("example.com").verdict, Verdict::NotStated);
    // In this run the proxy let a local address through: a rule that the file leaves out had opened it.
    assert_eq!(connect("127.0.0.1").verdict, Verdict::NotStated);
    assert_eq!(connect("10.0.0.1").reason, Reason::HostsNotStated);
    assert_eq!(verdict(&decider, Request::Socket("/run/x.sock")), Verdict::NotStated);
}

#[test]
fn hosts_that_the_file_lists_are_decided() {
    let mut payload = captured("17-netproxy-allow");
    payload["network"] =
        json!({"allowed_domains": ["*.example.com"], "denied_domains": ["bad.example.com"]});
    let decider = decider(stated(&payload));
    let connect = |host| verdict(&decider, Request::Connect(Connect::to(host)));
    assert_eq!(connect("api.example.com"), Verdict::Allow);
    assert_eq!(connect("bad.example.com"), Verdict::Deny);
    assert_eq!(connect("example.org"), Verdict::Deny);
}

#[test]
fn a_setting_that_the_file_leaves_out_decides_nothing() {
    let mut payload = captured("17-netproxy-allow");
    payload["network"] = json!({"allowed_domains": ["*"], "denied_domains": ["bad.example.com"]});
    let any = decider(stated(&payload));
    let decide = |connect| any.decide(&Request::Connect(connect), Semantics::Codex);
    assert_eq!(decide(Connect::to("example.org")).verdict, Verdict::Allow);
    for host in ["127.0.0.1", "localhost", "10.0.0.1", "::1"] {
        let decision = decide(Connect::to(host));
        assert_eq!(decision.verdict, Verdict::NotStated, "{host}");
        assert_eq!(decision.reason, Reason::LocalNotStated, "{host}");
    }
    let local = ["10.0.0.1".parse().unwrap()];
    let home = Connect { resolution: Resolution::Addresses(&local), ..Connect::to("example.org") };
    assert_eq!(decide(home).reason, Reason::LocalNotStated);
    assert_eq!(decide(Connect::to("bad.example.com")).reason, Reason::Denied);
    let socket = any.decide(&Request::Socket("/run/x.sock"), Semantics::Codex);
    assert_eq!(socket.reason, Reason::SocketsNotStated);
    // A rule that names the address opens it, and where no rule allows it no setting does.
    payload["network"] = json!({"allowed_domains": ["127.0.0.1"], "denied_domains": []});
    let one = decider(stated(&payload));
    let connect = |host| verdict(&one, Request::Connect(Connect::to(host)));
    assert_eq!(connect("127.0.0.1"), Verdict::Allow);
    assert_eq!(connect("10.0.0.1"), Verdict::Deny);
}

#[test]
fn a_list_of_what_is_denied_does_not_say_what_is_allowed() {
    let mut payload = captured("17-netproxy-allow");
    payload["network"] = json!({"denied_domains": ["bad.example.com"]});
    let decider = decider(stated(&payload));
    let connect = |host| verdict(&decider, Request::Connect(Connect::to(host)));
    assert_eq!(connect("bad.example.com"), Verdict::Deny);
    assert_eq!(connect("example.org"), Verdict::NotStated);
}

#[test]
fn lists_that_are_too_long_are_refused_and_not_cut() {
    let hosts: Vec<String> = (0..10_001).map(|host| format!("h{host}.example")).collect();
    let roots: Vec<String> = (0..10_001).map(|root| format!("/r{root}")).collect();
    let mut network = captured("17-netproxy-allow");
    network["network"] = json!({"allowed_domains": [], "denied_domains": hosts});
    let older = json!({
        "cwd": "/w",
        "sandbox_policy": {"type": "workspace-write", "writable_roots": roots},
    });
    for payload in [network, older] {
        let error = from_rollout(&payload, Some("rollout.jsonl"), Some(4)).expect_err("refused");
        assert!(error.to_string().contains("more than 10000"), "{error}");
    }
}

#[test]
fn roots_times_rules_has_a_bound() {
    let entries = |roots: usize, rules: usize, kind: &str| {
        let roots: Vec<String> = (0..roots).map(|root| format!("/r{root}")).collect();
        let path = |rule: usize| match kind {
            "glob" => {
                json!({"type": "glob_pattern", "pattern": format!("codex-project-roots://**/k{rule}")})
            }
            _ => {
                json!({"type": "special", "value": {"kind": "project_roots", "subpath": format!("s{rule}")}})
            }
        };
        let entries: Vec<Value> =
            (0..rules).map(|rule| json!({"path": path(rule), "access": "deny"})).collect();
        let payload = json!({"cwd": "/w", "workspace_roots": roots, "permission_profile": {
            "type": "managed", "network": "restricted",
            "file_system": {"type": "restricted", "entries": entries}}});
        let stated = stated(&payload);
        let place = Place { workspace_roots: stated.workspace_roots, ..Place::default() };
        Decider::new(stated.profile, place).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(entries(3, 20, "path"), Ok(()));
    assert_eq!(entries(3, 20, "glob"), Ok(()));
    for (roots, rules, kind, said) in [
        (1_001, 1, "path", "1001 workspace roots; at most 1000"),
        (1_000, 21, "path", "21000 paths, one in each workspace root counted for itself"),
        (1_000, 3, "glob", "3000 patterns for paths, one in each workspace root"),
        (1, 1_001, "glob", "1001 patterns for paths, one in each workspace root"),
    ] {
        let error = entries(roots, rules, kind).expect_err(said);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_path_that_cannot_be_told_is_not_denied() {
    let mut payload = captured("01-exec-ok-workspace-write");
    let decide = |decider: &Decider, path: &str| {
        let read = decider.decide(&Request::Read(path), Semantics::Codex);
        let write = decider.decide(&Request::Write(path), Semantics::Codex);
        assert_eq!((read.verdict, read.reason), (write.verdict, write.reason));
        (read.verdict, read.reason)
    };
    let somewhere = decider(stated(&payload));
    for path in ["~/.bashrc", "~"] {
        assert_eq!(decide(&somewhere, path), (Verdict::NotStated, Reason::NoHome), "{path}");
    }
    assert!(Reason::NoHome.sentence().contains("home folder"));
    payload.as_object_mut().unwrap().remove("cwd");
    let nowhere = decider(stated(&payload));
    assert_eq!(decide(&nowhere, "notes.txt"), (Verdict::NotStated, Reason::NoPath));
    for never in ["", "/a\0b"] {
        assert_eq!(decide(&nowhere, never), (Verdict::Deny, Reason::NotAPath), "{never:?}");
    }
}

#[test]
fn what_may_lie_in_tmpdir_is_not_denied_where_tmpdir_is_not_known() {
    let payload = captured("01-exec-ok-workspace-write");
    let unknown = decider(stated(&payload));
    let write = |path: &str| unknown.decide(&Request::Write(path), Semantics::Codex);
    for path in ["/var/folders/zz/T/out", "/home/dev/tmp/out"] {
        let decision = write(path);
        assert_eq!(decision.verdict, Verdict::NotStated, "{path}");
        assert_eq!(decision.reason, Reason::TmpdirNotKnown, "{path}");
        assert_eq!(decision.rule.unwrap().text(), ":tmpdir = write", "{path}");
        assert_eq!(verdict(&unknown, Request::Read(path)), Verdict::Allow, "{path}");
    }
    // Where no temporary folder lies, and where a rule of its own says something.
    for path in ["/etc/evil", "/home/dev/.bashrc", "/home/dev/project/.git/tmp/x"] {
        assert_eq!(write(path).verdict, Verdict::Deny, "{path}");
    }
    for (tmpdir, expected) in [
        (Tmpdir::Unset, Verdict::Deny),
        (Tmpdir::At("/var/folders/zz/T".to_owned()), Verdict::Allow),
    ] {
        let stated = stated(&payload);
        let place = Place { tmpdir, ..Place::of("/home/dev/project") };
        let known = Decider::new(stated.profile, place).unwrap();
        assert_eq!(verdict(&known, Request::Write("/var/folders/zz/T/out")), expected);
    }
    // Without such a rule nothing is in doubt.
    let reading = decider(stated(&captured("02-denied-readonly")));
    assert_eq!(verdict(&reading, Request::Write("/var/folders/zz/T/out")), Verdict::Deny);
}

#[test]
fn full_access_and_the_older_policy_alone() {
    let full = decider(stated(&captured("08-danger-full-access")));
    assert_eq!(verdict(&full, Request::Write("/etc/x")), Verdict::Allow);
    let older = json!({
        "cwd": "/w",
        "sandbox_policy": {"type": "workspace-write", "writable_roots": ["/out"], "network_access": false,
                           "exclude_slash_tmp": true, "exclude_tmpdir_env_var": true},
    });
    let older = decider(stated(&older));
    assert_eq!(verdict(&older, Request::Write("/w/x")), Verdict::Allow);
    assert_eq!(verdict(&older, Request::Write("/w/.git/x")), Verdict::Deny);
    assert_eq!(verdict(&older, Request::Write("/out/x")), Verdict::Allow);
    assert_eq!(verdict(&older, Request::Write("/tmp/x")), Verdict::Deny);
    let name = json!({
        "sandbox_policy": {"type": "read-only"},
        "active_permission_profile": {"id": "dev", "extends": ":read-only"},
    });
    let named = stated(&name).profile;
    assert_eq!((named.name.as_deref(), named.extends.len()), (Some("dev"), 1));
}

#[test]
fn patterns_of_a_turn_are_those_of_a_configuration() {
    let payload = json!({
        "cwd": "/w",
        "permission_profile": {"type": "managed", "network": "restricted", "file_system": {
            "type": "restricted", "glob_scan_max_depth": 2, "entries": [
                {"path": {"type": "special", "value": {"kind": "root"}}, "access": "read"},
                {"path": {"type": "special", "value": {"kind": "project_roots", "subpath": "out"}}, "access": "write"},
                {"path": {"type": "glob_pattern", "pattern": "/w/**/*.env"}, "access": "deny"},
                {"path": {"type": "special", "value": {"kind": "of_the_future"}}, "access": "deny"},
            ]}},
    });
    let stated = stated(&payload);
    assert_eq!(stated.profile.notices.len(), 1);
    let decider = decider(stated);
    assert_eq!(verdict(&decider, Request::Read("/w/a.env")), Verdict::Deny);
    assert_eq!(verdict(&decider, Request::Read("/w/a/b/c.env")), Verdict::Allow);
    assert_eq!(verdict(&decider, Request::Write("/w/out/x")), Verdict::Allow);
}

#[test]
fn what_is_not_understood_is_refused_with_its_place() {
    for payload in [
        json!({}),
        json!({"permission_profile": {"type": "of_the_future"}}),
        json!({"permission_profile": {"type": "managed"}}),
        json!({"permission_profile": {"type": "managed", "file_system": {"type": "of_the_future"}}}),
        json!({"permission_profile": {"type": "managed", "file_system": {"type": "restricted", "entries": [
            {"path": {"type": "path", "path": "relative"}, "access": "read"}]}}}),
        json!({"permission_profile": {"type": "managed", "file_system": {"type": "restricted", "entries": [
            {"path": {"type": "path", "path": "/x"}, "access": "execute"}]}}}),
        json!({"permission_profile": {"type": "managed", "network": 3, "file_system": {"type": "restricted"}}}),
        json!({"sandbox_policy": {"type": "of_the_future"}}),
        json!({"file_system_sandbox_policy": {"kind": "restricted", "entries": 3}}),
    ] {
        let error = from_rollout(&payload, Some("rollout.jsonl"), Some(4)).expect_err("refused");
        assert!(error.to_string().starts_with("rollout.jsonl:4: the turn context: "), "{error}");
    }
}
