//! Decisions about Services as values that carry their reason.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use super::{Holder, RequestError};
use crate::model::{Family, ObjectKey};

/// What is to be done with a Service, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub outcome: Outcome,
    /// Why.
    pub because: Because,
}

/// What is to be done with a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its status should name these addresses.
    Assigned {
        /// In the order of the status.
        addresses: Vec<IpAddr>,
        /// The pool they come from.
        pool: String,
    },
    /// It has no address now; its status should be empty.
    Pending,
    /// It is none of our business: nothing is written.
    NotOurs,
}

/// Why a Service has, or does not have, an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// It asked for exactly this address and it was free.
    Requested,
    /// It asked for nothing, and the AddressReservation of this name keeps the address for it.
    Reserved(String),
    /// The first free address of the pools in order.
    FirstFree {
        /// Addresses passed over because someone else has them, at most [`SKIPPED_SHOWN`].
        skipped: Vec<(IpAddr, Holder)>,
    },
    /// It had this address before.
    AlreadyAssigned,
    /// An address of the family that it lacked was free in the pool that it is served from.
    FamilyAdded,
    /// It has an address of one family, and one of the other could not be added from the same pool.
    OneFamily(Box<Because>),
    /// It had this address before and its pool is unusable, which takes nothing away.
    PoolUnusable,
    /// It had this address before and keeps it although it now asks for something that cannot be had.
    Stays(Box<Because>),
    /// It is not of type `LoadBalancer`, or being deleted.
    NotLoadBalancer,
    /// Its `spec.loadBalancerClass` is another load balancer's.
    OtherClass,
    /// Its wish cannot be understood.
    BadRequest(RequestError),
    /// The requested address lies in no pool.
    OutsidePools(IpAddr),
    /// The requested address lies in another pool than the requested one.
    OutsideRequestedPool {
        /// The requested address.
        address: IpAddr,
        /// The requested pool.
        pool: String,
    },
    /// The requested addresses are not in one pool.
    TwoPools(Vec<IpAddr>),
    /// The requested address ends in 0 or 255, and its pool avoids those.
    Avoided {
        /// The requested address.
        address: IpAddr,
        /// Its pool.
        pool: String,
    },
    /// The pool that the request leads to is for others.
    NotServed {
        /// The pool.
        pool: String,
    },
    /// Whether a pool is for this Service depends on its namespace, which was not seen yet.
    NamespaceUnseen {
        /// The pool.
        pool: String,
    },
    /// The requested pool does not exist or hands out nothing.
    PoolUnavailable(String),
    /// Another Service has the requested address and does not share it.
    Taken {
        /// The requested address.
        address: IpAddr,
        /// Who has it.
        by: ObjectKey,
    },
    /// An AddressReservation keeps the requested address for another Service, or for none.
    ReservedForOther {
        /// The requested address.
        address: IpAddr,
        /// The AddressReservation's name.
        reservation: String,
        /// The Service that it is for.
        service: Option<ObjectKey>,
    },
    /// Someone outside the cluster has the requested address.
    Held {
        /// The requested address.
        address: IpAddr,
        /// Who has it.
        by: Holder,
    },
    /// The address may not be used before more is known.
    Unproven {
        /// The address it would get.
        address: IpAddr,
        /// What is missing.
        why: String,
    },
    /// Addresses have just come into a pool that no router governs: what governs it may be on its way.
    NewPool {
        /// The pool.
        pool: String,
    },
    /// Every address of the pools is taken or held.
    Exhausted {
        /// What was looked for.
        sought: Sought,
        /// The pools that were searched.
        pools: Vec<String>,
        /// How many of their addresses someone outside the cluster has.
        held: usize,
        /// How many of them are reserved for others.
        reserved: usize,
    },
    /// There is no pool from which a Service that asks for nothing is served.
    NoPools,
    /// It may not have its address any more.
    NoLongerAllowed {
        /// Why not.
        lost: Lost,
        /// Why it has the one that it has now, or none.
        then: Box<Because>,
    },
}

/// What a search was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sought {
    /// An address of this family.
    One(Family),
    /// One of each family, in one pool.
    Both,
}

/// Why a Service may not have an address any more that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It is in no pool any more.
    OutsidePools,
    /// Its two addresses are in two pools now.
    TwoPools,
    /// Its pool is for others now.
    NotServed {
        /// The pool.
        pool: String,
    },
    /// It has one of a family that the Service has no more, or one where it requires two.
    Families,
    /// Another Service has it too, and by the sharing rules they do not go together any more.
    NotShared {
        /// The address.
        address: IpAddr,
        /// The other Service.
        by: ObjectKey,
    },
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsidePools => f.write_str("its address is in no IPAddressPool any more"),
            Self::TwoPools => f.write_str("its addresses are not in one IPAddressPool any more"),
            Self::NotServed { pool } => write!(
                f,
                "IPAddressPool {pool} is not for it any more (spec.serviceAllocation against its namespace and labels)"
            ),
            Self::Families => f.write_str(
                "what it has does not go with its spec.ipFamilies and spec.ipFamilyPolicy any more",
            ),
            Self::NotShared { address, by } => write!(
                f,
                "it cannot share {address} with Service {by} any more (their metallb.io/allow-shared-ip, their ports, or under externalTrafficPolicy: Local their selectors)"
            ),
        }
    }
}

