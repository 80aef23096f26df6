//! MetalLB's fields, types, defaults and columns, literally: nothing of its API may be missing or different here.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema_of;
use crate::api::crds;

/// One line a field: `path: type[/format] [= default] [required]`; a list's elements are `path[]`, a map's `path{}`.
fn fields(kind: &str) -> String {
    let mut lines = String::new();
    for part in ["spec", "status"] {
        let schema = schema_of(kind);
        if let Some(field) = schema["properties"].get(part) {
            let required = is_required(schema, part);
            describe(field, part, required, &mut lines);
        }
    }
    lines
}

fn is_required(schema: &Value, field: &str) -> bool {
    schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|name| name == field)
}

fn describe(schema: &Value, path: &str, required: bool, lines: &mut String) {
    let text = |field: &str| schema[field].as_str().unwrap_or_default();
    write!(lines, "{path}: {}", text("type")).unwrap();
    if schema["format"].is_string() {
        write!(lines, "/{}", text("format")).unwrap();
    }
    if let Some(default) = schema.get("default") {
        write!(lines, " = {default}").unwrap();
    }
    lines.push_str(if required { " required\n" } else { "\n" });
    if schema["items"].is_object() {
        describe(&schema["items"], &format!("{path}[]"), false, lines);
    }
    if schema["additionalProperties"].is_object() {
        describe(
            &schema["additionalProperties"],
            &format!("{path}{{}}"),
            false,
            lines,
        );
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        describe(field, &format!("{path}.{name}"), is_required(schema, name), lines);
    }
}

/// The fields of a label selector at `path`.
fn selector(path: &str) -> String {
    format!(
        "{path}: object\n\
         {path}.matchExpressions: array\n\
         {path}.matchExpressions[]: object\n\
         {path}.matchExpressions[].key: string required\n\
         {path}.matchExpressions[].operator: string required\n\
         {path}.matchExpressions[].values: array\n\
         {path}.matchExpressions[].values[]: string\n\
         {path}.matchLabels: object\n\
         {path}.matchLabels{{}}: string\n"
    )
}

fn selectors(path: &str) -> String {
    format!("{path}: array\n{}", selector(&format!("{path}[]")))
}

/// The columns of `kubectl get`: name, type, path, priority.
fn columns(kind: &str) -> Vec<(String, String, String, Option<i32>)> {
    let crd = crds()
        .into_iter()
        .find(|crd| crd.spec.names.kind == kind)
        .unwrap();
    let columns = crd.spec.versions[0]
        .additional_printer_columns
        .clone()
        .unwrap_or_default();
    columns
        .into_iter()
        .map(|c| (c.name, c.type_, c.json_path, c.priority))
        .collect()
}

fn column(name: &str, type_: &str, path: &str) -> (String, String, String, Option<i32>) {
    (name.to_owned(), type_.to_owned(), path.to_owned(), None)
}

#[test]
fn names_are_metallbs() {
    let names: Vec<(String, String, String)> = crds()
        .into_iter()
        .filter(|crd| crd.spec.group == "metallb.io")
        .map(|crd| {
            (
                crd.spec.names.plural,
                crd.spec.names.singular.unwrap(),
                crd.spec.versions[0].name.clone(),
            )
        })
        .collect();
    let name = |plural: &str, singular: &str| (plural.to_owned(), singular.to_owned(), "v1beta1".to_owned());
    let expected = [
        name("ipaddresspools", "ipaddresspool"),
        name("l2advertisements", "l2advertisement"),
        name("servicel2statuses", "servicel2status"),
        name("configurationstates", "configurationstate"),
    ];
    assert_eq!(names, expected);
}

