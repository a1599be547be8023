//! The kinds of fields that OTLP messages have, and the one table per message that yields everything
//! the codec does with it: canonical OTLP/JSON, tolerant reading of OTLP/JSON, and the walk over its
//! Protobuf bytes.

mod bytes;
mod enumerations;
mod nested;
mod scalars;

pub(super) use bytes::{Base64, Id};
pub(super) use enumerations::Enumeration;
pub(super) use nested::{
    AnyText, Data, Many, Metrics, Nested, One, Optional, Packed, Points, Records, Texts,
};
pub(super) use scalars::{
    Bool, Double, Fixed32, Fixed64, Int32, Int64, Sfixed64, Sint32, Text, Uint32, Uint64,
};

use super::json::{Failure, Reader, Writer};
use super::wire::{Key, Malformed, Walker};

/// An OTLP message.
pub(super) trait Message: Default + 'static {
    /// Writes the fields, without the braces around them.
    fn write<'a>(&'a self, out: &mut Writer<'_, 'a>);

    /// Reads the value of the field with this JSON name; false where there is no such field.
    fn read(&mut self, name: &str, input: &mut Reader<'_>) -> Result<bool, Failure>;

    /// Walks over the value of one field.
    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed>;
}

/// A field of a message: one of the kinds in this module.
pub(super) trait Field {
    /// How the message holds it.
    type Value;

    /// Writes name and value, unless the value is one that is omitted.
    fn write<'a>(name: &'static str, value: &'a Self::Value, out: &mut Writer<'_, 'a>);

    /// Reads the value; what the field held before is replaced.
    fn read(value: &mut Self::Value, input: &mut Reader<'_>) -> Result<(), Failure>;

    /// Walks over the value.
    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed>;
}

/// A value that stands alone: in a oneof, in a list, in an optional field.
pub(super) trait Single {
    /// How the message holds it.
    type Content;

    /// Writes the value.
    fn write_content<'a>(content: &'a Self::Content, out: &mut Writer<'_, 'a>);

    /// Reads the value.
    fn read_content(input: &mut Reader<'_>) -> Result<Self::Content, Failure>;

    /// Walks over the value.
    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed>;
}

/// A value that is omitted where it is the default.
pub(super) trait Scalar: Single {
    /// Whether this is the default.
    fn is_default(content: &Self::Content) -> bool;
}

impl<S: Scalar> Field for S {
    type Value = S::Content;

    fn write<'a>(name: &'static str, value: &'a S::Content, out: &mut Writer<'_, 'a>) {
        if !S::is_default(value) {
            out.name(name);
            S::write_content(value, out);
        }
    }

    fn read(value: &mut S::Content, input: &mut Reader<'_>) -> Result<(), Failure> {
        *value = S::read_content(input)?;
        Ok(())
    }

    fn walk(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        S::walk_content(key, walker)
    }
}

/// Implements [`Message`] from a table of its fields, in the order in which they are written:
/// Protobuf tag, JSON name, Rust field, kind. A field that the struct has and the table lacks does not
/// compile.
macro_rules! message {
    ($message:ty {
        $($tag:literal $name:literal $field:ident: $kind:ty,)*
        $(oneof $oneof:ident {
            $($member_tag:literal $member_name:literal $member:path: $member_kind:ty,)*
        })?
    }) => {
        impl $crate::otlp::fields::Message for $message {
            fn write<'a>(&'a self, out: &mut $crate::otlp::json::Writer<'_, 'a>) {
                let Self { $($field,)* $($oneof,)? } = self;
                $(<$kind as $crate::otlp::fields::Field>::write(
                    concat!("\"", $name, "\":"),
                    $field,
                    out,
                );)*
                $(match $oneof {
                    None => {}
                    $(Some($member(content)) => {
                        out.name(concat!("\"", $member_name, "\":"));
                        <$member_kind as $crate::otlp::fields::Single>::write_content(content, out);
                    })*
                })?
            }

            fn read(
                &mut self,
                name: &str,
                input: &mut $crate::otlp::json::Reader<'_>,
            ) -> Result<bool, $crate::otlp::json::Failure> {
                match name {
                    $($name => {
                        <$kind as $crate::otlp::fields::Field>::read(&mut self.$field, input)
                            .map_err(|failure| failure.within($name))?;
                    })*
                    $($($member_name => {
                        let content =
                            <$member_kind as $crate::otlp::fields::Single>::read_content(input)
                                .map_err(|failure| failure.within($member_name))?;
                        self.$oneof = Some($member(content));
                    })*)?
                    _ => return Ok(false),
                }
                Ok(true)
            }

            fn walk(
                key: $crate::otlp::wire::Key,
                walker: &mut $crate::otlp::wire::Walker<'_>,
            ) -> Result<(), $crate::otlp::wire::Malformed> {
                match key.tag {
                    $($tag => <$kind as $crate::otlp::fields::Field>::walk(key, walker),)*
                    $($($member_tag => {
                        <$member_kind as $crate::otlp::fields::Single>::walk_content(key, walker)
                    })*)?
                    _ => walker.skip(key),
                }
            }
        }
    };
}
pub(super) use message;
