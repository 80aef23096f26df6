//! Which addresses stored statuses name, or may name by now.
//!
//! Speakers go by statuses, and after a restart so does the ledger. An address that a status still names is therefore
//! given to nobody else, although its Service has left it; and so is one that a write may have put there whose outcome
//! is not known.
//!
//! **Invariant:** two statuses never name one address that is not shared, whatever becomes of the writes between them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::model::ObjectKey;

#[derive(Debug, Default)]
pub(super) struct Named {
    by_address: BTreeMap<IpAddr, BTreeSet<ObjectKey>>,
    status: BTreeMap<ObjectKey, BTreeSet<IpAddr>>,
    /// Of writes that were sent since the status was last known.
    sent: BTreeMap<ObjectKey, BTreeSet<IpAddr>>,
}

impl Named {
    pub(super) fn by_address(&self) -> &BTreeMap<IpAddr, BTreeSet<ObjectKey>> {
        &self.by_address
    }

    /// By Service, what may be in its status.
    pub(super) fn sent(&self) -> &BTreeMap<ObjectKey, BTreeSet<IpAddr>> {
        &self.sent
    }

    /// A write is sent that will say this.
    pub(super) fn send(&mut self, service: &ObjectKey, addresses: &[IpAddr]) {
        if !addresses.is_empty() {
            let sent = self.sent.entry(service.clone()).or_default();
            sent.extend(addresses);
            self.index(service, &BTreeSet::new());
        }
    }

    /// The status says this, and writes that were decided on an older version of it, but for the one that is under way,
    /// cannot change it any more. Whether something is named no more.
    pub(super) fn settle(&mut self, service: &ObjectKey, status: &[IpAddr], under_way: &[IpAddr]) -> bool {
        let before = self.of(service);
        self.sent.remove(service);
        if !under_way.is_empty() {
            let sent = under_way.iter().copied().collect();
            self.sent.insert(service.clone(), sent);
        }
        self.show(service, status, &before)
    }

    /// The status says this, and nothing is known of what was sent.
    pub(super) fn refresh(&mut self, service: &ObjectKey, status: &[IpAddr]) -> bool {
        let before = self.of(service);
        self.show(service, status, &before)
    }

    fn show(&mut self, service: &ObjectKey, status: &[IpAddr], before: &BTreeSet<IpAddr>) -> bool {
        if status.is_empty() {
            self.status.remove(service);
        } else {
            let status = status.iter().copied().collect();
            self.status.insert(service.clone(), status);
        }
        self.index(service, before);
        !before.is_subset(&self.of(service))
    }

    fn of(&self, service: &ObjectKey) -> BTreeSet<IpAddr> {
        let (status, sent) = (self.status.get(service), self.sent.get(service));
        status.into_iter().chain(sent).flatten().copied().collect()
    }

    fn index(&mut self, service: &ObjectKey, before: &BTreeSet<IpAddr>) {
        let after = self.of(service);
        for address in before.difference(&after) {
            if let Some(services) = self.by_address.get_mut(address) {
                services.remove(service);
                if services.is_empty() {
                    self.by_address.remove(address);
                }
            }
        }
        for address in after {
            let services = self.by_address.entry(address).or_default();
            services.insert(service.clone());
        }
    }
}
