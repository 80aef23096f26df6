//! A reading, every kind of write, and nothing left of them.

use std::net::IpAddr;

use routeros_sim::{Lease, Mac, Menu, Version, diff};
use tiklb_core::reservation::write::ReadBack;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn sim_mac(last: u8) -> Mac {
    Mac([0xAA, 0xBB, 0xCC, 0, 0, last])
}

/// A home with a phone that has one of our addresses, a printer with a reservation, and a neighbour.
fn lived_in() -> Config {
    let phone = Lease::bound([192, 168, 1, 207].into(), sim_mac(1)).host_name("phone");
    let printer = Lease::fixed([192, 168, 1, 50].into(), sim_mac(2)).comment("the printer");
    Config::default().lease(phone).lease(printer)
}

#[tokio::test]
async fn a_reading_as_core_takes_it() {
    let mut desk = Desk::start(lived_in()).await;
    desk.sim.meet([192, 168, 1, 60].into(), sim_mac(3));
    let reading = desk.read().await.unwrap();
    assert_eq!(
        (reading.identity.as_str(), reading.board.as_str()),
        ("MikroTik", "RB750Gr3")
    );
    assert_eq!(reading.serial.as_deref(), Some("HFG0A1B2C3D"));
    assert!(!reading.untested && reading.unreadable.is_empty());
    assert_eq!(
        pool(&reading, "dhcp_pool").ranges,
        ranges("192.168.1.100-192.168.1.254")
    );
    assert_eq!(reading.addresses[0].network.to_string(), "192.168.1.1/24");
    assert_eq!(reading.addresses[0].interface, reading.servers[0].interface);
    assert_eq!(reading.servers[0].pool.as_deref(), Some("dhcp_pool"));
    assert_eq!(reading.networks[0].gateways, [ip("192.168.1.1")]);
    assert_eq!(
        reading.interfaces["bridge"],
        MacAddr::new(0x48, 0xA9, 0x8A, 0, 0, 2)
    );
    let [phone, printer] = &reading.leases[..] else {
        panic!("{:?}", reading.leases)
    };
    assert!(phone.dynamic && phone.expires_after.is_some());
    assert_eq!(phone.host_name.as_deref(), Some("phone"));
    assert_eq!(phone.server.as_deref(), Some("defconf"));
    assert!(!printer.dynamic && printer.expires_after.is_none() && printer.server.is_none());
    assert_eq!(printer.comment, "the printer");
    let [neighbour] = &reading.arps[..] else {
        panic!("{:?}", reading.arps)
    };
    assert!(neighbour.alive && neighbour.dynamic && neighbour.interface == "bridge");
    assert_eq!(desk.writes(), [""; 0]);
    let reports = desk.reports.0.lock().unwrap().clone();
    assert!(
        reports.contains(&("read", "ip/dhcp-server/lease", "Ok")),
        "{reports:?}"
    );
}

