//! What the speakers want done, on its way: datagrams, echoes and ARP, each with its delay and its loss.

use std::sync::Arc;
use std::time::Duration;

use super::parcel::Parcel;
use super::place::{host, is_desk, lan_network, mac, management_mac, source};
use super::*;

impl Segment {
    pub(super) fn carry_out(&mut self, node: usize, output: Output) {
        match output {
            Output::Send { to, bytes } => self.send(node, to, bytes),
            Output::Ask { key } => {
                let boots = self.speakers[node].boots;
                self.post(Duration::from_millis(60), Parcel::Asked { node, boots, key });
            }
            Output::AskHosts(hosts) => {
                self.post(Duration::from_micros(300), Parcel::Witness { node });
                self.ask_hosts(node, |host| hosts.contains(&host));
            }
            Output::AskWitness | Output::AskLink => {
                if !self.rolls(self.loss()) {
                    self.post(Duration::from_micros(300), Parcel::Witness { node });
                    self.ask_suspects(node);
                }
            }
            Output::Probe(probe) => {
                let delay = self.delay();
                if !self.is_lost(node, probe.theirs.network.addr()) {
                    self.post(delay, Parcel::Ping { from: node, probe });
                }
            }
            Output::StandIn { key, owner } => {
                self.speakers[node].standing.insert(key, owner);
            }
            Output::AskOwner { key, owner } => {
                let delay = self.delay();
                self.post(
                    delay,
                    Parcel::Owner {
                        from: node,
                        key,
                        owner,
                    },
                );
            }
            Output::StandDown { key } => {
                assert!(self.speakers[node].standing.remove(&key).is_some());
            }
            Output::Claimed { key, epoch, because } => {
                self.speakers[node].standing.remove(&key);
                self.history.push((self.now, node, key, Some(epoch), because));
            }
            Output::Yielded { key, because } => self.history.push((self.now, node, key, None, because)),
            Output::Withhold(until) => {
                let behind = self.speakers[node].behind;
                self.speakers[node].withheld_until = until.map(|until| until + behind);
            }
            Output::CaughtUp => {}
            Output::Hold(held) => self.speakers[node].held = held,
        }
    }

    fn send(&mut self, from: usize, to: IpAddr, bytes: Arc<[u8]>) {
        let delay = self.delay();
        let muffled = self.muffled.get(&from).is_some_and(|until| self.now < *until);
        if !self.is_lost(from, to) && (!muffled || is_desk(to)) {
            let parcel = Parcel::Datagram { from, to, bytes };
            self.post_again(&parcel);
            self.post(delay, parcel);
        }
    }

    /// The kernels that are suspect are asked by ARP, too.
    fn ask_suspects(&mut self, node: usize) {
        let suspects = self.speakers[node].election.suspects();
        self.ask_hosts(node, |host| suspects.contains(&host));
    }

    fn ask_hosts(&mut self, node: usize, which: impl Fn(IpAddr) -> bool) {
        for of in (0..self.speakers.len()).filter(|n| *n != node) {
            if which(host(of)) {
                self.post(Duration::from_micros(400), Parcel::Neighbor { to: node, of });
            }
        }
    }

    /// A millisecond at most, but for one in four while the segment scatters what it carries: others overtake that.
    fn delay(&mut self) -> Duration {
        let usual = 100 + self.random.below(900);
        let more = if self.scatter > 0 && self.random.below(4) == 0 {
            self.random.below(self.scatter)
        } else {
            0
        };
        Duration::from_micros(usual + more)
    }

    /// Some arrive twice, the second time perhaps long after others.
    fn post_again(&mut self, parcel: &Parcel) {
        if self.doubled > 0 && self.random.below(100) < self.doubled {
            let delay = self.delay();
            self.post(delay, parcel.clone());
        }
    }

    /// A speaker that is asked for an address that it claims answers, whether or not its heartbeats arrive.
    fn answer_for_itself(&mut self, from: usize, key: IpAddr, owner: &NodeName) {
        let Some(target) = (0..self.speakers.len()).find(|node| name(*node) == *owner) else {
            return;
        };
        let claims = self.speakers[target].election.claims().epoch(key).is_some();
        let arrives = self.neighbors(from, target) && !self.fades(from, target) && !self.fades(target, from);
        if claims && arrives && self.answers(target, key) {
            self.act(from, |election, now, _| election.owner_answered(mac(target), now));
        }
    }

