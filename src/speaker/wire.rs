//! The thread `wire`: it alone owns the election, the neighbour state, the sockets and their timers.
//!
//! It has a runtime of its own on which nothing else runs, so that neither the API server nor a slow log can delay an
//! answer. The API side puts what it wants into a watch channel and finds what is announced in another; the latest
//! value counts in both, so that neither side ever waits for the other.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tiklb_core::election::{BootId, Departure, Failback, Key, Serving};
use tiklb_core::model::{Family, Instant, NodeName, Now};
use tiklb_core::neighbor::{InterfaceIndex, ndp};
use tiklb_core::speaker::{Counters, Effect, Event, Link, Published, Speaker, Wanted};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::link::datagram::{self, Arrival};
use crate::link::filter::Filter;
use crate::link::group::{GroupError, Groups};
use crate::link::packet::echo::EchoSocket;
use crate::link::packet::{BUDGET, OpenError, PacketSocket, any_readable};
use crate::link::timer::Timer;
use crate::link::watch::{Exclusions, Snapshot};

/// Counters are copied out for the metrics this often at most: a scrape needs no fresher ones.
const COUNTERS_EVERY: Duration = Duration::from_millis(500);
/// After a stop the thread says goodbye and ends; a heartbeat leaves within a millisecond.
const GOODBYE: Duration = Duration::from_millis(20);
/// Datagrams and frames are read in turns of at most this many budgets before the timers are looked at again.
const DRAINS: usize = 4;
/// To read what has arrived takes some ten microseconds. A thread that took so much longer had no processor meanwhile, and
/// more may have arrived.
const READ_WITHIN: Duration = Duration::from_micros(300);

/// What was being done when the kernel gave no timer, or took no deadline.
const TIMER: &str = "setting the timer of the wire thread";

/// What the wire needs to start.
pub struct Settings {
    /// This node.
    pub node: NodeName,
    /// Where heartbeats arrive, on all addresses of the host.
    pub port: u16,
    /// Interfaces that are never used.
    pub exclusions: Exclusions,
    /// How addresses go back to whoever comes first in order.
    pub failback: Failback,
    /// Called with every turn of the thread from the first on, often: it must not block.
    pub turn: Box<dyn Fn() + Send>,
}

/// The API side's ends of the channels.
#[derive(Debug)]
pub struct Handle {
    /// What is wanted. `None` before the API was read.
    pub wanted: watch::Sender<Option<Arc<Wanted>>>,
    /// The heartbeat key; without one nothing starts.
    pub key: watch::Sender<Option<Key>>,
    /// What the health check of this node's proxy says.
    pub serving: watch::Sender<Serving>,
    /// Set to stop.
    pub stop: watch::Sender<Option<Departure>>,
    /// What is announced and was found out.
    pub published: watch::Receiver<Arc<Published>>,
    /// What was received and sent.
    pub counters: watch::Receiver<Arc<Counters>>,
    /// Why the thread ended, once it has.
    pub ended: tokio::sync::oneshot::Receiver<Result<()>>,
}

struct Inside {
    wanted: watch::Receiver<Option<Arc<Wanted>>>,
    key: watch::Receiver<Option<Key>>,
    serving: watch::Receiver<Serving>,
    stop: watch::Receiver<Option<Departure>>,
    published: watch::Sender<Arc<Published>>,
    counters: watch::Sender<Arc<Counters>>,
}

/// Starts the thread.
///
/// # Errors
/// The thread could not be started.
pub fn start(settings: Settings) -> Result<Handle> {
    let (wanted, wanted_inside) = watch::channel(None);
    let (key, key_inside) = watch::channel(None);
    let (serving, serving_inside) = watch::channel(Serving::default());
    let (stop, stop_inside) = watch::channel(None);
    let (published_inside, published) = watch::channel(Arc::new(Published::default()));
    let (counters_inside, counters) = watch::channel(Arc::new(Counters::default()));
    let (report, ended) = tokio::sync::oneshot::channel();
    let inside = Inside {
        wanted: wanted_inside,
        key: key_inside,
        serving: serving_inside,
        stop: stop_inside,
        published: published_inside,
        counters: counters_inside,
    };
    std::thread::Builder::new()
        .name("wire".to_owned())
        .spawn(move || {
            let outcome = run(settings, inside);
            // Nobody listens any more: then nobody needs to know.
            let _ = report.send(outcome);
        })
        .context("could not start the thread that owns the sockets")?;
    Ok(Handle {
        wanted,
        key,
        serving,
        stop,
        published,
        counters,
        ended,
    })
}

