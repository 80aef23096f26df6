//! Addresses of the pools that somebody else uses.
//!
//! A device in the range is life, not a fault: its address is passed over, and the report only notes who it is. It is
//! found where a Service has that address, or waits for it.

use std::net::IpAddr;

use tiklb_core::model::ObjectKey;

use super::facts::{Facts, LoadBalancerService, StandingConflict};
use super::finding::{Kind, Report, named};

/// All of them.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    let Some(conflicts) = report.seen("AddressConflicts", &facts.conflicts) else {
        return;
    };
    let Some(services) = report.seen("statuses of Services", &facts.services) else {
        return;
    };
    let before = report.findings.len();
    for conflict in conflicts {
        let with = |addresses: fn(&LoadBalancerService) -> &Vec<IpAddr>| -> Vec<&ObjectKey> {
            // Others' Services have their addresses from others.
            let ours = services.iter().filter(|service| service.class == facts.class);
            let found = ours.filter(|service| addresses(service).contains(&conflict.address));
            found.map(|service| &service.key).collect()
        };
        let (having, asking) = (
            with(|service| &service.addresses),
            with(|service| &service.wanted),
        );
        let seen = conflict.words();
        if !having.is_empty() {
            report.find_with(
                Kind::AddressTaken,
                format!("{seen}; and {} has it", named(having)),
                conflict.fix(),
            );
        } else if !asking.is_empty() {
            report.find_with(
                Kind::AddressAwaited,
                format!("{seen}; {} waits for it", named(&asking)),
                format!(
                    "{}, or let {} ask for another one",
                    conflict.fix(),
                    named(&asking)
                ),
            );
        } else {
            report.notes.push(format!(
                "{seen}; no Service gets it meanwhile. To have it for one: {}",
                conflict.fix()
            ));
        }
    }
    report.fine_since(
        before,
        match conflicts.len() {
            0 => "nobody else uses an address of the pools".to_owned(),
            1 => "1 address of the pools is used by somebody else, and none that a Service has or asks for"
                .to_owned(),
            many => format!(
                "{many} addresses of the pools are used by others, and none that a Service has or asks for"
            ),
        },
    );
}

impl StandingConflict {
    /// Who, by which MAC address, as whom saw it, and since when.
    fn words(&self) -> String {
        let who = match (&self.holder, &self.mac) {
            (Some(name), Some(mac)) => format!("{name} ({mac})"),
            (Some(name), None) => name.clone(),
            (None, Some(mac)) => format!("the device with the MAC address {mac}"),
            (None, None) => "a device of which nothing is known yet".to_owned(),
        };
        let seen_by = match self.seen_by.as_slice() {
            [] => String::new(),
            all => format!(", seen by {}", named(all)),
        };
        let since = self
            .since
            .map_or(String::new(), |since| format!(", since {since}"));
        format!("{} is used by {who}{seen_by}{since}", self.address)
    }

    fn fix(&self) -> String {
        let device = match (&self.mac, &self.holder) {
            (Some(mac), _) => format!("the device {mac}"),
            (None, Some(name)) => name.clone(),
            (None, None) => "the device".to_owned(),
        };
        format!(
            "give {device} an address outside of the pools (its static address, or its lease on the router), or take {} out of its IPAddressPool; the AddressConflict goes by itself",
            self.address
        )
    }
}
