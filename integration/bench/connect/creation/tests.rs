//! A run as a value.

use super::*;

/// One that was answered after `millis`.
pub(in super::super) fn creation(run: u32, millis: u64) -> Creation {
    let after = |share: u64| Duration::from_millis(millis) * u32::try_from(share).unwrap() / 10;
    Creation {
        run,
        address: Ipv4Addr::new(192, 168, 1, 210),
        posted: after(2),
        watched: after(1),
        addressed: after(8),
        answered: after(10),
        connected: after(11),
        node: "node1".to_owned(),
    }
}

#[test]
fn a_person_reads_the_answers_time() {
    assert_eq!(creation(7, 40).line(), "192.168.1.210 answered after 40.0 ms");
}
