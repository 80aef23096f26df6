//! What a speaker tells the API side: one value, of which the latest counts, and a bounded list of what moved.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};

use crate::election::Because;
use crate::model::{Few, MacAddr, NodeName, ObjectKey, RangeSet, Timestamp};
use crate::neighbor::conflict::Dispute;

/// Moves that the API side has not read yet; older ones are dropped, they are only for logs and events.
const MOVES: usize = 1_024;
/// Moves that are remembered for people who ask; each is copied with every change of what is published.
const REMEMBERED: usize = 32;

/// Everything the API side needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    /// Grows with every change.
    pub version: u64,
    /// What this node announces, by key.
    pub held: BTreeMap<IpAddr, Held>,
    /// What an earlier boot of this speaker had is taken up again by now, or will not be.
    pub settled: bool,
    /// For whose speakers it answers, by key.
    pub standing: BTreeMap<IpAddr, NodeName>,
    /// What it gave up lately, oldest first.
    pub gave_up: VecDeque<GaveUp>,
    /// What it began and ceased to announce lately, oldest first.
    pub moves: VecDeque<Move>,
    /// The surveys of the subnets that this node asks in.
    pub surveys: BTreeMap<Ipv4Net, SurveyState>,
    /// The interfaces that addresses can be announced on, by name, with the addresses by which this node is known there;
    /// `None` before they were looked at.
    pub interfaces: Option<BTreeMap<String, BTreeSet<IpNet>>>,
    /// The subnets that this node tells of, with the gateways in them.
    pub networks: BTreeMap<Ipv4Net, BTreeSet<Ipv4Addr>>,
    /// MACs that answer for more addresses than any device has.
    pub proxies: BTreeMap<MacAddr, Ipv4Net>,
    /// Groups that nobody announces because no node has an interface that their advertisements name.
    pub nowhere: BTreeSet<IpAddr>,
    /// First claims that a stranger's answer blocks.
    pub blocked: BTreeMap<IpAddr, MacAddr>,
    /// Addresses that this node announces and that others speak for, too.
    pub disputes: BTreeMap<IpAddr, Dispute>,
    /// Speakers that are heard and hear us.
    pub alive: BTreeSet<NodeName>,
    /// Ready speakers that are not heard.
    pub missing: BTreeSet<NodeName>,
    /// Datagrams with another key arrived.
    pub other_keys: bool,
    /// Neighbours that proved that they follow a takeover.
    pub verified: u64,
}

/// A group that this node announces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its addresses.
    pub addresses: Few<IpAddr>,
    /// The Services behind them.
    pub services: Few<ObjectKey>,
    /// The claim's epoch.
    pub epoch: u64,
    /// Why this node.
    pub because: Because,
    /// Since when.
    pub since: Timestamp,
    /// The interfaces that answer, the main one first.
    pub interfaces: Vec<String>,
    /// The MAC address that the first of them answers with.
    pub mac: Option<MacAddr>,
}

/// A group that this node announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp {
    /// The version at which it was given up: what was read before need not be read again.
    pub version: u64,
    /// Its key.
    pub key: IpAddr,
    /// What was held.
    pub held: Held,
    /// Why it is not any more.
    pub because: Because,
}

/// A group that this node began or ceased to announce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// When.
    pub at: Timestamp,
    /// Its key.
    pub key: IpAddr,
    /// It began to.
    pub began: bool,
    /// Why.
    pub because: Because,
}

/// The last complete survey of a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyState {
    /// What was asked for.
    pub covered: RangeSet,
    /// Who answered.
    pub occupied: BTreeMap<Ipv4Addr, MacAddr>,
    /// When it ended.
    pub ended: Timestamp,
    /// How long ago the oldest of its questions lay then.
    pub took: Duration,
}

impl Published {
    pub(super) fn touch(&mut self) {
        self.version += 1;
    }

    pub(super) fn moved(&mut self, moved: Move) {
        if self.moves.len() == REMEMBERED {
            self.moves.pop_front();
        }
        self.moves.push_back(moved);
    }

    pub(super) fn yielded(&mut self, key: IpAddr, held: Held, because: Because) {
        self.touch();
        if self.gave_up.len() == MOVES {
            self.gave_up.pop_front();
        }
        self.gave_up.push_back(GaveUp {
            version: self.version,
            key,
            held,
            because,
        });
    }
}
