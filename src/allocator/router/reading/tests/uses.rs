//! Rows of those who use addresses besides DHCP clients.

use tiklb_core::reservation::uses::{FixedKind, OtherUses, PointedRole, TakerKind};

use super::*;

fn uses(change: impl FnOnce(&mut routeros::Reading)) -> OtherUses {
    with(change).uses
}

fn takers(change: impl FnOnce(&mut routeros::OtherUses)) -> Vec<(String, TakerKind)> {
    let takers = uses(|read| change(&mut read.uses)).takers;
    takers.into_iter().map(|taker| (taker.pool, taker.who)).collect()
}

fn fixed(change: impl FnOnce(&mut routeros::Reading)) -> Vec<(String, FixedKind)> {
    let fixed = uses(change).fixed.into_iter();
    fixed
        .map(|fixed| (fixed.address.to_string(), fixed.whose))
        .collect()
}

fn of_pool(who: TakerKind) -> Vec<(String, TakerKind)> {
    vec![("vpn".to_owned(), who)]
}

#[test]
fn each_menu_that_names_a_pool_is_a_taker_of_it() {
    let name = || "x".to_owned();
    assert_eq!(
        takers(|uses| uses.profiles = rows(&[
            json!({".id": "*1", "name": "x", "local-address": "192.168.1.1", "remote-address": "vpn"}),
            json!({".id": "*2", "name": "default"}),
        ])),
        of_pool(TakerKind::PppProfile(name()))
    );
    assert_eq!(
        takers(|uses| uses.secrets = rows(&[
            json!({".id": "*1", "remote-address": "vpn", "disabled": "false"}),
            json!({".id": "*2", "remote-address": "other", "disabled": "true"}),
        ])),
        of_pool(TakerKind::PppSecret)
    );
    assert_eq!(
        takers(|uses| uses.hotspots = rows(&[
            json!({".id": "*1", "name": "x", "address-pool": "vpn", "disabled": "false"}),
            json!({".id": "*2", "name": "y", "address-pool": "vpn", "disabled": "true"}),
            json!({".id": "*3", "name": "z", "address-pool": "none", "disabled": "false"}),
        ])),
        of_pool(TakerKind::Hotspot(name()))
    );
    assert_eq!(
        takers(
            |uses| uses.hotspot_profiles = rows(&[json!({".id": "*1", "name": "x", "address-pool": "vpn"})])
        ),
        of_pool(TakerKind::HotspotUserProfile(name()))
    );
    assert_eq!(
        takers(|uses| uses.matchers = rows(&[
            json!({".id": "*1", "name": "x", "server": "all", "address-pool": "vpn", "disabled": "false"}),
            json!({".id": "*2", "name": "y", "server": "all", "address-pool": "vpn", "disabled": "true"}),
        ])),
        of_pool(TakerKind::Matcher(name()))
    );
    assert_eq!(
        takers(|uses| uses.mode_configs = rows(&[
            json!({".id": "*1", "name": "x", "address-pool": "vpn"}),
            json!({".id": "*2", "name": "gone", "address-pool": "*5"}),
        ])),
        of_pool(TakerKind::ModeConfig(name()))
    );
}

#[test]
fn an_address_of_a_pool_that_dhcp_did_not_hand_out_is_held_and_shows_a_taker() {
    let used = json!([
        {"pool": "dhcp_pool", "address": "192.168.1.207", "owner": "DHCP", "info": "AA:BB:CC:00:00:01"},
        {"pool": "vpn", "address": "192.168.1.90", "owner": "l2tp", "info": "anna"},
        {"pool": "vpn", "address": "192.168.1.91"},
    ]);
    let listing = Listing::read(used.as_array().unwrap());
    let used = uses(|read| read.uses.used = listing.rows);
    let l2tp = TakerKind::Holder {
        owner: "l2tp".to_owned(),
        address: ip("192.168.1.90"),
    };
    assert_eq!(used.takers.len(), 2);
    assert_eq!(
        (used.takers[0].pool.as_str(), &used.takers[0].who),
        ("vpn", &l2tp)
    );
    let said = used.takers[1].who.to_string();
    assert!(
        said.starts_with("something that has no name, which gave 192.168.1.91"),
        "{said}"
    );
    let held: Vec<String> = used.fixed.iter().map(|fixed| fixed.address.to_string()).collect();
    assert_eq!(held, ["192.168.1.90", "192.168.1.91"]);
}

