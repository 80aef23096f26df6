//! Which objects are meant: resources, and the collections that requests go to.

use std::borrow::Cow;

use serde_json::{Value, json};

/// A resource in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for core.
    pub group: Cow<'static, str>,
    /// Version.
    pub version: Cow<'static, str>,
    /// Plural name, as it stands in paths.
    pub plural: Cow<'static, str>,
    /// Kind of its objects.
    pub kind: Cow<'static, str>,
    /// Its objects live in namespaces.
    pub namespaced: bool,
}

impl Resource {
    /// A resource whose objects live in namespaces.
    pub const fn namespaced(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
    ) -> Self {
        Self::new(group, version, plural, kind, true)
    }

    /// A resource whose objects live in no namespace.
    pub const fn cluster_wide(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
    ) -> Self {
        Self::new(group, version, plural, kind, false)
    }

    const fn new(
        group: &'static str,
        version: &'static str,
        plural: &'static str,
        kind: &'static str,
        namespaced: bool,
    ) -> Self {
        Self {
            group: Cow::Borrowed(group),
            version: Cow::Borrowed(version),
            plural: Cow::Borrowed(plural),
            kind: Cow::Borrowed(kind),
            namespaced,
        }
    }

    /// Its objects in one namespace.
    pub fn in_namespace(&self, namespace: &str) -> Collection {
        Collection {
            resource: self.clone(),
            namespace: Some(namespace.to_owned()),
        }
    }

    /// `v1` or `metallb.io/v1beta1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The name of the `CustomResourceDefinition` that defines it.
    pub fn definition(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }

    /// The object with its kind and version, where it does not say them.
    pub(super) fn typed(&self, object: &Value) -> Value {
        let mut object = object.clone();
        for (field, value) in [
            ("apiVersion", self.api_version()),
            ("kind", self.kind.to_string()),
        ] {
            if object[field].is_null() {
                object[field] = json!(value);
            }
        }
        object
    }
}

/// The objects of a resource, in one namespace or wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    resource: Resource,
    namespace: Option<String>,
}

impl From<Resource> for Collection {
    fn from(resource: Resource) -> Self {
        Self {
            resource,
            namespace: None,
        }
    }
}

impl From<&Resource> for Collection {
    fn from(resource: &Resource) -> Self {
        resource.clone().into()
    }
}

impl From<&Self> for Collection {
    fn from(collection: &Self) -> Self {
        collection.clone()
    }
}

impl Collection {
    /// The resource.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Path of the collection.
    pub fn path(&self) -> String {
        let root = if self.resource.group.is_empty() {
            "api"
        } else {
            "apis"
        };
        let namespace = self
            .namespace
            .as_ref()
            .map(|name| format!("/namespaces/{name}"))
            .unwrap_or_default();
        format!(
            "/{root}/{}{namespace}/{}",
            self.resource.api_version(),
            self.resource.plural
        )
    }

    /// Path of one object.
    pub fn object_path(&self, name: &str) -> String {
        format!("{}/{name}", self.path())
    }
}

/// core/v1 `ConfigMap`.
pub const CONFIG_MAPS: Resource = Resource::namespaced("", "v1", "configmaps", "ConfigMap");
/// `CustomResourceDefinition`.
pub const CUSTOM_RESOURCE_DEFINITIONS: Resource = Resource::cluster_wide(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
);
/// `DaemonSets`.
pub const DAEMON_SETS: Resource = Resource::namespaced("apps", "v1", "daemonsets", "DaemonSet");
/// `EndpointSlice`.
pub const ENDPOINT_SLICES: Resource =
    Resource::namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice");
/// core/v1 `Event`.
pub const EVENTS: Resource = Resource::namespaced("", "v1", "events", "Event");
/// events.k8s.io/v1 `Event`: the same objects under other field names.
pub const EVENTS_V1: Resource = Resource::namespaced("events.k8s.io", "v1", "events", "Event");
/// `Lease`.
pub const LEASES: Resource = Resource::namespaced("coordination.k8s.io", "v1", "leases", "Lease");
/// core/v1 `Namespace`.
pub const NAMESPACES: Resource = Resource::cluster_wide("", "v1", "namespaces", "Namespace");
/// core/v1 `Node`.
pub const NODES: Resource = Resource::cluster_wide("", "v1", "nodes", "Node");
/// core/v1 `Pod`.
pub const PODS: Resource = Resource::namespaced("", "v1", "pods", "Pod");
/// core/v1 `Secret`.
pub const SECRETS: Resource = Resource::namespaced("", "v1", "secrets", "Secret");
/// core/v1 `ServiceAccount`.
pub const SERVICE_ACCOUNTS: Resource = Resource::namespaced("", "v1", "serviceaccounts", "ServiceAccount");
/// core/v1 `Service`.
pub const SERVICES: Resource = Resource::namespaced("", "v1", "services", "Service");
