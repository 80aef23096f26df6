//! The columns of each kind, after `k8s.io/kubernetes/pkg/printers/internalversion/printers.go`.

use serde_json::{Value, json};

use super::{age, jsonpath, name};
use crate::apiserver::object::{self, items};
use crate::apiserver::resource::Resource;

/// Longest list of ports or endpoints before it ends in `+ n more...`.
const LISTED: usize = 3;

/// One column: its heading, and how a cell is made of an object.
pub(super) struct Column {
    heading: String,
    kind: String,
    format: &'static str,
    description: String,
    priority: i64,
    content: Content,
}

enum Content {
    Built(fn(&Value) -> Value),
    Path(jsonpath::Path),
}

impl Column {
    fn new(heading: &str, priority: i64, cell: fn(&Value) -> Value) -> Self {
        let format = if heading == "Name" { "name" } else { "" };
        let (heading, kind) = (heading.to_owned(), "string".to_owned());
        Self {
            description: heading.clone(),
            heading,
            kind,
            format,
            priority,
            content: Content::Built(cell),
        }
    }

    /// How long the object has been there.
    pub(super) fn age() -> Self {
        Self::new("Age", 0, |stored| {
            json!(age::since(&stored["metadata"]["creationTimestamp"]))
        })
    }

    /// One of `additionalPrinterColumns`; `None` where its path is not understood.
    pub(super) fn printer(column: &Value) -> Option<Self> {
        let text = |field: &str| column[field].as_str().unwrap_or_default().to_owned();
        let path = jsonpath::Path::parse(&text("jsonPath")).ok()?;
        Some(Self {
            heading: text("name"),
            kind: text("type"),
            format: "",
            description: text("description"),
            priority: column["priority"].as_i64().unwrap_or_default(),
            content: Content::Path(path),
        })
    }

    /// The heading, as a `TableColumnDefinition`.
    pub(super) fn definition(&self) -> Value {
        json!({
            "name": self.heading,
            "type": self.kind,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        })
    }

    /// The cell of one object.
    pub(super) fn cell(&self, stored: &Value) -> Value {
        match &self.content {
            Content::Built(cell) => cell(stored),
            Content::Path(path) => path
                .first(stored)
                .map_or(Value::Null, |value| typed(&self.kind, value)),
        }
    }
}

/// `cellForJSONValue`: a value of another type than the column's is an empty cell; strings take anything.
fn typed(kind: &str, value: &Value) -> Value {
    match (kind, value) {
        ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("number" | "integer", Value::Number(_)) => value.clone(),
        ("string", other) => json!(other.to_string()),
        ("date", Value::String(_)) => json!(age::since(value)),
        _ => Value::Null,
    }
}

/// Text at a path of fields; `<none>` where there is none.
macro_rules! text {
    ($stored:ident, $($field:literal)+) => { json!(or_none($stored$([$field])+.as_str())) };
}

fn or_none(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("<none>")
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn entries(map: &Value) -> Value {
    json!(map.as_object().map_or(0, serde_json::Map::len))
}

/// The columns of a built-in kind; of a custom resource, its name alone.
pub(super) fn built_in(resource: &Resource) -> Vec<Column> {
    let column = Column::new;
    let mut columns = vec![column("Name", 0, name)];
    if resource.custom.is_some() {
        return columns;
    }
    let own = match resource.plural.as_str() {
        "events" => return events(),
        "services" => services(),
        "nodes" => nodes(),
        "pods" => pods(),
        "customresourcedefinitions" => {
            vec![column("Created At", 0, |stored| {
                stored["metadata"]["creationTimestamp"].clone()
            })]
        }
        "namespaces" => {
            vec![
                column("Status", 0, |stored| json!(plain(&stored["status"]["phase"]))),
                Column::age(),
            ]
        }
        "secrets" => vec![
            column("Type", 0, |stored| stored["type"].clone()),
            column("Data", 0, |stored| entries(&stored["data"])),
            Column::age(),
        ],
        "configmaps" => vec![
            column("Data", 0, |stored| entries(&stored["data"])),
            Column::age(),
        ],
        "leases" => {
            vec![
                column("Holder", 0, |stored| {
                    json!(plain(&stored["spec"]["holderIdentity"]))
                }),
                Column::age(),
            ]
        }
        "endpointslices" => endpoint_slices(),
        "validatingwebhookconfigurations" => {
            vec![
                column("Webhooks", 0, |stored| json!(items(&stored["webhooks"]).len())),
                Column::age(),
            ]
        }
        _ => vec![Column::age()],
    };
    columns.extend(own);
    columns
}

fn services() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("Type", 0, |stored| stored["spec"]["type"].clone()),
        column("Cluster-IP", 0, |stored| {
            json!(or_none(stored["spec"]["clusterIPs"][0].as_str()))
        }),
        column("External-IP", 0, |stored| json!(external_ip(stored))),
        column("Port(s)", 0, |stored| json!(ports(&stored["spec"]["ports"]))),
        Column::age(),
        column("Selector", 1, |stored| json!(labels(&stored["spec"]["selector"]))),
    ]
}

