//! What `tiklb doctor` finds, and how a person gets from there to a home on which it finds nothing.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::Menu;
use serde_json::{Value, json};

use super::scene::{APPS, FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::{CONFIGURATION_STATES, IP_ADDRESS_POOLS};
use crate::kube::{CUSTOM_RESOURCE_DEFINITIONS, DAEMON_SETS, Kube, Resource, SERVICES};
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![doctor:
        nothing_is_found_on_a_healthy_home,
        what_is_missing_or_left_over_is_found_with_its_fix,
        what_an_older_metallb_left_is_found_until_it_is_mended,
        what_the_router_does_not_allow_is_found_when_it_is_asked,
        without_an_api_server_nothing_is_said_to_be_well,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

pub(super) const WEBHOOKS: Resource = Resource::cluster_wide(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
);

pub(super) const DEPLOYMENTS: Resource = Resource::namespaced("apps", "v1", "deployments", "Deployment");

/// Waits until the doctor ends so, and says all of these words.
pub(super) async fn says(scene: &Scene, line: &[&str], code: i32, words: &[&str]) -> Outcome {
    // What allocator and speakers report follows a change by moments.
    says_within(SOON, scene, line, code, words).await
}

/// The same of what has to lapse first.
pub(super) async fn says_within(
    bound: Duration,
    scene: &Scene,
    line: &[&str],
    code: i32,
    words: &[&str],
) -> Outcome {
    until("the doctor to say so", bound, async || {
        scene.home.ask_tiklb(line).await?.shows(code, words)
    })
    .await
}

/// A home with a pool that is announced and a router that agrees.
async fn healthy(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
    let nodes = scene.home.node_names().count();
    let heard = |state: &Value| {
        let conditions = state["status"]["conditions"].as_array().into_iter().flatten();
        let mut heard = conditions.filter(|condition| condition["type"] == "heartbeatsHeard");
        heard.any(|condition| condition["status"] == "True")
    };
    let what = "speakers that hear each other";
    scene
        .home
        .kube()
        .wait_list(states, FIRST_SYNC, what, |all| {
            all.iter().filter(|state| heard(state)).count() == nodes
        })
        .await?;
    Ok(())
}

async fn nothing_is_found_on_a_healthy_home(scene: &mut Scene) -> Outcome {
    healthy(scene).await?;
    // The doctor asks beside the allocator.
    scene.allocators += 1;
    let well = [
        "no other load balancer among",
        "the pools lie in the nodes' networks",
        "speakers report and hear each other",
        "tiklb-allocator-lab leads",
        "MikrotikRouter router answers the allocator",
        "nothing found, ",
    ];
    says(scene, &["doctor"], 0, &well).await?;
    let asked = ["lets every node in, and the account", "nothing found, "];
    says(scene, &["doctor", "--ask-routers"], 0, &asked).await?;
    on_a_real_api_server(scene).await?;
    let document = scene.home.ask_tiklb(&["doctor", "-o", "json"]).await?;
    ensure!(document.code == Some(0), "{document:?}");
    let document: Value = serde_json::from_str(&document.text)?;
    ensure!(
        document["kind"] == "Diagnosis" && document["healthy"] == true,
        "{document}"
    );
    Ok(())
}

/// What the embedded API server has not: writers by name, Deployments, and rights.
async fn on_a_real_api_server(scene: &Scene) -> Outcome {
    if scene.home.control_plane().embedded().is_some() {
        return Ok(());
    }
    let kube = scene.home.kube();
    let service = kube.get(SERVICES.in_namespace(APPS), "web").await?;
    let entries = service["metadata"]["managedFields"].as_array();
    let mut entries = entries.into_iter().flatten();
    ensure!(
        entries.any(|entry| entry["manager"] == "tiklb" && entry["subresource"] == "status"),
        "nobody called tiklb wrote the status: {service}"
    );

    let deployments = DEPLOYMENTS.in_namespace(NAMESPACE);
    let ours = deployment("tiklb-allocator", "ghcr.io/tiklb/tiklb:v0", "tiklb-allocator");
    kube.create(&deployments, &ours).await?;
    says(
        scene,
        &["doctor"],
        0,
        &["tiklb's ServiceAccounts have their rights"],
    )
    .await?;
    let without_rights = deployment("other", "ghcr.io/tiklb/tiklb:v0", "default");
    kube.create(&deployments, &without_rights).await?;
    let lacks = ["ServiceAccount metallb-system/default may not ", "(RightMissing)"];
    says(scene, &["doctor"], 2, &lacks).await?;
    kube.delete(&deployments, "other").await?;

    let metallb = deployment("controller", "quay.io/metallb/controller:v0.15.2", "controller");
    kube.create(&deployments, &metallb).await?;
    let runs = [
        "MetalLB runs: Deployment metallb-system/controller (MetalLbRuns)",
        "kubectl -n metallb-system delete deployment controller",
        "1 fault, 0 warnings, ",
    ];
    says(scene, &["doctor"], 2, &runs).await?;
    let stopped = json!({"spec": {"replicas": 0}});
    kube.merge_patch(&deployments, "controller", &stopped).await?;
    let noted = ["stopped and still there: Deployment metallb-system/controller"];
    says(scene, &["doctor"], 0, &noted).await?;
    kube.delete(&deployments, "controller").await?;
    kube.delete(&deployments, "tiklb-allocator").await?;
    Ok(())
}

/// A Deployment, or a DaemonSet, of which nobody here makes Pods.
pub(super) fn deployment(name: &str, image: &str, account: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"name": name}},
            "template": {
                "metadata": {"labels": {"name": name}},
                "spec": {"serviceAccountName": account, "containers": [{"name": name, "image": image}]},
            },
        },
    })
}

