//! Reading a file of requirements, in Codex's shape and in that of published articles.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;

use super::{DenyRead, RequirementsLayer};
use crate::error::Error;
use crate::layer::{self, LayerKind, Setting};
use crate::lint::Notice;
use crate::profile::path::Target;
use crate::profile::{Access, shape};
use crate::provenance::Provenance;
use crate::source::{self, Leaf, Node, Scalar, Table};

/// The key under which a managed preference holds requirements.
const PACKED: &str = "requirements_toml_base64";

/// Keys of requirements that say nothing about profiles.
const OTHERS: [&str; 37] = [
    "additional_developer_instructions",
    "allow_appshots",
    "allow_browser_and_computer_use",
    "allow_login_shell",
    "allow_managed_hooks_only",
    "allow_remote_control",
    "allowed_approvals_reviewers",
    "allowed_chatgpt_workspaces",
    "allowed_login_methods",
    "allowed_web_search_modes",
    "application",
    "apps",
    "auto_review",
    "browser_use",
    "chatgpt_base_url",
    "check_for_update_on_startup",
    "cli_auth_credentials_store",
    "computer_use",
    "enforce_residency",
    "feature_requirements",
    "features",
    "feedback",
    "guardian_policy_config",
    "hooks",
    "in_app_browser",
    "log_dir",
    "marketplaces",
    "mcp_servers",
    "model_catalog_json",
    "models",
    "otel",
    "plugins",
    "remote_sandbox_config",
    "rules",
    "sandbox_mode_override",
    "sqlite_home",
    "windows",
];

impl RequirementsLayer {
    /// Reads a file: TOML, or TOML in base64, as a managed preference holds it.
    ///
    /// # Errors
    /// When it cannot be read, is neither, or says something about profiles that has no meaning.
    pub fn read(kind: LayerKind, path: &Path) -> Result<Self, Error> {
        let text = layer::read_file(path)?;
        let file = path.to_string_lossy();
        match decoded(&text) {
            Some(inside) => Self::parse(kind, &file, &inside),
            None => Self::parse(kind, &file, &text),
        }
    }

    /// Reads the base64 of a managed preference.
    ///
    /// # Errors
    /// When it is no base64 of such a text.
    pub fn base64(kind: LayerKind, file: &str, text: &str) -> Result<Self, Error> {
        match decoded(text) {
            Some(inside) => Self::parse(kind, file, &inside),
            None => Err(Error::Unusable {
                what: file.to_owned(),
                reason: "no base64 of a TOML text".to_owned(),
            }),
        }
    }

    /// Reads a text. `file` is what it is called in errors and answers.
    ///
    /// # Errors
    /// When it is no TOML, or says something about profiles that has no meaning.
    pub fn parse(kind: LayerKind, file: &str, text: &str) -> Result<Self, Error> {
        let mut table = source::read(kind, file, text)?;
        if let Some(node) = table.entries.remove(PACKED) {
            return Self::packed(kind, file, &node, &table);
        }
        let mut layer = Self::empty(kind, file);
        match table.entries.remove("requirements") {
            None => {}
            Some(Node::Table(inner)) => layer.take(inner, true)?,
            Some(Node::Leaf(leaf)) => {
                return Err(Error::at(&leaf.at, "`requirements` has to be a table"));
            }
        }
        layer.take(table, false)?;
        Ok(layer)
    }

    /// Reads what a managed preference holds under its key. What stands beside the key would be lost, so
    /// nothing may.
    fn packed(kind: LayerKind, file: &str, node: &Node, beside: &Table) -> Result<Self, Error> {
        if let Some((key, beside)) = beside.entries.first_key_value() {
            let reason = format!(
                "`{key}` stands beside `{PACKED}`, which has to be the only key of its file"
            );
            return Err(Error::at(beside.at(), reason));
        }
        match node {
            Node::Leaf(Leaf { value: Scalar::Text(inside), .. }) => {
                Self::base64(kind, file, inside)
            }
            node => Err(Error::at(node.at(), format!("`{PACKED}` has to be a string"))),
        }
    }

    fn empty(kind: LayerKind, file: &str) -> Self {
        Self {
            kind,
            file: Some(file.into()),
            notices: Vec::new(),
            allowed: None,
            default_permissions: None,
            deny_read: Vec::new(),
            profiles: BTreeMap::new(),
            floors: BTreeMap::new(),
            network: None,
            sandbox_modes: None,
            approval_policies: None,
        }
    }

