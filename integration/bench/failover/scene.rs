//! A home in which a cable can be cut again and again.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::super::Stage;
use super::super::beside::{self, Beside, Neighbours};
use super::super::ground::{self, SOON};
use super::super::rival::{self, Rival};
use super::flight::{Flight, Side};
use crate::home::{Home, Plan, ROUTER};
use crate::lan::Mac;
use crate::peers::keepalived::Keepalived;
use crate::peers::metallb::Running;
use crate::wait::until;
use crate::wire::{self, ArpFrame, Capture, Echo, Operation, PingAnswer, Pinger, Seen, micros};

/// Answers before the cut and after the takeover, one a millisecond: a client that is served.
const STEADY: u64 = 300;

/// Four times what the slowest of them takes. Whoever has not taken over by then does not.
const GIVEN_UP: Duration = Duration::from_secs(20);

/// The address that the lab moves: in no pool, and nobody's.
const FLOOR: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 168, 1, 60), 7_000);

/// `MetalLB`'s address, of the guide's pool.
const METALLB: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

pub(super) struct Scene {
    // Before the home: they run on its nodes, and so does what answers behind keepalived's address.
    rival: Option<Rival>,
    /// Where it is `MetalLB` that announces the Service, and not tiklb.
    metallb: Option<Running>,
    _echoes: Vec<Echo>,
    home: Home,
    /// A Service's address.
    service: SocketAddrV4,
}

/// One client for each address behind the cable.
struct Clients {
    tiklb: Pinger,
    floor: Pinger,
    rival: Option<Pinger>,
}

impl Clients {
    /// Starts them, and waits until all are served by `node`.
    async fn start(scene: &Scene, node: &str) -> Result<Self> {
        let client = scene.home.client()?;
        let clients = Self {
            tiklb: Pinger::start(client, scene.service)?,
            floor: Pinger::start(client, FLOOR)?,
            rival: match scene.rival {
                Some(_) => Some(Pinger::start(client, rival::ADDRESS)?),
                None => None,
            },
        };
        let all = [&clients.tiklb, &clients.floor].into_iter().chain(&clients.rival);
        for pinger in all {
            let steady = |answer: &PingAnswer| *answer.node == *node && answer.sequence >= STEADY;
            pinger.wait_for(steady, SOON).await?;
        }
        Ok(clients)
    }
}

impl Scene {
    /// With keepalived on the nodes where there is one.
    pub(super) async fn build(stage: &mut Stage, keepalived: Option<&Keepalived>) -> Result<Self> {
        let plan = Plan::default().tiklb(&stage.tiklb);
        let (mut home, service) = ground::served(&mut stage.screen, plan).await?;
        home.serve(*FLOOR.ip(), FLOOR.port()).await?;
        let mut echoes = Vec::new();
        // Nobody preempts, as tiklb does not: an address that went back with its node would be measured twice.
        let rival = keepalived.map(|program| Rival::new(program.clone(), false));
        if rival.is_some() {
            for node in home.node_names() {
                echoes.push(Echo::start(home.lan().host(node)?, rival::ADDRESS).await?);
            }
        }
        home.all_hear_each_other().await?;
        Ok(Self {
            rival: rival.transpose()?,
            metallb: None,
            _echoes: echoes,
            home,
            service,
        })
    }