#[test]
fn addresses_that_stand_in_the_configuration_are_whose_they_are() {
    let name = |name: &str| name.to_owned();
    assert_eq!(
        fixed(|read| read.uses.secrets = rows(&[
            json!({".id": "*1", "local-address": "192.168.1.1", "remote-address": "192.168.1.90"}),
            json!({".id": "*2", "remote-address": "192.168.1.91", "disabled": "true"}),
        ])),
        [
            (name("192.168.1.1"), FixedKind::PppServer),
            (name("192.168.1.90"), FixedKind::PppUser)
        ]
    );
    assert_eq!(
        fixed(|read| read.uses.profiles =
            rows(&[json!({".id": "*1", "name": "x", "remote-address": "192.168.1.90"})])),
        [(name("192.168.1.90"), FixedKind::PppProfile(name("x")))]
    );
    assert_eq!(
        fixed(|read| read.uses.containers = rows(&[
            json!({".id": "*1", "name": "veth1", "address": "192.168.1.60/24,fd00::60/64"}),
            json!({".id": "*2", "name": "veth2", "address": "192.168.1.61/24", "disabled": "true"}),
        ])),
        [(name("192.168.1.60"), FixedKind::Container(name("veth1")))]
    );
    assert_eq!(
        fixed(|read| read.uses.mode_configs =
            rows(&[json!({".id": "*1", "name": "x", "address": "192.168.1.95"})])),
        [(name("192.168.1.95"), FixedKind::ModeConfig(name("x")))]
    );
}

/// A router that is not the master at the moment shows the address as not in effect.
#[test]
fn addresses_that_routers_share_and_those_that_are_not_in_effect_are_held_too() {
    let held = fixed(|read| {
        read.interfaces = rows(&[
            json!({".id": "*1", "name": "vrrp1", "type": "vrrp"}),
            json!({".id": "*2", "name": "ether5", "type": "ether"}),
        ]);
        read.addresses = rows(&[
            json!({".id": "*1", "address": "192.168.1.254/32", "interface": "vrrp1", "invalid": "true"}),
            json!({".id": "*2", "address": "192.168.1.253/24", "interface": "ether5", "invalid": "true"}),
            json!({".id": "*3", "address": "192.168.1.252/24", "interface": "ether5", "disabled": "true"}),
            json!({".id": "*4", "address": "192.168.1.1/24", "interface": "ether5"}),
        ]);
    });
    let on = |interface: &str| interface.to_owned();
    assert_eq!(
        held,
        [
            (
                on("192.168.1.254"),
                FixedKind::Vrrp {
                    interface: on("vrrp1")
                }
            ),
            (
                on("192.168.1.253"),
                FixedKind::Idle {
                    interface: on("ether5")
                }
            )
        ]
    );
}

#[test]
fn what_clients_are_told_and_where_ports_lead_is_pointed_to() {
    let pointed = uses(|read| {
        read.networks = rows(&[json!({
            ".id": "*1", "address": "192.168.1.0/24", "gateway": "192.168.1.1", "dns-server": "192.168.1.2,192.168.1.3",
            "ntp-server": "192.168.1.4", "next-server": "192.168.1.5"
        })]);
        read.uses.translations = rows(&[
            json!({".id": "*1", "chain": "dstnat", "action": "dst-nat", "to-addresses": "192.168.1.6-192.168.1.7"}),
            json!({".id": "*2", "chain": "dstnat", "action": "dst-nat", "to-addresses": "192.168.1.8", "disabled": "true"}),
            json!({".id": "*3", "chain": "srcnat", "action": "src-nat", "to-addresses": "192.168.1.9"}),
        ]);
    })
    .pointed;
    let said: Vec<_> = pointed
        .iter()
        .map(|to| (to.addresses.to_string(), to.role))
        .collect();
    let at = |address: &str| address.to_owned();
    assert_eq!(
        said,
        [
            (at("192.168.1.2"), PointedRole::Dns),
            (at("192.168.1.3"), PointedRole::Dns),
            (at("192.168.1.4"), PointedRole::Ntp),
            (at("192.168.1.5"), PointedRole::Boot),
            (at("192.168.1.6-192.168.1.7"), PointedRole::Forward)
        ]
    );
}

#[test]
fn what_was_not_shown_is_told_and_a_vlan_may_be_reply_only() {
    let read = with(|read| {
        let (menu, why) = ("ppp/secret", "the router's user lacks the policy read".to_owned());
        read.uses.unread.push(routeros::UnreadMenu { menu, why });
        read.uses.vlans = rows(&[
            json!({".id": "*1", "name": "vlan20", "interface": "bridge", "arp": "reply-only"}),
            json!({".id": "*2", "name": "vlan30", "interface": "bridge", "arp": "enabled"}),
        ]);
    });
    assert_eq!(
        read.uses.unread,
        ["/ppp/secret: the router's user lacks the policy read"]
    );
    assert_eq!(read.unreadable, [""; 0], "that stops nothing");
    assert_eq!(read.reply_only.into_iter().collect::<Vec<_>>(), ["vlan20"]);
}
