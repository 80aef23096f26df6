//! Which question is answered, and with which MAC: the same rules for ARP and NDP.

mod withheld;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use self::withheld::{Request, Withheld};
use super::{Frame, InterfaceIndex, Message, Operation, Statement};
use crate::model::{Instant, MacAddr};

/// The answering rules and what they need to know: our interfaces, and what is announced on which of them.
#[derive(Debug, Clone)]
pub struct Responder {
    interfaces: BTreeMap<InterfaceIndex, MacAddr>,
    announced: BTreeMap<IpAddr, BTreeMap<InterfaceIndex, AnswerWith>>,
    max_age: Duration,
    withheld_until: Instant,
    withheld: Withheld,
}

/// Which MAC the asker is to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerWith {
    /// The receiving interface's own, whatever it is by then.
    Own,
    /// Another node's, for which this one stands in: nothing moves in any cache.
    Other(MacAddr),
}

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This frame goes back out of the interface that the request came in by.
    Answer {
        /// The answer's bytes.
        reply: Frame,
        /// What was asked.
        because: Answered,
    },
    /// Nothing is sent.
    Ignore(Ignored),
}

/// What kind of request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// An ordinary request.
    Request,
    /// An ARP Probe (RFC 5227) or duplicate address detection (RFC 4862): the asker wants to use the address and now knows
    /// that it is taken.
    Probe,
}

/// An answer to a request that was withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Late {
    /// Where it goes out.
    pub interface: InterfaceIndex,
    /// What was asked for.
    pub address: IpAddr,
    /// Its bytes.
    pub reply: Frame,
}

/// Why a frame gets no answer. In the order in which the rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ignored {
    /// It came in by an interface that nothing is answered on.
    UnknownInterface,
    /// We sent it ourselves (a bridge or a switch loop brought it back).
    Own,
    /// It is a reply.
    Reply,
    /// Its Ethernet destination is neither broadcast (for NDP the group of the address) nor the interface's own MAC: it
    /// was flooded to us.
    NotForUs,
    /// Its sender MAC is zero or a group address: an answer to it would reach nobody or everybody.
    SenderNotUnicast,
    /// It claims the address instead of asking for it (both addresses are the same). An answer would only tell
    /// the new owner of a moved address that the old one disagrees.
    Claim,
    /// The address is announced on none of our interfaces.
    NotAnnounced,
    /// The address is announced, but not on the interface that was asked.
    OtherInterface,
    /// The request waited too long before we read it: the asker has gone on, and we may not own it any more.
    Late,
    /// Nothing is answered at the moment: we were late or cut off, and somebody may have taken over. What turns out to be still
    /// ours is answered then, see [`Responder::catch_up`].
    Withheld,
}

impl Verdict {
    /// A bounded name for metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answer { because, .. } => match because {
                Answered::Request => "answered_request",
                Answered::Probe => "answered_probe",
            },
            Self::Ignore(why) => match why {
                Ignored::UnknownInterface => "unknown_interface",
                Ignored::Own => "own",
                Ignored::Reply => "reply",
                Ignored::NotForUs => "not_for_us",
                Ignored::SenderNotUnicast => "sender_not_unicast",
                Ignored::Claim => "claim",
                Ignored::NotAnnounced => "not_announced",
                Ignored::OtherInterface => "other_interface",
                Ignored::Late => "late",
                Ignored::Withheld => "withheld",
            },
        }
    }
}

impl Responder {
    /// A responder that answers nothing yet. Requests that waited longer than `max_age` between the kernel's
    /// timestamp and being read are dropped.
    pub const fn new(max_age: Duration) -> Self {
        Self {
            interfaces: BTreeMap::new(),
            announced: BTreeMap::new(),
            max_age,
            withheld_until: Instant::ZERO,
            withheld: Withheld::new(),
        }
    }

    /// Makes an interface, or its new MAC, known.
    pub fn set_interface(&mut self, interface: InterfaceIndex, mac: MacAddr) {
        self.interfaces.insert(interface, mac);
    }

    /// Forgets an interface and what was announced on it.
    pub fn remove_interface(&mut self, interface: InterfaceIndex) {
        self.interfaces.remove(&interface);
        self.announced.retain(|_, on| {
            on.remove(&interface);
            !on.is_empty()
        });
    }

    /// From now on requests for `address` on exactly these interfaces are answered; none of them withdraws it.
    pub fn announce(
        &mut self,
        address: impl Into<IpAddr>,
        on: impl IntoIterator<Item = (InterfaceIndex, AnswerWith)>,
    ) {
        let (address, on) = (address.into(), on.into_iter().collect::<BTreeMap<_, _>>());
        if on.is_empty() {
            self.announced.remove(&address);
        } else {
            self.announced.insert(address, on);
        }
    }

