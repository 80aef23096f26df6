//! `spec.dhcp.evict: OnRequest`: a client's lease goes for a Service that names its address.

use std::time::Duration;

use super::paper::*;
use crate::config::object::{Evict, RouterMode};
use crate::ipam::Availability;
use crate::model::{Instant, NodeName, ObjectKey};
use crate::reservation::held::{HeldBook, Ours};
use crate::reservation::survey::{Round, Surveys};
use crate::reservation::uses::{Taker, TakerKind};
use crate::reservation::{ConditionKind, Outcome, Owner, Reading, Router, Write};

const ADDRESS: &str = "192.168.1.205";

/// A router on which a phone has the address that Service default/web asks for.
fn asked_for(rows: Reading, evict: Evict) -> Paper {
    let mut spec = spec();
    spec.evict = evict;
    let mut paper = Paper::new(rows);
    paper.router = Router::new(object(spec));
    let web = ObjectKey::new("default", "web");
    paper.requested.insert(ip(ADDRESS), [web].into());
    paper.survey("");
    paper
}

fn with_phone(expires: Option<u64>) -> Reading {
    let mut rows = home_router();
    rows.leases.push(lease_row(ADDRESS, "phone", expires));
    rows
}

fn evictions(paper: &Paper) -> usize {
    let evicted = |write: &&Write| matches!(write, Write::EvictLease { .. });
    paper.writes.iter().filter(evicted).count()
}

fn is_held(paper: &mut Paper) -> bool {
    matches!(paper.availability(ADDRESS), Some(Availability::Held(_)))
}

#[test]
fn the_lease_goes_after_the_cut_has_settled_and_the_address_waits_for_silence() {
    let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
    paper.run(Duration::from_secs(9));
    assert_eq!(
        evictions(&paper),
        0,
        "leases from offers of before the cut may come yet"
    );
    paper.run(Duration::from_secs(20));
    let at = |needle: &str| paper.journal.iter().position(|line| line.contains(needle));
    assert!(at("set dhcp_pool") < at("remove 192.168.1.205, dynamic, of phone (02:00:00:00:01:4d)"));
    assert_eq!((evictions(&paper), paper.rows.leases.len()), (1, 0));
    // Nothing is known of the phone but that it was there: the survey of before says nothing.
    paper.run(Duration::from_mins(2));
    match paper.availability(ADDRESS) {
        Some(Availability::Held(holder)) => assert_eq!(
            holder.to_string(),
            "phone (02:00:00:00:01:4d, its DHCP lease was removed, and it is waited for until a survey finds it silent)"
        ),
        other => panic!("{other:?}"),
    }
    paper.survey(ADDRESS);
    paper.run(Duration::from_mins(1));
    assert!(is_held(&mut paper), "it still answers");
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert_eq!(
        paper.availability(ADDRESS),
        Some(Availability::Free),
        "an hour before its lease would have ended"
    );
    assert_eq!(evictions(&paper), 1);
}

#[test]
fn a_device_that_is_in_the_arp_table_keeps_the_address() {
    let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
    paper.rows.arps.push(arp_row(ADDRESS, mac(77)));
    paper.run(Duration::from_secs(30));
    assert_eq!(evictions(&paper), 1);
    paper.survey("");
    paper.run(Duration::from_mins(2));
    assert!(is_held(&mut paper));
    paper.rows.arps.clear();
    paper.survey("");
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.availability(ADDRESS), Some(Availability::Free));
}

