//! The LAN of a test: two network namespaces joined by one virtual cable.
//!
//! ```text
//!   node: eth0 02:…:01  ═══════════════  lan0 02:…:50 :peer
//! ```
//!
//! A test runs on one thread with one runtime. A thread is in one namespace at a time, a socket in the one it was
//! made in: [`Lan::in_peer`] steps over, makes sockets, and steps back.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use futures::TryStreamExt as _;
use nix::sched::{CloneFlags, setns, unshare};
use rtnetlink::packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec, LinkVeth};
use tiklb::link::filter::Filter;
use tiklb::link::packet::PacketSocket;
use tiklb_core::model::{AddressRange, MacAddr, RangeSet};
use tiklb_core::neighbor::{Arp, InterfaceIndex};

/// The interface under test.
pub(crate) const NODE: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x01);
/// Everybody else.
pub(crate) const PEER: MacAddr = MacAddr(2, 0, 0, 0, 0, 0x50);
/// The address that is announced.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 200);
/// The peer's own address, where a test gives it one.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 50);
/// For anything that is awaited: milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at something that gives no event.
const GLANCE: Duration = Duration::from_millis(2);
/// What is never to end is watched for so long. It would end at once: a busy machine makes it look well, and never ill.
const WHILE: Duration = Duration::from_millis(50);

/// A test's future: stays on its thread.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<()>>>>;

/// Leaves the machine's network for an empty one. Before any thread: a process with threads may not enter a user
/// namespace.
pub(crate) fn isolate() -> Result<()> {
    let user = (nix::unistd::Uid::effective(), nix::unistd::Gid::effective());
    if unshare(CloneFlags::CLONE_NEWNET).is_ok() {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET).context(
        "no network namespaces here: run as root with CAP_SYS_ADMIN, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces)",
    )?;
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {} 1", user.0))?;
    std::fs::write("/proc/self/gid_map", format!("0 {} 1", user.1))?;
    Ok(())
}

/// The two namespaces, seen from the node's.
pub(crate) struct Lan {
    node: File,
    peer: File,
    /// Netlink in each of them.
    pub(crate) node_links: Handle,
    pub(crate) peer_links: Handle,
    /// `eth0` and `lan0`.
    pub(crate) eth0: InterfaceIndex,
    pub(crate) lan0: InterfaceIndex,
}

impl Lan {
    /// Runs a test in a LAN of its own, on a thread of its own.
    pub(crate) fn with(body: fn(Self) -> Running) -> Result<()> {
        let test = move || -> Result<()> {
            let peer = namespace()?;
            let node = namespace()?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async { body(Self::cable(node, peer).await?).await })
        };
        let thread = std::thread::spawn(test);
        thread.join().map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            anyhow!(text.unwrap_or_else(|| "the test panicked".to_owned()))
        })?
    }

    async fn cable(node: File, peer: File) -> Result<Self> {
        let node_links = netlink()?;
        let veth = LinkVeth::new("eth0", "lan0").address(NODE.octets().to_vec());
        node_links.link().add(veth.build()).execute().await?;
        let lan0 = index_of(&node_links, "lan0").await?;
        let moved = LinkUnspec::new_with_index(lan0.0).setns_by_fd(std::os::fd::AsRawFd::as_raw_fd(&peer));
        node_links.link().set(moved.build()).execute().await?;
        let peer_links = enter(&peer, &node, netlink)??;
        let eth0 = index_of(&node_links, "eth0").await?;
        let lan0 = index_of(&peer_links, "lan0").await?;
        let address = LinkUnspec::new_with_index(lan0.0).address(PEER.octets().to_vec());
        peer_links.link().set(address.build()).execute().await?;
        let lan = Self {
            node,
            peer,
            node_links,
            peer_links,
            eth0,
            lan0,
        };
        lan.set(LinkUnspec::new_with_index(eth0.0).up()).await?;
        lan.set_in_peer(LinkUnspec::new_with_index(lan0.0).up()).await?;
        lan.sends(&lan.node_links, eth0).await?;
        lan.sends(&lan.peer_links, lan0).await?;
        Ok(lan)
    }

    /// Waits until the kernel sends on an interface that was set up: before that it drops frames in silence.
    pub(crate) async fn sends(&self, links: &Handle, interface: InterfaceIndex) -> Result<()> {
        eventually("an interface to come up", || async move {
            let message = link(links, |get| get.match_index(interface.0)).await?;
            Ok(message.header.flags.contains(LinkFlags::Running))
        })
        .await
    }

    /// Does something in the peer's namespace; sockets made there stay there.
    pub(crate) fn in_peer<R>(&self, act: impl FnOnce() -> R) -> Result<R> {
        enter(&self.peer, &self.node, act)
    }

    /// Opens the socket under test on `eth0`, for these ranges.
    pub(crate) fn open(&self, ranges: &[&str]) -> Result<PacketSocket> {
        Ok(PacketSocket::open(self.eth0, &filter(ranges)?)?)
    }

    /// A socket to send anything with from the peer. It receives the answers to the peer's MAC.
    pub(crate) fn peer_socket(&self) -> Result<PacketSocket> {
        let everything = RangeSet::from(AddressRange::parse("0.0.0.0/0")?);
        let filter = Filter::new(PEER, &everything);
        Ok(self.in_peer(|| PacketSocket::open(self.lan0, &filter))??)
    }

    /// Changes a link of the node's namespace.
    pub(crate) async fn set(&self, link: LinkMessageBuilder<LinkUnspec>) -> Result<()> {
        Ok(self.node_links.link().set(link.build()).execute().await?)
    }

    /// Changes a link of the peer's namespace.
    pub(crate) async fn set_in_peer(&self, link: LinkMessageBuilder<LinkUnspec>) -> Result<()> {
        Ok(self.peer_links.link().set(link.build()).execute().await?)
    }

    /// Does something in the node's namespace on another thread; this one, with everything that runs on it,
    /// stands still until it is done.
    pub(crate) fn while_this_thread_stands_still<F: Future<Output = Result<()>>>(
        &self,
        act: impl FnOnce(Handle) -> F + Send + 'static,
    ) -> Result<()> {
        let node = self.node.try_clone()?;
        let thread = std::thread::spawn(move || -> Result<()> {
            setns(&node, CloneFlags::CLONE_NEWNET)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async { act(netlink()?).await })
        });
        thread.join().map_err(|_| anyhow!("the other thread panicked"))?
    }

    /// Frames that `eth0` received since it exists.
    pub(crate) async fn received_by_eth0(&self) -> Result<u64> {
        let message = link(&self.node_links, |get| get.match_index(self.eth0.0)).await?;
        let statistics = message.attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Stats64(statistics) => Some(statistics.rx_packets),
            _ => None,
        });
        statistics.context("the kernel gave no statistics of eth0")
    }
}

