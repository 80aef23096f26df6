//! Whether the configuration is valid is said by every component in a ConfigurationState, in MetalLB's words, and what is
//! refused is refused. By the identifiers of MetalLB's own suites (`webhookstests` W, `configurationstatetests` K), whose
//! faults of BGP are faults of layer 2 and of the router here.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::scene::{APPS, MIKROTIK, SOON, Scene, router};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::{
    ADDRESS_RESERVATIONS, CONFIGURATION_STATES, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, MIKROTIK_ROUTERS,
};
use crate::kube::{CUSTOM_RESOURCE_DEFINITIONS, LEASES, Resource, SECRETS, SERVICES};
use crate::wait::until;

/// Several identifiers share a home, which takes seconds to build.
pub(super) fn stories() -> Vec<Story> {
    stories![validity:
        w01_overlapping_pools with |plan| plan.without_phone(),
        w02_w03_configuration_in_another_namespace with |plan| plan.without_phone(),
        k05_k06_k08_k10_states_of_valid_and_invalid_configurations with |plan| plan.without_phone(),
        k01_k02_k03_k04_k07_k09_references_that_lead_nowhere with |plan| plan.without_phone(),
        kinds_that_are_not_read_are_named with |plan| plan.without_phone(),
        addresses_of_the_network_itself_are_nobodys with |plan| plan.without_phone(),
    ]
}

const CONTROLLER: &str = "controller";

fn speaker(node: &str) -> String {
    format!("speaker-{node}")
}

/// The names of all states: the controller's, then the speakers'.
fn everybody(scene: &Scene) -> Vec<String> {
    let speakers = scene.home.node_names().map(speaker);
    std::iter::once(CONTROLLER.to_owned()).chain(speakers).collect()
}

/// Waits until a state is invalid and names each of `faults`, or valid if there are none.
async fn state(scene: &Scene, name: &str, faults: &[&str]) -> Result<Value> {
    let result = if faults.is_empty() { "Valid" } else { "Invalid" };
    let fits = |state: &Value| {
        let summary = state["status"]["errorSummary"].as_str().unwrap_or_default();
        let named = faults.iter().all(|fault| summary.contains(fault));
        state["status"]["result"] == result && named && summary.is_empty() == faults.is_empty()
    };
    let what = format!("{name} to be {result} with {faults:?}");
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    Ok(scene
        .home
        .kube()
        .wait_for(states, name, SOON, &what, fits)
        .await?)
}

async fn states(scene: &Scene, faults: &[&str]) -> Outcome {
    for name in everybody(scene) {
        state(scene, &name, faults).await?;
    }
    Ok(())
}

async fn change(scene: &Scene, kind: Resource, name: &str, spec: Value) -> Outcome {
    let objects = kind.in_namespace(NAMESPACE);
    scene
        .home
        .kube()
        .merge_patch(objects, name, &json!({"spec": spec}))
        .await?;
    Ok(())
}

async fn remove(scene: &Scene, kind: Resource, name: &str) -> Outcome {
    scene
        .home
        .kube()
        .delete(kind.in_namespace(NAMESPACE), name)
        .await?;
    Ok(())
}

async fn advertise(scene: &Scene, name: &str, spec: Value) -> Outcome {
    let object = json!({"metadata": {"name": name}, "spec": spec});
    let objects = L2_ADVERTISEMENTS.in_namespace(NAMESPACE);
    scene.home.kube().create(objects, &object).await?;
    Ok(())
}

/// W01. There is no webhook to refuse the second pool: it is accepted, hands out nothing, and both are named at once.
async fn w01_overlapping_pools(scene: &mut Scene) -> Outcome {
    scene.advertise().await?;
    scene
        .create_pool("first", &["192.168.1.200-192.168.1.210"])
        .await?;
    scene
        .create_pool("second", &["192.168.1.205-192.168.1.215"])
        .await?;
    let overlap = "IPAddressPool second: 192.168.1.205-192.168.1.210 is already in the older pool first";
    states(scene, &[overlap]).await?;
    let said = scene.event(NAMESPACE, "second", "InvalidConfiguration").await?;
    ensure!(
        overlap.ends_with(said.split(':').next().unwrap_or_default()),
        "{said}"
    );
    // A disjoint one is accepted, and works beside the fault.
    scene
        .create_pool("third", &["192.168.1.220-192.168.1.229"])
        .await?;
    scene.settle("web", Ipv4Addr::new(192, 168, 1, 220)).await?;
    scene.ask("waits", Ipv4Addr::new(192, 168, 1, 212)).await?;
    scene.event(APPS, "waits", "AllocationFailed").await?;
    change(
        scene,
        IP_ADDRESS_POOLS,
        "second",
        json!({"addresses": ["192.168.1.211-192.168.1.215"]}),
    )
    .await?;
    scene.announced("waits", SOON).await?;
    states(scene, &[]).await?;
    // An update that makes it overlap: what the Service has it keeps.
    change(
        scene,
        IP_ADDRESS_POOLS,
        "third",
        json!({"addresses": ["192.168.1.208/29"]}),
    )
    .await?;
    let overlap = "IPAddressPool third: 192.168.1.208-192.168.1.210 is already in the older pool first";
    states(scene, &[overlap]).await?;
    scene.serves(Ipv4Addr::new(192, 168, 1, 220)).await?;
    scene.delete_service("web").await?;
    remove(scene, IP_ADDRESS_POOLS, "third").await?;
    states(scene, &[]).await
}

