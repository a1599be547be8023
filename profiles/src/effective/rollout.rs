//! The profile that a session file states: `turn_context` of Codex's rollouts.
//!
//! What is read: `permission_profile`, or without it `file_system_sandbox_policy`, or without that
//! `sandbox_policy`; `active_permission_profile` for the name; `network` for the hosts. The file states what
//! was in effect, not where it comes from. It leaves the rules for hosts out unless the agent's proxy has
//! some, and every other setting of the network: an answer that would rest on what is left out is
//! [`Verdict::NotStated`](crate::Verdict::NotStated).

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Availability, DomainRule, EffectiveProfile, Kind, Network, PathRule, Standing, Switch,
};
use crate::error::Error;
use crate::layer::{LayerKind, Setting};
use crate::lint::Notice;
use crate::profile::domain::Pattern;
use crate::profile::path::{Target, absolute};
use crate::profile::{Access, Permission};
use crate::provenance::Provenance;

/// What stands in every place of such a profile.
pub const DETAIL: &str = "as the rollout states it";

/// Entries that are read at most.
const MOST: usize = 10_000;

/// The profile of one turn.
#[derive(Debug, Clone)]
pub struct Stated {
    /// The profile.
    pub profile: EffectiveProfile,
    /// The folder that the turn ran in.
    pub cwd: Option<String>,
    /// Its workspace roots; the folder where the file names none.
    pub workspace_roots: Vec<String>,
    /// When a person is asked.
    pub approval_policy: Option<String>,
}

/// Reads the payload of a `turn_context`. `file` and `line` say where it stands, where that is known.
///
/// # Errors
/// When it states no profile, or one that is not understood: nothing is guessed.
pub fn from_rollout(
    payload: &Value,
    file: Option<&str>,
    line: Option<u32>,
) -> Result<Stated, Error> {
    let at = Provenance {
        file: file.map(Into::into),
        line,
        detail: Some(DETAIL.into()),
        ..Provenance::of(LayerKind::Rollout)
    };
    let text = |key: &str| payload.get(key).and_then(Value::as_str).map(str::to_owned);
    let cwd = text("cwd");
    let mut profile = Reader { at: &at }.profile(payload)?;
    profile.name = active(payload, "id");
    profile.extends = active(payload, "extends").into_iter().collect();
    let roots = payload.get("workspace_roots").and_then(Value::as_array);
    let mut workspace_roots: Vec<String> = roots
        .map(|roots| roots.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    if workspace_roots.is_empty() {
        workspace_roots.extend(cwd.clone());
    }
    Ok(Stated { profile, cwd, workspace_roots, approval_policy: text("approval_policy") })
}

fn active(payload: &Value, key: &str) -> Option<String> {
    let active = payload.get("active_permission_profile")?;
    active.get(key).and_then(Value::as_str).map(str::to_owned)
}

struct Reader<'a> {
    at: &'a Provenance,
}

