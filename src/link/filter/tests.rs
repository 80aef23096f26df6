//! The program run by a small interpreter over tables of frames. The kernel runs it in the `link` test target.

use proptest::prelude::*;
use std::net::Ipv6Addr;
use tiklb_core::model::{AddressRange, Question};

use tiklb_core::neighbor::{Arp, Ndp, Neighbor, Operation, Peer};

use super::program::{
    AND, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD_BYTE, LOAD_HALF, LOAD_WORD, PACKET_TYPE,
    RETURN, VLAN_TAG_PRESENT,
};
use super::*;

const OURS: MacAddr = MacAddr(0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0x01);
const ASKER: MacAddr = MacAddr(0x02, 0, 0, 0, 0, 0x50);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 50);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);

/// What the kernel knows beside the bytes.
#[derive(Clone, Copy, Default)]
struct Beside {
    packet_type: u32,
    tagged: bool,
}

/// Runs a program as `bpf(4)` describes it; how many bytes are kept.
fn run(program: &[Instruction], frame: &[u8], beside: Beside) -> u32 {
    let mut at = 0;
    let mut accumulator: u32 = 0;
    loop {
        let Instruction {
            code,
            if_true,
            if_false,
            operand,
        } = program[at];
        at += 1;
        let width = match code {
            LOAD_WORD => 4,
            LOAD_HALF => 2,
            LOAD_BYTE => 1,
            RETURN => return operand,
            AND => {
                accumulator &= operand;
                continue;
            }
            _ => {
                let holds = match code {
                    JUMP_EQUAL => accumulator == operand,
                    JUMP_GREATER => accumulator > operand,
                    JUMP_GREATER_OR_EQUAL => accumulator >= operand,
                    other => panic!("unknown instruction 0x{other:02x}"),
                };
                at += usize::from(if holds { if_true } else { if_false });
                continue;
            }
        };
        let from = operand as usize;
        accumulator = match operand {
            PACKET_TYPE => beside.packet_type,
            VLAN_TAG_PRESENT => u32::from(beside.tagged),
            _ => match frame.get(from..from + width) {
                Some(bytes) => bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
                None => return 0,
            },
        };
    }
}

fn ranges(texts: &[&str]) -> RangeSet {
    texts.iter().map(|t| AddressRange::parse(t).unwrap()).collect()
}

fn filter() -> Filter {
    Filter::new(
        OURS,
        &ranges(&["192.168.1.200-192.168.1.220", "10.0.0.0/30", "fd00::/120"]),
    )
}

fn passes(filter: &Filter, frame: &[u8]) -> bool {
    match run(&filter.program(), frame, Beside::default()) {
        0 => false,
        SNAP_LENGTH => true,
        other => panic!("keeps {other} bytes"),
    }
}

fn question() -> Arp {
    Arp {
        op: Operation::Request,
        eth_src: ASKER,
        eth_dst: MacAddr::broadcast(),
        sender_mac: ASKER,
        sender_ip: CLIENT,
        target_mac: MacAddr::zero(),
        target_ip: VIP,
    }
}

#[test]
fn what_concerns_our_addresses_passes() {
    let peer = Peer {
        mac: ASKER,
        address: CLIENT,
    };
    let to_us = Arp {
        eth_dst: OURS,
        ..question()
    };
    let in_the_other_range = Arp {
        target_ip: Ipv4Addr::new(10, 0, 0, 3),
        ..question()
    };
    for frame in [
        question(),
        to_us,
        in_the_other_range,
        Arp::probe(ASKER, VIP),
        Arp::gratuitous(ASKER, VIP),
        Arp::poke(OURS, VIP, peer).answer(ASKER, ASKER),
    ] {
        assert!(passes(&filter(), &frame.frame()), "{frame:?}");
        let mut padded = frame.frame().to_vec();
        padded.resize(60, 0);
        assert!(passes(&filter(), &padded), "padded {frame:?}");
    }
}