/// What is different, and whether the lease goes.
#[test]
fn nothing_goes_but_a_clients_lease_that_stands_in_a_services_way() {
    type Change = fn(&mut Paper);
    let table: [(&str, Change); 9] = [
        ("nobody asks for it", |paper| paper.requested.clear()),
        ("a static lease", |paper| paper.rows.leases[0].dynamic = false),
        ("evidence of a row about another address", |paper| {
            paper.rows.leases[0].evidence = true;
        }),
        ("of nobody knows whom", |paper| paper.rows.leases[0].mac = None),
        ("of a node", |paper| {
            paper.announcers.insert(ip("192.168.1.200"), mac(77));
        }),
        ("under our mark", |paper| {
            paper.rows.leases[0].comment = format!("tiklb/v1 home/{UID} default/web");
        }),
        ("a range that is refused", |paper| {
            let who = TakerKind::Hotspot("hs1".to_owned());
            let pool = "dhcp_pool".to_owned();
            paper.rows.uses.takers.push(Taker { pool, who });
        }),
        ("a range that is shrunk by hand and is not yet", |paper| {
            let mut spec = spec();
            (spec.evict, spec.shrink_pools) = (Evict::OnRequest, false);
            paper.router = Router::new(object(spec));
        }),
        ("outside of the pools", |paper| {
            paper.config = pools(&[("home", "192.168.1.210-192.168.1.220")]);
        }),
    ];
    for (what, change) in table {
        let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
        change(&mut paper);
        paper.run(Duration::from_mins(2));
        assert_eq!(evictions(&paper), 0, "{what}");
    }
    let mut paper = asked_for(with_phone(Some(3600)), Evict::Never);
    paper.run(Duration::from_mins(2));
    assert_eq!(evictions(&paper), 0, "never unless it is said");
    let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
    paper.run(Duration::from_mins(2));
    assert_eq!(evictions(&paper), 1, "the same without any change");
}

#[test]
fn while_nothing_is_written_it_is_shown_or_not_even_that() {
    for (mode, shown) in [(RouterMode::DryRun, true), (RouterMode::Paused, false)] {
        let mut rows = with_phone(Some(3600));
        rows.pools[0].ranges = ranges("192.168.1.100-192.168.1.199");
        let mut paper = asked_for(rows, Evict::OnRequest);
        let mut spec = spec();
        (spec.evict, spec.mode) = (Evict::OnRequest, mode);
        paper.router = Router::new(object(spec));
        paper.run(Duration::from_mins(2));
        assert_eq!(paper.writes, [], "{mode:?}");
        let pending = paper.intend().status.pending.entries;
        let said = pending
            .iter()
            .any(|line| line.contains("remove 192.168.1.205, dynamic, of phone"));
        assert_eq!(said, shown, "{mode:?}: {pending:?}");
    }
}

#[test]
fn a_client_that_comes_back_is_left_for_ten_minutes() {
    let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
    paper.run(Duration::from_secs(30));
    assert_eq!(evictions(&paper), 1);
    paper.rows.leases.push(lease_row(ADDRESS, "phone", Some(3600)));
    paper.run(Duration::from_mins(8));
    assert_eq!(evictions(&paper), 1);
    assert!(is_held(&mut paper), "it has a lease like any other");
    assert_eq!(paper.condition(ConditionKind::ReservationsInSync).1, "InSync");
    paper.run(Duration::from_mins(4));
    assert_eq!(evictions(&paper), 2);
}

#[test]
fn ten_minutes_are_ten_minutes_for_each_address() {
    const OTHER: &str = "192.168.1.207";
    let mut paper = asked_for(with_phone(Some(36_000)), Evict::OnRequest);
    let mail = ObjectKey::new("default", "mail");
    paper.requested.insert(ip(OTHER), [mail].into());
    paper.run(Duration::from_secs(30));
    let first = paper.now.mono;
    paper.rows.leases = vec![lease_row(OTHER, "tablet", Some(36_000))];
    paper.run(Duration::from_mins(1));
    assert_eq!(evictions(&paper), 2, "{:?}", paper.journal);
    let both = [ADDRESS, OTHER].map(|address| lease_row(address, "back", Some(36_000)));
    paper.rows.leases = both.to_vec();
    paper.run(Duration::from_mins(8));
    assert_eq!(evictions(&paper), 2, "each for itself");
    paper.run(Duration::from_mins(10));
    assert_eq!(evictions(&paper), 4);
    assert!(paper.now.mono.since(first) < Duration::from_mins(20));

    let mut paper = asked_for(with_phone(Some(36_000)), Evict::OnRequest);
    paper.run(Duration::from_secs(9));
    paper.pass(Duration::from_secs(6));
    let planned = paper.due_write();
    let outcome = paper.write(&planned.write);
    paper.finish(&planned.write, &outcome);
    paper.rows.leases.push(lease_row(ADDRESS, "phone", Some(36_000)));
    paper.read(Ok(paper.rows.clone()));
    let again = |paper: &mut Paper| {
        let plan = paper.with(|router, landscape, now| router.plan(landscape, now));
        plan.writes.len()
    };
    paper.pass(Duration::from_mins(10).saturating_sub(Duration::from_millis(1)));
    assert_eq!(again(&mut paper), 0);
    paper.pass(Duration::from_millis(1));
    assert_eq!(again(&mut paper), 1);
}

