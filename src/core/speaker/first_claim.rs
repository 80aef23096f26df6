//! The question before an address is announced for the first time: does anyone answer for it?
//!
//! Three RFC 5227 probes, 20 ms apart. What a survey already knows needs no question.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{Link, Speaker, v4};
use crate::election::Answer;
use crate::model::{Instant, MacAddr};
use crate::neighbor::{Arp, InterfaceIndex, Outgoing, Purpose};

/// How many probes are sent (RFC 5227 section 1.1, `PROBE_NUM`).
const PROBES: u32 = 3;
/// Between two of them, and after the last one. RFC 5227 waits 1 to 2 s, for hosts that just got a link; a host that
/// has the address in use answers within milliseconds.
const SPACING: Duration = Duration::from_millis(20);
/// How old a survey's silence may be: two rounds.
const SURVEY_AGE: Duration = Duration::from_secs(130);

/// All questions that are open.
#[derive(Debug, Default)]
pub(super) struct FirstClaims {
    open: BTreeMap<IpAddr, Question>,
}

#[derive(Debug)]
struct Question {
    addresses: BTreeSet<Ipv4Addr>,
    probes: Vec<(InterfaceIndex, MacAddr)>,
    sent: u32,
    next: Instant,
    heard: Option<MacAddr>,
    ours: BTreeSet<MacAddr>,
}

impl FirstClaims {
    /// What is due; closed questions come back with whoever answered.
    pub(super) fn poll(&mut self, now: Instant, out: &mut Vec<Outgoing>) -> Vec<(IpAddr, Option<MacAddr>)> {
        let mut closed = Vec::new();
        for (key, question) in &mut self.open {
            if question.heard.is_some() {
                closed.push((*key, question.heard));
            } else if now >= question.next && question.sent == PROBES {
                closed.push((*key, None));
            } else if now >= question.next {
                question.ask(now, out);
            }
        }
        for (key, _) in &closed {
            self.open.remove(key);
        }
        closed
    }

    /// Whoever speaks for one of the addresses, or is about to use it, and is none of our nodes.
    pub(super) fn hear(&mut self, interface: InterfaceIndex, arp: &Arp) {
        let address = if arp.is_probe() {
            arp.target_ip
        } else {
            arp.sender_ip
        };
        for question in self.open.values_mut() {
            let asked = question.probes.iter().any(|(index, _)| *index == interface);
            if asked && question.addresses.contains(&address) && !question.ours.contains(&arp.sender_mac) {
                question.heard = Some(arp.sender_mac);
                question.next = Instant::ZERO;
            }
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.open.values().map(|question| question.next).min()
    }
}

impl Question {
    fn ask(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        self.sent += 1;
        self.next = now + SPACING;
        for (interface, mac) in &self.probes {
            out.extend(self.addresses.iter().map(|address| Outgoing {
                interface: *interface,
                address: *address,
                purpose: Purpose::Probe,
                frame: Arp::probe(*mac, *address).frame(),
            }));
        }
    }
}

impl Speaker {
    /// What nobody wants announced any more, or is announced here, is not blocked.
    pub(super) fn unblock(&mut self) {
        let over = |key: &&IpAddr| self.group(**key).is_none() || self.published.held.contains_key(key);
        let over: Vec<IpAddr> = self.published.blocked.keys().filter(over).copied().collect();
        for key in over {
            self.block(key, None);
        }
    }

    /// Finds out whether anyone answers for a group's addresses, asking only if no survey knows.
    pub(super) fn ask_first(&mut self, key: IpAddr, now: Instant) {
        let addresses: BTreeSet<Ipv4Addr> = self
            .group(key)
            .into_iter()
            .flat_map(|g| g.addresses.iter().filter_map(v4))
            .collect();
        let occupant = addresses
            .iter()
            .find_map(|address| self.surveying.occupant(*address, now, SURVEY_AGE));
        if occupant.is_some() {
            return self.answered(key, occupant, now);
        }
        if addresses
            .iter()
            .all(|address| self.surveying.knows_silent(*address, now, SURVEY_AGE))
        {
            return self.answered(key, None, now);
        }
        let links: BTreeMap<InterfaceIndex, MacAddr> = addresses
            .iter()
            .flat_map(|address| self.links_for(key, (*address).into()))
            .map(|link: &Link| (link.index, link.mac))
            .collect();
        let question = Question {
            addresses,
            probes: links.into_iter().collect(),
            sent: 0,
            next: now,
            heard: None,
            ours: self.known_macs(),
        };
        self.first_claims.open.insert(key, question);
    }

    /// The question of a first claim has its answer: nobody, or a stranger.
    pub(super) fn answered(&mut self, key: IpAddr, by: Option<MacAddr>, now: Instant) {
        self.block(key, by);
        let answer = by.map_or(Answer::Silent, |_| Answer::Occupied);
        self.election.asked(key, answer, now);
    }

    fn block(&mut self, key: IpAddr, by: Option<MacAddr>) {
        let before = match by {
            Some(mac) => self.published.blocked.insert(key, mac),
            None => self.published.blocked.remove(&key),
        };
        if before != by {
            self.published.touch();
        }
    }
}
