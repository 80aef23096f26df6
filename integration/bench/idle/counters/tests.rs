//! The kernel's two files, as it writes them.

use super::*;

const DEVICES: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
  eth0:    7000      70    0    0    0     0          0         0     9000      90    0    0    0     0       0          0
";
const PROTOCOLS: &str = "\
Ip: Forwarding DefaultTTL
Ip: 1 64
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors
Udp: 31 1 0 47 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams
UdpLite: 0 0 0 0
";

#[test]
fn frames_and_datagrams_are_read_by_their_names() {
    let found = Counters::read(DEVICES, PROTOCOLS, "eth0").unwrap();
    let wanted = Counters {
        frames_sent: 90,
        frames_received: 70,
        datagrams_sent: 47,
        datagrams_received: 31,
    };
    assert_eq!(found, wanted);
    assert_eq!(Counters::read(DEVICES, PROTOCOLS, "eth1"), None);
    assert_eq!(Counters::read(DEVICES, "Udp: InDatagrams\n", "eth0"), None);
}

#[test]
fn what_came_meanwhile_is_the_difference() {
    let before = Counters::read(DEVICES, PROTOCOLS, "eth0").unwrap();
    let after = Counters {
        frames_sent: 100,
        ..before
    };
    let wanted = Counters {
        frames_sent: 10,
        frames_received: 0,
        datagrams_sent: 0,
        datagrams_received: 0,
    };
    assert_eq!(after.since(&before), wanted);
}
