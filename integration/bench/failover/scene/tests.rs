//! Which frame moves an address.

use super::*;

#[test]
fn only_another_nodes_announcement_after_the_cut_moves_it() {
    let cut = Instant::now();
    let (old, new) = (Mac([2, 0, 0, 0, 1, 11]), Mac([2, 0, 0, 0, 1, 12]));
    let address = Ipv4Addr::new(192, 168, 1, 200);
    let seen = |frame, at| Seen {
        at,
        after: Duration::ZERO,
        frame,
    };
    let taken = ArpFrame::request(new, address, address);
    assert!(moves(&seen(taken, cut), address, old, cut));
    let earlier = cut.checked_sub(Duration::from_millis(1)).unwrap();
    let question = ArpFrame::request(new, Ipv4Addr::new(192, 168, 1, 12), address);
    for (frame, at) in [
        (taken, earlier),
        (ArpFrame::request(old, address, address), cut),
        (question, cut),
        (claim(new), cut),
    ] {
        assert!(!moves(&seen(frame, at), address, old, cut), "{frame}");
    }
    assert!(moves(&seen(claim(new), cut), *FLOOR.ip(), old, cut));
    assert!(claim(new).is_gratuitous());
}
