//! `/ip/pool/used`: the addresses that are handed out from pools.
//!
//! Those of DHCP clients follow from the leases. The other takers, PPP and hotspot users, are not simulated: a person or
//! the rows of a configuration say which addresses they have.

use super::{Menu, Shape, Spec};
use crate::device::Device;
use crate::property::Property;
use crate::row::Row;
use crate::table::Id;
use crate::value::Kind;

pub(super) static SPEC: Spec = Spec {
    path: "ip/pool/used",
    shape: Shape::DerivedRows(rows),
    properties: &[
        Property::new(
            "pool",
            Kind::Link {
                menu: Menu::Pool,
                words: &[],
                unset: None,
            },
        )
        .required(),
        Property::new("address", Kind::Address).required(),
        Property::new("owner", Kind::Text).required(),
        Property::new("info", Kind::Text),
    ],
    ..Spec::BASE
};

fn rows(device: &Device) -> Vec<Row> {
    let pools = device.entries(Menu::Pool);
    let used = pools.flat_map(|pool| device.pool_used(pool.key).map(move |life| (pool, life)));
    let of_clients = used.map(|(pool, used)| {
        let mut row = Row::default();
        row.put("pool", pool.text("name").unwrap_or_default());
        row.put("address", used.address);
        row.put("owner", "DHCP");
        row.put("info", used.mac);
        row
    });
    let of_others = device.entries(Menu::PoolUsed).map(|entry| {
        let mut row = Row::default();
        for property in SPEC.properties {
            if let Some(text) = device.value(entry, property.name) {
                row.put(property.name, text);
            }
        }
        row
    });
    let mut rows: Vec<Row> = of_clients.chain(of_others).collect();
    for (row, number) in rows.iter_mut().zip(1..) {
        row.put(".id", Id(number));
    }
    rows
}
