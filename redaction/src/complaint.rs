//! What a parser says is wrong with a configuration file, without what stands in it.
//!
//! Parsers quote the value that they cannot use, and a value in the wrong place may be a secret. The line is
//! told beside the message, so nobody needs the value to find it.

/// How alike a name and a known one must be for the one to be asked after where the other stands.
const ALIKE: f64 = 0.7;
/// Longest name that is quoted; it may be a secret in the wrong place, which is longer.
const NAME: usize = 32;
/// What stands between what was found and what was expected.
const EXPECTED: &str = ", expected ";

/// The words of serde and of the TOML parser for people: no value is quoted, and where a name is not known,
/// the known one that is most like it is asked after.
#[must_use]
pub fn complaint(message: &str) -> String {
    if let Some((kind, rest)) = unknown(message) {
        // The last one: whatever is quoted before may hold those words itself.
        let (quoted, expected) =
            rest.rsplit_once(EXPECTED).map_or((rest, None), |(quoted, it)| (quoted, Some(it)));
        let name = quoted.trim_end_matches(", there are no variants");
        let name = name.strip_prefix('`').and_then(|it| it.strip_suffix('`')).unwrap_or(name);
        let shown = if kind == "unknown field" && is_plain(name) {
            format!("{kind} `{name}`")
        } else {
            kind.to_owned()
        };
        let Some(expected) = expected else { return shown };
        let said = format!("{shown}{EXPECTED}{expected}");
        return match nearest(name, expected) {
            Some(nearest) => format!("{said}; did you mean `{nearest}`?"),
            None => said,
        };
    }
    for kind in ["invalid type: ", "invalid value: "] {
        let Some((found, expected)) =
            message.strip_prefix(kind).and_then(|rest| rest.rsplit_once(EXPECTED))
        else {
            continue;
        };
        let what = found.split(['"', '`']).next().unwrap_or_default().trim_end();
        return format!("{kind}{what}{EXPECTED}{expected}");
    }
    message.to_owned()
}

fn unknown(message: &str) -> Option<(&'static str, &str)> {
    ["unknown field", "unknown variant"]
        .into_iter()
        .find_map(|kind| Some((kind, message.strip_prefix(kind)?.strip_prefix(' ')?)))
}

fn is_plain(name: &str) -> bool {
    name.len() <= NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte))
}

/// The quoted name that is most like `name`, where one is like it at all.
fn nearest<'a>(name: &str, expected: &'a str) -> Option<&'a str> {
    let alike = |known: &&str| strsim::jaro_winkler(name, known);
    let known = expected.split('`').skip(1).step_by(2);
    let nearest = known.max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(&nearest) >= ALIKE).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Word {
        Ingest,
        Read,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Holder {
        #[serde(rename = "headers")]
        _headers: Option<std::collections::BTreeMap<String, String>>,
        #[serde(rename = "words")]
        _words: Option<Vec<Word>>,
        #[serde(rename = "number")]
        _number: Option<u32>,
    }

    fn said(text: &str) -> String {
        complaint(toml_edit::de::from_str::<Holder>(text).unwrap_err().message())
    }

    #[test]
    fn what_is_wrong_is_said_and_what_may_have_been_meant() {
        for (text, expected) in [
            ("headers = \"hunter2\"", "invalid type: string, expected a map"),
            ("headers = 5", "invalid type: integer, expected a map"),
            ("number = -5", "invalid value: integer, expected u32"),
            ("words = [\"hunter2\"]", "unknown variant, expected `ingest` or `read`"),
            (
                "words = [\"ingets\"]",
                "unknown variant, expected `ingest` or `read`; did you mean `ingest`?",
            ),
            (
                "header = 1",
                "unknown field `header`, expected one of `headers`, `words`, `number`; did you mean `headers`?",
            ),
            (
                "blt_0123456789012345678901234567890123456789012 = 1",
                "unknown field, expected one of `headers`, `words`, `number`",
            ),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_value_is_quoted_whatever_it_is(value in "\\PC{0,40}", inner in "[, `\"a-z]{0,12}") {
            let secret = format!("hunter2{value}, expected {inner}hunter2`\"");
            let quoted = toml_edit::Value::from(secret.as_str()).to_string();
            for key in ["headers", "number", "words"] {
                let said = said(&format!("{key} = {quoted}"));
                prop_assert!(!said.contains("hunter2"), "{}", said);
            }
            let said = said(&format!("words = [{quoted}]"));
            prop_assert!(!said.contains("hunter2"), "{}", said);
        }
    }
}
