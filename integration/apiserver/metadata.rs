//! Names, labels and annotations: the syntax that every API server holds them to.

use serde_json::{Value, json};

use super::object;
use super::resource::Resource;
use super::status::Cause;

/// Longest DNS subdomain.
const SUBDOMAIN_LIMIT: usize = 253;
/// Longest label: of a DNS name, of a key after the slash, of a label's value.
const LABEL_LIMIT: usize = 63;
/// Largest sum of an object's annotations (`TotalAnnotationSizeLimitB`).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// What is wrong with an object's metadata.
pub(crate) fn check(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = check_name(resource, object);
    for field in ["labels", "annotations"] {
        check_map(&object["metadata"][field], field, &mut causes);
    }
    for finalizer in object::finalizers(object) {
        let standard = matches!(finalizer, "foregroundDeletion" | "kubernetes" | "orphan");
        let why = match qualified_name(finalizer) {
            Ok(()) if resource.custom.is_some() || standard || finalizer.contains('/') => continue,
            Ok(()) => "name is neither a standard finalizer name nor is it fully qualified",
            Err(why) => why,
        };
        causes.push(Cause::invalid("metadata.finalizers", &json!(finalizer), why));
    }
    causes
}

fn check_name(resource: &Resource, object: &Value) -> Vec<Cause> {
    let name = object::name(object);
    if name.is_empty() {
        return vec![Cause::required("metadata.name")];
    }
    let short =
        matches!(resource.plural.as_str(), "services" | "namespaces") && resource.storage.group.is_empty();
    let fault = if short && !is_label(name) {
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', at most 63 of them"
    } else if !short && !is_subdomain(name) {
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', at most 253"
    } else {
        return Vec::new();
    };
    vec![Cause::invalid("metadata.name", &json!(name), fault)]
}

fn check_map(map: &Value, field: &str, causes: &mut Vec<Cause>) {
    let path = format!("metadata.{field}");
    let entries = map.as_object().into_iter().flatten();
    let entries = entries.map(|(key, value)| (key, value.as_str().unwrap_or_default()));
    if field == "annotations"
        && entries
            .clone()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>()
            > ANNOTATIONS_LIMIT
    {
        causes.push(Cause::too_long(
            &path,
            format!("may not be more than {ANNOTATIONS_LIMIT} bytes"),
        ));
    }
    for (key, value) in entries {
        if let Err(why) = qualified_name(key) {
            causes.push(Cause::invalid(&path, &json!(key), why));
        }
        if field == "labels" && !value.is_empty() && !is_word(value) {
            let why = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                       at most 63 of them";
            causes.push(Cause::invalid(&path, &json!(value), why));
        }
    }
}

/// `name` or `prefix/name`.
fn qualified_name(key: &str) -> Result<(), &'static str> {
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_none_or(is_subdomain) && is_word(name) {
        return Ok(());
    }
    Err(
        "name part must consist of alphanumeric characters, '-', '_' or '.', \
         with an optional DNS subdomain prefix and '/'",
    )
}

/// Begins and ends with an alphanumeric character, and holds `inner` ones besides.
fn is_wrapped(text: &str, alphanumeric: fn(char) -> bool, inner: &str) -> bool {
    let ends = [text.chars().next(), text.chars().next_back()];
    ends.into_iter().all(|end| end.is_some_and(alphanumeric))
        && text
            .chars()
            .all(|letter| alphanumeric(letter) || inner.contains(letter))
}

fn is_lower(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit()
}

/// DNS-1123 label: what names of Services and Namespaces must be. (Before 1.36 those of Services began with a letter.)
fn is_label(text: &str) -> bool {
    text.len() <= LABEL_LIMIT && is_wrapped(text, is_lower, "-")
}

/// DNS-1123 subdomain: what other names must be.
fn is_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN_LIMIT && text.split('.').all(|part| is_wrapped(part, is_lower, "-"))
}

/// The part of a key after the slash, and a label's value.
fn is_word(text: &str) -> bool {
    text.len() <= LABEL_LIMIT && is_wrapped(text, |letter| letter.is_ascii_alphanumeric(), "-_.")
}

#[cfg(test)]
mod tests;
