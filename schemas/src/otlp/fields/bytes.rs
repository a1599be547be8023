//! Bytes: ids, which OTLP/JSON writes in hexadecimal, and values, which it writes in Base64.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::{Scalar, Single};
use crate::otlp::json::{Failure, Reader, Writer};
use crate::otlp::wire::{Key, Malformed, Walker};

/// An id of a trace or a span, which has `BYTES` bytes. One of any other length is read all the same.
pub(in crate::otlp) struct Id<const BYTES: usize>;

impl<const BYTES: usize> Single for Id<BYTES> {
    type Content = Vec<u8>;

    fn write_content<'a>(content: &'a Vec<u8>, out: &mut Writer<'_, 'a>) {
        out.hex(content);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<Vec<u8>, Failure> {
        let at = input.position();
        let digits = input.string()?;
        input.hold(digits.len() / 2)?;
        hex::decode(digits.as_bytes())
            .map_err(|error| Failure::new(at, format!("not an id in hexadecimal: {error}")))
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.id(key, BYTES)
    }
}

impl<const BYTES: usize> Scalar for Id<BYTES> {
    fn is_default(content: &Vec<u8>) -> bool {
        content.is_empty()
    }
}

/// How tolerantly Base64 is read: padded or not.
const TOLERANT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
static TOLERANT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, TOLERANT);
static TOLERANT_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, TOLERANT);

/// A byte string.
pub(in crate::otlp) struct Base64;

impl Single for Base64 {
    type Content = Vec<u8>;

    fn write_content<'a>(content: &'a Vec<u8>, out: &mut Writer<'_, 'a>) {
        out.base64(content, &STANDARD);
    }

    fn read_content(input: &mut Reader<'_>) -> Result<Vec<u8>, Failure> {
        let at = input.position();
        let text = input.string()?;
        input.hold(text.len() / 4 * 3)?;
        let url_safe = text.contains(['-', '_']);
        let engine = if url_safe { &TOLERANT_URL_SAFE } else { &TOLERANT_STANDARD };
        engine
            .decode(text.as_bytes())
            .map_err(|error| Failure::new(at, format!("not Base64: {error}")))
    }

    fn walk_content(key: Key, walker: &mut Walker<'_>) -> Result<(), Malformed> {
        walker.bytes(key)
    }
}
