//! The tables `[access]`, `[access.tls]`, `[[access.tokens]]` and `[[access.clients]]`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::tokens::{self, TokenHash};

/// Longest name of a token, a client or a tenant, in bytes.
const NAME_LIMIT: usize = 128;
/// Most tokens, and most clients: each is compared with what a request shows.
const CREDENTIALS_LIMIT: usize = 10_000;

/// Who may connect. Without any of it whoever reaches the address may, and so only loopback addresses
/// are listened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// Listen on any address, whatever is missing: anybody who reaches it can read what is sent, or send.
    pub insecure: bool,
    /// TLS of every port.
    pub tls: Option<TlsConfig>,
    /// Bearer tokens. Where there are tokens or clients, every request over a port must show one.
    pub tokens: Vec<TokenConfig>,
    /// Client certificates.
    pub clients: Vec<ClientConfig>,
    /// Failed attempts of one address in a minute that are answered; further ones are put off.
    pub failures_per_minute: u32,
}

/// TLS of every port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Our certificate and those between it and the authority, in PEM.
    pub certificate_file: PathBuf,
    /// The key of the certificate, in PEM.
    pub key_file: PathBuf,
    /// Authorities of clients' certificates, in PEM.
    #[serde(default)]
    pub client_ca_file: Option<PathBuf>,
}

/// A bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// What it is called: what it sends is stored under `token:<name>`.
    pub name: String,
    /// `sha256:` and 64 hexadecimal digits, as `blotter-collector token` prints them.
    pub hash: String,
    /// What it may do.
    #[serde(default = "ingest")]
    pub scopes: Vec<Scope>,
    /// Until when: `2027-06-30` (the beginning of that day in UTC) or `2027-06-30T12:00:00Z`.
    #[serde(default)]
    pub expires: Option<String>,
    /// Tenant that its records belong to.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// A client that is known by its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// One of the certificate's alternative names (DNS or URI) or, where it has none of those, the common name
    /// of its subject, to the letter: what it sends is stored under `certificate:<name>`.
    pub name: String,
    /// What it may do.
    #[serde(default = "ingest")]
    pub scopes: Vec<Scope>,
    /// Tenant that its records belong to.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// What a credential is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send telemetry.
    Ingest,
    /// Look at how the collector is doing.
    Read,
    /// Tell the collector to do something.
    Admin,
}

impl Scope {
    /// As it stands in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

fn ingest() -> Vec<Scope> {
    vec![Scope::Ingest]
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            insecure: false,
            tls: None,
            tokens: Vec::new(),
            clients: Vec::new(),
            failures_per_minute: 10,
        }
    }
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    /// The table it stands in, below `access`: none for `[access]` itself.
    pub table: Option<(&'static str, Option<usize>)>,
    /// The key.
    pub field: &'static str,
    /// Why not.
    pub reason: String,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("access.")?;
        match self.table {
            Some((table, Some(at))) => write!(f, "{table}[{at}].")?,
            Some((table, None)) => write!(f, "{table}.")?,
            None => {}
        }
        write!(f, "{}: {}", self.field, self.reason)
    }
}

impl AccessConfig {
    /// Whether a request must show who sent it.
    #[must_use]
    pub fn demands_credentials(&self) -> bool {
        !self.tokens.is_empty() || !self.clients.is_empty()
    }

    /// Makes relative paths lie in `folder`.
    pub(crate) fn resolve(&mut self, folder: &Path) {
        if let Some(tls) = &mut self.tls {
            let files = [Some(&mut tls.certificate_file), Some(&mut tls.key_file)];
            for file in files.into_iter().chain([tls.client_ca_file.as_mut()]).flatten() {
                *file = folder.join(&*file);
            }
        }
    }

    /// Refuses what cannot be meant, without looking at files.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        let wrong =
            |table, field, reason: &str| Err(Unusable { table, field, reason: reason.to_owned() });
        if self.failures_per_minute == 0 {
            return wrong(None, "failures_per_minute", "must be at least 1");
        }
        for (at, token) in self.tokens.iter().enumerate() {
            let table = Some(("tokens", Some(at)));
            let fail = |(field, reason)| Unusable { table, field, reason };
            check_common(&token.name, &token.scopes, token.tenant.as_deref()).map_err(fail)?;
            TokenHash::parse(&token.hash).map_err(|reason| fail(("hash", reason)))?;
            if let Some(expires) = &token.expires {
                tokens::expiry(expires).map_err(|reason| fail(("expires", reason)))?;
            }
            for before in self.tokens.iter().take(at) {
                if before.hash.eq_ignore_ascii_case(&token.hash) {
                    return wrong(table, "hash", "another token has the same");
                }
                // Two of one name are how a token is replaced while both are in use.
                if before.name == token.name && before.tenant != token.tenant {
                    let reason = "another token of this name belongs to another tenant";
                    return wrong(table, "name", reason);
                }
            }
        }
        for (at, client) in self.clients.iter().enumerate() {
            let table = Some(("clients", Some(at)));
            let fail = |(field, reason)| Unusable { table, field, reason };
            check_common(&client.name, &client.scopes, client.tenant.as_deref()).map_err(fail)?;
            if self.clients.iter().take(at).any(|before| before.name == client.name) {
                return wrong(table, "name", "there are two of this name");
            }
        }
        for (field, count) in [("tokens", self.tokens.len()), ("clients", self.clients.len())] {
            if count > CREDENTIALS_LIMIT {
                return wrong(None, field, "there are more than 10000");
            }
        }
        let authority = self.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
        if !self.clients.is_empty() && !authority {
            let reason =
                "certificates of clients need access.tls.client_ca_file to be checked with";
            return wrong(None, "clients", reason);
        }
        if self.clients.is_empty() && authority {
            let reason = "no certificate is allowed: add a table [[access.clients]] with its name";
            return wrong(Some(("tls", None)), "client_ca_file", reason);
        }
        Ok(())
    }
}

