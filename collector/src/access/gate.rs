//! Whether a request is let in, and as whose.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use blotter_schemas::names::blotter::{self as names, events};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio_util::sync::CancellationToken;

use super::credentials::Credentials;
use super::throttle::{Attempts, Throttle};
use super::tokens::{self, Shown};
use super::{AccessConfig, Certificate, Scope};
use crate::Error;
use crate::own_events::{OwnEvent, OwnEvents, Told};

/// How often it is looked whether failed attempts are to be told of.
const LOOK: Duration = Duration::from_secs(5);

/// Lets requests in, or not.
#[derive(Debug)]
pub(crate) struct Gate {
    credentials: RwLock<Arc<Credentials>>,
    /// Whether it was wanted that anybody who reaches us is let in.
    insecure: bool,
    throttle: Mutex<Throttle>,
    failed: AtomicU64,
    /// Where failed attempts are told; nowhere any more once the collector stops.
    events: Mutex<Option<OwnEvents>>,
}

/// Whose a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// `token:<name>` or `certificate:<name>`.
    pub sender: String,
    /// Tenant that its records belong to.
    pub tenant: Option<String>,
}

/// Why a request is not let in. None of them quotes a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error(
        "no credential was shown; send the header `authorization: Bearer TOKEN`, or show a client certificate"
    )]
    Missing,
    #[error("the header `authorization` does not hold one bearer token")]
    NotBearer,
    #[error("the bearer token is not known")]
    Unknown,
    #[error("the token `{0}` has expired")]
    Expired(String),
    #[error("client certificate `{0}` has expired")]
    CertificateExpired(String),
    #[error(
        "the request is for the host `{0}`, which need not be this machine; without credentials only those for localhost and for addresses such as 127.0.0.1 are taken"
    )]
    Host(String),
    #[error("client certificate `{0}` is not among those that are allowed")]
    Certificate(String),
    #[error("`{sender}` may not do this: it lacks the scope `{scope}`")]
    Scope { sender: String, scope: &'static str },
}

impl Denied {
    /// Whether it may not, whoever it is or because we know who it is; else we do not know.
    pub(crate) const fn is_known(&self) -> bool {
        matches!(self, Self::Certificate(_) | Self::Scope { .. } | Self::Host(_))
    }
}

/// Longest name of a certificate that is told, in characters.
const NAME_TOLD: usize = 128;

/// A name from a certificate for a log: whoever asked for the certificate may have chosen it.
fn told(name: &str) -> String {
    let mut told = String::new();
    for it in name.chars().take(NAME_TOLD) {
        // Line breaks of Unicode, and what turns the direction of a text, are no control characters.
        if it.is_control() || matches!(it, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            told.extend(it.escape_unicode());
        } else {
            told.push(it);
        }
    }
    told
}

impl Gate {
    /// One that lets in who the configuration says.
    ///
    /// # Errors
    /// When the configuration was not checked.
    pub(crate) fn new(config: &AccessConfig, events: OwnEvents) -> Result<Self, Error> {
        Ok(Self {
            credentials: RwLock::new(Arc::new(Credentials::new(config, false)?)),
            insecure: config.insecure,
            throttle: Mutex::new(Throttle::new(config.failures_per_minute)),
            failed: AtomicU64::new(0),
            events: Mutex::new(Some(events)),
        })
    }

