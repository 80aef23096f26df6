//! Objects out of files instead of a cluster: a repository as it lies in Git.
//!
//! Files lack what an API server adds. A Service there has no status, and no cluster IP; it is taken for IPv4 unless it
//! says otherwise. What tiklb does not read is passed over, so that a whole repository can be given.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tiklb_core::allocator::{Change, Event, Leadership, NamespaceObject, NodeObject};
use tiklb_core::config::object::PoolSpec;
use tiklb_core::config::{AdvertisementObject, PoolObject, ReservationObject};
use tiklb_core::model::object::Seniority;
use tiklb_core::model::service::{FamilyPolicy, Service};
use tiklb_core::model::{Family, Labels, ObjectKey, RangeSet, Timestamp};

use crate::api::METALLB_GROUP;
use crate::cluster::object::router::SeenRouter;
use crate::cluster::object::secret::SecretObject;
use crate::cluster::object::{self, Verdict};

#[cfg(test)]
mod tests;

/// What a manifest's file name ends in.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// Standard input, as kubectl names it.
const STDIN: &str = "-";
/// The cluster IP of a Service from a file: any address says the family, and this one is nobody's (RFC 5737).
const SOME_CLUSTER_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// The same for IPv6 (RFC 3849).
const SOME_CLUSTER_IP6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
/// What every namespace is labelled with.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// What `spec.addresses` of the pool is called that `--range` stands for.
const RANGE_POOL: &str = "range";
/// How an encrypted value begins (SOPS).
const ENCRYPTED: &str = "ENC[";

/// The objects that were found.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) services: Vec<Service>,
    pub(super) pools: Vec<PoolObject>,
    pub(super) advertisements: Vec<AdvertisementObject>,
    pub(super) routers: Vec<SeenRouter>,
    pub(super) reservations: Vec<ReservationObject>,
    pub(super) namespaces: Vec<NamespaceObject>,
    pub(super) nodes: Vec<NodeObject>,
    pub(super) secrets: Vec<SecretObject>,
    /// What was passed over though a person may have meant it, in words.
    pub(super) notes: Vec<String>,
}

