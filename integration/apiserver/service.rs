//! Services: the defaults, the allocated addresses and ports, and the checks of a real API server
//! (`k8s.io/kubernetes/pkg/registry/core/service`).

mod addresses;

use serde_json::{Value, json};

pub(crate) use self::addresses::Addresses;
use super::object::{self, items};
use super::status::Cause;
use super::strategy::default_ports;

/// Defaults, allocation and checks of a new Service.
pub(crate) fn create(service: &mut Value, addresses: &mut Addresses) -> Vec<Cause> {
    service["status"] = json!({ "loadBalancer": {} });
    object::default(service, "spec", json!({}));
    default_spec(&mut service["spec"]);
    let mut causes = check(&service["spec"]);
    if causes.is_empty() {
        causes.extend(addresses.allocate(&mut service["spec"], &Value::Null));
    }
    causes
}

/// The same for a changed one: what was allocated stays, what the new type cannot have goes.
pub(crate) fn update(service: &mut Value, before: &Value, addresses: &mut Addresses) -> Vec<Cause> {
    object::default(service, "spec", json!({}));
    let old = &before["spec"];
    keep_allocated(&mut service["spec"], old);
    drop_foreign(&mut service["spec"], old);
    default_spec(&mut service["spec"]);
    if !is_load_balancer(&service["spec"]) {
        service["status"]["loadBalancer"] = json!({});
    }
    let spec = &mut service["spec"];
    let mut causes = check(spec);
    if has_cluster_ip(old) && has_cluster_ip(spec) && old["clusterIP"] != spec["clusterIP"] {
        causes.push(Cause::invalid(
            "spec.clusterIPs[0]",
            &spec["clusterIP"],
            "may not change once set",
        ));
    }
    if is_load_balancer(old)
        && is_load_balancer(spec)
        && old["loadBalancerClass"] != spec["loadBalancerClass"]
    {
        causes.push(Cause::invalid(
            "spec.loadBalancerClass",
            &spec["loadBalancerClass"],
            "may not change once set",
        ));
    }
    if causes.is_empty() {
        causes.extend(addresses.allocate(spec, old));
    }
    causes
}

/// What may stand in `status.loadBalancer`. Each address gets its `ipMode`, which the writer did not send.
pub(crate) fn check_status(service: &mut Value) -> Vec<Cause> {
    let is_load_balancer = is_load_balancer(&service["spec"]);
    let path = "status.loadBalancer.ingress";
    let ingress = &mut service["status"]["loadBalancer"]["ingress"];
    if ingress.is_null() {
        object::remove(&mut service["status"]["loadBalancer"], "ingress");
        return Vec::new();
    }
    if !is_load_balancer && !items(ingress).is_empty() {
        return vec![Cause::forbidden(
            path,
            "may only be used when `spec.type` is 'LoadBalancer'",
        )];
    }
    let mut causes = Vec::new();
    for (index, entry) in ingress.as_array_mut().into_iter().flatten().enumerate() {
        let Some(ip) = entry["ip"].as_str().filter(|ip| !ip.is_empty()) else {
            continue;
        };
        if ip.parse::<std::net::IpAddr>().is_err() {
            let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            causes.push(Cause::invalid(format!("{path}[{index}].ip"), &json!(ip), why));
        }
        object::default(entry, "ipMode", "VIP");
    }
    causes
}

fn is_load_balancer(spec: &Value) -> bool {
    spec["type"] == json!("LoadBalancer")
}

fn is_external_name(spec: &Value) -> bool {
    spec["type"] == json!("ExternalName")
}

fn is_externally_accessible(spec: &Value) -> bool {
    is_load_balancer(spec) || spec["type"] == json!("NodePort") || !items(&spec["externalIPs"]).is_empty()
}

fn has_node_ports(spec: &Value) -> bool {
    spec["type"] == json!("NodePort")
        || is_load_balancer(spec) && spec["allocateLoadBalancerNodePorts"] != json!(false)
}

fn has_health_check_port(spec: &Value) -> bool {
    is_load_balancer(spec) && spec["externalTrafficPolicy"] == json!("Local")
}

fn has_cluster_ip(spec: &Value) -> bool {
    !is_external_name(spec) && spec["clusterIP"].as_str().is_some_and(|ip| !ip.is_empty())
}

