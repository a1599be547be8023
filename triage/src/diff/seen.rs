//! What a side names anywhere: something new is new to the whole side.

use std::collections::BTreeSet;

use crate::snapshot::model::{Run, Step};

/// How the tag of a host begins.
pub(super) const HOST: &str = "host:";
/// How tags begin whose being new matters.
pub(super) const KINDS: &[&str] = &["program:", "path:", "patch:"];

/// What the steps of a side name.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    pub tools: BTreeSet<&'a str>,
    pub servers: BTreeSet<&'a str>,
    /// Hosts that were reached for, or stand in arguments.
    pub hosts: BTreeSet<&'a str>,
    /// Tags of arguments.
    pub tags: BTreeSet<&'a str>,
    /// Whether a step has no name of a tool.
    pub nameless: bool,
}

impl<'a> Seen<'a> {
    pub(super) fn of(runs: &'a [Run]) -> Self {
        let mut seen = Self::default();
        let mut next: Vec<&Run> = runs.iter().collect();
        while let Some(run) = next.pop() {
            next.extend(&run.runs);
            for step in &run.steps {
                seen.add(step);
            }
        }
        seen
    }

    fn add(&mut self, step: &'a Step) {
        self.nameless |= step.tool.value.is_none();
        self.tools.extend(step.tool.value.as_deref());
        self.servers.extend(step.mcp_server.value.as_deref());
        self.hosts.extend(hosts(step));
        self.tags.extend(step.arguments_class.value.iter().flatten().map(String::as_str));
    }
}

/// The hosts that a step reached for, or that its arguments name.
pub(super) fn hosts(step: &Step) -> impl Iterator<Item = &str> {
    let reached = step.network.value.iter().flatten();
    let reached = reached.filter_map(|reached| reached.host.as_deref());
    let named = step.arguments_class.value.iter().flatten();
    reached.chain(named.filter_map(|tag| tag.strip_prefix(HOST)))
}
