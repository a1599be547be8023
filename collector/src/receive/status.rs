//! Refusals, and how each transport says them.

use std::time::Duration;

use http::StatusCode;
use prost::Message as _;
use tonic::Code;

use crate::admit::NoRoom;
use crate::journal::Refused;
use crate::rpc::{Any, ProtobufDuration, RETRY_INFO, RetryInfo, Status};

/// Why a request is not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not what it says it is; sending it again is pointless.
    #[error("{0}")]
    Undecodable(String),
    /// It is too large, as sent or decompressed.
    #[error("the request is larger than {limit} bytes; send smaller batches")]
    TooLarge { limit: usize },
    /// It holds too many records.
    #[error("the request holds {count} records, more than {limit}; send smaller batches")]
    TooManyRecords { count: usize, limit: usize },
    /// Its records are too large with what stands around each.
    #[error(
        "the records with their resource and scope are more than {limit} bytes; send smaller batches or resources"
    )]
    TooLargeExpanded { limit: usize },
    /// It takes too much memory once it is decoded.
    #[error("the request takes more than {limit} bytes of memory; send smaller batches")]
    TooLargeDecoded { limit: usize },
    /// A record, or what stands around it, has too many attributes.
    #[error("a record, resource or scope has {count} attributes, more than {limit}")]
    TooManyAttributes { count: usize, limit: usize },
    /// Its values lie too deep within each other.
    #[error("values lie within each other on {depth} levels of messages, more than {limit}")]
    TooDeep { depth: u32, limit: u32 },
    /// We do not know who sent it.
    #[error("{0}")]
    Unauthenticated(String),
    /// We know who sent it, and it may not.
    #[error("{0}")]
    Forbidden(String),
    /// Too many attempts of its address have failed.
    #[error("too many failed attempts from this address; wait before the next")]
    Throttled { pause: Duration },
    /// Its sender has sent too much in too short a time.
    #[error(
        "this sender has sent more than it may in so short a time; send larger batches less often"
    )]
    RateLimited { pause: Duration },
    /// It is of a type we do not know.
    #[error("content type `{0}` is not supported; use application/x-protobuf or application/json")]
    ContentType(String),
    /// It is compressed in a way we do not know.
    #[error("content encoding `{0}` is not supported; use gzip, zstd or none")]
    ContentEncoding(String),
    /// There is nothing at that path.
    #[error("nothing is served at {0}; OTLP/HTTP is at /v1/logs, /v1/traces and /v1/metrics")]
    Path(String),
    /// There is no such gRPC method.
    #[error("no method {0}; only the Export methods of logs, traces and metrics are served")]
    GrpcMethod(String),
    /// The path is right, the method is not.
    #[error("method {0} is not allowed; use POST")]
    Method(String),
    /// The sender took too long.
    #[error("the request did not arrive in time")]
    Slow,
    /// The sender went away in the middle.
    #[error("the request could not be read: {0}")]
    Broken(String),
    /// We cannot take it now; later we may.
    #[error("{0}")]
    Unavailable(String),
    /// The journal does not take it now.
    #[error(transparent)]
    Journal(#[from] Refused),
    /// No requests are taken any more, as the operator wants it.
    #[error("the collector is being drained; try again later or elsewhere")]
    Draining,
    /// A fault of ours.
    #[error("the request could not be checked")]
    Internal,
}

impl Refusal {
    /// There is no place for a further connection.
    pub(super) fn crowded() -> Self {
        Self::Unavailable("too many connections are open".to_owned())
    }

