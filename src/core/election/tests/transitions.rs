//! What becomes of an address, for each state that it can be in for a speaker and each thing that can happen then.
//!
//! `transitions.txt` has a line for each pair: what state follows, and what is wanted done besides talk. Node 0 is the
//! speaker and the first in order, node 2 the other that may have the address, node 1 a bystander, and node 3 is listed and
//! never heard.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::super::offer::Offer;
use super::super::wire::{Body, Datagram, Mention, Verdict};
use super::super::*;
use super::segment::*;
use super::table::*;

const KEY: u8 = 200;

/// Where the speaker is with the address.
type State = (&'static str, fn() -> Table);

const STATES: [State; 11] = [
    ("asked for", asked_for),
    ("blocked", blocked),
    ("another's", anothers),
    ("stood in for", stood_in_for),
    ("provisional", provisional),
    ("claimed", claimed),
    ("offered", offered),
    ("leaving", leaving),
    ("resting", resting),
    ("withheld", withheld),
    ("conceded", conceded),
];

/// What happens, and until it has shown.
type Event = (&'static str, fn(&mut Table) -> Vec<Output>);

const EVENTS: [Event; 24] = [
    ("nothing", |table| table.run_ms(20)),
    ("a minute passes", |table| table.run_ms(61_000)),
    ("a better claim", |table| claims(table, Some(9))),
    ("a lesser claim", |table| claims(table, Some(0))),
    ("the other gives it up", |table| claims(table, None)),
    ("the other offers it, and leaves", |table| {
        offers(table, Cause::Leaving)
    }),
    ("the other offers it, and could keep it", |table| {
        offers(table, Cause::Order)
    }),
    ("the other falls silent", |table| falls_silent(table, false)),
    ("the other's speaker alone does", |table| {
        falls_silent(table, true)
    }),
    ("the other's node is gone", is_gone),
    ("the other rests", rests),
    ("all fall silent", |table| {
        table.others.values_mut().for_each(|other| other.lives = false);
        table.run_ms(500)
    }),
    ("nobody answers the question", |table| {
        answered(table, Answer::Silent)
    }),
    ("somebody answers the question", |table| {
        answered(table, Answer::Occupied)
    }),
    ("this node may not have it", |table| {
        wants(table, |desired| {
            group(desired).candidates.remove(&name(0));
        })
    }),
    ("nobody wants it", |table| {
        wants(table, |desired| desired.groups.clear())
    }),
    ("the other is preferred", |table| {
        let mut out = wants(table, |desired| {
            group(desired).candidates.insert(name(2), 5);
        });
        out.extend(table.run_ms(6_000));
        out
    }),
    ("the link is lost", |table| {
        let mut out = Vec::new();
        table.election.set_interfaces(vec![], table.now, &mut out);
        out.extend(table.run_ms(400));
        out
    }),
    ("the link blinks", |table| {
        let mut out = Vec::new();
        table.election.set_interfaces(vec![], table.now, &mut out);
        out.extend(table.run_ms(100));
        table
            .election
            .set_interfaces(vec![interface(0)], table.now, &mut out);
        out.extend(table.run_ms(20));
        out
    }),
    ("this speaker stands still", |table| wakes_after(table, 250)),
    ("this speaker is late", |table| wakes_after(table, 190)),
    ("this node leaves", |table| departs(table, Departure::ForGood)),
    ("this speaker rests", |table| departs(table, Departure::BackSoon)),
    ("a better claim is on record", |table| {
        let mut out = wants(table, |desired| {
            desired.records = [(ip(KEY), [(name(3), 50)].into())].into();
        });
        out.extend(table.run_ms(5_100));
        out
    }),
];

fn group(desired: &mut Desired) -> &mut Group {
    desired.groups.get_mut(&ip(KEY)).unwrap()
}

/// The API changes its mind.
fn wants(table: &mut Table, change: impl FnOnce(&mut Desired)) -> Vec<Output> {
    let mut desired = (**table.election.desired.as_ref().unwrap()).clone();
    change(&mut desired);
    for group in desired.groups.values_mut() {
        let candidates = group.candidates.iter().map(|(node, weight)| (node, *weight));
        group.order = order(candidates, group.key).into_iter().cloned().collect();
    }
    table.election.set_desired(Arc::new(desired), table.now);
    table.run_ms(20)
}

/// What node 2 claims from now on.
fn claims(table: &mut Table, epoch: Option<u64>) -> Vec<Output> {
    let claims = epoch.map(|epoch| (ip(KEY), epoch)).into_iter().collect();
    let mut out = table.tell_claims(2, claims);
    out.extend(table.run_ms(20));
    out
}

fn offers(table: &mut Table, cause: Cause) -> Vec<Output> {
    let epoch = table.others[&2].claims.epoch(ip(KEY)).unwrap_or(4);
    let entries = vec![(ip(KEY), epoch)];
    let mut out = table.say(2, Body::Offer(Offer { cause, entries }));
    out.extend(table.run_ms(20));
    out
}

fn about_the_other() -> Mention {
    Mention {
        node: name(2),
        boot: [2; 8],
        on: lan_network(),
    }
}

/// `vouched`: node 1 says that it hears its kernel.
fn falls_silent(table: &mut Table, vouched: bool) -> Vec<Output> {
    table.others.get_mut(&2).unwrap().lives = false;
    let mut out = Vec::new();
    for _ in 0..10 {
        if vouched {
            out.extend(table.say(1, Body::Contact(about_the_other())));
        }
        out.extend(table.run_ms(50));
    }
    out
}

fn is_gone(table: &mut Table) -> Vec<Output> {
    table.others.get_mut(&2).unwrap().lives = false;
    let verdict = Verdict {
        about: about_the_other(),
        silence: Duration::from_millis(36),
    };
    let mut out = table.say(1, Body::Gone(verdict));
    out.extend(table.run_ms(20));
    out
}

fn rests(table: &mut Table) -> Vec<Output> {
    let mut heartbeat = table.heartbeat(2, Some(table.beat));
    heartbeat.resting = true;
    table.others.get_mut(&2).unwrap().lives = false;
    let mut out = table.say(2, Body::Heartbeat(heartbeat));
    out.extend(table.run_ms(20));
    out
}

fn answered(table: &mut Table, answer: Answer) -> Vec<Output> {
    table.election.asked(ip(KEY), answer, table.now);
    table.run_ms(20)
}

fn wakes_after(table: &mut Table, ms: u64) -> Vec<Output> {
    let mut out = Vec::new();
    table.election.awake = table.now;
    table.now = table.now + Duration::from_millis(ms);
    table.election.wake(table.now, &mut out);
    out.extend(table.run_ms(5));
    out
}

fn departs(table: &mut Table, departure: Departure) -> Vec<Output> {
    let mut out = Vec::new();
    table.election.leave(departure, table.now, &mut out);
    out.extend(table.run_ms(20));
    out
}

/// Nobody has it: whether anybody answers for it is asked.
fn asked_for() -> Table {
    let mut table = Table::quiet(4);
    for node in [1, 2] {
        table.others.get_mut(&node).unwrap().lives = true;
    }
    wants(&mut table, |desired| {
        group(desired).candidates = [(name(0), 0), (name(2), 0)].into_iter().collect();
    });
    table.run_ms(1_000);
    assert_eq!(table.election.up().len(), 2);
    table
}

fn blocked() -> Table {
    let mut table = asked_for();
    answered(&mut table, Answer::Occupied);
    table
}

fn anothers() -> Table {
    let mut table = asked_for();
    claims(&mut table, Some(4));
    table.run_ms(100);
    table
}

fn stood_in_for() -> Table {
    let mut table = anothers();
    falls_silent(&mut table, true);
    table
}

fn provisional() -> Table {
    let mut table = asked_for();
    answered(&mut table, Answer::Silent);
    table
}

fn claimed() -> Table {
    let mut table = provisional();
    table.run_ms(31_000);
    table
}

fn offered() -> Table {
    let mut table = claimed();
    wants(&mut table, |desired| {
        group(desired).candidates.remove(&name(0));
    });
    table
}

fn leaving() -> Table {
    let mut table = claimed();
    departs(&mut table, Departure::ForGood);
    table
}

fn resting() -> Table {
    let mut table = claimed();
    departs(&mut table, Departure::BackSoon);
    table
}

fn withheld() -> Table {
    let mut table = claimed();
    wakes_after(&mut table, 250);
    table
}

fn conceded() -> Table {
    let mut table = claimed();
    wants(&mut table, |desired| {
        desired.records = [(ip(KEY), [(name(3), 50)].into())].into();
    });
    table.run_ms(5_100);
    table
}

/// Where the speaker is now, and its epoch.
fn state(table: &Table, answers: bool) -> String {
    let election = &table.election;
    let key = ip(KEY);
    if let Some(epoch) = election.claims().epoch(key) {
        let how = match election.departure {
            Some(Departure::ForGood) => "leaving",
            Some(Departure::BackSoon) => "resting",
            None if !answers => "withheld",
            None if election.offers.is_open_to(key, &name(2)) => "offered",
            None if election.offers.is_provisional(key) => "provisional",
            None => "claimed",
        };
        return format!("{how}, {epoch}");
    }
    if election.departure.is_some() {
        return "gone".into();
    }
    if let Some(owner) = election.standing.get(&key) {
        return format!("stood in for {owner}");
    }
    if let Some((owner, epoch)) = election.owner(key) {
        return format!("{owner}'s, {epoch}");
    }
    if election.outdone.get(&key) == Some(&record::Outdone::Conceded) {
        return "conceded".into();
    }
    match election.vacancies.get(&key) {
        None => "nobody's".into(),
        Some(vacancy) if vacancy.blocked_until.is_some_and(|until| table.now < until) => "blocked".into(),
        Some(vacancy) if vacancy.asked => "asked for".into(),
        Some(_) => "waited for".into(),
    }
}

/// What is wanted done besides talk, each once.
fn wanted(out: &[Output]) -> Vec<String> {
    let mut wanted: Vec<String> = Vec::new();
    for output in out {
        let what = match output {
            Output::Claimed { because, .. } => format!("claims: {}", because.reason()),
            Output::Yielded { because, .. } => format!("yields: {}", because.reason()),
            Output::StandIn { .. } => "stands in".into(),
            Output::StandDown { .. } => "stands down".into(),
            Output::Ask { .. } => "asks".into(),
            Output::Withhold(Some(_)) => "withholds".into(),
            Output::Withhold(None) => "answers again".into(),
            Output::Hold(true) => "holds".into(),
            Output::Hold(false) => "speaks again".into(),
            Output::Send { bytes, .. } => match Datagram::decode(bytes, &key("shared")).unwrap().body {
                Body::Offer(_) => "offers".into(),
                _ => continue,
            },
            Output::CaughtUp
            | Output::AskWitness
            | Output::AskLink
            | Output::AskHosts(_)
            | Output::AskOwner { .. }
            | Output::Probe(_) => continue,
        };
        if !wanted.contains(&what) {
            wanted.push(what);
        }
    }
    wanted
}

/// Whether it answers after all this, if it did before.
fn answers(before: bool, out: &[Output]) -> bool {
    let mut withholds = out.iter().filter_map(|output| match output {
        Output::Withhold(until) => Some(until.is_none()),
        _ => None,
    });
    withholds.next_back().unwrap_or(before)
}

#[test]
fn each_thing_that_can_happen_in_each_state_is_in_the_table() {
    let mut table = String::new();
    for (before, reach) in STATES {
        let reached = reach();
        let answered = !["withheld", "resting"].contains(&before);
        let _ = writeln!(table, "{before} = {}", state(&reached, answered));
        for (event, happens) in EVENTS {
            let mut table_then = reached.clone();
            let out = happens(&mut table_then);
            let after = state(&table_then, answers(answered, &out));
            let wanted = wanted(&out).join(", ");
            let _ = writeln!(
                table,
                "  {event}: {after}{}{wanted}",
                if wanted.is_empty() { "" } else { " | " }
            );
        }
    }
    let known = include_str!("transitions.txt");
    for (now, then) in table.lines().zip(known.lines()) {
        assert_eq!(now, then, "the whole table:\n{table}");
    }
    assert_eq!(table.lines().count(), known.lines().count(), "{table}");
}
