//! Patterns for paths and for hosts.

use globset::{Candidate, Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// A pattern for paths: `*` and `?` stay within a name, a bracket that is not closed is one.
///
/// # Errors
/// When it is no pattern.
pub(crate) fn build(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).literal_separator(true).allow_unclosed_class(true).build()
}

/// A pattern for hosts: `*` and `?` stand for anything, dots included.
///
/// # Errors
/// When it is no pattern.
pub(crate) fn build_host(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern).case_insensitive(true).build()
}

/// Deny patterns for paths, with how deep each looks.
#[derive(Debug)]
pub(crate) struct PathGlobs {
    set: GlobSet,
    globs: Vec<PathGlob>,
}

#[derive(Debug)]
struct PathGlob {
    rule: usize,
    /// Names of a path that the pattern reaches at most.
    reach: Option<usize>,
}

impl PathGlobs {
    /// Compiles absolute patterns, each with the index of its rule and how many levels below its fixed part
    /// it looks.
    pub(crate) fn new(patterns: &[(&str, usize, Option<u32>)]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        let mut globs = Vec::with_capacity(patterns.len());
        for (pattern, rule, depth) in patterns {
            set.add(build(pattern)?);
            let depth = depth.and_then(|depth| usize::try_from(depth).ok());
            let reach = depth.map(|depth| fixed(pattern).saturating_add(depth));
            globs.push(PathGlob { rule: *rule, reach });
        }
        Ok(Self { set: set.build()?, globs })
    }

    /// The first rule whose pattern matches, and whether one matches only beyond its reach.
    pub(crate) fn find(&self, path: &str) -> (Option<usize>, bool) {
        if self.globs.is_empty() {
            return (None, false);
        }
        let candidate = Candidate::new(path);
        if !self.set.is_match_candidate(&candidate) {
            return (None, false);
        }
        let names = path.split('/').filter(|name| !name.is_empty()).count();
        let mut beyond = false;
        let mut found = Vec::new();
        self.set.matches_candidate_into(&candidate, &mut found);
        found.sort_unstable();
        for glob in found.into_iter().filter_map(|index| self.globs.get(index)) {
            if glob.reach.is_none_or(|reach| names <= reach) {
                return (Some(glob.rule), false);
            }
            beyond = true;
        }
        (None, beyond)
    }

    /// Every rule whose pattern matches.
    pub(crate) fn all(&self, path: &str) -> Vec<usize> {
        let mut found = self.set.matches(path);
        found.sort_unstable();
        found.into_iter().filter_map(|index| self.globs.get(index)).map(|glob| glob.rule).collect()
    }
}

/// Names at the front of a pattern that are no pattern themselves.
pub(crate) fn fixed(pattern: &str) -> usize {
    let names = pattern.split('/').filter(|name| !name.is_empty());
    names.take_while(|name| !name.contains(['*', '?', '[', ']'])).count()
}
