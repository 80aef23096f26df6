//! What happens to nodes and their speakers: power, signals, cables.

use std::sync::Arc;

use ipnet::IpNet;

use super::place::{desk, host, mac, management_mac};
use super::*;

impl Segment {
    /// Starts (or restarts) a speaker; it sees the API at once.
    pub(in super::super) fn start(&mut self, node: usize) {
        self.dark.remove(&node);
        // What was stopped is gone with its sockets.
        self.stopped.remove(&node);
        self.paused.remove(&node);
        self.unread.remove(&node);
        let speaker = &mut self.speakers[node];
        let now = self.now - speaker.behind;
        speaker.boots += 1;
        let mut boot = [u8::try_from(node).unwrap(); 16];
        boot[0] = speaker.boots;
        speaker.election = Election::new(name(node), BootId(boot), speaker.key.clone(), now);
        speaker.election.set_failback(self.failback);
        speaker.alive = true;
        speaker.withheld_until = None;
        speaker.held = false;
        speaker.standing.clear();
        speaker.election.set_desired(Arc::new(self.desired.clone()), now);
        self.relink(node);
    }

    pub(in super::super) fn start_all(&mut self) {
        (0..self.speakers.len()).for_each(|node| self.start(node));
    }

    /// Its node loses power.
    pub(in super::super) fn kill(&mut self, node: usize) {
        self.speakers[node].alive = false;
        self.dark.insert(node);
    }

    /// SIGKILL: the kernel lives on.
    pub(in super::super) fn kill_speaker(&mut self, node: usize) {
        self.speakers[node].alive = false;
    }

    /// SIGSTOP.
    pub(in super::super) fn stop(&mut self, node: usize) {
        self.stopped.insert(node, vec![]);
    }

    /// SIGCONT: all that waits is read before anything is decided.
    pub(in super::super) fn resume(&mut self, node: usize) {
        let waiting = self.stopped.remove(&node).unwrap_or_default();
        self.act(node, |election, now, out| {
            for (from, bytes) in &waiting {
                let _ = election.receive(*from, bytes, now, out);
            }
        });
        // What the API wants has waited for it, too.
        if self.unread.remove(&node) {
            let desired = Arc::new(self.desired.clone());
            self.tell(node, &desired);
        }
    }

    /// The whole machine stops, as a virtual one does that is moved. What is sent to it waits for it.
    pub(in super::super) fn freeze(&mut self, node: usize) {
        self.stop(node);
        self.dark.insert(node);
    }

    /// The same without its clock's notice, and what is sent to it meanwhile is lost: nothing that it could ask shows it that
    /// it stood still.
    pub(in super::super) fn pause(&mut self, node: usize) {
        self.freeze(node);
        self.paused.entry(node).or_insert(self.now);
    }

    /// And goes on.
    pub(in super::super) fn thaw(&mut self, node: usize) {
        self.dark.remove(&node);
        if let Some(since) = self.paused.remove(&node) {
            let stood = self.now.since(since);
            let speaker = &mut self.speakers[node];
            speaker.behind += stood;
            speaker.deadline = speaker.deadline + stood;
            speaker.withheld_until = speaker.withheld_until.map(|until| until + stood);
            self.stopped.remove(&node);
        }
        self.resume(node);
    }

    /// SIGTERM on a node that is drained: its speaker ends when others have what it had.
    pub(in super::super) fn leave(&mut self, node: usize) {
        self.act_leave(node);
        for _ in 0..1_000 {
            if self.speakers[node].election.has_left() {
                break;
            }
            self.run_ms(1);
        }
        self.kill_speaker(node);
    }

    /// The beginning of that.
    pub(in super::super) fn act_leave(&mut self, node: usize) {
        self.act(node, |election, now, out| {
            election.leave(Departure::ForGood, now, out);
        });
    }

    /// SIGTERM of a rollout.
    pub(in super::super) fn rest(&mut self, node: usize) {
        self.act(node, |election, now, out| {
            election.leave(Departure::BackSoon, now, out);
        });
        self.act(node, |_, _, _| {});
        self.kill_speaker(node);
    }

    /// Carrier goes or comes.
    pub(in super::super) fn unplug(&mut self, node: usize, out: bool) {
        if out {
            self.unplugged.insert(node)
        } else {
            self.unplugged.remove(&node)
        };
        if self.speakers[node].alive {
            self.relink(node);
        }
    }

    /// What the health check of a node's proxy says.
    pub(in super::super) fn serve(&mut self, node: usize, serving: Serving) {
        self.act(node, |election, now, _| election.set_serving(serving, now));
    }

    /// The MAC address of the card that it has now.
    pub(super) fn mac(&self, node: usize) -> MacAddr {
        let mut card = mac(node);
        card.4 += u8::from(self.exchanged.contains(&node));
        card
    }

    /// Its speaker hears of the card that it has now.
    pub(in super::super) fn relink(&mut self, node: usize) {
        let interface = WireInterface {
            mac: self.mac(node),
            network: IpNet::new(host(node), self.prefix).unwrap(),
        };
        let management = WireInterface {
            mac: management_mac(node),
            network: IpNet::new(desk(node), 24).unwrap(),
        };
        let plugged = (!self.unplugged.contains(&node)).then_some(interface);
        let managed = self.managed.then_some(management);
        let interfaces = plugged.into_iter().chain(managed).collect();
        self.act(node, |election, now, out| {
            election.set_interfaces(interfaces, now, out);
        });
    }
}
