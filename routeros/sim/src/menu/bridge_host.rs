//! `/interface/bridge/host`: behind which port each MAC address is.
//!
//! Computed from the neighbours and leases that the router knows: there is no forwarding table here to be read, and
//! no port, so every host is behind the same one.

use std::collections::BTreeSet;

use super::{Menu, Shape, Spec};
use crate::device::Device;
use crate::row::Row;
use crate::table::{Entry, Id, Live};
use crate::value::mac::Mac;

/// The port that all learned hosts are shown behind.
const PORT: &str = "ether2";

pub(super) static SPEC: Spec = Spec {
    path: "interface/bridge/host",
    shape: Shape::DerivedRows(rows),
    ..Spec::BASE
};

fn rows(device: &Device) -> Vec<Row> {
    let bridge = device.entries(Menu::Bridge).next();
    let name = bridge.and_then(|bridge| bridge.text("name")).unwrap_or("bridge");
    let own = bridge.and_then(|bridge| bridge.text("mac-address"));
    let met = device.entries(Menu::Arp).filter_map(|row| match &row.live {
        Live::Neighbor(neighbor) => neighbor.mac,
        _ => None,
    });
    let leased = device
        .entries(Menu::Lease)
        .filter_map(Entry::binding)
        .map(|binding| binding.mac);
    let hosts: BTreeSet<Mac> = met.chain(leased).filter(|mac| *mac != Mac::ZERO).collect();
    let local = own.map(|mac| (mac.to_owned(), true));
    let learned = hosts.into_iter().map(|mac| (mac.to_string(), false));
    local
        .into_iter()
        .chain(learned)
        .zip(1..)
        .map(|((mac, local), number)| row(number, &mac, local, name))
        .collect()
}

fn row(number: u32, mac: &str, local: bool, bridge: &str) -> Row {
    let mut row = Row::default();
    let port = if local { bridge } else { PORT };
    row.put(".id", Id(number));
    row.put("mac-address", mac);
    row.put("bridge", bridge);
    row.put("interface", port);
    row.put("on-interface", port);
    row.put("local", local);
    row.put("dynamic", true);
    for key in ["disabled", "external", "invalid"] {
        row.put(key, false);
    }
    row
}
