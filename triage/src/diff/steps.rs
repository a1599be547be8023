//! What differs between the steps of two runs.

use std::collections::BTreeSet;

use blotter_schemas::names::blotter::Grade;

use super::Pair;
use super::align::{Alignment, align};
use super::classes::Class;
use super::model::{Difference, Steps, Unknowns};
use super::seen::{self, Seen};
use super::width::{Width, width};
use crate::snapshot::model::{Header, Run, Step, WORDS};
use crate::snapshot::{Compared, Known};

/// Facts under which policy a step was made.
const POLICIES: &[&str] = &["profile", "approval_policy"];
/// The arguments among the facts, and what a host is called.
const ARGUMENTS: &str = "arguments";
const HOST: &str = "host";

/// Two runs that are being compared, or one that stands alone.
pub(super) struct Comparison<'a> {
    /// Whether texts of both were normalised by the same rules.
    pub texts: bool,
    pub seen_a: &'a Seen<'a>,
    pub seen_b: &'a Seen<'a>,
    pub pair: &'a Pair<'a>,
}

/// A step of both, or of one.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    /// Of the first, with its place from 0.
    pub a: Option<(usize, &'a Step)>,
    /// Of the second.
    pub b: Option<(usize, &'a Step)>,
}

impl Both<'_> {
    fn places(self) -> Steps {
        let place = |one: Option<(usize, &Step)>| one.map(|(index, _)| index + 1);
        Steps { a: place(self.a), b: place(self.b) }
    }

    fn tool(self) -> Option<String> {
        self.b.or(self.a).and_then(|(_, step)| step.tool.value.clone())
    }
}

impl<'a> Comparison<'a> {
    /// Compares the two runs.
    pub(super) fn run(&self, found: &mut Vec<Difference>, unknowns: &mut Unknowns) {
        let (a, b) = (self.pair.a, self.pair.b);
        match (a, b) {
            (None, Some(b)) => found.push(self.alone(Class::NewRun, b, false)),
            (Some(a), None) => found.push(self.alone(Class::Gone, a, true)),
            (Some(a), Some(b)) => self.settings(&a.header, &b.header, found),
            (None, None) => {}
        }
        let steps_a = a.map(|run| &*run.steps).unwrap_or_default();
        let steps_b = b.map(|run| &*run.steps).unwrap_or_default();
        let Alignment { pairs, moved, only_a, only_b } = align(steps_a, steps_b, self.texts);
        let of_a = |index: usize| steps_a.get(index).map(|step| (index, step));
        let of_b = |index: usize| steps_b.get(index).map(|step| (index, step));
        for (index_a, index_b) in &moved {
            let both = Both { a: of_a(*index_a), b: of_b(*index_b) };
            let says = "the same call at another place".to_owned();
            found.push(self.difference(Class::Order, "order", both, (None, None), says));
        }
        for (index_a, index_b) in pairs.into_iter().chain(moved) {
            if let (Some(a), Some(b)) = (of_a(index_a), of_b(index_b)) {
                self.step(a, b, found, unknowns);
            }
        }
        for index in only_b {
            self.added(Both { a: None, b: of_b(index) }, found);
        }
        for index in only_a {
            self.removed(Both { a: of_a(index), b: None }, found);
        }
    }

    fn alone(&self, class: Class, run: &Run, in_a: bool) -> Difference {
        let agent = run.header.agent.value.clone().unwrap_or_else(|| "unknown agent".to_owned());
        let steps = run.steps.len();
        let plural = if steps == 1 { "" } else { "s" };
        let says = format!("{agent}, {steps} step{plural}");
        let none = Both { a: None, b: None };
        let side = Some(says.clone());
        let values = if in_a { (side, None) } else { (None, side) };
        self.difference(class, "run", none, values, String::new())
    }

    /// A difference of these steps.
    pub(super) fn difference(
        &self,
        class: Class,
        fact: &'static str,
        both: Both<'_>,
        (a, b): (Option<String>, Option<String>),
        says: String,
    ) -> Difference {
        let places = both.places();
        // What is new or gone is so whatever the tool.
        let of_a_tool = !matches!(
            class,
            Class::NewTool
                | Class::NewMcpServer
                | Class::NewHost
                | Class::NewArgumentClass
                | Class::Gone
                | Class::Count
        );
        let tool = both.tool().filter(|_| of_a_tool);
        let steps = if places == (Steps { a: None, b: None }) { Vec::new() } else { vec![places] };
        Difference { class, run: self.pair.place.clone(), fact, tool, a, b, says, steps }
    }

