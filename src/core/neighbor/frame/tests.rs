//! Frames against byte literals written from the RFCs, and every refusal.

use proptest::prelude::*;

use super::super::{Peer, Statement};
use super::*;

const OURS: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x01);
const ASKER: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x50);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);

/// RFC 826's example, "who has 192.168.1.200, tell 192.168.1.50", as it stands on the wire.
#[rustfmt::skip]
const QUESTION: [u8; FRAME_LENGTH] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0, 0, 0, 0, 0x50,  0x08, 0x06, // Ethernet
    0x00, 0x01,  0x08, 0x00,  6,  4,  0x00, 0x01,                             // hrd pro hln pln op
    0x02, 0, 0, 0, 0, 0x50,  192, 168, 1, 50,                                 // sha spa
    0, 0, 0, 0, 0, 0,  192, 168, 1, 200,                                      // tha tpa
];

fn question() -> Arp {
    Arp::parse(&QUESTION).unwrap()
}

#[test]
fn a_question_is_read_field_by_field() {
    assert_eq!(
        question(),
        Arp {
            op: Operation::Request,
            eth_src: ASKER,
            eth_dst: MacAddr::broadcast(),
            sender_mac: ASKER,
            sender_ip: Ipv4Addr::new(192, 168, 1, 50),
            target_mac: MacAddr::zero(),
            target_ip: VIP,
        }
    );
}

#[test]
fn a_frame_equals_its_own_bytes_alone() {
    let frame = question().frame();
    assert_eq!(frame, QUESTION);
    let mut another = QUESTION;
    another[FRAME_LENGTH - 1] ^= 1;
    assert_ne!(frame, another);
    assert_ne!(frame, [0; 0]);
}

#[test]
fn what_is_no_arp_has_a_name_of_its_own_for_metrics() {
    let lengths = FrameError::AddressLengths {
        hardware: 0,
        protocol: 0,
    };
    let refusals = [
        FrameError::TooShort(0),
        FrameError::EtherType(0),
        FrameError::HardwareType(0),
        FrameError::ProtocolType(0),
        lengths,
        FrameError::Operation(0),
    ];
    let names: std::collections::BTreeSet<&str> = refusals.map(FrameError::kind).into_iter().collect();
    assert_eq!(names.len(), refusals.len());
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
}

#[test]
fn ethernet_padding_is_ignored() {
    let mut padded = QUESTION.to_vec();
    padded.resize(60, 0xa5);
    assert_eq!(Arp::parse(&padded), Ok(question()));
}

#[test]
fn the_answer_swaps_sender_and_target() {
    #[rustfmt::skip]
    let expected: [u8; FRAME_LENGTH] = [
        0x02, 0, 0, 0, 0, 0x50,  0x02, 0, 0, 0, 0, 0x01,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6,  4,  0x00, 0x02,
        0x02, 0, 0, 0, 0, 0x01,  192, 168, 1, 200,
        0x02, 0, 0, 0, 0, 0x50,  192, 168, 1, 50,
    ];
    assert_eq!(question().answer(OURS, OURS).frame(), expected);
}

#[test]
fn a_stand_in_answers_with_the_owners_mac_from_its_own() {
    let owner = MacAddr(0x02, 0, 0, 0, 0, 0x02);
    let frame = question().answer(owner, OURS).frame();
    assert_eq!(&frame[6..12], &OURS.octets(), "Ethernet source");
    assert_eq!(&frame[22..28], &owner.octets(), "ar$sha");
}

#[test]
fn the_announcement_is_a_request_with_both_addresses_the_same() {
    // RFC 5227 section 2.3: as the probe, but sender and target IP are the address now in use.
    #[rustfmt::skip]
    let expected: [u8; FRAME_LENGTH] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0, 0, 0, 0, 0x01,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6,  4,  0x00, 0x01,
        0x02, 0, 0, 0, 0, 0x01,  192, 168, 1, 200,
        0, 0, 0, 0, 0, 0,  192, 168, 1, 200,
    ];
    let announcement = Arp::gratuitous(OURS, VIP);
    assert_eq!(announcement.frame(), expected);
    let said = Statement::from(&announcement);
    assert!(said.is_gratuitous() && !said.is_probe());
}