    /// Status of an HTTP response.
    pub(super) const fn http(&self) -> StatusCode {
        match self {
            Self::Undecodable(_)
            | Self::Broken(_)
            | Self::TooManyAttributes { .. }
            | Self::TooDeep { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Throttled { .. } | Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge { .. }
            | Self::TooManyRecords { .. }
            | Self::TooLargeExpanded { .. }
            | Self::TooLargeDecoded { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType(_) | Self::ContentEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Path(_) | Self::GrpcMethod(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            // To a sender of OTLP, 408 would say: never again.
            Self::Slow | Self::Unavailable(_) | Self::Journal(_) | Self::Draining => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Code of a `google.rpc.Status`, and of a gRPC answer.
    pub(super) const fn code(&self) -> Code {
        match self {
            Self::Undecodable(_)
            | Self::Broken(_)
            | Self::ContentType(_)
            | Self::TooManyAttributes { .. }
            | Self::TooDeep { .. } => Code::InvalidArgument,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::PermissionDenied,
            // Without a pause to make, this says: never again; with one: later.
            Self::TooLarge { .. }
            | Self::TooManyRecords { .. }
            | Self::TooLargeExpanded { .. }
            | Self::TooLargeDecoded { .. }
            | Self::Throttled { .. }
            | Self::RateLimited { .. } => Code::ResourceExhausted,
            Self::ContentEncoding(_) | Self::GrpcMethod(_) | Self::Method(_) => Code::Unimplemented,
            Self::Path(_) => Code::NotFound,
            Self::Slow => Code::DeadlineExceeded,
            Self::Unavailable(_) | Self::Journal(_) | Self::Draining => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    /// Whether sending the request again later may succeed.
    pub(super) const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Slow
                | Self::Journal(_)
                | Self::Draining
                | Self::Throttled { .. }
                | Self::RateLimited { .. }
        )
    }

    /// Pause to make before trying again, where that may help: `usual` unless this says another.
    pub(super) fn pause(&self, usual: Duration) -> Option<Duration> {
        match self {
            Self::Throttled { pause } | Self::RateLimited { pause } => Some(*pause),
            other => other.is_retryable().then_some(usual),
        }
    }

    /// Whether it was refused for who sent it and not for what it is.
    pub(super) const fn is_of_sender(&self) -> bool {
        matches!(
            self,
            Self::Unauthenticated(_)
                | Self::Forbidden(_)
                | Self::Throttled { .. }
                | Self::RateLimited { .. }
        )
    }

    /// Whether the connection that it came over is not worth keeping: nobody was let in on it.
    pub(super) const fn ends_connection(&self) -> bool {
        matches!(self, Self::Unauthenticated(_) | Self::Forbidden(_) | Self::Throttled { .. })
    }

    /// The reason in a word that does not change, for what is counted.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Undecodable(_) => "undecodable",
            Self::TooLarge { .. } => "too_large",
            Self::TooManyRecords { .. } => "too_many_records",
            Self::TooLargeExpanded { .. } => "too_large_expanded",
            Self::TooLargeDecoded { .. } => "too_large_decoded",
            Self::TooManyAttributes { .. } => "too_many_attributes",
            Self::TooDeep { .. } => "too_deep",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Throttled { .. } => "throttled",
            Self::RateLimited { .. } => "rate_limited",
            Self::ContentType(_) => "content_type",
            Self::ContentEncoding(_) => "content_encoding",
            Self::Path(_) => "path",
            Self::GrpcMethod(_) => "grpc_method",
            Self::Method(_) => "method",
            Self::Slow => "slow",
            Self::Broken(_) => "broken",
            Self::Unavailable(_) => "overloaded",
            Self::Journal(Refused::Full(_)) => "journal_full",
            Self::Journal(Refused::Failed(_)) => "journal_failed",
            Self::Journal(Refused::Closed) => "stopping",
            Self::Draining => "draining",
            Self::Internal => "internal",
        }
    }

    /// A `google.rpc.Status` with this message; with the pause to make before trying again, where that
    /// may help.
    pub(super) fn status(&self, message: String, retry_after: Duration) -> Status {
        let details = self.pause(retry_after).map(retry_info).into_iter().collect();
        Status { code: self.code() as i32, message, details }
    }
}

impl From<NoRoom> for Refusal {
    fn from(no_room: NoRoom) -> Self {
        match no_room {
            NoRoom::Now => {
                Self::Unavailable("too many requests are waiting to be written".to_owned())
            }
            NoRoom::Ever { limit } => Self::TooLarge { limit },
        }
    }
}

fn retry_info(pause: Duration) -> Any {
    let delay = ProtobufDuration {
        seconds: i64::try_from(pause.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(pause.subsec_nanos()).unwrap_or_default(),
    };
    let info = RetryInfo { retry_delay: Some(delay) };
    Any { type_url: RETRY_INFO.to_owned(), value: info.encode_to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_refusal() -> Vec<Refusal> {
        let text = || "x".to_owned();
        vec![
            Refusal::Undecodable(text()),
            Refusal::TooLarge { limit: 1 },
            Refusal::TooManyRecords { count: 2, limit: 1 },
            Refusal::TooLargeExpanded { limit: 1 },
            Refusal::TooLargeDecoded { limit: 1 },
            Refusal::ContentType(text()),
            Refusal::ContentEncoding(text()),
            Refusal::Path(text()),
            Refusal::GrpcMethod(text()),
            Refusal::Method(text()),
            Refusal::Slow,
            Refusal::Broken(text()),
            Refusal::Unavailable(text()),
            Refusal::Journal(Refused::Full("x")),
            Refusal::Journal(Refused::Failed(text())),
            Refusal::Journal(Refused::Closed),
            Refusal::Draining,
            Refusal::Internal,
        ]
    }

    #[test]
    fn a_refusal_is_retryable_over_http_exactly_where_the_specification_says_so() {
        for refusal in every_refusal() {
            let retryable = matches!(refusal.http().as_u16(), 429 | 502 | 503 | 504);
            assert_eq!(refusal.is_retryable(), retryable, "{refusal:?}");
            assert!(refusal.http().as_u16() >= 400, "{refusal:?}");
        }
    }

    #[test]
    fn a_refusal_is_retryable_over_grpc_exactly_where_it_is_over_http_and_then_says_when() {
        for refusal in every_refusal() {
            let status = refusal.status("x".to_owned(), Duration::from_secs(7));
            assert_eq!(status.details.len(), usize::from(refusal.is_retryable()), "{refusal:?}");
            let retryable = match refusal.code() {
                Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss => true,
                Code::ResourceExhausted => !status.details.is_empty(),
                _ => false,
            };
            assert_eq!(refusal.is_retryable(), retryable, "{refusal:?}");
        }
    }

    #[test]
    fn every_refusal_has_a_reason_of_its_own() {
        let reasons: std::collections::BTreeSet<&str> =
            every_refusal().iter().map(Refusal::reason).collect();
        assert_eq!(reasons.len(), every_refusal().len());
        let word = |it: &&str| it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
        assert!(reasons.iter().all(word), "{reasons:?}");
    }
}
