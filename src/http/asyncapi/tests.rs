//! The document held against the code: every frame is in it, with the fields and headers that it really has.
//! Whether it is AsyncAPI in every detail is for the official parser, which needs a network to be fetched.

mod frames;
mod native;
mod shape;
mod stomp;

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Names of the messages of operations of a channel that do this: `receive`, or `send`, to which replies belong.
fn messages(document: &Value, channels: &[&str], action: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for operation in document["operations"].as_object().unwrap().values() {
        let mut add = |messages: &Value| {
            for reference in messages.as_array().into_iter().flatten().filter_map(|one| one["$ref"].as_str())
            {
                let parts: Vec<_> = reference.split('/').collect();
                if channels.contains(&parts[2]) {
                    found.insert(parts[4].to_owned());
                }
            }
        };
        if operation["action"] == action {
            add(&operation["messages"]);
        }
        if action == "send" {
            add(&operation["reply"]["messages"]);
        }
    }
    found
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
        _ => {}
    }
}

#[test]
fn nothing_that_is_referred_to_is_missing() {
    let document = whole();
    assert_eq!(document["asyncapi"], "3.0.0");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{found:?}");
    for reference in found {
        let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_message_is_in_a_channel_and_every_one_of_a_channel_is_used() {
    let document = whole();
    let mut carried = BTreeSet::new();
    for (name, channel) in document["channels"].as_object().unwrap() {
        let here: BTreeSet<_> = channel["messages"].as_object().unwrap().keys().cloned().collect();
        let [taken, said] = ["receive", "send"].map(|action| messages(&document, &[name], action));
        assert_eq!(taken.union(&said).cloned().collect::<BTreeSet<_>>(), here, "{name}");
        carried.extend(here);
    }
    let all: BTreeSet<_> = document["components"]["messages"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(carried, all);
}
