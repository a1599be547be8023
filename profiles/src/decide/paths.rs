//! Decisions about paths.

use std::borrow::Cow;

use super::globs::PathGlobs;
use super::tree::{Tree, Walk};
use super::{Decision, Note, Reason, Rule, Verdict};
use crate::effective::{EffectiveProfile, PathRule};
use crate::place::Place;
use crate::profile::Access;
use crate::profile::path::{Target, clean};
use crate::semantics::Semantics;

/// Folders that Codex's Linux sandbox mounts for `:minimal`.
const MINIMAL: [&str; 8] =
    ["/bin", "/etc", "/lib", "/lib64", "/nix/store", "/run/current-system/sw", "/sbin", "/usr"];

/// The rules for paths under one semantics.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) tree: Tree,
    pub(crate) globs: PathGlobs,
    /// Whether a more trusted deny holds against what is more specific.
    trusts: bool,
    /// Whether everything is writable, protected names included.
    full: bool,
}

impl Paths {
    pub(crate) fn new(
        profile: &EffectiveProfile,
        place: &Place,
        semantics: Semantics,
    ) -> Result<Self, globset::Error> {
        let mut tree = Tree::new();
        let mut patterns = Vec::new();
        let roots = roots(profile, place);
        let counting = || {
            let rules = profile.paths.iter().enumerate();
            rules.filter(|(_, rule)| rule.standing.counts(semantics))
        };
        for (index, rule) in counting() {
            for spot in spots(&rule.target, place, &roots) {
                match spot {
                    Spot::Path(path) => {
                        if let Some(real) = place.real(&path) {
                            tree.add(&real, index, rule);
                        }
                        tree.add(&path, index, rule);
                    }
                    Spot::Pattern(pattern) => patterns.push((pattern, index)),
                }
            }
        }
        let depth = profile.glob_scan_max_depth.as_ref().map(|depth| depth.value);
        let writes = |rule: &PathRule| rule.access == Access::Write;
        let whole = |rule: &PathRule| writes(rule) && rule.target == Target::Root;
        let full = counting().any(|(_, rule)| whole(rule))
            && counting().all(|(_, rule)| writes(rule) || rule.target == Target::Minimal);
        let globs = PathGlobs::new(&patterns, depth)?;
        Ok(Self { tree, globs, trusts: semantics == Semantics::Documented, full })
    }

    pub(crate) fn decide<'a>(
        &self,
        profile: &'a EffectiveProfile,
        place: &Place,
        path: &str,
        write: bool,
    ) -> Decision<'a> {
        let Some(path) = place.absolute(path) else {
            return Decision::plain(Verdict::Deny, Reason::NoPath);
        };
        let written = self.at(profile, &path, write);
        let Some(real) = place.real(&path) else { return written };
        // A link is denied where a rule denies it by name, and reaches only what its target allows.
        let by_name = matches!(
            written.rule,
            Some(Rule::Path(PathRule { access: Access::Deny, .. })) if written.verdict == Verdict::Deny
        );
        if by_name { written } else { self.at(profile, &real, write) }
    }

    fn at<'a>(&self, profile: &'a EffectiveProfile, path: &str, write: bool) -> Decision<'a> {
        let rule = |index: usize| profile.paths.get(index).map(Rule::Path);
        let decided = |verdict, reason, index| Decision {
            rule: rule(index),
            ..Decision::plain(verdict, reason)
        };
        let walk = self.tree.walk(path);
        if let Some(floor) = walk.floor {
            return decided(Verdict::Deny, Reason::Requirement, floor);
        }
        let (pattern, beyond) = self.globs.find(path);
        if let Some(index) = pattern {
            let mut decision = decided(Verdict::Deny, Reason::DenyPattern, index);
            if write {
                decision.notes.push(Note::NewFiles);
            }
            return decision;
        }
        let mut decision = self.specific(profile, &walk, write);
        if beyond {
            decision.notes.push(Note::BeyondScan);
        }
        decision
    }

    fn specific<'a>(
        &self,
        profile: &'a EffectiveProfile,
        walk: &Walk,
        write: bool,
    ) -> Decision<'a> {
        let Some((access, index)) = walk.wins else {
            return Decision::plain(Verdict::Deny, Reason::NoRule);
        };
        let Some(rule) = profile.paths.get(index) else {
            return Decision::plain(Verdict::Deny, Reason::NoRule);
        };
        if let (true, Some((trust, deny))) = (self.trusts, walk.deny)
            && access != Access::Deny
            && trust > rule.at.layer.trust()
        {
            return Decision {
                rule: profile.paths.get(deny).map(Rule::Path),
                ..Decision::plain(Verdict::Deny, Reason::MoreTrusted)
            };
        }
        let allowed = match access {
            Access::Deny => false,
            Access::Read => !write,
            Access::Write => true,
        };
        if let (true, Some((name, folder)), true, false) =
            (write, walk.protected, allowed, self.full)
            && let Some(folder) = profile.paths.get(folder)
        {
            let rule = Rule::Protected { name, folder };
            return Decision::by(Verdict::Deny, Reason::Protected, rule);
        }
        let verdict = if allowed { Verdict::Allow } else { Verdict::Deny };
        let mut decision = Decision::by(verdict, Reason::MostSpecific, Rule::Path(rule));
        if walk.reopened && access == Access::Read && !write {
            decision.notes.push(Note::Reopened);
        }
        if rule.target == Target::Minimal {
            decision.notes.push(Note::LinuxMinimal);
        }
        decision
    }
}

