//! Which of two policies is wider, as far as the agents' own words have an order.

/// How a policy of the second run is to that of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// It allows more, or asks less.
    Wider,
    /// It allows less, or asks more.
    Narrower,
    /// Their words have no order that is known here.
    Unordered,
}

/// Words of a policy from the narrowest to the widest, by agent and fact. Those of an approval policy are
/// ordered by how seldom a person is asked.
const ORDERS: &[(&[&str], &str, &[&str])] = &[
    (&["codex"], "approval_policy", &["untrusted", "on-failure", "on-request", "never"]),
    (&["codex"], "sandbox_policy", &["read-only", "workspace-write", "danger-full-access"]),
    (&["codex"], "profile", &[":read-only", ":workspace", ":danger-full-access"]),
    (
        &["claude-code"],
        "approval_policy",
        &["plan", "default", "acceptEdits", "auto", "bypassPermissions"],
    ),
    (&["gemini-cli"], "approval_policy", &["plan", "default", "auto_edit", "yolo"]),
    (&["qwen-code"], "approval_policy", &["plan", "default", "auto-edit", "yolo"]),
    (
        &["gemini-cli", "qwen-code"],
        "sandbox_policy",
        &["sandbox_enabled=true", "sandbox_enabled=false"],
    ),
];

/// How `b` is to `a`.
pub(super) fn width(agent: Option<&str>, fact: &str, a: &str, b: &str) -> Width {
    let order = ORDERS
        .iter()
        .find(|(agents, of, _)| *of == fact && agent.is_some_and(|agent| agents.contains(&agent)));
    let place =
        |word: &str| order.and_then(|(.., words)| words.iter().position(|one| *one == word));
    match (place(a), place(b)) {
        (Some(a), Some(b)) if a < b => Width::Wider,
        (Some(a), Some(b)) if a > b => Width::Narrower,
        _ => Width::Unordered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_have_an_order_are_wider_or_narrower() {
        let sandbox = |a, b| width(Some("codex"), "sandbox_policy", a, b);
        assert_eq!(sandbox("read-only", "danger-full-access"), Width::Wider);
        assert_eq!(sandbox("workspace-write", "read-only"), Width::Narrower);
        assert_eq!(sandbox("workspace-write", "external-sandbox"), Width::Unordered);
        assert_eq!(
            width(Some("hal"), "sandbox_policy", "read-only", "workspace-write"),
            Width::Unordered
        );
        assert_eq!(width(None, "approval_policy", "default", "yolo"), Width::Unordered);
        assert_eq!(width(Some("gemini-cli"), "approval_policy", "default", "yolo"), Width::Wider);
    }
}
