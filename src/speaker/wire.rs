//! The thread `wire`: it alone owns the election, the neighbour state, the sockets and their timers.
//!
//! It has a runtime of its own on which nothing else runs, so that neither the API server nor a slow log can delay an
//! answer. The API side puts what it wants into a watch channel and finds what is announced in another; the latest
//! value counts in both, so that neither side ever waits for the other.

pub mod port;
mod unused;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tiklb_core::election::{BootId, Departure, Failback, Key, Serving};
use tiklb_core::model::{Family, Instant, NodeName, Now};
use tiklb_core::neighbor::InterfaceIndex;
use tiklb_core::speaker::{Counters, Effect, Event, Link, Published, Speaker, Wanted};
use tokio::sync::watch;

use self::port::{Lost, Port, Ports};
use self::unused::Unused;
use crate::clock::Clock;
use crate::link::datagram::{self, Arrival};
use crate::link::packet::{BUDGET, any_readable};
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

/// A socket that could not be opened, for want of memory or of descriptors, is tried again after this.
const AGAIN: Duration = Duration::from_millis(500);

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
    /// Who is told how the thread fares.
    pub observer: Box<dyn Observer>,
}

/// Hears how the thread fares, on the thread itself and often: it must not block.
pub trait Observer: Send {
    /// With every turn from the first on.
    fn turn(&self);

    /// The thread began so much later than its timer was set for.
    fn late(&self, by: Duration);

    /// What the kernel has dropped since the thread began.
    fn lost(&self, frames: Lost);
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
        let mut wire = Wire::new(settings.node, key, datagrams, settings.port, settings.observer);
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

struct Wire {
    speaker: Speaker,
    clock: Clock,
    datagrams: datagram::Pair,
    port: u16,
    ports: Ports,
    unused: Unused,
    /// The interfaces that could announce, whether or not their sockets could be opened.
    links: Vec<Link>,
    /// Those that do, as core was told, if it was.
    serving: Option<Vec<Link>>,
    /// When sockets were opened last, and when what failed is tried again.
    tried: Option<Instant>,
    again: Option<Instant>,
    effects: Vec<Effect>,
    version: u64,
    counters_sent: Instant,
    /// The filters may no longer fit.
    refilter: bool,
    observer: Box<dyn Observer>,
}

impl Wire {
    fn new(
        node: NodeName,
        key: Key,
        datagrams: datagram::Pair,
        port: u16,
        observer: Box<dyn Observer>,
    ) -> Self {
        let clock = Clock::start();
        let now = clock.mono();
        Self {
            speaker: Speaker::new(node, BootId(rand::random()), key, now),
            clock,
            datagrams,
            port,
            ports: Ports::default(),
            unused: Unused::default(),
            links: Vec::new(),
            serving: None,
            tried: None,
            again: None,
            effects: Vec::new(),
            version: 0,
            counters_sent: now,
            refilter: false,
            observer,
        }
    }

