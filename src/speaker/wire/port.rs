//! The sockets of each interface, and which interfaces can be served with what could be opened.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv6Addr;

use tiklb_core::neighbor::{InterfaceIndex, ndp};
use tiklb_core::speaker::{Link, Speaker};

use crate::link::filter::Filter;
use crate::link::group::{GroupError, Groups};
use crate::link::packet::echo::EchoSocket;
use crate::link::packet::{OpenError, PacketSocket, SocketError};

/// An interface's sockets and their filters.
#[derive(Debug)]
pub struct Port {
    socket: PacketSocket,
    filter: Filter,
    /// Only while there is anything to be heard of IPv6 addresses: a node's IPv6 traffic passes its filter.
    discovery: Option<(PacketSocket, Filter)>,
    /// By sockets for NDP that are closed.
    lost: Lost,
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

    /// Those that are read.
    pub fn sockets_mut(&mut self) -> impl Iterator<Item = &mut PacketSocket> {
        let discovery = self.discovery.iter_mut().map(|(socket, _)| socket);
        std::iter::once(&mut self.socket).chain(discovery)
    }

    /// The socket of the frame's protocol.
    pub fn for_frame(&mut self, frame: &[u8]) -> Option<&mut PacketSocket> {
        if frame.get(12..14) == Some(&ndp::ETHER_TYPE) {
            self.discovery.as_mut().map(|(socket, _)| socket)
        } else {
            Some(&mut self.socket)
        }
    }

    /// Where other nodes' kernels are asked.
    pub const fn echo(&mut self) -> Option<&mut EchoSocket> {
        self.echo.as_mut()
    }

    /// Listens for ARP by this filter.
    fn listen(&mut self, filter: Filter) -> Result<(), OpenError> {
        if filter != self.filter {
            self.socket.set_filter(&filter)?;
            self.filter = filter;
        }
        Ok(())
    }

    /// Listens for NDP by this filter, or not at all.
    fn discover(&mut self, filter: Option<Filter>) -> Result<(), OpenError> {
        let Some(filter) = filter else {
            if let Some((closed, _)) = self.discovery.take() {
                self.lost.add(&closed);
            }
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

/// What is to be done on an interface that may not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Arp,
    ArpFilter,
    Ndp,
    Groups,
    Echo,
}

impl Task {
    /// What does not work without it.
    const fn trouble(self) -> &'static str {
        match self {
            Self::Arp => "cannot listen for ARP: nothing is announced there until that succeeds",
            Self::ArpFilter => "the ARP filter could not be changed",
            Self::Ndp => "cannot listen for NDP: no IPv6 address is announced there until that succeeds",
            Self::Groups => "questions for IPv6 addresses may not arrive",
            Self::Echo => "cannot ask other nodes' kernels: their heartbeats decide",
        }
    }
}

/// Frames that the kernel has dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// They came, and the receive buffer was full.
    pub unread: u64,
    /// They were to be sent, and there was no room.
    pub unsent: u64,
}

impl Lost {
    fn add(&mut self, socket: &PacketSocket) {
        let counters = socket.counters();
        self.unread += counters.dropped;
        self.unsent += counters.refused;
    }

    fn add_all(&mut self, port: &Port) {
        port.sockets().for_each(|socket| self.add(socket));
        self.unread += port.lost.unread;
        self.unsent += port.lost.unsent;
    }
}

/// All interfaces' sockets.
#[derive(Debug, Default)]
pub struct Ports {
    open: BTreeMap<InterfaceIndex, Port>,
    /// By sockets that are closed.
    lost: Lost,
    /// What did not succeed when it was tried last: said once.
    failing: BTreeSet<(InterfaceIndex, Task)>,
}

impl Ports {
    /// Has sockets open for these interfaces and no others, by filters for what the speaker wants to read there.
    pub fn fit(&mut self, links: &[Link], speaker: &Speaker) {
        let there = |index: &InterfaceIndex| links.iter().any(|link| link.index == *index);
        for (_, closed) in self.open.extract_if(.., |index, _| !there(index)) {
            self.lost.add_all(&closed);
        }
        self.failing.retain(|(index, _)| there(index));
        for link in links {
            if !self.open.contains_key(&link.index) {
                self.open(link, speaker);
            }
        }
        self.refilter(links, speaker);
    }

