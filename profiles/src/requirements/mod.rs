//! Requirements: what an administrator demands, and no layer of configuration can weaken.

mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::layer::{LayerKind, Setting};
use crate::lint::Notice;
use crate::profile::path::Target;
use crate::source::{How, Table, merge};

/// A path or pattern that may not be read, of `permissions.filesystem.deny_read`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenyRead {
    /// As it is written.
    pub written: String,
    /// What Codex makes of it.
    pub codex: Option<Target>,
    /// What it is documented to mean.
    pub documented: Target,
}

/// What one file of requirements says about profiles. Other keys are not looked at.
#[derive(Debug, Clone)]
pub struct RequirementsLayer {
    /// Which one: the system's, a managed preference, the cloud's.
    pub kind: LayerKind,
    /// Its file.
    pub file: Option<Arc<str>>,
    /// What Codex ignores and we say.
    pub notices: Vec<Notice>,
    /// `allowed_permission_profiles`, and where it stands.
    pub(crate) allowed: Option<Setting<BTreeMap<String, Setting<bool>>>>,
    pub(crate) default_permissions: Option<Setting<String>>,
    pub(crate) deny_read: Vec<Setting<DenyRead>>,
    /// `[permissions.<name>]`: managed profiles.
    pub(crate) profiles: BTreeMap<String, Table>,
    /// `[requirements.permissions.<name>]`: floors for profiles of the same name.
    pub(crate) floors: BTreeMap<String, Table>,
    pub(crate) network: Option<Table>,
    pub(crate) sandbox_modes: Option<Setting<Vec<String>>>,
    pub(crate) approval_policies: Option<Setting<Vec<String>>>,
}

/// All requirements together, the cloud's over those of a managed preference over the system's.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// What Codex ignores and we say.
    pub notices: Vec<Notice>,
    pub(crate) allowed: Option<Setting<BTreeMap<String, Setting<bool>>>>,
    pub(crate) default_permissions: Option<Setting<String>>,
    pub(crate) deny_read: Vec<Setting<DenyRead>>,
    pub(crate) profiles: BTreeMap<String, Table>,
    pub(crate) floors: BTreeMap<String, Table>,
    pub(crate) network: Option<Table>,
    pub(crate) sandbox_modes: Option<Setting<Vec<String>>>,
    pub(crate) approval_policies: Option<Setting<Vec<String>>>,
}

impl Requirements {
    /// Puts layers together, whatever their order.
    #[must_use]
    pub fn new(mut layers: Vec<RequirementsLayer>) -> Self {
        layers.sort_by_key(|layer| layer.kind);
        let mut all = Self::default();
        for layer in layers {
            all.notices.extend(layer.notices);
            match (&mut all.allowed, layer.allowed) {
                (Some(allowed), Some(over)) => {
                    allowed.value.extend(over.value);
                    allowed.at = over.at;
                }
                (allowed @ None, over) => *allowed = over,
                (Some(_), None) => {}
            }
            all.default_permissions = layer.default_permissions.or(all.default_permissions.take());
            all.sandbox_modes = layer.sandbox_modes.or(all.sandbox_modes.take());
            all.approval_policies = layer.approval_policies.or(all.approval_policies.take());
            // Denied is what any layer denies.
            for deny in layer.deny_read {
                if !all.deny_read.iter().any(|known| known.value == deny.value) {
                    all.deny_read.push(deny);
                }
            }
            for (base, over) in
                [(&mut all.profiles, layer.profiles), (&mut all.floors, layer.floors)]
            {
                for (name, table) in over {
                    match base.get_mut(&name) {
                        Some(base) => merge(base, table, How::Layer),
                        None => {
                            base.insert(name, table);
                        }
                    }
                }
            }
            match (&mut all.network, layer.network) {
                (Some(base), Some(over)) => merge(base, over, How::Layer),
                (base @ None, over) => *base = over,
                (Some(_), None) => {}
            }
        }
        all
    }

    /// Whether a policy of asking is allowed; nothing said is everything allowed.
    #[must_use]
    pub fn allows_approval_policy(&self, policy: &str) -> bool {
        self.approval_policies
            .as_ref()
            .is_none_or(|allowed| allowed.value.iter().any(|word| word == policy))
    }

    /// The profiles that may be used, with whether each may; none when there is no such list.
    #[must_use]
    pub fn allowed_profiles(&self) -> Option<&Setting<BTreeMap<String, Setting<bool>>>> {
        self.allowed.as_ref()
    }

    /// The profile that is used where nothing selects one.
    #[must_use]
    pub fn default_permissions(&self) -> Option<&Setting<String>> {
        self.default_permissions.as_ref()
    }

    /// The paths and patterns that may not be read.
    #[must_use]
    pub fn deny_read(&self) -> &[Setting<DenyRead>] {
        &self.deny_read
    }
}