impl Manifests {
    /// Reads files and folders; `-` is standard input. Objects of tiklb's kinds that name no namespace are in
    /// `namespace`.
    ///
    /// # Errors
    /// A file that was named cannot be read or is no YAML, or an object is not what its kind should be.
    pub(super) fn read(paths: &[PathBuf], namespace: &str) -> Result<Self> {
        let mut found = Self::default();
        for path in paths {
            if path.as_os_str() == STDIN {
                let mut text = String::new();
                std::io::stdin()
                    .read_to_string(&mut text)
                    .context("reading manifests from standard input")?;
                found.take_text(&text, "standard input", namespace)?;
            } else if path.is_dir() {
                found.take_folder(path, namespace)?;
            } else {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!(
                        "reading {}: give a file or a folder of manifests with -f",
                        path.display()
                    )
                })?;
                found.take_text(&text, &path.display().to_string(), namespace)?;
            }
        }
        Ok(found)
    }

    /// A folder with everything below it, in the order of the names. A file there that is no YAML may be a chart's
    /// template: it is passed over and said.
    fn take_folder(&mut self, folder: &Path, namespace: &str) -> Result<()> {
        let entries =
            std::fs::read_dir(folder).with_context(|| format!("reading the folder {}", folder.display()))?;
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .with_context(|| format!("reading the folder {}", folder.display()))?;
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let ending = path
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or_default();
            // A link may lead round in a circle; what it leads to is in the repository besides.
            if hidden || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                self.take_folder(&path, namespace)?;
            } else if ENDINGS.contains(&ending) {
                let text =
                    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
                match documents(&text) {
                    Ok(documents) => self.take(documents, &path.display().to_string(), namespace)?,
                    Err(why) => self.notes.push(format!(
                        "{} is left out, it is no YAML ({why}): if it is a template, render it and give the result with -f",
                        path.display()
                    )),
                }
            }
        }
        Ok(())
    }

    pub(super) fn take_text(&mut self, text: &str, place: &str, namespace: &str) -> Result<()> {
        let documents = documents(text).map_err(|why| anyhow!("{place} is no YAML: {why}"))?;
        self.take(documents, place, namespace)
    }

    fn take(&mut self, documents: Vec<Value>, place: &str, namespace: &str) -> Result<()> {
        for document in documents {
            match document.get("kind").and_then(Value::as_str) {
                Some("List") => {
                    let items = document.get("items").and_then(Value::as_array).cloned();
                    self.take(items.unwrap_or_default(), place, namespace)?;
                }
                Some(_) => self
                    .take_object(document, namespace)
                    .with_context(|| format!("reading {place}"))?,
                None => {}
            }
        }
        Ok(())
    }

    fn take_object(&mut self, mut object: Value, namespace: &str) -> Result<()> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion").to_owned(), text("kind").to_owned());
        let home = if kind == "Service" { "default" } else { namespace };
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
            && !["Node", "Namespace"].contains(&kind.as_str())
        {
            metadata.entry("namespace").or_insert_with(|| home.into());
        }
        match (version.as_str(), kind.as_str()) {
            ("v1", "Service") => keep(&mut self.services, object::service::service(decoded(object)?)),
            ("v1", "Namespace") => {
                keep(
                    &mut self.namespaces,
                    object::namespace::namespace(decoded(object)?),
                );
            }
            ("v1", "Node") => keep(&mut self.nodes, object::node::address_owner(decoded(object)?)),
            ("v1", "Secret") => self.take_secret(object)?,
            ("metallb.io/v1beta1", "IPAddressPool") => {
                let pool = object::pool::pool(decoded(object)?);
                keep(&mut self.pools, pool.map(|known| known.value));
            }
            ("metallb.io/v1beta1", "L2Advertisement") => {
                let advertisement = object::advertisement::advertisement(decoded(object)?);
                keep(&mut self.advertisements, advertisement.map(|known| known.value));
            }
            ("tiklb.io/v1alpha1", "MikrotikRouter") => {
                let router = object::router::router(decoded(object)?);
                keep(&mut self.routers, router.map(|known| known.value));
            }
            ("tiklb.io/v1alpha1", "AddressReservation") => {
                let reservation = object::reservation::reservation(decoded(object)?);
                keep(&mut self.reservations, reservation.map(|known| known.value));
            }
            (version, "AddressPool") if version.starts_with(METALLB_GROUP) => {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                self.notes.push(format!(
                    "AddressPool {name} is left out, tiklb reads IPAddressPools: write it as one, beside an L2Advertisement \
                     (docs/migrate-from-metallb.md)"
                ));
            }
            _ => {}
        }
        if let Some(service) = self
            .services
            .last_mut()
            .filter(|service| service.cluster_ips.is_empty())
        {
            service.cluster_ips = cluster_ips(service);
        }
        Ok(())
    }

    /// The API server would write `stringData` into `data`.
    fn take_secret(&mut self, mut object: Value) -> Result<()> {
        let plain = object.get("stringData").and_then(Value::as_object).cloned();
        let mut data = object
            .get("data")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let is_encrypted = |data: &Map<String, Value>| {
            data.values()
                .any(|value| value.as_str().is_some_and(|text| text.starts_with(ENCRYPTED)))
        };
        if is_encrypted(&data) || plain.as_ref().is_some_and(is_encrypted) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            self.notes.push(format!(
                "Secret {name} is left out, it is encrypted: decrypt it, or give --username and --password-file"
            ));
            return Ok(());
        }
        for (key, value) in plain.into_iter().flatten() {
            let text = value.as_str().unwrap_or_default().as_bytes().to_vec();
            data.insert(key, serde_json::to_value(k8s_openapi::ByteString(text))?);
        }
        if let Some(object) = object.as_object_mut() {
            object.remove("stringData");
            object.insert("data".to_owned(), data.into());
        }
        // The decoder's words would repeat what is in there.
        let secret: core::Secret = serde_json::from_value(object)
            .map_err(|_| anyhow!("a Secret's data is no base64: put plain text under stringData"))?;
        keep(&mut self.secrets, object::secret::secret(secret));
        Ok(())
    }

    /// Adds a range as if an IPAddressPool held it.
    pub(super) fn add_range(&mut self, ranges: &RangeSet, namespace: &str) {
        let key = ObjectKey::new(namespace, RANGE_POOL);
        self.pools.push(PoolObject {
            seniority: Seniority {
                created: Timestamp::default(),
                key: key.clone(),
            },
            key,
            labels: Labels::new(),
            spec: Ok(PoolSpec {
                addresses: ranges.ranges().iter().map(ToString::to_string).collect(),
                auto_assign: true,
                avoid_buggy_ips: false,
                service_allocation: None,
            }),
        });
    }

    /// The Secrets of one namespace, by name.
    pub(super) fn secrets_of(&self, namespace: &str) -> BTreeMap<String, SecretObject> {
        let there = self
            .secrets
            .iter()
            .filter(|secret| secret.key.namespace == namespace);
        there
            .map(|secret| (secret.key.name.clone(), secret.clone()))
            .collect()
    }

    /// Those that are given, and those that Services are in: with the label that the API server gives each.
    fn all_namespaces(&self) -> Vec<NamespaceObject> {
        let given = self.namespaces.iter().map(|object| object.key.name.as_str());
        let named = self.services.iter().map(|service| service.key.namespace.as_str());
        let names: BTreeSet<&str> = given.chain(named).collect();
        let whole = |name: &str| {
            let given = self.namespaces.iter().find(|object| object.key.name == name);
            let mut labels = given.map(|object| object.labels.clone()).unwrap_or_default();
            labels.insert(NAME_LABEL.to_owned(), name.to_owned());
            NamespaceObject {
                key: ObjectKey::new("", name),
                labels,
                deleting: false,
            }
        };
        names.into_iter().map(whole).collect()
    }

    /// The objects as an allocator would see them, were it to lead a cluster that just got them.
    pub(super) fn events(&self) -> Vec<Event> {
        let routers = self.routers.iter().map(|router| router.object.clone());
        vec![
            Event::Leadership(Leadership::Leading { unclean: false }),
            Event::services(Change::Listed(self.services.clone())),
            Event::Pools(Change::Listed(self.pools.clone())),
            Event::Advertisements(Change::Listed(self.advertisements.clone())),
            Event::Routers(Change::Listed(routers.collect())),
            Event::Reservations(Change::Listed(self.reservations.clone())),
            Event::Namespaces(Change::Listed(self.all_namespaces())),
            Event::Nodes(Change::Listed(self.nodes.clone())),
            Event::Announcements(Change::Listed(Vec::new())),
            Event::Conflicts(Change::Listed(Vec::new())),
            Event::Surveys(Change::Listed(Vec::new())),
        ]
    }
}

