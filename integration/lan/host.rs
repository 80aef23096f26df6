//! A host: a network namespace, a thread that lives in it, and a netlink connection of that thread.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::command::HostCommand;
use super::links::{LinkState, Links, Neighbor};
use super::{Error, Mac, sysctl};

/// A thread that was just started answers at once; the bound is for a machine at a halt.
const START: Duration = Duration::from_secs(10);

/// The namespace of the thread that reads it.
const OWN_NAMESPACE: &str = "/proc/thread-self/ns/net";

/// A host of the LAN. Clones are the same host; it is gone with the last of them (and of what runs in it).
///
/// ```no_run
/// # fn example() -> Result<(), lab::lan::Error> {
/// use lab::lan::Host;
/// let host = Host::create("box", "eth0")?;
/// let listener = host.run(|| std::net::UdpSocket::bind("127.0.0.1:53"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    interface: String,
    namespace: Arc<File>,
    runtime: runtime::Handle,
    links: Links,
    /// Ends the host's thread when dropped.
    alive: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    /// Where the namespace is mounted for others to enter.
    mounted: Mutex<Option<PathBuf>>,
}

/// Which namespace a host stands for.
#[derive(Clone, Copy)]
enum Origin {
    New,
    /// That of the thread that makes the host.
    Here,
}

impl Host {
    /// A new, empty namespace with `lo` up. `interface` is the name of the interface that the host will use by default;
    /// nothing is made of that name yet.
    ///
    /// # Errors
    /// When the kernel refuses, as it does outside of a [sandbox](crate::sandbox) to all but root.
    pub fn create(name: &str, interface: &str) -> Result<Self, Error> {
        Self::begin(name, interface, Origin::New)
    }

    /// The namespace that the calling thread is in.
    ///
    /// # Errors
    /// When /proc is not there or a thread cannot be started.
    pub fn here(name: &str, interface: &str) -> Result<Self, Error> {
        Self::begin(name, interface, Origin::Here)
    }

