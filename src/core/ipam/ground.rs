//! What a decision is made on besides the ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::request::leased_by_others;
use super::search::Walk;
use super::sharing::SharingKey;
use super::{Because, Occupancy};
use crate::config::{Admission, Config, Pool};
use crate::model::service::Service;
use crate::model::{Family, Few, Labels, ObjectKey};

/// Everything around the ledger as it is during one round of decisions: it does not change between them, so what one
/// search learned serves the next.
pub struct Ground<'a> {
    /// The validated configuration.
    pub config: &'a Config,
    /// What the network knows.
    pub occupancy: &'a dyn Occupancy,
    /// `--lb-class`: `None` serves Services without a class only.
    pub class: Option<&'a str>,
    /// The labels of every namespace.
    pub namespaces: &'a BTreeMap<String, Labels>,
    /// The usable pools in the order in which they serve who asks for nothing: those that are for some Services by their
    /// priority, then those that are for all; equal ones by name.
    pools: Vec<&'a Pool>,
    /// Addresses that stored statuses name, and whose.
    named: Option<&'a BTreeMap<IpAddr, Few<ObjectKey>>>,
    /// Addresses that writes may have put into a Service's status.
    sent: Option<&'a BTreeMap<ObjectKey, Few<IpAddr>>>,
    /// Why nobody who has nothing is given anything now.
    pub(super) withheld: Option<Because>,
    /// How far each of them was searched for each family.
    pub(super) walks: RefCell<Vec<[Walk; 2]>>,
}

impl<'a> Ground<'a> {
    /// The ground of one round of decisions.
    pub fn new(
        config: &'a Config,
        occupancy: &'a dyn Occupancy,
        class: Option<&'a str>,
        namespaces: &'a BTreeMap<String, Labels>,
    ) -> Self {
        let mut pools: Vec<&Pool> = config.usable().collect();
        let rank = |pool: &Pool| pool.allocation.as_ref().map(|allocation| allocation.rank);
        pools.sort_by_key(|pool| (pool.allocation.is_none(), rank(pool)));
        let walks = pools.iter().map(|_| Family::BOTH.map(|_| Walk::default()));
        Self {
            walks: RefCell::new(walks.collect()),
            config,
            occupancy,
            class,
            namespaces,
            pools,
            named: None,
            sent: None,
            withheld: None,
        }
    }

    /// Whoever has no address waits, for this reason.
    #[must_use]
    pub fn withheld(mut self, why: Option<Because>) -> Self {
        self.withheld = why;
        self
    }

    /// With what stored statuses name, and what of it is not known to be stored. An address that one still names is given to nobody else, although its Service has
    /// left it: speakers go by statuses, and after a restart so does the ledger.
    #[must_use]
    pub fn named(
        mut self,
        named: &'a BTreeMap<IpAddr, Few<ObjectKey>>,
        sent: &'a BTreeMap<ObjectKey, Few<IpAddr>>,
    ) -> Self {
        (self.named, self.sent) = (Some(named), Some(sent));
        self
    }

    /// What may be in this Service's status.
    pub(super) fn sent(&self, service: &ObjectKey) -> impl Iterator<Item = IpAddr> {
        let sent = self.sent.and_then(|sent| sent.get(service));
        sent.into_iter().flatten().copied()
    }

    /// The Services whose stored status names this address.
    pub(super) fn names(&self, address: IpAddr) -> impl Iterator<Item = &'a ObjectKey> {
        self.named
            .and_then(|named| named.get(&address))
            .into_iter()
            .flatten()
    }

    pub(super) fn serves(&self, service: &Service) -> bool {
        service.is_load_balancer && !service.deleting && service.class.as_deref() == self.class
    }

    pub(super) fn admits(&self, pool: &Pool, service: &Service) -> Admission {
        pool.admits(service, self.namespaces)
    }

    pub(super) fn pool(&self, at: usize) -> &'a Pool {
        self.pools[at]
    }

    /// The place in the order of the usable pool of this name.
    pub(super) fn place_of(&self, name: &str) -> Option<usize> {
        self.pools.iter().position(|pool| pool.name == name)
    }

    /// The pools that serve Services that ask for nothing, in order, whomever they are for.
    pub(super) fn automatic(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.pools.len()).filter(|at| self.pools[*at].auto_assign)
    }
}

/// Who looks for an address, with what every look needs of it.
pub(super) struct Seeker<'a> {
    pub(super) service: &'a Service,
    pub(super) sharing: SharingKey,
    /// Addresses for which a static lease of somebody else may stand.
    pub(super) leased: Vec<IpAddr>,
}

impl<'a> Seeker<'a> {
    pub(super) fn new(service: &'a Service, config: &Config) -> Self {
        Self {
            sharing: SharingKey::of(service),
            leased: leased_by_others(service, config),
            service,
        }
    }
}
