//! Item 28: learned rows by frames and by the clock.

use proptest::prelude::*;

use super::*;
use crate::clock::{Clock, Pace};
use crate::config::Config;
use crate::lan::Lan;

const OURS: Mac = Mac([2, 0, 0, 0, 0, 1]);
const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const HOST: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 50);
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 60);
const A: Mac = Mac([2, 0, 0, 0, 0, 0xA]);
const B: Mac = Mac([2, 0, 0, 0, 0, 0xB]);
const GONE: &str = "gone";
const EVERYONE: Mac = Mac([0xFF; 6]);

fn router() -> Device {
    let mut device = crate::seed::device(&Config::default(), Clock::new(Pace::Stopped)).unwrap();
    device.lan = Some(Lan {
        bridge: "bridge".into(),
        mac: OURS,
    });
    device
}

fn request(from: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> ArpFrame {
    ArpFrame::request(from, sender, target)
}

fn reply(from: Mac, sender: Ipv4Addr, to: Mac, target: Ipv4Addr) -> ArpFrame {
    let operation = Operation::Reply;
    ArpFrame {
        destination: to,
        operation,
        sender_mac: from,
        sender,
        target_mac: to,
        target,
    }
}

/// Status and MAC of the host's row, `gone` where there is no row.
fn host(device: &mut Device) -> String {
    device.settle();
    let rows = device.rows(Menu::Arp);
    assert!(rows.len() <= 1, "{rows:?}");
    let Some(row) = rows.first() else {
        return GONE.into();
    };
    let (status, mac) = (row.get("status").unwrap(), row.get("mac-address"));
    assert_eq!(
        row.get("complete") == Some("true"),
        mac.is_some(),
        "a MAC is shown when it is known"
    );
    format!("{status} {}", mac.unwrap_or("unknown"))
}

fn is(status: &str, mac: Option<Mac>) -> String {
    format!("{status} {}", mac.map_or("unknown".into(), |mac| mac.to_string()))
}

fn set(device: &mut Device, menu: Menu, row: (&str, &str), values: &[(&str, &str)]) {
    let key = device
        .entries(menu)
        .find(|entry| entry.text(row.0) == Some(row.1))
        .unwrap()
        .key;
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    device.set(menu, key, &values).unwrap();
}

fn add_static(device: &mut Device, disabled: &str) {
    let values = [
        ("address", HOST.to_string()),
        ("mac-address", A.to_string()),
        ("interface", "bridge".to_owned()),
        ("disabled", disabled.to_owned()),
    ];
    let values: Vec<_> = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    device.add(Menu::Arp, &values).unwrap();
}

#[test]
fn item_28_a_row_is_made_by_a_frame_to_the_router_and_by_no_other() {
    let mut device = router();
    device.heard(&request(A, HOST, NOBODY));
    device.heard(&request(A, HOST, HOST));
    device.heard(&reply(A, HOST, B, NOBODY));
    assert_eq!(
        host(&mut device),
        GONE,
        "a frame between others, also a gratuitous one"
    );
    device.heard(&request(A, Ipv4Addr::UNSPECIFIED, ROUTER));
    assert_eq!(host(&mut device), GONE, "a probe names no sender");
    device.heard(&request(A, HOST, ROUTER));
    assert_eq!(
        host(&mut device),
        is("stale", Some(A)),
        "a question proves no reachability"
    );
    device.heard(&reply(A, HOST, OURS, ROUTER));
    assert_eq!(host(&mut device), is("reachable", Some(A)));
}

#[test]
fn item_28_the_routers_own_question_makes_an_incomplete_row() {
    let mut device = router();
    device.heard(&request(OURS, ROUTER, HOST));
    assert_eq!(host(&mut device), is("incomplete", None));
    device.heard(&reply(A, HOST, OURS, ROUTER));
    assert_eq!(host(&mut device), is("reachable", Some(A)));

    let mut device = router();
    device.heard(&request(OURS, ROUTER, HOST));
    device.clock.advance(PROBE);
    assert_eq!(host(&mut device), is("failed", None));
    device.heard(&request(OURS, ROUTER, HOST));
    assert_eq!(host(&mut device), is("incomplete", None), "asked again");
}

#[test]
fn item_28_any_frame_of_the_sender_moves_the_row_to_its_new_mac() {
    for frame in [
        request(B, HOST, HOST),
        request(B, HOST, NOBODY),
        reply(B, HOST, EVERYONE, HOST),
        reply(B, HOST, A, NOBODY),
    ] {
        let mut device = router();
        device.heard(&reply(A, HOST, OURS, ROUTER));
        device.clock.advance(LOCK + Duration::from_millis(1));
        device.heard(&frame);
        assert_eq!(host(&mut device), is("stale", Some(B)), "{frame:?}");
    }
    let mut device = router();
    device.heard(&reply(A, HOST, OURS, ROUTER));
    device.clock.advance(LOCK + Duration::from_millis(1));
    device.heard(&reply(B, HOST, OURS, ROUTER));
    assert_eq!(host(&mut device), is("reachable", Some(B)));
}

#[test]
fn item_28_within_a_second_only_gratuitous_frames_and_questions_to_the_router_move_a_row() {
    for (frame, moved) in [
        (request(B, HOST, HOST), true),
        (request(B, HOST, ROUTER), true),
        (request(B, HOST, NOBODY), false),
        (reply(B, HOST, OURS, ROUTER), false),
        (reply(B, HOST, EVERYONE, HOST), false),
        (
            ArpFrame {
                target_mac: B,
                ..reply(B, HOST, EVERYONE, HOST)
            },
            true,
        ),
    ] {
        let mut device = router();
        device.heard(&reply(A, HOST, OURS, ROUTER));
        device.heard(&frame);
        let expected = if moved {
            is("stale", Some(B))
        } else {
            is("reachable", Some(A))
        };
        assert_eq!(host(&mut device), expected, "{frame:?}");
    }
}

#[test]
fn item_28_a_frame_of_the_known_mac_proves_reachability_only_as_a_reply_to_the_router() {
    let mut device = router();
    device.heard(&reply(A, HOST, OURS, ROUTER));
    device.clock.advance(Duration::from_secs(29));
    device.heard(&request(A, HOST, ROUTER));
    device.clock.advance(Duration::from_secs(1));
    assert_eq!(
        host(&mut device),
        is("stale", Some(A)),
        "the question did not renew it"
    );
    device.heard(&reply(A, HOST, OURS, ROUTER));
    assert_eq!(host(&mut device), is("reachable", Some(A)));
}

#[test]
fn item_28_a_row_ages_from_reachable_to_failed_and_loses_its_mac() {
    let mut device = router();
    device.heard(&reply(A, HOST, OURS, ROUTER));
    for (after, state) in [
        (29, is("reachable", Some(A))),
        (1, is("stale", Some(A))),
        (59, is("stale", Some(A))),
        (1, is("delay", Some(A))),
        (5, is("probe", Some(A))),
        (3, is("failed", None)),
        (60, GONE.into()),
    ] {
        device.clock.advance(Duration::from_secs(after));
        assert_eq!(host(&mut device), state);
    }
}

#[test]
fn item_28_ageing_follows_arp_timeout() {
    let mut device = router();
    let settings = device.entries(Menu::Settings).next().unwrap().key;
    device
        .set(Menu::Settings, settings, &[("arp-timeout".into(), "10m".into())])
        .unwrap();
    device.heard(&reply(A, HOST, OURS, ROUTER));
    device.clock.advance(Duration::from_secs(599));
    assert_eq!(host(&mut device), is("reachable", Some(A)));
    device.clock.advance(Duration::from_secs(1));
    assert_eq!(host(&mut device), is("stale", Some(A)));
}

#[test]
fn item_28_a_row_that_is_probed_is_asked_for_once_a_second_and_an_answer_saves_it() {
    let mut device = router();
    device.heard(&reply(A, HOST, OURS, ROUTER));
    device.clock.advance(Duration::from_secs(30 + 60 + 5));
    assert_eq!(device.neighbors_to_ask(), [request(OURS, ROUTER, HOST)]);
    assert_eq!(device.neighbors_to_ask(), []);
    device.clock.advance(Duration::from_secs(1));
    assert_eq!(device.neighbors_to_ask(), [request(OURS, ROUTER, HOST)]);
    device.heard(&reply(A, HOST, OURS, ROUTER));
    assert_eq!(host(&mut device), is("reachable", Some(A)));
    assert_eq!(device.neighbors_to_ask(), []);
}

#[test]
fn item_28_a_permanent_row_takes_the_learned_ones_place_and_ignores_every_frame() {
    let mut device = router();
    device.heard(&reply(B, HOST, OURS, ROUTER));
    add_static(&mut device, "no");
    assert_eq!(host(&mut device), is("permanent", Some(A)));
    device.clock.advance(Duration::from_hours(1));
    for frame in [
        request(B, HOST, HOST),
        request(B, HOST, ROUTER),
        reply(B, HOST, OURS, ROUTER),
    ] {
        device.heard(&frame);
        assert_eq!(host(&mut device), is("permanent", Some(A)), "{frame:?}");
    }
}

#[test]
fn item_28_a_disabled_permanent_row_has_no_effect() {
    let mut device = router();
    add_static(&mut device, "yes");
    device.heard(&reply(B, HOST, OURS, ROUTER));
    let rows = device.rows(Menu::Arp);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].get("status"), rows[0].get("complete")),
        (None, Some("false"))
    );
    assert_eq!(
        (rows[1].get("status"), rows[1].get("mac-address")),
        (Some("reachable"), Some("02:00:00:00:00:0B"))
    );
    set(
        &mut device,
        Menu::Arp,
        ("disabled", "true"),
        &[("disabled", "no")],
    );
    assert_eq!(
        host(&mut device),
        is("permanent", Some(A)),
        "enabled, it takes the learned row's place"
    );
}

