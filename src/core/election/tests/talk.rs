//! One speaker, and others that say what a test has them say.

use std::time::Duration;

use super::super::offer::Offer;
use super::super::wire::{Body, ClaimsPart, ClaimsVersion, Datagram, Heartbeat};
use super::super::*;
use super::segment::*;

/// Node 0 is the speaker. The others beat as long as they live, and echo its newest heartbeat.
struct Table {
    election: Election,
    now: Instant,
    /// Its newest heartbeat.
    beat: u64,
    others: BTreeMap<usize, Other>,
    /// What all of them have said so far.
    said: u64,
    random: Random,
}

#[derive(Default)]
struct Other {
    lives: bool,
    leaving: bool,
    version: u64,
    claims: ClaimSet,
}

impl Table {
    /// All speak for long enough that the listening at the start is over.
    fn new(nodes: usize) -> Self {
        let mut table = Self::quiet(nodes);
        for other in table.others.values_mut() {
            other.lives = true;
        }
        table.run_ms(1_000);
        assert_eq!(table.election.up().len(), nodes - 1);
        table
    }

    /// Nobody has spoken yet.
    fn quiet(nodes: usize) -> Self {
        let now = Instant::at(Duration::from_secs(1_000));
        let mut election = Election::new(name(0), BootId([100; 16]), key("shared"), now);
        let mut out = Vec::new();
        election.set_interfaces(vec![interface(0)], now, &mut out);
        let desired = Segment::new(nodes, &[200], 1).desired;
        election.set_desired(Arc::new(desired), now);
        Self {
            election,
            now,
            beat: 0,
            others: (1..nodes).map(|node| (node, Other::default())).collect(),
            said: 0,
            random: Random(1),
        }
    }

    fn poll(&mut self) -> Vec<Output> {
        let mut out = Vec::new();
        let random = &mut self.random;
        self.election.poll(self.now, &mut || random.next(), &mut out);
        for datagram in sent(&out) {
            if matches!(datagram.body, Body::Heartbeat(_)) {
                self.beat = datagram.sequence;
            }
        }
        out
    }

    /// Runs for a while; what it wanted done.
    fn run_ms(&mut self, ms: u64) -> Vec<Output> {
        let mut out = Vec::new();
        for ms in 0..ms {
            self.now = self.now + Duration::from_millis(1);
            let living = self.others.iter().filter(|(_, other)| other.lives);
            for node in living.map(|(node, _)| *node).collect::<Vec<_>>() {
                if ms % 50 == 0 {
                    let heartbeat = self.heartbeat(node, Some(self.beat));
                    out.extend(self.say(node, Body::Heartbeat(heartbeat)));
                }
            }
            out.extend(self.poll());
        }
        out
    }

    fn heartbeat(&self, node: usize, echo: Option<u64>) -> Heartbeat {
        let other = &self.others[&node];
        Heartbeat {
            leaving: other.leaving,
            claims: ClaimsVersion {
                version: other.version,
                digest: other.claims.digest(),
            },
            failback: Failback::Never.code(),
            interfaces: vec![interface(node)],
            echoes: echo.map(|echo| ([100; 8], echo)).into_iter().collect(),
            ..Heartbeat::default()
        }
    }

    /// What comes of one datagram, before anything else is due.
    fn say(&mut self, node: usize, body: Body) -> Vec<Output> {
        let mut out = Vec::new();
        let bytes = self.datagram(node, body);
        let _ = self.election.receive(host(node), &bytes, self.now, &mut out);
        out
    }

    fn datagram(&mut self, node: usize, body: Body) -> Vec<u8> {
        self.said += 1;
        let boot = BootId([u8::try_from(node).unwrap(); 16]);
        let datagram = Datagram {
            boot,
            sequence: self.said,
            node: name(node),
            body,
        };
        datagram.encode(&key("shared"), 0)
    }

