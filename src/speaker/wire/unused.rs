//! Interfaces on which nothing is announced although a person may expect it, or otherwise than they expect: said when it
//! begins.

use std::collections::BTreeMap;

use tiklb_core::neighbor::InterfaceIndex;

use crate::link::watch::{Interface, Kind, Snapshot, Unusable};

/// What was said.
#[derive(Debug, Default)]
pub(super) struct Unused(BTreeMap<InterfaceIndex, Trouble>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Unusable(Unusable),
    /// It is used. The answers are changed on their way.
    BalanceAlb,
}

impl Unused {
    /// Says what is new of interfaces that have addresses.
    pub(super) fn note(&mut self, snapshot: &Snapshot) {
        let with_address = snapshot.interfaces.values().filter(|i| !i.prefixes.is_empty());
        let mut now = BTreeMap::new();
        for interface in with_address {
            let Some(trouble) = trouble(snapshot, interface) else {
                continue;
            };
            if self.0.get(&interface.index) != Some(&trouble) {
                say(&interface.name, trouble);
            }
            now.insert(interface.index, trouble);
        }
        self.0 = now;
    }
}

/// That a name is excluded or a port has a master is nobody's mistake, and a loopback no LAN.
fn trouble(snapshot: &Snapshot, interface: &Interface) -> Option<Trouble> {
    match snapshot.unusable(interface) {
        Some(Unusable::Excluded | Unusable::NotEthernet | Unusable::Member(_)) => None,
        Some(why @ (Unusable::NoArp | Unusable::Down | Unusable::NoCarrier)) => Some(Trouble::Unusable(why)),
        None => (interface.kind == Some(Kind::BondAlb)).then_some(Trouble::BalanceAlb),
    }
}

fn say(interface: &str, trouble: Trouble) {
    match trouble {
        Trouble::Unusable(why) => {
            tracing::info!(interface, "nothing is announced on this interface: {why}");
        }
        Trouble::BalanceAlb => tracing::warn!(
            interface,
            "this bond is in mode balance-alb, which changes the MAC address in ARP answers: unsupported, failover may leave \
             clients behind and AddressConflicts be told of nobody; use active-backup, balance-tlb or 802.3ad"
        ),
    }
}

#[cfg(test)]
mod tests;
