//! What people and the allocator are told: objects, events and log lines that follow from what is announced.
//!
//! The wire publishes one value; the difference to the one before becomes wishes for the [`Writer`], and words. Nothing
//! here is waited for by the wire.

mod announcement;
mod configuration;
mod conflict;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};
use tiklb_core::election::Because;
use tiklb_core::model::{MacAddr, NodeName, ObjectKey};
use tiklb_core::neighbor::conflict::Dispute;
use tiklb_core::speaker::{Held, Published, Wanted};

pub(super) use self::announcement::time;
pub use self::configuration::Heartbeats;
use crate::api::event::EventReason;
use crate::api::label;
use crate::cluster::OwnerReference;
use crate::cluster::event::{Events, Occurrence, service_reference};
use crate::cluster::writer::Writer;
use crate::speaker::desired::Objects;

/// Who records.
#[derive(Debug, Clone)]
pub struct Identity {
    /// This node.
    pub node: NodeName,
    /// Where tiklb's own objects live.
    pub namespace: String,
    /// Our Pod, which takes what it wrote along when it goes.
    pub owner: Option<OwnerReference>,
    /// Where the heartbeats arrive.
    pub heartbeat_port: u16,
}

impl Identity {
    /// Labels and owner of an object of ours.
    fn metadata(&self, labels: &[(&str, &str)]) -> Value {
        let labels: BTreeMap<&str, &str> = labels
            .iter()
            .copied()
            .chain([(label::APP_NAME, label::APP_NAME_VALUE)])
            .collect();
        let mut metadata = json!({"labels": labels});
        if let Some(owner) = &self.owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        metadata
    }

    fn key(&self, name: String) -> ObjectKey {
        ObjectKey::new(self.namespace.clone(), name)
    }
}

/// Is told why a group was claimed or given up.
pub type Moves = Box<dyn Fn(&Because) + Send>;

/// Turns what is published into wishes and words.
pub struct Recorder {
    identity: Identity,
    writer: Writer,
    events: Events,
    moves: Moves,
    held: BTreeMap<IpAddr, Held>,
    told: u64,
    /// Services whose record is wished for.
    recorded: BTreeSet<ObjectKey>,
    /// Addresses that others use, and since when this process has seen it.
    conflicts: BTreeMap<IpAddr, conflict::Sighting>,
    proxies: BTreeSet<MacAddr>,
    /// For whose speakers this one answers.
    standing: BTreeMap<IpAddr, NodeName>,
    /// Addresses that a Service has and a stranger answers for.
    blocked: BTreeMap<IpAddr, MacAddr>,
    /// Addresses that this node announces and others speak for, too.
    disputes: BTreeMap<IpAddr, Dispute>,
    /// What nobody announces for want of an interface.
    nowhere: BTreeSet<IpAddr>,
}

impl Recorder {
    /// A recorder that has told nothing yet.
    pub fn new(identity: Identity, writer: Writer, events: Events, moves: Moves) -> Self {
        Self {
            identity,
            writer,
            events,
            moves,
            held: BTreeMap::new(),
            told: 0,
            recorded: BTreeSet::new(),
            conflicts: BTreeMap::new(),
            proxies: BTreeSet::new(),
            standing: BTreeMap::new(),
            blocked: BTreeMap::new(),
            disputes: BTreeMap::new(),
            nowhere: BTreeSet::new(),
        }
    }

    /// What changed since the last time: said and wished for at once.
    pub fn update(&mut self, published: &Published, objects: &Objects) {
        self.say_withdrawn(published);
        for (key, held) in &published.held {
            let before = self.held.get(key);
            if before == Some(held) {
                continue;
            }
            let known = before.filter(|before| before.epoch == held.epoch);
            if known.is_none() {
                (self.moves)(&held.because);
            }
            // Its node is the one that it was: no event for each start of a speaker.
            let resumed = known.is_none() && held.because == Because::Resumed;
            let known = known.map(|before| &before.services);
            let new = |service: &&ObjectKey| known.is_none_or(|known| !known.contains(*service));
            for service in held.services.iter().filter(new) {
                self.say_announcing(service, held);
                if !resumed {
                    self.tell_assigned(service, objects);
                }
            }
            self.record(held);
        }
        self.held.clone_from(&published.held);
        self.say_blocked(published, objects);
        self.say_disputed(published, objects);
        self.say_nowhere(published, objects);
        self.say_standing(published);
        let announced = published.held.values().flat_map(|held| held.services.iter());
        let announced: BTreeSet<ObjectKey> = announced.cloned().collect();
        for service in self.recorded.difference(&announced) {
            self.unrecord(service);
        }
        self.recorded = announced;
        for (mac, subnet) in &published.proxies {
            if self.proxies.insert(*mac) {
                tracing::warn!(
                    %mac, %subnet,
                    "answers for more addresses than any device has (proxy ARP): its answers are not believed; turn proxy-arp off where it is"
                );
            }
        }
        self.proxies.retain(|mac| published.proxies.contains_key(mac));
    }

    /// Puts right what others left: dearer than [`Recorder::update`], and not urgent.
    /// Whether something waits for time to pass, so that a sweep is due again without news.
    pub fn sweep(&mut self, published: &Published, wanted: &Wanted) -> bool {
        self.sweep_announcements(published, wanted);
        self.sweep_conflicts(published, wanted)
    }

    /// The node of this speaker.
    pub fn node(&self) -> &NodeName {
        &self.identity.node
    }

