//! A call ran of which the agent reports every decision, and no decision came.

use blotter_schemas::names::blotter::{EventKind, EventSource};

use super::Rule;
use crate::ledger::Ledger;
use crate::receipt::Receipt;
use crate::receipt::tokens::Executed;
use crate::reconstruct::findings::{Finding, Severity};
use crate::reconstruct::model::Call;
use crate::trail::Trail;

pub(super) const RULE: Rule = Rule {
    name: "result_without_decision",
    severity: Severity::Medium,
    finds: "A call ran, its agent reports a decision about every such call, and none came.",
    false_positive: "A newer version of the agent that lets some calls through without a word.",
    find,
};

/// Agents that decide about every call of some tools, and say so, whatever the policy; Codex lets tools of
/// MCP servers that only read, and its own tools for plans and sub-agents, through without a word.
const DECIDED: [(&str, &[&str]); 2] =
    [("codex", &["exec_command", "shell", "local_shell", "apply_patch"]), ("claude-code", &[])];
/// How the namespace of an MCP server's tools begins with Codex.
const MCP: &str = "mcp__";

fn find(trail: &Trail<'_>, _: &Ledger) -> Vec<Finding> {
    // Decisions come as log records: where none of those came, the ledger says so.
    if trail.session.signals.logs == 0 {
        return Vec::new();
    }
    let agent = trail.session.agent.value.as_deref().unwrap_or_default();
    let Some((_, tools)) = DECIDED.iter().find(|(decided, _)| *decided == agent) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (call, receipt) in trail.calls().filter(|(call, receipt)| ran(call, receipt)) {
        // Where the result came on a span alone, its batch of log records is what is missing.
        let logged = trail.says(call, EventKind::Result, EventSource::OtlpLog);
        if call.decisions.is_empty() && decides(call, tools) && logged {
            let summary = format!("{} ran, and no decision about it came", receipt.address);
            findings.push(RULE.about(trail, call, receipt, summary));
        }
    }
    findings
}

fn ran(call: &Call, receipt: &Receipt) -> bool {
    call.result.is_some() && receipt.executed.value == Some(Executed::Yes)
}

fn decides(call: &Call, tools: &[&str]) -> bool {
    let tool = call.tool.value.as_deref().unwrap_or_default();
    let mcp = call.namespace.value.as_deref().is_some_and(|namespace| namespace.starts_with(MCP));
    tools.is_empty() || (tools.contains(&tool) && !mcp)
}
