//! TLS of our ports, and how a running collector comes to use new files.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{AccessConfig, Certificate, TlsConfig};
use crate::Error;

/// Longest file of certificates or of a key that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// TLS of our ports.
#[derive(Debug)]
pub(crate) struct Tls {
    config: TlsConfig,
    current: RwLock<Current>,
    /// Digest of the files that were tried last.
    tried: RwLock<[u8; 32]>,
}

/// What new connections use.
#[derive(Debug)]
struct Current {
    settings: Arc<ServerConfig>,
    /// The authorities that clients' certificates are checked with.
    authority: Option<Vec<u8>>,
    /// Tells that they are none any more.
    withdrawn: CancellationToken,
}

/// What the files hold.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authority: Option<Vec<u8>>,
}

impl Files {
    fn read(config: &TlsConfig) -> Result<Self, String> {
        Ok(Self {
            certificate: read(&config.certificate_file, LIMIT)?,
            key: read(&config.key_file, LIMIT)?,
            authority: config
                .client_ca_file
                .as_deref()
                .map(|file| read(file, LIMIT))
                .transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for file in [Some(&self.certificate), Some(&self.key), self.authority.as_ref()] {
            let file = file.map(Vec::as_slice).unwrap_or_default();
            hasher.update(&(file.len() as u64).to_le_bytes());
            hasher.update(file);
        }
        *hasher.finalize().as_bytes()
    }
}

impl Tls {
    /// Reads the files; none where TLS is not wanted.
    ///
    /// # Errors
    /// With the file that cannot be used.
    pub(crate) fn open(access: &AccessConfig) -> Result<Option<Self>, Error> {
        let Some(config) = &access.tls else { return Ok(None) };
        let files = Files::read(config).map_err(Error::Access)?;
        let settings = Arc::new(settings(config, &files).map_err(Error::Access)?);
        let tried = RwLock::new(files.digest());
        let withdrawn = CancellationToken::new();
        let current = RwLock::new(Current { settings, authority: files.authority, withdrawn });
        Ok(Some(Self { config: config.clone(), current, tried }))
    }

    /// For a connection that begins now, with what tells it that a certificate which is shown on it is not
    /// to be relied on any more, because other authorities count.
    pub(crate) fn acceptor(&self) -> (TlsAcceptor, CancellationToken) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        (TlsAcceptor::from(Arc::clone(&current.settings)), current.withdrawn.clone())
    }

    /// Takes up the files where they are others than were tried last; true if they were.
    pub(super) fn reload(&self) -> Result<bool, String> {
        let files = match Files::read(&self.config) {
            Ok(files) => files,
            Err(reason) => {
                let digest = *blake3::hash(reason.as_bytes()).as_bytes();
                return if self.is_new(digest) { Err(reason) } else { Ok(false) };
            }
        };
        if !self.is_new(files.digest()) {
            return Ok(false);
        }
        let settings = settings(&self.config, &files)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        current.settings = Arc::new(settings);
        if current.authority != files.authority {
            current.authority = files.authority;
            std::mem::take(&mut current.withdrawn).cancel();
        }
        Ok(true)
    }

    fn is_new(&self, digest: [u8; 32]) -> bool {
        let mut tried = self.tried.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *tried, digest) != digest
    }
}

/// What is in a file, or why it cannot be read: a part of one that is longer than `limit` bytes is nothing.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut content));
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if content.len() as u64 > limit {
        let name = path.display();
        return Err(format!("{name} is longer than {limit} bytes, the most that is read"));
    }
    Ok(content)
}

fn settings(config: &TlsConfig, files: &Files) -> Result<ServerConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match (&config.client_ca_file, &files.authority) {
        (Some(path), Some(authority)) => {
            let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path, authority)? {
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
            // Who shows none may show a token, or ask whether we are well: it is for the gate to demand one.
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated();
            builder.with_client_cert_verifier(verifier.build().map_err(|error| wrong(&error))?)
        }
        _ => builder.with_no_client_auth(),
    };
    let chain = certificates(&config.certificate_file, &files.certificate)?;
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", config.key_file.display());
    let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|error| wrong(&error))?;
    let mut settings = builder.with_single_cert(chain, key).map_err(|error| wrong(&error))?;
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}

fn certificates(path: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    let read = read.map_err(|error| format!("{}: {error}", path.display()))?;
    if read.is_empty() {
        return Err(format!("{}: holds no certificate", path.display()));
    }
    Ok(read)
}

