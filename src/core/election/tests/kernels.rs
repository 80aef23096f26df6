//! Who watches whose kernel, and what of its answers is believed.

use std::net::IpAddr;
use std::time::Duration;

use super::super::wire::{Body, Datagram, Mention, Verdict};
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
    let judged = |lan: &Segment| {
        let mut speakers = lan.speakers.iter();
        speakers.any(|speaker| !speaker.election.detection_times(lan.now).is_empty())
    };
    assert!(!judged(&lan));
    lan.unpingable.clear();
    lan.run_ms(1_000);
    assert!(judged(&lan), "it is asked all the time, and answers now");
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
    assert!(asked(&mut election, now + ms(2)).is_empty());
    assert!(election.next_deadline(now + ms(2)) > now + ms(10));
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

/// What a watcher wants done, and when, from the moment at which the owner of 192.168.1.200 died. `witnessed`: the gateway
/// answers it.
fn after_the_death(lan: &Segment, witnessed: bool, time: Duration) -> Vec<(Duration, Output)> {
    let watcher = watchers(lan, lan.answerers(200)[0])[0];
    let mut election = lan.speakers[watcher].election.clone();
    let mut now = lan.now;
    let mut wanted = Vec::new();
    while now.since(lan.now) <= time {
        let mut out = Vec::new();
        election.poll(now, &mut || 7, &mut out);
        for _ in out
            .iter()
            .filter(|output| witnessed && **output == Output::AskLink)
        {
            election.witness(&[lan_network()], Sign::Answer, now);
        }
        wanted.extend(out.into_iter().map(|output| (now.since(lan.now), output)));
        now = election.next_deadline(now).max(now + Duration::from_micros(1));
    }
    wanted
}

/// A lost datagram must not cost a heartbeat's time.
#[test]
fn a_verdict_is_told_to_each_other_speaker_three_times_two_milliseconds_apart() {
    let lan = Segment::settled(4, &[200], 39);
    let mut told: BTreeMap<IpAddr, Vec<Duration>> = BTreeMap::new();
    for (at, output) in after_the_death(&lan, true, ms(300)) {
        if let Output::Send { to, bytes } = output
            && let Body::Gone(verdict) = Datagram::decode(&bytes, &key("shared")).unwrap().body
        {
            assert_eq!(verdict.about.node, name(lan.answerers(200)[0]));
            // The last question was asked in time.
            assert!(verdict.silence >= ms(36), "{:?}", verdict.silence);
            assert!(
                verdict.silence <= Duration::from_micros(36_100),
                "{:?}",
                verdict.silence
            );
            told.entry(to).or_default().push(at);
        }
    }
    assert_eq!(
        told.len(),
        2,
        "neither the dead one nor the watcher itself: {told:?}"
    );
    for times in told.into_values() {
        let [first, second, third] = times[..] else {
            panic!("{times:?}")
        };
        assert_eq!([second, third], [first + ms(2), first + ms(4)]);
    }
}

/// It may be its own link that is gone, and whoever it asks all the time has other things to do.
#[test]
fn a_watcher_that_nothing_answers_asks_for_350_ms_and_leaves_it_to_the_heartbeats() {
    let lan = Segment::settled(3, &[200], 40);
    let asked: Vec<Duration> = after_the_death(&lan, false, ms(2_000))
        .into_iter()
        .filter(|(_, output)| *output == Output::AskLink)
        .map(|(at, _)| at)
        .collect();
    assert!(asked.len() > 50, "{asked:?}");
    let last = asked.last().unwrap();
    assert!(*last >= ms(330) && *last <= ms(355), "{last:?}");
}

/// Several processes on a node may ask the same kernel.
#[test]
fn a_question_carries_the_number_of_its_process() {
    let lan = Segment::settled(3, &[200], 41);
    for (node, speaker) in lan.speakers.iter().enumerate() {
        let mut election = speaker.election.clone();
        let last = u8::try_from(node).unwrap();
        assert_eq!(election.echo_id(), u16::from_be_bytes([last, last]));
        let mut out = Vec::new();
        for after in 0..=10 {
            election.poll(lan.now + ms(after), &mut || 7, &mut out);
        }
        for output in out {
            if let Output::Probe(probe) = output {
                assert_eq!(probe.question.id, election.echo_id());
            }
        }
    }
}

/// Whoever was found to be gone may have blinked alone, and answers until it hears who has its addresses.
#[test]
fn whoever_is_gone_is_told_every_5_ms_what_was_claimed_since() {
    let lan = Segment::settled(2, &[200], 42);
    let owner = lan.answerers(200)[0];
    let mut told = Vec::new();
    for (at, output) in after_the_death(&lan, true, ms(1_000)) {
        if let Output::Send { to, bytes } = output
            && let Body::Claims(part) = Datagram::decode(&bytes, &key("shared")).unwrap().body
        {
            assert_eq!((to, part.entries), (host(owner), vec![(ip(200), 2)]));
            told.push(at);
        }
    }
    assert!(told.windows(2).all(|pair| pair[1] == pair[0] + ms(5)), "{told:?}");
    assert_eq!(*told.last().unwrap(), told[0] + ms(350));
}

