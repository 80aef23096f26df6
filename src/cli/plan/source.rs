//! Where a plan's objects come from: the cluster as it is, or files and flags.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use routeros::client::Client;
use tiklb_core::allocator::{Allocator, Effect, Event, Settings};
use tiklb_core::config::object::RouterMode;
use tiklb_core::config::{PoolObject, ReservationObject};
use tiklb_core::model::service::Service;
use tiklb_core::model::{AddressRange, Now, ObjectKey, RangeSet};
use tiklb_core::reservation::{Failure, FailureKind, Owner, Reading};

use super::finding::Finding;
use crate::allocator::router::failure::failure;
use crate::allocator::router::reading::reading;
use crate::cli::manifests::Manifests;
use crate::cli::progress::told;
use crate::cli::reach::{Given, Said};
use crate::cli::rehearsal::{self, Played};
use crate::cli::view::{View, first};
use crate::cli::{Cluster, undo};
use crate::cluster::object::router::{RouterAccess, SeenRouter};
use crate::cluster::object::secret::SecretObject;

/// A Secret that is not listed within this may not be read with this kubeconfig.
const PATIENCE: Duration = Duration::from_secs(10);
/// Stands for a cluster whose UID is not known.
pub(in crate::cli) const UNKNOWN_UID: &str = "00000000";
/// What a cluster is called that names itself nowhere.
const UNNAMED: &str = "home";

/// The objects, and how their routers are reached.
pub(in crate::cli) enum Source {
    /// A cluster.
    Cluster(Box<View>),
    /// Files and flags.
    Files(Box<Manifests>),
}

/// What identifies the cluster where nothing else does.
#[derive(Debug, Default)]
pub(in crate::cli) struct Identity {
    pub(in crate::cli) cluster_name: Option<String>,
    pub(in crate::cli) cluster_uid: Option<String>,
}

/// A router that was read, or not.
pub(in crate::cli) struct Looked {
    pub(in crate::cli) router: SeenRouter,
    pub(in crate::cli) read: Result<Reading, Failure>,
}

impl Source {
    /// Lists the cluster.
    pub(in crate::cli) async fn cluster(cluster: &Cluster) -> Result<Self> {
        Ok(Self::Cluster(Box::new(View::read(cluster).await?)))
    }

    /// Reads files; `url` is the router, where it is not their MikrotikRouter's own, and `made_up` where they hold none.
    pub(in crate::cli) fn files(
        files: &[PathBuf],
        url: Option<&str>,
        made_up: Option<&str>,
        range: Option<&RangeSet>,
        namespace: &str,
        identity: &Identity,
    ) -> Result<Self> {
        let mut manifests = Manifests::read(files, namespace)?;
        if let Some(range) = range {
            manifests.add_range(range, namespace);
        }
        if manifests.routers.is_empty()
            && let Some(url) = url.or(made_up)
        {
            let name = identity.cluster_name.as_deref().unwrap_or(UNNAMED);
            let key = undo::nameless(namespace);
            let router = undo::made_up(&key.namespace, &key.name, url, name)?;
            manifests.routers.push(router);
        } else if let Some(url) = url {
            match manifests.routers.as_mut_slice() {
                [router] => {
                    if let Some(access) = &mut router.access {
                        url.clone_into(&mut access.url);
                    }
                }
                several => bail!(
                    "--router is for one router, and the files hold {} MikrotikRouters: leave it out, and name the one to look at",
                    several.len()
                ),
            }
        }
        Ok(Self::Files(Box::new(manifests)))
    }

    /// The routers' objects; `name` chooses one.
    pub(in crate::cli) fn routers(&self, name: Option<&str>) -> Vec<SeenRouter> {
        let all: Vec<&SeenRouter> = match self {
            Self::Cluster(view) => view.routers.iter().map(|known| &known.value).collect(),
            Self::Files(manifests) => manifests.routers.iter().collect(),
        };
        let wanted = |router: &&&SeenRouter| name.is_none_or(|name| router.object.key.name == name);
        all.iter()
            .filter(wanted)
            .map(|router| (*router).clone())
            .collect()
    }