    /// From now on nobody hears from us for `address`.
    pub fn withdraw(&mut self, address: impl Into<IpAddr>) {
        self.announced.remove(&address.into());
    }

    /// Whether the address is announced on any interface.
    pub fn announces(&self, address: impl Into<IpAddr>) -> bool {
        self.announced.contains_key(&address.into())
    }

    /// The addresses that are answered for on an interface.
    pub fn announced_on(&self, interface: InterfaceIndex) -> impl Iterator<Item = IpAddr> {
        let announced = self.announced.iter();
        let here = announced.filter(move |(_, on)| on.contains_key(&interface));
        here.map(|(address, _)| *address)
    }

    /// Answers nothing before `until` (own lateness, return from isolation); [`Instant::ZERO`] ends it, and drops what was asked
    /// meanwhile: somebody else may have answered that. A later call replaces an earlier one.
    pub fn withhold_until(&mut self, until: Instant) {
        self.withheld_until = until;
        if until == Instant::ZERO {
            drop(self.withheld.take());
        }
    }

    /// What becomes of a frame that was just read, as [`Responder::decide`] has it; a request that is withheld is kept.
    pub fn receive(
        &mut self,
        interface: InterfaceIndex,
        message: Message,
        age: Duration,
        now: Instant,
    ) -> Verdict {
        let verdict = self.decide(interface, message, age, now);
        if verdict == Verdict::Ignore(Ignored::Withheld) {
            self.withheld.keep(Request {
                interface,
                message,
                came: now - age,
            });
        }
        verdict
    }

    /// Ends the withholding, as it is known by now what is ours. The answers to what was asked meanwhile: by the same rules, as
    /// if each request had been read only now. The others are dropped.
    pub fn catch_up(&mut self, now: Instant) -> Vec<Late> {
        self.withheld_until = Instant::ZERO;
        let requests = self.withheld.take();
        let answers = requests.filter_map(|request| {
            let age = now.since(request.came);
            match self.decide(request.interface, request.message, age, now) {
                Verdict::Answer { reply, .. } => Some(Late {
                    interface: request.interface,
                    address: Statement::from(&request.message).target_ip,
                    reply,
                }),
                Verdict::Ignore(_) => None,
            }
        });
        answers.collect()
    }

    /// What becomes of a frame that came in by `interface` and lay `age` in the kernel before it was read.
    pub fn decide(
        &self,
        interface: InterfaceIndex,
        message: impl Into<Message>,
        age: Duration,
        now: Instant,
    ) -> Verdict {
        let message = message.into();
        let said = Statement::from(&message);
        match self.answer_with(interface, &said, age, now) {
            Err(why) => Verdict::Ignore(why),
            Ok((own, answer)) => Verdict::Answer {
                reply: message.answer(answer, own).frame(),
                because: if said.is_probe() {
                    Answered::Probe
                } else {
                    Answered::Request
                },
            },
        }
    }

    /// The interface's own MAC and the MAC to answer with, when every rule agrees.
    fn answer_with(
        &self,
        interface: InterfaceIndex,
        said: &Statement,
        age: Duration,
        now: Instant,
    ) -> Result<(MacAddr, MacAddr), Ignored> {
        let own = *self.interfaces.get(&interface).ok_or(Ignored::UnknownInterface)?;
        self.refuse_form(own, said)?;
        let on = self.announced.get(&said.target_ip).ok_or(Ignored::NotAnnounced)?;
        let answer = on.get(&interface).ok_or(Ignored::OtherInterface)?;
        if age > self.max_age {
            return Err(Ignored::Late);
        }
        if now < self.withheld_until {
            return Err(Ignored::Withheld);
        }
        Ok((
            own,
            match answer {
                AnswerWith::Own => own,
                AnswerWith::Other(mac) => *mac,
            },
        ))
    }

    /// The rules that look at the frame alone.
    fn refuse_form(&self, own: MacAddr, said: &Statement) -> Result<(), Ignored> {
        if self
            .interfaces
            .values()
            .any(|mac| *mac == said.sender_mac || *mac == said.eth_src)
        {
            return Err(Ignored::Own);
        }
        if said.op == Operation::Reply {
            return Err(Ignored::Reply);
        }
        if !said.is_to_all() && said.eth_dst != own {
            return Err(Ignored::NotForUs);
        }
        if said.sender_mac.is_zero() || said.sender_mac.is_multicast() {
            return Err(Ignored::SenderNotUnicast);
        }
        if said.is_gratuitous() {
            return Err(Ignored::Claim);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