    /// Knows the credentials of `config` from now on, for every further request, and no others. Where
    /// credentials were demanded they still are, if there are none left, too: nobody is let in then.
    ///
    /// # Errors
    /// When the configuration was not checked; what was known before still is.
    pub(super) fn replace(&self, config: &AccessConfig) -> Result<(), Error> {
        let demanded = self.credentials().demands;
        let new = Arc::new(Credentials::new(config, demanded)?);
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&self.credentials.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether whoever reaches us over a port is let in because that must be somebody on this machine.
    pub(crate) fn trusts_this_machine(&self) -> bool {
        !self.insecure && !self.credentials().demands
    }

    /// Whose a request is that shows these credentials: nobody's in particular where none is demanded.
    /// `trusted` says that the connection itself tells who it is from, as the Unix socket does.
    ///
    /// # Errors
    /// Where it may not do what `scope` says.
    pub(crate) fn admit(
        &self,
        headers: &HeaderMap,
        certificate: Option<&Certificate>,
        trusted: bool,
        scope: Scope,
    ) -> Result<Option<Identity>, Denied> {
        let known = self.credentials();
        let mut shown = headers.get_all(AUTHORIZATION).iter();
        let first = if known.tokens.is_empty() { None } else { shown.next() };
        if let Some(header) = first {
            let only = shown.next().is_none();
            let text = header.to_str().ok().filter(|_| only);
            let token = text.and_then(tokens::bearer).ok_or(Denied::NotBearer)?;
            return match known.tokens.look_up(token, chrono::Utc::now()) {
                Shown::Unknown => Err(Denied::Unknown),
                Shown::Expired(name) => Err(Denied::Expired(name.to_owned())),
                Shown::Valid(token) => {
                    let sender = format!("token:{}", token.name);
                    identity(sender, &token.scopes, token.tenant.as_ref(), scope)
                }
            };
        }
        if let Some(shown) = certificate.filter(|_| !known.clients.is_empty()) {
            if shown.is_expired(chrono::Utc::now()) {
                return Err(Denied::CertificateExpired(told(shown.first())));
            }
            let Some((name, client)) = known.clients.look_up(shown) else {
                return Err(Denied::Certificate(told(shown.first())));
            };
            let sender = format!("certificate:{name}");
            return identity(sender, &client.scopes, client.tenant.as_ref(), scope);
        }
        if known.demands && !trusted { Err(Denied::Missing) } else { Ok(None) }
    }

    /// Notes a failed attempt.
    ///
    /// # Errors
    /// Where the address has made too many: with the pause that it is to make.
    pub(crate) fn failed(&self, address: IpAddr, reason: &str) -> Result<(), Duration> {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = throttle.failed(address, reason, now);
        // The others are told of by the clock.
        let due = if noted.is_new { throttle.due(false, now) } else { Vec::new() };
        drop(throttle);
        self.tell_of(due);
        noted.answer
    }

    /// Failed attempts since the start.
    pub(crate) fn failed_attempts(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Has an event of ours recorded.
    pub(crate) fn tell(&self, event: OwnEvent) {
        if let Some(events) = &*self.events.lock().unwrap_or_else(PoisonError::into_inner) {
            events.tell(event);
        }
    }

    /// Tells of the attempts that were not told of at once, until it is told to stop.
    pub(crate) async fn tell_later(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.tell_due(false),
                () = stop.cancelled() => return,
            }
        }
    }

