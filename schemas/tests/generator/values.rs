//! What all signals share.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::{num, option};

/// Keys that a dialect reads, so that typed columns are filled and long values stand in them.
const KNOWN_KEYS: [&str; 16] = [
    "arguments",
    "output",
    "prompt",
    "response",
    "error",
    "error.message",
    "tool_input",
    "tool_parameters",
    "event.name",
    "event.timestamp",
    "call_id",
    "conversation.id",
    "session.id",
    "duration_ms",
    "success",
    "rationale",
];

/// Values that mean something to a dialect or to Blotter itself.
const KNOWN_TEXTS: [&str; 9] = [
    "codex.tool_result",
    "tool_result",
    "codex.user_prompt",
    "2026-11-21T03:00:00.123Z",
    "true",
    "29",
    r#"{"blotterColumn":"output"}"#,
    r#"{"stringValue":"{\"blotterColumn\":\"text\"}"}"#,
    "[redacted:aws-key:0123abcd]",
];

/// Any string: empty, short with control characters and emoji, long, meaningful.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        4 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
        4 => "[ -~]{1,12}",
        2 => ("[ -~\n\t\u{0}é😀]{60,70}", 1..4_usize).prop_map(|(text, times)| text.repeat(times)),
        2 => proptest::sample::select(&KNOWN_TEXTS[..]).prop_map(str::to_owned),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(&KNOWN_KEYS[..]).prop_map(str::to_owned),
        1 => text(),
    ]
}

/// An id: none, of the lengths the specification knows, of any other.
pub fn id() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(Vec::new()),
        2 => vec(any::<u8>(), 8),
        2 => vec(any::<u8>(), 16),
        1 => vec(any::<u8>(), 1..40),
    ]
}

/// A time or count: nothing, now, the extremes, anything.
pub fn count() -> impl Strategy<Value = u64> {
    prop_oneof![
        2 => Just(0),
        2 => 1_795_000_000_000_000_000..1_796_000_000_000_000_000_u64,
        1 => Just(u64::MAX),
        1 => Just(i64::MAX as u64 + 1),
        1 => any::<u64>(),
    ]
}

/// Any double: NaN with any payload, infinities, both zeros, subnormals.
pub fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        3 => num::f64::ANY,
        1 => Just(-0.0),
        1 => Just(0.0),
        1 => (-1000..1000).prop_map(|number| f64::from(number) / 8.0),
    ]
}

/// A number of 32 bits that is often nothing.
pub fn flags() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), any::<u32>()]
}

/// A value of an enumeration that may not know it.
pub fn enumeration() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), 1..26_i32, any::<i32>()]
}

/// Any attribute value: absent, empty, of every kind, nested.
pub fn any_value() -> impl Strategy<Value = AnyValue> {
    let leaf = prop_oneof![
        1 => Just(None),
        6 => text().prop_map(|text| Some(Value::StringValue(text))),
        1 => any::<bool>().prop_map(|flag| Some(Value::BoolValue(flag))),
        2 => any::<i64>().prop_map(|number| Some(Value::IntValue(number))),
        2 => double().prop_map(|number| Some(Value::DoubleValue(number))),
        1 => vec(any::<u8>(), 0..9).prop_map(|bytes| Some(Value::BytesValue(bytes))),
        1 => any::<i32>().prop_map(|index| Some(Value::StringValueStrindex(index))),
    ]
    .prop_map(|value| AnyValue { value });
    leaf.prop_recursive(4, 12, 3, |inner| {
        let entry = (key(), option::of(inner.clone()), any::<i32>())
            .prop_map(|(key, value, key_strindex)| KeyValue { key, value, key_strindex });
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec(entry, 0..4).prop_map(|values| Value::KvlistValue(KeyValueList { values })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
    .boxed()
}

fn attribute() -> impl Strategy<Value = KeyValue> {
    let index = prop_oneof![4 => Just(0), 1 => any::<i32>()];
    (key(), option::weighted(0.9, any_value()), index)
        .prop_map(|(key, value, key_strindex)| KeyValue { key, value, key_strindex })
}

/// Attributes, among which keys come twice.
pub fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    (vec(attribute(), 0..4), any::<bool>())
        .prop_map(|(mut attributes, twice)| {
            if twice {
                attributes.extend(attributes.first().cloned());
            }
            attributes
        })
        .boxed()
}

/// The resource of an agent that a dialect knows, of any other, or an empty one.
pub fn resource() -> impl Strategy<Value = Resource> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    let agent = proptest::sample::select(vec!["codex_exec", "claude-code", "other", ""]);
    let any = (agent, attributes(), flags(), vec(entity, 0..3)).prop_map(
        |(agent, mut attributes, dropped_attributes_count, entity_refs)| {
            attributes.push(KeyValue {
                key: "service.name".to_owned(),
                value: Some(AnyValue { value: Some(Value::StringValue(agent.to_owned())) }),
                key_strindex: 0,
            });
            Resource { attributes, dropped_attributes_count, entity_refs }
        },
    );
    prop_oneof![4 => any, 1 => Just(Resource::default())].boxed()
}

/// Any scope.
pub fn scope() -> impl Strategy<Value = InstrumentationScope> {
    let name = prop_oneof![text(), Just("codex_otel.log_only".to_owned())];
    let any = (name, text(), attributes(), flags()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    prop_oneof![4 => any, 1 => Just(InstrumentationScope::default())].boxed()
}