#[test]
fn the_probe_has_no_sender_address() {
    // RFC 5227 section 2.1.1: sender IP all zero, target MAC SHOULD be all zero.
    #[rustfmt::skip]
    let expected: [u8; FRAME_LENGTH] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0, 0, 0, 0, 0x01,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6,  4,  0x00, 0x01,
        0x02, 0, 0, 0, 0, 0x01,  0, 0, 0, 0,
        0, 0, 0, 0, 0, 0,  192, 168, 1, 200,
    ];
    let probe = Arp::probe(OURS, VIP);
    assert_eq!(probe.frame(), expected);
    let said = Statement::from(&probe);
    assert!(said.is_probe() && !said.is_gratuitous());
}

#[test]
fn the_poke_is_an_ordinary_request_to_one_neighbour() {
    #[rustfmt::skip]
    let expected: [u8; FRAME_LENGTH] = [
        0x02, 0, 0, 0, 0, 0x50,  0x02, 0, 0, 0, 0, 0x01,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6,  4,  0x00, 0x01,
        0x02, 0, 0, 0, 0, 0x01,  192, 168, 1, 200,
        0, 0, 0, 0, 0, 0,  192, 168, 1, 50,
    ];
    let peer = Peer {
        mac: ASKER,
        address: Ipv4Addr::new(192, 168, 1, 50),
    };
    let poke = Arp::poke(OURS, VIP, peer);
    assert_eq!(poke.frame(), expected);
    let said = Statement::from(&poke);
    assert!(!said.is_gratuitous() && !said.is_probe());
}

#[test]
fn every_field_that_is_not_arp_for_ipv4_over_ethernet_is_refused_by_name() {
    // (offset, value, refusal)
    let table: &[(usize, u8, FrameError)] = &[
        (13, 0x00, FrameError::EtherType(0x0800)),
        (12, 0x81, FrameError::EtherType(0x8106)),
        (15, 6, FrameError::HardwareType(6)),
        (16, 0x86, FrameError::ProtocolType(0x8600)),
        (
            18,
            8,
            FrameError::AddressLengths {
                hardware: 8,
                protocol: 4,
            },
        ),
        (
            19,
            16,
            FrameError::AddressLengths {
                hardware: 6,
                protocol: 16,
            },
        ),
        (21, 0, FrameError::Operation(0)),
        (21, 3, FrameError::Operation(3)),
        (20, 1, FrameError::Operation(0x101)),
    ];
    for (offset, value, refusal) in table {
        let mut frame = QUESTION;
        frame[*offset] = *value;
        assert_eq!(Arp::parse(&frame), Err(*refusal), "byte {offset}");
    }
    for length in 0..FRAME_LENGTH {
        assert_eq!(Arp::parse(&QUESTION[..length]), Err(FrameError::TooShort(length)));
    }
}

fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr::from)
}

fn arp() -> impl Strategy<Value = Arp> {
    let op = prop_oneof![Just(Operation::Request), Just(Operation::Reply)];
    (op, mac(), mac(), mac(), any::<u32>(), mac(), any::<u32>()).prop_map(
        |(op, eth_src, eth_dst, sender_mac, sender_ip, target_mac, target_ip)| Arp {
            op,
            eth_src,
            eth_dst,
            sender_mac,
            sender_ip: Ipv4Addr::from_bits(sender_ip),
            target_mac,
            target_ip: Ipv4Addr::from_bits(target_ip),
        },
    )
}

proptest! {
    #[test]
    fn what_is_built_is_read_back(arp in arp()) {
        prop_assert_eq!(Arp::parse(&arp.frame()), Ok(arp));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = Arp::parse(&bytes);
    }

    #[test]
    fn what_is_read_is_built_again(
        flips in proptest::collection::vec((0..FRAME_LENGTH, any::<u8>()), 0..4),
    ) {
        let mut frame = QUESTION;
        for (at, value) in flips {
            frame[at] = value;
        }
        if let Ok(arp) = Arp::parse(&frame) {
            prop_assert_eq!(arp.frame(), frame, "no byte of a readable frame is without a field");
        }
    }
}
