//! The messages of `google.rpc` that OTLP puts into refusals.

use bytes::Bytes;
use prost::Message as _;

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    /// A code of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What happened, in English.
    #[prost(string, tag = "2")]
    pub message: String,
    /// What a program may want to know besides.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    /// What `value` is.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// A message of that type.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RetryInfo {
    /// Pause before the next attempt.
    #[prost(message, optional, tag = "1")]
    pub retry_delay: Option<ProtobufDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProtobufDuration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Type of [`RetryInfo`] in an [`Any`].
pub(crate) const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

impl Status {
    /// As the body of a Protobuf response.
    pub(crate) fn to_protobuf(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// As the body of a JSON response. The details, which only repeat the header `Retry-After`, stay
    /// out of it.
    pub(crate) fn to_json(&self) -> Bytes {
        let status = serde_json::json!({ "code": self.code, "message": self.message });
        status.to_string().into()
    }
}
