//! Everything that may let somebody in, as the configuration has it at one time.

use super::AccessConfig;
use super::clients::Clients;
use super::tokens::Tokens;
use crate::Error;

/// Tokens and clients that are known.
#[derive(Debug)]
pub(super) struct Credentials {
    pub tokens: Tokens,
    pub clients: Clients,
    /// Whether one of them must be shown.
    pub demands: bool,
}

impl Credentials {
    /// Those of a configuration. `demanded` says that one must be shown even if there is none.
    ///
    /// # Errors
    /// When the configuration was not checked.
    pub(super) fn new(config: &AccessConfig, demanded: bool) -> Result<Self, Error> {
        Ok(Self {
            tokens: Tokens::new(&config.tokens).map_err(Error::Access)?,
            clients: Clients::new(&config.clients),
            demands: demanded || config.demands_credentials(),
        })
    }
}
