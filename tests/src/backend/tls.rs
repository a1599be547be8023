//! TLS of a backend, with the certificates in `tests/tls`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use crate::guests::workspace;

/// A file of `tests/tls`: `ca.pem`, `server.pem`, `client.key` and their like.
#[must_use]
pub fn certificate(file: &str) -> PathBuf {
    workspace().join("tests/tls").join(file)
}

/// The settings of a server; with `clients`, of one that only serves who has a certificate of ours.
///
/// # Errors
/// When a file cannot be read.
pub fn server_settings(clients: bool) -> anyhow::Result<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = if clients {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate("ca.pem"))?)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build()?)
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(certificate("server.pem"))?];
    let key = PrivateKeyDer::from_pem_file(certificate("server.key"))?;
    let mut settings = builder.with_single_cert(chain, key)?;
    settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(settings)
}
