//! Which addresses stored statuses name, or may name by now.
//!
//! Speakers go by statuses, and after a restart so does the ledger. An address that a status still names is therefore
//! given to nobody else, although its Service has left it; and so is one that a write may have put there whose outcome
//! is not known.
//!
//! **Invariant:** two statuses never name one address that is not shared, whatever becomes of the writes between them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{Few, ObjectKey};

#[derive(Debug, Default)]
pub(super) struct Named {
    /// What the status names, and what was sent.
    index: Index,
    /// Of writes that were sent since the status was last known.
    sent: BTreeMap<ObjectKey, Few<IpAddr>>,
}

impl Named {
    pub(super) fn by_address(&self) -> &BTreeMap<IpAddr, Few<ObjectKey>> {
        self.index.by_address()
    }

    /// By Service, what may be in its status.
    pub(super) fn sent(&self) -> &BTreeMap<ObjectKey, Few<IpAddr>> {
        &self.sent
    }

    /// Whether a write was sent that may yet bring something else into the status than this.
    pub(super) fn may_become(&self, service: &ObjectKey, status: &[IpAddr]) -> bool {
        let mut sent = self.sent.get(service).into_iter().flatten();
        sent.any(|address| !status.contains(address))
    }

    /// A write is sent that will say this.
    pub(super) fn send(&mut self, service: &ObjectKey, addresses: &[IpAddr]) {
        if !addresses.is_empty() {
            let sent = self.sent.entry(service.clone()).or_default();
            sent.extend(addresses.iter().copied());
            let before = self.index.of(service).into_iter().flatten();
            let all = before.chain(addresses).copied().collect();
            self.index.set(service, all);
        }
    }

    /// The status says this, and writes that were decided on an older version of it, but for the one that is under way,
    /// cannot change it any more. Whether something is named no more.
    pub(super) fn settle(&mut self, service: &ObjectKey, status: &[IpAddr], under_way: &[IpAddr]) -> bool {
        put(&mut self.sent, service, under_way);
        self.refresh(service, status)
    }

    /// The status says this, and nothing is known of what was sent.
    pub(super) fn refresh(&mut self, service: &ObjectKey, status: &[IpAddr]) -> bool {
        let sent = self.sent.get(service).into_iter().flatten();
        let all = status.iter().chain(sent).copied();
        self.index.set(service, all.collect())
    }
}

fn put(table: &mut BTreeMap<ObjectKey, Few<IpAddr>>, service: &ObjectKey, addresses: &[IpAddr]) {
    if addresses.is_empty() {
        table.remove(service);
    } else {
        table.insert(service.clone(), addresses.iter().copied().collect());
    }
}

/// Addresses of Services, to be asked by either.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_address: BTreeMap<IpAddr, Few<ObjectKey>>,
    by_service: BTreeMap<ObjectKey, Few<IpAddr>>,
}

impl Index {
    pub(super) fn by_address(&self) -> &BTreeMap<IpAddr, Few<ObjectKey>> {
        &self.by_address
    }

    /// What the Service has.
    fn of(&self, service: &ObjectKey) -> Option<&Few<IpAddr>> {
        self.by_service.get(service)
    }

    /// The Service has these and no others. Whether it had one that it has no more.
    pub(super) fn set(&mut self, service: &ObjectKey, addresses: Few<IpAddr>) -> bool {
        let before = self.by_service.remove(service).unwrap_or_default();
        let left = before.iter().filter(|address| !addresses.contains(address));
        let mut left = left.peekable();
        let any_left = left.peek().is_some();
        for address in left {
            if let Some(services) = self.by_address.get_mut(address) {
                services.remove(service);
                if services.is_empty() {
                    self.by_address.remove(address);
                }
            }
        }
        for address in addresses.iter().filter(|address| !before.contains(address)) {
            let services = self.by_address.entry(*address).or_default();
            services.insert(service.clone());
        }
        if !addresses.is_empty() {
            self.by_service.insert(service.clone(), addresses);
        }
        any_left
    }
}