    fn begin(name: &str, interface: &str, origin: Origin) -> Result<Self, Error> {
        let system = |doing: &str, source| Error::System {
            host: name.to_owned(),
            doing: doing.to_owned(),
            source,
        };
        let (started, start) = std::sync::mpsc::sync_channel(1);
        let (alive, until) = oneshot::channel();
        let thread = thread::Builder::new()
            .name(format!("host {name}"))
            .spawn(move || live(origin, &started, until))
            .map_err(|error| system("start its thread", error))?;
        let (namespace, runtime, netlink) = start
            .recv_timeout(START)
            .map_err(|_| system("start its thread", io::ErrorKind::TimedOut.into()))?
            .map_err(|(doing, source)| system(doing, source))?;
        let links = Links::new(name, netlink);
        let inner = Inner {
            name: name.to_owned(),
            interface: interface.to_owned(),
            namespace,
            runtime,
            links,
            alive: Some(alive),
            thread: Some(thread),
            mounted: Mutex::new(None),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The host's name.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The interface by which the host is on the LAN.
    pub fn interface(&self) -> &str {
        &self.inner.interface
    }

    /// Runs `work` on a thread in the host's namespace and waits for it: sockets that it opens belong to the host
    /// wherever they are used later. For short work; it blocks the caller. A panic goes on in the caller.
    ///
    /// # Errors
    /// When no thread can be started, or it cannot enter the namespace.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let namespace = &self.inner.namespace;
        let inside = || -> io::Result<T> {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            Ok(work())
        };
        let ran = thread::scope(|scope| {
            let thread = thread::Builder::new()
                .name(self.name().to_owned())
                .spawn_scoped(scope, inside)?;
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ran.map_err(|source| self.system("enter its network namespace", source))
    }

    /// Starts a long-lived thread in the host's namespace.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn thread<T: Send + 'static>(
        &self,
        role: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<thread::JoinHandle<T>, Error> {
        // A thread starts in the namespace of the thread that starts it.
        let builder = thread::Builder::new().name(format!("{} {role}", self.name()));
        self.run(|| builder.spawn(work))?
            .map_err(|source| self.system(&format!("start a thread to {role}"), source))
    }

    /// The host's async runtime: one thread, in the host's namespace. What is *spawned* on it runs in the host;
    /// `Handle::block_on` polls on the caller's own thread and so does not. Prefer [`spawn`](Self::spawn).
    pub fn runtime(&self) -> runtime::Handle {
        self.inner.runtime.clone()
    }

    /// Runs a future in the host.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.runtime.spawn(future)
    }

    /// Runs a future in the host and waits for its result.
    ///
    /// # Errors
    /// [`Error::Gone`] when the host ends meanwhile. A panic goes on in the caller.
    pub async fn call<F>(&self, future: F) -> Result<F::Output, Error>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self.spawn(future).await {
            Ok(output) => Ok(output),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::Gone {
                    host: self.name().to_owned(),
                }),
            },
        }
    }

    /// A program to be started on the host.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> HostCommand {
        HostCommand::new(self, program.as_ref())
    }

    /// Writes kernel settings of the host, such as `("net.ipv4.ip_forward", "1")`.
    ///
    /// # Errors
    /// When there is no such setting or the value is refused; settings before it are written.
    pub fn sysctl(&self, settings: &[(&str, &str)]) -> Result<(), Error> {
        self.run(|| {
            settings
                .iter()
                .try_for_each(|(key, value)| sysctl::write(key, value))
        })?
        .map_err(|source| self.system("write its kernel settings", source))
    }

    /// The namespace, for those who move things into it.
    pub(super) fn namespace(&self) -> &File {
        &self.inner.namespace
    }

    /// Links, addresses, routes and neighbours of the host.
    pub(super) fn links(&self) -> &Links {
        &self.inner.links
    }

    /// The state of an interface.
    ///
    /// # Errors
    /// [`Error::UnknownInterface`], or when the kernel refuses.
    pub async fn link(&self, interface: &str) -> Result<LinkState, Error> {
        self.links().state(interface).await
    }

    /// Gives an interface another Ethernet address, as when a card is exchanged.
    ///
    /// # Errors
    /// When there is no such interface, or the kernel refuses.
    pub async fn set_mac(&self, interface: &str, mac: Mac) -> Result<(), Error> {
        self.links().set_mac(interface, mac).await
    }

    /// Gives an interface another name, for which it is down for a moment: its addresses stay, routes by way of it go.
    ///
    /// # Errors
    /// When there is no such interface, the name is taken, or the kernel refuses.
    pub async fn rename(&self, interface: &str, name: &str) -> Result<(), Error> {
        self.links().set_up(interface, false).await?;
        self.links().rename(interface, name).await?;
        self.links().set_up(name, true).await?;
        self.wait_for_carrier(name, true).await
    }

    /// Waits until an interface has carrier, or has lost it.
    ///
    /// # Errors
    /// [`Error::TooLate`] after five seconds, and as for [`link`](Self::link).
    pub async fn wait_for_carrier(&self, interface: &str, carrier: bool) -> Result<(), Error> {
        self.links().wait_for_carrier(interface, carrier).await
    }

    /// Adds an address to an interface. To have it already is not an error.
    ///
    /// # Errors
    /// When there is no such interface, or the kernel refuses.
    pub async fn add_address(&self, address: impl Into<IpNet>, interface: &str) -> Result<(), Error> {
        self.links().add_address(address.into(), interface).await
    }

    /// Whether the host's kernel has found out that somebody else uses this address of its own.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn is_duplicate(&self, address: Ipv6Addr) -> Result<bool, Error> {
        self.links().is_duplicate(address).await
    }

    /// Waits until the host's kernel uses an IPv6 address that was added: it listens and sends by it.
    ///
    /// # Errors
    /// [`Error::TooLate`] after ten seconds, and when the kernel refuses.
    pub async fn wait_for_address(&self, address: Ipv6Addr) -> Result<(), Error> {
        self.links().wait_for_address(address).await
    }

    /// Takes an address away, wherever the host has it; not to have it is not an error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn del_address(&self, address: Ipv4Addr) -> Result<(), Error> {
        self.links().del_address(address).await
    }

    /// The addresses of an interface.
    ///
    /// # Errors
    /// When there is no such interface, or the kernel refuses.
    pub async fn addresses(&self, interface: &str) -> Result<Vec<Ipv4Net>, Error> {
        self.links().addresses(interface).await
    }

    /// Makes `gateway` the way to everywhere else.
    ///
    /// # Errors
    /// When the kernel refuses, as it does while the gateway lies in no connected network.
    pub async fn add_default_route(&self, gateway: Ipv4Addr) -> Result<(), Error> {
        self.links().add_default_route(gateway).await
    }

    /// Makes a router of IPv6 the way to everywhere else, by its link-local address on an interface.
    ///
    /// # Errors
    /// When the kernel refuses, as it does where IPv6 is off.
    pub async fn add_default_route_v6(&self, router: Ipv6Addr, interface: &str) -> Result<(), Error> {
        self.links().add_default_route_v6(router, interface).await
    }

    /// Makes `gateway` the way to a network.
    ///
    /// # Errors
    /// When the kernel refuses, as it does while the gateway lies in no connected network.
    pub async fn add_route(&self, network: Ipv4Net, gateway: Ipv4Addr) -> Result<(), Error> {
        self.links().add_route(network, gateway).await
    }

    /// Makes the host's kernel send nothing to `host` any more, or do it again: what a firewall between two hosts does to
    /// them. Frames that a program sends by itself are not its business.
    ///
    /// # Errors
    /// When the kernel refuses, as it does where nothing was barred.
    pub async fn bar(&self, host: Ipv4Addr, barred: bool) -> Result<(), Error> {
        self.links().bar(host, barred).await
    }

    /// What the host's kernel knows about the neighbour `address`; nothing if it knows nothing.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn neighbor(&self, address: impl Into<IpAddr>) -> Result<Option<Neighbor>, Error> {
        self.links().neighbor(address.into()).await
    }

    /// Makes the host's kernel send what is for `address` to `mac`, whatever the LAN says of it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn pin_neighbor(&self, address: Ipv4Addr, mac: Mac) -> Result<(), Error> {
        self.links().pin_neighbor(address, mac, self.interface()).await
    }

    /// Makes the host's kernel forget the neighbour `address`.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn flush_neighbor(&self, address: Ipv4Addr) -> Result<(), Error> {
        self.links().flush_neighbor(address).await
    }

    /// Mounts the namespace as a file `netns/<name>` below `dir`, for [`join`](crate::sandbox::join) and for
    /// `nsenter --net=…`. It is unmounted with the host.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn mount_below(&self, dir: &Path) -> Result<PathBuf, Error> {
        let path = dir.join("netns").join(self.name());
        let mounted = || -> io::Result<()> {
            std::fs::create_dir_all(dir.join("netns"))?;
            File::create(&path)?;
            let nothing = None::<&str>;
            mount(Some(OWN_NAMESPACE), &path, nothing, MsFlags::MS_BIND, nothing)?;
            Ok(())
        };
        self.run(mounted)?
            .map_err(|source| self.system(&format!("mount its namespace on {}", path.display()), source))?;
        *self.inner.mounted.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.clone());
        Ok(path)
    }

    pub(crate) fn system(&self, doing: &str, source: io::Error) -> Error {
        Error::System {
            host: self.name().to_owned(),
            doing: doing.to_owned(),
            source,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take()
            // The last clone may be dropped by a task of the host itself, which cannot wait for its own end.
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::warn!(host = self.name, "its thread panicked");
        }
        let mounted = self
            .mounted
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(path) = mounted
            && let Err(error) = umount2(&path, MntFlags::MNT_DETACH)
                .map_err(io::Error::from)
                .and_then(|()| std::fs::remove_file(&path))
        {
            tracing::warn!(host = self.name, path = %path.display(), %error, "its namespace stays mounted");
        }
    }
}

