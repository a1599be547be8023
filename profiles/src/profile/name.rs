//! Names of profiles.

use crate::error::Error;
use crate::provenance::Provenance;

/// Reads everything, changes nothing.
pub const READ_ONLY: &str = ":read-only";
/// Writes in the workspace and in the temporary folders.
pub const WORKSPACE: &str = ":workspace";
/// No restriction at all.
pub const DANGER_FULL_ACCESS: &str = ":danger-full-access";

/// The profiles that are built in.
pub const BUILT_IN: [&str; 3] = [READ_ONLY, WORKSPACE, DANGER_FULL_ACCESS];

/// Whether a profile of this name is built in.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

/// Refuses a name that no layer may define.
pub(crate) fn check(name: &str, at: &Provenance) -> Result<(), Error> {
    if name.starts_with(':') {
        let reason = format!(
            "the profile name `{name}` begins with a colon, which is reserved for built-in profiles"
        );
        return Err(Error::at(at, reason));
    }
    if name.is_empty() {
        return Err(Error::at(at, "a profile needs a name"));
    }
    Ok(())
}
