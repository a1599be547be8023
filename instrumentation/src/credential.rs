//! Credentials: their type and a keyed fingerprint are recorded, never their value.

use blotter_redaction::Keys;
use blotter_schemas::names::blotter::TokenType;
use secrecy::{ExposeSecret as _, SecretString};

/// What kind of credential an agent uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A personal access token: acts for a person, not for a sign-in of that person (`at-`, `ghp_`,
    /// `github_pat_`, `glpat-`).
    PersonalAccessToken,
    /// A JSON Web Token.
    Jwt,
    /// An API key (`sk-`, `AIza`, and whatever has no other sign).
    ApiKey,
    /// An OAuth access token (`sk-ant-oat`, `ya29.`, `gho_`, `ghu_`).
    OAuth,
    /// No credential.
    None,
}

/// How the credentials of a kind begin; the first that fits counts.
const BEGINNINGS: [(&str, TokenKind); 16] = [
    ("at-", TokenKind::PersonalAccessToken),
    ("ghp_", TokenKind::PersonalAccessToken),
    ("github_pat_", TokenKind::PersonalAccessToken),
    ("glpat-", TokenKind::PersonalAccessToken),
    ("sk-ant-oat", TokenKind::OAuth),
    ("sk-ant-ort", TokenKind::OAuth),
    ("ya29.", TokenKind::OAuth),
    ("gho_", TokenKind::OAuth),
    ("ghu_", TokenKind::OAuth),
    ("ghs_", TokenKind::OAuth),
    ("glsoat-", TokenKind::OAuth),
    ("sk-", TokenKind::ApiKey),
    ("AIza", TokenKind::ApiKey),
    ("AKIA", TokenKind::ApiKey),
    ("ABSK", TokenKind::ApiKey),
    ("bedrock-api-key-", TokenKind::ApiKey),
];
/// How the header of a JSON Web Token begins: `{"` in Base64.
const JWT: &str = "eyJ";

impl TokenKind {
    /// The kind of a credential by its form: a prefix that its issuer gives it, or the three parts of a JSON
    /// Web Token. What has no such sign is taken for an API key. A leading `Bearer ` is passed over.
    ///
    /// ```
    /// use blotter_instrumentation::TokenKind;
    /// assert_eq!(TokenKind::classify("at-0123"), TokenKind::PersonalAccessToken);
    /// assert_eq!(TokenKind::classify(""), TokenKind::None);
    /// ```
    #[must_use]
    pub fn classify(value: &str) -> Self {
        let value = value.trim();
        let value = value.strip_prefix("Bearer ").map_or(value, str::trim_start);
        if value.is_empty() {
            return Self::None;
        }
        if let Some((_, kind)) = BEGINNINGS.iter().find(|(begins, _)| value.starts_with(begins)) {
            return *kind;
        }
        let is_jwt = value.starts_with(JWT) && matches!(value.split('.').count(), 3 | 5);
        if is_jwt { Self::Jwt } else { Self::ApiKey }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PersonalAccessToken => TokenType::PersonalAccessToken,
            Self::Jwt => TokenType::Jwt,
            Self::ApiKey => TokenType::ApiKey,
            Self::OAuth => TokenType::Oauth,
            Self::None => TokenType::None,
        }
        .as_str()
    }
}

/// A credential. It has no `Debug`, no `Display` and no way to read the value back, and is overwritten when
/// it is dropped.
///
/// ```compile_fail
/// let credential = blotter_instrumentation::Credential::new("sk-secret".to_owned());
/// println!("{credential:?}");
/// ```
pub struct Credential {
    value: SecretString,
    kind: TokenKind,
}

impl Credential {
    /// Takes a credential and classifies it.
    #[must_use]
    pub fn new(value: String) -> Self {
        let kind = TokenKind::classify(&value);
        Self { value: SecretString::from(value), kind }
    }

    /// The same, where the agent knows better than its form says.
    #[must_use]
    pub fn of_kind(value: String, kind: TokenKind) -> Self {
        Self { value: SecretString::from(value), kind }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Its fingerprint under the current key: key id, a dot, 16 hexadecimal digits.
    pub(crate) fn fingerprint(&self, keys: &Keys) -> Option<String> {
        let value = self.value.expose_secret();
        let value = value.trim();
        let value = value.strip_prefix("Bearer ").map_or(value, str::trim_start);
        if value.is_empty() {
            return None;
        }
        let newest = keys.fingerprint(value).into_iter().next();
        newest.map(|(id, digits)| format!("{id}.{digits}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_classified_by_its_form() {
        for (value, kind) in [
            ("at-9f8e7d", TokenKind::PersonalAccessToken),
            ("Bearer ghp_abc", TokenKind::PersonalAccessToken),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", TokenKind::Jwt),
            ("eyJhbGciOiJIUzI1NiJ9", TokenKind::ApiKey),
            ("sk-proj-1234", TokenKind::ApiKey),
            ("sk-ant-oat01-1234", TokenKind::OAuth),
            ("ya29.a0Af", TokenKind::OAuth),
            ("0123456789abcdef", TokenKind::ApiKey),
            ("  ", TokenKind::None),
        ] {
            assert_eq!(TokenKind::classify(value), kind, "{value}");
        }
    }

    #[test]
    fn one_credential_has_one_fingerprint_however_it_is_written() {
        let keys = Keys::ephemeral().unwrap();
        let of = |value: &str| Credential::new(value.to_owned()).fingerprint(&keys);
        assert_eq!(of("sk-1"), of("Bearer sk-1"));
        assert_ne!(of("sk-1"), of("sk-2"));
        assert_eq!(of(""), None);
        assert!(!of("sk-1").unwrap().contains("sk-1"));
    }
}