impl Reader<'_> {
    fn refuse<T>(&self, reason: impl Into<String>) -> Result<T, Error> {
        Err(Error::at(self.at, format!("the turn context: {}", reason.into())))
    }

    fn empty(&self, kind: Kind) -> EffectiveProfile {
        EffectiveProfile {
            name: None,
            extends: Vec::new(),
            description: None,
            kind,
            availability: Availability::Available,
            workspace_roots: BTreeMap::new(),
            paths: Vec::new(),
            glob_scan_max_depth: None,
            network: Network::default(),
            notices: Vec::new(),
        }
    }

    fn profile(&self, payload: &Value) -> Result<EffectiveProfile, Error> {
        let present = |key: &str| payload.get(key).filter(|value| !value.is_null());
        let mut profile = if let Some(stated) = present("permission_profile") {
            self.permission_profile(stated)?
        } else if let Some(stated) = present("file_system_sandbox_policy") {
            let mut profile = self.empty(Kind::Restricted);
            self.file_system(stated, "kind", &mut profile)?;
            let network = present("network_sandbox_policy").and_then(Value::as_str);
            let legacy = present("sandbox_policy").and_then(|policy| policy.get("network_access"));
            let enabled = match (network, legacy) {
                (Some(word), _) => word == "enabled",
                (None, Some(word)) => word.as_bool() == Some(true) || word == "enabled",
                (None, None) => false,
            };
            self.enabled(&mut profile, enabled);
            profile
        } else if let Some(stated) = present("sandbox_policy") {
            self.legacy(stated, payload)?
        } else {
            return self.refuse("it states no profile and no sandbox policy");
        };
        if let Some(network) = present("network") {
            self.hosts(network, &mut profile)?;
        }
        Ok(profile)
    }

    fn permission_profile(&self, stated: &Value) -> Result<EffectiveProfile, Error> {
        let kind = stated.get("type").and_then(Value::as_str);
        let mut profile = match kind {
            Some("disabled") => return Ok(self.empty(Kind::Unrestricted)),
            Some("external") => self.empty(Kind::External),
            // Older files have no type.
            Some("managed") | None => {
                let mut profile = self.empty(Kind::Restricted);
                let Some(files) = stated.get("file_system") else {
                    return self.refuse("permission_profile has no file_system");
                };
                let tag = if files.get("type").is_some() { "type" } else { "kind" };
                self.file_system(files, tag, &mut profile)?;
                profile
            }
            Some(other) => {
                return self.refuse(format!("permission_profile has the unknown type `{other}`"));
            }
        };
        let enabled = match stated.get("network") {
            Some(Value::String(word)) if word == "enabled" => true,
            Some(Value::String(word)) if word == "restricted" => false,
            Some(Value::Object(network)) => network.get("enabled") == Some(&Value::Bool(true)),
            None | Some(Value::Null) => false,
            Some(_) => {
                return self.refuse("permission_profile has a network that is not understood");
            }
        };
        self.enabled(&mut profile, enabled);
        Ok(profile)
    }

    fn enabled(&self, profile: &mut EffectiveProfile, enabled: bool) {
        let switch = Switch { value: enabled, at: self.at.clone(), held: None };
        profile.network.switches.insert("enabled".to_owned(), switch);
        profile.network.hosts_silent = true;
        profile.network.settings_silent = true;
    }

    fn file_system(
        &self,
        stated: &Value,
        tag: &str,
        profile: &mut EffectiveProfile,
    ) -> Result<(), Error> {
        match stated.get(tag).and_then(Value::as_str) {
            Some("restricted") | None => {}
            Some("unrestricted") => {
                profile.kind = Kind::Restricted;
                self.rule(profile, Target::Root, Access::Write, ":root".to_owned());
                return Ok(());
            }
            Some("external-sandbox" | "external_sandbox" | "external") => {
                profile.kind = Kind::External;
                return Ok(());
            }
            Some(other) => {
                return self.refuse(format!("the file system has the unknown kind `{other}`"));
            }
        }
        match stated.get("glob_scan_max_depth") {
            None | Some(Value::Null) => {}
            Some(depth) => match depth.as_u64().and_then(|depth| u32::try_from(depth).ok()) {
                Some(value) if value > 0 => {
                    profile.glob_scan_max_depth = Some(Setting { value, at: self.at.clone() });
                }
                _ => return self.refuse("glob_scan_max_depth is no number of at least 1"),
            },
        }
        let entries = match stated.get("entries") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(entries)) => entries,
            Some(_) => return self.refuse("the entries of the file system are no list"),
        };
        if entries.len() > MOST {
            return self.refuse(format!("the file system has more than {MOST} entries"));
        }
        for entry in entries {
            let access = entry.get("access").and_then(Value::as_str);
            let Some(access) = access.and_then(Access::parse) else {
                return self.refuse("an entry has no access that is understood");
            };
            let (target, written) = self.target(entry.get("path"))?;
            if let Target::Unknown { word } = &target {
                profile.notices.push(Notice {
                    rule: "unknown_special_path",
                    summary: format!("`{word}` is no path that is known; the rule has no effect"),
                    at: self.at.clone(),
                });
            }
            self.rule(profile, target, access, written);
        }
        Ok(())
    }

    fn rule(&self, profile: &mut EffectiveProfile, target: Target, access: Access, key: String) {
        profile.paths.push(PathRule {
            target,
            access,
            written: format!("{key} = {access}"),
            at: self.at.clone(),
            standing: Standing::Both,
            floor: false,
            replaced: Vec::new(),
        });
    }

    fn target(&self, path: Option<&Value>) -> Result<(Target, String), Error> {
        let Some(path) = path else { return self.refuse("an entry has no path") };
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        match path.get("type").and_then(Value::as_str) {
            Some("path") => {
                let Some(written) = text(path, "path") else {
                    return self.refuse("an entry's path is no text");
                };
                match absolute(&written) {
                    Ok(path) => Ok((Target::Path { path }, written)),
                    Err(reason) => self.refuse(reason),
                }
            }
            Some("glob_pattern" | "globPattern") => {
                let Some(written) = text(path, "pattern") else {
                    return self.refuse("an entry's pattern is no text");
                };
                if let Err(error) = crate::decide::globs::build(&written) {
                    return self.refuse(format!("`{written}` is no pattern: {error}"));
                }
                let below = written.strip_prefix("codex-project-roots://");
                let target = match (below, absolute(&written)) {
                    (Some(below), _) => {
                        Target::Glob { pattern: below.to_owned(), below_roots: true }
                    }
                    (None, Ok(pattern)) => Target::Glob { pattern, below_roots: false },
                    (None, Err(_)) => Target::Glob { pattern: written.clone(), below_roots: true },
                };
                Ok((target, written))
            }
            Some("special") => {
                let value = path.get("value").unwrap_or(&Value::Null);
                let below = text(value, "subpath");
                let target = match text(value, "kind").as_deref() {
                    Some("root") => Target::Root,
                    Some("minimal") => Target::Minimal,
                    Some("tmpdir") => Target::Tmpdir,
                    Some("slash_tmp") => Target::SlashTmp,
                    Some("project_roots" | "workspace_roots") => Target::WorkspaceRoots { below },
                    Some("current_working_directory") => Target::WorkspaceRoots { below: None },
                    Some("unknown") => {
                        let word = text(value, "path").unwrap_or_default();
                        Target::Unknown { word }
                    }
                    Some(other) => Target::Unknown { word: format!(":{other}") },
                    None => return self.refuse("an entry's special path has no kind"),
                };
                let key = key(&target);
                Ok((target, key))
            }
            _ => self.refuse("an entry's path has no type that is understood"),
        }
    }

    /// The older policy alone.
    fn legacy(&self, stated: &Value, payload: &Value) -> Result<EffectiveProfile, Error> {
        let kind = stated.get("type").or_else(|| stated.get("mode")).and_then(Value::as_str);
        let mut profile = match kind {
            Some("danger-full-access") => return Ok(self.empty(Kind::Unrestricted)),
            Some("external-sandbox") => self.empty(Kind::External),
            Some("read-only") => {
                let mut profile = self.empty(Kind::Restricted);
                self.rule(&mut profile, Target::Root, Access::Read, ":root".to_owned());
                profile
            }
            Some("workspace-write") => self.workspace_write(stated, payload)?,
            other => {
                let other = other.unwrap_or_default();
                return self.refuse(format!("sandbox_policy has the unknown type `{other}`"));
            }
        };
        let access = stated.get("network_access");
        let enabled = access.is_some_and(|access| *access == true || *access == "enabled");
        self.enabled(&mut profile, enabled);
        Ok(profile)
    }

    fn workspace_write(&self, stated: &Value, payload: &Value) -> Result<EffectiveProfile, Error> {
        let mut profile = self.empty(Kind::Restricted);
        let mut roots = vec![Target::WorkspaceRoots { below: None }];
        let listed = stated.get("writable_roots").and_then(Value::as_array);
        if listed.is_some_and(|roots| roots.len() > MOST) {
            return self.refuse(format!("sandbox_policy has more than {MOST} writable roots"));
        }
        for root in listed.into_iter().flatten() {
            match root.as_str().map(absolute) {
                Some(Ok(path)) => roots.push(Target::Path { path }),
                _ => return self.refuse("sandbox_policy has a writable root that is no path"),
            }
        }
        let excluded = |key: &str| stated.get(key) == Some(&Value::Bool(true));
        if !excluded("exclude_slash_tmp") {
            roots.push(Target::SlashTmp);
        }
        if !excluded("exclude_tmpdir_env_var") {
            roots.push(Target::Tmpdir);
        }
        if payload.get("cwd").is_none() {
            return self.refuse("sandbox_policy is about a folder that is not named");
        }
        self.rule(&mut profile, Target::Root, Access::Read, ":root".to_owned());
        for root in roots {
            let key = key(&root);
            self.rule(&mut profile, root, Access::Write, key);
        }
        Ok(profile)
    }

    fn hosts(&self, stated: &Value, profile: &mut EffectiveProfile) -> Result<(), Error> {
        let lists = [("allowed_domains", Permission::Allow), ("denied_domains", Permission::Deny)];
        for (key, permission) in lists {
            let hosts = match stated.get(key) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(hosts)) => hosts,
                Some(_) => return self.refuse(format!("network.{key} is no list")),
            };
            if hosts.len() > MOST {
                return self.refuse(format!("network.{key} has more than {MOST} hosts"));
            }
            for host in hosts {
                let pattern = host.as_str().map(Pattern::parse);
                let Some(Ok(pattern)) = pattern else {
                    return self.refuse(format!("network.{key} has something that is no host"));
                };
                profile.network.domains.push(DomainRule {
                    written: format!("{} = {permission}", pattern.written),
                    pattern,
                    permission,
                    at: self.at.clone(),
                    standing: Standing::Both,
                    replaced: Vec::new(),
                });
            }
            // A list of what is denied alone does not say that nothing is allowed.
            if permission == Permission::Allow {
                profile.network.hosts_silent = false;
            }
        }
        Ok(())
    }
}

fn key(target: &Target) -> String {
    let word = match target {
        Target::Root => ":root",
        Target::Minimal => ":minimal",
        Target::Tmpdir => ":tmpdir",
        Target::SlashTmp => ":slash_tmp",
        Target::WorkspaceRoots { below: None } => ":workspace_roots",
        Target::WorkspaceRoots { below: Some(below) } => {
            return format!(":workspace_roots/{below}");
        }
        Target::Path { path } => path,
        Target::Glob { pattern, .. } => pattern,
        Target::Unknown { word } => word,
    };
    word.to_owned()
}
