//! Who surveys which subnet, and what all surveys together know.
//!
//! In each subnet the first speaker by name asks, and tells the others what it found, so that a node that gets a new
//! address to announce need not ask for it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

use super::published::SurveyState;
use super::{Effect, Speaker};
use crate::election::Output;
use crate::election::wire::{MAX_OCCUPIED, MAX_RANGES, SurveyReport};
use crate::model::{AddressRange, Instant, MacAddr, NodeName, Now, RangeSet};
use crate::neighbor::survey::{Area, Change, Finding, Round};
use crate::neighbor::{InterfaceIndex, Outgoing, Statement, Survey};

/// A speaker that comes up later hears of the last round after this at the latest.
const REPORT_AGAIN: Duration = Duration::from_secs(5);
/// Subnets whose reports are remembered: a node has a handful, a key in wrong hands must not fill memory.
const MAX_SUBNETS: usize = 64;

/// Subnets with the gateways in them.
type Networks = BTreeMap<Ipv4Net, BTreeSet<Ipv4Addr>>;

/// This node's survey and the others' reports.
#[derive(Debug, Default)]
pub(super) struct Surveying {
    survey: Survey,
    areas: BTreeMap<Ipv4Net, Area>,
    /// When each address of an area was last asked for, at the latest.
    asked: BTreeMap<Ipv4Net, BTreeMap<Ipv4Addr, Instant>>,
    reports: BTreeMap<Ipv4Net, Known>,
    findings: Vec<Finding>,
    told: Option<Instant>,
}

/// The last word on a subnet, our own or another speaker's.
#[derive(Debug)]
struct Known {
    covered: RangeSet,
    occupied: BTreeMap<Ipv4Addr, MacAddr>,
    at: Instant,
}

impl Surveying {
    /// Whose frames say nothing of a user.
    pub(super) fn set_nodes(&mut self, nodes: BTreeSet<MacAddr>) {
        self.survey.set_nodes(nodes, &mut self.findings);
    }

    pub(super) fn hear(&mut self, interface: InterfaceIndex, said: &Statement) {
        self.survey.hear(interface, said, &mut self.findings);
    }

    pub(super) fn not_sent(&mut self, frame: &Outgoing, now: Instant) {
        self.survey.not_sent(frame, now);
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let again = self.told.map(|at| at + REPORT_AGAIN);
        [self.survey.next_deadline(), again].into_iter().flatten().min()
    }

    /// Another speaker tells what it found.
    pub(super) fn report(&mut self, report: &SurveyReport, now: Instant) {
        if !self.reports.contains_key(&report.subnet.trunc()) && self.reports.len() >= MAX_SUBNETS {
            return;
        }
        let range = |(first, last): &(Ipv4Addr, Ipv4Addr)| AddressRange::new((*first).into(), (*last).into());
        let known = Known {
            covered: report.covered.iter().filter_map(range).collect(),
            occupied: report.occupied.iter().copied().collect(),
            at: now - Duration::from_millis(report.age_ms.into()),
        };
        self.reports.insert(report.subnet.trunc(), known);
    }

    /// Whether a question within the last `max_age` brought no answer.
    pub(super) fn knows_silent(&self, address: IpAddr, now: Instant, max_age: Duration) -> bool {
        let IpAddr::V4(address) = address else {
            return false;
        };
        self.survey.knows_silent(address, now, max_age)
            || self.reports.values().any(|known| {
                now.since(known.at) <= max_age
                    && known.covered.contains(address.into())
                    && !known.occupied.contains_key(&address)
            })
    }

    /// Who is known to have the address.
    pub(super) fn occupant(&self, address: IpAddr, now: Instant, max_age: Duration) -> Option<MacAddr> {
        let address = v4(&address)?;
        let fresh = self
            .reports
            .values()
            .filter(|known| now.since(known.at) <= max_age);
        self.survey.occupant(address).or_else(|| {
            fresh
                .filter_map(|known| known.occupied.get(&address).copied())
                .find(|mac| !self.survey.is_node(*mac))
        })
    }

    /// A round ended: what all rounds of the last minutes say together, and how old their oldest question is.
    fn summary(&mut self, round: &Round) -> (SurveyState, Instant) {
        let area = self
            .areas
            .get(&round.subnet)
            .map(|area| area.addresses.clone())
            .unwrap_or_default();
        let asked = self.asked.entry(round.subnet).or_default();
        asked.retain(|address, _| area.contains((*address).into()));
        asked.extend(round.covered.iter().filter_map(|a| Some((v4(&a)?, round.began))));
        let oldest = asked.values().copied().min().unwrap_or(round.began);
        let occupied = asked
            .keys()
            .filter_map(|address| Some((*address, self.survey.occupant(*address)?)));
        let state = SurveyState {
            covered: asked.keys().map(|address| IpAddr::from(*address)).collect(),
            occupied: occupied.collect(),
            ended: crate::model::Timestamp::default(),
            took: round.ended.since(oldest),
        };
        (state, round.ended)
    }
}

