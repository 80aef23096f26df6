//! `docs/configuration.md` is what the types say today: fields, defaults, bounds, and what the API server refuses.

use std::fmt::Write as _;
use std::fs;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;
use tiklb_core::ipam::request;

use super::root;
use crate::api::{annotation, crds};

/// What stands before the kinds.
const HEAD: &str = "# Configuration

Everything that you write and read, from the types in `src/api`; `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` writes this
page anew. All objects live in tiklb's namespace (`metallb-system`); in any other the API server refuses them. A field that
is not here is not there: `kubectl apply` says so, unless `--validate=false` or an old client keeps it quiet.

\"Refused\" are the API server's words where a value does not fit. What only shows when several objects are seen together
(two pools that overlap, an advertisement without a pool) is not refused: the [ConfigurationState](#configurationstate) and
an event name it, and everything else goes on. Flags of the two programs: `tiklb allocator --help`, `tiklb speaker --help`;
values of the chart: `deploy/chart/values.yaml`.
";

/// The order in which a person meets them, each with a name and an example that the API server takes.
const KINDS: [(&str, &str, &str); 7] = [
    (
        "IPAddressPool",
        "lan",
        "spec:\n  addresses: [192.168.1.200-192.168.1.220]\n",
    ),
    ("L2Advertisement", "lan", "spec:\n  ipAddressPools: [lan]\n"),
    (
        "MikrotikRouter",
        "router",
        "spec:\n  url: https://192.168.1.1\n  clusterName: home\n  credentialsSecretRef: {name: mikrotik}\n  tls: {caSecretRef: {name: mikrotik-ca}}\n",
    ),
    (
        "AddressReservation",
        "photos",
        "spec:\n  address: 192.168.1.205\n  for: media/photos\n  note: Anna's photos\n",
    ),
    ("ServiceL2Status", "", ""),
    ("ConfigurationState", "", ""),
    ("AddressConflict", "", ""),
];

/// What people write on Services: the annotation without its prefix, and what it asks for.
const ON_SERVICES: [(&str, &str); 3] = [
    (
        "loadBalancerIPs",
        "These addresses and no others: one, or one of each family with a comma between them. Not together with `spec.loadBalancerIP`.",
    ),
    (
        "address-pool",
        "An address of this pool, also where its `autoAssign` is false.",
    ),
    (
        "allow-shared-ip",
        "Services with the same value may share an address, where their ports differ and, with `externalTrafficPolicy: Local`, their selectors are the same.",
    ),
];

/// The page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    for (kind, name, example) in KINDS {
        let crd = crds()
            .into_iter()
            .find(|crd| crd.spec.names.kind == kind)
            .unwrap();
        page += &section(&crd, name, example);
    }
    page += &selectors();
    page += &annotations();
    page
}

fn section(crd: &CustomResourceDefinition, name: &str, example: &str) -> String {
    let version = &crd.spec.versions[0];
    let schema = version.schema.clone().unwrap().open_api_v3_schema.unwrap();
    let schema = serde_json::to_value(schema).unwrap();
    let (kind, group) = (&crd.spec.names.kind, &crd.spec.group);
    let mut text = format!(
        "\n## {kind}\n\n`{group}/{}`, `kubectl -n metallb-system get {}`. {}\n",
        version.name,
        crd.spec.names.plural,
        said(&schema["description"])
    );
    if !example.is_empty() {
        write!(
            text,
            "\n```yaml\napiVersion: {group}/{}\nkind: {kind}\nmetadata: {{name: {name}, namespace: metallb-system}}\n{example}```\n",
            version.name
        )
        .unwrap();
    }
    for part in ["spec", "status"] {
        let schema = &schema["properties"][part];
        let mut rows = String::new();
        fields(schema, part, &mut rows);
        if rows.is_empty() {
            continue;
        }
        write!(
            text,
            "\n{}{}\n\n| field | type | default | |\n|---|---|---|---|\n{rows}",
            said(&schema["description"]),
            refusals(schema)
        )
        .unwrap();
    }
    text
}

/// A row for each field, depth first: an object's own before those in it.
fn fields(schema: &Value, path: &str, rows: &mut String) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, field) in properties {
        let path = format!("{path}.{name}");
        let required = schema["required"]
            .as_array()
            .is_some_and(|names| names.contains(&Value::from(name.as_str())));
        let default = match (&field["default"], required && !path.starts_with("status")) {
            (Value::Null, true) => "required".to_owned(),
            // Its fields have theirs.
            (Value::Null | Value::Object(_), _) => String::new(),
            (Value::String(text), _) => format!("`{text}`"),
            (other, _) => format!("`{other}`"),
        };
        let items = &field["items"];
        let inner = if items.is_null() { field } else { items };
        let own = format!(
            "{}{}{}",
            said(&field["description"]),
            bounds(field),
            refusals(field)
        );
        let of_items = format!("{}{}", bounds(items), refusals(items));
        let of_items = if of_items.is_empty() {
            of_items
        } else {
            format!(" Each entry:{of_items}")
        };
        let cells = format!("{own}{of_items}").replace('|', "\\|");
        writeln!(rows, "| `{path}` | {} | {default} | {cells} |", type_of(field)).unwrap();
        if !is_selector(inner) && !is_condition(inner) {
            fields(
                inner,
                &format!("{path}{}", if items.is_null() { "" } else { "[]" }),
                rows,
            );
        }
    }
}

fn is_selector(schema: &Value) -> bool {
    !schema["properties"]["matchExpressions"].is_null()
}

