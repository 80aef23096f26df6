//! Each answering rule alone, and what an answer looks like.

use std::net::Ipv4Addr;

use super::super::{Arp, Ndp, ndp};
use super::*;

const ETH0: InterfaceIndex = InterfaceIndex(2);
const ETH1: InterfaceIndex = InterfaceIndex(3);
const OURS: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x01);
const OURS_TOO: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x02);
const OWNER: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x11);
const ASKER: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x50);
const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 200);
const ON_ETH1: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 201);
const MAX_AGE: Duration = Duration::from_millis(30);

fn responder() -> Responder {
    let mut responder = Responder::new(MAX_AGE);
    responder.set_interface(ETH0, OURS);
    responder.set_interface(ETH1, OURS_TOO);
    responder.announce(VIP, [(ETH0, AnswerWith::Own)]);
    responder.announce(ON_ETH1, [(ETH1, AnswerWith::Own)]);
    responder
}

fn question() -> Arp {
    Arp {
        op: Operation::Request,
        eth_src: ASKER,
        eth_dst: MacAddr::broadcast(),
        sender_mac: ASKER,
        sender_ip: Ipv4Addr::new(192, 168, 1, 50),
        target_mac: MacAddr::zero(),
        target_ip: VIP,
    }
}

fn now() -> Instant {
    Instant::at(Duration::from_secs(100))
}

fn decide(responder: &Responder, arp: &Arp) -> Verdict {
    responder.decide(ETH0, arp, Duration::ZERO, now())
}

/// The answer's fields; fails when there is none.
fn answer(verdict: &Verdict) -> Arp {
    match verdict {
        Verdict::Answer { reply, .. } => Arp::parse(reply).unwrap(),
        Verdict::Ignore(why) => panic!("ignored: {why:?}"),
    }
}

#[test]
fn a_request_for_an_announced_address_is_answered_with_the_interfaces_own_mac() {
    let verdict = decide(&responder(), &question());
    assert_eq!(verdict.as_str(), "answered_request");
    assert_eq!(
        answer(&verdict),
        Arp {
            op: Operation::Reply,
            eth_src: OURS,
            eth_dst: ASKER,
            sender_mac: OURS,
            sender_ip: VIP,
            target_mac: ASKER,
            target_ip: question().sender_ip,
        }
    );
}

#[test]
fn a_request_to_our_own_mac_is_answered_too() {
    let unicast = Arp {
        eth_dst: OURS,
        ..question()
    };
    answer(&decide(&responder(), &unicast));
}

#[test]
fn a_probe_is_answered_and_named_so() {
    let probe = Arp::probe(ASKER, VIP);
    let verdict = decide(&responder(), &probe);
    assert_eq!(verdict.as_str(), "answered_probe");
    let answer = answer(&verdict);
    assert_eq!((answer.eth_dst, answer.target_ip), (ASKER, Ipv4Addr::UNSPECIFIED));
}

#[test]
fn a_stand_in_answers_with_the_owners_mac_and_its_own_source() {
    let mut responder = responder();
    responder.announce(VIP, [(ETH0, AnswerWith::Other(OWNER))]);
    let answer = answer(&decide(&responder, &question()));
    assert_eq!((answer.sender_mac, answer.eth_src), (OWNER, OURS));
}

#[test]
fn the_answer_follows_the_interfaces_new_mac() {
    let mut responder = responder();
    responder.set_interface(ETH0, OWNER);
    assert_eq!(answer(&decide(&responder, &question())).sender_mac, OWNER);
}

/// The question with one thing changed.
fn but(change: impl FnOnce(&mut Arp)) -> Arp {
    let mut arp = question();
    change(&mut arp);
    arp
}

#[test]
fn each_rule_refuses_by_its_own_name() {
    let group = MacAddr(1, 0, 0x5e, 0, 0, 1);
    let table = [
        (but(|a| a.op = Operation::Reply), Ignored::Reply),
        (but(|a| a.eth_dst = OURS_TOO), Ignored::NotForUs),
        (but(|a| a.eth_dst = group), Ignored::NotForUs),
        (but(|a| a.sender_mac = OURS), Ignored::Own),
        (but(|a| a.sender_mac = OURS_TOO), Ignored::Own),
        (but(|a| a.eth_src = OURS), Ignored::Own),
        (
            but(|a| a.sender_mac = MacAddr::broadcast()),
            Ignored::SenderNotUnicast,
        ),
        (but(|a| a.sender_mac = MacAddr::zero()), Ignored::SenderNotUnicast),
        (Arp::gratuitous(ASKER, VIP), Ignored::Claim),
        (but(|a| a.target_ip = question().sender_ip), Ignored::Claim),
        (
            but(|a| a.target_ip = Ipv4Addr::new(192, 168, 1, 1)),
            Ignored::NotAnnounced,
        ),
        (but(|a| a.target_ip = ON_ETH1), Ignored::OtherInterface),
    ];
    for (arp, why) in table {
        assert_eq!(decide(&responder(), &arp), Verdict::Ignore(why), "{arp:?}");
    }
    assert_eq!(
        responder().decide(InterfaceIndex(9), &question(), Duration::ZERO, now()),
        Verdict::Ignore(Ignored::UnknownInterface)
    );
}

#[test]
fn a_request_older_than_the_bound_is_dropped_and_one_at_the_bound_is_not() {
    let responder = responder();
    answer(&responder.decide(ETH0, &question(), MAX_AGE, now()));
    let late = responder.decide(ETH0, &question(), MAX_AGE + Duration::from_nanos(1), now());
    assert_eq!(late, Verdict::Ignore(Ignored::Late));
}