/// One for each family that the Service will have; whether one that only prefers two gets them, the cluster decides: it
/// is taken for one that has one.
fn cluster_ips(service: &Service) -> Vec<IpAddr> {
    let both = service.family_policy == Some(FamilyPolicy::RequireDualStack);
    let primary = service.ip_families.first().copied().unwrap_or(Family::V4);
    let mut families = service.ip_families.clone();
    families.push(primary);
    families.extend(both.then_some(primary.other()));
    let mut seen = BTreeSet::new();
    families.retain(|family| seen.insert(*family));
    let address = |family| match family {
        Family::V4 => SOME_CLUSTER_IP,
        Family::V6 => SOME_CLUSTER_IP6,
    };
    families.into_iter().map(address).collect()
}

/// The documents of a file, without the empty ones.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let all: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| first_line(&error.to_string()))?;
    Ok(all.into_iter().filter(|document| !document.is_null()).collect())
}

/// The parser shows the place in the file below its words; a Secret may stand there.
fn first_line(words: &str) -> String {
    words.lines().next().unwrap_or_default().to_owned()
}

fn decoded<K: DeserializeOwned>(object: Value) -> Result<K> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        bail!("a {kind} has no metadata.name: give it one");
    }
    serde_json::from_value(object).with_context(|| format!("{kind} {name} is not as its kind should be"))
}

fn keep<T>(list: &mut Vec<T>, verdict: Verdict<T>) {
    if let Verdict::Keep(value) = verdict {
        list.push(value);
    }
}
