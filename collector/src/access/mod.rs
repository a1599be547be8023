//! Who may connect, and as whom.
//!
//! [`binding`] says which addresses may be listened on, [`tls`] holds the server's side of TLS, [`tokens`]
//! and [`clients`] are the credentials, [`gate`] puts them together for a request, [`throttle`] looks at
//! failed attempts, [`rate`] at how much one sender sends, [`follow`] at files that change. The file's tables
//! are in [`config`].

mod binding;
mod buckets;
mod clients;
mod config;
mod credentials;
mod follow;
mod gate;
mod rate;
mod throttle;
pub(crate) mod tls;
mod tokens;

pub(crate) use binding::{Exposed, check_addresses};
pub(crate) use clients::Certificate;
pub(crate) use config::Unusable;
pub use config::{
    AccessConfig, ClientConfig, Scope, TENANT_NAME, TlsConfig, TokenConfig, is_tenant_name,
};
pub(crate) use follow::Followed;
pub(crate) use gate::{Denied, Gate, Identity};
pub(crate) use rate::Rates;
pub use tokens::NewToken;
pub(crate) use tokens::token_expiry;