fn external_ip(service: &Value) -> String {
    let spec = &service["spec"];
    let own = items(&spec["externalIPs"]).iter().filter_map(Value::as_str);
    match plain(&spec["type"]) {
        "ExternalName" => plain(&spec["externalName"]).to_owned(),
        "LoadBalancer" => {
            let ingress = items(&service["status"]["loadBalancer"]["ingress"]).iter();
            let mut ips: Vec<&str> = ingress
                .filter_map(|entry| entry["ip"].as_str().or(entry["hostname"].as_str()))
                .collect();
            ips.sort_unstable();
            ips.dedup();
            ips.extend(own);
            if ips.is_empty() {
                "<pending>".to_owned()
            } else {
                ips.join(",")
            }
        }
        _ => or_none(Some(&own.collect::<Vec<_>>().join(","))).to_owned(),
    }
}

fn ports(ports: &Value) -> String {
    let port = |port: &Value| match port["nodePort"].as_u64() {
        Some(node_port) => format!("{}:{node_port}/{}", port["port"], plain(&port["protocol"])),
        None => format!("{}/{}", port["port"], plain(&port["protocol"])),
    };
    let text = items(ports).iter().map(port).collect::<Vec<_>>().join(",");
    or_none(Some(&text)).to_owned()
}

fn labels(map: &Value) -> String {
    let pairs = map
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", plain(value)));
    or_none(Some(&pairs.collect::<Vec<_>>().join(","))).to_owned()
}

fn nodes() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("Status", 0, |stored| json!(node_status(stored))),
        column("Roles", 0, |stored| json!(node_roles(stored))),
        Column::age(),
        column("Version", 0, |stored| {
            json!(plain(&stored["status"]["nodeInfo"]["kubeletVersion"]))
        }),
        column("Internal-IP", 1, |stored| {
            json!(node_address(stored, "InternalIP"))
        }),
        column("External-IP", 1, |stored| {
            json!(node_address(stored, "ExternalIP"))
        }),
        column("OS-Image", 1, |stored| json!(node_info(stored, "osImage"))),
        column("Kernel-Version", 1, |stored| {
            json!(node_info(stored, "kernelVersion"))
        }),
        column("Container-Runtime", 1, |stored| {
            json!(node_info(stored, "containerRuntimeVersion"))
        }),
    ]
}

fn node_status(node: &Value) -> String {
    let ready = items(&node["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == "Ready");
    let status = match ready.map(|condition| plain(&condition["status"])) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = node["spec"]["unschedulable"] == json!(true);
    if cordoned {
        format!("{status},SchedulingDisabled")
    } else {
        status.to_owned()
    }
}

fn node_roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let roles = labels.filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    or_none(Some(
        &roles
            .filter(|role| !role.is_empty())
            .collect::<Vec<_>>()
            .join(","),
    ))
    .to_owned()
}

fn node_address<'a>(node: &'a Value, kind: &str) -> &'a str {
    let address = items(&node["status"]["addresses"])
        .iter()
        .find(|address| address["type"] == kind);
    or_none(address.and_then(|address| address["address"].as_str()))
}

fn node_info<'a>(node: &'a Value, field: &str) -> &'a str {
    node["status"]["nodeInfo"][field]
        .as_str()
        .filter(|text| !text.is_empty())
        .unwrap_or("<unknown>")
}

