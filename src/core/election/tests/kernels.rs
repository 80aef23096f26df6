//! Who watches whose kernel, and what of its answers is believed.

use std::net::IpAddr;
use std::time::Duration;

use super::super::wire::{Body, Datagram, Mention};
use super::super::*;
use super::segment::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Who asks a node's kernel on the LAN without being asked to.
fn watchers(lan: &Segment, of: usize) -> Vec<usize> {
    let watches = |node: &usize| {
        let mut election = lan.speakers[*node].election.clone();
        (0..=10).any(|after| asked(&mut election, lan.now + ms(after)).contains(&host(of)))
    };
    (0..lan.speakers.len()).filter(watches).collect()
}

#[test]
fn two_watch_each_owner_and_another_does_when_one_of_them_is_cut_off_from_the_lan() {
    for seed in 0..3 {
        let mut lan = Segment::managed(5, &[200], seed);
        lan.start_all();
        lan.run_ms(3_000);
        let owner = lan.answerers(200)[0];
        let before = watchers(&lan, owner);
        assert_eq!(before.len(), 2, "seed {seed}: {before:?}");
        let cut = before[0];
        lan.severed.insert(cut);
        lan.run_ms(3_000);
        assert_eq!(lan.speakers[owner].election.up().len(), 4, "all live");
        let mut after = watchers(&lan, owner);
        after.retain(|watcher| *watcher != cut);
        assert_eq!(after.len(), 2, "seed {seed}: {after:?}");
    }
}

#[test]
fn nobody_is_judged_by_a_kernel_that_never_answers() {
    let mut lan = Segment::new(3, &[200], 31);
    lan.unpingable = [0, 1, 2].into();
    lan.start_all();
    lan.run_ms(3_000);
    for speaker in &lan.speakers {
        assert!(speaker.election.detection_times(lan.now).is_empty());
    }
}

#[test]
fn a_watcher_that_was_late_by_more_than_a_period_goes_on_at_the_usual_pace() {
    let mut lan = Segment::settled(2, &[200], 32);
    let owner = lan.answerers(200)[0];
    let watcher = 1 - owner;
    lan.stop(watcher);
    lan.run_ms(30);
    lan.resume(watcher);
    lan.run_ms(500);
    lan.kill(owner);
    lan.run_ms(45);
    assert_eq!(lan.answerers(200), [watcher]);
}

/// How long a watcher takes to find a node gone that has just died, if it is late itself once by so much.
fn gone_after(lan: &Segment, watcher: usize, late: Duration) -> Duration {
    let mut election = lan.speakers[watcher].election.clone();
    let mut now = lan.now;
    let mut late = Some(late);
    while !election.up().is_empty() {
        let mut out = Vec::new();
        election.poll(now, &mut || 7, &mut out);
        for _ in out.iter().filter(|output| **output == Output::AskLink) {
            election.witness(&[lan_network()], Sign::Answer, now);
        }
        let due = election.next_deadline(now);
        let silent = now.since(lan.now) >= ms(15) && election.reach.next_deadline() == Some(due);
        let late = late.take_if(|_| silent).unwrap_or_default();
        now = (due + late).max(now + Duration::from_micros(1));
    }
    now.since(lan.now)
}

#[test]
fn a_watcher_that_was_late_itself_by_more_than_5_ms_begins_anew() {
    let lan = Segment::settled(2, &[200], 38);
    let watcher = 1 - lan.answerers(200)[0];
    let after = |late| gone_after(&lan, watcher, late);
    assert!(after(Duration::ZERO) <= ms(38));
    assert!(after(ms(5)) <= ms(38), "{:?}", after(ms(5)));
    assert!(after(Duration::from_micros(5_001)) >= ms(45));
}

/// Whether a peer counts as up 60 ms after the last thing that was heard of it, if answers to our questions come from there.
fn is_up_by_answers_of(lan: &Segment, watcher: usize, from: (IpAddr, MacAddr)) -> bool {
    let mut election = lan.speakers[watcher].election.clone();
    let mut now = lan.now;
    while now.since(lan.now) < ms(60) {
        let mut out = Vec::new();
        election.poll(now, &mut || 7, &mut out);
        for output in out {
            match output {
                Output::Probe(probe) => election.echo(from, probe.question, now, now, &mut Vec::new()),
                Output::AskLink => election.witness(&[lan_network()], Sign::Answer, now),
                _ => {}
            }
        }
        now = election.next_deadline(now).max(now + Duration::from_micros(1));
    }
    !election.up().is_empty()
}