#[test]
fn item_28_a_reply_only_interface_learns_nothing() {
    let mut device = router();
    set(&mut device, Menu::Interface, ("name", "bridge"), &[]);
    let key = device.by_name(Menu::Bridge, "bridge").unwrap().key;
    for (arp, learned) in [
        ("reply-only", 0),
        ("disabled", 0),
        ("proxy-arp", 1),
        ("enabled", 1),
    ] {
        device
            .set(Menu::Bridge, key, &[("arp".into(), arp.into())])
            .unwrap();
        device.heard(&reply(A, HOST, OURS, ROUTER));
        assert_eq!(device.count(Menu::Arp), learned, "{arp}");
    }
}

#[test]
fn item_28_what_a_gratuitous_frame_does_is_switchable_where_it_is_not_known() {
    let mut device = router();
    device.heard(&request(A, HOST, HOST));
    assert_eq!(device.count(Menu::Arp), 0, "an absent row is not made");
    device.switches.gratuitous_arp_creates = true;
    device.heard(&request(A, HOST, HOST));
    assert_eq!(
        device.rows(Menu::Arp)[0].get("mac-address"),
        Some(A.to_string().as_str())
    );

    let mut device = router();
    add_static(&mut device, "no");
    let mac = |device: &Device| {
        device.rows(Menu::Arp)[0]
            .get("mac-address")
            .map(ToOwned::to_owned)
    };
    let before = mac(&device);
    device.heard(&request(B, HOST, HOST));
    assert_eq!(mac(&device), before, "a permanent row stays");
    device.switches.gratuitous_arp_moves_static = true;
    device.heard(&request(B, HOST, ROUTER));
    assert_eq!(mac(&device), before, "a question is not gratuitous");
    device.heard(&request(B, HOST, HOST));
    assert_eq!(mac(&device), Some(B.to_string()));
}