/// When the certificates in a file expire, by the name of each.
///
/// # Errors
/// When the file holds no certificates.
pub(crate) fn expiries(path: &Path) -> Result<Vec<(String, DateTime<Utc>)>, String> {
    let all = certificates(path, &read(path, LIMIT)?)?;
    let expiry = |certificate: &CertificateDer<'_>| {
        let (_, read) = X509Certificate::from_der(certificate).ok()?;
        let expires = DateTime::from_timestamp(read.validity().not_after.timestamp(), 0)?;
        let shown = Certificate::read(std::slice::from_ref(certificate))?;
        Some((shown.first().to_owned(), expires))
    };
    Ok(all.iter().filter_map(expiry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(folder: &Path, name: &str) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        fs::write(folder.join("c.pem"), made.cert.pem()).unwrap();
        fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).unwrap();
    }

    fn access(folder: &Path) -> AccessConfig {
        AccessConfig {
            tls: Some(TlsConfig {
                certificate_file: folder.join("c.pem"),
                key_file: folder.join("k.pem"),
                client_ca_file: None,
            }),
            ..AccessConfig::default()
        }
    }

    #[test]
    fn changed_files_are_taken_up_and_broken_ones_are_told_of_once_and_are_not() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "one");
        let tls = Tls::open(&access(folder.path())).unwrap().unwrap();
        let current = || Arc::as_ptr(&tls.current.read().unwrap().settings);
        let first = current();
        assert_eq!(tls.reload(), Ok(false));
        write(folder.path(), "two");
        assert_eq!(tls.reload(), Ok(true));
        let second = current();
        assert_ne!(first, second);

        // A key that does not belong to the certificate, as while files are being replaced.
        let key = fs::read(folder.path().join("k.pem")).unwrap();
        let certificate = fs::read(folder.path().join("c.pem")).unwrap();
        write(folder.path(), "three");
        fs::write(folder.path().join("k.pem"), &key).unwrap();
        assert!(tls.reload().unwrap_err().contains("k.pem"));
        fs::write(folder.path().join("c.pem"), "nothing").unwrap();
        assert!(tls.reload().unwrap_err().contains("c.pem: holds no certificate"));
        assert_eq!(tls.reload(), Ok(false));
        fs::remove_file(folder.path().join("c.pem")).unwrap();
        assert!(tls.reload().unwrap_err().contains("c.pem"));
        assert_eq!(tls.reload(), Ok(false));
        assert_eq!(current(), second);
        fs::write(folder.path().join("c.pem"), certificate).unwrap();
        assert_eq!(tls.reload(), Ok(true));
    }

    #[test]
    fn only_other_authorities_withdraw_the_certificates_that_were_shown() {
        let folder = tempfile::tempdir().unwrap();
        let write_authority = || {
            let made = rcgen::generate_simple_self_signed(vec!["authority".to_owned()]).unwrap();
            fs::write(folder.path().join("a.pem"), made.cert.pem()).unwrap();
        };
        write(folder.path(), "one");
        write_authority();
        let mut access = access(folder.path());
        access.tls.as_mut().unwrap().client_ca_file = Some(folder.path().join("a.pem"));
        let tls = Tls::open(&access).unwrap().unwrap();
        let (_, first) = tls.acceptor();
        write(folder.path(), "two");
        assert_eq!(tls.reload(), Ok(true));
        assert!(!first.is_cancelled());
        fs::write(folder.path().join("a.pem"), "nothing").unwrap();
        assert!(tls.reload().unwrap_err().contains("a.pem"));
        assert!(!first.is_cancelled());
        write_authority();
        assert_eq!(tls.reload(), Ok(true));
        assert!(first.is_cancelled() && !tls.acceptor().1.is_cancelled());
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let refused = || Tls::open(&access(folder.path())).unwrap_err().to_string();
        assert!(refused().contains("c.pem"));
        write(folder.path(), "one");
        fs::write(folder.path().join("k.pem"), "nothing").unwrap();
        assert!(refused().contains("k.pem"));
        // What stands behind its first part may be an authority that was to be asked.
        let long = [fs::read(folder.path().join("c.pem")).unwrap(), vec![b'\n'; 1 << 20]].concat();
        fs::write(folder.path().join("c.pem"), long).unwrap();
        assert!(refused().contains("c.pem is longer than 1048576 bytes"), "{}", refused());
    }
}
