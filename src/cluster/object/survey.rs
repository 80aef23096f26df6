//! A speaker's record of its survey of one subnet, kept in a Lease: the one built-in kind that is made for small
//! records which are written every minute.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::IpNet;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use tiklb_core::allocator::{SegmentRecord, SurveyRecord};
use tiklb_core::model::{NodeName, RangeSet};

use super::{Verdict, key_of};
use crate::api::{annotation, label};

/// How the names of these Leases begin.
const NAME_PREFIX: &str = "tiklb-survey-";

/// The last complete round of one subnet's survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyRound {
    /// The subnet.
    pub subnet: IpNet,
    /// The gateways in it.
    pub gateways: BTreeSet<Ipv4Addr>,
    /// When the subnet was last seen.
    pub seen: Timestamp,
    /// Who asked.
    pub node: NodeName,
    /// The addresses that were asked for.
    pub covered: RangeSet,
    /// Those that answered.
    pub occupied: RangeSet,
    /// When the round began, by this machine's clock.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

impl SurveyRound {
    /// The name of its subnet's Lease: one per subnet, whoever surveys it.
    pub fn lease_name(subnet: &IpNet) -> String {
        let subnet = subnet.trunc().to_string();
        let dashed: String = subnet
            .chars()
            .map(|c| if matches!(c, '.' | '/' | ':') { '-' } else { c })
            .collect();
        // `fd00::/64` gives two dashes in a row, which a name may hold, and never ends in one.
        format!("{NAME_PREFIX}{dashed}")
    }

    /// The Lease that says it, without what only a stored object has.
    pub fn lease(&self, namespace: &str) -> Lease {
        let gateways: Vec<String> = self.gateways.iter().map(ToString::to_string).collect();
        let annotations = [
            (annotation::COVERED, self.covered.to_string()),
            (annotation::OCCUPIED, self.occupied.to_string()),
            (annotation::SUBNET, self.subnet.trunc().to_string()),
            (annotation::GATEWAYS, gateways.join(",")),
            (annotation::SEEN, self.seen.to_string()),
        ];
        let labels = [
            (label::SURVEY, label::SURVEY_VALUE),
            (label::APP_NAME, label::APP_NAME_VALUE),
        ];
        Lease {
            metadata: ObjectMeta {
                name: Some(Self::lease_name(&self.subnet)),
                namespace: Some(namespace.to_owned()),
                labels: Some(
                    labels
                        .map(|(key, value)| (key.to_owned(), value.to_owned()))
                        .into(),
                ),
                annotations: Some(annotations.map(|(key, value)| (key.to_owned(), value)).into()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.node.to_string()),
                acquire_time: Some(MicroTime(self.began)),
                renew_time: Some(MicroTime(self.ended)),
                ..LeaseSpec::default()
            }),
        }
    }
}

/// A record. `now` is this machine's wall clock, with which its age is told.
pub fn survey(object: &Lease, now: Timestamp) -> Verdict<SurveyRecord> {
    match read(object, now) {
        Ok(record) => Verdict::Keep(record),
        Err(why) => Verdict::Unreadable(why),
    }
}

fn read(object: &Lease, now: Timestamp) -> Result<SurveyRecord, String> {
    let annotations = object.metadata.annotations.as_ref();
    let ranges = |name: &str| -> Result<RangeSet, String> {
        let text = annotations
            .and_then(|all| all.get(name))
            .map_or("", String::as_str);
        text.parse()
            .map_err(|error| format!("annotation {name}: {error}"))
    };
    let spec = object.spec.as_ref().ok_or("it has no spec")?;
    let time = |time: &Option<MicroTime>, name: &str| {
        time.as_ref()
            .map(|time| time.0)
            .ok_or_else(|| format!("spec.{name} is missing"))
    };
    let node = spec.holder_identity.clone().filter(|node| !node.is_empty());
    let (began, ended) = (
        time(&spec.acquire_time, "acquireTime")?,
        time(&spec.renew_time, "renewTime")?,
    );
    Ok(SurveyRecord {
        key: key_of(&object.metadata),
        node: NodeName(node.ok_or("spec.holderIdentity is missing")?.into()),
        covered: ranges(annotation::COVERED)?,
        occupied: ranges(annotation::OCCUPIED)?,
        took: between(began, ended),
        age: between(ended, now),
        segment: segment(object, now)?,
    })
}

/// What the record says of its subnet; nothing where it is an IPv6 one's, or an earlier version's.
fn segment(object: &Lease, now: Timestamp) -> Result<Option<SegmentRecord>, String> {
    let text = |name: &str| object.metadata.annotations.as_ref()?.get(name);
    let Some(subnet) = text(annotation::SUBNET) else {
        return Ok(None);
    };
    let why = |name: &str, error: &dyn std::fmt::Display| format!("annotation {name}: {error}");
    let subnet: IpNet = subnet.parse().map_err(|error| why(annotation::SUBNET, &error))?;
    let IpNet::V4(subnet) = subnet else {
        return Ok(None);
    };
    let gateways = text(annotation::GATEWAYS).map_or("", String::as_str);
    let gateways = gateways.split(',').filter(|gateway| !gateway.is_empty());
    let gateways: Result<BTreeSet<Ipv4Addr>, _> = gateways.map(str::parse).collect();
    let seen = text(annotation::SEEN).map_or("", String::as_str);
    let seen: Timestamp = seen.parse().map_err(|error| why(annotation::SEEN, &error))?;
    Ok(Some(SegmentRecord {
        subnet,
        gateways: gateways.map_err(|error| why(annotation::GATEWAYS, &error))?,
        age: between(seen, now),
    }))
}

/// From one moment to a later one; none where clocks disagree on which is later.
fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