fn run(settings: Settings, inside: Inside) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start the runtime of the wire thread")?;
    runtime.block_on(async move {
        let mut inside = inside;
        let Some(key) = wait_for_key(&mut inside).await else {
            return Ok(());
        };
        let datagrams = datagram::Pair::bind(settings.port).with_context(|| {
            format!(
                "could not open UDP port {} for heartbeats: is another speaker running on this node? \
                 (--heartbeat-port, TIKLB_HEARTBEAT_PORT)",
                settings.port
            )
        })?;
        let (links, watch) = crate::link::watch::watch(settings.exclusions)
            .await
            .context("could not read this node's network interfaces")?;
        let mut wire = Wire::new(settings.node, key, datagrams, settings.port, settings.turn);
        wire.speaker.set_failback(settings.failback);
        tokio::select! {
            () = watch.run() => Ok(()),
            outcome = wire.run(inside, links) => outcome,
        }
    })
}

async fn wait_for_key(inside: &mut Inside) -> Option<Key> {
    loop {
        if inside.stop.borrow().is_some() {
            return None;
        }
        if let Some(key) = inside.key.borrow_and_update().clone() {
            return Some(key);
        }
        tokio::select! {
            changed = inside.key.changed() => changed.ok()?,
            changed = inside.stop.changed() => changed.ok()?,
        }
    }
}

/// An interface's sockets and their filters.
struct Port {
    socket: PacketSocket,
    filter: Filter,
    /// Only while there is anything to be heard of IPv6 addresses: a node's IPv6 traffic passes its filter.
    discovery: Option<(PacketSocket, Filter)>,
    groups: Option<Groups>,
    /// Of the family by which nodes ask each other here. Without it the other nodes' kernels cannot be asked, and their
    /// heartbeats decide.
    echo: Option<EchoSocket>,
}

impl Port {
    fn sockets(&self) -> impl Iterator<Item = &PacketSocket> {
        let discovery = self.discovery.iter().map(|(socket, _)| socket);
        std::iter::once(&self.socket).chain(discovery)
    }

    fn sockets_mut(&mut self) -> impl Iterator<Item = &mut PacketSocket> {
        let discovery = self.discovery.iter_mut().map(|(socket, _)| socket);
        std::iter::once(&mut self.socket).chain(discovery)
    }

    /// The socket of the frame's protocol.
    fn for_frame(&mut self, frame: &[u8]) -> Option<&mut PacketSocket> {
        if frame.get(12..14) == Some(&ndp::ETHER_TYPE) {
            self.discovery.as_mut().map(|(socket, _)| socket)
        } else {
            Some(&mut self.socket)
        }
    }

    /// Listens for NDP by this filter, or not at all.
    fn discover(&mut self, filter: Option<Filter>) -> Result<(), OpenError> {
        let Some(filter) = filter else {
            self.discovery = None;
            return Ok(());
        };
        match &mut self.discovery {
            Some((_, known)) if *known == filter => {}
            Some((socket, known)) => {
                socket.set_filter(&filter)?;
                *known = filter;
            }
            None => {
                let socket = PacketSocket::open(self.socket.interface(), &filter)?;
                self.discovery = Some((socket, filter));
            }
        }
        Ok(())
    }

    /// Asks other nodes' kernels by the family of this link, which changes with its addresses.
    fn ask(&mut self, link: &Link, id: u16) -> Result<(), OpenError> {
        if self.echo.as_ref().map(EchoSocket::family) != Some(link.family()) {
            self.echo = None;
            self.echo = Some(EchoSocket::open(link.index, link.family(), id)?);
        }
        Ok(())
    }

    /// Has exactly these groups joined.
    fn join(&mut self, interface: InterfaceIndex, groups: &BTreeSet<Ipv6Addr>) -> Result<(), GroupError> {
        match &mut self.groups {
            Some(joined) => joined.set(groups),
            None if groups.is_empty() => Ok(()),
            none => none.insert(Groups::open(interface)?).set(groups),
        }
    }
}