impl Speaker {
    /// Decides where this node is the surveyor, asks what is due, and publishes what came of it.
    pub(super) fn survey(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.choose_areas(now.mono);
        let mut findings = std::mem::take(&mut self.surveying.findings);
        self.surveying
            .survey
            .poll(now.mono, &mut self.outgoing, &mut findings);
        let mut told = self
            .surveying
            .told
            .is_some_and(|at| now.mono >= at + REPORT_AGAIN);
        for finding in findings {
            match finding {
                Finding::Change(change) => self.note(change),
                Finding::Round(round) => {
                    let (mut state, ended) = self.surveying.summary(&round);
                    state.ended = now.wall;
                    let known = Known {
                        covered: state.covered.clone(),
                        occupied: state.occupied.clone(),
                        at: ended,
                    };
                    self.surveying.reports.insert(round.subnet, known);
                    self.published.surveys.insert(round.subnet, state);
                    self.published.touch();
                    told = true;
                }
            }
        }
        let proxies = self.surveying.survey.proxies();
        if proxies != self.published.proxies {
            self.published.proxies = proxies;
            self.published.touch();
        }
        if told {
            self.tell(now.mono);
            for output in std::mem::take(&mut self.outputs) {
                if let Output::Send { to, bytes } = output {
                    out.push(Effect::Datagram { to, bytes });
                }
            }
        }
    }

    /// Someone appeared at an address, or left it: people need not wait for the end of the round.
    fn note(&mut self, change: Change) {
        match change {
            Change::Occupied { address, mac } => {
                for state in self.surveying_of(address) {
                    state.occupied.insert(address, mac);
                }
                self.published.touch();
            }
            Change::Silent { address } => {
                for state in self.surveying_of(address) {
                    state.occupied.remove(&address);
                }
                self.published.touch();
            }
            // Published with all others, and so is its end.
            Change::ProxyArp { .. } => {}
        }
    }

    fn surveying_of(&mut self, address: Ipv4Addr) -> impl Iterator<Item = &mut SurveyState> {
        self.published
            .surveys
            .iter_mut()
            .filter(move |(net, _)| net.contains(&address))
            .map(|(_, state)| state)
    }

    fn choose_areas(&mut self, now: Instant) {
        let (networks, areas) = self.places();
        if networks != self.published.networks {
            self.published.networks = networks;
            self.published.touch();
        }
        if areas == self.surveying.areas {
            return;
        }
        let nodes = self.known_macs();
        self.surveying.set_nodes(nodes);
        for subnet in self
            .surveying
            .areas
            .keys()
            .filter(|subnet| !areas.contains_key(*subnet))
        {
            self.surveying.survey.set(*subnet, None, now);
            self.surveying.asked.remove(subnet);
            self.published.surveys.remove(subnet);
            self.published.touch();
        }
        for (subnet, area) in &areas {
            self.surveying.survey.set(*subnet, Some(area), now);
        }
        self.surveying.areas = areas;
    }

    /// The subnets in which this node is the first speaker, with their gateways and with what is to be asked for there.
    fn places(&self) -> (Networks, BTreeMap<Ipv4Net, Area>) {
        let (mut networks, mut areas) = (Networks::new(), BTreeMap::new());
        let Some(wanted) = self.wanted.as_ref().filter(|_| self.election.has_listened()) else {
            return (networks, areas);
        };
        for link in self.links.values() {
            for network in &link.networks {
                let subnet = network.trunc();
                if !self.is_first_in(subnet) {
                    continue;
                }
                if !subnet.network().is_link_local()
                    && (networks.len() < MAX_SUBNETS || networks.contains_key(&subnet))
                {
                    let gateways = link.gateways.iter().filter_map(v4);
                    let gateways = gateways.filter(|gateway| subnet.contains(gateway));
                    networks.entry(subnet).or_default().extend(gateways);
                }
                let here = AddressRange::from(IpNet::V4(subnet)).into();
                let addresses = wanted.unassigned.intersection(&here);
                if !addresses.is_empty() && !areas.contains_key(&subnet) {
                    areas.insert(
                        subnet,
                        Area {
                            interface: link.index,
                            mac: link.mac,
                            addresses,
                        },
                    );
                }
            }
        }
        (networks, areas)
    }

    fn is_first_in(&self, subnet: Ipv4Net) -> bool {
        let has = |name: &NodeName| {
            let peer = self.election.peer(name);
            peer.is_some_and(|peer| {
                peer.interfaces()
                    .iter()
                    .any(|i| i.network.trunc() == IpNet::V4(subnet))
            })
        };
        self.election
            .up()
            .iter()
            .filter(|name| has(name))
            .all(|name| self.me < *name)
    }

    /// Tells the other speakers what this node's surveys know.
    fn tell(&mut self, now: Instant) {
        self.surveying.told = None;
        for subnet in self.surveying.areas.keys().copied().collect::<Vec<_>>() {
            let Some(known) = self.surveying.reports.get(&subnet) else {
                continue;
            };
            let bounds = |r: &AddressRange| Some((v4(&r.first())?, v4(&r.last())?));
            let report = SurveyReport {
                subnet,
                age_ms: u32::try_from(now.since(known.at).as_millis()).unwrap_or(u32::MAX),
                covered: known
                    .covered
                    .ranges()
                    .iter()
                    .filter_map(bounds)
                    .take(MAX_RANGES)
                    .collect(),
                occupied: known
                    .occupied
                    .iter()
                    .map(|(a, m)| (*a, *m))
                    .take(MAX_OCCUPIED)
                    .collect(),
            };
            self.surveying.told = Some(now);
            self.election.report(&report, &mut self.outputs);
        }
    }
}

fn v4(address: &IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(*v4),
        IpAddr::V6(_) => None,
    }
}