    /// What is wrong with the configuration, what has no effect, and whether the other speakers are heard.
    pub fn configuration(&self, problems: &[String], warnings: &[String], published: &Published) {
        let heartbeats = Heartbeats::of(published, self.identity.heartbeat_port);
        configuration::wish(
            &self.identity,
            &self.writer,
            (problems, warnings),
            &heartbeats,
            published,
        );
    }

    fn say_announcing(&self, service: &ObjectKey, held: &Held) {
        for address in &held.addresses {
            tracing::info!(
                event = "serviceAnnounced", %service, ip = %address, node = %self.identity.node,
                interface = if held.interfaces.is_empty() { "none".to_owned() } else { held.interfaces.join(",") }, epoch = held.epoch,
                reason = held.because.reason(),
                "announcing: {}", held.because
            );
        }
    }

    fn tell_assigned(&self, service: &ObjectKey, objects: &Objects) {
        // MetalLB's words.
        let note = format!(
            "announcing from node \"{}\" with protocol \"layer2\"",
            self.identity.node
        );
        if let Some(known) = objects.service(service) {
            self.events.tell(Occurrence {
                about: service_reference(service, &known.uid),
                reason: EventReason::NodeAssigned,
                note,
            });
        }
    }

    fn say_blocked(&mut self, published: &Published, objects: &Objects) {
        for (address, mac) in &published.blocked {
            if self.blocked.get(address) == Some(mac) {
                continue;
            }
            let note = format!(
                "{address} is not announced: {mac} answers for it, which is no node of this cluster; give that device \
                 another address, or ask for another one here"
            );
            self.tell_services(*address, objects, EventReason::AddressConflict, &note);
        }
        self.blocked.clone_from(&published.blocked);
    }

    /// Who began to answer beside this node, and who ceased to.
    fn say_disputed(&mut self, published: &Published, objects: &Objects) {
        for (address, dispute) in &published.disputes {
            let before = self.disputes.get(address);
            if let Some(mac) = dispute.stranger
                && before.is_none_or(|before| before.stranger != dispute.stranger)
            {
                let note = format!(
                    "{mac} uses {address}, too, which is no node of this cluster: some clients reach that device and not \
                     this Service; it is defended every 10 s; give the device another address, or ask for another one here"
                );
                self.tell_services(*address, objects, EventReason::AddressConflict, &note);
            }
            if !dispute.nodes.is_empty() && before.is_none_or(|before| before.nodes.is_empty()) {
                let note = format!(
                    "{} answers ARP for {address}, which {} announces: set ipvs.strictARP: true where kube-proxy runs in \
                     IPVS mode, and stop other load balancers there",
                    conflict::named(&dispute.nodes),
                    self.identity.node
                );
                self.tell_services(*address, objects, EventReason::NodeAnswersArp, &note);
            }
        }
        for address in self.disputes.keys() {
            let over = !published.disputes.contains_key(address);
            if over && conflict::announced(*address, published).is_some() {
                tracing::info!(ip = %address, node = %self.identity.node, "nobody else answers for the address any more");
            }
        }
        self.disputes.clone_from(&published.disputes);
    }

    /// Addresses that nobody announces because no node has an interface that is named.
    fn say_nowhere(&mut self, published: &Published, objects: &Objects) {
        for address in published.nowhere.difference(&self.nowhere) {
            // MetalLB's reason, and its words as far as they name the fix.
            let note = format!(
                "no node announces {address}: the interfaces that its L2Advertisements name do not exist in node \"{}\" nor \
                 in any other candidate; correct spec.interfaces, or leave it out to use all of them",
                self.identity.node
            );
            self.tell_services(*address, objects, EventReason::AnnounceFailed, &note);
        }
        self.nowhere.clone_from(&published.nowhere);
    }

    /// A warning about an address: in the log, and as an event of each Service that has it.
    fn tell_services(&self, address: IpAddr, objects: &Objects, reason: EventReason, note: &str) {
        for service in objects.services_with(address) {
            tracing::warn!(service = %service.key, ip = %address, reason = reason.as_str(), "{note}");
            self.events.tell(Occurrence {
                about: service_reference(&service.key, &service.uid),
                reason,
                note: note.to_owned(),
            });
        }
    }

    fn say_standing(&mut self, published: &Published) {
        for (address, owner) in &published.standing {
            if self.standing.get(address) != Some(owner) {
                tracing::info!(
                    event = "standIn", ip = %address, node = %self.identity.node, %owner,
                    "answering in the place of {owner}, whose speaker is silent or restarting; its node forwards on"
                );
            }
        }
        for (address, owner) in &self.standing {
            if !published.standing.contains_key(address) {
                tracing::info!(
                    event = "standDown", ip = %address, node = %self.identity.node, %owner,
                    "no longer answering in the place of {owner}"
                );
            }
        }
        self.standing.clone_from(&published.standing);
    }

    fn say_withdrawn(&mut self, published: &Published) {
        for gone in published.gave_up.iter().filter(|gone| gone.version > self.told) {
            (self.moves)(&gone.because);
            for address in &gone.held.addresses {
                let services: Vec<String> = gone.held.services.iter().map(ToString::to_string).collect();
                tracing::info!(
                    event = "serviceWithdrawn", service = %services.join(","), ip = %address,
                    node = %self.identity.node, reason = gone.because.reason(),
                    "no longer announcing: {}", gone.because
                );
            }
        }
        self.told = published.version;
    }
}

#[cfg(test)]
mod tests;
