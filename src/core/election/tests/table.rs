//! One speaker at a table with others, which say what a test has them say.

use std::time::Duration;

use super::super::offer::Offer;
use super::super::wire::{Body, ClaimsPart, ClaimsVersion, Datagram, Heartbeat};
use super::super::*;
use super::segment::*;

/// Node 0 is the speaker. The others beat as long as they live, and echo its newest heartbeat.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) election: Election,
    pub(super) now: Instant,
    /// Its newest heartbeat.
    pub(super) beat: u64,
    pub(super) others: BTreeMap<usize, Other>,
    /// What all of them have said so far.
    pub(super) said: u64,
    pub(super) random: Random,
}

#[derive(Clone, Default)]
pub(super) struct Other {
    pub(super) lives: bool,
    pub(super) leaving: bool,
    pub(super) version: u64,
    pub(super) claims: ClaimSet,
}

impl Table {
    /// All speak for long enough that the listening at the start is over.
    pub(super) fn new(nodes: usize) -> Self {
        let mut table = Self::quiet(nodes);
        for other in table.others.values_mut() {
            other.lives = true;
        }
        table.run_ms(1_000);
        assert_eq!(table.election.up().len(), nodes - 1);
        table
    }

    /// Nobody has spoken yet.
    pub(super) fn quiet(nodes: usize) -> Self {
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

    pub(super) fn poll(&mut self) -> Vec<Output> {
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
    pub(super) fn run_ms(&mut self, ms: u64) -> Vec<Output> {
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

    pub(super) fn heartbeat(&self, node: usize, echo: Option<u64>) -> Heartbeat {
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
    pub(super) fn say(&mut self, node: usize, body: Body) -> Vec<Output> {
        let mut out = Vec::new();
        let bytes = self.datagram(node, body);
        let _ = self.election.receive(host(node), &bytes, self.now, &mut out);
        out
    }

    pub(super) fn datagram(&mut self, node: usize, body: Body) -> Vec<u8> {
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

    /// From now on this is what a node claims.
    pub(super) fn tell_claims(&mut self, node: usize, claims: ClaimSet) -> Vec<Output> {
        let other = self.others.get_mut(&node).unwrap();
        other.version += 1;
        other.claims = claims;
        let part = ClaimsPart {
            claims: ClaimsVersion {
                version: other.version,
                digest: other.claims.digest(),
            },
            part: 0,
            parts: 1,
            entries: other.claims.iter().collect(),
        };
        self.say(node, Body::Claims(part))
    }

    /// From now on a node claims the address.
    pub(super) fn claim(&mut self, node: usize, epoch: u64) {
        let claims = [(ip(200), epoch)].into_iter().collect();
        self.tell_claims(node, claims);
        self.run_ms(100);
        assert_eq!(self.election.owner(ip(200)), Some((&name(node), epoch)));
    }

    pub(super) fn offer(&mut self, node: usize, epoch: u64) -> Vec<Output> {
        let entries = vec![(ip(200), epoch)];
        let cause = Cause::Leaving;
        self.say(node, Body::Offer(Offer { cause, entries }))
    }
}

pub(super) fn interface(node: usize) -> WireInterface {
    WireInterface {
        mac: mac(node),
        network: IpNet::new(host(node), 24).unwrap(),
    }
}

pub(super) fn sent(out: &[Output]) -> impl Iterator<Item = Datagram> {
    out.iter().filter_map(|output| match output {
        Output::Send { bytes, .. } => Some(Datagram::decode(bytes, &key("shared")).unwrap()),
        _ => None,
    })
}

pub(super) fn claimed(out: &[Output]) -> Option<&Because> {
    out.iter().find_map(|output| match output {
        Output::Claimed { because, .. } => Some(because),
        _ => None,
    })
}

pub(super) fn count(out: &[Output], which: impl Fn(&Output) -> bool) -> usize {
    out.iter().filter(|output| which(output)).count()
}