    /// Reads one router.
    pub(in crate::cli) async fn look(&self, router: SeenRouter, given: &Given) -> Looked {
        let what = format!("reading the router of MikrotikRouter {}", router.object.key.name);
        let read = told(&what, self.read(&router, given)).await;
        Looked { router, read }
    }

    /// A client of one router.
    pub(in crate::cli) async fn client(&self, router: &SeenRouter, given: &Given) -> Result<Client, Failure> {
        let Some(access) = &router.access else {
            let message = router.object.spec.as_ref().err().cloned().unwrap_or_default();
            return Err(Failure {
                kind: FailureKind::InvalidSpec,
                message,
            });
        };
        let namespace = &router.object.key.namespace;
        let secrets = match self {
            Self::Cluster(view) => secrets(view, namespace, access).await?,
            Self::Files(manifests) => manifests.secrets_of(namespace),
        };
        let said = Said {
            namespace,
            access,
            secrets: &secrets,
        };
        // A router that no object names is known by flags alone.
        if router.object.uid.0 != undo::MADE_UP {
            return given.client(&access.url, Some(&said));
        }
        let Some(credentials) = account_among(&secrets) else {
            return given.client(&access.url, None);
        };
        let access = &RouterAccess {
            credentials,
            ..access.clone()
        };
        given.client(&access.url, Some(&Said { access, ..said }))
    }

    async fn read(&self, router: &SeenRouter, given: &Given) -> Result<Reading, Failure> {
        let client = self.client(router, given).await?;
        let read = client.reading().await;
        client.idle().await;
        read.map(|read| reading(&read)).map_err(|error| match self {
            Self::Cluster(_) => failure(&error),
            Self::Files(_) => crate::cli::reach::in_flags(failure(&error)),
        })
    }

    /// The addresses of all pools, as far as they can be read.
    pub(in crate::cli) fn ranges(&self) -> RangeSet {
        let pools: Vec<&PoolObject> = match self {
            Self::Cluster(view) => view.pools.iter().map(|known| &known.value).collect(),
            Self::Files(manifests) => manifests.pools.iter().collect(),
        };
        let specs = pools.iter().filter_map(|pool| pool.spec.as_ref().ok());
        let written = specs.flat_map(|spec| &spec.addresses);
        written
            .filter_map(|text| AddressRange::parse(text).ok())
            .fold(RangeSet::new(), |all, range| all.union(&range.into()))
    }

    /// The UID, in its short form, of the cluster that was asked.
    pub(in crate::cli) fn living(&self) -> Option<String> {
        match self {
            Self::Cluster(view) => Some(view.cluster_uid.short()),
            Self::Files(_) => None,
        }
    }

    pub(in crate::cli) fn services(&self) -> &[Service] {
        match self {
            Self::Cluster(view) => &view.services,
            Self::Files(manifests) => &manifests.services,
        }
    }

    pub(in crate::cli) fn reservations(&self) -> Vec<ReservationObject> {
        match self {
            Self::Cluster(view) => view
                .reservations
                .iter()
                .map(|known| known.value.clone())
                .collect(),
            Self::Files(manifests) => manifests.reservations.clone(),
        }
    }

    /// The UID in its short form: the cluster's, the one that was given, or the one of the rows on the router that are
    /// under this name.
    fn uid(&self, looked: &Looked, identity: &Identity) -> Result<(String, bool)> {
        if let Self::Cluster(view) = self {
            return Ok((view.cluster_uid.short(), true));
        }
        if let Some(uid) = &identity.cluster_uid {
            return Ok((tiklb_core::model::Uid(uid.clone()).short(), true));
        }
        let name = looked
            .router
            .object
            .spec
            .as_ref()
            .ok()
            .map(|spec| &spec.cluster_name);
        let Ok(read) = &looked.read else {
            return Ok((UNKNOWN_UID.to_owned(), false));
        };
        let owner = undo::only_owner(read, name.map(String::as_str), None)?;
        Ok(owner.map_or_else(|| (UNKNOWN_UID.to_owned(), false), |owner| (owner.uid, true)))
    }

