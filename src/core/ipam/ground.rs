//! What a decision is made on besides the ledger.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Occupancy;
use super::request::leased_by_others;
use super::search::Walk;
use super::sharing::SharingKey;
use crate::config::{Admission, Config, Pool};
use crate::model::service::Service;
use crate::model::{Family, Labels};

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
        }
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