/// What W02 and W03 create, each where it does not belong.
fn misplaced() -> Vec<(Resource, Value)> {
    let object = |name: &str, spec: Value| json!({"metadata": {"name": name}, "spec": spec});
    vec![
        (
            IP_ADDRESS_POOLS,
            object("stray", json!({"addresses": ["192.168.1.230/31"]})),
        ),
        (L2_ADVERTISEMENTS, object("stray", json!({}))),
        (
            ADDRESS_RESERVATIONS,
            object("stray", json!({"address": "192.168.1.200"})),
        ),
        (
            MIKROTIK_ROUTERS,
            object("stray", router("stray", |_| ())["spec"].clone()),
        ),
    ]
}

/// W02, W03, and our own kinds. A real API server refuses them by the policy of `deploy/rbac`; where no policy is run, as on
/// the embedded one, they are what they would be without it: ignored.
async fn w02_w03_configuration_in_another_namespace(scene: &mut Scene) -> Outcome {
    let runs_policies = scene.home.control_plane().embedded().is_none();
    for (kind, object) in misplaced() {
        let elsewhere = kind.in_namespace(APPS);
        if !runs_policies {
            scene.home.kube().create(&elsewhere, &object).await?;
            continue;
        }
        // Nothing announces that a policy is in force.
        until("the policy to refuse it", SOON, async || {
            match scene.home.kube().create(&elsewhere, &object).await {
                Ok(_) => {
                    scene.home.kube().delete(&elsewhere, "stray").await?;
                    anyhow::bail!("{} was accepted", kind.kind)
                }
                Err(refused) => {
                    let words = "resource must be created in the namespace metallb-system, not in apps";
                    ensure!(
                        refused.code() == Some(403) && refused.to_string().contains(words),
                        "{refused}"
                    );
                    Ok(())
                }
            }
        })
        .await?;
    }
    scene.apply_pool().await?;
    // The first address of the pool, which no reservation that counts keeps.
    scene.create_service("web", &[]).await?;
    let (given, _) = scene.announced("web", SOON).await?;
    ensure!(given == Ipv4Addr::new(192, 168, 1, 200), "{given}");
    scene.ask("stray", Ipv4Addr::new(192, 168, 1, 230)).await?;
    scene.event(APPS, "stray", "AllocationFailed").await?;
    scene.has_none("stray").await?;
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), "stray")
        .await?;
    states(scene, &[]).await
}

/// K06: labels, and who wrote it.
async fn says_whose_it_is(scene: &Scene) -> Outcome {
    for name in everybody(scene) {
        let state = state(scene, &name, &[]).await?;
        let labels = &state["metadata"]["labels"];
        let (component, owner) = if name == CONTROLLER {
            ("controller", "poolReconciler")
        } else {
            ("speaker", "configReconciler")
        };
        ensure!(
            labels["metallb.io/component-type"] == component,
            "{name}: {labels}"
        );
        let node = labels["metallb.io/node-name"].as_str();
        let node = node.map_or_else(|| CONTROLLER.to_owned(), speaker);
        ensure!(node == name, "{name}: {labels}");
        let condition = &state["status"]["conditions"][0];
        ensure!(
            condition["type"] == format!("{owner}Valid") && condition["reason"] == "Reconciled",
            "{name}: {condition}"
        );
        // The embedded API server keeps no field owners.
        let managed = state["metadata"]["managedFields"].as_array();
        if scene.home.control_plane().embedded().is_none() {
            let mut managed = managed.into_iter().flatten();
            ensure!(
                managed.any(|fields| fields["manager"] == owner && fields["subresource"] == "status"),
                "{name}: {}",
                state["metadata"]["managedFields"]
            );
        }
    }
    Ok(())
}

