//! Permission profiles: what is read can be resolved, asked, compared and looked at.

/// A text as a layer and as requirements.
pub fn layers(input: &[u8]) {
    blotter_profiles::exercise(&String::from_utf8_lossy(input));
}
