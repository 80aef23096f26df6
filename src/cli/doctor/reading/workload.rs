//! What runs Pods, as a value.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cli::doctor::facts::Workload;
use crate::cluster::object::key_of;

pub(super) fn deployment(object: Deployment) -> Workload {
    let (replicas, spec) = object
        .spec
        .map_or((None, None), |spec| (spec.replicas, spec.template.spec));
    Workload {
        stopped: replicas == Some(0),
        ..workload("Deployment", object.metadata, spec)
    }
}

/// One that wants no node is stopped: it has no replicas to be set to zero, so that people give it a selector of nodes
/// that there are none of.
pub(super) fn daemon_set(object: DaemonSet) -> Workload {
    let wanted = object.status.map(|status| status.desired_number_scheduled);
    let spec = object.spec.and_then(|spec| spec.template.spec);
    Workload {
        stopped: wanted == Some(0),
        ..workload("DaemonSet", object.metadata, spec)
    }
}

/// A Pod that nothing made that is listed too: a static one of a node's folder, or one of a person's own.
pub(super) fn lone_pod(object: Pod) -> Option<Workload> {
    let mut owners = object.metadata.owner_references.iter().flatten();
    // A static Pod's mirror belongs to its Node.
    if owners.any(|owner| owner.kind != "Node") {
        return None;
    }
    Some(workload("Pod", object.metadata, object.spec))
}

fn workload(kind: &'static str, metadata: ObjectMeta, spec: Option<PodSpec>) -> Workload {
    let key = key_of(&metadata);
    let spec = spec.unwrap_or_default();
    let on_host = spec.host_network == Some(true);
    let containers = || {
        spec.containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
    };
    let ports = containers().flat_map(|container| container.ports.iter().flatten());
    let ports = ports.filter_map(|port| {
        let number = port.host_port.or(on_host.then_some(port.container_port))?;
        u16::try_from(number).ok().filter(|number| *number > 0)
    });
    let elsewhere = |container: &Container| {
        let from = container.env_from.as_ref().is_some_and(|from| !from.is_empty());
        from || container
            .env
            .iter()
            .flatten()
            .any(|variable| variable.value_from.is_some())
    };
    Workload {
        kind,
        key,
        labels: metadata.labels.unwrap_or_default(),
        images: containers()
            .filter_map(|container| container.image.clone())
            .collect(),
        settings: containers().flat_map(settings).collect(),
        settings_elsewhere: containers().any(elsewhere),
        host_ports: ports.collect(),
        service_account: spec.service_account_name.unwrap_or_default(),
        stopped: false,
    }
}

fn settings(container: &Container) -> impl Iterator<Item = String> {
    let words = container.command.iter().chain(&container.args).flatten().cloned();
    let variables = container.env.iter().flatten();
    let variables =
        variables.filter_map(|variable| Some(format!("{}={}", variable.name, variable.value.as_ref()?)));
    words.chain(variables)
}
