//! Names, labels and annotations: the syntax that every API server holds them to.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::object;
use super::resource::Resource;
use super::status::Cause;

/// DNS-1123 subdomain: what most names must be.
const SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// DNS-1123 label: what names of Services (since 1.34) and Namespaces must be.
const LABEL: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// The part of a label's or annotation's key after the slash, and a label's value where it is not empty.
const WORD: &str = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
/// Longest subdomain.
const SUBDOMAIN_LIMIT: usize = 253;
/// Longest label: of a DNS name, of a key after the slash, of a label's value.
const LABEL_LIMIT: usize = 63;
/// Largest sum of an object's annotations (`TotalAnnotationSizeLimitB`).
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

#[expect(
    clippy::expect_used,
    reason = "the patterns are the constants above; a test compiles them all"
)]
static PATTERNS: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    [SUBDOMAIN, LABEL, WORD].map(|pattern| Regex::new(pattern).expect("a constant pattern"))
});

/// What is wrong with an object's metadata.
pub(crate) fn check(resource: &Resource, object: &Value) -> Vec<Cause> {
    let mut causes = check_name(resource, object);
    for field in ["labels", "annotations"] {
        check_map(&object["metadata"][field], field, &mut causes);
    }
    let annotations = object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten();
    let size: usize = annotations
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    if size > ANNOTATIONS_LIMIT {
        causes.push(Cause::too_long(
            "metadata.annotations",
            format!("may not be more than {ANNOTATIONS_LIMIT} bytes"),
        ));
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
    let [subdomain, label, _] = &*PATTERNS;
    if name.is_empty() {
        return vec![Cause::required("metadata.name")];
    }
    let short = matches!(resource.plural.as_str(), "services" | "namespaces") && resource.group.is_empty();
    let (pattern, limit, what) = if short {
        (
            label,
            LABEL_LIMIT,
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'",
        )
    } else {
        (
            subdomain,
            SUBDOMAIN_LIMIT,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'",
        )
    };
    if pattern.is_match(name) && name.len() <= limit {
        return Vec::new();
    }
    vec![Cause::invalid(
        "metadata.name",
        &json!(name),
        format!("{what}, at most {limit} of them"),
    )]
}

fn check_map(map: &Value, field: &str, causes: &mut Vec<Cause>) {
    let path = format!("metadata.{field}");
    let Some(entries) = map.as_object() else {
        if !map.is_null() {
            causes.push(Cause::type_invalid(path, map, "must be a map of strings"));
        }
        return;
    };
    for (key, value) in entries {
        if let Err(why) = qualified_name(key) {
            causes.push(Cause::invalid(&path, &json!(key), why));
        }
        let Some(text) = value.as_str() else {
            causes.push(Cause::type_invalid(&path, value, "must be a string"));
            continue;
        };
        let fits = text.is_empty() || text.len() <= LABEL_LIMIT && PATTERNS[2].is_match(text);
        if field == "labels" && !fits {
            causes.push(Cause::invalid(&path, value, "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', at most 63 of them"));
        }
    }
}

/// `name` or `prefix/name`.
fn qualified_name(key: &str) -> Result<(), &'static str> {
    let [subdomain, _, word] = &*PATTERNS;
    let (prefix, name) = key
        .split_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_fits =
        prefix.is_none_or(|prefix| prefix.len() <= SUBDOMAIN_LIMIT && subdomain.is_match(prefix));
    if prefix_fits && name.len() <= LABEL_LIMIT && word.is_match(name) {
        return Ok(());
    }
    Err(
        "name part must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'",
    )
}

#[cfg(test)]
mod tests;