#[test]
fn addresses_outside_the_intervals_are_refused_on_both_sides_of_each_end() {
    let table = [
        ([192, 168, 1, 199], false),
        ([192, 168, 1, 200], true),
        ([192, 168, 1, 220], true),
        ([192, 168, 1, 221], false),
        ([9, 255, 255, 255], false),
        ([10, 0, 0, 0], true),
        ([10, 0, 0, 4], false),
        ([0, 0, 0, 0], false),
        ([255, 255, 255, 255], false),
    ];
    for (address, expected) in table {
        let target = Arp {
            target_ip: address.into(),
            ..question()
        };
        let sender = Arp {
            sender_ip: address.into(),
            target_ip: CLIENT,
            ..question()
        };
        assert_eq!(passes(&filter(), &target.frame()), expected, "target {address:?}");
        assert_eq!(passes(&filter(), &sender.frame()), expected, "sender {address:?}");
    }
}

#[test]
fn every_other_field_is_tested_too() {
    // (offset, value): the question for our address with one byte changed.
    let table: &[(usize, u8)] = &[
        (0, 0xfe),
        (3, 0xfe),
        (4, 0xfe),
        (5, 0xfe),
        (12, 0x81),
        (13, 0x00),
        (14, 1),
        (15, 6),
        (16, 0x86),
        (17, 1),
        (18, 8),
        (19, 16),
        (20, 1),
        (21, 0),
        (21, 3),
    ];
    for (offset, value) in table {
        let mut frame = question().frame().to_vec();
        frame[*offset] = *value;
        assert!(!passes(&filter(), &frame), "byte {offset}");
    }
    for offset in 0..6 {
        let to_us = Arp {
            eth_dst: OURS,
            ..question()
        };
        let mut almost_us = to_us.frame().to_vec();
        assert!(passes(&filter(), &almost_us));
        almost_us[offset] ^= 0x10;
        assert!(!passes(&filter(), &almost_us), "destination byte {offset}");
    }
    for length in 0..42 {
        assert!(
            !passes(&filter(), &question().frame()[..length]),
            "{length} bytes"
        );
    }
}

#[test]
fn frames_of_ours_for_others_and_with_a_tag_are_refused() {
    let frame = question().frame();
    // PACKET_HOST, _BROADCAST, _MULTICAST, _OTHERHOST, _OUTGOING.
    let kept = [true, true, false, false, false];
    for (packet_type, kept) in (0..).zip(kept) {
        for tagged in [false, true] {
            let beside = Beside { packet_type, tagged };
            let length = run(&filter().program(), &frame, beside);
            assert_eq!(length > 0, kept && !tagged, "type {packet_type}, tagged {tagged}");
        }
    }
}

#[test]
fn without_an_address_nothing_passes() {
    let nothing = Filter::new(OURS, &ranges(&["fd00::/120"]));
    assert!(!passes(&nothing, &question().frame()));
}

/// Every second address of a network, as many as asked for.
fn scattered(count: u32) -> RangeSet {
    let network = u32::from_be_bytes([172, 16, 0, 0]);
    let address = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(network + 2 * n));
    (0..count).map(address).collect()
}

#[test]
fn the_longest_program_still_reaches_its_ends_and_more_become_one_interval() {
    let most = u32::try_from(MAX_INTERVALS).unwrap();
    let ask = |filter: &Filter, last: u8| {
        let frame = Arp {
            target_ip: Ipv4Addr::new(172, 16, 0, last),
            ..question()
        };
        passes(filter, &frame.frame())
    };
    let longest = Filter::new(OURS, &scattered(most));
    assert!(longest.program().len() < usize::from(u8::MAX));
    for n in 0..MAX_INTERVALS {
        let inside = u8::try_from(2 * n).unwrap();
        assert!(ask(&longest, inside), "interval {n}");
        assert!(!ask(&longest, inside + 1), "behind interval {n}");
    }
    let hull = Filter::new(OURS, &scattered(most + 1));
    assert!(ask(&hull, 0) && ask(&hull, 1) && ask(&hull, 64));
    assert!(!ask(&hull, 65));
}