    fn open(&mut self, link: &Link, speaker: &Speaker) {
        let filter = Filter::new(link.mac, &speaker.interest(link));
        let opened = PacketSocket::open(link.index, &filter).map(|socket| Port {
            socket,
            filter,
            discovery: None,
            lost: Lost::default(),
            groups: None,
            echo: None,
        });
        // An interface that is gone already: the next reading of them says so.
        if let Err(error @ OpenError::Bind { .. }) = &opened {
            tracing::debug!(interface = %link.name, %error, "not opened");
            self.failing.insert((link.index, Task::Arp));
            return;
        }
        if let Some(port) = self.note(link, Task::Arp, opened) {
            tracing::info!(interface = %link.name, mac = %link.mac, "listening for ARP");
            self.open.insert(link.index, port);
        }
    }

    /// The kernel drops what nobody here would read; what that is follows the pools and the addresses.
    pub fn refilter(&mut self, links: &[Link], speaker: &Speaker) {
        for link in links {
            let Some(mut port) = self.open.remove(&link.index) else {
                continue;
            };
            let interest = speaker.interest(link);
            let arp = port.listen(Filter::new(link.mac, &interest));
            self.note(link, Task::ArpFilter, arp);
            let discovery = Filter::ndp(link.mac, &interest);
            let hears = !discovery.is_empty() && !link.networks_v6.is_empty();
            let ndp = port.discover(hears.then_some(discovery));
            self.note(link, Task::Ndp, ndp);
            let echo = port.ask(link, speaker.echo_id());
            self.note(link, Task::Echo, echo);
            let groups = port.join(link.index, &speaker.groups(link.index));
            self.note(link, Task::Groups, groups);
            self.open.insert(link.index, port);
        }
    }

    /// Of these interfaces what can be served: whoever hears no question for an address must not claim it.
    pub fn serving(&self, links: &[Link]) -> Vec<Link> {
        let open = links
            .iter()
            .filter_map(|link| Some((link.clone(), self.open.get(&link.index)?)));
        open.map(|(mut link, port)| {
            // A filter that could not be changed leaves the one that was.
            if port.discovery.is_none() && self.failing.contains(&(link.index, Task::Ndp)) {
                link.networks_v6.clear();
            }
            link
        })
        .collect()
    }

    /// Whether something is to be tried again although nothing has changed.
    pub fn are_failing(&self) -> bool {
        !self.failing.is_empty()
    }

    /// A socket does not serve any more. Returns whether its port is closed: an interface that was only set down has its
    /// sockets serve again, and may be up again before anybody has seen that it was down.
    pub fn failed(&mut self, interface: InterfaceIndex, error: &SocketError) -> bool {
        let closed = !matches!(error, SocketError::Down(_));
        tracing::debug!(interface = interface.0, closed, %error, "packet socket failed");
        if closed && let Some(port) = self.open.remove(&interface) {
            self.lost.add_all(&port);
        }
        closed
    }

    /// What the kernel has dropped in all.
    pub fn lost(&self) -> Lost {
        let mut lost = self.lost;
        for port in self.open.values() {
            lost.add_all(port);
        }
        lost
    }

    /// Those of one interface, if they are open.
    pub fn get_mut(&mut self, interface: InterfaceIndex) -> Option<&mut Port> {
        self.open.get_mut(&interface)
    }

    /// All that are open.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (InterfaceIndex, &mut Port)> {
        self.open.iter_mut().map(|(index, port)| (*index, port))
    }

    /// All that are waited for.
    pub fn sockets(&self) -> impl Iterator<Item = &PacketSocket> {
        self.open.values().flat_map(Port::sockets)
    }

    /// Says it when something begins to fail, and when it succeeds again.
    fn note<T, E>(&mut self, link: &Link, task: Task, outcome: Result<T, E>) -> Option<T>
    where
        E: Into<anyhow::Error>,
    {
        let key = (link.index, task);
        match outcome {
            Ok(value) => {
                if self.failing.remove(&key) {
                    tracing::info!(interface = %link.name, "no longer: {}", task.trouble());
                }
                Some(value)
            }
            Err(error) => {
                if self.failing.insert(key) {
                    let error: anyhow::Error = error.into();
                    tracing::error!(interface = %link.name, "{}: {error:#}", task.trouble());
                }
                None
            }
        }
    }
}