    /// The same with `MetalLB` in place of tiklb, and without keepalived.
    pub(super) async fn of_metallb(stage: &mut Stage, beside: &Beside) -> Result<Self> {
        let (Neighbours { running, mut home }, service) = beside.serving(stage, "failover", METALLB).await?;
        home.serve(*FLOOR.ip(), FLOOR.port()).await?;
        Ok(Self {
            rival: None,
            metallb: Some(running),
            _echoes: Vec::new(),
            home,
            service,
        })
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// What keepalived or `MetalLB` said.
    pub(super) fn last_words(&self) -> String {
        let rival = self.rival.as_ref().map(Rival::last_words);
        let metallb = self.metallb.as_ref().map(Running::last_words);
        rival.or(metallb).unwrap_or_default()
    }

    /// Cuts the announcing node off, and watches.
    pub(super) async fn fly(&self, run: u32) -> Result<Flight> {
        let home = &self.home;
        let node = home.announcer(*self.service.ip(), SOON).await?.host;
        let others = home.node_names().filter(|other| *other != node);
        let heir = others.last().context("a home with one node has no heir")?;
        ensure!(
            home.address_of(&node).is_ok(),
            "expected a node to answer for {}, found {node}",
            self.service.ip()
        );
        if let Some(rival) = &self.rival {
            rival.settle(home, &node).await?;
        }
        self.warm_up(&node).await?;
        let claim = claim(mac_of(home, heir).await?);
        let (client, router) = (home.client()?, home.lan().host("router")?);
        let capture = Capture::start(client, client.interface())?;
        let gateway = Capture::start(router, router.interface())?;
        let clients = Clients::start(self, &node).await?;
        let cut = Instant::now();
        home.lan().cut(&node).await?;
        let cut_took_us = micros(cut.elapsed());
        wire::send(home.lan().host(heir)?, &claim)?;
        taken_over(&clients.floor, &node)
            .await?
            .context("the lab moved an address and the client did not follow")?;
        // Nobody answers when the client's kernel asks for it again, after 5 s.
        let floor = clients.floor.stop()?;
        let heir = taken_over(&clients.tiklb, &node).await?;
        let tiklb = clients.tiklb.stop()?;
        if let Some(rival) = &clients.rival {
            // Who does not take over has an endless silence.
            taken_over(rival, &node).await?;
        }
        let rival = clients.rival.map(Pinger::stop).transpose()?;
        let gone = mac_of(home, &node).await?;
        let frames = capture.frames();
        let first = |address: Ipv4Addr| frames.iter().find(|seen| moves(seen, address, gone, cut));
        let asked = gateway.frames();
        let asked = asked.iter().find(|seen| asks_for_a_sign(seen, gone, cut));
        Ok(Flight {
            run,
            cut_took_us,
            asked_after_us: asked.map(|seen| micros(seen.at.saturating_duration_since(cut))),
            heir,
            tiklb: Side::new(tiklb, &node, cut, first(*self.service.ip())),
            floor: Side::new(floor, &node, cut, first(*FLOOR.ip())),
            rival: rival.map(|rival| Side::new(rival, &node, cut, first(*rival::ADDRESS.ip()))),
            node,
            trouble: None,
        })
    }

    /// Mends the cable, and waits until the node is one of them again.
    pub(super) async fn mend(&self, node: &str) -> Result<()> {
        self.home.lan().mend(node).await?;
        match self.metallb {
            Some(_) => beside::settled(&self.home, *self.service.ip()).await,
            None => self.home.all_hear_each_other().await,
        }
    }

    /// The client's kernel knows all addresses at `node`: what it costs to learn them is not to be measured.
    async fn warm_up(&self, node: &str) -> Result<()> {
        let home = &self.home;
        let client = home.client()?;
        let (tiklb, floor) = (
            Pinger::start(client, self.service)?,
            Pinger::start(client, FLOOR)?,
        );
        let rival = match self.rival {
            Some(_) => Some(Pinger::start(client, rival::ADDRESS)?),
            None => None,
        };
        let (host, claim) = (home.lan().host(node)?, claim(mac_of(home, node).await?));
        let at_node = |answer: &PingAnswer| *answer.node == *node;
        until("the client to know all addresses", SOON, async || {
            wire::send(host, &claim)?;
            floor.wait_for(at_node, Duration::from_millis(100)).await?;
            tiklb.wait_for(at_node, SOON).await?;
            if let Some(rival) = &rival {
                rival.wait_for(at_node, SOON).await?;
            }
            Ok(())
        })
        .await
    }
}

/// Waits for another node's answers, until they are steady; nothing if nobody takes over.
async fn taken_over(pinger: &Pinger, gone: &str) -> Result<Option<String>> {
    let first = match pinger.wait_for(|answer| *answer.node != *gone, GIVEN_UP).await {
        Ok(first) => first,
        Err(wire::Error::TooLate { .. }) => return Ok(None),
        Err(why) => return Err(why.into()),
    };
    let enough = first.sequence + STEADY;
    let steady = |answer: &PingAnswer| *answer.node != *gone && answer.sequence >= enough;
    pinger.wait_for(steady, SOON).await?;
    Ok(Some(first.node.to_string()))
}

/// Whether a frame takes an address to another node.
fn moves(seen: &Seen, address: Ipv4Addr, gone: Mac, cut: Instant) -> bool {
    let ArpFrame {
        sender_ip,
        sender_mac,
        ..
    } = seen.frame;
    seen.at >= cut && seen.frame.is_gratuitous() && sender_ip == address && sender_mac != gone
}

/// Whether somebody asks the gateway for a sign that their own link works, as tiklb does when it suspects a node. Whoever
/// else asks the gateway just then counts too: from outside they look the same.
fn asks_for_a_sign(seen: &Seen, gone: Mac, cut: Instant) -> bool {
    let ArpFrame { op, target_ip, .. } = seen.frame;
    let of_another = seen.frame.sender_mac != gone && !seen.frame.is_gratuitous();
    seen.at >= cut && op == Operation::Request && target_ip == ROUTER && of_another
}

/// The broadcast by which a node with this MAC takes the floor's address.
fn claim(mac: Mac) -> ArpFrame {
    ArpFrame::request(mac, *FLOOR.ip(), *FLOOR.ip())
}

async fn mac_of(home: &Home, host: &str) -> Result<Mac> {
    let host = home.lan().host(host)?;
    Ok(host.link(host.interface()).await?.mac)
}

#[cfg(test)]
mod tests;
