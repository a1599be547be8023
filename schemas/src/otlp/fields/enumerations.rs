//! Enumerations: integers in JSON, read by name, too.

use std::marker::PhantomData;

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use opentelemetry_proto::tonic::metrics::v1::AggregationTemporality;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::{Scalar, Single};
use crate::otlp::json::{Failure, Reader, Writer};
use crate::otlp::wire::{Key, Malformed, Walker};

/// The names of an enumeration.
pub(in crate::otlp) trait EnumNames {
    /// The number of this name.
    fn number(name: &str) -> Option<i32>;
}

macro_rules! names {
    ($($enumeration:ty),*) => {
        $(impl EnumNames for $enumeration {
            fn number(name: &str) -> Option<i32> {
                Self::from_str_name(name).map(|value| value as i32)
            }
        })*
    };
}
names!(SeverityNumber, AggregationTemporality, SpanKind, StatusCode);

/// A value of the enumeration `E`; numbers that `E` does not know are kept.
pub(in crate::otlp) struct Enumeration<E>(PhantomData<E>);

impl<E: EnumNames> Single for Enumeration<E> {
    type Content = i32;

    fn write_content<'a>(content: &'a i32, out: &mut Writer<'_, 'a>) {
        out.plain(*content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<i32, Failure> {
        input.enumeration(E::number)
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.varint_of(key)
    }
}

impl<E: EnumNames> Scalar for Enumeration<E> {
    fn is_default(content: &i32) -> bool {
        *content == 0
    }
}