/// Kubernetes' own, the same everywhere.
fn is_condition(schema: &Value) -> bool {
    !schema["properties"]["lastTransitionTime"].is_null()
}

fn type_of(field: &Value) -> String {
    if is_selector(field) {
        return "[selector](#selectors)".to_owned();
    }
    if is_condition(field) {
        return "[condition](conditions.md)".to_owned();
    }
    if let Some(words) = field["enum"].as_array() {
        let words: Vec<String> = words.iter().map(|word| format!("`{}`", said(word))).collect();
        return words.join(", ");
    }
    match field["type"].as_str().unwrap_or("any") {
        "array" => format!("list of {}", type_of(&field["items"])),
        "string" if field["format"] == "date-time" => "time".to_owned(),
        other => other.to_owned(),
    }
}

/// How long, how many, how large.
fn bounds(field: &Value) -> String {
    let number = |name: &str| field[name].as_f64();
    let mut text = String::new();
    for (name, words) in [("maxLength", "characters"), ("maxItems", "entries")] {
        if let Some(most) = number(name) {
            write!(text, " At most {most} {words}.").unwrap();
        }
    }
    if let (Some(least), Some(most)) = (number("minimum"), number("maximum")) {
        write!(text, " From {least} to {most}.").unwrap();
    }
    text
}

/// What the rules of a schema say where they do not hold.
fn refusals(schema: &Value) -> String {
    let rules = schema["x-kubernetes-validations"]
        .as_array()
        .into_iter()
        .flatten();
    let words = rules.map(|rule| {
        let field = rule["fieldPath"]
            .as_str()
            .map(|path| format!("{}: ", path.trim_start_matches('.')));
        format!(
            " Refused: \u{201c}{}{}\u{201d}.",
            field.unwrap_or_default(),
            said(&rule["message"])
        )
    });
    words.collect::<Vec<String>>().concat()
}

/// One line.
fn said(text: &Value) -> String {
    text.as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The same in every kind that has them.
fn selectors() -> String {
    let pool = crds()
        .into_iter()
        .find(|crd| crd.spec.names.kind == "IPAddressPool")
        .unwrap();
    let schema = pool.spec.versions[0]
        .schema
        .clone()
        .unwrap()
        .open_api_v3_schema
        .unwrap();
    let schema = serde_json::to_value(schema).unwrap();
    let allocation = &schema["properties"]["spec"]["properties"]["serviceAllocation"];
    let selector = &allocation["properties"]["serviceSelectors"]["items"];
    assert!(is_selector(selector), "{selector}");
    let mut rows = String::new();
    fields(selector, "selector", &mut rows);
    format!(
        "\n## Selectors\n\nKubernetes' label selectors. An empty one fits everything.\n\n| field | type | default | |\n|---|---|---|---|\n{rows}"
    )
}

fn annotations() -> String {
    let mut text = "\n## Annotations\n\n| on | annotation | |\n|---|---|---|\n".to_owned();
    for (name, asks) in ON_SERVICES {
        writeln!(text, "| Service | `{}{name}` | {asks} |", request::PREFIX).unwrap();
    }
    writeln!(
        text,
        "| Service | `{}` | `true`: the static lease that somebody wrote on the router for the address asked for is meant for this Service. It is left as it is. |",
        request::USE_EXISTING_LEASE
    )
    .unwrap();
    writeln!(
        text,
        "| Service | `{}` | Written by the allocator: the pool of the address. |",
        annotation::IP_ALLOCATED_FROM_POOL
    )
    .unwrap();
    writeln!(
        text,
        "| MikrotikRouter | `{}` | Your word for many removals at once: the hash that the condition `ReservationsInSync` tells. Good for those alone. |",
        annotation::CONFIRM
    )
    .unwrap();
    write!(
        text,
        "\nThe first three also work under MetalLB's former `{}`; where both stand, the new one counts.\n\
         \nOf a Service's own fields these count: `spec.type`, `spec.loadBalancerClass` (with `--lb-class`), `spec.loadBalancerIP`,\n\
         `spec.externalTrafficPolicy`, `spec.ipFamilies`, `spec.ipFamilyPolicy`.\n",
        request::DEPRECATED_PREFIX
    )
    .unwrap();
    text
}

#[test]
fn the_page_of_the_configuration_is_that_of_the_types() {
    let path = root("docs/configuration.md");
    let expected = page();
    if std::env::var_os("TIKLB_UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, &expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/configuration.md is not what src/api says: run `TIKLB_UPDATE=1 cargo test -p tiklb --lib api` and commit it"
    );
}

#[test]
fn every_kind_and_every_field_that_people_write_is_on_the_page_with_words() {
    let page = page();
    assert_eq!(KINDS.len(), crds().len(), "a kind is missing from the page");
    for row in page.lines().filter(|line| line.starts_with("| `spec.")) {
        assert!(!row.ends_with("|  |"), "a field without words: {row}");
    }
    for field in [
        "spec.addresses",
        "spec.dhcp.evict",
        "spec.tls.pins",
        "spec.for",
        "status.taken[].ranges",
    ] {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
    }
}

/// The examples are what a person copies first.
#[test]
fn the_examples_on_the_page_are_accepted() {
    let page = page();
    let examples = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let mut seen = 0;
    for example in examples {
        for object in super::documents(example) {
            super::rules(&object, None).unwrap();
            super::decodes(&object).unwrap();
            seen += 1;
        }
    }
    assert_eq!(seen, 4);
}
