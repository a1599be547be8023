//! Decisions about connections.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use globset::{Candidate, GlobSet, GlobSetBuilder};

use super::paths::untold;
use super::{Connect, Decision, Note, Reason, Resolution, Rule, Verdict, any_local, globs};
use crate::effective::EffectiveProfile;
use crate::place::Place;
use crate::profile::Permission;
use crate::profile::domain::{self, Match};
use crate::semantics::Semantics;

/// The rules for the network under one semantics.
#[derive(Debug)]
pub(crate) struct Hosts {
    semantics: Semantics,
    /// Rules for one host.
    exact: HashMap<String, Rules>,
    /// Rules for everything below a domain.
    below: HashMap<String, Rules>,
    /// Rules for every host.
    any: Rules,
    globs: GlobSet,
    /// The rule of each pattern.
    glob_rules: Vec<(Permission, usize)>,
    sockets: BTreeMap<String, (Permission, usize)>,
}

/// The first deny and the first allow for one key.
#[derive(Debug, Clone, Copy, Default)]
struct Rules {
    deny: Option<usize>,
    allow: Option<usize>,
    /// The first allow that names one host and nothing else.
    named: Option<usize>,
}

impl Rules {
    fn put(&mut self, permission: Permission, index: usize, named: bool) {
        match permission {
            Permission::Deny => self.deny.get_or_insert(index),
            Permission::Allow => {
                if named {
                    self.named.get_or_insert(index);
                }
                self.allow.get_or_insert(index)
            }
        };
    }

    /// Takes what the other has and this has not.
    fn add(&mut self, other: &Self) {
        self.deny = self.deny.or(other.deny);
        self.allow = self.allow.or(other.allow);
        self.named = self.named.or(other.named);
    }
}

