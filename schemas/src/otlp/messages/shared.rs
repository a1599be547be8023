//! What all signals share: values, attributes, resources, scopes.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::otlp::fields::{
    AnyText, Base64, Bool, Double, Int32, Int64, Many, Nested, One, Text, Texts, Uint32, message,
};

message!(AnyValue {
    oneof value {
        1 "stringValue" Value::StringValue: AnyText,
        2 "boolValue" Value::BoolValue: Bool,
        3 "intValue" Value::IntValue: Int64,
        4 "doubleValue" Value::DoubleValue: Double,
        5 "arrayValue" Value::ArrayValue: Nested<ArrayValue>,
        6 "kvlistValue" Value::KvlistValue: Nested<KeyValueList>,
        7 "bytesValue" Value::BytesValue: Base64,
        8 "stringValueStrindex" Value::StringValueStrindex: Int32,
    }
});

message!(ArrayValue {
    1 "values" values: Many<AnyValue, true>,
});

message!(KeyValueList {
    1 "values" values: Many<KeyValue>,
});

message!(KeyValue {
    1 "key" key: Text,
    2 "value" value: One<AnyValue>,
    3 "keyStrindex" key_strindex: Int32,
});

message!(InstrumentationScope {
    1 "name" name: Text,
    2 "version" version: Text,
    3 "attributes" attributes: Many<KeyValue>,
    4 "droppedAttributesCount" dropped_attributes_count: Uint32,
});

message!(EntityRef {
    1 "schemaUrl" schema_url: Text,
    2 "type" r#type: Text,
    3 "idKeys" id_keys: Texts,
    4 "descriptionKeys" description_keys: Texts,
});

message!(Resource {
    1 "attributes" attributes: Many<KeyValue>,
    2 "droppedAttributesCount" dropped_attributes_count: Uint32,
    3 "entityRefs" entity_refs: Many<EntityRef>,
});
