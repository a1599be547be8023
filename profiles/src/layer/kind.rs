//! The kinds of layers, their precedence and their trust.

use std::fmt;

use serde::Serialize;

/// What a layer is. The order is the precedence: the last one wins where entries have the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerKind {
    /// Built into the agent.
    BuiltIn,
    /// `/etc/codex/config.toml`.
    System,
    /// What an organisation manages: `managed_config.toml`, a managed preference.
    Organisation,
    /// `~/.codex/config.toml`.
    User,
    /// `.codex/config.toml` of a project.
    Project,
    /// `<name>.config.toml`, taken up by `--profile NAME`.
    ProfileOverride,
    /// `-c key=value` and the like.
    CommandLine,
    /// Given by a person or a plugin while the agent ran.
    Grant,
    /// What a session file states, wherever its agent got it from.
    Rollout,
    /// `/etc/codex/requirements.toml`.
    RequirementsSystem,
    /// `requirements_toml_base64` of a managed preference.
    RequirementsMdm,
    /// Requirements from the organisation's cloud.
    RequirementsCloud,
}

/// How far a layer's author is trusted; a deny of one may not be lifted by a less trusted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Comes with the code that is worked on, or with a plugin.
    Project,
    /// The person at the machine.
    User,
    /// Whoever administers the machine.
    Administrator,
    /// Requirements: nothing is above them.
    Requirements,
}

impl LayerKind {
    /// Every kind, the weakest first.
    pub const ALL: [Self; 12] = [
        Self::BuiltIn,
        Self::System,
        Self::Organisation,
        Self::User,
        Self::Project,
        Self::ProfileOverride,
        Self::CommandLine,
        Self::Grant,
        Self::Rollout,
        Self::RequirementsSystem,
        Self::RequirementsMdm,
        Self::RequirementsCloud,
    ];

    /// Its name in output and in `--config KIND:FILE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::System => "system",
            Self::Organisation => "organisation",
            Self::User => "user",
            Self::Project => "project",
            Self::ProfileOverride => "profile_override",
            Self::CommandLine => "command_line",
            Self::Grant => "grant",
            Self::Rollout => "rollout",
            Self::RequirementsSystem => "requirements_system",
            Self::RequirementsMdm => "requirements_mdm",
            Self::RequirementsCloud => "requirements_cloud",
        }
    }

    /// How far its author is trusted. A built-in entry is a default that anyone may change.
    #[must_use]
    pub fn trust(self) -> Trust {
        match self {
            Self::Project | Self::BuiltIn => Trust::Project,
            Self::User
            | Self::ProfileOverride
            | Self::CommandLine
            | Self::Grant
            | Self::Rollout => Trust::User,
            Self::System | Self::Organisation => Trust::Administrator,
            Self::RequirementsSystem | Self::RequirementsMdm | Self::RequirementsCloud => {
                Trust::Requirements
            }
        }
    }

    /// Whether it is one of the requirements.
    #[must_use]
    pub fn is_requirements(self) -> bool {
        self.trust() == Trust::Requirements
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
