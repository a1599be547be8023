//! Refusals, and how each transport says them.

use std::time::Duration;

use http::StatusCode;
use prost::Message as _;
use tonic::Code;

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
    /// A fault of ours.
    #[error("the request could not be checked")]
    Internal,
}

impl Refusal {
    pub(super) fn overloaded() -> Self {
        Self::Unavailable("too many requests are waiting to be written".to_owned())
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
            Self::TooLarge { .. } | Self::TooManyRecords { .. } | Self::TooLargeExpanded { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::ContentType(_) | Self::ContentEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Path(_) | Self::GrpcMethod(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            // To a sender of OTLP, 408 would say: never again.
            Self::Slow | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
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
            | Self::Throttled { .. }
            | Self::RateLimited { .. } => Code::ResourceExhausted,
            Self::ContentEncoding(_) | Self::GrpcMethod(_) | Self::Method(_) => Code::Unimplemented,
            Self::Path(_) => Code::NotFound,
            Self::Slow => Code::DeadlineExceeded,
            Self::Unavailable(_) => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    /// Whether sending the request again later may succeed.
    pub(super) const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Slow | Self::Throttled { .. } | Self::RateLimited { .. }
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

    /// A `google.rpc.Status` with this message; with the pause to make before trying again, where that
    /// may help.
    pub(super) fn status(&self, message: String, retry_after: Duration) -> Status {
        let details = self.pause(retry_after).map(retry_info).into_iter().collect();
        Status { code: self.code() as i32, message, details }
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