/// An attempt that failed or that nobody knows the end of counts like one that was made.
#[test]
fn an_attempt_is_not_repeated_for_ten_minutes_whatever_became_of_it() {
    for outcome in [
        Outcome::Refused("no".to_owned()),
        Outcome::Unknown("gone".to_owned()),
    ] {
        let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
        paper.run(Duration::from_secs(9));
        paper.pass(Duration::from_secs(6));
        let planned = paper.due_write();
        assert!(matches!(planned.write, Write::EvictLease { .. }), "{planned:?}");
        assert_eq!(
            planned.because,
            "Service default/web asks for 192.168.1.205, and spec.dhcp.evict is OnRequest"
        );
        paper.finish(&planned.write, &outcome);
        paper.run(Duration::from_mins(8));
        assert_eq!(evictions(&paper), 0, "{outcome:?}");
        assert_eq!(paper.router.take_news(), [""; 0], "{outcome:?}");
        paper.run(Duration::from_mins(4));
        assert_eq!(evictions(&paper), 1, "{outcome:?}");
    }
    // Nothing was sent: the row was another. It is looked at again.
    let mut paper = asked_for(with_phone(Some(3600)), Evict::OnRequest);
    paper.run(Duration::from_secs(9));
    paper.pass(Duration::from_secs(6));
    let planned = paper.due_write();
    paper.finish(&planned.write, &Outcome::Changed);
    paper.run(Duration::from_secs(10));
    assert_eq!(evictions(&paper), 1);
    let news = paper.router.take_news();
    assert!(
        news.len() == 1
            && news[0].contains("192.168.1.205 that phone (02:00:00:00:01:4d) had: Service default/web"),
        "{news:?}"
    );
}

/// A round that began between the last sight of the row and its removal says nothing of the time after it.
#[test]
fn only_a_round_that_began_after_the_removal_says_that_the_client_is_gone() {
    let at = |seconds| Instant::at(Duration::from_secs(seconds));
    let owner = Owner {
        cluster: "home".to_owned(),
        uid: UID.to_owned(),
        adopts: None,
    };
    for (seen, gone) in [(108, false), (112, true)] {
        let mut surveys = Surveys::default();
        let round = Round {
            node: NodeName::from("node1"),
            covered: ranges("192.168.1.200-192.168.1.220"),
            occupied: ranges(""),
            seen: at(seen),
            took: Duration::from_secs(1),
        };
        surveys.record("lan".to_owned(), round);
        let nodes = std::collections::BTreeSet::new();
        let ours = Ours {
            owner: &owner,
            nodes: &nodes,
            surveys: &surveys,
        };
        let range = ranges("192.168.1.200-192.168.1.220");
        let mut book = HeldBook::default();
        book.read(&with_phone(Some(3600)), &range, &ours, at(100));
        book.evicted(ip(ADDRESS), at(110));
        book.read(&home_router(), &range, &ours, at(120));
        assert!(book.holder(ip(ADDRESS)).is_some(), "one reading is none");
        book.read(&home_router(), &range, &ours, at(150));
        assert_eq!(
            book.holder(ip(ADDRESS)).is_none(),
            gone,
            "a round that was over at {seen}"
        );
    }
}
