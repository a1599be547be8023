//! The errors of this crate.

/// What can go wrong between bytes and rows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not the Protobuf message they should be.
    #[error("not a valid OTLP Protobuf message: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// The bytes are not the Protobuf message they should be, and there are too many to say where.
    #[error("not a valid OTLP Protobuf message")]
    Malformed,
    /// The request takes too much memory once it is decoded.
    #[error("the request takes more than {limit} bytes of memory once it is decoded")]
    TooLargeDecoded {
        /// How much it may take.
        limit: usize,
    },
    /// The bytes are not the OTLP/JSON message they should be; the text names field, line and column.
    #[error("not a valid OTLP/JSON message: {0}")]
    Json(#[from] crate::otlp::json::JsonError),
    /// A batch does not have the shape of its table.
    #[error("not a batch of this table: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A decoded request made the code that turns it into rows fail: a fault of ours.
    #[error("the request could be decoded, but not turned into rows")]
    Normalise,
    /// The records are too large once each has its resource and scope beside it, as a row has.
    #[error("its records with their resource and scope are {bytes} bytes, more than {limit}")]
    TooLargeExpanded {
        /// How large they are.
        bytes: usize,
        /// How large they may be.
        limit: usize,
    },
    /// A row points to a column whose value it does not have.
    #[error("the record refers to column `{0}`, which the row does not have")]
    Reference(String),
}
