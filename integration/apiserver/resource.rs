//! What can be asked for: the table of built-in resources and the form of every resource, custom ones included.

use serde_json::{Value, json};

use super::event;

/// Where the objects of a resource lie. `events` and `events.events.k8s.io` are one storage with two faces, and so
/// are all versions of a custom resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Storage {
    /// API group of the stored form; empty for core.
    pub(crate) group: String,
    /// Plural name.
    pub(crate) plural: String,
}

impl Storage {
    /// The storage of a built-in resource.
    pub(crate) fn of(group: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            plural: plural.to_owned(),
        }
    }

    /// Where namespaces lie.
    pub(crate) fn namespaces() -> Self {
        Self::of("", "namespaces")
    }

    /// It is the storage of a core resource.
    pub(crate) fn is_core(&self, plural: &str) -> bool {
        self.group.is_empty() && self.plural == plural
    }
}

/// One resource in one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    /// API group; empty for core.
    pub(crate) group: String,
    /// Version within the group.
    pub(crate) version: String,
    /// Plural name, as it stands in paths.
    pub(crate) plural: String,
    /// Singular name, as kubectl accepts it.
    pub(crate) singular: String,
    /// Kind of its objects.
    pub(crate) kind: String,
    /// Names such as `svc`.
    pub(crate) short_names: Vec<String>,
    /// Groups of resources such as `all`.
    pub(crate) categories: Vec<String>,
    /// Its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// It has a `/status` subresource, so that writes to either side leave the other alone.
    pub(crate) has_status: bool,
    /// Set for resources that a `CustomResourceDefinition` made.
    pub(crate) custom: Option<Custom>,
    /// Where its objects lie.
    pub(crate) storage: Storage,
}

/// What a `CustomResourceDefinition` adds to a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Custom {
    /// `openAPIV3Schema` of this version.
    pub(crate) schema: Value,
    /// `additionalPrinterColumns` of this version.
    pub(crate) columns: Vec<Value>,
    /// The Service whose webhook makes this version out of the stored one. Nobody serves one here.
    pub(crate) converter: Option<String>,
}

impl Resource {
    /// `v1` or `metallb.io/v1beta1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The group in which refusals name the kind: events are core events to their own validation.
    pub(crate) fn kind_group(&self) -> &str {
        &self.storage.group
    }

    /// `metadata.generation` counts changes of what the user wants. Services and Nodes have none.
    pub(crate) fn has_generation(&self) -> bool {
        self.custom.is_some()
            || matches!(
                self.plural.as_str(),
                "customresourcedefinitions"
                    | "daemonsets"
                    | "deployments"
                    | "endpointslices"
                    | "validatingwebhookconfigurations"
            )
    }

    /// A PUT without `metadata.resourceVersion` is allowed (`AllowUnconditionalUpdate`).
    pub(crate) fn has_unconditional_update(&self) -> bool {
        self.custom.is_none()
            && !matches!(
                self.plural.as_str(),
                "customresourcedefinitions" | "leases" | "validatingwebhookconfigurations"
            )
    }

    /// Objects of it can be read here and not written.
    pub(crate) fn is_read_only(&self) -> bool {
        self.group == WORKLOADS
    }

    /// The stored object as this resource shows it.
    pub(crate) fn external(&self, stored: &Value) -> Value {
        let mut shown = if self.group == event::GROUP {
            event::to_events_group(stored)
        } else {
            stored.clone()
        };
        shown["apiVersion"] = json!(self.api_version());
        shown["kind"] = json!(self.kind);
        shown
    }

    /// What the client sent, in the stored form.
    pub(crate) fn internal(&self, sent: Value) -> Value {
        if self.group == event::GROUP {
            event::to_core_group(&sent)
        } else {
            sent
        }
    }
}

/// A row of the table below: group, version, plural, kind, short names, namespaced, status.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    bool,
    bool,
);

/// The group of what controllers make Pods of. There are none here, and so nothing of it can be written: it is listed
/// as empty.
const WORKLOADS: &str = "apps";

/// The built-in resources that tiklb, the demo and a person with kubectl touch. Everything else that a real API
/// server has is answered with 501 (see [`built_in_group`]).
#[rustfmt::skip]
const BUILT_IN: &[Row] = &[
    ("", "v1", "configmaps", "ConfigMap", &["cm"], true, false),
    ("", "v1", "events", "Event", &["ev"], true, false),
    ("", "v1", "namespaces", "Namespace", &["ns"], false, true),
    ("", "v1", "nodes", "Node", &["no"], false, true),
    ("", "v1", "pods", "Pod", &["po"], true, true),
    ("", "v1", "secrets", "Secret", &[], true, false),
    ("", "v1", "serviceaccounts", "ServiceAccount", &["sa"], true, false),
    ("", "v1", "services", "Service", &["svc"], true, true),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", &[], false, false),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", &["crd", "crds"], false, true),
    (WORKLOADS, "v1", "daemonsets", "DaemonSet", &["ds"], true, true),
    (WORKLOADS, "v1", "deployments", "Deployment", &["deploy"], true, true),
    ("coordination.k8s.io", "v1", "leases", "Lease", &[], true, false),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", &[], true, false),
    (event::GROUP, "v1", "events", "Event", &["ev"], true, false),
];

/// The built-in resources as values.
pub(crate) fn built_in() -> impl Iterator<Item = Resource> {
    BUILT_IN.iter().map(|row| {
        let (group, version, plural, kind, short, namespaced, has_status) = *row;
        let stored_group = if group == event::GROUP { "" } else { group };
        let categories = if matches!(plural, "daemonsets" | "deployments" | "pods" | "services") {
            vec!["all".to_owned()]
        } else {
            vec![]
        };
        Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            kind: kind.to_owned(),
            short_names: short.iter().map(|&name| name.to_owned()).collect(),
            categories,
            namespaced,
            has_status,
            custom: None,
            storage: Storage::of(stored_group, plural),
        }
    })
}

/// Groups that every real API server serves: a resource that is missing there is a gap of the embedded one (501), a
/// missing resource elsewhere is one that nobody has installed (404).
#[rustfmt::skip]
const BUILT_IN_GROUPS: &[&str] = &[
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io",
    event::GROUP, "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy",
    "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
];

/// The group is one that every real API server serves.
pub(crate) fn built_in_group(group: &str) -> bool {
    BUILT_IN_GROUPS.contains(&group)
}