/// Deletes these states, and waits for others under their names.
async fn made_anew(scene: &Scene, names: &[String], faults: &[&str]) -> Outcome {
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let kube = scene.home.kube();
    let mut gone = Vec::new();
    for name in names {
        gone.push(kube.get(&states, name).await?["metadata"]["uid"].clone());
        kube.delete(&states, name).await?;
    }
    for (name, gone) in names.iter().zip(&gone) {
        let fits = |state: &Value| state["metadata"]["uid"] != *gone;
        let what = format!("another {name}");
        kube.wait_for(&states, name, SOON, &what, fits).await?;
        state(scene, name, faults).await?;
    }
    Ok(())
}

/// K05, K06, K08, K10.
async fn k05_k06_k08_k10_states_of_valid_and_invalid_configurations(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    states(scene, &[]).await?;
    says_whose_it_is(scene).await?;
    // K10.
    let one = everybody(scene).pop().context("a state")?;
    made_anew(scene, &[one], &[]).await?;
    made_anew(scene, &[CONTROLLER.to_owned()], &[]).await?;
    // K05: two faults, removed one by one.
    let unknown = "L2Advertisement lost: spec.ipAddressPools: there is no IPAddressPool \"nowhere\"";
    let overlap = "IPAddressPool younger: 192.168.1.220 is already in the older pool homelab-pool";
    advertise(scene, "lost", json!({"ipAddressPools": ["nowhere"]})).await?;
    states(scene, &[unknown]).await?;
    scene
        .create_pool("younger", &["192.168.1.220-192.168.1.225"])
        .await?;
    states(scene, &[overlap, unknown]).await?;
    // K08.
    made_anew(scene, &everybody(scene), &[overlap, unknown]).await?;
    remove(scene, L2_ADVERTISEMENTS, "lost").await?;
    for name in everybody(scene) {
        let left = |state: &Value| {
            let summary = state["status"]["errorSummary"].as_str().unwrap_or_default();
            summary.contains(overlap) && !summary.contains(unknown)
        };
        let what = format!("{name} to name the fault that is left");
        let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
        scene
            .home
            .kube()
            .wait_for(states, &name, SOON, &what, left)
            .await?;
    }
    remove(scene, IP_ADDRESS_POOLS, "younger").await?;
    states(scene, &[]).await?;
    made_anew(scene, &everybody(scene), &[]).await?;
    says_whose_it_is(scene).await
}

/// K01, K07, K09: a fault of some nodes alone.
async fn faults_of_single_nodes(scene: &Scene) -> Outcome {
    let nodes: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    let wired = json!([{"matchLabels": {"wired": "yes"}}]);
    advertise(
        scene,
        "wired",
        json!({"nodeSelectors": wired, "interfaces": ["eth9"]}),
    )
    .await?;
    scene.label(&nodes[0], "wired", Some("yes")).await?;
    let lacks = |node: &str| {
        format!("L2Advertisement wired: spec.interfaces: node {node} has no usable interface eth9")
    };
    state(scene, &speaker(&nodes[0]), &[&lacks(&nodes[0])]).await?;
    for name in everybody(scene)
        .iter()
        .filter(|name| **name != speaker(&nodes[0]))
    {
        state(scene, name, &[]).await?;
    }
    state(scene, CONTROLLER, &[]).await?;
    scene.label(&nodes[1], "wired", Some("yes")).await?;
    state(scene, &speaker(&nodes[1]), &[&lacks(&nodes[1])]).await?;
    state(scene, &speaker(&nodes[0]), &[&lacks(&nodes[0])]).await?;
    scene.label(&nodes[0], "wired", None).await?;
    state(scene, &speaker(&nodes[0]), &[]).await?;
    state(scene, &speaker(&nodes[1]), &[&lacks(&nodes[1])]).await?;
    remove(scene, L2_ADVERTISEMENTS, "wired").await?;
    scene.label(&nodes[1], "wired", None).await?;
    states(scene, &[]).await
}