async fn what_is_missing_or_left_over_is_found_with_its_fix(scene: &mut Scene) -> Outcome {
    let bare = [
        "no IPAddressPool in namespace metallb-system (NoPool)",
        "no L2Advertisement in namespace metallb-system (NoAdvertisement)",
        "deploy/examples/homelab/config/tiklb/manifests/l2advertisement.yaml",
        "1 fault, 1 warning, ",
    ];
    says(scene, &["doctor"], 2, &bare).await?;
    scene.create_pool("dmz", &["192.168.77.0/28"]).await?;
    let outside = [
        "IPAddressPool dmz: 192.168.77.0-192.168.77.15 outside of the nodes' networks (192.168.1.0/24)",
        "kubectl edit ipaddresspool -n metallb-system dmz: choose addresses of 192.168.1.0/24",
    ];
    says(scene, &["doctor"], 2, &outside).await?;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    scene.home.kube().delete(&pools, "dmz").await?;
    scene.create_pool("lan", &["192.168.1.210-192.168.1.220"]).await?;
    scene.advertise().await?;
    says(scene, &["doctor"], 0, &["nothing found, "]).await?;

    scene.home.kube().create(WEBHOOKS, &dead_webhook()).await?;
    let dead = [
        "Service metallb-system/metallb-webhook-service does not exist",
        "kubectl delete validatingwebhookconfiguration metallb-webhook-configuration",
        "(DeadWebhook)",
    ];
    says(scene, &["doctor"], 2, &dead).await?;
    scene
        .home
        .kube()
        .delete(WEBHOOKS, "metallb-webhook-configuration")
        .await?;
    says(scene, &["doctor"], 0, &["nothing found, "]).await
}

/// The workloads of a MetalLB, by its own names.
pub(super) async fn metallb_workloads(kube: &Kube, version: &str) -> Outcome {
    let metallb = |name: &str| deployment(name, &format!("quay.io/metallb/{name}:{version}"), name);
    kube.create(DEPLOYMENTS.in_namespace(NAMESPACE), &metallb("controller"))
        .await?;
    kube.create(DAEMON_SETS.in_namespace(NAMESPACE), &metallb("speaker"))
        .await?;
    Ok(())
}

/// What MetalLB's uninstallation leaves where it was made by manifests.
pub(super) fn dead_webhook() -> Value {
    json!({
        "metadata": {"name": "metallb-webhook-configuration"},
        "webhooks": [{
            "name": "ipaddresspoolvalidationwebhook.metallb.io",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {"service": {
                "name": "metallb-webhook-service",
                "namespace": NAMESPACE,
                "path": "/validate-metallb-io-v1beta1-ipaddresspool",
            }},
            "failurePolicy": "Fail",
            "rules": [{
                "apiGroups": ["metallb.io"],
                "apiVersions": ["v1beta1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["ipaddresspools"],
            }],
            "sideEffects": "None",
        }],
    })
}

/// Nobody has served it since MetalLB went.
fn dead_conversion() -> Value {
    let service = json!({"name": "webhook-service", "namespace": NAMESPACE, "path": "/convert"});
    let webhook =
        json!({"clientConfig": {"service": service}, "conversionReviewVersions": ["v1alpha1", "v1beta1"]});
    json!({"strategy": "Webhook", "webhook": webhook})
}

/// A kind of MetalLB's that tiklb does not read, as far as it has a say here, with its conversion.
pub(super) fn earlier_kind(kind: &str) -> Value {
    let singular = kind.to_lowercase();
    let version = |name: &str, storage: bool| {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        json!({"name": name, "served": true, "storage": storage, "schema": {"openAPIV3Schema": schema}})
    };
    json!({
        "metadata": {"name": format!("{singular}s.metallb.io")},
        "spec": {
            "group": "metallb.io",
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": format!("{singular}s"),
                "singular": singular,
            },
            "versions": [version("v1alpha1", false), version("v1beta1", true)],
            "conversion": dead_conversion(),
        },
    })
}