    /// From now on a node claims the address.
    fn claim(&mut self, node: usize, epoch: u64) {
        let other = self.others.get_mut(&node).unwrap();
        other.version += 1;
        other.claims.insert(ip(200), epoch);
        let part = ClaimsPart {
            claims: ClaimsVersion {
                version: other.version,
                digest: other.claims.digest(),
            },
            part: 0,
            parts: 1,
            entries: vec![(ip(200), epoch)],
        };
        self.say(node, Body::Claims(part));
        self.run_ms(100);
        assert_eq!(self.election.owner(ip(200)), Some((&name(node), epoch)));
    }

    fn offer(&mut self, node: usize, epoch: u64) -> Vec<Output> {
        let entries = vec![(ip(200), epoch)];
        let cause = Cause::Leaving;
        self.say(node, Body::Offer(Offer { cause, entries }))
    }
}

fn interface(node: usize) -> WireInterface {
    WireInterface {
        mac: mac(node),
        network: ipnet::IpNet::new(host(node), 24).unwrap(),
    }
}

fn sent(out: &[Output]) -> impl Iterator<Item = Datagram> {
    out.iter().filter_map(|output| match output {
        Output::Send { bytes, .. } => Some(Datagram::decode(bytes, &key("shared")).unwrap()),
        _ => None,
    })
}

fn claimed(out: &[Output]) -> Option<&Because> {
    out.iter().find_map(|output| match output {
        Output::Claimed { because, .. } => Some(because),
        _ => None,
    })
}

fn count(out: &[Output], which: impl Fn(&Output) -> bool) -> usize {
    out.iter().filter(|output| which(output)).count()
}

/// When fifty start together each of them is news to the others, and heartbeats leave five times as often.
#[test]
fn an_echo_of_a_quarter_of_a_second_ago_counts_however_many_heartbeats_have_left_since() {
    let mut table = Table::quiet(2);
    table.poll();
    let early = table.beat;
    for turn in 0..13 {
        table.now = table.now + Duration::from_millis(20);
        let serving = [Serving::Proven, Serving::Failing][turn % 2];
        table.election.set_serving(serving, table.now);
        table.poll();
    }
    assert!(table.beat >= early + 13);
    let heartbeat = table.heartbeat(1, Some(early));
    table.say(1, Body::Heartbeat(heartbeat));
    table.poll();
    assert!(table.election.up().contains(&name(1)));
}

#[test]
fn a_speaker_that_the_api_does_not_list_yet_is_heard_unless_there_are_more_than_anyone_has() {
    let mut table = Table::new(2);
    let mut newcomer = |node: usize| {
        let heartbeat = Heartbeat {
            echoes: [([100; 8], table.beat)].into(),
            ..Heartbeat::default()
        };
        let datagram = Datagram {
            boot: BootId([200; 16]),
            sequence: 1,
            node: name(node),
            body: Body::Heartbeat(heartbeat),
        };
        let bytes = datagram.encode(&key("shared"), 0);
        let election = &mut table.election;
        let heard = election.receive(host(2), &bytes, table.now, &mut Vec::new());
        heard.map(|_| {
            election
                .peer(&name(node))
                .is_some_and(|peer| peer.is_up(table.now))
        })
    };
    // Beside the one that is listed.
    for node in 2..=MAX_PEERS {
        assert_eq!(newcomer(node), Ok(true), "{node}");
    }
    assert_eq!(newcomer(MAX_PEERS + 1), Err(talk::Dropped::TooManyPeers));
}

/// It may have lost a link that works again one way only, and whoever it hears may have taken over.
#[test]
fn whoever_was_cut_off_is_silent_from_the_first_heartbeat_on_though_it_echoes_nothing() {
    let mut table = Table::new(2);
    table.others.get_mut(&1).unwrap().lives = false;
    let alone = table.run_ms(2_000);
    assert!(alone.contains(&Output::Hold(true)));
    let heartbeat = table.heartbeat(1, None);
    let heard = table.say(1, Body::Heartbeat(heartbeat));
    let until = table.now + RETURN;
    assert!(heard.contains(&Output::Withhold(Some(until))), "{heard:?}");
}