#[test]
fn an_answer_counts_from_the_address_and_the_card_that_were_asked() {
    let lan = Segment::settled(2, &[200], 33);
    let owner = lan.answerers(200)[0];
    let is_up = |from| is_up_by_answers_of(&lan, 1 - owner, from);
    assert!(is_up((host(owner), mac(owner))));
    assert!(!is_up((host(owner), mac(7))), "somebody else has its address");
    assert!(!is_up((host(7), mac(owner))));
}

/// What a node's first speaker says.
fn said(by: usize, body: Body) -> Vec<u8> {
    let mut boot = [u8::try_from(by).unwrap(); 16];
    boot[0] = 1;
    Datagram {
        boot: BootId(boot),
        sequence: 1 << 40,
        node: name(by),
        body,
    }
    .encode(&key("shared"), 0)
}

fn about(node: usize) -> Mention {
    let mut boot = [u8::try_from(node).unwrap(); 8];
    boot[0] = 1;
    Mention {
        node: name(node),
        boot,
        on: lan_network(),
    }
}

/// The kernels that are asked, by what is due.
fn asked(election: &mut Election, now: Instant) -> Vec<IpAddr> {
    let mut out = Vec::new();
    election.poll(now, &mut || 7, &mut out);
    let probes = out.into_iter().filter_map(|output| match output {
        Output::Probe(probe) => Some(probe.theirs.network.addr()),
        _ => None,
    });
    probes.collect()
}

#[test]
fn who_is_asked_about_another_asks_it_once_and_looks_for_the_answer_two_milliseconds_later() {
    // Nothing is announced: nobody is watched.
    let lan = Segment::settled(3, &[], 34);
    let mut election = lan.speakers[0].election.clone();
    let now = lan.now;
    assert!(election.next_deadline(now) > now + ms(10), "nothing else is due");
    let poll = said(2, Body::Poll(about(1)));
    election.receive(host(2), &poll, now, &mut Vec::new()).unwrap();
    assert_eq!(election.next_deadline(now), now);
    assert_eq!(asked(&mut election, now), [host(1)]);
    assert_eq!(election.next_deadline(now), now + ms(2));
    assert!(asked(&mut election, now + ms(1)).is_empty());
    assert_eq!(election.next_deadline(now + ms(1)), now + ms(2));
    assert!(asked(&mut election, now + ms(3)).is_empty());
    assert!(election.next_deadline(now + ms(3)) > now + ms(10));
}

/// By the one that asks it would show nothing that it does not know.
#[test]
fn who_is_asked_whether_it_is_connected_asks_those_that_did_not() {
    let lan = Segment::settled(3, &[], 35);
    let mut election = lan.speakers[0].election.clone();
    let poll = said(1, Body::Poll(about(0)));
    let mut out = Vec::new();
    election.receive(host(1), &poll, lan.now, &mut out).unwrap();
    assert_eq!(out, [Output::AskLink]);
    assert_eq!(asked(&mut election, lan.now), [host(2)]);
}

#[test]
fn who_has_nobody_to_watch_wakes_for_its_heartbeats_alone() {
    let lan = Segment::settled(1, &[200], 36);
    let mut election = lan.speakers[0].election.clone();
    let mut now = lan.now;
    let mut woken = 0;
    while now.since(lan.now) < ms(1_000) {
        election.poll(now, &mut || 0, &mut Vec::new());
        now = election.next_deadline(now).max(now + Duration::from_micros(1));
        woken += 1;
    }
    assert!(woken <= 13, "{woken} times in a second");
}

#[test]
fn what_is_to_be_decided_waits_for_no_other_reason_when_a_sign_arrives_meanwhile() {
    let lan = Segment::settled(2, &[200], 37);
    let mut election = lan.speakers[0].election.clone();
    let now = lan.now;
    asked(&mut election, now);
    assert!(election.next_deadline(now) > now);
    election.set_desired(Arc::new(Desired::default()), now);
    election.witness(&[lan_network()], Sign::Answer, now);
    assert_eq!(election.next_deadline(now), now);
}
