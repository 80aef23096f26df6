//! Services that a bench makes itself, in a namespace of their own.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cluster::object::{self, Endpoint};
use crate::home::kind::SERVICE_L2_STATUSES;
use crate::home::{self, Home, status_address};
use crate::kube::{ENDPOINT_SLICES, NAMESPACES, SERVICES};

/// Where they live.
pub(super) const NAMESPACE: &str = "bench";

/// Their only port.
pub(super) const PORT: u16 = 8080;

/// Makes the namespace.
pub(super) async fn make_namespace(home: &Home) -> Result<()> {
    let namespace = json!({"metadata": {"name": NAMESPACE}});
    home.kube().create(NAMESPACES, &namespace).await?;
    Ok(())
}

/// A Service that asks for an address, or takes what it gets.
pub(super) fn service(name: &str, asks: Option<Ipv4Addr>) -> Value {
    let mut service = json!({
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"port": PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    });
    if let Some(address) = asks {
        service["metadata"]["annotations"] = json!({"metallb.io/loadBalancerIPs": address});
    }
    service
}

/// So many of a Service's pods, on a node each, do what more would: every node may announce it.
const ENDPOINTS: usize = 5;

/// Gives a Service, which need not be there yet, a pod on every node, or on the first few of many.
pub(super) async fn add_endpoints(home: &Home, name: &str) -> Result<()> {
    let endpoints = home.node_names().take(ENDPOINTS).map(|node| {
        Ok(Endpoint {
            address: home.address_of(node)?,
            node: node.to_owned(),
            ready: true,
        })
    });
    let endpoints = endpoints.collect::<Result<Vec<_>>>()?;
    let slice = object::endpoint_slice(NAMESPACE, name, PORT, &endpoints);
    home.kube()
        .create(ENDPOINT_SLICES.in_namespace(NAMESPACE), &slice)
        .await?;
    Ok(())
}

/// Makes a pool of `range` and as many Services, and waits until each has an address of its own and is announced.
pub(super) async fn settle(home: &Home, range: &str, services: usize, bound: Duration) -> Result<()> {
    let kube = home.kube();
    make_namespace(home).await?;
    for object in pool(range) {
        kube.apply(object).await?;
    }
    let all = SERVICES.in_namespace(NAMESPACE);
    for number in 0..services {
        let name = format!("{NAMESPACE}-{number}");
        kube.create(&all, &service(&name, None)).await?;
        add_endpoints(home, &name).await?;
    }
    let given = |found: &[Value]| {
        let mut given: Vec<Ipv4Addr> = found.iter().filter_map(status_address).collect();
        given.sort_unstable();
        given.dedup();
        given.len() == services
    };
    let what = format!("{services} Services with an address each");
    kube.wait_list(&all, bound, &what, given).await?;
    let told = |records: &[Value]| records.len() == services;
    let what = format!("{services} records of announcers");
    kube.wait_list(SERVICE_L2_STATUSES, bound, &what, told).await?;
    Ok(())
}

/// A pool, and that it is announced.
pub(super) fn pool(range: &str) -> [Value; 2] {
    pool_named(NAMESPACE, range)
}

/// The same under another name.
pub(super) fn pool_named(name: &str, range: &str) -> [Value; 2] {
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "metallb.io/v1beta1",
            "kind": kind,
            "metadata": {"name": name, "namespace": home::NAMESPACE},
            "spec": spec,
        })
    };
    [
        object("IPAddressPool", json!({"addresses": [range]})),
        object("L2Advertisement", json!({"ipAddressPools": [name]})),
    ]
}

/// Takes them away.
pub(super) async fn remove_endpoints(home: &Home, name: &str) -> Result<()> {
    // As `object::endpoint_slice` names it.
    let slice = format!("{name}-lab");
    home.kube()
        .delete(ENDPOINT_SLICES.in_namespace(NAMESPACE), &slice)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