    /// What is to be done on each router.
    pub(in crate::cli) fn findings(
        &self,
        looked: Vec<Looked>,
        class: Option<&String>,
        identity: &Identity,
        now: Now,
    ) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for looked in looked {
            let (uid, known) = self.uid(&looked, identity)?;
            let settings = Settings {
                class: class.cloned(),
                cluster_uid: uid,
                ..Settings::default()
            };
            let mut finding = match self {
                Self::Cluster(view) => present(view, looked, settings, now),
                Self::Files(manifests) => rehearsed(manifests, looked, settings, known, now),
            };
            finding.notes.extend(others(&finding, &self.ranges()));
            findings.push(finding);
        }
        Ok(findings)
    }

    /// What would take everything away again.
    pub(in crate::cli) fn undoing(
        &self,
        looked: Vec<Looked>,
        identity: &Identity,
        now: Now,
    ) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for looked in looked {
            let owner = self.owner(&looked, identity)?;
            let mut finding = blank(looked.router.clone(), looked.read);
            match (&finding.read, owner) {
                (Ok(read), Some(owner)) => {
                    let plan = undo::plan(&looked.router.object, &owner, read, now);
                    finding.plan(plan);
                    finding.notes.push(format!("these are the rows of {owner}"));
                }
                (Ok(_), None) => finding
                    .notes
                    .push("the router holds no row of tiklb's".to_owned()),
                (Err(_), _) => {}
            }
            findings.push(finding);
        }
        Ok(findings)
    }

    fn owner(&self, looked: &Looked, identity: &Identity) -> Result<Option<Owner>> {
        let Ok(read) = &looked.read else { return Ok(None) };
        let spec = looked.router.object.spec.as_ref().ok();
        let made_up = looked.router.object.uid.0 == undo::MADE_UP;
        let name = identity
            .cluster_name
            .as_deref()
            .or(spec.filter(|_| !made_up).map(|spec| spec.cluster_name.as_str()));
        let uid = match self {
            Self::Cluster(view) => Some(view.cluster_uid.short()),
            Self::Files(_) => identity
                .cluster_uid
                .as_ref()
                .map(|uid| tiklb_core::model::Uid(uid.clone()).short()),
        };
        undo::only_owner(read, name, uid.as_deref())
    }
}

/// The Secret that holds an account, where no MikrotikRouter names it and only one can be meant.
fn account_among(secrets: &BTreeMap<String, SecretObject>) -> Option<String> {
    let has = |secret: &SecretObject| secret.get("username").is_some() && secret.get("password").is_some();
    let mut found = secrets.iter().filter(|(_, secret)| has(secret));
    let (name, _) = found.next()?;
    found.next().is_none().then(|| name.clone())
}

async fn secrets(
    view: &View,
    namespace: &str,
    access: &RouterAccess,
) -> Result<BTreeMap<String, SecretObject>, Failure> {
    let mut secrets = BTreeMap::new();
    for name in access.secrets() {
        let found = tokio::time::timeout(PATIENCE, first(view.source.secret(name), "Secrets"));
        let found = found.await.map_err(|_| unreadable(namespace, name))?;
        let found = found.unwrap_or_default();
        secrets.extend(found.into_iter().map(|secret| (name.to_owned(), secret)));
    }
    Ok(secrets)
}

fn unreadable(namespace: &str, secret: &str) -> Failure {
    Failure {
        kind: FailureKind::SecretMissing,
        message: format!(
            "the Secret {namespace}/{secret} could not be read within 10 s: try `kubectl get secret -n {namespace} {secret}`"
        ),
    }
}

