//! Bearer tokens.
//!
//! A token is 32 random bytes, and the configuration holds its SHA-256. A slow, salted hash such as
//! Argon2 protects secrets that can be guessed; of 2^256 tokens none can, so that a fast hash gives
//! nothing away, and a request costs a microsecond instead of a chance to keep the machine busy. That is
//! also why a hash of another form is refused: it would be of something that somebody thought up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

use super::{AccessConfig, Scope, TokenConfig};
use crate::Error;

/// How the tokens that we make begin: so that people and scanners know one when they see it.
const PREFIX: &str = "blt_";
/// How a hash begins in the configuration.
const SHA256_PREFIX: &str = "sha256:";
/// Random bytes of a token.
const BYTES: usize = 32;
/// Longest token that is looked at.
const LIMIT: usize = 512;

/// The hash of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }

    /// As it stands in the configuration.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix(SHA256_PREFIX).unwrap_or_default();
        let mut hash = [0; 32];
        match hex::decode_to_slice(digits, &mut hash) {
            Ok(()) => Ok(Self(hash)),
            Err(_) => Err("must be `sha256:` and 64 hexadecimal digits, of a random token; \
                           `blotter-collector token` makes both"
                .to_owned()),
        }
    }
}

impl std::fmt::Display for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SHA256_PREFIX}{}", hex::encode(self.0))
    }
}

/// When a token stops being one.
pub(super) fn expiry(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    match text.parse::<NaiveDate>() {
        Ok(day) => Ok(day.and_time(NaiveTime::MIN).and_utc()),
        Err(_) => {
            Err("must be a day (`2027-06-30`) or a moment (`2027-06-30T12:00:00Z`)".to_owned())
        }
    }
}

/// When a token stops being one; none where it never does, or the configuration was not checked.
pub(crate) fn token_expiry(token: &TokenConfig) -> Option<DateTime<Utc>> {
    token.expires.as_deref().and_then(|text| expiry(text).ok())
}

/// A token that somebody may show.
#[derive(Debug)]
pub(super) struct Token {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub tenant: Option<String>,
    hash: TokenHash,
    expires: Option<DateTime<Utc>>,
}

/// Every token.
#[derive(Debug, Default)]
pub(super) struct Tokens(Vec<Token>);

/// What a token turned out to be.
#[derive(Debug)]
pub(super) enum Shown<'a> {
    Valid(&'a Token),
    Expired(&'a str),
    Unknown,
}

impl Tokens {
    /// Those of a configuration that was checked.
    pub(super) fn new(tokens: &[TokenConfig]) -> Result<Self, String> {
        let read = |token: &TokenConfig| {
            Ok(Token {
                name: token.name.clone(),
                scopes: token.scopes.clone(),
                tenant: token.tenant.clone(),
                hash: TokenHash::parse(&token.hash)?,
                expires: token.expires.as_deref().map(expiry).transpose()?,
            })
        };
        tokens.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks a token up. Every hash is compared to its end, whether one was equal or not.
    pub(super) fn look_up(&self, token: &str, now: DateTime<Utc>) -> Shown<'_> {
        if token.len() > LIMIT {
            return Shown::Unknown;
        }
        let hash = TokenHash::of(token);
        let mut found = None;
        for known in &self.0 {
            if bool::from(known.hash.0.ct_eq(&hash.0)) {
                found = Some(known);
            }
        }
        match found {
            None => Shown::Unknown,
            Some(token) if token.expires.is_some_and(|expires| expires <= now) => {
                Shown::Expired(&token.name)
            }
            Some(token) => Shown::Valid(token),
        }
    }
}

/// The token of the header `authorization`: none where it holds something else.
pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// A token just made: who makes it sees it once, the configuration gets its hash.
pub struct NewToken {
    token: String,
}

impl std::fmt::Debug for NewToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewToken")
    }
}

impl NewToken {
    /// Makes a token of 32 random bytes.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn make() -> Result<Self, Error> {
        let mut bytes = [0; BYTES];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Error::Access("the system gives no random bytes".to_owned()))?;
        Ok(Self { token: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)) })
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.token
    }

    /// Its table in the configuration.
    ///
    /// # Errors
    /// When that would be refused there.
    pub fn table(
        &self,
        name: &str,
        scopes: &[Scope],
        expires: Option<&str>,
        tenant: Option<&str>,
    ) -> Result<TokenConfig, Error> {
        let table = TokenConfig {
            name: name.to_owned(),
            hash: TokenHash::of(&self.token).to_string(),
            scopes: scopes.to_vec(),
            expires: expires.map(ToOwned::to_owned),
            tenant: tenant.map(ToOwned::to_owned),
        };
        let alone = AccessConfig { tokens: vec![table.clone()], ..AccessConfig::default() };
        alone.check().map_err(|unusable| {
            Error::Access(format!("{}: {}", unusable.field, unusable.reason))
        })?;
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> DateTime<Utc> {
        expiry("2027-06-30T12:00:00Z").unwrap()
    }

    fn tokens(expires: Option<&str>) -> (String, Tokens) {
        let new = NewToken::make().unwrap();
        let table = new.table("ci", &[Scope::Ingest], expires, Some("acme")).unwrap();
        (new.reveal().to_owned(), Tokens::new(&[table]).unwrap())
    }

    #[test]
    fn a_token_is_known_by_its_hash_alone_and_only_to_the_letter() {
        let (token, tokens) = tokens(None);
        let Shown::Valid(found) = tokens.look_up(&token, now()) else { panic!("not found") };
        assert_eq!((found.name.as_str(), found.tenant.as_deref()), ("ci", Some("acme")));
        for other in
            ["", "blt_", token.get(1..).unwrap(), &format!("{token} "), &token.to_uppercase()]
        {
            assert!(matches!(tokens.look_up(other, now()), Shown::Unknown), "{other}");
        }
        assert!(!format!("{tokens:?}").contains(&token));
    }

    #[test]
    fn the_hash_is_that_of_other_tools() {
        // printf %s abc | sha256sum
        let known = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(TokenHash::of("abc").to_string(), known);
        assert_eq!(TokenHash::parse(known).unwrap(), TokenHash::of("abc"));
    }

    #[test]
    fn a_token_ends_at_its_moment() {
        for (expires, valid) in [
            ("2027-06-30T12:00:01Z", true),
            ("2027-06-30T12:00:00Z", false),
            ("2027-06-30T13:00:00+02:00", false),
            ("2027-07-01", true),
            ("2027-06-30", false),
        ] {
            let (token, tokens) = tokens(Some(expires));
            match tokens.look_up(&token, now()) {
                Shown::Valid(_) => assert!(valid, "{expires}"),
                Shown::Expired(name) => assert!(!valid && name == "ci", "{expires}"),
                Shown::Unknown => panic!("{expires}"),
            }
        }
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let [one, two] = [NewToken::make().unwrap(), NewToken::make().unwrap()];
        assert_ne!(one.reveal(), two.reveal());
        assert_eq!(one.reveal().len(), PREFIX.len() + 43);
    }

    proptest! {
        #[test]
        fn no_header_is_read_as_more_than_it_holds(header in any::<String>()) {
            if let Some(token) = bearer(&header) {
                prop_assert!(header.to_ascii_lowercase().starts_with("bearer "));
                prop_assert!(header.ends_with(token) || header.trim_end().ends_with(token));
            }
        }

        #[test]
        fn a_token_is_found_whatever_the_case_of_its_scheme(token in "[!-~]{1,80}", scheme in "(?i:bearer)") {
            let header = format!("{scheme} {token}");
            prop_assert_eq!(bearer(&header), Some(token.as_str()));
        }
    }
}