    /// Policies of the runs as wholes.
    fn settings(&self, a: &Header, b: &Header, found: &mut Vec<Difference>) {
        let settings = [
            ("profile", &a.settings.profile, &b.settings.profile),
            ("approval_policy", &a.settings.approval_policy, &b.settings.approval_policy),
            ("sandbox_policy", &a.settings.sandbox_policy, &b.settings.sandbox_policy),
        ];
        for (fact, a, b) in settings {
            if a.compare(b) == Compared::Differs {
                found.push(self.policy(fact, Both { a: None, b: None }, a, b));
            }
        }
    }

    fn policy(
        &self,
        fact: &'static str,
        both: Both<'_>,
        a: &Known<String>,
        b: &Known<String>,
    ) -> Difference {
        let header = |run: Option<&'a Run>| run.and_then(|run| run.header.agent.value.as_deref());
        let (agent_a, agent_b) = (header(self.pair.a), header(self.pair.b));
        let agent = agent_a.filter(|_| agent_a == agent_b);
        let width = match (&a.value, &b.value) {
            (Some(a), Some(b)) => width(agent, fact, a, b),
            _ => Width::Unordered,
        };
        let (class, says) = match width {
            Width::Wider => (Class::WiderPolicy, "wider"),
            Width::Narrower => (Class::PolicyChanged, "narrower"),
            Width::Unordered => (Class::PolicyChanged, "which is wider is not known"),
        };
        let values = (Some(a.shown()), Some(b.shown()));
        self.difference(class, fact, both, values, says.to_owned())
    }

    /// Two steps that stand for each other.
    fn step(
        &self,
        a: (usize, &Step),
        b: (usize, &Step),
        found: &mut Vec<Difference>,
        unknowns: &mut Unknowns,
    ) {
        let both = Both { a: Some(a), b: Some(b) };
        let (a, b) = (a.1, b.1);
        for (order, (fact, of)) in WORDS.iter().enumerate() {
            let (of_a, of_b) = (of(a), of(b));
            let compared = if *fact == ARGUMENTS && !self.texts {
                Compared::NotComparable { in_a: of_a.value.is_some(), in_b: of_b.value.is_some() }
            } else {
                of_a.compare(of_b)
            };
            match compared {
                Compared::Same => {}
                Compared::Differs if *fact == ARGUMENTS => self.arguments(both, a, b, found),
                Compared::Differs => found.extend(self.word(fact, both, of_a, of_b)),
                Compared::NotComparable { in_a, in_b } => {
                    let said = match (in_a, in_b) {
                        // A digest tells nobody anything.
                        _ if *fact == ARGUMENTS => None,
                        (true, false) => Some(of_a.shown()),
                        (false, true) => Some(of_b.shown()),
                        _ => None,
                    };
                    let grades = [(in_a, of_a.grade), (in_b, of_b.grade)];
                    self.unknown(unknowns, order, fact, grades, said);
                }
            }
        }
        self.network(both, a, b, found, unknowns);
        self.reviews(both, a, b, found, unknowns);
    }

    fn word(
        &self,
        fact: &'static str,
        both: Both<'_>,
        a: &Known<String>,
        b: &Known<String>,
    ) -> Option<Difference> {
        if POLICIES.contains(&fact) {
            return (!self.is_of_the_run(fact, a, b)).then(|| self.policy(fact, both, a, b));
        }
        let class = match fact {
            "tool" => Class::NewTool,
            "mcp_server" => Class::NewMcpServer,
            "decision" => Class::Decision,
            "decided_by" => Class::ApprovalSource,
            "sandbox" => Class::Sandbox,
            "executor" | "transport" => Class::ExecutionPath,
            _ => Class::Outcome,
        };
        let values = (Some(a.shown()), Some(b.shown()));
        Some(self.difference(class, fact, both, values, String::new()))
    }

