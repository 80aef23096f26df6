//! `ServiceL2Status`: one object for each Service and the node that announces it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tiklb_core::model::{NodeName, ObjectKey, Timestamp};
use tiklb_core::speaker::{Held, Published, Wanted};

use super::{Identity, Recorder};
use crate::api::label;
use crate::api::service_status::{InterfaceInfo, NAME_PREFIX, ServiceL2StatusStatus};
use crate::cluster::writer::{Kind, Target, Wish};

impl Recorder {
    pub(super) fn record(&self, held: &Held) {
        for service in &held.services {
            self.writer.wish(
                target(&self.identity, service),
                wish(&self.identity, service, held),
            );
        }
    }

    pub(super) fn unrecord(&self, service: &ObjectKey) {
        self.writer.wish(target(&self.identity, service), Wish::Absent);
    }

    /// Removes records that are no longer true: those of an earlier owner of what is announced here, those that an
    /// earlier run of this speaker left, and those of dead nodes for what nobody wants announced any more.
    pub(super) fn sweep_announcements(&self, published: &Published, wanted: &Wanted) {
        let me = &self.identity.node;
        let groups = wanted.election.groups.values();
        let wanted: BTreeSet<&ObjectKey> = groups.flat_map(|group| &group.services).collect();
        let first = published.alive.iter().all(|other| me < other);
        let held = published.held.values();
        let held = held.flat_map(|held| held.services.iter().map(move |service| (service, held)));
        let held: BTreeMap<&ObjectKey, &Held> = held.collect();
        for stored in self.writer.all(Kind::Announcement) {
            let Some(record) = stored.status().as_ref().and_then(Record::read) else {
                continue;
            };
            let target = Target {
                kind: Kind::Announcement,
                key: stored.key.clone(),
            };
            let mine = held.get(&record.service);
            let is_dead = record.node != *me && !published.alive.contains(&record.node);
            let stale = match mine {
                Some(_) if record.node == *me => target != self::target(&self.identity, &record.service),
                Some(held) => record.epoch < held.epoch,
                // What an earlier run left may be taken up again, and others go by its record meanwhile.
                None if record.node == *me => published.settled,
                None => first && is_dead && !wanted.contains(&record.service),
            };
            if stale {
                self.writer.wish(target, Wish::Absent);
            }
        }
    }
}

/// What a stored record says.
struct Record {
    node: NodeName,
    service: ObjectKey,
    epoch: u64,
}

impl Record {
    fn read(status: &Value) -> Option<Self> {
        let text = |field: &str| status[field].as_str();
        Some(Self {
            node: NodeName::from(text("node")?),
            service: ObjectKey::new(text("serviceNamespace")?, text("serviceName")?),
            // MetalLB's own records have none: any claim of ours is later.
            epoch: status["epoch"].as_u64().unwrap_or(0),
        })
    }
}

/// The object's name says node and Service, so that writing it twice makes one object.
fn target(identity: &Identity, service: &ObjectKey) -> Target {
    let digest = Sha256::digest(format!("{}#{service}", identity.node));
    let tail = digest
        .iter()
        .take(8)
        .fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    Target {
        kind: Kind::Announcement,
        key: identity.key(format!("{NAME_PREFIX}{tail:016x}")),
    }
}

fn wish(identity: &Identity, service: &ObjectKey, held: &Held) -> Wish {
    let status = ServiceL2StatusStatus {
        node: Some(identity.node.to_string()),
        service_name: Some(service.name.clone()),
        service_namespace: Some(service.namespace.clone()),
        interfaces: held
            .interfaces
            .iter()
            .map(|name| InterfaceInfo { name: name.clone() })
            .collect(),
        addresses: held.addresses.iter().map(ToString::to_string).collect(),
        mac: held.mac.map(|mac| mac.to_string()),
        since: time(held.since),
        reason: Some(held.because.reason().to_owned()),
        epoch: i64::try_from(held.epoch).ok(),
    };
    Wish::Object {
        metadata: identity
            .metadata(&[
                (label::NODE, &identity.node.0),
                (label::SERVICE_NAME, &service.name),
                (label::SERVICE_NAMESPACE, &service.namespace),
            ])
            .into(),
        spec: json!({}).into(),
        status: json!(status).into(),
    }
}

/// A moment as objects have it.
pub(in crate::speaker) fn time(at: Timestamp) -> Option<Time> {
    jiff::Timestamp::from_second(at.0).ok().map(Time)
}
