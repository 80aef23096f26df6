//! `/ip/pool/used`: the addresses that are handed out from pools.

use super::{Menu, Shape, Spec};
use crate::device::Device;
use crate::row::Row;
use crate::table::Id;

pub(super) static SPEC: Spec = Spec {
    path: "ip/pool/used",
    shape: Shape::DerivedRows(rows),
    ..Spec::BASE
};

fn rows(device: &Device) -> Vec<Row> {
    let pools = device.entries(Menu::Pool);
    let used = pools.flat_map(|pool| device.pool_used(pool.key).map(move |life| (pool, life)));
    used.zip(1..)
        .map(|((pool, used), number)| {
            let mut row = Row::default();
            row.put(".id", Id(number));
            row.put("pool", pool.text("name").unwrap_or_default());
            row.put("address", used.address);
            row.put("owner", "DHCP");
            row.put("info", used.mac);
            row
        })
        .collect()
}
