//! Whether a collector could be started with its table `[access]`, and for how long it will do.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use super::verify::{Finding, others_can_read};
use crate::access::tls::{self, Tls};
use crate::access::{self, AccessConfig};
use crate::{Config, TokenConfig};

/// How long before it expires a credential is told of.
const SOON: TimeDelta = TimeDelta::days(30);

/// Everything that the start looks at, and what will expire.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![start(config)];
    let Config { access, forward, .. } = config;
    let now = Utc::now();
    findings.extend(tokens(access, now));
    if let Some(tls) = &access.tls {
        let mut files = vec![("access.tls.certificate_file", &tls.certificate_file)];
        files.extend(tls.client_ca_file.as_ref().map(|file| ("access.tls.client_ca_file", file)));
        for (what, file) in files {
            findings.extend(certificates(what, file, now));
        }
        findings.extend(key("access.tls.key_file", &tls.key_file));
    }
    for destination in forward {
        let what = format!("destination {}", destination.name);
        let tls = &destination.tls;
        for file in [&tls.certificate_file, &tls.ca_file].into_iter().flatten() {
            findings.extend(certificates(&what, file, now));
        }
        findings.extend(tls.key_file.as_ref().and_then(|file| key(&what, file)));
    }
    findings
}

/// Whether it would start.
fn start(config: &Config) -> Finding {
    let what = "access";
    let access = &config.access;
    let advice = "put it right: the collector would not start";
    if let Err(unusable) = access.check() {
        return Finding::problem(what, unusable.to_string(), advice);
    }
    if let Err(error) = Tls::open(access) {
        return Finding::problem(what, error.to_string(), advice);
    }
    match access::check_addresses(access, &[config.grpc, config.http]) {
        Err(error) => Finding::problem(what, error.to_string(), advice),
        Ok(exposed) => match exposed.first() {
            Some(exposed) => Finding::warning(
                what,
                format!(
                    "{} can be reached from other machines, and this is missing: {}",
                    exposed.address, exposed.missing
                ),
                "take `insecure` out once TLS and credentials are there",
            ),
            None if access.demands_credentials() => Finding::ok(
                what,
                format!("{} tokens, {} clients", access.tokens.len(), access.clients.len()),
            ),
            None => Finding::ok(what, "whoever can run a program on this machine may send"),
        },
    }
}

fn tokens(access: &AccessConfig, now: DateTime<Utc>) -> Vec<Finding> {
    let finding = |token: &TokenConfig| {
        let expires = access::token_expiry(token)?;
        expiring(&format!("token {}", token.name), "the token", expires, now)
    };
    access.tokens.iter().filter_map(finding).collect()
}

/// What is to be said of the certificates in a file; that it cannot be read is for others to say.
fn certificates(what: &str, file: &Path, now: DateTime<Utc>) -> Vec<Finding> {
    let expiries = tls::expiries(file).unwrap_or_default();
    let finding = |(name, expires): (String, DateTime<Utc>)| {
        expiring(what, &format!("the certificate `{name}` in {}", file.display()), expires, now)
    };
    expiries.into_iter().filter_map(finding).collect()
}

fn expiring(
    what: &str,
    whose: &str,
    expires: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Finding> {
    let moment = expires.format("%Y-%m-%d %H:%M UTC");
    if expires <= now {
        let text = format!("{whose} expired at {moment}");
        return Some(Finding::problem(what, text, "replace it"));
    }
    let text = format!("{whose} expires at {moment}");
    (expires - now <= SOON).then(|| Finding::warning(what, text, "replace it before"))
}

fn key(what: &str, file: &Path) -> Option<Finding> {
    others_can_read(file).then(|| {
        Finding::warning(what, format!("{} can be read by others", file.display()), "chmod 600")
    })
}

#[cfg(test)]
mod tests {
    use super::super::verify::Grade;
    use super::*;
    use crate::access::TlsConfig;
    use crate::{NewToken, Scope};
    use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    fn config(folder: &Path) -> Config {
        let mut config = Config::new(folder.join("data")).unwrap();
        config.access.tls = Some(TlsConfig {
            certificate_file: folder.join("c.pem"),
            key_file: folder.join("k.pem"),
            client_ca_file: None,
        });
        config
    }

    fn certificate(folder: &Path, year: i32) {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "collector");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        fs::write(folder.join("c.pem"), made.pem()).unwrap();
        fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.join("k.pem"), mode).unwrap();
    }

    fn graded(findings: &[Finding], grade: Grade) -> Vec<String> {
        let found = findings.iter().filter(|it| it.grade == grade);
        found.map(|it| format!("{}: {}", it.what, it.text)).collect()
    }

    #[test]
    fn what_the_start_would_refuse_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        let mut open = Config::new(folder.path()).unwrap();
        assert!(graded(&look(&open), Grade::Problem).is_empty());
        open.http = "0.0.0.0:4318".parse().unwrap();
        let problems = graded(&look(&open), Grade::Problem).join("\n");
        assert!(problems.contains("0.0.0.0:4318"), "{problems}");
        open.access.insecure = true;
        assert!(graded(&look(&open), Grade::Problem).is_empty());
        assert_eq!(graded(&look(&open), Grade::Warning).len(), 1);

        let tls = config(folder.path());
        fs::write(folder.path().join("c.pem"), "nothing").unwrap();
        fs::write(folder.path().join("k.pem"), "nothing").unwrap();
        let problems = graded(&look(&tls), Grade::Problem).join("\n");
        assert!(problems.contains("c.pem"), "{problems}");
    }

    #[test]
    fn what_has_expired_or_will_soon_is_told_and_so_is_a_key_that_others_can_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut tls = config(folder.path());
        certificate(folder.path(), 2999);
        let expires = (Utc::now() + TimeDelta::days(3)).format("%Y-%m-%d").to_string();
        let token = |name: &str, expires: &str| {
            NewToken::make().unwrap().table(name, &[Scope::Ingest], Some(expires), None).unwrap()
        };
        tls.access.tokens = vec![token("old", "2020-01-01"), token("soon", &expires)];
        let findings = look(&tls);
        assert_eq!(
            graded(&findings, Grade::Problem),
            ["token old: the token expired at 2020-01-01 00:00 UTC"]
        );
        let warnings = graded(&findings, Grade::Warning).join("\n");
        assert!(warnings.starts_with("token soon: the token expires at "), "{warnings}");

        tls.access.tokens = vec![token("good", "2999-01-01")];
        assert!(look(&tls).iter().all(|it| it.grade == Grade::Ok));
        certificate(folder.path(), 2021);
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(folder.path().join("k.pem"), open).unwrap();
        let findings = look(&tls);
        let problems = graded(&findings, Grade::Problem).join("\n");
        assert!(problems.contains("`collector`") && problems.contains("2021-01-01"), "{problems}");
        let warnings = graded(&findings, Grade::Warning).join("\n");
        assert!(warnings.contains("k.pem can be read by others"), "{warnings}");
    }
}
