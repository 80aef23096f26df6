//! Echo requests and replies, byte by byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;
use crate::model::MacAddr;

const ASKER: Neighbor = Neighbor {
    mac: MacAddr(2, 0, 0, 0, 1, 11),
    address: IpAddr::V4(Ipv4Addr::new(192, 168, 1, 11)),
};
const PEER: Neighbor = Neighbor {
    mac: MacAddr(2, 0, 0, 0, 1, 12),
    address: IpAddr::V4(Ipv4Addr::new(192, 168, 1, 12)),
};
const ASKER_V6: Neighbor = Neighbor {
    address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x11)),
    ..ASKER
};
const PEER_V6: Neighbor = Neighbor {
    address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x12)),
    ..PEER
};
const QUESTION: Question = Question {
    id: 0x1234,
    sequence: 7,
    token: 0x0102_0304_0506_0708,
};

/// What a kernel makes of a request (RFC 792): addresses exchanged, type 0, the rest as it came.
fn reply() -> Vec<u8> {
    let request = request(ASKER, PEER, QUESTION).unwrap();
    let mut frame = request.to_vec();
    frame[0..6].copy_from_slice(&request[6..12]);
    frame[6..12].copy_from_slice(&request[0..6]);
    frame[26..30].copy_from_slice(&request[30..34]);
    frame[30..34].copy_from_slice(&request[26..30]);
    frame[34] = 0;
    let sum = u16::from_be_bytes([frame[36], frame[37]]);
    // One type lower by eight: the sum of the words is lower by 0x0800, its complement higher.
    let (sum, carry) = sum.overflowing_add(0x0800);
    frame[36..38].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    frame.resize(60, 0);
    frame
}

/// What a kernel answers [`ASKER_V6`] (RFC 4443 section 4.2), with a flow label and hops of its own.
const REPLY_V6: [u8; 70] = [
    2, 0, 0, 0, 1, 11, 2, 0, 0, 0, 1, 12, 0x86, 0xdd, // Ethernet
    0x60, 0x0a, 0xbc, 0xde, 0, 16, 58, 64, // IPv6
    0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x12, // from
    0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x11, // to
    129, 0, 0x62, 0x3f, 0x12, 0x34, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, // ICMPv6
];

#[test]
fn a_request_is_a_plain_ping() {
    let frame = request(ASKER, PEER, QUESTION).unwrap();
    let expected: [u8; 50] = [
        2, 0, 0, 0, 1, 12, 2, 0, 0, 0, 1, 11, 8, 0, // Ethernet
        0x45, 0, 0, 36, 0, 0, 0, 0, 1, 1, 0x36, 0x72, 192, 168, 1, 11, 192, 168, 1, 12, // IPv4
        8, 0, 0xd5, 0xb0, 0x12, 0x34, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, // ICMP
    ];
    assert_eq!(frame, expected);
    assert_eq!(Echo::parse(&frame), None, "a question is no answer");
}

#[test]
fn a_request_of_ipv6_is_a_plain_ping() {
    let frame = request(ASKER_V6, PEER_V6, QUESTION).unwrap();
    let expected: [u8; 70] = [
        2, 0, 0, 0, 1, 12, 2, 0, 0, 0, 1, 11, 0x86, 0xdd, // Ethernet
        0x60, 0, 0, 0, 0, 16, 58, 1, // IPv6
        0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x11, // from
        0xfd, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x12, // to
        128, 0, 0x63, 0x3f, 0x12, 0x34, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, // ICMPv6
    ];
    assert_eq!(frame, expected);
    assert_eq!(Echo::parse(&frame), None, "a question is no answer");
    for (from, to) in [(ASKER, PEER_V6), (ASKER_V6, PEER)] {
        assert_eq!(request(from, to, QUESTION), None, "{from:?} has no way to {to:?}");
    }
}

#[test]
fn a_reply_is_read_and_a_damaged_one_is_not() {
    let frame = reply();
    let echo = Echo {
        from: PEER,
        question: QUESTION,
    };
    assert_eq!(Echo::parse(&frame), Some(echo));
    // The ICMP part is under its checksum, whose two forms of zero are one.
    for bit in 34 * 8..50 * 8 {
        let mut damaged = frame.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Echo::parse(&damaged), None, "bit {bit}");
    }
    for length in 0..50 {
        assert_eq!(Echo::parse(&frame[..length]), None, "{length} bytes");
    }
}

#[test]
fn a_reply_of_ipv6_is_read_and_a_damaged_one_is_not() {
    let echo = Echo {
        from: PEER_V6,
        question: QUESTION,
    };
    assert_eq!(Echo::parse(&REPLY_V6), Some(echo));
    // The checksum is over the addresses, too.
    for bit in 22 * 8..70 * 8 {
        let mut damaged = REPLY_V6;
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Echo::parse(&damaged), None, "bit {bit}");
    }
    for length in 0..70 {
        assert_eq!(Echo::parse(&REPLY_V6[..length]), None, "{length} bytes");
    }
    let mut padded = REPLY_V6.to_vec();
    padded.resize(80, 0);
    assert_eq!(Echo::parse(&padded), Some(echo), "Ethernet may pad it");
}

#[test]
fn other_packets_are_not_taken_for_a_reply() {
    let frame = reply();
    for (at, value) in [(12, 0x86), (14, 0x46), (14, 0x65), (21, 1), (23, 17), (34, 8)] {
        let mut other = frame.clone();
        other[at] = value;
        assert_eq!(Echo::parse(&other), None, "byte {at} as {value:#x}");
    }
    // Another protocol, a version, a length that is not the message's, headers in between (hop by hop, fragment), a question.
    for (at, value) in [
        (12, 8),
        (14, 0x40),
        (19, 15),
        (19, 17),
        (20, 0),
        (20, 44),
        (54, 128),
    ] {
        let mut other = REPLY_V6;
        other[at] = value;
        assert_eq!(Echo::parse(&other), None, "byte {at} as {value:#x}");
    }
}