/// Where a rule applies.
pub(crate) enum Spot<'a> {
    /// At a path and below.
    Path(Cow<'a, str>),
    /// Where a pattern matches.
    Pattern(String),
}

/// The workspace roots: the place's and those that the profile adds.
pub(crate) fn roots(profile: &EffectiveProfile, place: &Place) -> Vec<String> {
    let mut roots = place.workspace_roots.clone();
    for (path, counts) in &profile.workspace_roots {
        if let (true, Some(path)) = (counts.value, place.absolute(path))
            && !roots.iter().any(|root| *root == path)
        {
            roots.push(path.into_owned());
        }
    }
    roots
}

/// Everywhere that a rule's target is, in a place.
pub(crate) fn spots<'a>(target: &'a Target, place: &Place, roots: &[String]) -> Vec<Spot<'a>> {
    let path = |path: &'a str| place.absolute(path).map(Spot::Path);
    match target {
        Target::Root => vec![Spot::Path("/".into())],
        Target::Minimal => MINIMAL.iter().map(|path| Spot::Path((*path).into())).collect(),
        Target::WorkspaceRoots { below } => {
            let below = below.as_deref().unwrap_or_default();
            roots.iter().map(|root| Spot::Path(clean(&format!("{root}/{below}")).into())).collect()
        }
        Target::Tmpdir => {
            let tmpdir = place.tmpdir.as_deref().filter(|path| path.starts_with('/'));
            tmpdir.map(|path| Spot::Path(clean(path).into())).into_iter().collect()
        }
        Target::SlashTmp => vec![Spot::Path("/tmp".into())],
        Target::Path { path: written } => path(written).into_iter().collect(),
        Target::Glob { pattern, below_roots: true } => {
            let escaped = |root: &String| globset::escape(root);
            let pattern =
                |root| Spot::Pattern(format!("{}/{pattern}", escaped(root).trim_end_matches('/')));
            roots.iter().map(pattern).collect()
        }
        Target::Glob { pattern, below_roots: false } => {
            let whole = match pattern.strip_prefix('~') {
                Some(rest) => {
                    place.home.as_ref().map(|home| format!("{}{rest}", globset::escape(home)))
                }
                None => Some(pattern.clone()),
            };
            whole.map(Spot::Pattern).into_iter().collect()
        }
        Target::Unknown { .. } => Vec::new(),
    }
}
