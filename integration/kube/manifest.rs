//! Manifests: YAML documents, created or merged as `kubectl apply` does for a person.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{CUSTOM_RESOURCE_DEFINITIONS, Collection, Kube, NAMESPACES, Resource, Result};

/// Longest wait for a new kind to be served. A real API server takes about a second after the definition.
const ESTABLISHED: Duration = Duration::from_secs(20);
/// Pause between looks at discovery, which cannot be watched.
const DISCOVERY_PAUSE: Duration = Duration::from_millis(50);
/// Namespace of objects that name none.
const DEFAULT_NAMESPACE: &str = "default";

impl Kube {
    /// Applies every document of a file, in order, and returns the objects as the server has them now.
    ///
    /// # Errors
    /// The file cannot be read or parsed, a kind is unknown, or an object was refused.
    pub async fn apply_file(&self, path: &Path) -> anyhow::Result<Vec<Value>> {
        let yaml = tokio::fs::read_to_string(path)
            .await
            .with_context(|| format!("reading {}", path.display()))?;
        self.apply_yaml(&yaml)
            .await
            .with_context(|| format!("applying {}", path.display()))
    }

    /// Applies every document of a text: what is not there is created, what is there is merged. Objects that name no
    /// namespace go to `default`.
    ///
    /// # Errors
    /// As for [`Self::apply_file`].
    pub async fn apply_yaml(&self, yaml: &str) -> anyhow::Result<Vec<Value>> {
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(yaml).context("reading the manifest's YAML")?;
        let mut applied = Vec::new();
        for document in documents.into_iter().filter(|document| !document.is_null()) {
            applied.push(self.apply(document).await?);
        }
        Ok(applied)
    }

    /// Applies one object.
    ///
    /// # Errors
    /// Its kind is unknown, or it was refused.
    pub async fn apply(&self, object: Value) -> anyhow::Result<Value> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        if name.is_empty() || kind.is_empty() {
            bail!("a document of the manifest has no kind or no metadata.name: {object}");
        }
        let what = || format!("applying {kind} {name}");
        let resource = self.resource_of(&version, &kind).await.with_context(what)?;
        let collection = if resource.namespaced {
            resource.in_namespace(
                object["metadata"]["namespace"]
                    .as_str()
                    .unwrap_or(DEFAULT_NAMESPACE),
            )
        } else {
            Collection::from(&resource)
        };
        let applied = match self.create(&collection, &object).await {
            Err(why) if why.reason() == Some("AlreadyExists") => {
                self.merge_patch(&collection, &name, &object).await
            }
            other => other,
        };
        let applied = applied.with_context(what)?;
        if resource == CUSTOM_RESOURCE_DEFINITIONS {
            self.wait_for(
                &collection,
                &name,
                ESTABLISHED,
                "the kind to be established",
                established,
            )
            .await?;
        }
        Ok(applied)
    }

    /// Waits until the objects of a custom resource can be listed. A real API server takes about a second
    /// after its definition is established.
    ///
    /// # Errors
    /// It is not served within `bound`.
    pub async fn wait_served(&self, resource: &Resource, bound: Duration) -> Result<()> {
        let deadline = Instant::now() + bound;
        loop {
            match self.list_where(resource, &[("limit", "1")]).await {
                Err(why) if why.code() == Some(404) && Instant::now() < deadline => {
                    sleep(DISCOVERY_PAUSE).await;
                }
                other => return other.map(drop),
            }
        }
    }

    /// The resource of a kind, from discovery. A kind whose definition was applied a moment ago is waited for.
    async fn resource_of(&self, version: &str, kind: &str) -> anyhow::Result<Resource> {
        if version == "v1" && kind == "Namespace" {
            return Ok(NAMESPACES);
        }
        let root = if version.contains('/') { "apis" } else { "api" };
        let path = format!("/{root}/{version}");
        let deadline = Instant::now() + ESTABLISHED;
        loop {
            let list = match self.send(reqwest::Method::GET, &path, None).await {
                Err(why) if why.code() == Some(404) => Value::Null,
                other => other?,
            };
            let rows = list["resources"].as_array().into_iter().flatten();
            let mut rows = rows.filter(|row| row["kind"] == kind && !text(&row["name"]).contains('/'));
            if let Some(row) = rows.next() {
                return Ok(discovered(version, kind, row));
            }
            if Instant::now() > deadline {
                bail!(
                    "the API server has no kind {kind} in {version}: is its CustomResourceDefinition applied?"
                );
            }
            sleep(DISCOVERY_PAUSE).await;
        }
    }
}

fn discovered(version: &str, kind: &str, row: &Value) -> Resource {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    Resource {
        group: group.to_owned().into(),
        version: version.to_owned().into(),
        plural: text(&row["name"]).into(),
        kind: kind.to_owned().into(),
        namespaced: row["namespaced"] == true,
    }
}

fn established(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten();
    conditions
        .into_iter()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
