//! Tables for a person: ages, paths, cells.

use std::sync::Arc;

use serde_json::{Value, json};

use super::age::human;
use super::jsonpath::Path;
use super::{Include, table};
use crate::apiserver::resource::{Custom, Resource, built_in};

#[test]
fn ages_read_as_kubectl_writes_them() {
    let (minute, hour, day) = (60, 3600, 86_400);
    for (seconds, wanted) in [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (2 * minute, "2m"),
        (2 * minute + 1, "2m1s"),
        (10 * minute + 59, "10m"),
        (179 * minute, "179m"),
        (3 * hour, "3h"),
        (3 * hour + 5 * minute, "3h5m"),
        (8 * hour + 5 * minute, "8h"),
        (47 * hour, "47h"),
        (2 * day, "2d"),
        (2 * day + hour, "2d1h"),
        (8 * day + hour, "8d"),
        (729 * day, "729d"),
        (2 * 365 * day, "2y"),
        (2 * 365 * day + day, "2y1d"),
        (9 * 365 * day + day, "9y"),
    ] {
        assert_eq!(human(seconds), wanted, "{seconds} s");
    }
}

#[test]
fn paths_find_the_first_value() {
    let object = json!({
        "spec": { "list": [{ "name": "a" }, { "name": "b" }], "text": "x" },
        "metadata": { "annotations": { "tiklb.io/note": "n" } },
        "status": { "conditions": [{ "type": "A", "status": "False" }, { "type": "Ready", "status": "True" }] },
    });
    for (path, wanted) in [
        (".spec.text", Some(json!("x"))),
        (".spec.list[*].name", Some(json!("a"))),
        (".spec.list[1].name", Some(json!("b"))),
        (".spec.list[7].name", None),
        (".spec['text']", Some(json!("x"))),
        (".metadata.annotations['tiklb.io/note']", Some(json!("n"))),
        (".metadata.annotations['tiklb\\.io/note']", Some(json!("n"))),
        (".metadata.annotations.tiklb\\.io/note", Some(json!("n"))),
        (
            ".status.conditions[?(@.type==\"Ready\")].status",
            Some(json!("True")),
        ),
        (".status.conditions[?(@.type=='Gone')].status", None),
        (".spec.text.deeper", None),
    ] {
        assert_eq!(
            Path::parse(path).unwrap().first(&object),
            wanted.as_ref(),
            "{path}"
        );
    }
    for path in [
        "spec",
        "..spec",
        ".a[",
        ".a[b]",
        ".a[?(@.b)]",
        ".a[?(@.b==c)]",
        ".a.",
    ] {
        assert!(Path::parse(path).is_err(), "{path}");
    }
}

fn resource(group: &str, plural: &str) -> Resource {
    built_in()
        .find(|resource| resource.group == group && resource.plural == plural)
        .unwrap()
}

/// The cells of one object, with its columns' names.
fn cells(resource: &Resource, object: Value) -> Vec<(String, Value)> {
    let table = table(resource, &[Arc::new(object)], Include::None, true, &json!({}));
    let names = table["columnDefinitions"].as_array().unwrap().iter();
    let names = names.map(|column| column["name"].as_str().unwrap().to_owned());
    names
        .zip(table["rows"][0]["cells"].as_array().unwrap().iter().cloned())
        .collect()
}

fn assert_cell(cells: &[(String, Value)], name: &str, wanted: &Value) {
    let found = cells
        .iter()
        .find(|(column, _)| column == name)
        .map(|(_, cell)| cell);
    assert_eq!(found, Some(wanted), "{name} in {cells:?}");
}

#[test]
fn services_show_every_kind_of_address() {
    let services = resource("", "services");
    let entries = json!([{ "ip": "2.2.2.2" }, { "hostname": "a.b" }, { "ip": "1.1.1.1" }]);
    let ingress = json!({ "loadBalancer": { "ingress": entries } });
    for (spec, status, wanted) in [
        (json!({ "type": "ClusterIP" }), json!({}), "<none>"),
        (
            json!({ "type": "NodePort", "externalIPs": ["9.9.9.9"] }),
            json!({}),
            "9.9.9.9",
        ),
        (json!({ "type": "LoadBalancer" }), json!({}), "<pending>"),
        (
            json!({ "type": "LoadBalancer" }),
            ingress.clone(),
            "1.1.1.1,2.2.2.2,a.b",
        ),
        (
            json!({ "type": "LoadBalancer", "externalIPs": ["9.9.9.9"] }),
            ingress,
            "1.1.1.1,2.2.2.2,a.b,9.9.9.9",
        ),
        (
            json!({ "type": "ExternalName", "externalName": "c.d" }),
            json!({}),
            "c.d",
        ),
    ] {
        let cells = cells(&services, json!({ "spec": spec, "status": status }));
        assert_cell(&cells, "External-IP", &json!(wanted));
        assert_cell(&cells, "Port(s)", &json!("<none>"));
    }
}

