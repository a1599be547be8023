//! The canonical form of a profile, and its digest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{EffectiveProfile, Standing};
use crate::semantics::Semantics;

/// Name and version of the canonical form; the digest covers it.
pub const FORMAT: &str = "blotter.profile/1";

impl EffectiveProfile {
    /// What the profile means, without where it comes from: the same for the same rules, whatever the file,
    /// the line, the order of keys and the name.
    #[must_use]
    pub fn canonical(&self) -> Value {
        let roots: BTreeMap<_, _> = self
            .workspace_roots
            .iter()
            .filter(|(_, root)| root.value)
            .map(|(path, _)| (path, true))
            .collect();
        let paths: BTreeSet<String> = self
            .paths
            .iter()
            .map(|rule| {
                let rule = json!([rule.target, rule.access, rule.standing, rule.floor]);
                rule.to_string()
            })
            .collect();
        let paths: Vec<Value> =
            paths.iter().filter_map(|rule| serde_json::from_str(rule).ok()).collect();
        let network = &self.network;
        let both = |name: &str| Semantics::ALL.map(|semantics| network.switch(name, semantics).0);
        // A switch that is off is the same as one that nobody set.
        let switches: BTreeMap<&str, [bool; 2]> = network
            .switches
            .keys()
            .map(|name| (name.as_str(), both(name)))
            .filter(|(_, values)| values.contains(&true))
            .collect();
        let limited = network
            .limited
            .as_ref()
            .map(|limited| Semantics::ALL.map(|semantics| limited.under(semantics).0))
            .unwrap_or_default();
        let domains: BTreeSet<(String, &str, &str)> = network
            .domains
            .iter()
            .map(|rule| {
                let pattern = rule.pattern.written.trim().to_lowercase();
                (pattern, rule.permission.as_str(), standing(rule.standing))
            })
            .collect();
        let sockets: BTreeSet<(&str, &str, &str)> = network
            .sockets
            .iter()
            .map(|rule| (rule.path.as_str(), rule.permission.as_str(), standing(rule.standing)))
            .collect();
        let others: BTreeMap<_, _> =
            network.others.iter().map(|(name, setting)| (name, &setting.value)).collect();
        let mut canonical = json!({
            "format": FORMAT,
            "kind": self.kind,
            "available": self.availability == super::Availability::Available,
            "workspace_roots": roots,
            "paths": paths,
            "glob_scan_max_depth": self.glob_scan_max_depth.as_ref().map(|depth| depth.value),
            "network": {
                "switches": switches,
                "limited": limited,
                "domains": domains,
                "sockets": sockets,
                "others": others,
                "silent": network.hosts_silent,
            },
        });
        // A source that does not even say which hosts are allowed says nothing of the rest either.
        if network.settings_silent
            && !network.hosts_silent
            && let Some(Value::Object(stated)) = canonical.get_mut("network")
        {
            stated.insert("settings_silent".to_owned(), Value::Bool(true));
        }
        canonical
    }

    /// The BLAKE3 digest of the canonical form, as `blake3:` and hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut text = String::new();
        write_sorted(&self.canonical(), &mut text);
        format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex())
    }
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Both => "both",
        Standing::Codex => "codex",
        Standing::Documented => "documented",
    }
}

/// Writes JSON with the keys of every object sorted, however the object keeps them.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<_, _> = entries.iter().collect();
            text.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_sorted(value, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_sorted(value, text);
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}