struct Wire {
    speaker: Speaker,
    clock: Clock,
    datagrams: datagram::Pair,
    port: u16,
    ports: BTreeMap<InterfaceIndex, Port>,
    links: Vec<Link>,
    effects: Vec<Effect>,
    version: u64,
    counters_sent: Instant,
    /// The filters may no longer fit.
    refilter: bool,
    turn: Box<dyn Fn() + Send>,
}

impl Wire {
    fn new(
        node: NodeName,
        key: Key,
        datagrams: datagram::Pair,
        port: u16,
        turn: Box<dyn Fn() + Send>,
    ) -> Self {
        let clock = Clock::start();
        let now = clock.mono();
        Self {
            speaker: Speaker::new(node, BootId(rand::random()), key, now),
            clock,
            datagrams,
            port,
            ports: BTreeMap::new(),
            links: Vec::new(),
            effects: Vec::new(),
            version: 0,
            counters_sent: now,
            refilter: false,
            turn,
        }
    }

    async fn run(mut self, mut inside: Inside, mut links: watch::Receiver<Arc<Snapshot>>) -> Result<()> {
        links.mark_changed();
        inside.wanted.mark_changed();
        let mut timer = Timer::start().context(TIMER)?;
        let mut leaves = false;
        loop {
            (self.turn)();
            timer.set(self.deadline()).context(TIMER)?;
            tokio::select! {
                biased;
                stopping = inside.stop.changed(), if !leaves => {
                    // Without an API side nobody will say that it comes back.
                    let departure = *inside.stop.borrow();
                    let departure = departure.or(stopping.is_err().then_some(Departure::ForGood));
                    leaves = departure.is_some();
                    self.leave(departure);
                    if departure == Some(Departure::BackSoon) {
                        return self.say_goodbye(&inside).await;
                    }
                }
                // One that leaves needs nothing more of the API side, which may be gone.
                changed = inside.wanted.changed(), if !leaves => {
                    changed.context("the API side ended")?;
                    let wanted = inside.wanted.borrow_and_update().clone();
                    if let Some(wanted) = wanted {
                        self.step(Event::Wanted(wanted));
                        self.refilter = true;
                    }
                }
                changed = links.changed() => {
                    changed.context("the interface watch ended")?;
                    let snapshot = links.borrow_and_update().clone();
                    self.relink(&snapshot);
                }
                changed = inside.key.changed(), if !leaves => {
                    changed.context("the API side ended")?;
                    let key = inside.key.borrow_and_update().clone();
                    if let Some(key) = key {
                        self.step(Event::Key(key));
                    }
                }
                Ok(()) = inside.serving.changed() => {
                    let serving = *inside.serving.borrow_and_update();
                    self.step(Event::Serving(serving));
                }
                readable = self.datagrams.readable() => readable.context("the heartbeat socket failed")?,
                readable = any_readable(self.ports.values().flat_map(Port::sockets)) => {
                    readable.context("a packet socket failed")?;
                }
                expired = timer.expired() => expired.context(TIMER)?,
            }
            self.end_turn(&inside);
            if self
                .speaker
                .gone_at()
                .is_some_and(|gone| gone <= self.clock.mono())
            {
                return self.say_goodbye(&inside).await;
            }
        }
    }

    /// When the thread has something to do, if nothing comes before.
    fn deadline(&self) -> std::time::Instant {
        let next = self.speaker.next_deadline(self.clock.mono());
        self.clock
            .at(self.speaker.gone_at().map_or(next, |gone| gone.min(next)))
    }

    fn leave(&mut self, departure: Option<Departure>) {
        if let Some(departure) = departure {
            self.step(Event::Leave(departure));
        }
    }

    fn end_turn(&mut self, inside: &Inside) {
        self.step(Event::Tick);
        self.publish(inside);
        if std::mem::take(&mut self.refilter) {
            self.refilter();
        }
    }

    /// Everything that has arrived, heartbeats before frames: a claim that is waiting to be read must count before the
    /// next answer. Returns the moment up to which that is so: with a later one silence would be judged while an answer
    /// lies unread, if the thread did not have the processor in between.
    fn read(&mut self) -> Now {
        for _ in 0..DRAINS {
            let begun = self.clock.mono();
            let mut more = self.read_datagrams();
            more |= self.read_frames();
            more |= self.read_echoes();
            let now = self.clock.now();
            if !more && now.mono.since(begun) <= READ_WITHIN {
                return now;
            }
        }
        self.clock.now()
    }

