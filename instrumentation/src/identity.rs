//! Who an agent works for, and under which profile.

use blotter_schemas::names::blotter;

use crate::credential::Credential;
use crate::value::Attributes;

/// Who an agent works for, and what it is signed in with.
#[derive(Default)]
pub struct Identity {
    pub(crate) user_id: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) account_id: Option<String>,
    pub(crate) auth_mode: Option<String>,
    pub(crate) credential: Option<Credential>,
}

impl Identity {
    /// A user by id.
    #[must_use]
    pub fn user(id: impl Into<String>) -> Self {
        Self { user_id: Some(id.into()), ..Self::default() }
    }

    /// The user's email address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.user_email = Some(email.into());
        self
    }

    /// The account or organisation.
    #[must_use]
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account_id = Some(id.into());
        self
    }

    /// How the agent was signed in, in its own words.
    #[must_use]
    pub fn auth_mode(mut self, mode: impl Into<String>) -> Self {
        self.auth_mode = Some(mode.into());
        self
    }

    /// The credential in use: its type and a keyed fingerprint are recorded.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }
}

/// The permission profile in effect, whoever resolved it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileInEffect {
    /// Its name, such as `:workspace`.
    pub name: String,
    /// A digest of the effective profile.
    pub digest: String,
    /// Where it comes from, the strongest layer first.
    pub provenance: Vec<String>,
}

impl ProfileInEffect {
    /// A profile by name and digest.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: impl Into<String>) -> Self {
        Self { name: name.into(), digest: digest.into(), provenance: Vec::new() }
    }

    /// A layer that it comes from, after those named before.
    #[must_use]
    pub fn from_layer(mut self, layer: impl Into<String>) -> Self {
        self.provenance.push(layer.into());
        self
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        attributes.add(blotter::BLOTTER_PROFILE_NAME, self.name.clone());
        if !self.digest.is_empty() {
            attributes.add(blotter::BLOTTER_PROFILE_DIGEST, self.digest.clone());
        }
        if !self.provenance.is_empty() {
            attributes.add(blotter::BLOTTER_PROFILE_PROVENANCE, self.provenance.clone());
        }
    }
}
