//! Certificates made for one test.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// An authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, in PEM.
pub struct Made {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate of this common name for these hosts.
    pub fn make(&self, name: &str, hosts: &[&str]) -> anyhow::Result<Made> {
        self.make_with(name, hosts, |_| {})
    }

    /// A certificate that is valid for so long.
    pub fn make_for(&self, name: &str, time: Duration) -> anyhow::Result<Made> {
        let until = SystemTime::now().duration_since(UNIX_EPOCH)? + time;
        self.make_with(name, &[], |params| {
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + until;
        })
    }

    fn make_with(
        &self,
        name: &str,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> anyhow::Result<Made> {
        let key = KeyPair::generate()?;
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.distinguished_name.push(DnType::CommonName, name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Made { certificate, key: key.serialize_pem() })
    }

    /// Writes a server's files, `server.pem` and `server.key`, into `folder`.
    pub fn write_server(&self, folder: &Path) -> anyhow::Result<()> {
        let made = self.make("server", &["localhost", "127.0.0.1"])?;
        std::fs::write(folder.join("server.key"), made.key)?;
        std::fs::write(folder.join("server.pem"), made.certificate)?;
        Ok(())
    }
}