/// Every write there is, each on what was read back after the one before, and the way back.
#[tokio::test]
async fn every_write_and_the_way_back() {
    let mut desk = Desk::start(lived_in()).await;
    let before = desk.sim.snapshot().settled();
    let mut reading = desk.read().await.unwrap();

    desk.apply_write(cut(&reading), &mut reading).await;
    let add = Write::AddPool {
        name: "tiklb-home-lan".to_owned(),
        ranges: ranges("192.168.1.200-192.168.1.210"),
        comment: MARK.to_owned(),
    };
    desk.apply_write(add, &mut reading).await;
    let set = Write::SetPool {
        row: pool(&reading, "tiklb-home-lan"),
        ranges: ranges(OURS),
        comment: format!("{MARK} +1"),
    };
    desk.apply_write(set, &mut reading).await;
    desk.apply_write(Write::AddLease(lease_spec(MARK)), &mut reading)
        .await;
    let mine = |reading: &Reading| {
        let found = reading.leases.iter().find(|row| row.comment.starts_with(MARK));
        found.unwrap().clone()
    };
    let set = Write::SetLease {
        row: mine(&reading),
        spec: lease_spec(&format!("{MARK} +1")),
    };
    desk.apply_write(set, &mut reading).await;
    desk.apply_write(Write::AddArp(arp_spec(1)), &mut reading).await;
    let set = Write::SetArp {
        row: reading.arps[0].clone(),
        spec: arp_spec(2),
    };
    desk.apply_write(set, &mut reading).await;
    assert!(reading.arps[0].disabled && !reading.arps[0].alive);

    let fresh = desk.read().await.unwrap();
    assert_eq!(
        fresh.fingerprint(),
        reading.fingerprint(),
        "what was folded in is what is there"
    );

    desk.apply_write(Write::RemoveArp(reading.arps[0].clone()), &mut reading)
        .await;
    desk.apply_write(Write::RemoveLease(mine(&reading)), &mut reading)
        .await;
    let row = pool(&reading, "tiklb-home-lan");
    desk.apply_write(Write::RemovePool(row), &mut reading).await;
    let row = pool(&reading, "dhcp_pool");
    let whole = row.ranges.union(&ranges(OURS));
    desk.apply_write(Write::SetPoolRanges { row, ranges: whole }, &mut reading)
        .await;

    let left = "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254";
    let mac = "02:4C:C0:A8:01:C8";
    assert_eq!(
        desk.writes(),
        [
            format!(r#"PATCH ip/pool/*1 {{"ranges":"{left}"}}"#),
            format!(
                r#"PUT ip/pool {{"comment":"{MARK}","name":"tiklb-home-lan","ranges":"192.168.1.200-192.168.1.210"}}"#
            ),
            format!(r#"PATCH ip/pool/*2 {{"comment":"{MARK} +1","ranges":"{OURS}"}}"#),
            format!(
                r#"PUT ip/dhcp-server/lease {{"address":"{VIP}","comment":"{MARK}","mac-address":"{mac}","server":"defconf"}}"#
            ),
            format!(
                r#"PATCH ip/dhcp-server/lease/*3 {{"comment":"{MARK} +1","disabled":"false","mac-address":"{mac}","server":"defconf"}}"#
            ),
            format!(
                r#"PUT ip/arp {{"address":"{VIP}","comment":"{MARK}","disabled":"true","interface":"bridge","mac-address":"48:A9:8A:01:00:01"}}"#
            ),
            r#"PATCH ip/arp/*1 {"disabled":"true","mac-address":"48:A9:8A:01:00:02"}"#.to_owned(),
            "DELETE ip/arp/*1".to_owned(),
            "DELETE ip/dhcp-server/lease/*3".to_owned(),
            "DELETE ip/pool/*2".to_owned(),
            r#"PATCH ip/pool/*1 {"ranges":"192.168.1.100-192.168.1.254"}"#.to_owned(),
        ]
    );
    let difference = diff(&before, &desk.sim.snapshot().settled());
    assert!(difference.is_empty(), "{difference}");
}

#[tokio::test]
async fn a_pool_keeps_what_is_not_ours() {
    let mut desk = Desk::start(Config::default()).await;
    let person = desk.sim.person();
    let more = [("name", "more"), ("ranges", "10.0.0.2-10.0.0.9")];
    person.add(Menu::Pool, more).unwrap();
    let theirs = [("next-pool", "more"), ("comment", "do not touch")];
    person.set(Menu::Pool, ("name", "dhcp_pool"), theirs).unwrap();
    let reading = desk.read().await.unwrap();
    let outcome = desk.write(cut(&reading)).await;
    let Outcome::Applied(ReadBack::Pool(row)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (row.next_pool.as_deref(), row.comment.as_str()),
        (Some("more"), "do not touch")
    );
}

#[tokio::test]
async fn old_and_new_versions_read_alike() {
    for (version, untested) in [
        ("7.12.2 (stable)", true),
        ("7.16.2 (stable)", true),
        ("7.20.8 (stable)", false),
        ("7.24.2 (stable)", false),
    ] {
        let version: Version = version.parse().unwrap();
        let mut desk = Desk::start(Config {
            version: version.clone(),
            ..lived_in()
        })
        .await;
        desk.sim.meet([192, 168, 1, 60].into(), sim_mac(3));
        let reading = desk.read().await.unwrap();
        assert_eq!(
            (reading.untested, reading.leases.len()),
            (untested, 2),
            "{version}"
        );
        assert!(reading.arps[0].alive, "{version}");
    }
}
