//! Errors and whether work can go on after one. `docs/instrumentation.md` has the table for people.

use blotter_schemas::names::blotter::{self, ErrorClass as Word};
use blotter_schemas::names::opentelemetry as otel;

use crate::value::Attributes;

/// Whether work can go on after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The same request may succeed later.
    Retryable,
    /// The turn cannot go on.
    Terminal,
    /// A usage or rate limit was reached that does not pass by itself within the turn.
    UsageLimit,
}

/// What a person can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// Try again, later where the error says when.
    Retry,
    /// Change what is asked: shorten it, choose another model, take an image out.
    Edit,
    /// Sign in anew, or with another credential.
    ChangeCredentials,
    /// Wait for the limit to pass, or raise it.
    RaiseLimit,
    /// Tell the agent's author.
    Report,
}

impl Advice {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "try again",
            Self::Edit => "change what is asked and try again",
            Self::ChangeCredentials => "sign in anew or with another credential",
            Self::RaiseLimit => "wait for the limit to pass, or raise it",
            Self::Report => "report it to the agent's author",
        }
    }
}

/// Codes of providers and names of errors, with what they mean. Codex: `codex-rs/protocol/src/error.rs`.
const CODES: [(&str, ErrorClass, Advice); 50] = [
    // What every provider says in a code of its own, whatever the HTTP status.
    ("insufficient_quota", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("quota_exceeded", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("usage_limit_reached", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("usage_not_included", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("billing_hard_limit_reached", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("billing_error", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("credit_balance_too_low", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("rate_limit_exceeded", ErrorClass::Retryable, Advice::Retry),
    ("rate_limit_error", ErrorClass::Retryable, Advice::Retry),
    ("resource_exhausted", ErrorClass::Retryable, Advice::Retry),
    ("overloaded_error", ErrorClass::Retryable, Advice::Retry),
    ("server_is_overloaded", ErrorClass::Retryable, Advice::Retry),
    ("slow_down", ErrorClass::Retryable, Advice::Retry),
    ("timeout_error", ErrorClass::Retryable, Advice::Retry),
    ("api_error", ErrorClass::Retryable, Advice::Retry),
    ("server_error", ErrorClass::Retryable, Advice::Retry),
    ("unavailable", ErrorClass::Retryable, Advice::Retry),
    ("invalid_api_key", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("authentication_error", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("unauthenticated", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("permission_error", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("permission_denied", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("token_revoked", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("token_expired", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("account_deactivated", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("context_length_exceeded", ErrorClass::Terminal, Advice::Edit),
    ("request_too_large", ErrorClass::Terminal, Advice::Edit),
    ("invalid_request_error", ErrorClass::Terminal, Advice::Edit),
    ("invalid_prompt", ErrorClass::Terminal, Advice::Edit),
    ("model_not_found", ErrorClass::Terminal, Advice::Edit),
    ("not_found_error", ErrorClass::Terminal, Advice::Edit),
    ("content_policy_violation", ErrorClass::Terminal, Advice::Edit),
    // Codex's own split.
    ("UsageLimitReached", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("QuotaExceeded", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("UsageNotIncluded", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("SessionBudgetExceeded", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("AgentLimitReached", ErrorClass::UsageLimit, Advice::RaiseLimit),
    ("RefreshTokenFailed", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("EnvVar", ErrorClass::Terminal, Advice::ChangeCredentials),
    ("ContextWindowExceeded", ErrorClass::Terminal, Advice::Edit),
    ("InvalidRequest", ErrorClass::Terminal, Advice::Edit),
    ("InvalidImageRequest", ErrorClass::Terminal, Advice::Edit),
    ("CyberPolicy", ErrorClass::Terminal, Advice::Edit),
    ("MisalignmentPolicyViolation", ErrorClass::Terminal, Advice::Edit),
    ("ServerOverloaded", ErrorClass::Terminal, Advice::Retry),
    ("RetryLimit", ErrorClass::Terminal, Advice::Retry),
    ("Sandbox", ErrorClass::Terminal, Advice::Report),
    ("Fatal", ErrorClass::Terminal, Advice::Report),
    ("ToolCollision", ErrorClass::Terminal, Advice::Report),
    ("UnsupportedOperation", ErrorClass::Terminal, Advice::Report),
];

/// HTTP statuses, where no code says more: first status, last status, what they mean.
const STATUSES: [(u16, u16, ErrorClass, Advice); 10] = [
    (401, 401, ErrorClass::Terminal, Advice::ChangeCredentials),
    (402, 402, ErrorClass::UsageLimit, Advice::RaiseLimit),
    (403, 403, ErrorClass::Terminal, Advice::ChangeCredentials),
    (408, 409, ErrorClass::Retryable, Advice::Retry),
    (413, 413, ErrorClass::Terminal, Advice::Edit),
    (425, 425, ErrorClass::Retryable, Advice::Retry),
    (429, 429, ErrorClass::Retryable, Advice::Retry),
    (400, 499, ErrorClass::Terminal, Advice::Edit),
    (501, 501, ErrorClass::Terminal, Advice::Report),
    (500, 599, ErrorClass::Retryable, Advice::Retry),
];

/// An error that a turn met: of a request to the model, or of the agent itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnError {
    message: String,
    http_status: Option<u16>,
    code: Option<String>,
    class: Option<ErrorClass>,
    connection: bool,
}

impl TurnError {
    /// An error of the agent itself: terminal, to be reported, unless more is said about it.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            http_status: None,
            code: None,
            class: None,
            connection: false,
        }
    }

    /// An error of a connection: no answer came, or it broke off.
    #[must_use]
    pub fn of_connection(message: impl Into<String>) -> Self {
        Self { connection: true, ..Self::new(message) }
    }

    /// The HTTP status that the provider answered with.
    #[must_use]
    pub fn http_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    /// The provider's code, or the error's own name.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The class, where the agent knows better than the table.
    #[must_use]
    pub fn class(mut self, class: ErrorClass) -> Self {
        self.class = Some(class);
        self
    }

    /// Its class and what to do about it: by its code, else by its HTTP status.
    #[must_use]
    pub fn classify(&self) -> (ErrorClass, Advice) {
        let (class, advice) = self.by_table();
        (self.class.unwrap_or(class), advice)
    }

    fn by_table(&self) -> (ErrorClass, Advice) {
        if let Some(code) = &self.code {
            let known = CODES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(code));
            if let Some((_, class, advice)) = known {
                return (*class, *advice);
            }
        }
        if let Some(status) = self.http_status {
            let known = STATUSES.iter().find(|(from, to, ..)| (*from..=*to).contains(&status));
            if let Some((_, _, class, advice)) = known {
                return (*class, *advice);
            }
        }
        if self.connection {
            return (ErrorClass::Retryable, Advice::Retry);
        }
        (ErrorClass::Terminal, Advice::Report)
    }

    /// Whether work can go on after it.
    #[must_use]
    pub fn continuation(&self) -> Continuation {
        let (class, advice) = self.classify();
        if class == ErrorClass::Retryable {
            return Continuation::Yes;
        }
        let what = match class {
            ErrorClass::UsageLimit => "a usage limit was reached",
            _ => "the error does not go away by trying again",
        };
        Continuation::No { reason: format!("{what}: {}", self.message), advice }
    }

    pub(crate) fn write(&self, attributes: &mut Attributes) {
        let (class, advice) = self.classify();
        attributes.add(blotter::BLOTTER_ERROR_CLASS, class.as_str());
        attributes.add(otel::ERROR_TYPE, self.error_type());
        attributes.add(otel::ERROR_MESSAGE, self.message.clone());
        attributes.add_some(blotter::BLOTTER_ERROR_CODE, self.code.clone());
        let status = self.http_status.map(i64::from);
        attributes.add_some(otel::HTTP_RESPONSE_STATUS_CODE, status);
        attributes.add(blotter::BLOTTER_ERROR_ADVICE, advice.as_str());
        attributes.add(blotter::BLOTTER_CONTINUATION, class == ErrorClass::Retryable);
    }

    fn error_type(&self) -> String {
        match (&self.code, self.http_status) {
            (Some(code), _) => code.clone(),
            (None, Some(status)) => status.to_string(),
            (None, None) if self.connection => "connection".to_owned(),
            (None, None) => "agent".to_owned(),
        }
    }
}

impl ErrorClass {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Retryable => Word::Retryable,
            Self::Terminal => Word::Terminal,
            Self::UsageLimit => Word::UsageLimit,
        }
        .as_str()
    }
}

/// Whether a turn may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Continuation {
    /// It may.
    Yes,
    /// It may not.
    No {
        /// Why, for a person.
        reason: String,
        /// What a person can do.
        advice: Advice,
    },
}

impl Continuation {
    /// Whether it may.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_says_more_than_a_status() {
        let limit = TurnError::new("out of credit").http_status(429).code("insufficient_quota");
        assert_eq!(limit.classify(), (ErrorClass::UsageLimit, Advice::RaiseLimit));
        let rate = TurnError::new("slow down").http_status(429);
        assert_eq!(rate.classify(), (ErrorClass::Retryable, Advice::Retry));
        assert!(rate.continuation().is_yes());
    }

    #[test]
    fn a_terminal_error_says_why_and_what_to_do() {
        let revoked = TurnError::new("revoked").http_status(401);
        let reason = "the error does not go away by trying again: revoked".to_owned();
        let advice = Advice::ChangeCredentials;
        assert_eq!(revoked.continuation(), Continuation::No { reason, advice });
    }

    #[test]
    fn every_status_of_an_error_has_a_class() {
        for status in 400..600 {
            let advice = TurnError::new("x").http_status(status).classify().1;
            let own = [501].contains(&status);
            assert_eq!(advice == Advice::Report, own, "{status}");
        }
        assert_eq!(TurnError::new("x").classify(), (ErrorClass::Terminal, Advice::Report));
        let broken = TurnError::of_connection("reset");
        assert_eq!(broken.classify(), (ErrorClass::Retryable, Advice::Retry));
    }

    #[test]
    fn no_code_stands_twice() {
        let mut codes: Vec<String> =
            CODES.iter().map(|(code, ..)| code.to_ascii_lowercase()).collect();
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), CODES.len());
    }
}
