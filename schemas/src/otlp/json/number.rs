//! Doubles as text.

use std::fmt::Write as _;

/// Largest magnitude below which every whole double is exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes a double as ECMAScript does, with the fewest digits that give it back, except that negative
/// zero keeps its sign and that what JSON has no number for is a string.
pub(super) fn push_double(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str(r#""NaN""#);
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { r#""Infinity""# } else { r#""-Infinity""# });
    } else if value == 0.0 {
        out.push_str(if value.is_sign_negative() { "-0" } else { "0" });
    } else if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        let whole = value as i64;
        push_display(out, whole);
    } else {
        if value < 0.0 {
            out.push('-');
        }
        push_digits(out, &format!("{:e}", value.abs()));
    }
}

/// Writes a number in scientific notation (`d.ddde-7`) as ECMAScript lays it out.
fn push_digits(out: &mut String, scientific: &str) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (first, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = |out: &mut String, count: i32| (0..count).for_each(|_| out.push('0'));
    let fraction_length = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
    match exponent {
        0..=20 if exponent >= fraction_length => {
            out.push_str(first);
            out.push_str(fraction);
            zeros(out, exponent - fraction_length);
        }
        0..=20 => {
            let (whole, part) =
                fraction.split_at_checked(exponent.unsigned_abs() as usize).unwrap_or_default();
            out.push_str(first);
            out.push_str(whole);
            out.push('.');
            out.push_str(part);
        }
        -6..=-1 => {
            out.push_str("0.");
            zeros(out, -exponent - 1);
            out.push_str(first);
            out.push_str(fraction);
        }
        _ => {
            out.push_str(mantissa);
            out.push_str(if exponent < 0 { "e-" } else { "e+" });
            push_display(out, exponent.unsigned_abs());
        }
    }
}

/// Writes what cannot fail to be written to a string.
pub(super) fn push_display(out: &mut String, value: impl std::fmt::Display) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "a string takes everything");
}

/// An integer as senders write it: in digits, or with an exponent or fraction that comes to a whole.
pub(super) fn parse_integer<T: std::str::FromStr + TryFrom<i128>>(text: &str) -> Option<T> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    let value = parse_double(text).filter(|value| value.fract() == 0.0)?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and then does not fit")]
    T::try_from(value as i128).ok()
}

/// A finite double in digits. One too large to be finite is none: it could not be given back.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let digits =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(digits) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: f64) -> String {
        let mut out = String::new();
        push_double(&mut out, value);
        out
    }

    #[test]
    fn doubles_are_laid_out_as_ecmascript_does_and_negative_zero_keeps_its_sign() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (123.456, "123.456"),
            (1e-6, "0.000001"),
            (1.5e-6, "0.0000015"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (1.2e20, "120000000000000000000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"),
            (f64::MAX, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (333_333_333.333_333_3, "333333333.3333333"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn integers_are_read_with_a_whole_exponent_or_fraction_and_refused_beyond_their_range() {
        assert_eq!(parse_integer::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_integer::<u64>("18446744073709551616"), None);
        assert_eq!(parse_integer::<i64>("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer::<u64>("1.7e+18"), Some(1_700_000_000_000_000_000));
        assert_eq!(parse_integer::<i32>("1.0"), Some(1));
        assert_eq!(parse_integer::<i32>("1.5"), None);
        assert_eq!(parse_integer::<u32>("-1"), None);
        assert_eq!(parse_integer::<i64>(""), None);
        assert_eq!(parse_integer::<i64>("NaN"), None);
    }
}