proptest! {
    #[test]
    fn it_agrees_with_the_parsed_frame(
        flips in proptest::collection::vec((0usize..42, any::<u8>()), 0..3),
        target in prop_oneof![any::<u32>(), 0xc0a8_01c0u32..0xc0a8_01e0],
        sender in prop_oneof![any::<u32>(), 0x0a00_0000u32..0x0a00_0008],
    ) {
        let mut frame = Arp {
            target_ip: Ipv4Addr::from_bits(target),
            sender_ip: Ipv4Addr::from_bits(sender),
            ..question()
        }
        .frame().to_vec();
        for (at, value) in flips {
            frame[at] = value;
        }
        let addresses = ranges(&["192.168.1.200-192.168.1.220", "10.0.0.0/30"]);
        let expected = Arp::parse(&frame).is_ok_and(|arp| {
            let to_us = arp.eth_dst.is_broadcast() || arp.eth_dst == OURS;
            let ours = [arp.sender_ip, arp.target_ip];
            to_us && ours.iter().any(|address| addresses.contains(IpAddr::V4(*address)))
        });
        prop_assert_eq!(passes(&filter(), &frame), expected);
    }
}

/// What a kernel answers: not what it would be by its checksum, which no filter looks at.
fn answered(ends: [(MacAddr, IpAddr); 2], message: usize, kind: u8) -> Vec<u8> {
    let [us, peer] = ends.map(|(mac, address)| Neighbor { mac, address });
    let question = Question {
        id: 0x1234,
        sequence: 1,
        token: 2,
    };
    let mut reply = tiklb_core::neighbor::echo::request(peer, us, question)
        .unwrap()
        .to_vec();
    reply[message] = kind;
    reply
}

/// `others`: a byte that makes each another packet, or one for another process.
fn only_answers_pass(family: Family, question: &[u8], reply: &[u8], others: &[(usize, u8)]) {
    let program = echo_program(family, 0x1234);
    let here = Beside::default();
    assert_eq!(run(&program, question, here), 0, "a question");
    assert_eq!(run(&program, reply, here), ECHO_SNAP_LENGTH);
    assert_eq!(
        run(&echo_program(family, 0x1235), reply, here),
        0,
        "another process's"
    );
    assert_eq!(run(&echo_program(family.other(), 0x1234), reply, here), 0);
    for (packet_type, tagged) in [(3, false), (4, false), (0, true)] {
        let beside = Beside { packet_type, tagged };
        assert_eq!(run(&program, reply, beside), 0, "sent from here, or not to here");
    }
    for (at, value) in others {
        let mut other = reply.to_vec();
        other[*at] = *value;
        assert_eq!(run(&program, &other, here), 0, "byte {at} as {value:#x}");
    }
}

#[test]
fn only_answers_to_this_process_pass() {
    let ends = [
        (OURS, Ipv4Addr::new(192, 168, 1, 11).into()),
        (ASKER, CLIENT.into()),
    ];
    let mut reply = answered(ends, 34, 0);
    reply.resize(60, 0);
    let others = [
        (12, 0x86),
        (14, 0x46),
        (23, 17),
        (34, 3),
        (35, 1),
        (38, 0x13),
        (39, 0),
    ];
    only_answers_pass(Family::V4, &answered(ends, 34, 8), &reply, &others);
    let program = echo_program(Family::V4, 0x1234);
    assert_eq!(run(&program, &reply[..39], Beside::default()), 0, "cut short");
}

