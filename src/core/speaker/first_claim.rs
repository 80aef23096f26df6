//! The question before an address is announced for the first time: does anyone answer for it?
//!
//! Three RFC 5227 probes, for IPv6 the question of duplicate address detection, 20 ms apart. What a survey already knows
//! needs no question; IPv6 addresses are not surveyed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{Link, Speaker};
use crate::election::Answer;
use crate::model::{Instant, MacAddr};
use crate::neighbor::{InterfaceIndex, Message, Outgoing, Purpose, Statement};

/// How many probes are sent (RFC 5227 section 1.1, `PROBE_NUM`).
const PROBES: u32 = 3;
/// Between two of them, and after the last one. RFC 5227 waits 1 to 2 s, for hosts that just got a link; a host that
/// has the address in use answers within milliseconds.
const SPACING: Duration = Duration::from_millis(20);
/// How old a survey's silence may be: two rounds.
const SURVEY_AGE: Duration = Duration::from_secs(130);

/// Which address somebody uses, and who.
pub(super) type Occupant = (IpAddr, MacAddr);

/// All questions that are open.
#[derive(Debug, Default)]
pub(super) struct FirstClaims {
    open: BTreeMap<IpAddr, Question>,
}

#[derive(Debug)]
struct Question {
    /// What is asked for where, and from which of our MAC addresses.
    probes: BTreeSet<(InterfaceIndex, MacAddr, IpAddr)>,
    sent: u32,
    next: Instant,
    heard: Option<Occupant>,
    ours: BTreeSet<MacAddr>,
}

impl FirstClaims {
    /// What is due; closed questions come back with whoever answered.
    pub(super) fn poll(&mut self, now: Instant, out: &mut Vec<Outgoing>) -> Vec<(IpAddr, Option<Occupant>)> {
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
    pub(super) fn hear(&mut self, interface: InterfaceIndex, said: &Statement) {
        let address = said.used();
        for question in self.open.values_mut() {
            let mut probes = question.probes.iter();
            let asked = probes.any(|(index, _, asked)| *index == interface && *asked == address);
            if asked && !question.ours.contains(&said.sender_mac) {
                question.heard = Some((address, said.sender_mac));
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
        out.extend(self.probes.iter().map(|(interface, mac, address)| Outgoing {
            interface: *interface,
            address: *address,
            purpose: Purpose::Probe,
            frame: Message::probe(*mac, *address).frame(),
        }));
    }
}

impl Speaker {
    /// What nobody wants announced any more, or is announced here, is not blocked.
    pub(super) fn unblock(&mut self) {
        let Some(wanted) = &self.wanted else { return };
        let held = &self.published.held;
        let waiting = wanted
            .election
            .groups
            .values()
            .filter(|group| !held.contains_key(&group.key));
        let waiting: BTreeSet<IpAddr> = waiting.flat_map(|group| &group.addresses).copied().collect();
        let before = self.published.blocked.len();
        self.published
            .blocked
            .retain(|address, _| waiting.contains(address));
        if self.published.blocked.len() != before {
            self.published.touch();
        }
    }

    /// Finds out whether anyone answers for a group's addresses, asking only if no survey knows.
    pub(super) fn ask_first(&mut self, key: IpAddr, now: Instant) {
        let group = self.group(key).into_iter();
        let addresses: BTreeSet<IpAddr> = group.flat_map(|g| g.addresses.iter().copied()).collect();
        let occupant = addresses.iter().find_map(|address| {
            let mac = self.surveying.occupant(*address, now, SURVEY_AGE)?;
            Some((*address, mac))
        });
        if occupant.is_some() {
            return self.answered(key, occupant, now);
        }
        if addresses
            .iter()
            .all(|address| self.surveying.knows_silent(*address, now, SURVEY_AGE))
        {
            return self.answered(key, None, now);
        }
        let of = |address: &IpAddr| {
            let (address, links) = (*address, self.links_for(key, *address));
            let probe = move |link: &Link| (link.index, link.mac, address);
            links.into_iter().map(probe)
        };
        let question = Question {
            probes: addresses.iter().flat_map(of).collect(),
            sent: 0,
            next: now,
            heard: None,
            ours: self.known_macs(),
        };
        self.first_claims.open.insert(key, question);
    }

    /// The question of a first claim has its answer: nobody, or a stranger. A node whose speaker this one has never heard is
    /// none, though its MAC address is as strange: nobody is told of a conflict for it.
    pub(super) fn answered(&mut self, key: IpAddr, by: Option<Occupant>, now: Instant) {
        self.block(key, by.filter(|_| !self.election.may_be_stood_in_for(key, now)));
        let answer = by.map_or(Answer::Silent, |_| Answer::Occupied);
        self.election.asked(key, answer, now);
    }

    /// Of the group's addresses this one is somebody else's, or none.
    fn block(&mut self, key: IpAddr, by: Option<Occupant>) {
        let mut blocked = self.published.blocked.clone();
        for address in self.group(key).into_iter().flat_map(|group| &group.addresses) {
            blocked.remove(address);
        }
        blocked.extend(by);
        if blocked != self.published.blocked {
            self.published.blocked = blocked;
            self.published.touch();
        }
    }
}