/// K01, K02, K03, K04, K07, K09.
async fn k01_k02_k03_k04_k07_k09_references_that_lead_nowhere(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    states(scene, &[]).await?;
    faults_of_single_nodes(scene).await?;
    // K04: a name that does not exist yet. K03: one that does not exist any more.
    let unknown = "L2Advertisement to-guests: spec.ipAddressPools: there is no IPAddressPool \"guests\"";
    advertise(scene, "to-guests", json!({"ipAddressPools": ["guests"]})).await?;
    states(scene, &[unknown]).await?;
    scene.create_pool("guests", &["192.168.1.240/30"]).await?;
    states(scene, &[]).await?;
    remove(scene, IP_ADDRESS_POOLS, "guests").await?;
    states(scene, &[unknown]).await?;
    remove(scene, L2_ADVERTISEMENTS, "to-guests").await?;
    states(scene, &[]).await?;
    // K02: what a router needs is missing. It is the allocator's alone: speakers see no router.
    let secrets = SECRETS.in_namespace(NAMESPACE);
    let known = scene.home.kube().get(&secrets, "mikrotik").await?;
    scene
        .apply_router(|spec| {
            spec["credentialsSecretRef"]["name"] = json!("later");
            spec["mode"] = json!("DryRun");
        })
        .await?;
    let missing = format!("MikrotikRouter {MIKROTIK}: ");
    state(scene, CONTROLLER, &[&missing, "later"]).await?;
    let secret = json!({"metadata": {"name": "later"}, "type": "Opaque", "data": known["data"]});
    scene.home.kube().create(&secrets, &secret).await?;
    states(scene, &[]).await
}

/// A kind of MetalLB's, as far as it has a say here.
async fn define(scene: &Scene, version: &'static str, plural: &'static str, kind: &'static str) -> Outcome {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let stored = json!({
        "name": version, "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
    });
    let singular = kind.to_lowercase();
    let definition = json!({
        "metadata": {"name": format!("{plural}.metallb.io")},
        "spec": {
            "group": "metallb.io",
            "names": {"kind": kind, "plural": plural, "singular": singular, "listKind": format!("{kind}List")},
            "scope": "Namespaced",
            "versions": [stored],
        },
    });
    let kube = scene.home.kube();
    kube.create(CUSTOM_RESOURCE_DEFINITIONS, &definition).await?;
    let served = Resource::namespaced("metallb.io", version, plural, kind);
    kube.wait_served(&served, SOON).await?;
    Ok(())
}

/// What is left of a MetalLB that announced by BGP, or of an old one, is said, and harms nothing. Definitions are looked for
/// at the start and every ten minutes.
async fn kinds_that_are_not_read_are_named(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    define(scene, "v1beta2", "bgppeers", "BGPPeer").await?;
    define(scene, "v1beta1", "addresspools", "AddressPool").await?;
    scene.restart_everything().await?;
    for kind in ["BGPPeer", "AddressPool"] {
        let words = format!("{kind}: defined in this cluster and not read");
        scene.warning(&words).await?;
    }
    states(scene, &[]).await?;
    scene.settle("web", Ipv4Addr::new(192, 168, 1, 206)).await?;
    Ok(())
}

/// Without a router nobody but the nodes knows which addresses the network keeps for itself.
async fn addresses_of_the_network_itself_are_nobodys(scene: &mut Scene) -> Outcome {
    scene.advertise().await?;
    let leases = LEASES.in_namespace(NAMESPACE);
    let told = |lease: &Value| lease["metadata"]["annotations"]["tiklb.io/subnet"] == "192.168.1.0/24";
    let name = "tiklb-survey-192-168-1-0-24";
    let lease = scene
        .home
        .kube()
        .wait_for(leases, name, SOON, "the nodes' subnet", told)
        .await?;
    let gateways = lease["metadata"]["annotations"]["tiklb.io/gateways"]
        .as_str()
        .unwrap_or_default();
    scene
        .create_pool("ends", &["192.168.1.0/31", "192.168.1.254-192.168.1.255"])
        .await?;
    // Pools and Services come by two watches, in either order.
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    let known = |pool: &Value| pool["status"].is_object();
    let kube = scene.home.kube();
    kube.wait_for(pools, "ends", SOON, "the allocator to know the pool", known)
        .await?;
    for (name, last, what) in [
        ("network", 0, "its network address"),
        ("broadcast", 255, "its broadcast address"),
    ] {
        scene.ask(name, Ipv4Addr::new(192, 168, 1, last)).await?;
        let said = scene.event(APPS, name, "AllocationFailed").await?;
        ensure!(
            said.contains("the network 192.168.1.0/24") && said.contains(what),
            "{said}"
        );
        scene.has_none(name).await?;
    }
    ensure!(gateways == "192.168.1.1", "{gateways:?}");
    scene.ask("gateway", Ipv4Addr::new(192, 168, 1, 1)).await?;
    let said = scene.event(APPS, "gateway", "AllocationFailed").await?;
    ensure!(said.contains("192.168.1.1 is in use by"), "{said}");
    // Whoever asks for nothing is given what is left.
    scene.create_service("web", &[]).await?;
    let (given, _) = scene.announced("web", SOON).await?;
    ensure!(given == Ipv4Addr::new(192, 168, 1, 254), "{given}");
    Ok(())
}