#[test]
fn only_answers_to_this_process_pass_by_ipv6() {
    let ends = [(OURS, six(0x11).into()), (ASKER, CLIENT_SIX.into())];
    let mut reply = answered(ends, 54, 129);
    // A kernel's traffic class, flow label and hops are its own.
    for (at, value) in [(14, 0x6f), (15, 0xfa), (16, 0xbc), (17, 0xde), (21, 64)] {
        reply[at] = value;
    }
    let others = [
        (12, 8),
        (14, 0x45),
        (20, 0),
        (20, 44),
        (20, 17),
        (54, 1),
        (54, 136),
        (55, 1),
        (58, 0x13),
        (59, 0),
    ];
    only_answers_pass(Family::V6, &answered(ends, 54, 128), &reply, &others);
    let program = echo_program(Family::V6, 0x1234);
    assert_eq!(run(&program, &reply[..59], Beside::default()), 0, "cut short");
    let to_a_group = Beside {
        packet_type: 2,
        tagged: false,
    };
    assert_eq!(run(&program, &reply, to_a_group), 0);
}

const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);
const CLIENT_SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);

fn hears(filter: &Filter, frame: &[u8]) -> bool {
    let beside = Beside {
        packet_type: 2,
        tagged: false,
    };
    match run(&filter.program(), frame, beside) {
        0 => false,
        NDP_SNAP_LENGTH => true,
        other => panic!("keeps {other} bytes"),
    }
}

fn six(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, last)
}

#[test]
fn neighbor_discovery_about_our_addresses_passes() {
    let filter = Filter::ndp(
        OURS,
        &ranges(&["192.168.1.0/24", "fd00:0:0:1::200-fd00:0:0:1::20f"]),
    );
    let question = Ndp::question(ASKER, CLIENT_SIX, SIX);
    for ndp in [
        question,
        Ndp::probe(ASKER, SIX),
        Ndp::gratuitous(ASKER, SIX),
        // Who speaks with our address, and who answers a question of it.
        Ndp::question(ASKER, SIX, CLIENT_SIX),
        Ndp::poke(OURS, SIX, ASKER, CLIENT_SIX).answer(ASKER, ASKER),
    ] {
        assert!(hears(&filter, &ndp.frame()), "{ndp:?}");
    }
    let elsewhere = Ndp::question(ASKER, CLIENT_SIX, six(0x210));
    assert!(!hears(&filter, &elsewhere.frame()));
    let changed = |at: usize, value: u8| {
        let mut frame = question.frame().to_vec();
        frame[at] = value;
        frame
    };
    for (at, value) in [(12, 8), (20, 17), (21, 254), (54, 134), (55, 1)] {
        assert!(!hears(&filter, &changed(at, value)), "byte {at} is {value}");
    }
    for (packet_type, tagged, passes) in [
        (0, false, true),
        (2, false, true),
        (1, false, false),
        (3, false, false),
        (4, false, false),
        (2, true, false),
    ] {
        let kept = run(
            &filter.program(),
            &question.frame(),
            Beside { packet_type, tagged },
        );
        assert_eq!(kept != 0, passes, "{packet_type} {tagged}");
    }
    let arp = self::question().frame();
    assert!(!hears(&filter, &arp));
    assert!(Filter::ndp(OURS, &ranges(&["192.168.1.0/24"])).is_empty());
}

#[test]
fn the_longest_program_reaches_its_end_and_more_ranges_are_covered_by_one() {
    let range = |n: u16| format!("fd00:0:0:1::{n:x}00-fd00:0:0:1::{n:x}05");
    let of = |count: u16| {
        let texts: Vec<_> = (1..=count).map(|n| range(2 * n)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Filter::ndp(OURS, &ranges(&texts))
    };
    let most = u16::try_from(MAX_PREFIXES).unwrap();
    let longest = of(most);
    for n in 1..=most {
        for last in [0, 5] {
            let target = six(2 * n * 256 + last);
            assert!(hears(&longest, &Ndp::probe(ASKER, target).frame()), "{target}");
        }
    }
    assert!(!hears(&longest, &Ndp::probe(ASKER, six(0x300)).frame()));
    assert!(
        hears(&of(most + 1), &Ndp::probe(ASKER, six(0x300)).frame()),
        "coarser, never finer"
    );
    let everything = Filter::ndp(OURS, &ranges(&["::/0"]));
    assert!(hears(&everything, &Ndp::probe(ASKER, SIX).frame()));
}