    fn take(&mut self, table: Table, article: bool) -> Result<(), Error> {
        for (key, node) in &table.entries {
            match (key.as_str(), node) {
                ("allowed_permission_profiles", node) => {
                    once(key, node, self.allowed.as_ref().map(|known| &known.at))?;
                    self.allowed = Some(allowed(node)?);
                }
                ("default_permissions", node) => {
                    once(key, node, self.default_permissions.as_ref().map(|known| &known.at))?;
                    self.default_permissions = layer::text_setting(&table, key)?;
                }
                ("allowed_sandbox_modes", node) => {
                    once(key, node, self.sandbox_modes.as_ref().map(|known| &known.at))?;
                    self.sandbox_modes = Some(words(key, node)?);
                }
                ("allowed_approval_policies", node) => {
                    once(key, node, self.approval_policies.as_ref().map(|known| &known.at))?;
                    self.approval_policies = Some(words(key, node)?);
                }
                ("permissions", Node::Table(permissions)) => {
                    self.permissions(permissions.clone(), article)?;
                }
                ("permissions", Node::Leaf(leaf)) => {
                    return Err(Error::at(&leaf.at, format!("`{key}` has to be a table")));
                }
                (word, node) if word == "experimental_network" || article && word == "network" => {
                    let Node::Table(network) = node else {
                        return Err(Error::at(node.at(), format!("`{key}` has to be a table")));
                    };
                    once(key, node, self.network.as_ref().map(|known| &known.at))?;
                    self.network = Some(self::network(network)?);
                }
                (key, _) if OTHERS.contains(&key) => {}
                (key, node) => self.notices.push(Notice {
                    rule: "unknown_requirement",
                    summary: format!("Codex has no requirement `{key}` and ignores it"),
                    at: node.at().clone(),
                }),
            }
        }
        Ok(())
    }

    fn permissions(&mut self, mut permissions: Table, article: bool) -> Result<(), Error> {
        if let Some(node) = permissions.entries.remove("filesystem") {
            let Node::Table(filesystem) = node else {
                return Err(Error::at(node.at(), "`permissions.filesystem` has to be a table"));
            };
            self.deny_reads(&filesystem)?;
        }
        if !article {
            for (name, table) in layer::profiles(&permissions)? {
                self.profiles.insert(name, table);
            }
            return Ok(());
        }
        // Articles write `"*" = "deny"` to say that what is not allowed is denied, which is so anyway.
        for node in permissions.entries.values_mut() {
            if let Some(node) = global_deny(node) {
                self.notices.push(Notice {
                    rule: "global_deny",
                    summary:
                        "`*` = deny changes nothing: what no rule allows is denied anyway; Codex \
                              itself refuses it"
                            .to_owned(),
                    at: node.at().clone(),
                });
            }
        }
        let built_in = |name: &String| crate::profile::name::is_built_in(name);
        let (own, named): (Vec<_>, Vec<_>) =
            permissions.entries.into_iter().partition(|(name, _)| built_in(name));
        if let Some((name, node)) = own.first() {
            let reason = format!("requirements cannot change the built-in profile `{name}`");
            return Err(Error::at(node.at(), reason));
        }
        permissions.entries = named.into_iter().collect();
        self.floors.extend(layer::profiles(&permissions)?);
        Ok(())
    }

    fn deny_reads(&mut self, filesystem: &Table) -> Result<(), Error> {
        for (key, node) in &filesystem.entries {
            if key != "deny_read" {
                let reason = format!(
                    "`permissions.filesystem` is kept for `deny_read` and cannot define a profile: it has no \
                     `{key}`"
                );
                return Err(Error::at(node.at(), reason));
            }
            let patterns = words(key, node)?;
            for written in patterns.value {
                let at = patterns.at.clone();
                let value = self.deny_read_of(&written).map_err(|reason| Error::at(&at, reason))?;
                if value.codex.as_ref() != Some(&value.documented) {
                    self.notices.push(Notice {
                        rule: "relative_deny_read",
                        summary: format!(
                            "`{written}` is relative: Codex applies it below the folder of this file, not \
                             below the workspace"
                        ),
                        at: at.clone(),
                    });
                }
                self.deny_read.push(Setting { value, at });
            }
        }
        Ok(())
    }

    fn deny_read_of(&self, written: &str) -> Result<DenyRead, String> {
        let whole = |path: &str| {
            let target = Target::parse(path, None, Access::Deny)?;
            if let Target::Glob { pattern, .. } = &target {
                crate::decide::globs::build(pattern)
                    .map_err(|error| format!("`{path}` is no pattern: {error}"))?;
            }
            Ok::<_, String>(target)
        };
        if written.starts_with(':') {
            return Err(format!("`{written}`: deny_read takes paths and patterns, no `:words`"));
        }
        if written.starts_with(['/', '~']) {
            let target = whole(written)?;
            let codex = Some(target.clone());
            return Ok(DenyRead { written: written.to_owned(), codex, documented: target });
        }
        let documented = Target::parse(":workspace_roots", Some(written), Access::Deny)?;
        let folder = self.file.as_deref().and_then(|file| Path::new(file).parent()?.to_str());
        let codex = match folder.filter(|folder| folder.starts_with('/')) {
            Some(folder) => Some(whole(&format!("{folder}/{written}"))?),
            None => None,
        };
        Ok(DenyRead { written: written.to_owned(), codex, documented })
    }
}

