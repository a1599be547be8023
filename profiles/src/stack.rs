//! All layers together: which profiles there are, which one is selected, and what each one means.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::effective::{Availability, Builder, EffectiveProfile};
use crate::error::Error;
use crate::layer::{Layer, LayerKind, Setting};
use crate::lint::Notice;
use crate::profile::{extends, name};
use crate::provenance::Provenance;
use crate::requirements::Requirements;
use crate::source::{How, Table, merge};

/// Layers and requirements, in the order of their precedence.
#[derive(Debug, Clone)]
pub struct Stack {
    layers: Vec<Layer>,
    requirements: Requirements,
    profiles: BTreeMap<String, Table>,
}

/// A profile in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What it extends by its own word.
    pub extends: Option<String>,
    /// What its author says of it.
    pub description: Option<String>,
    /// Whether requirements let it be used.
    pub availability: Availability,
    /// Where it is defined, the weakest layer first.
    pub defined: Vec<Provenance>,
    /// Whether it is the one that is used where nothing else is asked for.
    pub selected: bool,
}

/// Which profile a session starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// The profile; none when the older sandbox settings are in force, to which profiles do not apply.
    pub profile: Option<String>,
    /// What selects it; none for the agent's own default.
    pub at: Option<Provenance>,
    /// What was selected instead and may not be used: Codex warns and goes on with `profile`.
    pub refused: Option<Setting<String>>,
    /// Keys of the older sandbox settings that are in force.
    pub legacy: Vec<Setting<String>>,
}

impl Stack {
    /// Puts layers together, whatever their order; of two of one kind the later one is stronger. Layers
    /// that are out of force are kept for [`lint`](crate::lint), and say nothing else.
    ///
    /// # Errors
    /// When a layer and the requirements define the same profile.
    pub fn new(mut layers: Vec<Layer>, requirements: Requirements) -> Result<Self, Error> {
        layers.sort_by_key(|layer| layer.kind);
        let mut profiles: BTreeMap<String, Table> = BTreeMap::new();
        for layer in layers.iter().filter(|layer| layer.in_force) {
            for (name, table) in &layer.profiles {
                put(&mut profiles, name, table);
            }
        }
        for (name, table) in &requirements.profiles {
            if let Some(own) = profiles.get(name) {
                let reason = format!(
                    "requirements define the profile `{name}` ({}), and no layer may; rename this one",
                    table.at
                );
                return Err(Error::at(&own.at, reason));
            }
            profiles.insert(name.clone(), table.clone());
        }
        for (name, table) in &requirements.floors {
            put(&mut profiles, name, table);
        }
        Ok(Self { layers, requirements, profiles })
    }

    /// The layers, the weakest first.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The requirements.
    #[must_use]
    pub fn requirements(&self) -> &Requirements {
        &self.requirements
    }

