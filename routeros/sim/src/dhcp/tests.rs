//! The DHCP server's decisions, by messages and by the clock; no socket.

use dhcproto::Encodable;
use dhcproto::v4::{DhcpOption, MessageType, OptionCode};
use proptest::prelude::*;

use super::exchange::{OFFER, PROBE};
use super::*;
use crate::clock::{Clock, Pace};
use crate::config::{Config, Lease, Renewal};
use crate::device::Device;
use crate::lan::Lan;
use crate::menu::Menu;
use crate::row::Row;
use crate::value::mac::Mac;

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);

fn lan(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

fn mac(last: u8) -> Mac {
    Mac([0xAA, 0xBB, 0xCC, 0, 0, last])
}

/// A router on a LAN whose clock stands still, with a pool of .100 to .102.
fn router() -> Device {
    router_of(&Config::default().change(Menu::Pool, "dhcp_pool", "ranges", "192.168.1.100-192.168.1.102"))
}

fn router_of(config: &Config) -> Device {
    let mut device = crate::seed::device(config, Clock::new(Pace::Stopped)).unwrap();
    device.lan = Some(Lan {
        bridge: "bridge".into(),
        mac: OURS,
    });
    device
}

fn message(kind: MessageType, client: Mac) -> Message {
    let mut message = Message::default();
    message.set_chaddr(&client.0);
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    message
}

fn requesting(client: Mac, address: Ipv4Addr) -> Message {
    let mut message = message(MessageType::Request, client);
    message.opts_mut().insert(DhcpOption::RequestedIpAddress(address));
    message
}

/// A REQUEST that takes an offer of this router.
fn taking(client: Mac, address: Ipv4Addr) -> Message {
    let mut message = requesting(client, address);
    message.opts_mut().insert(DhcpOption::ServerIdentifier(ROUTER));
    message
}

fn renewing(client: Mac, address: Ipv4Addr) -> Message {
    let mut message = message(MessageType::Request, client);
    message.set_ciaddr(address);
    message
}

/// What is sent, as kind and address.
fn sent(effects: &[Effect]) -> Vec<(MessageType, Ipv4Addr)> {
    let sent = effects.iter().filter_map(|effect| match effect {
        Effect::Send(message, _) => Some((message.opts().msg_type().unwrap(), message.yiaddr())),
        Effect::Ask(_) => None,
    });
    sent.collect()
}

fn asked(effects: &[Effect]) -> Vec<Ipv4Addr> {
    effects
        .iter()
        .filter_map(|effect| {
            if let Effect::Ask(frame) = effect {
                Some(frame.target)
            } else {
                None
            }
        })
        .collect()
}

/// DISCOVER, the probe's silence, REQUEST.
fn lease(device: &mut Device, client: Mac) -> Ipv4Addr {
    let mut offered = sent(&device.dhcp_message(&message(MessageType::Discover, client)));
    if offered.is_empty() {
        device.clock.advance(PROBE);
        offered = sent(&device.dhcp_due());
    }
    let [(MessageType::Offer, address)] = offered[..] else {
        panic!("offered {offered:?}")
    };
    assert_eq!(
        sent(&device.dhcp_message(&taking(client, address))),
        [(MessageType::Ack, address)]
    );
    address
}

fn leases(device: &mut Device) -> Vec<(String, String)> {
    device.settle();
    let of = |row: Row| {
        (
            row.get("address").unwrap().to_owned(),
            row.get("status").unwrap().to_owned(),
        )
    };
    device.rows(Menu::Lease).into_iter().map(of).collect()
}

fn set(device: &mut Device, menu: Menu, values: &[(&str, &str)]) {
    let key = device.entries(menu).next().unwrap().key;
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    device.set(menu, key, &values).unwrap();
}

fn add_lease(device: &mut Device, values: &[(&str, &str)]) -> Key {
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    device.add(Menu::Lease, &values).unwrap()
}

fn row(address: &str, status: &str) -> (String, String) {
    (address.to_owned(), status.to_owned())
}

#[test]
fn item_24_testing_offered_bound_expired() {
    let mut device = router();
    let effects = device.dhcp_message(&message(MessageType::Discover, mac(1)));
    assert_eq!(
        (asked(&effects), sent(&effects)),
        (vec![lan(102)], vec![]),
        "probed before it is offered"
    );
    assert_eq!(leases(&mut device), [row("192.168.1.102", "testing")]);
    device
        .clock
        .advance(PROBE.saturating_sub(Duration::from_millis(1)));
    assert_eq!(device.dhcp_due(), []);
    device.clock.advance(Duration::from_millis(1));
    assert_eq!(sent(&device.dhcp_due()), [(MessageType::Offer, lan(102))]);
    assert_eq!(leases(&mut device), [row("192.168.1.102", "offered")]);
    assert_eq!(
        sent(&device.dhcp_message(&taking(mac(1), lan(102)))),
        [(MessageType::Ack, lan(102))]
    );
    assert_eq!(leases(&mut device), [row("192.168.1.102", "bound")]);
    device.clock.advance(Duration::from_mins(29));
    let bound = device.rows(Menu::Lease).remove(0);
    assert_eq!(
        (bound.get("expires-after"), bound.get("last-seen")),
        (Some("1m"), Some("29m"))
    );
    assert_eq!(
        sent(&device.dhcp_message(&renewing(mac(1), lan(102)))),
        [(MessageType::Ack, lan(102))]
    );
    assert_eq!(
        device.rows(Menu::Lease)[0].get("expires-after"),
        Some("30m"),
        "a renewal starts anew"
    );
    device.clock.advance(Duration::from_mins(30));
    assert_eq!(leases(&mut device), []);
}

#[test]
fn item_24_an_answer_to_the_probe_is_a_conflict_and_the_next_address_is_tried() {
    let mut device = router();
    device.dhcp_message(&message(MessageType::Discover, mac(1)));
    assert_eq!(
        device.dhcp_heard(lan(101), mac(9)),
        [],
        "another address is nobody's concern"
    );
    assert_eq!(
        device.dhcp_heard(lan(102), mac(1)),
        [],
        "the client itself may answer for the address it had"
    );
    assert_eq!(asked(&device.dhcp_heard(lan(102), mac(9))), [lan(101)]);
    assert_eq!(
        leases(&mut device),
        [row("192.168.1.102", "conflict"), row("192.168.1.101", "testing")]
    );
    device.clock.advance(PROBE);
    assert_eq!(sent(&device.dhcp_due()), [(MessageType::Offer, lan(101))]);
    device.dhcp_message(&taking(mac(1), lan(101)));
    assert_eq!(
        lease(&mut device, mac(2)),
        lan(100),
        "the address in conflict is set aside"
    );
    device.clock.advance(Duration::from_mins(30));
    assert_eq!(leases(&mut device), [], "for as long as a lease lasts");
}

#[test]
fn item_24_an_offer_that_nobody_takes_ends() {
    let mut device = router();
    device.dhcp_message(&message(MessageType::Discover, mac(1)));
    device.clock.advance(PROBE);
    device.dhcp_due();
    device.clock.advance(OFFER);
    assert_eq!(leases(&mut device), []);
}

#[test]
fn item_24_a_static_lease_is_offered_without_a_probe_and_waits_again() {
    let mut device = router();
    add_lease(
        &mut device,
        &[("address", "192.168.1.10"), ("mac-address", "aa:bb:cc:00:00:01")],
    );
    let effects = device.dhcp_message(&message(MessageType::Discover, mac(1)));
    assert_eq!(
        (asked(&effects), sent(&effects)),
        (vec![], vec![(MessageType::Offer, lan(10))])
    );
    device.dhcp_message(&taking(mac(1), lan(10)));
    assert_eq!(leases(&mut device), [row("192.168.1.10", "bound")]);
    device.clock.advance(Duration::from_mins(30));
    assert_eq!(leases(&mut device), [row("192.168.1.10", "waiting")]);
}

#[test]
fn a_server_without_conflict_detection_offers_at_once() {
    let mut device = router();
    set(&mut device, Menu::DhcpServer, &[("conflict-detection", "no")]);
    let effects = device.dhcp_message(&message(MessageType::Discover, mac(1)));
    assert_eq!(sent(&effects), [(MessageType::Offer, lan(102))]);
}

#[test]
fn addresses_are_handed_out_from_the_highest_down_and_skip_what_is_reserved_or_the_routers() {
    let mut device = router();
    set(
        &mut device,
        Menu::Pool,
        &[("ranges", "192.168.1.1,192.168.1.100-192.168.1.102")],
    );
    add_lease(
        &mut device,
        &[("address", "192.168.1.102"), ("mac-address", "02:00:00:00:00:66")],
    );
    assert_eq!(lease(&mut device, mac(1)), lan(101));
    assert_eq!(lease(&mut device, mac(2)), lan(100));
    assert_eq!(
        device.dhcp_message(&message(MessageType::Discover, mac(3))),
        [],
        "192.168.1.1 is the router's"
    );
    device.switches.static_leases_reserve = false;
    assert_eq!(
        lease(&mut device, mac(3)),
        lan(102),
        "whether a static lease reserves is not proven"
    );
}

#[test]
fn a_disabled_static_lease_reserves_nothing() {
    let mut device = router();
    let fixed = [
        ("address", "192.168.1.102"),
        ("mac-address", "02:00:00:00:00:66"),
        ("disabled", "yes"),
    ];
    add_lease(&mut device, &fixed);
    assert_eq!(lease(&mut device, mac(1)), lan(102));
}

#[test]
fn a_client_gets_its_address_again_and_may_wish_for_a_free_one() {
    let mut device = router();
    assert_eq!(lease(&mut device, mac(1)), lan(102));
    device.clock.advance(Duration::from_hours(1));
    assert_eq!(
        lease(&mut device, mac(2)),
        lan(102),
        "nobody waits for a client that is gone"
    );
    device.clock.advance(Duration::from_hours(1));
    assert_eq!(
        lease(&mut device, mac(1)),
        lan(102),
        "its former address is free again"
    );
    let mut wishing = message(MessageType::Discover, mac(3));
    wishing
        .opts_mut()
        .insert(DhcpOption::RequestedIpAddress(lan(100)));
    assert_eq!(asked(&device.dhcp_message(&wishing)), [lan(100)]);
}

#[test]
fn item_26_a_full_pool_overflows_into_the_next_one() {
    let config = Config::default()
        .change(Menu::Pool, "dhcp_pool", "ranges", "192.168.1.100")
        .row(
            Menu::Pool,
            [
                ("name", "more"),
                ("ranges", "192.168.1.50"),
                ("next-pool", "dhcp_pool"),
            ],
        );
    let mut device = router_of(&config);
    assert_eq!(lease(&mut device, mac(1)), lan(100));
    let full = device.dhcp_message(&message(MessageType::Discover, mac(2)));
    assert_eq!(full, [], "without a next pool there is nothing left");
    set(&mut device, Menu::Pool, &[("next-pool", "more")]);
    assert_eq!(lease(&mut device, mac(2)), lan(50));
    let of = |row: Row| {
        [
            row.get("pool").unwrap().to_owned(),
            row.get("address").unwrap().to_owned(),
        ]
    };
    let used: Vec<_> = device.rows(Menu::PoolUsed).into_iter().map(of).collect();
    assert_eq!(used, [["dhcp_pool", "192.168.1.100"], ["more", "192.168.1.50"]]);
    device.switches.renewal_outside_pool = Renewal::Nak;
    assert_eq!(
        sent(&device.dhcp_message(&renewing(mac(2), lan(50)))),
        [(MessageType::Ack, lan(50))],
        "an address of the next pool is not outside"
    );
    // Two pools that name each other end the search, too.
    assert_eq!(device.dhcp_message(&message(MessageType::Discover, mac(3))), []);
}

#[test]
fn item_23_a_renewal_outside_the_shrunk_pool_is_answered_as_switched() {
    for (renewal, answer, left) in [
        (
            Renewal::Ack,
            vec![(MessageType::Ack, lan(102))],
            vec![row("192.168.1.102", "bound")],
        ),
        (Renewal::Silent, vec![], vec![row("192.168.1.102", "bound")]),
        (
            Renewal::Nak,
            vec![(MessageType::Nak, Ipv4Addr::UNSPECIFIED)],
            vec![],
        ),
    ] {
        let mut device = router();
        device.switches.renewal_outside_pool = renewal;
        assert_eq!(lease(&mut device, mac(1)), lan(102));
        set(
            &mut device,
            Menu::Pool,
            &[("ranges", "192.168.1.100-192.168.1.101")],
        );
        assert_eq!(
            leases(&mut device),
            [row("192.168.1.102", "bound")],
            "shrinking ends no lease"
        );
        assert_eq!(device.rows(Menu::PoolUsed).len(), 1);
        assert_eq!(
            sent(&device.dhcp_message(&renewing(mac(1), lan(102)))),
            answer,
            "{renewal:?}"
        );
        assert_eq!(leases(&mut device), left, "{renewal:?}");
    }
}

#[test]
fn item_23_a_client_that_starts_over_leaves_the_shrunk_range() {
    let mut device = router();
    assert_eq!(lease(&mut device, mac(1)), lan(102));
    set(
        &mut device,
        Menu::Pool,
        &[("ranges", "192.168.1.100-192.168.1.101")],
    );
    assert_eq!(lease(&mut device, mac(1)), lan(101));
    assert_eq!(
        leases(&mut device),
        [row("192.168.1.101", "bound")],
        "it has one lease, not two"
    );
}

#[test]
fn release_and_decline() {
    let mut device = router();
    assert_eq!(lease(&mut device, mac(1)), lan(102));
    let mut release = message(MessageType::Release, mac(2));
    release.set_ciaddr(lan(102));
    device.dhcp_message(&release);
    assert_eq!(
        leases(&mut device).len(),
        1,
        "another client's release is ignored"
    );
    release.set_chaddr(&mac(1).0);
    device.dhcp_message(&release);
    assert_eq!(leases(&mut device), []);

    assert_eq!(lease(&mut device, mac(1)), lan(102));
    let mut decline = message(MessageType::Decline, mac(1));
    decline
        .opts_mut()
        .insert(DhcpOption::RequestedIpAddress(lan(102)));
    device.dhcp_message(&decline);
    assert_eq!(leases(&mut device), [row("192.168.1.102", "declined")]);
    assert_eq!(lease(&mut device, mac(1)), lan(101));
}

#[test]
fn what_was_offered_to_another_or_by_another_is_not_given() {
    let mut device = router();
    device.dhcp_message(&message(MessageType::Discover, mac(1)));
    device.clock.advance(PROBE);
    device.dhcp_due();
    assert_eq!(
        sent(&device.dhcp_message(&taking(mac(2), lan(102)))),
        [(MessageType::Nak, Ipv4Addr::UNSPECIFIED)]
    );
    let mut other_server = requesting(mac(1), lan(102));
    other_server
        .opts_mut()
        .insert(DhcpOption::ServerIdentifier(lan(2)));
    assert_eq!(device.dhcp_message(&other_server), []);
    assert_eq!(leases(&mut device), [], "the offer was turned down");
}

#[test]
fn an_unknown_client_is_refused_by_an_authoritative_server_alone() {
    let mut device = router();
    let mut late = requesting(mac(1), lan(102));
    late.set_secs(5);
    for (authoritative, early_answer, late_answer) in [
        ("yes", 1, 1),
        ("no", 0, 0),
        ("after-2sec-delay", 0, 1),
        ("after-10sec-delay", 0, 0),
    ] {
        set(&mut device, Menu::DhcpServer, &[("authoritative", authoritative)]);
        let early = device.dhcp_message(&requesting(mac(1), lan(102)));
        assert_eq!(
            (early.len(), device.dhcp_message(&late).len()),
            (early_answer, late_answer),
            "{authoritative}"
        );
    }
}

#[test]
fn a_moved_reservation_keeps_its_old_address_until_it_expires() {
    let mut device = router();
    add_lease(
        &mut device,
        &[("address", "192.168.1.10"), ("mac-address", "aa:bb:cc:00:00:01")],
    );
    assert_eq!(lease(&mut device, mac(1)), lan(10));
    set(&mut device, Menu::Lease, &[("address", "192.168.1.11")]);
    assert_eq!(
        device.dhcp_message(&renewing(mac(1), lan(10))),
        [],
        "neither granted nor refused"
    );
    assert_eq!(
        device.rows(Menu::Lease)[0].get("active-address"),
        Some("192.168.1.10")
    );
    device.clock.advance(Duration::from_mins(30));
    assert_eq!(lease(&mut device, mac(1)), lan(11));
}

#[test]
fn a_blocked_client_is_not_served() {
    let mut device = router();
    let blocked = [
        ("address", "192.168.1.10"),
        ("mac-address", "aa:bb:cc:00:00:01"),
        ("block-access", "yes"),
    ];
    add_lease(&mut device, &blocked);
    assert_eq!(device.dhcp_message(&message(MessageType::Discover, mac(1))), []);
    assert_eq!(device.dhcp_message(&requesting(mac(1), lan(10))), []);
    assert_eq!(device.rows(Menu::Lease)[0].get("blocked"), Some("true"));
}

#[test]
fn a_client_learns_its_network_and_is_answered_where_it_can_hear() {
    let mut device = router();
    set(
        &mut device,
        Menu::Network,
        &[("domain", "lan"), ("ntp-server", "192.168.1.3")],
    );
    let mut discover = message(MessageType::Discover, mac(1));
    discover.opts_mut().insert(DhcpOption::Hostname("phone".into()));
    discover
        .opts_mut()
        .insert(DhcpOption::ClientIdentifier(vec![1, 0xAA, 0xBB, 0xCC, 0, 0, 1]));
    discover
        .opts_mut()
        .insert(DhcpOption::ClassIdentifier(b"android-dhcp-14".to_vec()));
    device.dhcp_message(&discover);
    device.clock.advance(PROBE);
    let effects = device.dhcp_due();
    let [Effect::Send(offer, to)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!(
        (*to, offer.xid(), offer.chaddr()),
        (Ipv4Addr::BROADCAST, discover.xid(), &mac(1).0[..])
    );
    for option in [
        DhcpOption::ServerIdentifier(ROUTER),
        DhcpOption::AddressLeaseTime(1_800),
        DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
        DhcpOption::Router(vec![ROUTER]),
        DhcpOption::DomainNameServer(vec![ROUTER]),
        DhcpOption::NtpServers(vec![lan(3)]),
        DhcpOption::DomainName("lan".into()),
    ] {
        assert_eq!(offer.opts().get(OptionCode::from(&option)), Some(&option));
    }
    let mut request = taking(mac(1), lan(102));
    for option in discover.opts().iter().map(|(_, option)| option.clone()) {
        if !matches!(option, DhcpOption::MessageType(_)) {
            request.opts_mut().insert(option);
        }
    }
    device.dhcp_message(&request);
    let row = device.rows(Menu::Lease).remove(0);
    assert_eq!(
        [row.get("client-id"), row.get("host-name"), row.get("class-id")],
        [Some("1:aa:bb:cc:0:0:1"), Some("phone"), Some("android-dhcp-14")]
    );
    let mut renewal = request.clone();
    renewal.set_ciaddr(lan(102));
    renewal.opts_mut().remove(OptionCode::ServerIdentifier);
    renewal.opts_mut().remove(OptionCode::RequestedIpAddress);
    let effects = device.dhcp_message(&renewal);
    assert!(
        matches!(&effects[..], [Effect::Send(_, to)] if *to == lan(102)),
        "{effects:?}"
    );
}

#[test]
fn inform_is_answered_with_options_alone() {
    let mut device = router();
    let mut inform = message(MessageType::Inform, mac(1));
    inform.set_ciaddr(lan(60));
    let effects = device.dhcp_message(&inform);
    let [Effect::Send(ack, to)] = &effects[..] else {
        panic!("{effects:?}")
    };
    assert_eq!((*to, ack.yiaddr()), (lan(60), Ipv4Addr::UNSPECIFIED));
    assert_eq!(ack.opts().get(OptionCode::AddressLeaseTime), None);
    assert!(ack.opts().get(OptionCode::Router).is_some());
}

#[test]
fn a_router_without_a_server_or_pool_is_silent() {
    let mut device = router_of(&Config::bare());
    assert_eq!(device.dhcp_message(&message(MessageType::Discover, mac(1))), []);
    let mut device = router();
    set(&mut device, Menu::DhcpServer, &[("disabled", "yes")]);
    assert_eq!(device.dhcp_message(&message(MessageType::Discover, mac(1))), []);
    let mut device = router();
    set(&mut device, Menu::DhcpServer, &[("address-pool", "static-only")]);
    assert_eq!(device.dhcp_message(&message(MessageType::Discover, mac(1))), []);
}

#[test]
fn add_arp_keeps_a_row_for_as_long_as_the_lease() {
    let mut device = router();
    set(&mut device, Menu::DhcpServer, &[("add-arp", "yes")]);
    assert_eq!(lease(&mut device, mac(1)), lan(102));
    let rows = device.rows(Menu::Arp);
    let row = &rows[0];
    assert_eq!(
        [
            row.get("address"),
            row.get("mac-address"),
            row.get("DHCP"),
            row.get("dynamic"),
            row.get("complete")
        ],
        [
            Some("192.168.1.102"),
            Some("AA:BB:CC:00:00:01"),
            Some("true"),
            Some("true"),
            Some("true")
        ]
    );
    device.clock.advance(Duration::from_mins(30));
    device.settle();
    assert_eq!(device.rows(Menu::Arp), []);
}

#[test]
fn removing_a_row_that_is_probed_ends_the_probe() {
    let mut device = router();
    device.dhcp_message(&message(MessageType::Discover, mac(1)));
    let key = device.entries(Menu::Lease).next().unwrap().key;
    device.remove(Menu::Lease, key).unwrap();
    device.clock.advance(PROBE);
    assert_eq!(device.dhcp_due(), []);
    assert_eq!(device.dhcp_deadline(), None);
    assert_eq!(lease(&mut device, mac(1)), lan(102));
}

#[test]
fn probes_at_once_are_bounded() {
    let mut device = router_of(&Config::default());
    for last in 0..=255 {
        device.dhcp_message(&message(MessageType::Discover, mac(last)));
    }
    assert_eq!(device.count(Menu::Lease), 64);
}

#[test]
fn a_seeded_lease_is_the_clients_own() {
    let mut device = router_of(&Config::default().lease(Lease::bound(lan(205), mac(1))));
    assert_eq!(
        sent(&device.dhcp_message(&renewing(mac(1), lan(205)))),
        [(MessageType::Ack, lan(205))]
    );
    let mut named = renewing(mac(1), lan(205));
    named
        .opts_mut()
        .insert(DhcpOption::ClientIdentifier(vec![1, 2, 0xAB]));
    assert_eq!(sent(&device.dhcp_message(&named)), [(MessageType::Ack, lan(205))]);
    assert_eq!(device.rows(Menu::Lease)[0].get("client-id"), Some("1:2:ab"));
    let mut renamed = renewing(mac(1), lan(205));
    renamed
        .opts_mut()
        .insert(DhcpOption::ClientIdentifier(vec![1, 9]));
    assert_eq!(
        sent(&device.dhcp_message(&renamed)),
        [(MessageType::Nak, Ipv4Addr::UNSPECIFIED)],
        "another client on the same interface card"
    );
}

#[test]
fn a_hardware_length_that_lies_is_dropped_and_does_not_panic() {
    let mut bytes = message(MessageType::Discover, mac(1)).to_vec().unwrap();
    for length in [0, 1, 5, 7, 16, 17, 255] {
        bytes[2] = length;
        let message = packet::decode(&bytes).unwrap();
        assert_eq!(router().dhcp_message(&message), [], "{length}");
    }
    bytes[2] = 6;
    bytes[0] = 2;
    let reply = packet::decode(&bytes).unwrap();
    assert_eq!(router().dhcp_message(&reply), [], "a reply is no request");
}

#[test]
fn options_that_would_make_the_parser_panic_are_left_out_and_cut_ones_drop_the_message() {
    let whole = message(MessageType::Discover, mac(1)).to_vec().unwrap();
    let with = |options: &[u8]| [&whole[..243], options].concat();
    let route_with_a_prefix_of_40 = [121, 8, 40, 10, 0, 0, 0, 192, 168, 1, 255];
    let rapid_commit_with_a_length = [80, 1, 0, 255];
    let a_host_name_in_latin_1 = [12, 3, b'n', 0xE4, b's', 255];
    for options in [
        &route_with_a_prefix_of_40[..],
        &rapid_commit_with_a_length,
        &a_host_name_in_latin_1,
        &[0, 0],
        &[],
    ] {
        let read = packet::decode(&with(options)).expect("a message");
        assert_eq!(read.opts().msg_type(), Some(MessageType::Discover));
        assert_eq!(read.opts().len(), 1, "{options:?}");
    }
    for options in [&[12][..], &[12, 5, b'n'], &[50, 200, 1]] {
        assert_eq!(packet::decode(&with(options)), None, "{options:?}");
    }
    assert_eq!(packet::decode(&whole[..239]), None);
    let mut without_cookie = whole.clone();
    without_cookie[236] = 0;
    assert_eq!(packet::decode(&without_cookie), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_server_panic(
        noise in prop::collection::vec(any::<u8>(), 0..600),
        at in 0_usize..300,
        flip in any::<u8>(),
    ) {
        let mut device = router();
        lease(&mut device, mac(1));
        let mut bytes = taking(mac(1), lan(102)).to_vec().unwrap();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= flip;
        }
        for bytes in [noise, bytes] {
            if let Some(message) = packet::decode(&bytes) {
                for effect in device.dhcp_message(&message) {
                    if let Effect::Send(reply, _) = effect {
                        prop_assert!(reply.to_vec().is_ok());
                    }
                }
            }
        }
    }
}