/// Refuses a requirement that another place of the file has said already: one of the two would be lost.
fn once(key: &str, node: &Node, known: Option<&Provenance>) -> Result<(), Error> {
    let Some(known) = known else { return Ok(()) };
    let line = known.line.map_or("another place".to_owned(), |line| format!("line {line}"));
    let reason =
        format!("`{key}` says again what {line} of this file says; one of the two has to go");
    Err(Error::at(node.at(), reason))
}

/// Takes `"*" = "deny"` out of a profile's domains.
fn global_deny(profile: &mut Node) -> Option<Node> {
    let Node::Table(profile) = profile else { return None };
    let Some(Node::Table(network)) = profile.entries.get_mut("network") else { return None };
    let Some(Node::Table(domains)) = network.entries.get_mut("domains") else { return None };
    match domains.entries.get("*") {
        Some(Node::Leaf(Leaf { value: Scalar::Text(word), .. })) if word == "deny" => {
            domains.entries.remove("*")
        }
        _ => None,
    }
}

/// The profiles that are allowed, as a table of truth values or as a list.
fn allowed(node: &Node) -> Result<Setting<BTreeMap<String, Setting<bool>>>, Error> {
    let value = match node {
        Node::Table(table) => table
            .entries
            .iter()
            .map(|(name, node)| {
                let value = shape::switch(name, node)?;
                Ok((name.clone(), Setting { value, at: node.at().clone() }))
            })
            .collect::<Result<_, Error>>()?,
        Node::Leaf(_) => {
            let names = words("allowed_permission_profiles", node)?;
            let at = names.at;
            let allow = |name| (name, Setting { value: true, at: at.clone() });
            names.value.into_iter().map(allow).collect()
        }
    };
    Ok(Setting { value, at: node.at().clone() })
}

fn words(key: &str, node: &Node) -> Result<Setting<Vec<String>>, Error> {
    let refused = || Error::at(node.at(), format!("`{key}` has to be a list of strings"));
    let Node::Leaf(Leaf { value: Scalar::List(list), at, .. }) = node else {
        return Err(refused());
    };
    let word = |value: &Scalar| match value {
        Scalar::Text(word) => Ok(word.clone()),
        _ => Err(refused()),
    };
    let value = list.iter().map(word).collect::<Result<_, _>>()?;
    Ok(Setting { value, at: at.clone() })
}

/// The network's table with its older lists turned into tables of rules.
fn network(table: &Table) -> Result<Table, Error> {
    let mut table = table.clone();
    let mut lists = |list: &str, key: &str, word: &str| -> Result<(), Error> {
        let Some(node) = table.entries.remove(list) else { return Ok(()) };
        let names = words(list, &node)?;
        let rules = table
            .entries
            .entry(key.to_owned())
            .or_insert_with(|| Node::Table(Table::at(node.at().clone())));
        let Node::Table(rules) = rules else {
            return Err(Error::at(rules.at(), format!("`{key}` has to be a table")));
        };
        if rules.entries.values().any(|rule| !rule.is_from_list()) {
            let reason =
                format!("`{list}` is the older spelling of `{key}`, and the two cannot be mixed");
            return Err(Error::at(node.at(), reason));
        }
        for name in names.value {
            let mut at = names.at.clone();
            at.detail = Some("list".into());
            let leaf = Leaf { value: Scalar::from(word), at, replaced: Vec::new() };
            rules.entries.insert(name, Node::Leaf(leaf));
        }
        Ok(())
    };
    lists("allowed_domains", "domains", "allow")?;
    lists("denied_domains", "domains", "deny")?;
    lists("allow_unix_sockets", "unix_sockets", "allow")?;
    // Ports and headers of the proxy: no decision rests on them.
    for key in ["http_port", "socks_port", "header_injections"] {
        table.entries.remove(key);
    }
    let mut profile = Table::at(table.at.clone());
    profile.entries.insert("network".to_owned(), Node::Table(table.clone()));
    shape::check("experimental_network", &profile)?;
    Ok(table)
}

impl Node {
    fn is_from_list(&self) -> bool {
        self.at().detail.as_deref() == Some("list")
    }
}

/// The text in base64, where it is some.
fn decoded(text: &str) -> Option<String> {
    let packed: String = text.split_whitespace().collect();
    if packed.is_empty() || packed.len() > source::LIMIT {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).ok()?;
    String::from_utf8(bytes).ok()
}
