//! What counts as JSON: the codec's own reader against serde_json.

#![allow(clippy::unwrap_used, reason = "tests")]

use blotter_schemas::otlp::{Encoding, Request, Signal};
use proptest::prelude::*;
use proptest::sample::Index;

/// Whether the reader takes `text` as the value of a field that it ignores.
fn ignored(text: &str) -> bool {
    let body = format!(r#"{{"unknown":{text}}}"#);
    Request::decode(Signal::Logs, Encoding::Json, body.as_bytes()).is_ok()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(&format!(r#"{{"unknown":{text}}}"#)).is_ok()
}

/// A JSON value with white space, escapes and numbers of every spelling.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        "\"([a-zé ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,6}\"",
        "(true|false|null)",
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let list = proptest::collection::vec(inner, 0..4);
        prop_oneof![
            list.clone().prop_map(|values| format!("[ {} ]", values.join(" ,\n"))),
            list.prop_map(|values| {
                let fields: Vec<String> =
                    values.iter().map(|value| format!("\"k\" :\t{value}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_json_for_both_or_for_neither(
        text in "[\\[\\]{}:,\"\\\\ \n\t0-9eE+.untrfalsb/\u{1}é-]{0,10}"
    ) {
        prop_assert_eq!(ignored(&text), is_json(&text));
    }

    #[test]
    fn json_with_a_character_changed_is_json_for_both_or_for_neither(
        json in json(),
        at in any::<Index>(),
        replacement in "[\\[\\]{}:,\"\\\\ 0-9eE+.untrf/\u{1}-]{0,2}",
    ) {
        prop_assert!(ignored(&json) && is_json(&json));
        let mut characters: Vec<char> = json.chars().collect();
        let at = at.index(characters.len());
        characters.splice(at..=at, replacement.chars());
        let changed = String::from_iter(characters);
        prop_assert_eq!(ignored(&changed), is_json(&changed), "{}", changed);
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_any_signal(
        bytes in proptest::collection::vec(any::<u8>(), 0..40)
    ) {
        for signal in Signal::ALL {
            let read = Request::decode(signal, Encoding::Json, &bytes).is_ok();
            let json = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes);
            prop_assert_eq!(read, json.is_ok_and(|object| !object.contains_key("resourceLogs")));
        }
    }
}