#[test]
fn nothing_is_answered_while_withheld_and_everything_after() {
    let mut responder = responder();
    let until = now() + Duration::from_millis(20);
    responder.withhold_until(until);
    let just_before = until - Duration::from_nanos(1);
    assert_eq!(
        responder.decide(ETH0, &question(), Duration::ZERO, just_before),
        Verdict::Ignore(Ignored::Withheld)
    );
    answer(&responder.decide(ETH0, &question(), Duration::ZERO, until));

    responder.withhold_until(until);
    responder.withhold_until(now());
    answer(&decide(&responder, &question()));
}

#[test]
fn a_withdrawn_address_and_a_removed_interface_are_silent() {
    let mut withdrawn = responder();
    withdrawn.withdraw(VIP);
    assert!(!withdrawn.announces(VIP) && withdrawn.announces(ON_ETH1));
    assert_eq!(
        decide(&withdrawn, &question()),
        Verdict::Ignore(Ignored::NotAnnounced)
    );

    let mut removed = responder();
    removed.remove_interface(ETH0);
    removed.set_interface(ETH0, OURS);
    assert_eq!(
        decide(&removed, &question()),
        Verdict::Ignore(Ignored::NotAnnounced)
    );
    assert!(removed.announces(ON_ETH1), "the other interface's stay");
}

#[test]
fn announcing_again_replaces_the_interfaces() {
    let mut responder = responder();
    responder.announce(VIP, [(ETH1, AnswerWith::Own)]);
    assert_eq!(
        decide(&responder, &question()),
        Verdict::Ignore(Ignored::OtherInterface)
    );
    responder.announce(VIP, []);
    assert!(!responder.announces(VIP));
}

mod withheld;

mod ndp_questions {
    //! The same rules for IPv6.

    use std::net::Ipv6Addr;

    use super::*;

    const SIX: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x200);
    const CLIENT: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x50);

    fn responder() -> Responder {
        let mut responder = super::responder();
        responder.announce(SIX, [(ETH0, AnswerWith::Own)]);
        responder
    }

    fn decide(responder: &Responder, question: &Ndp) -> Verdict {
        responder.decide(ETH0, question, Duration::ZERO, now())
    }

    fn answer(verdict: &Verdict) -> Ndp {
        match verdict {
            Verdict::Answer { reply, .. } => Ndp::parse(reply).unwrap(),
            Verdict::Ignore(why) => panic!("ignored: {why:?}"),
        }
    }

    fn solicited(answer: &Ndp) -> bool {
        match answer.kind {
            ndp::Kind::Advertisement(flags) => {
                assert!(flags.overrides && !flags.router);
                flags.solicited
            }
            ndp::Kind::Solicitation => panic!("{answer:?}"),
        }
    }

    #[test]
    fn a_question_to_the_group_is_answered_with_the_interfaces_own_mac() {
        let verdict = decide(&responder(), &Ndp::question(ASKER, CLIENT, SIX));
        assert_eq!(verdict.as_str(), "answered_request");
        let answer = answer(&verdict);
        assert_eq!((answer.eth_src, answer.eth_dst), (OURS, ASKER));
        assert_eq!((answer.target, answer.destination), (SIX, CLIENT));
        assert_eq!(answer.link_layer, Some(OURS));
        assert!(solicited(&answer));
    }

    #[test]
    fn who_checks_an_entry_by_unicast_is_answered() {
        let check = Ndp {
            eth_dst: OURS,
            destination: SIX,
            link_layer: None,
            ..Ndp::question(ASKER, CLIENT, SIX)
        };
        assert!(solicited(&answer(&decide(&responder(), &check))));
    }

    #[test]
    fn who_is_about_to_use_the_address_hears_before_all_that_it_is_taken() {
        let verdict = decide(&responder(), &Ndp::probe(ASKER, SIX));
        assert_eq!(verdict.as_str(), "answered_probe");
        let answer = answer(&verdict);
        assert_eq!(answer.destination, ndp::ALL_NODES);
        assert_eq!(answer.eth_dst, ndp::multicast_mac(ndp::ALL_NODES));
        assert!(!solicited(&answer));
    }

    #[test]
    fn a_stand_in_answers_with_the_owners_mac_and_its_own_source() {
        let mut responder = responder();
        responder.announce(SIX, [(ETH0, AnswerWith::Other(OWNER))]);
        let answer = answer(&decide(&responder, &Ndp::question(ASKER, CLIENT, SIX)));
        assert_eq!((answer.link_layer, answer.eth_src), (Some(OWNER), OURS));
    }

    #[test]
    fn each_rule_refuses_by_its_own_name() {
        let question = Ndp::question(ASKER, CLIENT, SIX);
        let other = Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, 0x201);
        let table = [
            (question.answer(ASKER, ASKER), Ignored::Reply),
            (Ndp::gratuitous(ASKER, SIX), Ignored::Reply),
            (
                Ndp {
                    eth_dst: OURS_TOO,
                    ..question
                },
                Ignored::NotForUs,
            ),
            (
                Ndp {
                    eth_dst: ndp::multicast_mac(ndp::ALL_NODES),
                    ..question
                },
                Ignored::NotForUs,
            ),
            (
                Ndp {
                    eth_src: OURS,
                    ..question
                },
                Ignored::Own,
            ),
            (
                Ndp {
                    source: SIX,
                    ..question
                },
                Ignored::Claim,
            ),
            (Ndp::question(ASKER, CLIENT, other), Ignored::NotAnnounced),
        ];
        for (ndp, why) in table {
            assert_eq!(decide(&responder(), &ndp), Verdict::Ignore(why), "{ndp:?}");
        }
    }
}
