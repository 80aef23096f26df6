//! Frames against byte literals written from the RFCs, and every refusal.

use proptest::prelude::*;

use super::super::Statement;
use super::*;

const OURS: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x01);
const OWNER: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x11);
const ASKER: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x50);
const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0x00ab, 0xcdef);
const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);

/// Who has `fd00:0:0:1::ab:cdef`, tell `fd00:0:0:1::50`, to the group of the address. The checksum, as all below, was computed
/// by another program (RFC 4443 section 2.3).
#[rustfmt::skip]
const QUESTION: [u8; 86] = [
    0x33, 0x33, 0xff, 0xab, 0xcd, 0xef,  0x02, 0, 0, 0, 0, 0x50,  0x86, 0xdd,   // Ethernet
    0x60, 0, 0, 0,  0, 32,  58,  255,                                           // version, length, next, hops
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0, 0, 0x50,                      // source
    0xff, 2, 0, 0, 0, 0, 0, 0,  0, 0, 0, 1, 0xff, 0xab, 0xcd, 0xef,             // destination
    135, 0,  0xdf, 0xc5,  0, 0, 0, 0,                                         // type, code, checksum, reserved
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,                // target
    1, 1,  0x02, 0, 0, 0, 0, 0x50,                                              // source link-layer address
];
/// Duplicate address detection of the same address.
#[rustfmt::skip]
const DETECTION: [u8; 78] = [
    0x33, 0x33, 0xff, 0xab, 0xcd, 0xef,  0x02, 0, 0, 0, 0, 0x50,  0x86, 0xdd,
    0x60, 0, 0, 0,  0, 24,  58,  255,
    0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
    0xff, 2, 0, 0, 0, 0, 0, 0,  0, 0, 0, 1, 0xff, 0xab, 0xcd, 0xef,
    135, 0,  0xe0, 0x70,  0, 0, 0, 0,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,
];
/// RFC 4861 section 7.2.4: solicited, override, not a router; from the address itself.
#[rustfmt::skip]
const ANSWER: [u8; 86] = [
    0x02, 0, 0, 0, 0, 0x50,  0x02, 0, 0, 0, 0, 0x01,  0x86, 0xdd,
    0x60, 0, 0, 0,  0, 32,  58,  255,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0, 0, 0x50,
    136, 0,  0x7f, 0x17,  0x60, 0, 0, 0,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,
    2, 1,  0x02, 0, 0, 0, 0, 0x01,
];
/// RFC 4861 section 7.2.6, and 7.2.4 for who asked from `::`: to all nodes, not solicited, override.
#[rustfmt::skip]
const ANNOUNCEMENT: [u8; 86] = [
    0x33, 0x33, 0, 0, 0, 1,  0x02, 0, 0, 0, 0, 0x01,  0x86, 0xdd,
    0x60, 0, 0, 0,  0, 32,  58,  255,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,
    0xff, 2, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 1,
    136, 0,  0xbd, 0x65,  0x20, 0, 0, 0,
    0xfd, 0, 0, 0, 0, 0, 0, 1,  0, 0, 0, 0, 0, 0xab, 0xcd, 0xef,
    2, 1,  0x02, 0, 0, 0, 0, 0x01,
];

fn question() -> Ndp {
    Ndp::parse(&QUESTION).unwrap()
}

#[test]
fn a_question_is_read_field_by_field() {
    assert_eq!(
        question(),
        Ndp {
            kind: Kind::Solicitation,
            eth_src: ASKER,
            eth_dst: MacAddr(0x33, 0x33, 0xff, 0xab, 0xcd, 0xef),
            source: CLIENT,
            destination: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xffab, 0xcdef),
            target: VIP,
            link_layer: Some(ASKER),
        }
    );
    assert_eq!(question(), Ndp::question(ASKER, CLIENT, VIP));
}

#[test]
fn ethernet_padding_is_ignored() {
    let mut padded = DETECTION.to_vec();
    padded.resize(100, 0xa5);
    assert_eq!(Ndp::parse(&padded), Ok(Ndp::probe(ASKER, VIP)));
}