/// `SetDefaults_Service`.
fn default_spec(spec: &mut Value) {
    object::default(spec, "type", "ClusterIP");
    object::default(spec, "sessionAffinity", "None");
    default_ports(spec, "protocol", "TCP");
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let target = port["port"].clone();
        object::default(port, "targetPort", target);
    }
    if is_externally_accessible(spec) {
        object::default(spec, "externalTrafficPolicy", "Cluster");
    }
    if !is_external_name(spec) {
        object::default(spec, "internalTrafficPolicy", "Cluster");
    }
    if is_load_balancer(spec) {
        object::default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// `patchAllocatedValues`: a writer that leaves out what the API server chose does not lose it.
fn keep_allocated(spec: &mut Value, old: &Value) {
    if !is_external_name(old) && !is_external_name(spec) {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if !old[field].is_null() {
                object::default(spec, field, old[field].clone());
            }
        }
    }
    if has_node_ports(old) && has_node_ports(spec) {
        for port in spec
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let number = port["port"].clone();
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
            let same = |other: &&Value| other["port"] == number && other["protocol"] == json!(protocol);
            if let Some(kept) = items(&old["ports"])
                .iter()
                .find(same)
                .filter(|kept| !kept["nodePort"].is_null())
            {
                object::default(port, "nodePort", kept["nodePort"].clone());
            }
        }
    }
    if has_health_check_port(old) && has_health_check_port(spec) && !old["healthCheckNodePort"].is_null() {
        object::default(spec, "healthCheckNodePort", old["healthCheckNodePort"].clone());
    }
}

/// `dropTypeDependentFields`: an unchanged field that the new type cannot have is not the writer's wish.
fn drop_foreign(spec: &mut Value, old: &Value) {
    let lost = |had: fn(&Value) -> bool| had(old) && !had(spec);
    let addressed = |spec: &Value| !is_external_name(spec);
    let lost_fields: [(&[&str], bool); 4] = [
        (
            &["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"],
            lost(addressed),
        ),
        (&["healthCheckNodePort"], lost(has_health_check_port)),
        (
            &["allocateLoadBalancerNodePorts", "loadBalancerClass"],
            lost(is_load_balancer),
        ),
        (&["externalTrafficPolicy"], lost(is_externally_accessible)),
    ];
    let no_node_ports = lost(has_node_ports);
    for field in lost_fields
        .into_iter()
        .filter(|(_, lost)| *lost)
        .flat_map(|(fields, _)| fields)
    {
        if spec[*field] == old[*field] {
            object::remove(spec, field);
        }
    }
    if no_node_ports {
        for port in spec
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if items(&old["ports"])
                .iter()
                .any(|old| old["nodePort"] == port["nodePort"])
            {
                object::remove(port, "nodePort");
            }
        }
    }
}

/// The part of `ValidateService` that a hand-written manifest runs into.
fn check(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (field, allowed) in ENUMS {
        let allowed: Vec<Value> = allowed.iter().map(|&value| json!(value)).collect();
        if !spec[*field].is_null() && !allowed.contains(&spec[*field]) {
            causes.push(Cause::unsupported(
                format!("spec.{field}"),
                &spec[*field],
                &allowed,
            ));
        }
    }
    let ports = items(&spec["ports"]);
    let headless = spec["clusterIP"] == json!("None");
    if ports.is_empty() && !headless && !is_external_name(spec) {
        causes.push(Cause::required("spec.ports"));
    }
    if headless && is_load_balancer(spec) {
        let why = "may not be set to 'None' for LoadBalancer services";
        causes.push(Cause::invalid("spec.clusterIPs[0]", &spec["clusterIP"], why));
    }
    if !spec["externalTrafficPolicy"].is_null() && !is_externally_accessible(spec) {
        let why = "may only be set for externally-accessible services";
        causes.push(Cause::invalid(
            "spec.externalTrafficPolicy",
            &spec["externalTrafficPolicy"],
            why,
        ));
    }
    if !spec["loadBalancerClass"].is_null() && !is_load_balancer(spec) {
        causes.push(Cause::forbidden(
            "spec.loadBalancerClass",
            "may only be used when `type` is 'LoadBalancer'",
        ));
    }
    check_ports(ports, &mut causes);
    causes
}

/// Fields with a closed list of values.
const ENUMS: &[(&str, &[&str])] = &[
    ("type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ("sessionAffinity", &["ClientIP", "None"]),
    ("externalTrafficPolicy", &["Cluster", "Local"]),
    ("internalTrafficPolicy", &["Cluster", "Local"]),
    (
        "ipFamilyPolicy",
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
    ),
];

fn check_ports(ports: &[Value], causes: &mut Vec<Cause>) {
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if !port["port"]
            .as_u64()
            .is_some_and(|number| (1..=65535).contains(&number))
        {
            let why = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(format!("{path}.port"), &port["port"], why));
        }
        if !matches!(port["protocol"].as_str(), Some("TCP" | "UDP" | "SCTP")) {
            let allowed = [json!("SCTP"), json!("TCP"), json!("UDP")];
            causes.push(Cause::unsupported(
                format!("{path}.protocol"),
                &port["protocol"],
                &allowed,
            ));
        }
        if ports.len() > 1 && port["name"].as_str().is_none_or(str::is_empty) {
            causes.push(Cause::required(format!("{path}.name")));
        }
        let same = |other: &Value| other["port"] == port["port"] && other["protocol"] == port["protocol"];
        if ports.iter().take(index).any(same) {
            causes.push(Cause::duplicate(path, port));
        }
    }
}

#[cfg(test)]
mod tests;