    fn read_datagrams(&mut self) -> bool {
        let Self {
            datagrams,
            speaker,
            clock,
            effects,
            ..
        } = self;
        let drained = datagrams.drain(|arrival| {
            if let Arrival::Datagram { from, payload } = arrival {
                let event = Event::Datagram {
                    from: from.ip(),
                    bytes: payload,
                };
                speaker.step(event, clock.now(), &mut rand::random::<u64>, effects);
            }
        });
        self.carry_out();
        drained.more
    }

    fn read_frames(&mut self) -> bool {
        let mut more = false;
        let mut closed = Vec::new();
        let Self {
            ports,
            speaker,
            clock,
            effects,
            ..
        } = self;
        for (index, port) in ports.iter_mut() {
            for socket in port.sockets_mut() {
                let drained = socket.drain(|received| {
                    let age = received.age.unwrap_or_default();
                    let event = Event::Frame {
                        interface: *index,
                        bytes: received.frame,
                        age,
                    };
                    speaker.step(event, clock.now(), &mut rand::random::<u64>, effects);
                });
                match drained {
                    Ok(drained) => more |= drained.more,
                    Err(error) => closed.push((*index, error)),
                }
            }
        }
        self.carry_out();
        for (index, error) in closed {
            // The interface watch says whether it comes back; until then nothing is to be read there.
            tracing::debug!(interface = index.0, %error, "packet socket closed");
            self.ports.remove(&index);
        }
        more
    }

    fn read_echoes(&mut self) -> bool {
        let mut more = false;
        let Self {
            ports,
            speaker,
            clock,
            effects,
            ..
        } = self;
        for echo in ports.values_mut().filter_map(|port| port.echo.as_mut()) {
            let read = echo.drain(|bytes, age| {
                let event = Event::Echo { bytes, age };
                speaker.step(event, clock.now(), &mut rand::random::<u64>, effects);
            });
            more |= read == BUDGET;
        }
        self.carry_out();
        more
    }

    /// Hands an event over, after all that has arrived before it.
    fn step(&mut self, event: Event<'_>) {
        let now = self.read();
        self.speaker
            .step(event, now, &mut rand::random::<u64>, &mut self.effects);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        let mut unsent = Vec::new();
        for effect in effects.drain(..) {
            match effect {
                Effect::Datagram { to, bytes } => self.send_datagram(to, &bytes),
                Effect::Answer { interface, frame } => {
                    // Whoever asked asks again.
                    self.send_frame(interface, &frame);
                }
                Effect::Probe { interface, frame } => self.send_probe(interface, &frame),
                Effect::Announce(outgoing) => {
                    if !self.send_frame(outgoing.interface, &outgoing.frame) {
                        unsent.push(outgoing);
                    }
                }
            }
        }
        self.effects = effects;
        for outgoing in unsent {
            let event = Event::NotSent(outgoing);
            self.speaker.step(
                event,
                self.clock.now(),
                &mut rand::random::<u64>,
                &mut self.effects,
            );
        }
    }

    fn send_frame(&mut self, interface: InterfaceIndex, frame: &[u8]) -> bool {
        let Some(port) = self.ports.get_mut(&interface) else {
            return false;
        };
        let Some(socket) = port.for_frame(frame) else {
            return false;
        };
        let sent = socket.send(frame);
        if let Err(error) = &sent {
            tracing::debug!(interface = interface.0, %error, "frame not sent");
        }
        sent.is_ok()
    }

    fn send_probe(&self, interface: InterfaceIndex, frame: &[u8]) {
        let echo = self.ports.get(&interface).and_then(|port| port.echo.as_ref());
        if let Some(Err(error)) = echo.map(|echo| echo.send(frame)) {
            tracing::debug!(interface = interface.0, %error, "question to a node's kernel not sent");
        }
    }

    fn send_datagram(&mut self, to: IpAddr, bytes: &[u8]) {
        if let Err(error) = self.datagrams.send(bytes, SocketAddr::new(to, self.port)) {
            tracing::debug!(%error, "heartbeat not sent");
        }
    }

