//! A move is an announcement by somebody else.

use super::*;
use crate::wire::ArpFrame;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
const ONE: Mac = Mac([2, 0, 0, 0, 1, 11]);
const OTHER: Mac = Mac([2, 0, 0, 0, 1, 12]);

#[test]
fn only_an_announcement_by_another_moves_and_each_counts_once() {
    let begun = Instant::now();
    let seen = |millis, frame| Seen {
        at: begun + Duration::from_millis(millis),
        after: Duration::from_millis(millis),
        frame,
    };
    let announced = |mac, address| ArpFrame::request(mac, address, address);
    let mut owners = Owners::new(BTreeMap::from([(ADDRESS, ONE)]));
    let frames = [
        seen(1, announced(ONE, ADDRESS)),
        // A question, and an address that nobody watches.
        seen(2, ArpFrame::request(OTHER, [192, 168, 1, 12].into(), ADDRESS)),
        seen(3, announced(OTHER, [192, 168, 1, 12].into())),
        seen(4, announced(OTHER, ADDRESS)),
        seen(5, announced(OTHER, ADDRESS)),
    ];
    let moved = begun + Duration::from_millis(4);
    assert_eq!(owners.take(&frames), [(moved, ADDRESS, ONE, OTHER)]);
    assert!(owners.take(&frames).is_empty(), "they were looked at");
    let back = [frames[4], seen(6, announced(ONE, ADDRESS))];
    assert_eq!(owners.take(&back).len(), 1, "a move back is a move");
}