#[test]
fn nodes_show_whether_they_serve() {
    let nodes = resource("", "nodes");
    let ready = |status: &str| json!({ "conditions": [{ "type": "Ready", "status": status }] });
    for (spec, status, wanted) in [
        (json!({}), ready("True"), "Ready"),
        (json!({}), ready("False"), "NotReady"),
        (json!({}), ready("Unknown"), "NotReady"),
        (json!({}), json!({}), "Unknown"),
        (
            json!({ "unschedulable": true }),
            ready("True"),
            "Ready,SchedulingDisabled",
        ),
    ] {
        assert_cell(
            &cells(&nodes, json!({ "spec": spec, "status": status })),
            "Status",
            &json!(wanted),
        );
    }
}

#[test]
fn the_other_kinds_show_what_matters() {
    let slice = json!({
        "addressType": "IPv4",
        "ports": [{ "port": 80 }, { "name": "any" }],
        "endpoints": [{ "addresses": ["1.1.1.1", "1.1.1.2"] }, { "addresses": ["1.1.1.3", "1.1.1.4", "1.1.1.5"] }],
    });
    let slice = cells(&resource("discovery.k8s.io", "endpointslices"), slice);
    assert_cell(&slice, "Endpoints", &json!("1.1.1.1,1.1.1.2,1.1.1.3 + 2 more..."));
    assert_cell(&slice, "Ports", &json!("80,*"));
    let empty = cells(&resource("discovery.k8s.io", "endpointslices"), json!({}));
    assert_cell(&empty, "Endpoints", &json!("<unset>"));
    let pod = json!({
        "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" },
        "spec": { "containers": [{}, {}] },
        "status": {
            "phase": "Running",
            "containerStatuses": [{ "ready": true, "restartCount": 2 }, { "restartCount": 1 }],
        },
    });
    let pod = cells(&resource("", "pods"), pod);
    assert_cell(&pod, "Ready", &json!("1/2"));
    assert_cell(&pod, "Status", &json!("Terminating"));
    assert_cell(&pod, "Restarts", &json!("3"));
    let event = json!({
        "involvedObject": { "kind": "Service", "name": "web" },
        "series": { "count": 7, "lastObservedTime": "2020-01-01T00:00:00.000000Z" },
        "source": { "component": "kubelet", "host": "node-1" },
    });
    let event = cells(&resource("", "events"), event);
    assert_cell(&event, "Object", &json!("service/web"));
    assert_cell(&event, "Count", &json!("7"));
    assert_cell(&event, "Source", &json!("kubelet, node-1"));
    assert_cell(&event, "First Seen", &json!("<unknown>"));
    assert_cell(
        &cells(&resource("", "secrets"), json!({ "data": { "a": "", "b": "" } })),
        "Data",
        &json!(2),
    );
}

#[test]
fn printer_columns_hold_to_their_type() {
    let column = |kind: &str| json!({ "name": kind, "type": kind, "jsonPath": format!(".{kind}") });
    let columns = ["string", "integer", "number", "boolean", "date"]
        .map(column)
        .to_vec();
    let mut widgets = resource("", "configmaps");
    widgets.custom = Some(Custom {
        schema: json!({}),
        columns,
        ..Custom::default()
    });
    let date = "2020-01-01T00:00:00Z";
    let fitting = json!({ "string": "s", "integer": 1, "number": 1.5, "boolean": true, "date": date });
    let shown = cells(&widgets, fitting);
    assert_eq!(
        shown[..5].iter().map(|(_, cell)| cell).collect::<Vec<_>>()[1..],
        [&json!("s"), &json!(1), &json!(1.5), &json!(true)]
    );
    assert!(
        shown[5]
            .1
            .as_str()
            .is_some_and(|age| age.ends_with('d') || age.contains('y')),
        "{shown:?}"
    );
    let unfit = json!({ "string": [1], "integer": "1", "number": true, "boolean": "true", "date": 1 });
    let shown: Vec<Value> = cells(&widgets, unfit).into_iter().map(|(_, cell)| cell).collect();
    assert_eq!(
        shown[1..],
        [json!("[1]"), Value::Null, Value::Null, Value::Null, Value::Null]
    );
    widgets.custom = Some(Custom {
        schema: json!({}),
        ..Custom::default()
    });
    assert_eq!(
        cells(&widgets, json!({}))[1].0,
        "Age",
        "a kind without columns shows its age"
    );
}