    /// Every profile: those that are built in, then the others by name.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let selected = self.selected().profile;
        let own = self.profiles.keys().map(String::as_str);
        let listed = |name: &str| {
            let table = self.profiles.get(name);
            let word = |key: &str| {
                let node = table?.entries.get(key)?;
                crate::profile::shape::text(key, node).ok().map(str::to_owned)
            };
            Listed {
                name: name.to_owned(),
                extends: word("extends"),
                description: word("description").or_else(|| about(name)),
                availability: self.availability(name),
                defined: self.defined(name),
                selected: selected.as_deref() == Some(name),
            }
        };
        name::BUILT_IN.into_iter().chain(own).map(listed).collect()
    }

    fn defined(&self, name: &str) -> Vec<Provenance> {
        if name::is_built_in(name) {
            return vec![Provenance::of(LayerKind::BuiltIn).with_detail(name)];
        }
        let layers = self.layers.iter().filter(|layer| layer.in_force);
        let tables = layers.filter_map(|layer| layer.profiles.get(name));
        let managed = self.requirements.profiles.get(name).into_iter();
        let floor = self.requirements.floors.get(name).into_iter();
        tables.chain(managed).chain(floor).map(|table| table.at.clone()).collect()
    }

    /// Whether requirements let a profile be used. Once there is a list, what is not on it may not, be it
    /// built in, also by a future version.
    #[must_use]
    pub fn availability(&self, profile: &str) -> Availability {
        let unavailable =
            |reason: String, at: &Provenance| Availability::Unavailable { reason, at: at.clone() };
        if let Some(allowed) = &self.requirements.allowed {
            return match allowed.value.get(profile) {
                Some(entry) if entry.value => self.floored(profile),
                Some(entry) => unavailable(
                    format!("allowed_permission_profiles says `{profile}` = false"),
                    &entry.at,
                ),
                None => unavailable(
                    format!("`{profile}` is not on the list allowed_permission_profiles"),
                    &allowed.at,
                ),
            };
        }
        if let (Some(modes), Some(mode)) = (&self.requirements.sandbox_modes, mode_of(profile))
            && !modes.value.iter().any(|allowed| allowed == mode)
        {
            return unavailable(format!("allowed_sandbox_modes does not have `{mode}`"), &modes.at);
        }
        self.floored(profile)
    }

    fn floored(&self, profile: &str) -> Availability {
        match self.requirements.deny_read.first() {
            Some(deny) if profile == name::DANGER_FULL_ACCESS => Availability::Unavailable {
                reason: "deny_read cannot be kept without a sandbox".to_owned(),
                at: deny.at.clone(),
            },
            _ => Availability::Available,
        }
    }

    /// The strongest setting of the layers in force.
    fn strongest<'a, T>(
        &'a self,
        setting: impl Fn(&'a Layer) -> Option<&'a Setting<T>>,
    ) -> Option<&'a Setting<T>> {
        self.layers.iter().rev().filter(|layer| layer.in_force).find_map(setting)
    }

    /// When a person is asked, where a layer says so.
    #[must_use]
    pub fn approval_policy(&self) -> Option<&Setting<String>> {
        self.strongest(|layer| layer.approval_policy.as_ref())
    }

    /// The keys of the older sandbox settings in the layers that are in force.
    #[must_use]
    pub fn legacy(&self) -> Vec<Setting<String>> {
        let layers = self.layers.iter().filter(|layer| layer.in_force);
        layers.flat_map(|layer| layer.legacy.iter().cloned()).collect()
    }

    /// The profile that a session starts with when nothing else is asked for.
    #[must_use]
    pub fn selected(&self) -> Selection {
        let legacy = self.legacy();
        if !legacy.is_empty() && self.requirements.allowed.is_none() {
            // The older settings and profiles do not compose: one such key, and profiles are not used.
            return Selection { profile: None, at: None, refused: None, legacy };
        }
        let wanted = self.strongest(|layer| layer.default_permissions.as_ref());
        let default = self.requirements.default_permissions.as_ref();
        let (profile, at) = match wanted.or(default) {
            Some(setting) => (setting.value.clone(), Some(setting.at.clone())),
            None => (self.own_default(), None),
        };
        if self.availability(&profile) == Availability::Available {
            return Selection { profile: Some(profile), at, refused: None, legacy };
        }
        let refused = at.clone().map(|at| Setting { value: profile, at });
        let fallback = default
            .map(|setting| (setting.value.clone(), Some(setting.at.clone())))
            .unwrap_or_else(|| (self.own_default(), None));
        Selection { profile: Some(fallback.0), at: fallback.1, refused, legacy }
    }

    /// Codex's own choice: the workspace where a project's trust is known, else nothing but reading.
    fn own_default(&self) -> String {
        let project = self.layers.iter().any(|layer| layer.kind == LayerKind::Project);
        let allowed = |name: &str| self.availability(name) == Availability::Available;
        let workspace = project || self.requirements.allowed.is_some();
        if workspace && allowed(name::WORKSPACE) { name::WORKSPACE } else { name::READ_ONLY }
            .to_owned()
    }

    /// A profile with everything that changes it. One that requirements forbid is resolved as well, and
    /// says so in its [`Availability`]; [`Decider`](crate::Decider) then denies everything.
    ///
    /// # Errors
    /// When no layer defines it, or it or what it extends cannot be resolved.
    pub fn effective(&self, profile: &str) -> Result<EffectiveProfile, Error> {
        let builder = |extends| Builder {
            name: profile,
            extends,
            availability: self.availability(profile),
            requirements: &self.requirements,
        };
        if profile == name::DANGER_FULL_ACCESS {
            return Ok(builder(Vec::new()).unrestricted());
        }
        let (table, extends) = extends::resolve(&self.profiles, profile)?;
        builder(extends).restricted(&table)
    }

    /// What the sources say that Codex ignores.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.requirements.notices
    }
}

fn put(profiles: &mut BTreeMap<String, Table>, name: &str, table: &Table) {
    match profiles.get_mut(name) {
        Some(base) => merge(base, table.clone(), How::Layer),
        None => {
            profiles.insert(name.to_owned(), table.clone());
        }
    }
}

fn mode_of(profile: &str) -> Option<&'static str> {
    match profile {
        name::READ_ONLY => Some("read-only"),
        name::WORKSPACE => Some("workspace-write"),
        name::DANGER_FULL_ACCESS => Some("danger-full-access"),
        _ => None,
    }
}

fn about(profile: &str) -> Option<String> {
    let text = match profile {
        name::READ_ONLY => "Reads everything, changes nothing; no network.",
        name::WORKSPACE => "Writes in the workspace roots and the temporary folders; no network.",
        name::DANGER_FULL_ACCESS => "No restriction; cannot be extended.",
        _ => return None,
    };
    Some(text.to_owned())
}
