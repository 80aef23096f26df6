//! `CustomResourceDefinition`s: what they say about the resources they make.

use serde_json::{Value, json};

use super::object::{self, items};
use super::resource::{Custom, Resource, Storage};
use super::schema;
use super::status::Cause;
use super::table;

/// Where the definitions lie.
pub(crate) fn storage() -> Storage {
    Storage::of("apiextensions.k8s.io", "customresourcedefinitions")
}

/// Where the objects of a definition's resource lie.
pub(crate) fn custom_storage(definition: &Value) -> Storage {
    Storage::of(
        text(&definition["spec"]["group"]),
        text(&definition["spec"]["names"]["plural"]),
    )
}

/// One resource for each served version.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    let (spec, names) = (&definition["spec"], &definition["spec"]["names"]);
    let converter = converter(spec);
    let served = items(&spec["versions"])
        .iter()
        .filter(|version| version["served"] == json!(true));
    let resource = |version: &Value| Resource {
        group: text(&spec["group"]).to_owned(),
        version: text(&version["name"]).to_owned(),
        plural: text(&names["plural"]).to_owned(),
        singular: text(&names["singular"]).to_owned(),
        kind: text(&names["kind"]).to_owned(),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] == json!("Namespaced"),
        has_status: version["subresources"]["status"].is_object(),
        custom: Some(Custom {
            schema: version["schema"]["openAPIV3Schema"].clone(),
            columns: items(&version["additionalPrinterColumns"]).to_vec(),
            converter: converter.clone().filter(|_| version["storage"] != json!(true)),
        }),
        storage: custom_storage(definition),
    };
    served.map(resource).collect()
}

/// Defaults, checks, and the status that the real one's controllers would write a moment later.
pub(crate) fn prepare(definition: &mut Value) -> Vec<Cause> {
    let singular = text(&definition["spec"]["names"]["kind"]).to_lowercase();
    let list_kind = format!("{}List", text(&definition["spec"]["names"]["kind"]));
    object::default(&mut definition["spec"]["names"], "singular", singular);
    object::default(&mut definition["spec"]["names"], "listKind", list_kind);
    object::default(
        &mut definition["spec"],
        "conversion",
        json!({ "strategy": "None" }),
    );
    let causes = check(definition);
    if causes.is_empty() {
        definition["status"] = accepted(definition);
    }
    causes
}

fn check(definition: &Value) -> Vec<Cause> {
    let (spec, names) = (&definition["spec"], &definition["spec"]["names"]);
    let mut causes = Vec::new();
    let wanted = format!("{}.{}", text(&names["plural"]), text(&spec["group"]));
    for (field, value) in [
        ("spec.group", &spec["group"]),
        ("spec.names.plural", &names["plural"]),
        ("spec.names.kind", &names["kind"]),
    ] {
        if text(value).is_empty() {
            causes.push(Cause::required(field));
        }
    }
    if object::name(definition) != wanted {
        let why = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid(
            "metadata.name",
            &json!(object::name(definition)),
            why,
        ));
    }
    if !matches!(spec["scope"].as_str(), Some("Namespaced" | "Cluster")) {
        causes.push(Cause::unsupported(
            "spec.scope",
            &spec["scope"],
            &[json!("Cluster"), json!("Namespaced")],
        ));
    }
    check_conversion(&spec["conversion"], &mut causes);
    let stored = items(&spec["versions"])
        .iter()
        .filter(|version| version["storage"] == json!(true))
        .count();
    if stored != 1 {
        let why = "must have exactly one version marked as storage version";
        causes.push(Cause::invalid("spec.versions", &json!(stored), why));
    }
    for (index, version) in items(&spec["versions"]).iter().enumerate() {
        check_version(version, &format!("spec.versions[{index}]"), &mut causes);
    }
    causes
}

/// The Service that converts objects into any other version than the stored one.
fn converter(spec: &Value) -> Option<String> {
    let service = &spec["conversion"]["webhook"]["clientConfig"]["service"];
    (spec["conversion"]["strategy"] == json!("Webhook")).then(|| text(&service["name"]).to_owned())
}

fn check_conversion(conversion: &Value, causes: &mut Vec<Cause>) {
    let webhook = &conversion["webhook"];
    match conversion["strategy"].as_str() {
        // A merge patch that only changes the strategy is refused by the real one, too.
        Some("None") if !webhook.is_null() => causes.push(Cause::forbidden(
            "spec.conversion.webhook",
            "should not be set when strategy is not set to Webhook",
        )),
        Some("None") => {}
        Some("Webhook") => {
            if !webhook["clientConfig"]["service"]["name"].is_string() {
                causes.push(Cause::required("spec.conversion.webhook.clientConfig"));
            }
            if items(&webhook["conversionReviewVersions"]).is_empty() {
                causes.push(Cause::required(
                    "spec.conversion.webhook.conversionReviewVersions",
                ));
            }
        }
        _ => causes.push(Cause::unsupported(
            "spec.conversion.strategy",
            &conversion["strategy"],
            &[json!("None"), json!("Webhook")],
        )),
    }
}

fn check_version(version: &Value, path: &str, causes: &mut Vec<Cause>) {
    let schema = &version["schema"]["openAPIV3Schema"];
    if schema["type"] != json!("object") {
        causes.push(Cause::required(format!("{path}.schema.openAPIV3Schema.type")));
    }
    for pattern in schema::bad_patterns(schema) {
        let path = format!("{path}.schema.openAPIV3Schema.pattern");
        causes.push(Cause::invalid(
            path,
            &json!(pattern),
            "must be a valid regular expression",
        ));
    }
    for (index, column) in items(&version["additionalPrinterColumns"]).iter().enumerate() {
        if let Err(why) = table::check_printer_column(column) {
            let path = format!("{path}.additionalPrinterColumns[{index}].jsonPath");
            causes.push(Cause::invalid(path, &column["jsonPath"], why));
        }
    }
}

fn accepted(definition: &Value) -> Value {
    let (spec, now) = (&definition["spec"], object::now());
    let condition = |kind: &str, reason: &str, message: &str| {
        let mut condition = json!({ "type": kind, "status": "True", "lastTransitionTime": now });
        condition["reason"] = json!(reason);
        condition["message"] = json!(message);
        condition
    };
    let stored = items(&spec["versions"])
        .iter()
        .filter(|version| version["storage"] == json!(true));
    let stored: Vec<&Value> = stored.map(|version| &version["name"]).collect();
    json!({
        "acceptedNames": spec["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored,
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn texts(list: &Value) -> Vec<String> {
    items(list).iter().map(|value| text(value).to_owned()).collect()
}