    /// Tells what is left to tell, and nothing any more.
    pub(crate) fn close(&self) {
        self.tell_due(true);
        *self.events.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn tell_due(&self, all: bool) {
        let mut throttle = self.throttle.lock().unwrap_or_else(PoisonError::into_inner);
        let due = throttle.due(all, Instant::now());
        drop(throttle);
        self.tell_of(due);
    }

    fn tell_of(&self, due: Vec<Attempts>) {
        for Attempts { address, count, reason } in due {
            let from =
                address.map_or("several addresses".to_owned(), |address| address.to_string());
            let attempts = if count == 1 { "attempt" } else { "attempts" };
            tracing::warn!("{count} {attempts} to be let in from {from} refused: {reason}");
            let mut attributes = vec![
                (names::BLOTTER_COLLECTOR_ATTEMPTS, Told::Number(count)),
                (names::BLOTTER_COLLECTOR_REASON, Told::text(&reason)),
            ];
            if address.is_some() {
                attributes.push((names::BLOTTER_COLLECTOR_PEER, Told::text(&from)));
            }
            self.tell(OwnEvent {
                name: events::BLOTTER_COLLECTOR_ACCESS_REFUSED,
                is_warning: true,
                text: format!("{count} {attempts} to be let in from {from} refused: {reason}"),
                attributes,
            });
        }
    }
}

fn identity(
    sender: String,
    scopes: &[Scope],
    tenant: Option<&String>,
    scope: Scope,
) -> Result<Option<Identity>, Denied> {
    if scopes.contains(&scope) {
        Ok(Some(Identity { sender, tenant: tenant.cloned() }))
    } else {
        Err(Denied::Scope { sender, scope: scope.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::NewToken;
    use http::HeaderValue;

    struct Bench {
        gate: Gate,
        ingest: String,
        read: String,
        expired: String,
    }

    fn bench() -> Bench {
        let [ingest, read, expired] = [(); 3].map(|()| NewToken::make().unwrap());
        let config = AccessConfig {
            tokens: vec![
                ingest.table("agent", &[Scope::Ingest], None, Some("acme")).unwrap(),
                read.table("dashboard", &[Scope::Read], None, None).unwrap(),
                expired.table("old", &[Scope::Ingest], Some("2020-01-01"), None).unwrap(),
            ],
            ..AccessConfig::default()
        };
        Bench {
            gate: Gate::new(&config, OwnEvents::new().0).unwrap(),
            ingest: ingest.reveal().to_owned(),
            read: read.reveal().to_owned(),
            expired: expired.reveal().to_owned(),
        }
    }

    fn bearer(token: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    #[test]
    fn a_token_lets_in_for_its_scopes_alone_and_says_whose_it_is() {
        let Bench { gate, ingest, read, expired } = bench();
        let ask = |token: &str, scope| gate.admit(&bearer(token), None, false, scope);
        let agent = Identity { sender: "token:agent".to_owned(), tenant: Some("acme".to_owned()) };
        assert_eq!(ask(&ingest, Scope::Ingest), Ok(Some(agent)));
        assert!(matches!(ask(&ingest, Scope::Admin), Err(Denied::Scope { scope: "admin", .. })));
        assert!(matches!(ask(&read, Scope::Ingest), Err(Denied::Scope { scope: "ingest", .. })));
        assert_eq!(ask(&expired, Scope::Ingest), Err(Denied::Expired("old".to_owned())));
        assert_eq!(ask("blt_wrong", Scope::Ingest), Err(Denied::Unknown));
    }

    #[test]
    fn no_credential_two_and_one_of_another_kind_do_not_let_in() {
        let Bench { gate, ingest, .. } = bench();
        let ask = |headers: &HeaderMap| gate.admit(headers, None, false, Scope::Ingest);
        assert_eq!(ask(&HeaderMap::new()), Err(Denied::Missing));
        let mut two = bearer(&ingest);
        two.append(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert_eq!(ask(&two), Err(Denied::NotBearer));
        for header in ["Basic YTpi", "Bearer", "Bearer  ", "bearer\u{e4}"] {
            let value = HeaderValue::from_bytes(header.as_bytes()).unwrap();
            assert_eq!(
                ask(&HeaderMap::from_iter([(AUTHORIZATION, value)])),
                Err(Denied::NotBearer)
            );
        }
        // Over the Unix socket none is needed; one that is wrong is a mistake there too.
        let trusted = |headers: &HeaderMap| gate.admit(headers, None, true, Scope::Ingest);
        assert_eq!(trusted(&HeaderMap::new()), Ok(None));
        assert_eq!(trusted(&bearer("wrong")), Err(Denied::Unknown));
    }

    #[test]
    fn credentials_that_are_taken_away_let_nobody_in_and_new_ones_do() {
        let Bench { gate, ingest, .. } = bench();
        let new = NewToken::make().unwrap();
        let tokens = vec![new.table("agent", &[Scope::Ingest], None, None).unwrap()];
        gate.replace(&AccessConfig { tokens, ..AccessConfig::default() }).unwrap();
        let ask = |token: &str| gate.admit(&bearer(token), None, false, Scope::Ingest);
        assert_eq!(ask(&ingest), Err(Denied::Unknown));
        assert!(ask(new.reveal()).unwrap().is_some());

        // None left is not the same as none demanded.
        gate.replace(&AccessConfig::default()).unwrap();
        assert_eq!(ask(new.reveal()), Err(Denied::Missing));
        // Over the Unix socket nobody needs one.
        assert_eq!(gate.admit(&HeaderMap::new(), None, true, Scope::Ingest), Ok(None));
    }

    #[test]
    fn a_name_from_a_certificate_is_told_in_one_line() {
        let told = told(&format!("a\nWARN forged\r\u{1b}[2J\u{2028}{}", "x".repeat(200)));
        assert!(told.starts_with("a\\u{a}WARN forged\\u{d}\\u{1b}[2J\\u{2028}x"), "{told}");
        assert!(!told.contains(char::is_control) && told.len() < 200, "{told}");
    }

    #[test]
    fn where_nothing_is_configured_everybody_is_let_in_whatever_they_show() {
        let gate = Gate::new(&AccessConfig::default(), OwnEvents::new().0).unwrap();
        assert_eq!(gate.admit(&bearer("for another"), None, false, Scope::Ingest), Ok(None));
    }

    #[test]
    fn what_is_said_of_an_attempt_does_not_hold_the_credential() {
        let Bench { gate, ingest, read, expired } = bench();
        for token in [&format!("{ingest}x"), &read, &expired] {
            let denied = gate.admit(&bearer(token), None, false, Scope::Ingest).unwrap_err();
            assert!(!format!("{denied} {denied:?}").contains(token.as_str()));
        }
    }
}