    async fn run(mut self, mut inside: Inside, mut links: watch::Receiver<Arc<Snapshot>>) -> Result<()> {
        links.mark_changed();
        inside.wanted.mark_changed();
        let mut timer = Timer::start().context(TIMER)?;
        let mut leaves = false;
        loop {
            self.observer.turn();
            let due = self.deadline().max(std::time::Instant::now());
            timer.set(due).context(TIMER)?;
            tokio::select! {
                biased;
                stopping = inside.stop.changed(), if !leaves => {
                    // An API side that ended unasked has failed; the kubelet starts the process anew, and nothing need move.
                    let departure = *inside.stop.borrow();
                    let departure = departure.or(stopping.is_err().then_some(Departure::BackSoon));
                    leaves = departure.is_some();
                    self.leave(departure);
                    if departure == Some(Departure::BackSoon) {
                        return self.say_goodbye(&inside).await;
                    }
                }
                // One that leaves needs nothing more of the API side, which may be gone.
                changed = inside.wanted.changed(), if !leaves => {
                    changed.context("the API side ended")?;
                    self.want(inside.wanted.borrow_and_update().clone());
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
                readable = any_readable(self.ports.sockets()) => {
                    readable.context("a packet socket failed")?;
                }
                expired = timer.expired() => expired.context(TIMER)?,
            }
            // Whatever came first: a thread that had no processor finds datagrams beside its timer.
            if let Some(late) = std::time::Instant::now().checked_duration_since(due) {
                self.observer.late(late);
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
        let others = [self.speaker.gone_at(), self.again];
        self.clock
            .at(others.into_iter().flatten().fold(next, Instant::min))
    }

    fn want(&mut self, wanted: Option<Arc<Wanted>>) {
        if let Some(wanted) = wanted {
            self.step(Event::Wanted(wanted));
            self.refilter = true;
        }
    }

    fn leave(&mut self, departure: Option<Departure>) {
        if let Some(departure) = departure {
            self.step(Event::Leave(departure));
        }
    }

    fn end_turn(&mut self, inside: &Inside) {
        self.step(Event::Tick);
        if self.again.is_some_and(|again| again <= self.clock.mono()) {
            self.serve();
        }
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
        let mut failed = Vec::new();
        let Self {
            ports,
            speaker,
            clock,
            effects,
            ..
        } = self;
        for (interface, port) in ports.iter_mut() {
            for socket in port.sockets_mut() {
                let drained = socket.drain(|received| {
                    let age = received.age.unwrap_or_default();
                    let event = Event::Frame {
                        interface,
                        bytes: received.frame,
                        age,
                    };
                    speaker.step(event, clock.now(), &mut rand::random::<u64>, effects);
                });
                match drained {
                    Ok(drained) => more |= drained.more,
                    Err(error) => failed.push((interface, error)),
                }
            }
        }
        self.carry_out();
        for (interface, error) in failed {
            if self.ports.failed(interface, &error) {
                self.again = Some(self.soon());
            }
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
        for echo in ports.iter_mut().filter_map(|(_, port)| port.echo()) {
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
        let Some(port) = self.ports.get_mut(interface) else {
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

    fn send_probe(&mut self, interface: InterfaceIndex, frame: &[u8]) {
        let echo = self.ports.get_mut(interface).and_then(Port::echo);
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
        self.unused.note(snapshot);
        self.serve();
    }

    /// Opens what is missing, and tells core of the interfaces whose questions arrive here.
    fn serve(&mut self) {
        // First the filters: a gateway is asked for its MAC at once, and answers within microseconds.
        self.ports.fit(&self.links, &self.speaker);
        let serving = self.ports.serving(&self.links);
        if self.serving.as_ref() != Some(&serving) {
            self.serving = Some(serving.clone());
            self.step(Event::Links(serving));
            self.refilter = true;
        }
        let now = self.clock.mono();
        self.tried = Some(now);
        // Nothing says when what fails would succeed.
        self.again = self.ports.are_failing().then_some(now + AGAIN);
    }

    /// At once, but no faster than [`AGAIN`]: one that fails again and again would be opened for each frame.
    fn soon(&self) -> Instant {
        let now = self.clock.mono();
        self.tried.map_or(now, |tried| (tried + AGAIN).max(now))
    }

    fn refilter(&mut self) {
        self.ports.refilter(&self.links, &self.speaker);
        let serving = self.ports.serving(&self.links);
        if self.serving.as_ref().is_some_and(|told| *told != serving) {
            self.again = Some(self.soon());
        } else if self.again.is_none() && self.ports.are_failing() {
            self.again = Some(self.clock.mono() + AGAIN);
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
            self.observer.lost(self.ports.lost());
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
                metric: None,
            };
            // What nobody asks is no news either: a router of IPv6 comes and goes with its advertisements.
            let gateways = snapshot.gateways.get(&interface.index).into_iter().flatten();
            let family = link.family();
            let gateways = gateways.filter(|(gateway, _)| Family::of(**gateway) == family);
            link.gateways = gateways.clone().map(|(gateway, _)| *gateway).collect();
            link.metric = gateways.map(|(_, metric)| *metric).min();
            Some(link)
        })
        .collect()
}
