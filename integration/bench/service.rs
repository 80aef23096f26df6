//! Services that a bench makes itself, in a namespace of their own.

use std::net::Ipv4Addr;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cluster::object::{self, Endpoint};
use crate::home::Home;
use crate::kube::{ENDPOINT_SLICES, NAMESPACES};

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

/// Gives a Service, which need not be there yet, a pod on every node.
pub(super) async fn add_endpoints(home: &Home, name: &str) -> Result<()> {
    let endpoints = home.node_names().map(|node| {
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