#[test]
fn what_is_sent_is_what_the_rfcs_write() {
    assert_eq!(question().answer(OURS, OURS).frame(), ANSWER);
    assert_eq!(Ndp::gratuitous(OURS, VIP).frame(), ANNOUNCEMENT);
    assert_eq!(Ndp::probe(ASKER, VIP).frame(), DETECTION);
    assert_eq!(Ndp::question(ASKER, CLIENT, VIP).frame(), QUESTION);
}

#[test]
fn who_detects_duplicates_is_answered_before_all_nodes() {
    let detection = Ndp::parse(&DETECTION).unwrap();
    assert_eq!(detection.link_layer, None);
    assert_eq!(detection.answer(OURS, OURS).frame(), ANNOUNCEMENT);
}

#[test]
fn a_stand_in_answers_with_the_owners_mac_from_its_own() {
    let frame = question().answer(OWNER, OURS).frame();
    assert_eq!(&frame[6..12], &OURS.octets(), "Ethernet source");
    assert_eq!(&frame[80..86], &OWNER.octets(), "target link-layer address");
}

#[test]
fn an_asker_without_the_option_is_answered_where_its_frame_came_from() {
    let checks_its_entry = Ndp {
        eth_dst: OURS,
        destination: VIP,
        link_layer: None,
        ..question()
    };
    let read = Ndp::parse(&checks_its_entry.frame()).unwrap();
    assert_eq!(read, checks_its_entry);
    assert_eq!(read.answer(OURS, OURS).frame(), ANSWER);
}

#[test]
fn the_poke_is_an_ordinary_solicitation_to_one_neighbour() {
    let poke = Ndp::parse(&Ndp::poke(OURS, VIP, ASKER, CLIENT).frame()).unwrap();
    assert_eq!((poke.eth_src, poke.eth_dst), (OURS, ASKER));
    assert_eq!(
        (poke.source, poke.destination, poke.target),
        (VIP, CLIENT, CLIENT)
    );
    assert_eq!((poke.kind, poke.link_layer), (Kind::Solicitation, Some(OURS)));
}

/// A frame with other bytes at an offset, and the checksum that fits them.
fn patched(frame: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[offset..offset + bytes.len()].copy_from_slice(bytes);
    summed(frame)
}

/// A frame whose payload length and checksum fit its bytes.
fn summed(mut frame: Vec<u8>) -> Vec<u8> {
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&frame[at..at + 16]).unwrap());
    let (source, destination) = (address(22), address(38));
    let packet = Icmpv6Packet::new(&frame[54..]).unwrap();
    let sum = checksum(&packet, &source, &destination);
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A frame with these options.
fn with_options(frame: &[u8; 86], options: &[u8]) -> Vec<u8> {
    let mut bytes = [&frame[..78], options].concat();
    bytes[19] = u8::try_from(24 + options.len()).unwrap();
    summed(bytes)
}

