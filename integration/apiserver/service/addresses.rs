//! What the API server allocates to Services: cluster addresses, node ports, health check ports.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{has_health_check_port, has_node_ports, is_external_name};
use crate::apiserver::object::{self, items};
use crate::apiserver::status::Cause;

/// First address of the IPv4 service range, 10.43.0.0/16 as k3s has it. The first one given out is `.0.1`.
const IPV4_BASE: u32 = 0x0a2b_0000;
/// Addresses in that range.
const IPV4_COUNT: u32 = 1 << 16;
/// First address of the IPv6 service range, `fd43::/112`, of the same size.
const IPV6_BASE: u128 = 0xfd43 << 112;
/// The node ports of a real API server (`--service-node-port-range`).
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;

/// The addresses and ports in use, and where the next search begins.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    ips: BTreeSet<String>,
    ports: BTreeSet<u64>,
    next_ip: u32,
    next_port: u16,
}

impl Addresses {
    /// Gives a Service what it lacks. `old` is its former spec, whose addresses and ports are its own.
    pub(crate) fn allocate(&mut self, spec: &mut Value, old: &Value) -> Option<Cause> {
        if is_external_name(spec) {
            return None;
        }
        default_families(spec);
        if spec["clusterIP"] == json!("None") {
            spec["clusterIPs"] = json!(["None"]);
        } else if let Some(cause) = self.allocate_ips(spec, old) {
            return Some(cause);
        }
        self.allocate_ports(spec, old)
    }

    /// Follows a Service from one form to the next, so that what it no longer has is free.
    pub(crate) fn follow(&mut self, before: Option<&Value>, after: Option<&Value>) {
        if let Some(before) = before {
            let (ips, ports) = held(&before["spec"]);
            for ip in ips {
                self.ips.remove(&ip);
            }
            for port in ports {
                self.ports.remove(&port);
            }
        }
        if let Some(after) = after {
            let (ips, ports) = held(&after["spec"]);
            self.ips.extend(ips);
            self.ports.extend(ports);
        }
    }

    fn allocate_ips(&mut self, spec: &mut Value, old: &Value) -> Option<Cause> {
        let (own, _) = held(old);
        let mut ips: Vec<String> = texts(&spec["clusterIPs"]);
        if let Some(first) = spec["clusterIP"]
            .as_str()
            .filter(|ip| !ip.is_empty() && ips.is_empty())
        {
            ips.push(first.to_owned());
        }
        for ip in ips.iter().filter(|ip| !own.contains(*ip)) {
            if self.ips.contains(ip) {
                let why = "failed to allocate IP: provided IP is already allocated";
                return Some(Cause::invalid("spec.clusterIPs", &json!(ip), why));
            }
        }
        let families = texts(&spec["ipFamilies"]);
        ips.truncate(families.len());
        for family in families.iter().skip(ips.len()) {
            let Some(ip) = self.free_ip(family == "IPv6") else {
                return Some(Cause::invalid(
                    "spec.clusterIPs",
                    &json!(ips),
                    "failed to allocate IP: range is full",
                ));
            };
            ips.push(ip);
        }
        spec["clusterIP"] = json!(ips.first());
        spec["clusterIPs"] = json!(ips);
        None
    }

    fn free_ip(&mut self, v6: bool) -> Option<String> {
        for _ in 0..IPV4_COUNT {
            self.next_ip = self.next_ip % (IPV4_COUNT - 2) + 1;
            let ip = if v6 {
                Ipv6Addr::from(IPV6_BASE + u128::from(self.next_ip)).to_string()
            } else {
                Ipv4Addr::from(IPV4_BASE + self.next_ip).to_string()
            };
            if !self.ips.contains(&ip) {
                return Some(ip);
            }
        }
        None
    }

    fn allocate_ports(&mut self, spec: &mut Value, old: &Value) -> Option<Cause> {
        let (_, own) = held(old);
        let (wanted, health) = (has_node_ports(spec), has_health_check_port(spec));
        let mut given: BTreeSet<u64> = BTreeSet::new();
        for port in spec
            .get_mut("ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let asked = port["nodePort"].as_u64().filter(|&asked| asked != 0);
            if asked.is_some_and(|asked| self.ports.contains(&asked) && !own.contains(&asked)) {
                let why = "provided port is already allocated";
                return Some(Cause::invalid("spec.ports[].nodePort", &port["nodePort"], why));
            }
            if wanted && asked.is_none() {
                let Some(free) = self.free_port(&given) else {
                    return Some(range_full());
                };
                given.insert(free);
                port["nodePort"] = json!(free);
            } else if asked.is_none() {
                object::remove(port, "nodePort");
            }
        }
        if health && spec["healthCheckNodePort"].as_u64().unwrap_or_default() == 0 {
            let Some(free) = self.free_port(&given) else {
                return Some(range_full());
            };
            spec["healthCheckNodePort"] = json!(free);
        }
        None
    }

    fn free_port(&mut self, given: &BTreeSet<u64>) -> Option<u64> {
        for _ in NODE_PORTS {
            let last = self.next_port.max(*NODE_PORTS.start());
            self.next_port = if last >= *NODE_PORTS.end() {
                *NODE_PORTS.start()
            } else {
                last + 1
            };
            let port = u64::from(self.next_port);
            if !self.ports.contains(&port) && !given.contains(&port) {
                return Some(port);
            }
        }
        None
    }
}

fn range_full() -> Cause {
    // 2,768 ports in all: many Services need `allocateLoadBalancerNodePorts: false`, here as on a real cluster.
    Cause::invalid(
        "spec.ports[].nodePort",
        &Value::Null,
        "failed to allocate a nodePort: range is full",
    )
}

/// `ipFamilyPolicy` and `ipFamilies`: one family unless two are asked for, IPv4 first unless asked otherwise.
fn default_families(spec: &mut Value) {
    object::default(spec, "ipFamilyPolicy", "SingleStack");
    let dual = spec["ipFamilyPolicy"] != json!("SingleStack");
    let mut families = texts(&spec["ipFamilies"]);
    if families.is_empty() {
        let v6 = spec["clusterIP"].as_str().is_some_and(|ip| ip.contains(':'));
        families.push(if v6 { "IPv6" } else { "IPv4" }.to_owned());
    }
    if dual && families.len() == 1 {
        families.push(if families[0] == "IPv6" { "IPv4" } else { "IPv6" }.to_owned());
    }
    families.truncate(if dual { 2 } else { 1 });
    spec["ipFamilies"] = json!(families);
}

/// The cluster addresses and ports that a spec holds.
fn held(spec: &Value) -> (BTreeSet<String>, BTreeSet<u64>) {
    let ips = texts(&spec["clusterIPs"]).into_iter().filter(|ip| ip != "None");
    let ports = items(&spec["ports"])
        .iter()
        .filter_map(|port| port["nodePort"].as_u64());
    let health = spec["healthCheckNodePort"].as_u64();
    (
        ips.collect(),
        ports.chain(health).filter(|&port| port != 0).collect(),
    )
}

fn texts(list: &Value) -> Vec<String> {
    items(list)
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
