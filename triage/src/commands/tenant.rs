//! `--tenant`, of every command that looks at sessions.

use blotter_triage::tenant::{Asked, Wanted};
use clap::Args;

/// Whose sessions are looked at.
#[derive(Debug, Clone, Default, Args)]
pub struct Tenant {
    /// Only sessions of this tenant; `-`: only those without one. Two tenants' sessions of one id are two.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
}

impl Tenant {
    /// Whose are asked for.
    pub fn asked(&self) -> Asked {
        Asked::written(self.tenant.as_deref())
    }

    /// The session whose id begins so.
    pub fn session(&self, prefix: &str) -> Wanted {
        Wanted { prefix: prefix.to_owned(), tenant: self.asked() }
    }
}