    fn relink(&mut self, snapshot: &Snapshot) {
        self.links = links(snapshot);
        self.ports
            .retain(|index, _| self.links.iter().any(|link| link.index == *index));
        for link in &self.links {
            if self.ports.contains_key(&link.index) {
                continue;
            }
            let filter = Filter::new(link.mac, &self.speaker.interest(link));
            match PacketSocket::open(link.index, &filter) {
                Ok(socket) => {
                    tracing::info!(interface = %link.name, mac = %link.mac, "listening for ARP");
                    let port = Port {
                        socket,
                        filter,
                        discovery: None,
                        groups: None,
                        echo: None,
                    };
                    self.ports.insert(link.index, port);
                }
                Err(error) => {
                    let error = anyhow::Error::from(error);
                    tracing::error!(interface = %link.name, "cannot listen for ARP: {error:#}");
                }
            }
        }
        // First the filters: a gateway is asked for its MAC at once, and answers within microseconds.
        self.refilter();
        self.step(Event::Links(self.links.clone()));
        self.refilter = true;
    }

    /// The kernel drops what nobody here would read; what that is follows the pools and the addresses.
    fn refilter(&mut self) {
        for link in &self.links {
            let Some(port) = self.ports.get_mut(&link.index) else {
                continue;
            };
            let interest = self.speaker.interest(link);
            let filter = Filter::new(link.mac, &interest);
            if filter != port.filter {
                match port.socket.set_filter(&filter) {
                    Ok(()) => port.filter = filter,
                    Err(error) => {
                        tracing::error!(interface = %link.name, %error, "the ARP filter could not be changed");
                    }
                }
            }
            let discovery = Filter::ndp(link.mac, &interest);
            let hears = !discovery.is_empty() && !link.networks_v6.is_empty();
            if let Err(error) = port.discover(hears.then_some(discovery)) {
                let error = anyhow::Error::from(error);
                tracing::error!(interface = %link.name, "cannot listen for NDP: {error:#}");
            }
            if let Err(error) = port.ask(link, self.speaker.echo_id()) {
                tracing::error!(interface = %link.name, %error, "cannot ask other nodes' kernels");
            }
            if let Err(error) = port.join(link.index, &self.speaker.groups(link.index)) {
                let error = anyhow::Error::from(error);
                tracing::error!(interface = %link.name, "questions for IPv6 addresses may not arrive: {error:#}");
            }
        }
    }

    fn publish(&mut self, inside: &Inside) {
        let published = self.speaker.published();
        if published.version != self.version {
            self.version = published.version;
            self.refilter = true;
            inside.published.send_replace(Arc::new(published.clone()));
        }
        let now = self.clock.mono();
        if now.since(self.counters_sent) >= COUNTERS_EVERY {
            self.counters_sent = now;
            inside.counters.send_replace(Arc::new(self.speaker.counters(now)));
        }
    }

    /// The last heartbeat says what became of the claims, so that others need not wait for silence.
    async fn say_goodbye(mut self, inside: &Inside) -> Result<()> {
        self.publish(inside);
        tokio::time::sleep(GOODBYE).await;
        self.step(Event::Tick);
        Ok(())
    }
}

/// The interfaces that can announce, as core sees them.
fn links(snapshot: &Snapshot) -> Vec<Link> {
    snapshot
        .usable()
        .filter_map(|interface| {
            let networks = interface.prefixes.iter().filter_map(|prefix| match prefix {
                // An address without a network (a Service's on a loopback-like interface) connects nothing.
                ipnet::IpNet::V4(network) if network.prefix_len() < 31 => Some(*network),
                _ => None,
            });
            let networks_v6 = interface.prefixes.iter().filter_map(|prefix| match prefix {
                ipnet::IpNet::V6(network) if network.prefix_len() < 127 => Some(*network),
                _ => None,
            });
            let mut link = Link {
                index: interface.index,
                name: interface.name.clone(),
                mac: interface.mac?,
                networks: networks.collect(),
                networks_v6: networks_v6.collect(),
                passing: interface.passing.clone(),
                gateways: Vec::new(),
            };
            // What nobody asks is no news either: a router of IPv6 comes and goes with its advertisements.
            let gateways = snapshot.gateways.get(&interface.index).into_iter().flatten();
            let gateways = gateways.filter(|gateway| Family::of(**gateway) == link.family());
            link.gateways = gateways.copied().collect();
            Some(link)
        })
        .collect()
}
