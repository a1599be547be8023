//! Strings, booleans and numbers, under the names that Protobuf gives their encodings.

use super::{Scalar, Single};
use crate::otlp::json::{Failure, Reader, Writer};
use crate::otlp::wire::{Key, Malformed, Walker, WireType};

/// A number or boolean, which lists can hold packed.
pub(in crate::otlp) trait Number: Scalar {
    /// Walks over one encoded number.
    fn pass(walker: &mut Walker<'_>) -> Result<(), Malformed>;
}

/// A UTF-8 string.
pub(in crate::otlp) struct Text;

impl Single for Text {
    type Content = String;

    fn write_content<'a>(content: &'a String, out: &mut Writer<'_, 'a>) {
        out.string(content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<String, Failure> {
        let text = input.string()?;
        input.hold(text.len())?;
        Ok(text.into_owned())
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.text(key)
    }
}

impl Scalar for Text {
    fn is_default(content: &String) -> bool {
        content.is_empty()
    }
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $kind:ident: $content:ty, $wire:ident by $pass:ident, $write:ident,
        $read:ident;)*) => {
        $(
            $(#[$doc])*
            pub(in crate::otlp) struct $kind;

            impl Single for $kind {
                type Content = $content;

                fn write_content<'a>(content: &'a $content, out: &mut Writer<'_, 'a>) {
                    out.$write(*content);
                }

                fn read_content(input: &mut Reader<'_>) -> Result<$content, Failure> {
                    input.$read()
                }

                fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
                    key.expect(WireType::$wire)?;
                    Self::pass(walker)
                }
            }

            impl Number for $kind {
                fn pass(walker: &mut Walker<'_>) -> Result<(), Malformed> {
                    walker.$pass()
                }
            }

            impl Scalar for $kind {
                fn is_default(content: &$content) -> bool {
                    *content == <$content>::default()
                }
            }
        )*
    };
}

numbers! {
    /// A 64-bit unsigned integer of fixed width; a string in JSON.
    Fixed64: u64, Fixed64 by fixed64, quoted, integer;
    /// A 64-bit signed integer of fixed width; a string in JSON.
    Sfixed64: i64, Fixed64 by fixed64, quoted, integer;
    /// A 64-bit signed varint; a string in JSON.
    Int64: i64, Varint by varint_only, quoted, integer;
    /// A 64-bit unsigned varint; a string in JSON.
    Uint64: u64, Varint by varint_only, quoted, integer;
    /// A 32-bit unsigned integer of fixed width.
    Fixed32: u32, Fixed32 by fixed32, plain, integer;
    /// A 32-bit unsigned varint.
    Uint32: u32, Varint by varint_only, plain, integer;
    /// A 32-bit signed varint.
    Int32: i32, Varint by varint_only, plain, integer;
    /// A 32-bit signed zigzag varint.
    Sint32: i32, Varint by varint_only, plain, integer;
    /// A boolean.
    Bool: bool, Varint by varint_only, plain, boolean;
}

/// A double. Negative zero is not the default: Protobuf can carry it.
pub(in crate::otlp) struct Double;

impl Single for Double {
    type Content = f64;

    fn write_content<'a>(content: &'a f64, out: &mut Writer<'_, 'a>) {
        out.double(*content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<f64, Failure> {
        input.double()
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        key.expect(WireType::Fixed64)?;
        Self::pass(walker)
    }
}

impl Number for Double {
    fn pass(walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.fixed64()
    }
}

impl Scalar for Double {
    fn is_default(content: &f64) -> bool {
        content.to_bits() == 0
    }
}
