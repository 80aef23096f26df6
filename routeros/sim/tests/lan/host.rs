//! A host on the LAN: a thread in a network namespace of its own that does what it is told.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::TryStreamExt as _;
use nix::sched::{CloneFlags, unshare};
use pnet::datalink;
use rtnetlink::{Handle, LinkUnspec};
use tokio::sync::oneshot;

/// The host's only interface.
pub(crate) const INTERFACE: &str = "eth0";
/// No job of a host takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

type Job = Box<dyn FnOnce() + Send>;

/// A host. Its namespace ends when it is dropped.
pub(crate) struct Host {
    jobs: mpsc::SyncSender<Job>,
    namespace: File,
}

impl Host {
    pub(crate) fn new() -> Self {
        let (jobs, todo) = mpsc::sync_channel::<Job>(1);
        let (ready, opened) = mpsc::sync_channel(1);
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
            ready
                .send(File::open("/proc/thread-self/ns/net").expect("its file"))
                .expect("a receiver");
            while let Ok(job) = todo.recv() {
                job();
            }
        });
        let namespace = opened.recv_timeout(PATIENCE).expect("the host's namespace");
        Self { jobs, namespace }
    }

    pub(crate) fn namespace(&self) -> RawFd {
        self.namespace.as_raw_fd()
    }

    /// Runs a job in the host's namespace and gives its result. The router's own tasks go on meanwhile.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (done, result) = oneshot::channel();
        self.jobs
            .send(Box::new(move || drop(done.send(job()))))
            .expect("the host's thread");
        tokio::time::timeout(PATIENCE, result)
            .await
            .expect("in time")
            .expect("the job did not panic")
    }

    /// Brings the interface up and gives it an address of the LAN.
    pub(crate) async fn address(&self, address: Ipv4Addr) {
        self.run(move || {
            netlink(async move |handle| {
                let index = index(&handle, INTERFACE).await;
                handle
                    .link()
                    .set(LinkUnspec::new_with_index(index).up().build())
                    .execute()
                    .await
                    .expect("up");
                handle
                    .address()
                    .add(index, address.into(), 24)
                    .execute()
                    .await
                    .expect("an address");
            });
        })
        .await;
    }

    /// Brings the interface up or down.
    pub(crate) async fn link(&self, up: bool) {
        self.run(move || {
            netlink(async move |handle| {
                let link = LinkUnspec::new_with_index(index(&handle, INTERFACE).await);
                let link = if up { link.up() } else { link.down() };
                handle
                    .link()
                    .set(link.build())
                    .execute()
                    .await
                    .expect("up or down");
            });
        })
        .await;
    }

    /// The interface's MAC address.
    pub(crate) async fn mac(&self) -> [u8; 6] {
        self.run(|| {
            let eth0 = datalink::interfaces()
                .into_iter()
                .find(|interface| interface.name == INTERFACE);
            eth0.and_then(|interface| interface.mac).expect("a MAC").octets()
        })
        .await
    }

    /// Sends a frame as it is.
    pub(crate) async fn frame(&self, frame: Vec<u8>) {
        self.run(move || {
            let eth0 = datalink::interfaces()
                .into_iter()
                .find(|interface| interface.name == INTERFACE);
            match datalink::channel(&eth0.expect("eth0"), datalink::Config::default()).expect("a socket") {
                datalink::Channel::Ethernet(mut sender, _) => {
                    sender.send_to(&frame, None).expect("a buffer").expect("sent");
                }
                _ => panic!("eth0 is Ethernet"),
            }
        })
        .await;
    }
}

/// Runs netlink requests in the calling thread's namespace.
pub(crate) fn netlink<F: AsyncFnOnce(Handle)>(requests: F) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().expect("a netlink socket");
        tokio::spawn(connection);
        requests(handle).await;
    });
}

/// An interface's number.
pub(crate) async fn index(handle: &Handle, name: &str) -> u32 {
    let link = handle
        .link()
        .get()
        .match_name(name.to_owned())
        .execute()
        .try_next()
        .await;
    link.expect("the interface").expect("one interface").header.index
}