#[test]
fn a_kernel_that_is_silent_for_half_the_detection_time_is_suspect() {
    let mut lan = Segment::settled(3, &[200], 43);
    let owner = lan.answerers(200)[0];
    let suspects = |lan: &Segment| {
        let speakers = lan.speakers.iter();
        speakers
            .flat_map(|speaker| speaker.election.suspects())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(suspects(&lan), [].into());
    lan.kill(owner);
    lan.run_ms(22);
    assert_eq!(suspects(&lan), [host(owner)].into());
}

/// Nodes have the same network for their containers, and the same address in it.
#[test]
fn an_address_that_is_this_nodes_too_is_asked_by_nobody() {
    let mut lan = Segment::settled(3, &[200, 201, 202], 44);
    for node in 0..3 {
        let containers = WireInterface {
            mac: MacAddr(2, 0, 0, 0, 3, 3),
            network: "172.17.0.1/16".parse().unwrap(),
        };
        lan.act(node, |election, now, out| {
            let mut interfaces = election.interfaces_of(&name(node)).to_vec();
            interfaces.push(containers);
            election.set_interfaces(interfaces, now, out);
        });
    }
    lan.run_ms(1_000);
    for speaker in &lan.speakers {
        let mut election = speaker.election.clone();
        let hosts: BTreeSet<IpAddr> = (0..=100)
            .flat_map(|after| asked(&mut election, lan.now + ms(after)))
            .collect();
        assert!(
            hosts.iter().all(|address| lan_network().contains(address)),
            "{hosts:?}"
        );
    }
}

/// The kernels that are asked by what is due. All of them answer.
fn asked_and_answered(election: &mut Election, now: Instant) -> Vec<IpAddr> {
    let mut out = Vec::new();
    election.poll(now, &mut || 7, &mut out);
    let probes = out.into_iter().filter_map(|output| match output {
        Output::Probe(probe) => Some(probe),
        _ => None,
    });
    let mut hosts = Vec::new();
    for probe in probes {
        let from = (probe.theirs.network.addr(), probe.theirs.mac);
        election.echo(from, probe.question, now, now, &mut Vec::new());
        hosts.push(from.0);
    }
    hosts
}

#[test]
fn a_question_that_left_late_delays_none_of_the_next_unless_it_is_by_a_whole_period() {
    for (late, next) in [(0, 10), (4, 10), (9, 10), (10, 20), (25, 35)] {
        let lan = Segment::settled(2, &[200], 45);
        let owner = lan.answerers(200)[0];
        let mut election = lan.speakers[1 - owner].election.clone();
        let due = election.reach.next_deadline().unwrap();
        assert_eq!(asked_and_answered(&mut election, due + ms(late)), [host(owner)]);
        let soon = due + ms(next) - Duration::from_nanos(1);
        assert!(
            !asked_and_answered(&mut election, soon).contains(&host(owner)),
            "{late}"
        );
        assert!(
            asked_and_answered(&mut election, due + ms(next)).contains(&host(owner)),
            "{late}"
        );
    }
}

/// Those that watch the kernel know better than a verdict of theirs, and whoever hears the speaker than one by heartbeats.
#[test]
fn a_verdict_on_whom_this_node_hears_itself_is_contradicted() {
    let lan = Segment::settled(4, &[200], 46);
    let owner = lan.answerers(200)[0];
    let watching = watchers(&lan, owner);
    let others = || (0..4).filter(|node| *node != owner);
    for (node, silence) in others().flat_map(|node| [36, 350, 351].map(|silence| (node, silence))) {
        let by = others().find(|by| *by != node).unwrap();
        let mut election = lan.speakers[node].election.clone();
        let verdict = Verdict {
            about: about(owner),
            silence: ms(silence),
        };
        let mut out = Vec::new();
        let told = said(by, Body::Gone(verdict));
        election.receive(host(by), &told, lan.now, &mut out).unwrap();
        let knows_better = silence > 350 || watching.contains(&node);
        let up = election.peer(&name(owner)).unwrap().is_up(lan.now);
        assert_eq!(up, knows_better, "node {node}, {silence} ms");
        let contradicts = |output: &Output| match output {
            Output::Send { to, bytes } => {
                let datagram = Datagram::decode(bytes, &key("shared")).unwrap();
                *to == host(by) && datagram.body == Body::Contact(about(owner))
            }
            _ => false,
        };
        assert_eq!(
            out.iter().any(contradicts),
            knows_better,
            "node {node}, {silence} ms"
        );
    }
}
