//! Literal frames, byte by byte, and what is no frame.

use super::*;

/// Broadcast question of .50 for .200, padded as a network card pads it.
const REQUEST: [u8; 60] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x01, 0x32, 0x08, 0x06, // Ethernet
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, // Ethernet, IPv4, 6, 4, request
    0x02, 0x00, 0x00, 0x00, 0x01, 0x32, 192, 168, 1, 50, // sender
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192, 168, 1, 200, // target
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // padding
];

/// Answer of node1 (…:0b) for .200, carried by node2 (…:0c).
const REPLY: [u8; 42] = [
    0x02, 0x00, 0x00, 0x00, 0x01, 0x32, 0x02, 0x00, 0x00, 0x00, 0x01, 0x0c, 0x08, 0x06, //
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02, //
    0x02, 0x00, 0x00, 0x00, 0x01, 0x0b, 192, 168, 1, 200, //
    0x02, 0x00, 0x00, 0x00, 0x01, 0x32, 192, 168, 1, 50,
];

fn mac(last: u8) -> Mac {
    Mac([2, 0, 0, 0, 1, last])
}

fn ip(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 168, 1, last)
}

#[test]
fn a_request_is_read_and_written() {
    let frame = ArpFrame::parse(&REQUEST).unwrap();
    assert_eq!(frame, ArpFrame::request(mac(0x32), ip(50), ip(200)));
    assert_eq!(frame.eth_dst, Mac::BROADCAST);
    assert_eq!(frame.to_bytes(), REQUEST[..LENGTH]);
}

#[test]
fn a_reply_is_read_and_written_and_its_two_senders_are_told_apart() {
    let frame = ArpFrame::parse(&REPLY).unwrap();
    let expected = ArpFrame {
        op: Operation::Reply,
        eth_src: mac(0x0c),
        eth_dst: mac(0x32),
        sender_mac: mac(0x0b),
        sender_ip: ip(200),
        target_mac: mac(0x32),
        target_ip: ip(50),
    };
    assert_eq!(frame, expected);
    assert_eq!(frame.to_bytes(), REPLY);
}

#[test]
fn a_frame_that_is_too_short_is_refused() {
    for length in 0..LENGTH {
        assert_eq!(ArpFrame::parse(&REPLY[..length]), Err(FrameError::Short(length)));
    }
}

#[test]
fn other_protocols_are_refused() {
    let changed = |offset: usize, value: u8| {
        let mut bytes = REPLY;
        bytes[offset] = value;
        ArpFrame::parse(&bytes)
    };
    assert_eq!(changed(13, 0x00), Err(FrameError::EtherType(0x0800)));
    // A VLAN tag stands where the type does.
    assert_eq!(changed(12, 0x81), Err(FrameError::EtherType(0x8106)));
    for offset in 14..20 {
        assert!(
            matches!(changed(offset, 0x77), Err(FrameError::Addresses(_))),
            "byte {offset}"
        );
    }
    assert_eq!(changed(21, 0x09).map(|frame| frame.op), Ok(Operation::Other(9)));
}

#[test]
fn announcements_and_probes_are_told_from_questions() {
    let question = ArpFrame::request(mac(11), ip(11), ip(200));
    let announcement = ArpFrame::request(mac(11), ip(200), ip(200));
    let probe = ArpFrame::request(mac(11), Ipv4Addr::UNSPECIFIED, ip(200));
    assert_eq!(
        [question, announcement, probe].map(|frame| frame.is_gratuitous()),
        [false, true, false]
    );
    assert_eq!(
        [question, announcement, probe].map(|frame| frame.is_probe()),
        [false, false, true]
    );
}

#[test]
fn frames_read_like_sentences() {
    let reply = ArpFrame::parse(&REPLY).unwrap();
    let lines = [
        (
            ArpFrame::request(mac(11), ip(11), ip(200)),
            "who has 192.168.1.200? tell 192.168.1.11",
        ),
        (
            ArpFrame::request(mac(11), ip(200), ip(200)),
            "192.168.1.200 is at 02:00:00:00:01:0b (announced)",
        ),
        (
            ArpFrame::request(mac(11), Ipv4Addr::UNSPECIFIED, ip(200)),
            "who has 192.168.1.200? (a probe)",
        ),
        (reply, "192.168.1.200 is at 02:00:00:00:01:0b, 192.168.1.50"),
        (
            ArpFrame {
                target_ip: ip(200),
                ..reply
            },
            "192.168.1.200 is at 02:00:00:00:01:0b (announced by a reply)",
        ),
        (
            ArpFrame {
                op: Operation::Other(9),
                ..reply
            },
            "ARP operation 9 from 192.168.1.200 for 192.168.1.50",
        ),
    ];
    for (frame, line) in lines {
        assert_eq!(frame.to_string(), line);
    }
}
