//! What we trust, and what we show of ourselves.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::forward::destination::Tls;

/// The settings of TLS, read from the files that the configuration names.
pub(super) fn settings(tls: &Tls) -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots(tls.ca_file.as_deref())?);
    let (Some(certificate), Some(key)) = (&tls.certificate_file, &tls.key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", key.display());
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(&error))?;
    builder.with_client_auth_cert(chain, private).map_err(|error| wrong(&error))
}

/// The authorities of the file, or else of the system. One of the system's that is broken is left out.
fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in certificates(file)? {
                let added = roots.add(certificate);
                added.map_err(|error| format!("{}: {error}", file.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))?;
    let read: Result<Vec<_>, _> = read.collect();
    let read = read.map_err(|error| wrong(&error))?;
    if read.is_empty() {
        return Err(wrong(&"holds no certificate"));
    }
    Ok(read)
}

/// When each of the files was last changed: another answer means that they are to be read again.
pub(super) fn changed(tls: &Tls) -> [Option<SystemTime>; 3] {
    [&tls.ca_file, &tls.certificate_file, &tls.key_file].map(|file| {
        let metadata = file.as_ref().and_then(|file| std::fs::metadata(file).ok());
        metadata.and_then(|metadata| metadata.modified().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let refused =
            || settings(&Tls { ca_file: Some(file.clone()), ..Tls::default() }).unwrap_err();
        assert!(refused().contains("ca.pem"));
        std::fs::write(&file, "nothing").unwrap();
        assert!(refused().contains("ca.pem: holds no certificate"), "{}", refused());
    }

    #[test]
    fn without_files_the_systems_authorities_are_trusted() {
        settings(&Tls::default()).unwrap();
    }
}
