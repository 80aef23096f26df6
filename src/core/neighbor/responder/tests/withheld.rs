//! Requests that came while answers were withheld.

use super::*;
use crate::neighbor::responder::withheld::MAX_WITHHELD;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A responder that withholds for 20 ms, and has read these requests meanwhile, each a millisecond after the one before it.
fn having_read(requests: &[Arp]) -> Responder {
    let mut responder = responder();
    responder.withhold_until(now() + ms(20));
    for (arp, after) in requests.iter().zip(0..) {
        let verdict = responder.receive(ETH0, arp.into(), Duration::ZERO, now() + ms(after).min(ms(19)));
        assert_eq!(verdict, Verdict::Ignore(Ignored::Withheld));
    }
    responder
}

fn from(asker: u8) -> Arp {
    but(|arp| arp.sender_ip = Ipv4Addr::new(192, 168, 1, asker))
}

/// Who is answered, in which order.
fn answered(responder: &mut Responder, now: Instant) -> Vec<u8> {
    let late = responder.catch_up(now);
    let told = late.iter().map(|late| {
        assert_eq!((late.interface, late.address), (ETH0, VIP.into()));
        let arp = Arp::parse(&late.reply).unwrap();
        assert_eq!(
            (arp.sender_mac, arp.sender_ip, arp.target_mac),
            (OURS, VIP, ASKER)
        );
        arp.target_ip.octets()[3]
    });
    told.collect()
}

#[test]
fn they_are_answered_once_when_what_is_ours_is_known() {
    let mut responder = having_read(&[from(50), from(51)]);
    assert_eq!(answered(&mut responder, now() + ms(5)), [50, 51]);
    let new = responder.receive(ETH0, (&from(52)).into(), Duration::ZERO, now() + ms(5));
    assert_eq!(new.as_str(), "answered_request", "nothing is withheld any more");
    assert!(answered(&mut responder, now() + ms(5)).is_empty());
}

#[test]
fn they_are_dropped_when_that_ends_and_nothing_is_known() {
    let mut responder = having_read(&[from(50)]);
    responder.withhold_until(now() + ms(25));
    responder.withhold_until(Instant::ZERO);
    assert!(answered(&mut responder, now() + ms(5)).is_empty());
    let mut prolonged = having_read(&[from(50)]);
    prolonged.withhold_until(now() + ms(25));
    assert_eq!(answered(&mut prolonged, now() + ms(22)), [50]);
}

#[test]
fn what_is_not_withheld_is_not_kept() {
    let mut responder = responder();
    let here = responder.receive(ETH0, (&from(50)).into(), Duration::ZERO, now());
    assert_eq!(here.as_str(), "answered_request");
    responder.withhold_until(now() + ms(20));
    let elsewhere = but(|arp| arp.target_ip = ON_ETH1);
    responder.receive(ETH0, (&elsewhere).into(), Duration::ZERO, now());
    responder.receive(ETH0, (&Arp::gratuitous(ASKER, VIP)).into(), Duration::ZERO, now());
    assert!(answered(&mut responder, now() + ms(5)).is_empty());
}

/// By the rules of that moment.
#[test]
fn what_is_ours_no_more_is_not_answered_and_what_is_stood_in_for_with_the_owners_mac() {
    let end = now() + ms(20);
    let mut withdrawn = having_read(&[from(50)]);
    withdrawn.withdraw(VIP);
    assert!(withdrawn.catch_up(end).is_empty());
    withdrawn.announce(VIP, [(ETH0, AnswerWith::Own)]);
    assert!(withdrawn.catch_up(end).is_empty(), "it is dropped");

    let mut elsewhere = having_read(&[from(50)]);
    elsewhere.announce(VIP, [(ETH1, AnswerWith::Own)]);
    assert!(elsewhere.catch_up(end).is_empty());

    let mut unplugged = having_read(&[from(50)]);
    unplugged.remove_interface(ETH0);
    assert!(unplugged.catch_up(end).is_empty());

    let mut stands_in = having_read(&[from(50)]);
    stands_in.announce(VIP, [(ETH0, AnswerWith::Other(OWNER))]);
    let late = stands_in.catch_up(end);
    assert_eq!(Arp::parse(&late[0].reply).unwrap().sender_mac, OWNER);
}

#[test]
fn the_wait_counts_as_age() {
    let mut responder = responder();
    responder.withhold_until(now() + ms(20));
    let old = ms(12);
    responder.receive(ETH0, (&from(50)).into(), old, now());
    responder.receive(ETH0, (&from(51)).into(), old, now() + ms(2));
    assert_eq!(
        answered(&mut responder, now() + ms(20)),
        [51],
        "the first has waited for 32 ms, the second for 30"
    );
}

#[test]
fn whoever_asks_again_is_answered_once_and_as_by_the_newer_request() {
    let again = Arp {
        eth_dst: OURS,
        ..from(50)
    };
    let mut responder = having_read(&[from(50), from(51), again]);
    assert_eq!(answered(&mut responder, now() + ms(20)), [51, 50]);
    // Only the newer one is young enough.
    let mut responder = having_read(&[from(50), from(51), again]);
    responder.withhold_until(now() + ms(32));
    assert_eq!(answered(&mut responder, now() + ms(32)), [50]);
}

#[test]
fn so_many_are_kept_and_the_oldest_go_first() {
    let askers: Vec<u8> = (1..).take(MAX_WITHHELD + 2).collect();
    let requests: Vec<Arp> = askers.iter().copied().map(from).collect();
    let mut responder = having_read(&requests);
    assert_eq!(answered(&mut responder, now() + ms(20)), askers[2..]);
}

#[test]
fn a_solicitation_is_kept_as_well() {
    use std::net::Ipv6Addr;
    let six = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);
    let client = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);
    let mut responder = responder();
    responder.announce(six, [(ETH0, AnswerWith::Own)]);
    responder.withhold_until(now() + ms(20));
    let question = Ndp::question(ASKER, client, six);
    responder.receive(ETH0, (&question).into(), Duration::ZERO, now());
    let late = responder.catch_up(now() + ms(20));
    assert_eq!(Ndp::parse(&late[0].reply).unwrap().link_layer, Some(OURS));
}