fn pods() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("Ready", 0, |stored| {
            let statuses = items(&stored["status"]["containerStatuses"]).iter();
            let ready = statuses.filter(|status| status["ready"] == json!(true)).count();
            json!(format!("{ready}/{}", items(&stored["spec"]["containers"]).len()))
        }),
        column("Status", 0, |stored| {
            let reason = stored["status"]["reason"]
                .as_str()
                .or(stored["status"]["phase"].as_str());
            json!(if object::is_deleting(stored) {
                "Terminating"
            } else {
                reason.unwrap_or_default()
            })
        }),
        column("Restarts", 0, |stored| {
            let statuses = items(&stored["status"]["containerStatuses"]).iter();
            json!(
                statuses
                    .filter_map(|status| status["restartCount"].as_u64())
                    .sum::<u64>()
                    .to_string()
            )
        }),
        Column::age(),
        column("IP", 1, |stored| text!(stored, "status" "podIP")),
        column("Node", 1, |stored| text!(stored, "spec" "nodeName")),
        column(
            "Nominated Node",
            1,
            |stored| text!(stored, "status" "nominatedNodeName"),
        ),
        column("Readiness Gates", 1, |_| json!("<none>")),
    ]
}

fn endpoint_slices() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("AddressType", 0, |stored| stored["addressType"].clone()),
        column("Ports", 0, |stored| {
            let port = |port: &Value| {
                port["port"]
                    .as_u64()
                    .map_or("*".to_owned(), |port| port.to_string())
            };
            json!(listed(items(&stored["ports"]).iter().map(port).collect()))
        }),
        column("Endpoints", 0, |stored| {
            let addresses = items(&stored["endpoints"])
                .iter()
                .flat_map(|endpoint| items(&endpoint["addresses"]));
            json!(listed(
                addresses.map(|address| plain(address).to_owned()).collect()
            ))
        }),
        Column::age(),
    ]
}

fn listed(all: Vec<String>) -> String {
    let more = all.len().saturating_sub(LISTED);
    let shown = all.into_iter().take(LISTED).collect::<Vec<_>>().join(",");
    match (shown.is_empty(), more) {
        (true, _) => "<unset>".to_owned(),
        (false, 0) => shown,
        (false, more) => format!("{shown} + {more} more..."),
    }
}

fn events() -> Vec<Column> {
    let column = Column::new;
    vec![
        column("Last Seen", 0, |stored| json!(last_seen(stored))),
        column("Type", 0, |stored| json!(plain(&stored["type"]))),
        column("Reason", 0, |stored| json!(plain(&stored["reason"]))),
        column("Object", 0, |stored| {
            let about = &stored["involvedObject"];
            json!(format!(
                "{}/{}",
                plain(&about["kind"]).to_lowercase(),
                plain(&about["name"])
            ))
        }),
        column("Subobject", 1, |stored| {
            json!(plain(&stored["involvedObject"]["fieldPath"]))
        }),
        column("Source", 1, |stored| json!(event_source(stored))),
        column("Message", 0, |stored| json!(plain(&stored["message"]).trim())),
        column("First Seen", 1, |stored| json!(first_seen(stored))),
        column("Count", 1, |stored| {
            let count = stored["series"]["count"].as_u64().or(stored["count"].as_u64());
            json!(count.unwrap_or(1).max(1).to_string())
        }),
        column("Name", 1, name),
    ]
}

fn first_seen(event: &Value) -> String {
    let first = &event["firstTimestamp"];
    age::since(if first.is_null() {
        &event["eventTime"]
    } else {
        first
    })
}

fn last_seen(event: &Value) -> String {
    let (series, last) = (&event["series"]["lastObservedTime"], &event["lastTimestamp"]);
    match (series.is_null(), last.is_null()) {
        (false, _) => age::since(series),
        (true, false) => age::since(last),
        (true, true) => first_seen(event),
    }
}

fn event_source(event: &Value) -> String {
    let first = |one: &Value, other: &Value| {
        let one = one.as_str().filter(|text| !text.is_empty());
        one.or(other.as_str()).unwrap_or_default().to_owned()
    };
    let component = first(&event["source"]["component"], &event["reportingComponent"]);
    let host = first(&event["source"]["host"], &event["reportingInstance"]);
    if host.is_empty() {
        component
    } else {
        format!("{component}, {host}")
    }
}