impl Decision {
    /// Whether the Service waits for something: another look may bring what it asks for.
    pub fn waits(&self) -> bool {
        match self.outcome {
            Outcome::Assigned { .. } => {
                matches!(self.because, Because::Stays(_) | Because::OneFamily(_))
            }
            Outcome::Pending => self.because != Because::NotLoadBalancer,
            Outcome::NotOurs => false,
        }
    }

    /// Whether the Service is one of ours that asks for an address.
    pub fn is_about_ours(&self) -> bool {
        self.outcome != Outcome::NotOurs && self.because != Because::NotLoadBalancer
    }
}

impl Because {
    /// The reason in one word of a closed list, for what must not grow with what people write: labels of metrics, and
    /// scripts.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Requested => "Requested",
            Self::Reserved(_) => "Reserved",
            Self::FirstFree { .. } => "FirstFree",
            Self::AlreadyAssigned => "AlreadyAssigned",
            Self::FamilyAdded => "FamilyAdded",
            Self::OneFamily(_) => "OneFamily",
            Self::PoolUnusable => "PoolUnusable",
            Self::NotLoadBalancer => "NotLoadBalancer",
            Self::OtherClass => "OtherClass",
            Self::BadRequest(_) => "BadRequest",
            Self::OutsidePools(_) => "OutsidePools",
            Self::OutsideRequestedPool { .. } => "OutsideRequestedPool",
            Self::TwoPools(_) => "TwoPools",
            Self::Avoided { .. } => "Avoided",
            Self::NotServed { .. } => "NotServed",
            Self::NamespaceUnseen { .. } => "NamespaceUnseen",
            Self::PoolUnavailable(_) => "PoolUnavailable",
            Self::Taken { .. } => "Taken",
            Self::ReservedForOther { .. } => "ReservedForOther",
            Self::Held { .. } => "Held",
            Self::Unproven { .. } => "Unproven",
            Self::NewPool { .. } => "NewPool",
            Self::Exhausted { .. } => "Exhausted",
            Self::NoPools => "NoPools",
            // What it waits for says more than that it waits.
            Self::Stays(why) | Self::NoLongerAllowed { then: why, .. } => why.word(),
        }
    }

    /// Whether it ends by itself, once more is known of the network.
    pub fn awaits_proof(&self) -> bool {
        matches!(self, Self::Unproven { .. } | Self::NewPool { .. })
    }

    /// What a person has to correct in the Service or in the pools before it can have what it asks for. `None` where
    /// nothing is wrong, where time or the network decides, and where pools are merely full.
    pub fn fault_of_the_request(&self) -> Option<String> {
        match self {
            Self::BadRequest(_)
            | Self::OutsidePools(_)
            | Self::OutsideRequestedPool { .. }
            | Self::TwoPools(_)
            | Self::Avoided { .. }
            | Self::NotServed { .. }
            | Self::PoolUnavailable(_)
            | Self::Taken { .. }
            | Self::ReservedForOther { .. } => Some(self.to_string()),
            Self::Stays(why) | Self::NoLongerAllowed { then: why, .. } => {
                why.fault_of_the_request().map(|_| self.to_string())
            }
            Self::Requested
            | Self::Reserved(_)
            | Self::FirstFree { .. }
            | Self::AlreadyAssigned
            | Self::FamilyAdded
            | Self::OneFamily(_)
            | Self::NamespaceUnseen { .. }
            | Self::PoolUnusable
            | Self::NotLoadBalancer
            | Self::OtherClass
            | Self::Held { .. }
            | Self::Unproven { .. }
            | Self::NewPool { .. }
            | Self::Exhausted { .. }
            | Self::NoPools => None,
        }
    }
}

