//! `IPAddressPool`: the addresses that may be handed out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::allocation::{Admission, Allocation};
use super::object::{PoolObject, PoolSpec};
use super::problem::{Kind, Problem};
use crate::model::excerpt::NAME;
use crate::model::object::Seniority;
use crate::model::service::Service;
use crate::model::{AddressRange, Labels, ObjectKey, RangeSet, excerpt};

/// A pool of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Namespace and name.
    pub key: ObjectKey,
    /// Its place in disputes.
    pub seniority: Seniority,
    /// What advertisements and routers select it by.
    pub labels: Labels,
    /// The addresses in the order of the spec, the order in which they are handed out.
    pub order: Vec<AddressRange>,
    /// The same addresses as a set. Of an unusable pool: those of its entries that can be read.
    pub ranges: RangeSet,
    /// Whether addresses are handed out to Services that do not ask for this pool.
    pub auto_assign: bool,
    /// Skip IPv4 addresses that end in 0 or 255.
    pub avoid_buggy_ips: bool,
    /// Which Services it is for; `None`: all.
    pub allocation: Option<Allocation>,
    /// Whether anything is handed out.
    pub state: PoolState,
}

impl Pool {
    /// Whether a Service may have this address from this pool. Ones that are avoided are, for Services, not in it, whoever
    /// asks: as in MetalLB.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.ranges.contains(address) && !self.avoids(address)
    }

    /// Whether the address is one that the pool avoids.
    pub fn avoids(&self, address: IpAddr) -> bool {
        let buggy = matches!(address, IpAddr::V4(v4) if matches!(v4.octets()[3], 0 | 255));
        self.avoid_buggy_ips && buggy
    }

    /// Whether this Service may be served from it, as far as the namespaces are known.
    pub fn admits(&self, service: &Service, namespaces: &BTreeMap<String, Labels>) -> Admission {
        let allocation = self.allocation.as_ref();
        allocation.map_or(Admission::Yes, |a| a.admits(service, namespaces))
    }
}

/// Whether a pool hands out addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolState {
    /// It does.
    Usable,
    /// It does not; what it handed out before stays.
    Unusable,
}

/// Entries of one pool that are complained of: as many as a person mends at a time.
const COMPLAINTS: usize = 10;
/// Characters of what two pools have in common.
const SHARED: usize = 256;

/// Judges each pool by itself, then all of them together.
pub(super) fn validate(objects: &[PoolObject], problems: &mut Vec<Problem>) -> BTreeMap<String, Pool> {
    let mut by_age: Vec<&PoolObject> = objects.iter().collect();
    by_age.sort_by_key(|object| &object.seniority);
    let mut pools: BTreeMap<String, Pool> = BTreeMap::new();
    for object in by_age {
        let (mut pool, complaints) = read(object);
        problems.extend(complaints);
        if pool.state == PoolState::Usable
            && let Some(elder) = pools
                .values()
                .find(|p| p.state == PoolState::Usable && overlap(p, &pool).is_some())
        {
            problems.push(overlap_problem(&pool, elder));
            pool.state = PoolState::Unusable;
        }
        pools.insert(pool.name.clone(), pool);
    }
    pools
}

fn overlap(a: &Pool, b: &Pool) -> Option<RangeSet> {
    let both = a.ranges.intersection(&b.ranges);
    (!both.is_empty()).then_some(both)
}

fn overlap_problem(younger: &Pool, elder: &Pool) -> Problem {
    let both = overlap(younger, elder).unwrap_or_default();
    let message = format!(
        "{} is already in the older pool {}: remove it from one of the two; until then this pool hands out nothing",
        excerpt(both.to_string(), SHARED),
        elder.name
    );
    Problem::invalid(Kind::IPAddressPool, &younger.key, message)
}

fn read(object: &PoolObject) -> (Pool, Vec<Problem>) {
    let invalid = |message: String| Problem::invalid(Kind::IPAddressPool, &object.key, message);
    let mut pool = Pool {
        name: object.key.name.clone(),
        key: object.key.clone(),
        seniority: object.seniority.clone(),
        labels: object.labels.clone(),
        order: Vec::new(),
        ranges: RangeSet::new(),
        auto_assign: false,
        avoid_buggy_ips: false,
        allocation: None,
        state: PoolState::Usable,
    };
    let spec = match &object.spec {
        Ok(spec) => spec,
        Err(why) => {
            pool.state = PoolState::Unusable;
            return (pool, vec![invalid(why.clone())]);
        }
    };
    let mut complaints = read_addresses(spec, &mut pool, invalid);
    pool.auto_assign = spec.auto_assign;
    pool.avoid_buggy_ips = spec.avoid_buggy_ips;
    // To hand out a pool to everybody whose selectors cannot be read would break the promise that they make.
    let allocation = spec.service_allocation.as_ref().map(Allocation::read).transpose();
    match allocation {
        Ok(allocation) => pool.allocation = allocation,
        Err(why) => complaints.push(invalid(why)),
    }
    if !complaints.is_empty() {
        pool.state = PoolState::Unusable;
    }
    (pool, complaints)
}

fn read_addresses(spec: &PoolSpec, pool: &mut Pool, invalid: impl Fn(String) -> Problem) -> Vec<Problem> {
    let mut complaints = Vec::new();
    if spec.addresses.is_empty() {
        complaints.push(invalid(
            "spec.addresses is empty: add a range or a CIDR".to_owned(),
        ));
    }
    let mut seen = BTreeSet::new();
    for text in &spec.addresses {
        if complaints.len() == COMPLAINTS {
            complaints.push(invalid(
                "spec.addresses: and more of its entries: mend these first".to_owned(),
            ));
            break;
        }
        match AddressRange::parse(text) {
            Err(error) => complaints.push(invalid(format!("spec.addresses: {error}"))),
            Ok(range) => {
                if !pool.ranges.intersection(&range.into()).is_empty() && seen.insert(text) {
                    complaints.push(invalid(format!(
                        "spec.addresses: {} overlaps an earlier entry: remove one of the two",
                        excerpt(text, NAME)
                    )));
                }
                pool.order.push(range);
                pool.ranges = pool.ranges.union(&range.into());
            }
        }
    }
    complaints
}
