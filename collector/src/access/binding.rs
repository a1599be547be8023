//! Which addresses may be listened on.

use std::net::SocketAddr;

use super::AccessConfig;
use crate::Error;

/// An address that others can reach, and what is missing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exposed {
    /// The address.
    pub address: SocketAddr,
    /// What is missing, in words.
    pub missing: &'static str,
}

/// Refuses to listen where others can reach us without TLS and without knowing who they are. Where that
/// is wanted all the same, the addresses are returned, to be told of.
///
/// # Errors
/// With the address and what to do.
pub(crate) fn check_addresses(
    access: &AccessConfig,
    addresses: &[SocketAddr],
) -> Result<Vec<Exposed>, Error> {
    let missing = match (access.tls.is_some(), access.demands_credentials()) {
        (true, true) => return Ok(Vec::new()),
        (false, true) => "TLS",
        (true, false) => "tokens or client certificates",
        (false, false) => "TLS, and tokens or client certificates",
    };
    let reached = addresses.iter().filter(|address| !address.ip().to_canonical().is_loopback());
    let exposed: Vec<Exposed> =
        reached.map(|address| Exposed { address: *address, missing }).collect();
    match exposed.first() {
        Some(first) if !access.insecure => {
            Err(Error::Exposed { address: first.address, missing: first.missing })
        }
        _ => Ok(exposed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Scope, TlsConfig, TokenConfig};

    fn access(tls: bool, token: bool) -> AccessConfig {
        let tls = tls.then(|| TlsConfig {
            certificate_file: "c".into(),
            key_file: "k".into(),
            client_ca_file: None,
        });
        let token = token.then(|| TokenConfig {
            name: "a".to_owned(),
            hash: String::new(),
            scopes: vec![Scope::Ingest],
            expires: None,
            tenant: None,
        });
        AccessConfig { tls, tokens: token.into_iter().collect(), ..AccessConfig::default() }
    }

    #[test]
    fn only_loopback_is_listened_on_without_tls_and_credentials() {
        for (address, here) in [
            ("127.0.0.1:1", true),
            ("127.9.9.9:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.0.2.1:1", false),
            ("[::ffff:192.0.2.1]:1", false),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            let both = [SocketAddr::from(([127, 0, 0, 1], 2)), address];
            for (tls, token) in [(false, false), (true, false), (false, true)] {
                let mut access = access(tls, token);
                assert_eq!(check_addresses(&access, &both).is_ok(), here, "{address}");
                access.insecure = true;
                let exposed = check_addresses(&access, &both).unwrap();
                assert_eq!(exposed.iter().map(|it| it.address).eq([address]), !here);
            }
            assert_eq!(check_addresses(&access(true, true), &both).unwrap(), []);
        }
    }
}
