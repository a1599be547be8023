//! Decisions about paths.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::globs::PathGlobs;
use super::tmpdir;
use super::tree::{Tree, Walk};
use super::{Decision, Note, Reason, Rule, Verdict};
use crate::effective::{EffectiveProfile, PathRule};
use crate::place::{Place, Tmpdir};
use crate::profile::Access;
use crate::profile::path::{Target, clean};
use crate::semantics::Semantics;

/// Folders that Codex's Linux sandbox mounts for `:minimal`.
pub(super) const MINIMAL: [&str; 8] =
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
    /// The rule for `:tmpdir`, where nobody said which folder that is.
    tmpdir: Option<usize>,
}

/// Where a rule applies: a place of it, with its links resolved where that makes it another one.
pub(crate) struct Located<'a> {
    rule: usize,
    spot: Spot<'a>,
    real: Option<String>,
}

/// Every place of every rule.
pub(crate) fn located<'a>(profile: &'a EffectiveProfile, place: &Place) -> Vec<Located<'a>> {
    let roots = roots(profile, place);
    let mut located = Vec::new();
    for (rule, path_rule) in profile.paths.iter().enumerate() {
        for spot in spots(&path_rule.target, place, &roots) {
            let real = match &spot {
                Spot::Path(path) => place.real(path),
                Spot::Pattern(_) => None,
            };
            located.push(Located { rule, spot, real });
        }
    }
    located
}

/// How many levels below its fixed part a deny pattern looks; none is without a bound. As it is documented, a
/// deny is not weakened by a less trusted layer, and so not by its depth.
pub(crate) fn reach(
    profile: &EffectiveProfile,
    rule: &PathRule,
    semantics: Semantics,
) -> Option<u32> {
    let depth = profile.glob_scan_max_depth.as_ref()?;
    let trusted = rule.at.layer.trust() > depth.at.layer.trust();
    (semantics == Semantics::Codex || !trusted).then_some(depth.value)
}

impl Paths {
    pub(crate) fn new(
        profile: &EffectiveProfile,
        place: &Place,
        located: &[Located<'_>],
        semantics: Semantics,
    ) -> Result<Self, globset::Error> {
        let mut tree = Tree::new();
        let mut patterns = Vec::new();
        let counting = || {
            let rules = profile.paths.iter().enumerate();
            rules.filter(|(_, rule)| rule.standing.counts(semantics))
        };
        for Located { rule: index, spot, real } in located {
            let rule = profile.paths.get(*index).filter(|rule| rule.standing.counts(semantics));
            let Some(rule) = rule else { continue };
            match spot {
                Spot::Path(path) => {
                    if let Some(real) = real {
                        tree.add(real, *index, rule);
                    }
                    tree.add(path, *index, rule);
                }
                Spot::Pattern(pattern) => {
                    patterns.push((pattern.as_str(), *index, reach(profile, rule, semantics)));
                }
            }
        }
        let tmpdir = counting()
            .filter(|(_, rule)| rule.target == Target::Tmpdir && place.tmpdir == Tmpdir::Unknown)
            .max_by_key(|(_, rule)| rule.access)
            .map(|(index, _)| index);
        let writes = |rule: &PathRule| rule.access == Access::Write;
        let whole = |rule: &PathRule| writes(rule) && rule.target == Target::Root;
        let full = counting().any(|(_, rule)| whole(rule))
            && counting().all(|(_, rule)| writes(rule) || rule.target == Target::Minimal);
        let globs = PathGlobs::new(&patterns)?;
        Ok(Self { tree, globs, trusts: semantics == Semantics::Documented, full, tmpdir })
    }

    pub(crate) fn decide<'a>(
        &self,
        profile: &'a EffectiveProfile,
        place: &Place,
        path: &str,
        write: bool,
    ) -> Decision<'a> {
        let Some(path) = place.absolute(path) else { return untold(path) };
        let written = self.at(profile, &path, write);
        let Some(real) = place.real(&path) else { return written };
        // A link is denied where a rule or its protection denies it by name, and reaches only what its target
        // allows. Below a protected name that is a link Codex starts no command at all.
        let by_name = written.verdict == Verdict::Deny
            && matches!(
                written.rule,
                Some(Rule::Path(PathRule { access: Access::Deny, .. }) | Rule::Protected { .. })
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
        let decision = self.specific(profile, &walk, write);
        let mut decision = self.unless_in_tmpdir(profile, path, write, decision);
        if beyond {
            decision.notes.push(Note::BeyondScan);
        }
        decision
    }

    /// The decision, unless it rests on `:root` or on nothing and the path may lie below TMPDIR, of which
    /// nobody said where it is and whose rule says something else.
    fn unless_in_tmpdir<'a>(
        &self,
        profile: &'a EffectiveProfile,
        path: &str,
        write: bool,
        decision: Decision<'a>,
    ) -> Decision<'a> {
        let broad = match (decision.reason, decision.rule) {
            (Reason::MostSpecific, Some(Rule::Path(rule))) => rule.target == Target::Root,
            (reason, _) => reason == Reason::NoRule,
        };
        let rule = self.tmpdir.filter(|_| broad && tmpdir::may_hold(path));
        match rule.and_then(|index| profile.paths.get(index)) {
            Some(rule) if allows(rule.access, write) != decision.is_allowed() => {
                Decision::by(Verdict::NotStated, Reason::TmpdirNotKnown, Rule::Path(rule))
            }
            _ => decision,
        }
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
        let allowed = allows(access, write);
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

fn allows(access: Access, write: bool) -> bool {
    match access {
        Access::Deny => false,
        Access::Read => !write,
        Access::Write => true,
    }
}

/// The answer about a text that stands for no absolute path here.
pub(super) fn untold<'a>(path: &str) -> Decision<'a> {
    if path.is_empty() || path.contains('\0') {
        return Decision::plain(Verdict::Deny, Reason::NotAPath);
    }
    let from_home = path == "~" || path.starts_with("~/");
    let reason = if from_home { Reason::NoHome } else { Reason::NoPath };
    Decision::plain(Verdict::NotStated, reason)
}

/// A place that a rule is about.
pub(crate) enum Spot<'a> {
    /// At a path and below.
    Path(Cow<'a, str>),
    /// Where a pattern matches.
    Pattern(String),
}

/// The workspace roots: the place's and those that the profile adds.
pub(crate) fn roots(profile: &EffectiveProfile, place: &Place) -> Vec<String> {
    let own = profile.workspace_roots.iter().filter(|(_, counts)| counts.value);
    let own = own.filter_map(|(path, _)| place.absolute(path).map(Cow::into_owned));
    let mut known = BTreeSet::new();
    let all = place.workspace_roots.iter().cloned().chain(own);
    all.filter(|root| known.insert(root.clone())).collect()
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
            place.tmpdir.folder().map(|path| Spot::Path(path.into())).into_iter().collect()
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
