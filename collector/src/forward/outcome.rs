//! What became of a request, by the lists of the OTLP specification.

use std::time::Duration;

use tonic::Code;

/// Status of a request that could not be sent at all: it cannot be read.
pub(super) const NOT_SENT: &str = "not sent";

/// What became of a request at a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The destination has it.
    Delivered {
        /// Records of it that the destination says it has not taken, and never will.
        rejected: u64,
        /// What it said about that, or a warning.
        message: String,
        /// Content type of its answer where OTLP has no such answer: something else may listen there.
        unexpected: Option<String>,
    },
    /// It may be taken later.
    Later {
        /// Why it was not.
        reason: String,
        /// Pause that the destination asked for.
        after: Option<Duration>,
    },
    /// The destination says that it will never take it.
    Never {
        /// How it said that: a status of HTTP or gRPC.
        status: String,
        /// Why.
        reason: String,
        /// Half of it might be taken.
        too_large: bool,
    },
}

impl Outcome {
    /// The same, with every text that the destination has a part in changed.
    pub(super) fn map_texts(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Delivered { rejected, message, unexpected } => {
                let (message, unexpected) = (change(message), unexpected.map(change));
                Self::Delivered { rejected, message, unexpected }
            }
            Self::Later { reason, after } => Self::Later { reason: change(reason), after },
            Self::Never { status, reason, too_large } => {
                Self::Never { status, reason: change(reason), too_large }
            }
        }
    }
}

/// A status with its reason, where there is one.
pub(super) fn joined(status: &str, reason: &str) -> String {
    if reason.is_empty() { status.to_owned() } else { format!("{status}: {reason}") }
}

/// Whether OTLP/HTTP lets a client send again after this status.
pub(super) const fn http_is_retryable(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Whether OTLP/gRPC lets a client send again after this code. A resource that is exhausted may be free
/// again only where the server says when.
pub(super) const fn grpc_is_retryable(code: Code, has_retry_info: bool) -> bool {
    match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => has_retry_info,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_the_specification_are_followed() {
        let retried: Vec<u16> = (300..600).filter(|status| http_is_retryable(*status)).collect();
        assert_eq!(retried, [429, 502, 503, 504]);
        let codes = (0..17).map(Code::from_i32);
        let retried: Vec<i32> =
            codes.filter(|code| grpc_is_retryable(*code, false)).map(|code| code as i32).collect();
        // Cancelled, DeadlineExceeded, Aborted, OutOfRange, Unavailable, DataLoss.
        assert_eq!(retried, [1, 4, 10, 11, 14, 15]);
        assert!(grpc_is_retryable(Code::ResourceExhausted, true));
        assert!(!grpc_is_retryable(Code::Internal, true));
    }
}
