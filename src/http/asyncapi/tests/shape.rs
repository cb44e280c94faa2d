//! Shapes: as much of JSON Schema as the document uses, to hold values against it.
//! A field or header that a schema does not name is a fault here, for then the document is behind the code.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a schema says of an object.
#[derive(Debug, Default)]
pub(super) struct Shape<'a> {
    pub(super) properties: Map<String, Value>,
    pub(super) required: BTreeSet<&'a str>,
}

impl<'a> Shape<'a> {
    pub(super) fn of(document: &'a Value, schema: &'a Value) -> Self {
        let schema = resolved(document, schema);
        let mut shape = Self::default();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            let part = Self::of(document, part);
            shape.properties.extend(part.properties);
            shape.required.extend(part.required);
        }
        shape.properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
        shape.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        shape
    }

    /// Names of all properties.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.properties.keys().map(String::as_str).collect()
    }
}

/// Panics where a value is not as a schema has it.
pub(super) fn check(document: &Value, schema: &Value, value: &Value) {
    let schema = resolved(document, schema);
    let allowed = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    let allowed: Vec<_> = allowed.collect();
    assert!(allowed.is_empty() || allowed.contains(&value), "{value} is none of {allowed:?}");
    if let Some(choices) = schema["oneOf"].as_array() {
        assert!(choices.iter().any(|choice| choice["const"] == *value), "{value} is none of {choices:?}");
    }
    let kind = match value {
        Value::Object(fields) => {
            let shape = Shape::of(document, schema);
            for (name, field) in fields {
                match (shape.properties.get(name), schema.get("additionalProperties")) {
                    (Some(described), _) | (None, Some(described)) => check(document, described, field),
                    (None, None) => panic!("{name} is not described: {value}"),
                }
            }
            let missing = shape.required.iter().find(|name| !fields.contains_key(**name));
            assert!(missing.is_none(), "{missing:?} is missing in {value}");
            "object"
        }
        Value::Array(entries) => {
            entries.iter().for_each(|entry| check(document, &schema["items"], entry));
            "array"
        }
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Null => "null",
    };
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kinds => kinds.as_str().into_iter().collect(),
    };
    let is_number = kind == "integer" && kinds.contains(&"number");
    assert!(kinds.is_empty() || kinds.contains(&kind) || is_number, "{value} is none of {kinds:?}");
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => resolved(document, document.pointer(&reference[1..]).unwrap()),
        None => schema,
    }
}
