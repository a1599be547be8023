//! Where an archive lies.

use url::Url;

use crate::Error;

/// Where an archive lies: a local folder or a URL of an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
}

impl Location {
    /// Understands `text` as a URL (`file:///dir`, `memory:///name`, any scheme with a registered
    /// object-store factory) or else as a path of a local folder, relative to the current one.
    ///
    /// # Errors
    /// [`Error::Location`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let url = Url::from_directory_path(text)
            .map_err(|()| Error::Location { location: text.to_owned(), reason: String::new() })?;
        Ok(Self { url })
    }

    /// The URL of the folder, with a slash at its end.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.url.as_str())
    }
}