/// How a tenant may be called, in words.
pub const TENANT_NAME: &str = "must be 1 to 128 bytes of text, and not `-`";

/// Whether a tenant may be called so. `-` is how readers of the archive ask for records without one.
#[must_use]
pub fn is_tenant_name(text: &str) -> bool {
    is_plain(text) && text != "-"
}

fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_LIMIT
        && text.trim() == text
        && !text.chars().any(char::is_control)
}

fn check_common(
    name: &str,
    scopes: &[Scope],
    tenant: Option<&str>,
) -> Result<(), (&'static str, String)> {
    if !is_plain(name) {
        return Err(("name", format!("must be 1 to {NAME_LIMIT} bytes of text")));
    }
    if !tenant.is_none_or(is_tenant_name) {
        return Err(("tenant", TENANT_NAME.to_owned()));
    }
    if scopes.is_empty() {
        return Err(("scopes", "is empty; it could do nothing".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str, fill: char, tenant: Option<&str>) -> TokenConfig {
        TokenConfig {
            name: name.to_owned(),
            hash: format!("sha256:{}", fill.to_string().repeat(64)),
            scopes: ingest(),
            expires: None,
            tenant: tenant.map(ToOwned::to_owned),
        }
    }

    fn refused(tokens: Vec<TokenConfig>) -> String {
        let config = AccessConfig { tokens, ..AccessConfig::default() };
        config.check().map_or_else(|unusable| unusable.to_string(), |()| String::new())
    }

    #[test]
    fn a_token_that_cannot_be_meant_is_refused_where_it_stands() {
        let hashed = |hash: &str| TokenConfig { hash: hash.to_owned(), ..token("a", '0', None) };
        for (tokens, begins) in [
            (vec![token("", '0', None)], "access.tokens[0].name: must be"),
            (vec![token("a\n", '0', None)], "access.tokens[0].name: must be"),
            (vec![token("a", '0', Some(""))], "access.tokens[0].tenant: must be"),
            (vec![token("a", '0', Some("-"))], "access.tokens[0].tenant: must be"),
            (vec![hashed("$2b$12$abc")], "access.tokens[0].hash: "),
            (vec![hashed("sha256:00")], "access.tokens[0].hash: "),
            (
                vec![TokenConfig { scopes: vec![], ..token("a", '0', None) }],
                "access.tokens[0].scopes",
            ),
            (
                vec![TokenConfig { expires: Some("soon".to_owned()), ..token("a", '0', None) }],
                "access.tokens[0].expires: ",
            ),
            (vec![token("a", '0', None), token("b", '0', None)], "access.tokens[1].hash: another"),
            (
                vec![token("a", '0', Some("x")), token("a", '1', Some("y"))],
                "access.tokens[1].name: another",
            ),
        ] {
            let refused = refused(tokens);
            assert!(refused.starts_with(begins), "{refused}");
        }
        assert_eq!(refused(vec![token("a", '0', Some("x")), token("a", '1', Some("x"))]), "");
    }

    #[test]
    fn certificates_need_an_authority_and_an_authority_needs_names() {
        let tls = |client_ca_file| TlsConfig {
            certificate_file: "c".into(),
            key_file: "k".into(),
            client_ca_file,
        };
        let client = ClientConfig { name: "a".to_owned(), scopes: ingest(), tenant: None };
        let config = |tls, clients| AccessConfig { tls, clients, ..AccessConfig::default() };
        let field = |config: AccessConfig| config.check().unwrap_err().field;
        assert_eq!(field(config(Some(tls(None)), vec![client.clone()])), "clients");
        assert_eq!(field(config(Some(tls(Some("ca".into()))), vec![])), "client_ca_file");
        assert_eq!(
            field(config(Some(tls(Some("ca".into()))), vec![client.clone(), client])),
            "name"
        );
    }
}
