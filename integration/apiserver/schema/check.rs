//! Checking values against their schema, with the messages of a real API server.

use regex::Regex;
use serde_json::{Value, json};

use super::Schema;
use crate::apiserver::object::items;
use crate::apiserver::status::Cause;

/// Checks a value and everything below it.
pub(super) fn value(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() && schema.is("nullable") {
        return;
    }
    if let Some(cause) = type_of(schema, value, path) {
        causes.push(cause);
        return;
    }
    let allowed = items(schema.keyword("enum"));
    if !allowed.is_empty() && !allowed.contains(value) {
        causes.push(Cause::unsupported(path, value, allowed));
    }
    match value {
        Value::String(text) => string(schema, text, path, causes),
        Value::Number(_) => number(schema, value, path, causes),
        Value::Array(list) => array(schema, list, path, causes),
        Value::Object(_) => object(schema, value, path, causes),
        _ => {}
    }
    combined(schema, value, path, causes);
}

/// The fields without which an object makes no sense.
pub(super) fn required(schema: Schema<'_>, object: &Value, path: &str, causes: &mut Vec<Cause>) {
    for name in items(schema.keyword("required")).iter().filter_map(Value::as_str) {
        if object.get(name).is_none() {
            causes.push(Cause::required(joined(path, name)));
        }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn type_of(schema: Schema<'_>, value: &Value, path: &str) -> Option<Cause> {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if schema.is("x-kubernetes-int-or-string") {
        let why = format!("{path} in body must be of type integer,string: \"{found}\"");
        return (!matches!(found, "integer" | "string"))
            .then(|| Cause::type_invalid(path, &json!(found), why));
    }
    let wanted = schema.keyword("type").as_str()?;
    let fits = wanted == found || wanted == "number" && found == "integer";
    let why = format!("{path} in body must be of type {wanted}: \"{found}\"");
    (!fits).then(|| Cause::type_invalid(path, &json!(found), why))
}

/// The first fault of a text; further ones are not looked for, as in the real one.
fn string(schema: Schema<'_>, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let length = text.chars().count() as u64;
    let (least, most) = (schema.number("minLength"), schema.number("maxLength"));
    let pattern = schema.keyword("pattern").as_str();
    let unfit = |pattern: &&str| !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
    if let Some(most) = most.filter(|&most| length > most) {
        causes.push(Cause::too_long(
            path,
            format!("may not be more than {most} bytes"),
        ));
    } else if let Some(least) = least.filter(|&least| length < least) {
        let why = format!("{path} in body should be at least {least} chars long");
        causes.push(Cause::invalid(path, &json!(text), why));
    } else if let Some(pattern) = pattern.filter(unfit) {
        causes.push(Cause::invalid(
            path,
            &json!(text),
            format!("{path} in body should match '{pattern}'"),
        ));
    } else if schema.keyword("format") == "date-time" && text.parse::<jiff::Timestamp>().is_err() {
        let why = format!("{path} in body must be of type date-time: {text:?}");
        causes.push(Cause::type_invalid(path, &json!(text), why));
    }
}

fn number(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(found) = value.as_f64() else { return };
    let (least, most) = (schema.keyword("minimum"), schema.keyword("maximum"));
    let too_small = |bound: f64| found < bound || schema.is("exclusiveMinimum") && found <= bound;
    let too_large = |bound: f64| found > bound || schema.is("exclusiveMaximum") && found >= bound;
    if least.as_f64().is_some_and(too_small) {
        let why = format!("{path} in body should be greater than or equal to {least}");
        causes.push(Cause::invalid(path, value, why));
    }
    if most.as_f64().is_some_and(too_large) {
        let why = format!("{path} in body should be less than or equal to {most}");
        causes.push(Cause::invalid(path, value, why));
    }
}

fn array(schema: Schema<'_>, list: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let (least, most) = (schema.number("minItems"), schema.number("maxItems"));
    if let Some(most) = most.filter(|&most| list.len() as u64 > most) {
        causes.push(Cause::too_many(path, list.len(), most));
    }
    if let Some(least) = least.filter(|&least| (list.len() as u64) < least) {
        let why = format!("{path} in body should have at least {least} items");
        causes.push(Cause::invalid(path, &json!(list.len()), why));
    }
    for (index, item) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if let Some(items) = schema.items() {
            value(items, item, &path, causes);
        }
        if list
            .iter()
            .take(index)
            .any(|earlier| same_entry(schema, earlier, item))
        {
            causes.push(Cause::duplicate(path, item));
        }
    }
}

/// `x-kubernetes-list-type`: items of a set, and keys of a map, stand there once.
fn same_entry(schema: Schema<'_>, one: &Value, other: &Value) -> bool {
    match schema.keyword("x-kubernetes-list-type").as_str() {
        Some("set") => one == other,
        Some("map") => {
            let keys = items(schema.keyword("x-kubernetes-list-map-keys"));
            keys.iter()
                .filter_map(Value::as_str)
                .all(|key| one[key] == other[key])
        }
        _ => false,
    }
}

fn object(schema: Schema<'_>, object: &Value, path: &str, causes: &mut Vec<Cause>) {
    required(schema, object, path, causes);
    let Some(fields) = object.as_object() else { return };
    if let Some(most) = schema
        .number("maxProperties")
        .filter(|&most| fields.len() as u64 > most)
    {
        causes.push(Cause::too_many(path, fields.len(), most));
    }
    for (name, inner) in fields {
        if let Some(schema) = schema.field(name) {
            value(schema, inner, &joined(path, name), causes);
        }
    }
}

/// `allOf`, `anyOf`, `oneOf`, `not`.
fn combined(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let fits = |branch: &Value| {
        let mut causes = Vec::new();
        self::value(Schema(branch), value, path, &mut causes);
        causes.is_empty()
    };
    for branch in items(schema.keyword("allOf")) {
        self::value(Schema(branch), value, path, causes);
    }
    for (keyword, words) in [
        ("anyOf", "at least one schema"),
        ("oneOf", "one and only one schema"),
    ] {
        let branches = items(schema.keyword(keyword));
        let fitting = branches.iter().filter(|branch| fits(branch)).count();
        let wrong = if keyword == "oneOf" {
            fitting != 1
        } else {
            fitting == 0
        };
        if !branches.is_empty() && wrong {
            let why = format!("{path} in body must validate {words} ({keyword})");
            causes.push(Cause::invalid(path, value, why));
        }
    }
    if schema.0.get("not").is_some_and(fits) {
        causes.push(Cause::invalid(
            path,
            value,
            format!("{path} in body must not validate the schema (not)"),
        ));
    }
}