/// How many skipped addresses a decision names: what a person still reads.
pub const SKIPPED_SHOWN: usize = 8;

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("the Service asks for it"),
            Self::Reserved(name) => write!(f, "AddressReservation {name} keeps it for this Service"),
            Self::FirstFree { skipped } => write_first_free(f, skipped),
            Self::AlreadyAssigned => f.write_str("it already had it"),
            Self::PoolUnusable => f.write_str(
                "it already had it; its pool is unusable until it is mended, which takes nothing away",
            ),
            Self::Stays(why) => write!(f, "it stays where it is: {why}"),
            Self::NotLoadBalancer => f.write_str("it is not (or no longer) a Service of type LoadBalancer"),
            Self::OtherClass => f.write_str("its loadBalancerClass names another load balancer"),
            Self::FamilyAdded => {
                f.write_str("its pool had a free address of the family that it lacked")
            }
            Self::OneFamily(why) => write!(f, "the other family could not be added: {why}"),
            Self::BadRequest(_)
            | Self::OutsidePools(_)
            | Self::OutsideRequestedPool { .. }
            | Self::TwoPools(_)
            | Self::Avoided { .. }
            | Self::NotServed { .. }
            | Self::NamespaceUnseen { .. }
            | Self::PoolUnavailable(_)
            | Self::Taken { .. } => self.write_request(f),
            Self::ReservedForOther {
                address,
                reservation,
                service,
            } => write_reserved(f, *address, reservation, service.as_ref()),
            Self::Held { address, by } => {
                write!(
                    f,
                    "{address} is in use by {by}: ask for another address, or free it there"
                )
            }
            Self::Unproven { address, why } => write!(f, "{address} is not proven free yet: {why}"),
            Self::NewPool { pool } => write!(
                f,
                "IPAddressPool {pool} has just come, and its MikrotikRouter may be on its way: nothing is given for two seconds"
            ),
            Self::Exhausted {
                sought,
                pools,
                held,
                reserved,
            } => write_exhausted(f, *sought, pools, *held, *reserved),
            Self::NoPools => f.write_str(
                "no usable IPAddressPool that is for this Service has autoAssign: create one, or ask for an address or a pool",
            ),
            Self::NoLongerAllowed { lost, then } => write!(f, "{lost}, and {then}"),
        }
    }
}

impl Because {
    /// What is wrong with what the Service asks for.
    fn write_request(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(error) => write!(f, "{error}"),
            Self::OutsidePools(address) => write!(
                f,
                "{address} is in no usable IPAddressPool: ask for an address of a pool, or add it to one"
            ),
            Self::OutsideRequestedPool { address, pool } => write!(
                f,
                "{address} is not in the requested pool {pool}: correct one of the two annotations"
            ),
            Self::TwoPools(addresses) => {
                let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                let words = words.join(" and ");
                write!(
                    f,
                    "{words} are not in one IPAddressPool: ask for two addresses of one pool"
                )
            }
            Self::Avoided { address, pool } => write!(
                f,
                "{address} ends in .0 or .255, which IPAddressPool {pool} avoids (spec.avoidBuggyIPs): ask for another address"
            ),
            Self::NotServed { pool } => write!(
                f,
                "IPAddressPool {pool} is not for this Service: change its spec.serviceAllocation, or the Service's labels, or ask for another pool"
            ),
            Self::NamespaceUnseen { pool } => write!(
                f,
                "IPAddressPool {pool} may be for this Service: that depends on its namespace, which is not known yet"
            ),
            Self::PoolUnavailable(pool) => write!(
                f,
                "the requested pool {pool:?} does not exist or is not usable: kubectl get ipaddresspools,configurationstates -A"
            ),
            Self::Taken { address, by } => write!(
                f,
                "{address} belongs to Service {by}: ask for another address, or give both the same metallb.io/allow-shared-ip and different ports"
            ),
            other => write!(f, "{other}"),
        }
    }
}

fn write_first_free(f: &mut fmt::Formatter<'_>, skipped: &[(IpAddr, Holder)]) -> fmt::Result {
    f.write_str("it is the first free one")?;
    for (i, (address, holder)) in skipped.iter().enumerate() {
        f.write_str(if i == 0 { "; passed over: " } else { ", " })?;
        write!(f, "{address} {holder}")?;
    }
    Ok(())
}

fn write_reserved(
    f: &mut fmt::Formatter<'_>,
    address: IpAddr,
    reservation: &str,
    service: Option<&ObjectKey>,
) -> fmt::Result {
    write!(f, "{address} is reserved by AddressReservation {reservation}")?;
    match service {
        Some(service) => write!(f, " for Service {service}")?,
        None => f.write_str(" for no Service")?,
    }
    f.write_str(": ask for another address, or change spec.for there")
}

fn write_exhausted(
    f: &mut fmt::Formatter<'_>,
    sought: Sought,
    pools: &[String],
    held: usize,
    reserved: usize,
) -> fmt::Result {
    let shown = pools.len().min(SKIPPED_SHOWN);
    let mut names = pools[..shown].join(", ");
    if let more @ 1.. = pools.len() - shown {
        _ = write!(names, " and {more} more");
    }
    match sought {
        Sought::One(Family::V4) => write!(f, "no free address is left in {names}")?,
        Sought::One(Family::V6) => write!(f, "no free IPv6 address is left in {names}")?,
        Sought::Both => write!(f, "no pool has a free address of each family, of {names}")?,
    }
    match (held, reserved) {
        (0, 0) => {}
        (held, 0) => write!(f, " ({held} are in use by others)")?,
        (0, reserved) => write!(f, " ({reserved} are reserved)")?,
        (held, reserved) => write!(f, " ({held} are in use by others, {reserved} are reserved)")?,
    }
    f.write_str(": add a range to the pool, or delete a Service that is no longer needed")
}
