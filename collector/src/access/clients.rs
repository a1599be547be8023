//! Client certificates.
//!
//! That a certificate is one of the authority's, and that whoever shows it has its key, was checked in the
//! handshake. Here its names are read and looked up.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{ClientConfig, Scope};

/// Most names of a certificate that are looked at.
const NAMES_LIMIT: usize = 64;

/// A certificate that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The alternative names, or else the subject's common name.
    names: Vec<String>,
    /// Until when it is valid, and those between it and the authority that were shown with it; in seconds
    /// since 1970.
    until: i64,
}

impl Certificate {
    /// Reads certificates in DER, the first of which is the far end's own; one that cannot be read has no
    /// names and is not valid.
    pub(crate) fn read(shown: &[CertificateDer<'_>]) -> Option<Self> {
        let until =
            |certificate: &X509Certificate<'_>| certificate.validity().not_after.timestamp();
        let mut read = Self { names: Vec::new(), until: i64::MAX };
        for (at, certificate) in shown.iter().enumerate() {
            let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
                return Some(Self { names: Vec::new(), until: i64::MIN });
            };
            if at == 0 {
                read.names = names(&certificate);
            }
            read.until = read.until.min(until(&certificate));
        }
        (!shown.is_empty()).then_some(read)
    }

    /// The first of its names, to be told to people.
    pub(crate) fn first(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    /// Whether it is not valid any more.
    pub(super) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        now.timestamp() > self.until
    }
}

/// The names in a certificate: its alternative names of DNS or URI kind; the common name of its subject only
/// where it has none of those (RFC 6125, section 6.4.4): authorities that check an alternative name let people
/// choose the common name.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names: Vec<String> = match certificate.subject_alternative_name() {
        Ok(Some(alternative)) => {
            let names = alternative.value.general_names.iter().filter_map(|name| match name {
                GeneralName::DNSName(name) | GeneralName::URI(name) => Some((*name).to_owned()),
                _ => None,
            });
            names.collect()
        }
        Ok(None) => Vec::new(),
        // What cannot be read may hold a name that the common one must give way to.
        Err(_) => return Vec::new(),
    };
    if names.is_empty() {
        let common = certificate.subject().iter_common_name();
        names.extend(common.filter_map(|name| name.as_str().ok().map(ToOwned::to_owned)));
    }
    names.truncate(NAMES_LIMIT);
    names
}

/// A client that is let in.
#[derive(Debug)]
pub(super) struct Client {
    pub scopes: Vec<Scope>,
    pub tenant: Option<String>,
}

/// Every client that is let in, by name.
#[derive(Debug, Default)]
pub(super) struct Clients(BTreeMap<String, Client>);

impl Clients {
    pub(super) fn new(clients: &[ClientConfig]) -> Self {
        let client = |it: &ClientConfig| {
            (it.name.clone(), Client { scopes: it.scopes.clone(), tenant: it.tenant.clone() })
        };
        Self(clients.iter().map(client).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The client that one of a certificate's names is of, and the name.
    pub(super) fn look_up(&self, certificate: &Certificate) -> Option<(&str, &Client)> {
        let found = certificate.names.iter().find_map(|name| self.0.get_key_value(name))?;
        Some((found.0.as_str(), found.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn certificate(common: &str, others: Vec<SanType>) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common);
        params.subject_alt_names = others;
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn read(certificate: Vec<u8>) -> Certificate {
        Certificate::read(&[certificate.into()]).unwrap()
    }

    #[test]
    fn a_certificate_is_valid_as_long_as_the_first_of_those_that_were_shown_with_it() {
        let until = |year: i32| -> CertificateDer<'static> {
            let mut params = CertificateParams::default();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let shown = Certificate::read(&[until(2040), until(2030)]).unwrap();
        assert!(!shown.is_expired(at("2030-01-01T00:00:00Z")));
        assert!(shown.is_expired(at("2030-01-01T00:00:01Z")));
        assert!(!Certificate::read(&[until(2040)]).unwrap().is_expired(at("2035-01-01T00:00:00Z")));
        assert_eq!(Certificate::read(&[]), None);
        assert!(read(b"no certificate".to_vec()).is_expired(at("1980-01-01T00:00:00Z")));
    }

    #[test]
    fn a_certificate_is_known_by_its_alternative_names_and_else_by_its_common_name() {
        let dns = SanType::DnsName("agent.example".try_into().unwrap());
        let uri = SanType::URI("spiffe://example/agent".try_into().unwrap());
        let names = read(certificate("agent one", vec![dns, uri]));
        assert_eq!(names.names, ["agent.example", "spiffe://example/agent"]);
        let clients = |name: &str| {
            Clients::new(&[ClientConfig {
                name: name.to_owned(),
                scopes: vec![Scope::Ingest],
                tenant: Some("acme".to_owned()),
            }])
        };
        for name in ["agent.example", "spiffe://example/agent"] {
            let clients = clients(name);
            let (found, client) = clients.look_up(&names).unwrap();
            assert_eq!((found, client.tenant.as_deref()), (name, Some("acme")));
        }
        for name in ["agent one", "agent", "Agent One", "*.example", "example"] {
            assert!(clients(name).look_up(&names).is_none(), "{name}");
        }
        let email = SanType::Rfc822Name("a@example".try_into().unwrap());
        let named = read(certificate("agent one", vec![email]));
        assert!(clients("agent one").look_up(&named).is_some());
    }

    #[test]
    fn a_common_name_that_imitates_another_identity_does_not_pass_as_it() {
        let own = SanType::URI("spiffe://example/somebody".try_into().unwrap());
        let names = read(certificate("spiffe://example/agent", vec![own]));
        assert_eq!(names.names, ["spiffe://example/somebody"]);
    }

    #[test]
    fn a_certificate_that_says_it_is_a_pattern_is_taken_to_the_letter() {
        let dns = SanType::DnsName("*.example".try_into().unwrap());
        let names = read(certificate("*", vec![dns]));
        let clients = Clients::new(&[ClientConfig {
            name: "agent.example".to_owned(),
            scopes: vec![Scope::Ingest],
            tenant: None,
        }]);
        assert!(clients.look_up(&names).is_none());
    }

    proptest! {
        #[test]
        fn whatever_the_bytes_no_certificate_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            (at, flip) in (0_usize..400, 1_u8..),
        ) {
            read(bytes);
            static REAL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let mut changed = REAL.get_or_init(|| certificate("agent", Vec::new())).clone();
            let length = changed.len();
            changed[at % length] ^= flip;
            read(changed);
        }
    }
}