    /// A kernel answers whatever its speaker does, if there is power.
    fn answer_ping(&mut self, from: usize, probe: reach::Probe) {
        let to = probe.theirs.network.addr();
        let target = self.owner_of(to);
        let hears = |target: &usize| {
            let mac = if is_desk(to) {
                management_mac(*target)
            } else {
                self.mac(*target)
            };
            self.passes(from, *target, to)
                && !self.dark.contains(target)
                && (is_desk(to) || self.neighbors(from, *target))
                && mac == probe.theirs.mac
                && !self.unpingable.contains(target)
                && self.muffled.get(target).is_none_or(|until| *until <= self.now)
        };
        let Some(target) = target.filter(hears) else {
            return;
        };
        let delay = self.delay();
        if !self.is_lost(target, source(from, to)) {
            let arrived = self.now + delay;
            let parcel = Parcel::Echo {
                to: from,
                probe,
                arrived,
            };
            self.post_again(&parcel);
            self.post(delay, parcel);
        }
    }

    fn post(&mut self, delay: Duration, parcel: Parcel) {
        self.serial += 1;
        self.queue
            .push(Reverse(Travelling(self.now + delay, self.serial, parcel)));
    }

    pub(super) fn deliver(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Datagram { from, to, bytes } => {
                let deaf = |target: &usize| self.deaf.contains(target) && !is_desk(to);
                let heard = |target: &usize| self.passes(from, *target, to) && !deaf(target);
                let target = self.owner_of(to);
                let Some(target) = target.filter(heard).filter(|_| !self.firewall) else {
                    return;
                };
                if let Some(waiting) = self.stopped.get_mut(&target) {
                    return waiting.push((source(from, to), bytes));
                }
                self.act(target, |election, now, out| {
                    let _ = election.receive(source(from, to), &bytes, now, out);
                });
            }
            Parcel::Asked { node, boots, key } => {
                if self.speakers[node].boots != boots {
                    return;
                }
                // Whoever stands in answers with the MAC address of the one that asks.
                let stands = |n: usize| self.speakers[n].standing.get(&key) == Some(&name(node));
                let ours = (0..self.speakers.len())
                    .any(|n| n != node && self.connected(n, node) && self.answers(n, key) && !stands(n));
                let answer = if self.strangers.contains(&key) || ours {
                    Answer::Occupied
                } else {
                    Answer::Silent
                };
                self.act(node, |election, now, _| election.asked(key, answer, now));
            }
            Parcel::Neighbor { to, of } => {
                let arrives = self.neighbors(to, of) && !self.fades(to, of) && !self.fades(of, to);
                if arrives {
                    let mac = self.mac(of);
                    self.act(to, |election, now, _| {
                        election.neighbor(host(of), mac, Sign::Answer, now);
                    });
                }
            }
            Parcel::Owner { from, key, owner } => self.answer_for_itself(from, key, &owner),
            Parcel::Ping { from, probe } => self.answer_ping(from, probe),
            Parcel::Echo { to, probe, arrived } => {
                let from = (probe.theirs.network.addr(), probe.theirs.mac);
                if !self.stopped.contains_key(&to) && self.speakers[to].alive {
                    let behind = self.speakers[to].behind;
                    let mut out = Vec::new();
                    self.speakers[to].election.echo(
                        from,
                        probe.question,
                        arrived - behind,
                        self.now - behind,
                        &mut out,
                    );
                    for output in out {
                        self.carry_out(to, output);
                    }
                }
            }
            Parcel::Witness { node } => self.hear_gateway(node),
        }
    }

    /// Whose question does not arrive hears others ask each other.
    fn hear_gateway(&mut self, node: usize) {
        let cut = self.unplugged.contains(&node) || self.severed.contains(&node);
        if self.gateway != Some(self.side[node]) || cut {
            return;
        }
        let percent = self.faint.get(&(node, Place::Gateway)).copied();
        let is_lost = percent.is_some_and(|percent| self.rolls(percent));
        let sign = if is_lost { Sign::Heard } else { Sign::Answer };
        self.act(node, |election, now, _| {
            election.witness(&[lan_network()], sign, now);
        });
    }
}
