//! Which layer a file is, told from its path.

use std::path::Path;

use super::LayerKind;

/// The layer that a configuration file is by its path, for a project at `project`.
///
/// `/etc/codex/config.toml` is the system's, `managed_config.toml` the organisation's, a
/// `.codex/config.toml` at or below the project the project's, `<name>.config.toml` a profile override;
/// everything else is the user's.
#[must_use]
pub fn derive(path: &Path, project: Option<&Path>) -> LayerKind {
    if path == Path::new("/etc/codex/config.toml") {
        return LayerKind::System;
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name == "managed_config.toml" {
        return LayerKind::Organisation;
    }
    if name.ends_with(".config.toml") {
        return LayerKind::ProfileOverride;
    }
    let folder = path.parent();
    let in_codex = folder.is_some_and(|folder| folder.ends_with(".codex"));
    let in_project = || {
        let absolute = |path: &Path| std::path::absolute(path).ok();
        let path = absolute(path)?;
        let project = absolute(project?)?;
        Some(path.starts_with(project))
    };
    if in_codex && in_project() == Some(true) { LayerKind::Project } else { LayerKind::User }
}

/// The layer that a file of requirements is by its path: the system's unless it says MDM or cloud.
#[must_use]
pub fn derive_requirements(path: &Path) -> LayerKind {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.to_ascii_lowercase();
    if name.contains("mdm") || name.contains("base64") {
        LayerKind::RequirementsMdm
    } else if name.contains("cloud") {
        LayerKind::RequirementsCloud
    } else {
        LayerKind::RequirementsSystem
    }
}
