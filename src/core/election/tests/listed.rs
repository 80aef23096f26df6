//! Whom a speaker knows: those that the API lists, and those that it listed.

use super::super::*;
use super::segment::*;

#[test]
fn of_those_that_are_listed_no_more_are_talked_to_than_anyone_has() {
    let now = Instant::at(Duration::from_secs(1_000));
    let mut election = Election::new(name(0), BootId([1; 16]), key("shared"), now);
    let listed = |node: usize| Listed {
        address: IpAddr::from([
            10,
            0,
            u8::try_from(node / 250).unwrap(),
            u8::try_from(node % 250).unwrap(),
        ]),
        ready: true,
    };
    let peers = (1..=MAX_PEERS + 2)
        .map(|node| (name(node), listed(node)))
        .collect();
    let desired = Desired {
        peers,
        ..Desired::default()
    };
    election.set_desired(Arc::new(desired), now);
    let mut out = Vec::new();
    election.poll(now, &mut || 0, &mut out);
    let addressed: BTreeSet<IpAddr> = out
        .iter()
        .filter_map(|output| match output {
            Output::Send { to, .. } => Some(*to),
            _ => None,
        })
        .collect();
    assert_eq!(addressed.len(), MAX_PEERS);
}

/// Its node has left the cluster. Before that the list may be the one that is wrong.
#[test]
fn whoever_is_listed_no_more_is_forgotten_after_ten_minutes_of_silence() {
    let mut lan = Segment::settled(2, &[200], 41);
    let mut election = lan.speakers[0].election.clone();
    let silent = election.peer(&name(1)).and_then(|peer| peer.silent_for(lan.now));
    let heard = lan.now - silent.unwrap();
    lan.desired.peers.remove(&name(1));
    let desired = Arc::new(lan.desired.clone());
    let mut is_known = |after| {
        election.set_desired(desired.clone(), heard + after);
        election.peer(&name(1)).is_some()
    };
    assert!(is_known(Duration::from_secs(1)));
    assert!(is_known(Duration::from_millis(599_999)));
    assert!(!is_known(Duration::from_mins(10)));
}

#[test]
fn whoever_has_the_new_key_is_heard_by_those_that_have_it_too() {
    let mut lan = Segment::settled(2, &[200], 42);
    for (node, heard) in [(0, 0), (1, 1)] {
        lan.act(node, |election, _, _| election.set_key(key("replaced")));
        lan.run_ms(500);
        for speaker in &lan.speakers {
            assert_eq!(speaker.election.up().len(), heard);
        }
    }
}