impl Hosts {
    pub(crate) fn new(
        profile: &EffectiveProfile,
        semantics: Semantics,
    ) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        let mut hosts = Self {
            semantics,
            exact: HashMap::new(),
            below: HashMap::new(),
            any: Rules::default(),
            globs: GlobSet::empty(),
            glob_rules: Vec::new(),
            sockets: BTreeMap::new(),
        };
        for (index, rule) in profile.network.domains.iter().enumerate() {
            if !rule.standing.counts(semantics) {
                continue;
            }
            let permission = rule.permission;
            let matches = match semantics {
                Semantics::Codex => &rule.pattern.codex,
                Semantics::Documented => &rule.pattern.documented,
            };
            let put = |map: &mut HashMap<String, Rules>, key: &String, named| {
                map.entry(key.clone()).or_default().put(permission, index, named);
            };
            match matches {
                Match::Any => hosts.any.put(permission, index, false),
                Match::Exact(host) => put(&mut hosts.exact, host, true),
                Match::Below(domain) => put(&mut hosts.below, domain, false),
                Match::ApexAndBelow(domain) => {
                    put(&mut hosts.exact, domain, false);
                    put(&mut hosts.below, domain, false);
                }
                Match::Globs(globs) => {
                    for glob in globs {
                        set.add(globs::build_host(glob)?);
                        hosts.glob_rules.push((permission, index));
                    }
                }
            }
        }
        hosts.globs = set.build()?;
        for (index, rule) in profile.network.sockets.iter().enumerate() {
            if rule.standing.counts(semantics) {
                let entry = (rule.permission, index);
                let known = hosts.sockets.entry(rule.path.clone()).or_insert(entry);
                // At one path a deny wins.
                if rule.permission == Permission::Deny && known.0 == Permission::Allow {
                    *known = entry;
                }
            }
        }
        Ok(hosts)
    }

    /// The host as it is compared.
    pub(crate) fn host(&self, host: &str) -> String {
        // A name that is not ASCII goes over the wire as ASCII, under either semantics.
        let host = domain::normalize(&domain::ascii(host.trim()));
        match self.semantics {
            Semantics::Codex => host,
            Semantics::Documented => domain::canonical(&host),
        }
    }

    fn rules(&self, host: &str) -> Rules {
        let mut rules = self.exact.get(host).copied().unwrap_or_default();
        let mut rest = host;
        while let Some((first, parent)) = rest.split_once('.') {
            if !(first.is_empty() && rest.len() == host.len())
                && let Some(found) = self.below.get(parent)
            {
                rules.add(found);
            }
            rest = parent;
        }
        if !self.glob_rules.is_empty() {
            let candidate = Candidate::new(host);
            if self.globs.is_match_candidate(&candidate) {
                let mut found = self.globs.matches_candidate(&candidate);
                found.sort_unstable();
                for (permission, index) in
                    found.into_iter().filter_map(|index| self.glob_rules.get(index))
                {
                    let mut one = Rules::default();
                    one.put(*permission, *index, false);
                    rules.add(&one);
                }
            }
        }
        rules.add(&self.any);
        rules
    }

    /// Every rule that matches a host.
    pub(crate) fn all(&self, profile: &EffectiveProfile, host: &str) -> Vec<usize> {
        let host = self.host(host);
        let matching = |text: &str| {
            let matches = |matches: &Match| match matches {
                Match::Any => true,
                Match::Exact(name) => name == text,
                Match::Below(domain) => is_below(text, domain),
                Match::ApexAndBelow(domain) => text == domain || is_below(text, domain),
                Match::Globs(globs) => globs.iter().any(|glob| {
                    globs::build_host(glob).is_ok_and(|glob| glob.compile_matcher().is_match(text))
                }),
            };
            let counting = profile.network.domains.iter().enumerate().filter(|(_, rule)| {
                let pattern = match self.semantics {
                    Semantics::Codex => &rule.pattern.codex,
                    Semantics::Documented => &rule.pattern.documented,
                };
                rule.standing.counts(self.semantics) && matches(pattern)
            });
            counting.map(|(index, _)| index).collect::<Vec<_>>()
        };
        let mut all = matching(&host);
        let bare = domain::without_scope(&host);
        if bare != host {
            all.extend(matching(bare));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    pub(crate) fn connect<'a>(
        &self,
        profile: &'a EffectiveProfile,
        connect: &Connect<'_>,
    ) -> Decision<'a> {
        let network = &profile.network;
        let (enabled, at) = network.switch("enabled", self.semantics);
        let off = Rule::Switch { text: "network.enabled = false", at };
        if !enabled {
            return resolved(Decision::by(Verdict::Deny, Reason::NetworkOff, off), connect, false);
        }
        if connect.host.len() > domain::LONGEST {
            return resolved(Decision::plain(Verdict::Deny, Reason::NotAllowed), connect, false);
        }
        let host = self.host(connect.host);
        let literal = match self.semantics {
            Semantics::Codex => domain::without_scope(&host).parse().ok(),
            Semantics::Documented => domain::address(&host),
        };
        let mut rules = self.rules(&host);
        let bare = domain::without_scope(&host);
        if bare != host {
            rules.add(&self.rules(bare));
        }
        let known = literal.is_some();
        let by = |verdict, reason, index: Option<usize>| Decision {
            rule: index.and_then(|index| network.domains.get(index)).map(Rule::Domain),
            ..Decision::plain(verdict, reason)
        };
        if rules.deny.is_some() {
            return resolved(by(Verdict::Deny, Reason::Denied, rules.deny), connect, known);
        }
        let (local_allowed, at) = network.switch("allow_local_binding", self.semantics);
        // A number that only old software takes for an address is a name to Codex, which resolves it.
        let old = domain::address(&host).filter(|_| !known).map(|address| [address]);
        let resolution = match (&old, connect.resolution) {
            (Some(address), Resolution::Unknown) => Resolution::Addresses(address),
            (_, resolution) => resolution,
        };
        let known = known || resolution != Resolution::Unknown;
        let loopback = host == "localhost"
            || (self.semantics == Semantics::Documented && host.ends_with(".localhost"));
        let leads_home = match resolution {
            Resolution::Unknown => false,
            Resolution::Failed => true,
            Resolution::Addresses(addresses) => addresses.is_empty() || any_local(addresses),
        };
        if !local_allowed && !network.settings_silent {
            let local = Rule::Switch { text: "network.allow_local_binding = false", at };
            if loopback || literal.is_some_and(domain::is_local) {
                if rules.named.is_none() {
                    let denied = Decision::by(Verdict::Deny, Reason::NotAllowedLocal, local);
                    return resolved(denied, connect, true);
                }
                return self.allowed(
                    by(Verdict::Allow, Reason::Allowed, rules.named),
                    profile,
                    connect,
                    true,
                );
            }
            if leads_home && literal.is_none() {
                let denied = Decision::by(Verdict::Deny, Reason::NotAllowedLocal, local);
                return resolved(denied, connect, true);
            }
        }
        if rules.allow.is_none() && network.hosts_silent {
            let verdict = Decision::plain(Verdict::NotStated, Reason::HostsNotStated);
            return resolved(verdict, connect, known);
        }
        if rules.allow.is_none() {
            return resolved(by(Verdict::Deny, Reason::NotAllowed, None), connect, known);
        }
        // A session file leaves out whether the guard of local addresses is on; only a rule that names one
        // opens it whatever the guard says.
        let local = loopback || literal.is_some_and(domain::is_local);
        let unguarded = !network.settings_silent || local_allowed;
        let named = !unguarded && local && rules.named.is_some();
        if !unguarded && !named && (local || leads_home && literal.is_none()) {
            let verdict = by(Verdict::NotStated, Reason::LocalNotStated, rules.allow);
            return resolved(verdict, connect, true);
        }
        let rule = if named { rules.named } else { rules.allow };
        let mut decision = by(Verdict::Allow, Reason::Allowed, rule);
        if network.settings_silent {
            decision.notes.push(Note::SettingsNotStated);
        } else if !known && !local_allowed && !loopback {
            decision.notes.push(Note::NameNotResolved);
        }
        self.allowed(decision, profile, connect, known || loopback)
    }

    /// An allow, as far as the mode of the network goes.
    fn allowed<'a>(
        &self,
        mut decision: Decision<'a>,
        profile: &'a EffectiveProfile,
        connect: &Connect<'_>,
        known: bool,
    ) -> Decision<'a> {
        let limited = profile.network.limited.as_ref().map(|limited| limited.under(self.semantics));
        if let Some((true, at)) = limited {
            match connect.method {
                None => decision.notes.push(Note::LimitedMode),
                Some("GET" | "HEAD" | "OPTIONS") => {}
                // A tunnel can be looked into when the proxy is told to.
                Some("CONNECT") if profile.network.others.contains_key("mitm") => {
                    decision.notes.push(Note::LimitedMode);
                }
                Some(_) => {
                    let rule = Rule::Switch { text: "network.mode = limited", at: Some(at) };
                    let denied = Decision::by(Verdict::Deny, Reason::MethodNotAllowed, rule);
                    return resolved(denied, connect, known);
                }
            }
        }
        decision.notes.push(Note::ProxyOnly);
        resolved(decision, connect, known)
    }

    pub(crate) fn socket<'a>(
        &self,
        profile: &'a EffectiveProfile,
        place: &Place,
        path: &str,
    ) -> Decision<'a> {
        let network = &profile.network;
        let (enabled, at) = network.switch("enabled", self.semantics);
        if !enabled {
            let off = Rule::Switch { text: "network.enabled = false", at };
            return Decision::by(Verdict::Deny, Reason::NetworkOff, off);
        }
        if network.settings_silent {
            return Decision::plain(Verdict::NotStated, Reason::SocketsNotStated);
        }
        if !path.starts_with(['/', '~']) {
            return Decision::plain(Verdict::Deny, Reason::NotAPath);
        }
        let Some(path) = place.absolute(path) else { return untold(path) };
        let real = place.real(&path);
        let names = [Some(path.clone()), real.map(Cow::Owned)];
        let mut found: Option<(Permission, usize)> = None;
        for name in names.into_iter().flatten() {
            let rules = self.sockets.get(&*name).copied().into_iter();
            let expanded = self.sockets.iter().filter(|(rule, _)| {
                rule.starts_with('~') && place.absolute(rule).is_some_and(|rule| rule == name)
            });
            for rule in rules.chain(expanded.map(|(_, rule)| *rule)) {
                // Of a link and what it leads to, a deny of either holds.
                if found.is_none_or(|(permission, _)| rule.0 > permission) {
                    found = Some(rule);
                }
            }
        }
        let rule = found.and_then(|(_, index)| network.sockets.get(index)).map(Rule::Socket);
        let mut decision = match found {
            Some((Permission::Deny, _)) => Decision::plain(Verdict::Deny, Reason::Denied),
            Some((Permission::Allow, _)) => Decision::plain(Verdict::Allow, Reason::Allowed),
            None => {
                let all = network.switch("dangerously_allow_all_unix_sockets", self.semantics);
                if let (true, at) = all {
                    let text = "network.dangerously_allow_all_unix_sockets = true";
                    Decision::by(Verdict::Allow, Reason::Allowed, Rule::Switch { text, at })
                } else {
                    Decision::plain(Verdict::Deny, Reason::NotAllowed)
                }
            }
        };
        decision.rule = rule.or(decision.rule);
        decision.notes.push(Note::SocketsOnMacOs);
        decision
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .and_then(|front| front.strip_suffix('.'))
        .is_some_and(|front| !front.is_empty())
}

fn resolved<'a>(mut decision: Decision<'a>, connect: &Connect<'_>, known: bool) -> Decision<'a> {
    let told = matches!(connect.resolution, Resolution::Addresses(_) | Resolution::Failed);
    let literal = || domain::address(&domain::normalize(connect.host)).is_some();
    decision.name_resolved = Some(known || told || literal());
    decision
}