/// The filter of `eth0` for these ranges.
pub(crate) fn filter(ranges: &[&str]) -> Result<Filter> {
    let ranges: Result<RangeSet, _> = ranges.iter().map(|r| AddressRange::parse(r)).collect();
    Ok(Filter::new(NODE, &ranges?))
}

/// Reads until `count` frames came; fails when they do not, or when there are more.
pub(crate) async fn frames(socket: &mut PacketSocket, count: usize) -> Result<Vec<Arp>> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let waited = within("a frame", socket.readable()).await;
        waited.with_context(|| format!("after {heard:?}"))??;
        let mut broken = None;
        socket.drain(|received| match Arp::parse(received.frame) {
            Ok(arp) => heard.push(arp),
            Err(error) => broken = Some(error),
        })?;
        ensure!(
            broken.is_none(),
            "the filter let a frame through that is no ARP: {broken:?}"
        );
    }
    let first = heard.get(..count.min(heard.len()) + 1).unwrap_or(&heard);
    ensure!(
        heard.len() == count,
        "{count} frames were expected, {} came: {first:?} …",
        heard.len()
    );
    Ok(heard)
}

/// Awaits with a bound.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.with_context(|| format!("waited {PATIENCE:?} for {what}"))
}

/// Looks again until a condition without an event holds, with a bound.
pub(crate) async fn eventually<F: Future<Output = Result<bool>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> Result<()> {
    let seen = async {
        while !look().await? {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    };
    within(what, seen).await?
}

/// Looks again until a condition holds, with a bound, and gives the runtime no turn meanwhile: it learns of nothing.
pub(crate) fn without_the_runtime(what: &str, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !look()? {
        ensure!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::yield_now();
    }
    Ok(())
}

/// Fails when something that nothing happens to ends all the same.
pub(crate) async fn goes_on<T>(what: &str, future: impl Future<Output = T>) -> Result<()> {
    let ended = tokio::time::timeout(WHILE, future).await;
    ensure!(ended.is_err(), "{what} ended");
    Ok(())
}

/// A link's number.
pub(crate) async fn index_of(links: &Handle, name: &str) -> Result<InterfaceIndex> {
    let message = link(links, |get| get.match_name(name.to_owned())).await?;
    Ok(InterfaceIndex(message.header.index))
}

async fn link(
    links: &Handle,
    which: impl FnOnce(rtnetlink::LinkGetRequest) -> rtnetlink::LinkGetRequest,
) -> Result<LinkMessage> {
    let mut answer = which(links.link().get()).execute();
    answer.try_next().await?.context("no such link")
}

/// Netlink in the thread's current namespace.
fn netlink() -> io::Result<Handle> {
    let (connection, handle, _) = rtnetlink::new_connection()?;
    tokio::spawn(connection);
    Ok(handle)
}

/// Puts the thread into a new namespace.
fn namespace() -> Result<File> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    Ok(File::open("/proc/thread-self/ns/net")?)
}

fn enter<R>(there: &File, back: &File, act: impl FnOnce() -> R) -> Result<R> {
    setns(there, CloneFlags::CLONE_NEWNET)?;
    let result = act();
    setns(back, CloneFlags::CLONE_NEWNET)?;
    Ok(result)
}
