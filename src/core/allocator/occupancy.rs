//! What the network knows of an address: the cluster's own nodes, conflicts that speakers saw, and every router that has
//! a say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::routers::Entry;
use crate::ipam::{Availability, Occupancy};
use crate::model::{Now, ObjectKey};
use crate::reservation::Landscape;

/// The network at one moment.
pub(super) struct Network<'a> {
    pub(super) routers: &'a BTreeMap<ObjectKey, Entry>,
    pub(super) landscape: Landscape<'a>,
    pub(super) now: Now,
}

impl Occupancy for Network<'_> {
    /// A node's own address is never a Service's, whatever else is known. One witness is enough to keep a Service off an
    /// address; every router that has a say must have proved it free.
    fn of(&self, address: IpAddr) -> Availability {
        if let Some(holder) = self.landscape.user(address) {
            return Availability::Held(holder);
        }
        let verdicts = self
            .routers
            .values()
            .filter_map(|e| e.router.availability(address, &self.landscape, self.now));
        verdicts.fold(Availability::Free, |worst, verdict| match (&worst, &verdict) {
            (Availability::Held(_), _)
            | (Availability::Unproven(_), Availability::Free | Availability::Reserved(_))
            | (Availability::Reserved(_), Availability::Free) => worst,
            _ => verdict,
        })
    }
}