/// The datagram that told of the claim may have been lost.
#[test]
fn whoever_offers_on_what_was_taken_is_told_again_who_has_it() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    assert_eq!(
        table.offer(1, 4),
        [Output::Claimed {
            key: ip(200),
            epoch: 5,
            because: Because::Offered {
                by: name(1),
                cause: Cause::Leaving,
            },
        }]
    );
    table.run_ms(5);
    let answer = table.offer(1, 4);
    let to_owner = |output: &Output| matches!(output, Output::Send { to, .. } if *to == host(1));
    assert!(!answer.is_empty() && answer.iter().all(to_owner), "{answer:?}");
    let told = sent(&answer).any(|datagram| match datagram.body {
        Body::Claims(part) => part.entries == [(ip(200), 5)],
        _ => false,
    });
    assert!(told, "{answer:?}");
}

/// At that moment, and not before.
#[test]
fn a_preferred_node_is_offered_an_address_once_it_has_been_up_for_five_seconds() {
    let mut lan = Segment::new(2, &[200], 1);
    lan.weigh(200, &[(1, 10)]);
    lan.desired.peers.get_mut(&name(1)).unwrap().ready = false;
    let mut table = Table::quiet(2);
    table
        .election
        .set_desired(Arc::new(lan.desired.clone()), table.now);
    table.run_ms(100);
    table.election.asked(ip(200), Answer::Silent, table.now);
    table.run_ms(1);
    assert_eq!(table.election.owner(ip(200)), Some((&name(0), 1)));
    table.others.get_mut(&1).unwrap().lives = true;
    while table.election.up().is_empty() {
        table.run_ms(1);
    }
    let offers = |out: &[Output]| sent(out).any(|datagram| matches!(datagram.body, Body::Offer(_)));
    assert!(!offers(&table.run_ms(4_999)));
    assert!(offers(&table.run_ms(1)));
}

/// It was overtaken by what its sender has claimed since.
#[test]
fn an_offer_of_an_earlier_claim_is_not_taken() {
    let mut table = Table::new(3);
    table.claim(1, 5);
    assert_eq!(table.offer(1, 4), []);
    assert_eq!(table.election.owner(ip(200)), Some((&name(1), 5)));
}

/// Without any sign from outside: its own word is enough.
#[test]
fn whoever_said_that_it_leaves_and_is_gone_before_it_could_hand_over_is_followed() {
    let mut table = Table::new(2);
    table.claim(1, 4);
    table.others.get_mut(&1).unwrap().leaving = true;
    table.run_ms(100);
    table.others.get_mut(&1).unwrap().lives = false;
    let out = table.run_ms(500);
    assert_eq!(claimed(&out), Some(&Because::GivenUp));
}

#[test]
fn an_address_that_somebody_answers_for_is_asked_for_every_five_seconds() {
    let mut table = Table::quiet(1);
    let asks = |output: &Output| matches!(output, Output::Ask { .. });
    assert_eq!(count(&table.run_ms(100), asks), 1);
    for _ in 0..3 {
        table.election.asked(ip(200), Answer::Occupied, table.now);
        assert_eq!(count(&table.run_ms(4_999), asks), 0);
        assert_eq!(count(&table.run_ms(1), asks), 1);
    }
    table.election.asked(ip(200), Answer::Silent, table.now);
    assert_eq!(claimed(&table.run_ms(1)), Some(&Because::First { candidates: 1 }));
}

/// A switch counts ARP, and drops what is too much.
#[test]
fn a_silent_owner_is_asked_for_its_address_twice_a_second() {
    let mut table = Table::new(3);
    table.claim(1, 4);
    table.others.get_mut(&1).unwrap().lives = false;
    let out = table.run_ms(10_000);
    let asked = count(&out, |output| matches!(output, Output::AskOwner { .. }));
    assert!((17..=22).contains(&asked), "{asked} times in 10 s");
}

#[test]
fn an_answer_of_a_silent_owner_counts_for_the_node_whose_card_sent_it() {
    let mut table = Table::new(3);
    table.claim(2, 4);
    table.others.values_mut().for_each(|other| other.lives = false);
    table.run_ms(200);
    table.election.owner_answered(mac(2), table.now);
    let answers = |node| table.election.peer(&name(node)).unwrap().answers_until(table.now);
    assert_eq!(answers(1), None);
    assert!(answers(2).is_some());
}