/// Does to a definition with a dead conversion what the doctor says.
async fn mend_conversion(scene: &Scene, definition: &str) -> Result<String> {
    let shown = scene.home.ask_tiklb(&["doctor", "-o", "json"]).await?;
    let document: Value = serde_json::from_str(&shown.text)?;
    let mut findings = document["findings"].as_array().into_iter().flatten();
    let finding = findings
        .find(|finding| finding["kind"] == "DeadConversion")
        .with_context(|| format!("no dead conversion in {document}"))?;
    let fix = finding["fix"].as_str().unwrap_or_default().to_owned();
    let command = format!("kubectl patch crd {definition} --type=merge -p '");
    let (_, patch) = fix.split_once(&command).with_context(|| fix.clone())?;
    let patch: Value = serde_json::from_str(patch.split('\'').next().unwrap_or_default())?;
    let kube = scene.home.kube();
    kube.merge_patch(CUSTOM_RESOURCE_DEFINITIONS, definition, &patch)
        .await?;
    Ok(fix)
}

async fn what_an_older_metallb_left_is_found_until_it_is_mended(scene: &mut Scene) -> Outcome {
    scene
        .home
        .kube()
        .create(CUSTOM_RESOURCE_DEFINITIONS, &earlier_kind("AddressPool"))
        .await?;
    let old = json!({
        "apiVersion": "metallb.io/v1beta1",
        "kind": "AddressPool",
        "metadata": {"name": "old", "namespace": NAMESPACE},
        "spec": {"protocol": "layer2", "addresses": ["192.168.1.210-192.168.1.220"]},
    });
    scene.home.kube().apply(old).await?;
    let left = [
        "AddressPool metallb-system/old is not read, and 192.168.1.210-192.168.1.220 is in no IPAddressPool (EarlierPoolNotRead)",
        "CustomResourceDefinition addresspools.metallb.io has a conversion webhook: Service metallb-system/webhook-service does not exist (DeadConversion)",
    ];
    says(scene, &["doctor"], 2, &left).await?;
    scene.create_pool("lan", &["192.168.1.210-192.168.1.220"]).await?;
    scene.advertise().await?;
    let rest = [
        "no pool of MetalLB 0.13 or older is left unread",
        "1 fault, 0 warnings, ",
    ];
    says(scene, &["doctor"], 2, &rest).await?;
    mend_conversion(scene, "addresspools.metallb.io").await?;
    says(scene, &["doctor"], 0, &["nothing found, "]).await?;

    // A kind that tiklb reads: its objects have to outlive the cure.
    let (pools, kind) = (
        IP_ADDRESS_POOLS.in_namespace(NAMESPACE),
        "ipaddresspools.metallb.io",
    );
    let converted = json!({"spec": {"conversion": dead_conversion()}});
    let kube = scene.home.kube();
    kube.merge_patch(CUSTOM_RESOURCE_DEFINITIONS, kind, &converted)
        .await?;
    let found = [
        "CustomResourceDefinition ipaddresspools.metallb.io has a conversion webhook",
        "1 fault, 0 warnings, ",
    ];
    says(scene, &["doctor"], 2, &found).await?;
    let fix = mend_conversion(scene, kind).await?;
    ensure!(!fix.contains("delete crd"), "{fix}");
    says(scene, &["doctor"], 0, &["nothing found, "]).await?;
    scene.home.kube().get(&pools, "lan").await?;
    Ok(())
}

async fn what_the_router_does_not_allow_is_found_when_it_is_asked(scene: &mut Scene) -> Outcome {
    healthy(scene).await?;
    scene.allocators += 1;
    let node = scene.home.node_names().next().unwrap_or_default().to_owned();
    // The allocator's own connection is open: it is let in as long as that stands.
    let only_control = format!("{}/32", crate::home::CONTROL);
    scene.home.router().person().set(
        Menu::Service,
        ("name", "www-ssl"),
        [("address", only_control.as_str())],
    )?;
    let shut = [
        "/ip/service www-ssl is open to",
        &node,
        "on the router: /ip service set www-ssl address=",
    ];
    says(scene, &["doctor", "--ask-routers"], 2, &shut).await
}

async fn without_an_api_server_nothing_is_said_to_be_well(scene: &mut Scene) -> Outcome {
    scene.home.control_plane_mut().stop().await?;
    let shown = scene.home.ask_tiklb(&["doctor"]).await?;
    ensure!(
        shown.code == Some(1)
            && shown
                .text
                .contains("the API server of your kubeconfig did not answer")
            && !shown.text.contains("OK"),
        "{shown:?}"
    );
    scene.home.control_plane_mut().start_again().await
}
