//! What the network knows of an address: the cluster's own nodes, conflicts that speakers saw, and every router that has
//! a say.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::routers::Entry;
use crate::ipam::{Availability, Holder, Occupancy};
use crate::model::{Now, ObjectKey};
use crate::reservation::Landscape;

/// The network at one moment.
pub(super) struct Network<'a> {
    pub(super) conflicts: &'a BTreeMap<IpAddr, Holder>,
    pub(super) routers: &'a BTreeMap<ObjectKey, Entry>,
    pub(super) landscape: Landscape<'a>,
    pub(super) now: Now,
}

impl Occupancy for Network<'_> {
    /// A node's own address is never a Service's, whatever else is known. One witness is enough to keep a Service off an
    /// address; every router that has a say must have proved it free.
    fn of(&self, address: IpAddr) -> Availability {
        if let Some((node, _)) = self.landscape.nodes.iter().find(|(_, own)| *own == address) {
            return Availability::Held(Holder {
                name: Some(format!("node {node}")),
                mac: None,
                evidence: "its own address".to_owned(),
            });
        }
        if let Some(holder) = self.conflicts.get(&address) {
            return Availability::Held(holder.clone());
        }
        let verdicts = self
            .routers
            .values()
            .filter_map(|e| e.router.availability(address, &self.landscape, self.now));
        verdicts.fold(Availability::Free, |worst, verdict| match (&worst, &verdict) {
            (Availability::Held(_), _)
            | (
                Availability::Unproven(_),
                Availability::Free | Availability::Reserved(_) | Availability::OnRequest(_),
            )
            | (Availability::Reserved(_), Availability::Free | Availability::OnRequest(_))
            | (Availability::OnRequest(_), Availability::Free) => worst,
            _ => verdict,
        })
    }
}