#[test]
fn fields_of_a_pool() {
    let expected = "spec: object required\n\
        spec.addresses: array required\n\
        spec.addresses[]: string\n\
        spec.autoAssign: boolean = true\n\
        spec.avoidBuggyIPs: boolean = false\n\
        spec.serviceAllocation: object\n"
        .to_owned()
        + &selectors("spec.serviceAllocation.namespaceSelectors")
        + "spec.serviceAllocation.namespaces: array\n\
        spec.serviceAllocation.namespaces[]: string\n\
        spec.serviceAllocation.priority: integer\n"
        + &selectors("spec.serviceAllocation.serviceSelectors")
        + "status: object\n\
        status.assignedIPv4: integer/int64 required\n\
        status.assignedIPv6: integer/int64 required\n\
        status.availableIPv4: integer/int64 required\n\
        status.availableIPv6: integer/int64 required\n";
    assert_eq!(fields("IPAddressPool"), expected);
    let columns_of_a_pool = [
        column("Auto Assign", "boolean", ".spec.autoAssign"),
        column("Avoid Buggy IPs", "boolean", ".spec.avoidBuggyIPs"),
        column("Addresses", "string", ".spec.addresses"),
    ];
    assert_eq!(columns("IPAddressPool"), columns_of_a_pool);
}

#[test]
fn fields_of_an_advertisement() {
    let expected = "spec: object\n\
        spec.interfaces: array\n\
        spec.interfaces[]: string\n"
        .to_owned()
        + &selectors("spec.ipAddressPoolSelectors")
        + "spec.ipAddressPools: array\n\
        spec.ipAddressPools[]: string\n"
        + &selectors("spec.nodeSelectors")
        + "spec.preferredNodeSelectors: array\n\
        spec.preferredNodeSelectors[]: object\n"
        + &selector("spec.preferredNodeSelectors[].preference").replacen("object\n", "object required\n", 1)
        + "spec.preferredNodeSelectors[].weight: integer/int32 required\n"
        + &selectors("spec.serviceSelectors")
        + "status: object\n";
    assert_eq!(fields("L2Advertisement"), expected);
    let mut nodes = column("Node Selectors", "string", ".spec.nodeSelectors");
    nodes.3 = Some(10);
    let columns_of_an_advertisement = [
        column("IPAddressPools", "string", ".spec.ipAddressPools"),
        column(
            "IPAddressPool Selectors",
            "string",
            ".spec.ipAddressPoolSelectors",
        ),
        column("Interfaces", "string", ".spec.interfaces"),
        nodes,
    ];
    assert_eq!(columns("L2Advertisement"), columns_of_an_advertisement);
}

#[test]
fn fields_of_a_service_status() {
    // MetalLB's five, then ours.
    let expected = "spec: object\n\
        status: object\n\
        status.interfaces: array\n\
        status.interfaces[]: object\n\
        status.interfaces[].name: string\n\
        status.node: string\n\
        status.serviceName: string\n\
        status.serviceNamespace: string\n\
        status.addresses: array\n\
        status.addresses[]: string\n\
        status.epoch: integer/int64\n\
        status.mac: string\n\
        status.reason: string\n\
        status.since: string/date-time\n";
    let sorted = |text: &str| -> Vec<String> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&fields("ServiceL2Status")), sorted(expected));
    let columns_of_a_status = [
        column("Allocated Node", "string", ".status.node"),
        column("Service Name", "string", ".status.serviceName"),
        column("Service Namespace", "string", ".status.serviceNamespace"),
    ];
    assert_eq!(columns("ServiceL2Status"), columns_of_a_status);
}

#[test]
fn fields_of_a_configuration_state() {
    let expected = "status: object\n\
        status.conditions: array\n\
        status.conditions[]: object\n\
        status.conditions[].lastTransitionTime: string/date-time required\n\
        status.conditions[].message: string required\n\
        status.conditions[].observedGeneration: integer/int64\n\
        status.conditions[].reason: string required\n\
        status.conditions[].status: string required\n\
        status.conditions[].type: string required\n\
        status.errorSummary: string\n\
        status.result: string\n";
    assert_eq!(fields("ConfigurationState"), expected);
    assert_eq!(
        schema_of("ConfigurationState")["properties"]["status"]["properties"]["result"]["enum"],
        serde_json::json!(["Valid", "Invalid", "Unknown"])
    );
    let columns_of_a_state = [
        column("Result", "string", ".status.result"),
        column("ErrorSummary", "string", ".status.errorSummary"),
        column("Age", "date", ".metadata.creationTimestamp"),
    ];
    assert_eq!(columns("ConfigurationState"), columns_of_a_state);
}