    /// Whether the runs' settings differ in the same way, which was said already.
    fn is_of_the_run(&self, fact: &str, a: &Known<String>, b: &Known<String>) -> bool {
        let of = |run: Option<&'a Run>| {
            let settings = &run?.header.settings;
            let setting = match fact {
                "profile" => &settings.profile,
                _ => &settings.approval_policy,
            };
            setting.value.as_ref()
        };
        of(self.pair.a).is_some()
            && of(self.pair.a) == a.value.as_ref()
            && of(self.pair.b) == b.value.as_ref()
    }

    fn arguments(&self, both: Both<'_>, a: &Step, b: &Step, found: &mut Vec<Difference>) {
        let tags = |step: &Step| -> BTreeSet<String> {
            step.arguments_class.value.iter().flatten().cloned().collect()
        };
        let (tags_a, tags_b) = (tags(a), tags(b));
        let joined = |tags: &BTreeSet<String>, but: &BTreeSet<String>| {
            let tags: Vec<&str> = tags.difference(but).map(String::as_str).collect();
            tags.join(" ")
        };
        let (only_a, only_b) = (joined(&tags_a, &tags_b), joined(&tags_b, &tags_a));
        let says = match (only_a.is_empty(), only_b.is_empty()) {
            (true, true) => "of the same kind".to_owned(),
            (true, false) => format!("only in B: {only_b}"),
            (false, true) => format!("only in A: {only_a}"),
            (false, false) => format!("only in A: {only_a}; only in B: {only_b}"),
        };
        found.push(self.difference(Class::Arguments, ARGUMENTS, both, (None, None), says));
        self.kinds(both, b, found);
        for host in tags_b.iter().filter_map(|tag| tag.strip_prefix(seen::HOST)) {
            self.host(both, host, "named in the arguments", found);
        }
    }

    /// Kinds of arguments that are new to the first side.
    fn kinds(&self, both: Both<'_>, b: &Step, found: &mut Vec<Difference>) {
        for tag in b.arguments_class.value.iter().flatten() {
            let matters = seen::KINDS.iter().any(|kind| tag.starts_with(kind));
            if self.texts && matters && !self.seen_a.tags.contains(tag.as_str()) {
                let values = (None, Some(tag.clone()));
                let class = Class::NewArgumentClass;
                found.push(self.difference(class, ARGUMENTS, both, values, String::new()));
            }
        }
    }

    /// A host, where it is new to the first side.
    pub(super) fn host(&self, both: Both<'_>, host: &str, says: &str, found: &mut Vec<Difference>) {
        if self.texts && !self.seen_a.hosts.contains(host) {
            let values = (None, Some(host.to_owned()));
            found.push(self.difference(Class::NewHost, HOST, both, values, says.to_owned()));
        }
    }

    /// Counts that a fact of two steps cannot be compared.
    pub(super) fn unknown(
        &self,
        unknowns: &mut Unknowns,
        order: usize,
        fact: &'static str,
        [a, b]: [(bool, Grade); 2],
        said: impl IntoIterator<Item = String>,
    ) {
        let entry = unknowns.add(&self.pair.place, order, fact);
        match (a.0, b.0) {
            (false, true) => entry.unknown_in_a += 1,
            (true, false) => entry.unknown_in_b += 1,
            (false, false) => entry.unknown_in_both += 1,
            (true, true) => entry.unclear += 1,
        }
        for (known, grade) in [a, b] {
            if !known {
                entry.grades.insert(grade.as_str());
            }
        }
        entry.say(said);
    }

    /// A step that only the second run has.
    fn added(&self, both: Both<'_>, found: &mut Vec<Difference>) {
        let Some((_, step)) = both.b else { return };
        let tool = step.tool.value.as_deref();
        // A step of the first side without a name may have been this tool's.
        let new = |tool: &&str| !self.seen_a.nameless && !self.seen_a.tools.contains(tool);
        if let Some(tool) = tool.filter(new) {
            let values = (None, Some(tool.to_owned()));
            found.push(self.difference(Class::NewTool, "tool", both, values, String::new()));
        }
        let server = step.mcp_server.value.as_deref();
        if let Some(server) = server.filter(|server| !self.seen_a.servers.contains(server)) {
            let values = (None, Some(server.to_owned()));
            let class = Class::NewMcpServer;
            found.push(self.difference(class, "mcp_server", both, values, String::new()));
        }
        for reached in step.network.value.iter().flatten() {
            if let Some(host) = &reached.host {
                let decision = reached.decision.as_deref().unwrap_or("decision not reported");
                let says = format!("reached for as {}: {decision}", reached.address());
                self.host(both, host, &says, found);
            }
        }
        for tag in step.arguments_class.value.iter().flatten() {
            if let Some(host) = tag.strip_prefix(seen::HOST) {
                self.host(both, host, "named in the arguments", found);
            }
        }
        self.kinds(both, step, found);
        let values = (None, Some(step.tool.shown()));
        found.push(self.difference(Class::Count, "step", both, values, String::new()));
    }

    /// A step that only the first run has.
    fn removed(&self, both: Both<'_>, found: &mut Vec<Difference>) {
        let Some((_, step)) = both.a else { return };
        let gone = [
            ("tool", step.tool.value.as_deref(), &self.seen_b.tools),
            ("mcp_server", step.mcp_server.value.as_deref(), &self.seen_b.servers),
        ];
        for (fact, value, seen_b) in gone {
            let hidden = fact == "tool" && self.seen_b.nameless;
            if let Some(value) = value.filter(|value| !hidden && !seen_b.contains(value)) {
                let values = (Some(value.to_owned()), None);
                found.push(self.difference(Class::Gone, fact, both, values, String::new()));
            }
        }
        for host in seen::hosts(step).filter(|host| self.texts && !self.seen_b.hosts.contains(host))
        {
            let values = (Some(host.to_owned()), None);
            found.push(self.difference(Class::Gone, HOST, both, values, String::new()));
        }
        let values = (Some(step.tool.shown()), None);
        found.push(self.difference(Class::Count, "step", both, values, String::new()));
    }
}