#[test]
fn item_28_a_second_permanent_row_is_refused_with_the_text_that_is_configured() {
    let mut device = router();
    device.switches.arp_duplicate_text = "whatever it says".into();
    add_static(&mut device, "no");
    add_static(&mut device, "yes");
    let values = [
        ("address", "192.168.1.50"),
        ("mac-address", "02:00:00:00:00:0B"),
        ("interface", "bridge"),
    ];
    let values: Vec<_> = values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let refused = device.add(Menu::Arp, &values).unwrap_err();
    assert_eq!(refused.detail.as_deref(), Some("failure: whatever it says"));
    let disabled = device
        .entries(Menu::Arp)
        .find(|row| row.flag("disabled"))
        .unwrap()
        .key;
    assert!(
        device
            .set(Menu::Arp, disabled, &[("disabled".into(), "no".into())])
            .is_err()
    );
}

#[test]
fn frames_that_no_station_sends_are_ignored() {
    let mut device = router();
    for frame in [
        reply(Mac::ZERO, HOST, OURS, ROUTER),
        reply(EVERYONE, HOST, OURS, ROUTER),
        reply(A, Ipv4Addr::new(224, 0, 0, 1), OURS, ROUTER),
        reply(A, Ipv4Addr::UNSPECIFIED, OURS, ROUTER),
        reply(A, ROUTER, OURS, ROUTER),
    ] {
        device.heard(&frame);
        assert_eq!(host(&mut device), GONE, "{frame:?}");
    }
}

#[test]
fn learned_rows_are_bounded() {
    let mut device = router();
    for number in 0..4_000_u32 {
        let sender = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + number);
        device.heard(&request(A, sender, ROUTER));
    }
    assert_eq!(device.count(Menu::Arp), LEARNED);
}

#[test]
fn a_frame_survives_being_built_and_read() {
    let frame = reply(A, HOST, OURS, ROUTER);
    let bytes = frame.build();
    assert_eq!(
        bytes,
        [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0xA, 8, 6, // Ethernet: to us, from A, ARP
            0, 1, 8, 0, 6, 4, 0, 2, // Ethernet, IPv4, reply
            2, 0, 0, 0, 0, 0xA, 192, 168, 1, 50, 2, 0, 0, 0, 0, 1, 192, 168, 1, 1
        ]
    );
    assert_eq!(ArpFrame::parse(&bytes), Some(frame));
}

#[test]
fn a_frame_with_a_wrong_type_length_or_size_is_none() {
    let good = reply(A, HOST, OURS, ROUTER).build();
    for length in 0..good.len() {
        assert_eq!(ArpFrame::parse(&good[..length]), None, "{length} bytes");
    }
    for (at, value) in [
        (13, 0),
        (15, 6),
        (17, 6),
        (18, 8),
        (19, 16),
        (21, 0),
        (21, 3),
        (20, 1),
    ] {
        let mut bad = good;
        bad[at] = value;
        assert_eq!(ArpFrame::parse(&bad), None, "byte {at}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_or_the_table_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Some(frame) = ArpFrame::parse(&bytes) {
            router().heard(&frame);
        }
    }
}