#[test]
fn every_rule_of_rfc_4861_refuses_by_its_own_name() {
    let mut wrong_sum = QUESTION;
    wrong_sum[57] ^= 1;
    let group_as_source = patched(&QUESTION, 22, &[0xff, 2]);
    let solicited_to_all = patched(&ANNOUNCEMENT, 58, &[0x60]);
    let advertised_by_nobody = patched(&ANNOUNCEMENT, 22, &[0; 16]);
    let detection_with_mac = patched(&QUESTION, 22, &[0; 16]);
    let detection_to_one = patched(&DETECTION, 38, &VIP.octets());
    let detection_to_all = patched(&DETECTION, 38, &ALL_NODES.octets());
    let table: [(&[u8], FrameError); 19] = [
        (
            &patched(&QUESTION, 12, &[0x08, 0x00]),
            FrameError::EtherType(0x0800),
        ),
        (&patched(&QUESTION, 14, &[0x40]), FrameError::NotIcmp(58)),
        (&patched(&QUESTION, 20, &[17]), FrameError::NotIcmp(17)),
        (&patched(&QUESTION, 21, &[254]), FrameError::HopLimit(254)),
        (
            &patched(&QUESTION, 54, &[134]),
            FrameError::IcmpType { kind: 134, code: 0 },
        ),
        (
            &patched(&QUESTION, 55, &[1]),
            FrameError::IcmpType { kind: 135, code: 1 },
        ),
        (
            &patched(&ANSWER, 55, &[1]),
            FrameError::IcmpType { kind: 136, code: 1 },
        ),
        (&wrong_sum, FrameError::Checksum),
        (&patched(&QUESTION, 62, &[0xff]), FrameError::Target),
        (&patched(&ANSWER, 62, &[0xff]), FrameError::Target),
        (
            &with_options(&QUESTION, &[1, 0, 2, 0, 0, 0, 0, 0x50]),
            FrameError::Options,
        ),
        (
            &with_options(&QUESTION, &[1, 2, 2, 0, 0, 0, 0, 0x50]),
            FrameError::Options,
        ),
        (
            &with_options(&QUESTION, &[1, 1, 2, 0, 0, 0, 0, 0x50, 14]),
            FrameError::Options,
        ),
        (&group_as_source, FrameError::Addresses),
        (&solicited_to_all, FrameError::Addresses),
        (&advertised_by_nobody, FrameError::Addresses),
        (&detection_with_mac, FrameError::Addresses),
        (&detection_to_one, FrameError::Addresses),
        (&detection_to_all, FrameError::Addresses),
    ];
    for (frame, refusal) in table {
        assert_eq!(Ndp::parse(frame), Err(refusal), "{frame:02x?}");
    }
}

#[test]
fn an_advertisement_that_nobody_asked_for_is_a_claim_and_an_answer_is_none() {
    let said = |bytes: &[u8]| Statement::from(&Ndp::parse(bytes).unwrap());
    let (claim, answer) = (said(&ANNOUNCEMENT), said(&ANSWER));
    assert!(claim.is_gratuitous() && claim.target_ip == VIP, "{claim:?}");
    assert!(
        !answer.is_gratuitous() && answer.target_ip == CLIENT,
        "{answer:?}"
    );
}

#[test]
fn unknown_options_are_passed_over() {
    // A nonce (RFC 3971), as Linux sends it, before the address; and one of the other message's kind.
    let nonce = [14, 1, 9, 9, 9, 9, 9, 9];
    let mac = [1, 1, 2, 0, 0, 0, 0, 0x50];
    let other = [2, 1, 2, 0, 0, 0, 0, 0x77];
    let frame = with_options(&QUESTION, &[nonce, other, mac].concat());
    assert_eq!(Ndp::parse(&frame), Ok(question()));
    let twice = with_options(&QUESTION, &[mac, [1, 1, 2, 0, 0, 0, 0, 0x77]].concat());
    assert_eq!(Ndp::parse(&twice), Ok(question()), "the first of a kind counts");
    let of_another_medium = with_options(&QUESTION, &[1, 2, 2, 0, 0, 0, 0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Ndp::parse(&of_another_medium).unwrap().link_layer, None);
}

#[test]
fn a_frame_that_was_cut_short_is_refused_at_every_length() {
    for length in 0..QUESTION.len() {
        assert!(Ndp::parse(&QUESTION[..length]).is_err(), "{length}");
    }
    let shorter_than_its_body = patched(&QUESTION, 18, &[0, 20]);
    assert!(Ndp::parse(&shorter_than_its_body).is_err());
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(target: [u8; 14], source: [u8; 14], mac: [u8; 6], answers: bool, flags in 0..8u8) {
        let address = |rest: [u8; 14]| {
            let mut octets = [0; 16];
            octets[..2].copy_from_slice(&[0xfd, 0]);
            octets[2..].copy_from_slice(&rest);
            Ipv6Addr::from(octets)
        };
        let (target, source) = (address(target), address(source));
        let flags = Flags { router: flags & 1 != 0, solicited: flags & 2 != 0, overrides: flags & 4 != 0 };
        let kind = if answers { Kind::Advertisement(flags) } else { Kind::Solicitation };
        let message = Ndp { kind, destination: source, target, ..Ndp::question(mac.into(), source, target) };
        prop_assert_eq!(Ndp::parse(&message.frame()), Ok(message));
    }
}