type Started = Result<(Arc<File>, runtime::Handle, rtnetlink::Handle), (&'static str, io::Error)>;

/// The whole life of a host's thread.
fn live(origin: Origin, started: &std::sync::mpsc::SyncSender<Started>, until: oneshot::Receiver<()>) {
    let begun = move_in(origin).and_then(|namespace| {
        let runtime = runtime(&namespace).map_err(|error| ("start its runtime", error))?;
        let netlink = {
            let _entered = runtime.enter();
            let (connection, netlink, _) =
                rtnetlink::new_connection().map_err(|error| ("open a netlink socket", error))?;
            tokio::spawn(connection);
            netlink
        };
        Ok((namespace, runtime, netlink))
    });
    match begun {
        Ok((namespace, runtime, netlink)) => {
            if started
                .send(Ok((namespace, runtime.handle().clone(), netlink)))
                .is_ok()
            {
                // An error means that the host was dropped: the end either way.
                let _ = runtime.block_on(until);
            }
            // Not waiting for blocking work that somebody left behind.
            runtime.shutdown_background();
        }
        Err(error) => {
            // Nobody waits any more if this fails.
            let _ = started.send(Err(error));
        }
    }
}

fn move_in(origin: Origin) -> Result<Arc<File>, (&'static str, io::Error)> {
    if matches!(origin, Origin::New) {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|errno| ("make a network namespace", errno.into()))?;
        sysctl::write_plain().map_err(|error| ("write its kernel settings", error))?;
    }
    File::open(OWN_NAMESPACE)
        .map(Arc::new)
        .map_err(|error| ("open its network namespace", error))
}

fn runtime(namespace: &Arc<File>) -> io::Result<runtime::Runtime> {
    let namespace = Arc::clone(namespace);
    runtime::Builder::new_current_thread()
        .enable_all()
        // Threads for blocking work are started by whoever asks for it, so from any namespace.
        .on_thread_start(move || {
            if let Err(error) = setns(&namespace, CloneFlags::CLONE_NEWNET) {
                tracing::error!(%error, "a blocking thread runs outside its host");
            }
        })
        .build()
}