fn blank(router: SeenRouter, read: Result<Reading, Failure>) -> Finding {
    let url = router
        .access
        .map_or_else(|| "an unknown place".to_owned(), |access| access.url);
    Finding {
        name: router.object.key.name.clone(),
        namespace: router.object.key.namespace.clone(),
        url,
        read,
        writes: Vec::new(),
        obstacles: Vec::new(),
        held: Vec::new(),
        status: None,
        notes: Vec::new(),
    }
}

/// The difference at this moment, between what the cluster's objects say and what the router holds.
fn present(view: &View, looked: Looked, settings: Settings, now: Now) -> Finding {
    let mut allocator = Allocator::new(settings);
    allocator.step(view.events(), now);
    let key = looked.router.object.key.clone();
    let event = Event::RouterRead {
        router: key.clone(),
        result: Box::new(looked.read.clone()),
    };
    let step = allocator.step([event], now);
    let status = step.effects.into_iter().find_map(|effect| match effect {
        Effect::SetRouterStatus { router, status } if router == key => Some(*status),
        _ => None,
    });
    let mut finding = blank(looked.router, looked.read);
    finding.plan(allocator.plan(&key, now).unwrap_or_default());
    finding.status = status;
    finding
}

/// Everything that would be written until nothing is left to do.
fn rehearsed(manifests: &Manifests, looked: Looked, settings: Settings, known: bool, now: Now) -> Finding {
    let key = looked.router.object.key.clone();
    let only_shown = only_shown(&looked);
    let uid = settings.cluster_uid.clone();
    let readings = BTreeMap::from([(key.clone(), looked.read.clone())]);
    let mut played = match &looked.read {
        Ok(_) => rehearsal::play(settings, manifests.events(), readings, now.wall),
        Err(_) => Played::default(),
    };
    let mut finding = blank(looked.router, looked.read);
    finding.writes = played.writes.remove(&key).unwrap_or_default();
    finding.obstacles = played.obstacles.remove(&key).unwrap_or_default();
    finding.status = played.statuses.remove(&key);
    finding.notes.extend(played.said);
    finding.notes.extend(only_shown);
    if finding.read.is_ok() {
        finding
            .notes
            .extend(assumptions(&finding, &played.addresses, &uid, known));
    }
    finding
}

/// Why tiklb would make none of these writes as things are, if it would not.
fn only_shown(looked: &Looked) -> Option<String> {
    let (Ok(spec), Ok(read)) = (&looked.router.object.spec, &looked.read) else {
        return None;
    };
    if spec.mode != RouterMode::Enforce {
        let words = "tiklb would make none of these writes: spec.mode is not Enforce";
        return Some(words.to_owned());
    }
    let held_back = read.untested && !spec.accept_untested;
    held_back.then(|| {
        format!(
            "tiklb would only show these writes: RouterOS {} is none of the versions that it was tested with, and spec.acceptUntestedVersion is not set",
            read.version
        )
    })
}

/// What else the router says of the ranges, and what it does not let be read.
fn others(finding: &Finding, ranges: &RangeSet) -> Vec<String> {
    let Ok(read) = &finding.read else {
        return Vec::new();
    };
    let pointed = read.uses.pointed.iter().filter_map(|pointed| {
        let ours = pointed.addresses.intersection(ranges);
        (!ours.is_empty()).then(|| format!("{ours} only for a Service that asks for it: {}", pointed.role))
    });
    let unread = read.uses.unread.iter();
    pointed
        .chain(unread.map(|unread| format!("not known: {unread}")))
        .collect()
}

/// What the plan takes for granted.
fn assumptions(
    finding: &Finding,
    addresses: &BTreeMap<ObjectKey, Vec<std::net::IpAddr>>,
    uid: &str,
    known: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !addresses.is_empty() {
        notes.push(
            "worked out from files: that nobody answers for these addresses is taken for granted, and ARP rows follow once a node answers"
                .to_owned(),
        );
    }
    if !known && !finding.writes.is_empty() {
        notes.push(format!(
            "{uid} stands for this cluster's UID: give it with --cluster-uid (kubectl get namespace kube-system -o jsonpath={{.metadata.uid}})"
        ));
    }
    notes
}
