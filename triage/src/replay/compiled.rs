//! Profiles that are compiled once, however often a session comes back to them.

use std::collections::BTreeMap;
use std::rc::Rc;

use blotter_profiles::profile::path::Target;
use blotter_profiles::{Decider, EffectiveProfile, Place};

use super::model::Source;

/// What the profiles of one session may weigh together: rules for paths as often as there are folders that
/// they stand for, and a pattern as much as [`PATTERN`] paths.
const MOST: usize = 100_000;
/// What a pattern weighs.
const PATTERN: usize = 10;

/// A profile that was compiled for a place.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    /// The same number for the same profile in the same place.
    pub id: usize,
    /// What it weighs.
    pub weight: usize,
    /// Its digest.
    pub digest: Rc<str>,
    /// What answers.
    pub decider: Rc<Decider>,
}

/// Where the profile comes from, its digest and name, and the place.
type Key = (Source, String, Option<String>, Option<String>, Vec<String>);

/// Compiles the profiles of a session.
#[derive(Debug)]
pub(super) struct Compiler {
    known: BTreeMap<Key, Result<Compiled, String>>,
    weight: usize,
    most: usize,
}

impl Default for Compiler {
    fn default() -> Self {
        Self { known: BTreeMap::new(), weight: 0, most: MOST }
    }
}

impl Compiler {
    /// Compiles a profile for a place; of places only the folders differ within a session. The error says why
    /// it cannot be asked.
    pub(super) fn compile(
        &mut self,
        source: Source,
        profile: EffectiveProfile,
        digest: String,
        place: &Place,
    ) -> Result<Compiled, String> {
        let roots = place.workspace_roots.clone();
        let key = (source, digest, profile.name.clone(), place.cwd.clone(), roots);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let weight = weight(&profile, place);
        let most = self.most;
        if self.weight.saturating_add(weight) > most {
            return Err(format!(
                "the session's profiles together are larger than is read ({most} rules, a pattern counts {PATTERN})"
            ));
        }
        self.weight += weight;
        let id = self.known.len();
        let compiled = Decider::new(profile, place.clone()).map_err(|error| error.to_string());
        let compiled = compiled.map(|decider| Compiled {
            id,
            weight,
            digest: key.1.as_str().into(),
            decider: Rc::new(decider),
        });
        self.known.insert(key, compiled.clone());
        compiled
    }
}

/// How much there is to compile.
fn weight(profile: &EffectiveProfile, place: &Place) -> usize {
    let roots = place.workspace_roots.len() + profile.workspace_roots.len();
    let paths = profile.paths.iter().map(|rule| match &rule.target {
        Target::WorkspaceRoots { .. } => roots,
        Target::Glob { below_roots: true, .. } => roots.saturating_mul(PATTERN),
        Target::Glob { .. } => PATTERN,
        _ => 1,
    });
    let hosts = profile.network.domains.len() + profile.network.sockets.len();
    paths.fold(hosts, usize::saturating_add)
}

#[cfg(test)]
pub(super) mod tests {
    use blotter_profiles::effective::rollout::from_rollout;
    use serde_json::{Value, json};

    use super::*;

    /// A profile that lets these folders be written, compiled as a session file states it.
    pub(in crate::replay) fn writing(
        compiler: &mut Compiler,
        paths: &[&str],
    ) -> Result<Compiled, String> {
        let entry =
            |path: &&str| json!({ "path": { "type": "path", "path": path }, "access": "write" });
        let entries: Vec<Value> = paths.iter().map(entry).collect();
        let file_system = json!({ "type": "restricted", "entries": entries });
        let payload = json!({
            "cwd": "/w",
            "permission_profile": { "type": "managed", "file_system": file_system, "network": "restricted" },
        });
        let stated = from_rollout(&payload, None, None).unwrap();
        let digest = stated.profile.digest();
        compiler.compile(Source::Rollout, stated.profile, digest, &Place::of("/w"))
    }

    #[test]
    fn a_profile_is_compiled_once_and_what_is_more_than_is_read_is_refused() {
        let mut compiler = Compiler { most: 5, ..Compiler::default() };
        let first = writing(&mut compiler, &["/a", "/b"]).unwrap();
        let second = writing(&mut compiler, &["/a", "/b", "/c"]).unwrap();
        assert_ne!(first.id, second.id);
        assert_eq!(writing(&mut compiler, &["/a", "/b"]).unwrap().id, first.id);
        let error = writing(&mut compiler, &["/d"]).unwrap_err();
        assert!(error.contains("larger than is read (5 rules"), "{error}");
    }

    #[test]
    fn rules_weigh_as_much_as_the_folders_that_they_stand_for() {
        let special =
            json!({ "type": "special", "value": { "kind": "project_roots", "subpath": "s" } });
        let pattern = json!({ "type": "glob_pattern", "pattern": "/a/**/b" });
        let entries = json!([
            { "path": special, "access": "write" }, { "path": pattern, "access": "deny" },
        ]);
        let payload = json!({
            "permission_profile": { "file_system": { "type": "restricted", "entries": entries } },
        });
        let profile = from_rollout(&payload, None, None).unwrap().profile;
        let roots = vec!["/a".to_owned(), "/b".to_owned(), "/c".to_owned()];
        let place = Place { workspace_roots: roots, ..Place::default() };
        assert_eq!(weight(&profile, &place), 3 + PATTERN);
    }
}
