//! The Linux interface that stands for the router's bridge: its sockets, its thread and its task.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use pnet::datalink::DataLinkReceiver;
use tokio::net::UdpSocket;

use crate::device::Device;
use crate::dhcp::{Effect, socket};
use crate::neighbor::frame::ArpFrame;
use crate::neighbor::wire::{self, Wire};
use crate::router::{Shared, StartError};
use crate::value::mac::Mac;

/// Ticks of 0.1 s between two looks at the interface's MAC.
const MAC_TICKS: u32 = 10;

/// The interface as the router knows it.
#[derive(Debug, Clone)]
pub(crate) struct Lan {
    /// The bridge's name in RouterOS.
    pub(crate) bridge: String,
    pub(crate) mac: Mac,
}

/// An interface's sockets, before anything reads from them.
pub(crate) struct Opened {
    interface: String,
    socket: UdpSocket,
    wire: Arc<Wire>,
    receiver: Box<dyn DataLinkReceiver>,
}

impl Opened {
    /// Opens the interface called `name` and makes it the router's `bridge`.
    pub(crate) fn open(device: &mut Device, bridge: &str, name: &str) -> Result<Self, StartError> {
        let (interface, mac) =
            wire::interface(name).ok_or_else(|| StartError::NoInterface(name.to_owned()))?;
        let failed = |what, source| StartError::Interface {
            what,
            interface: name.to_owned(),
            source,
        };
        let (wire, receiver) = Wire::open(&interface).map_err(|source| failed("an ARP socket", source))?;
        let socket = socket::open(name).map_err(|source| failed("UDP port 67", source))?;
        device.lan = Some(Lan {
            bridge: bridge.to_owned(),
            mac,
        });
        device.set_lan_mac(mac);
        Ok(Self {
            interface: interface.name,
            socket,
            wire: Arc::new(wire),
            receiver,
        })
    }

    /// Gives the DHCP server's task, and starts the thread that reads ARP frames. The thread ends when what is
    /// returned beside the task is dropped.
    pub(crate) fn serve(self, shared: &Arc<Shared>) -> (impl Future<Output = ()> + use<>, SyncSender<()>) {
        let dhcp = socket::serve(Arc::clone(shared), self.socket, Arc::clone(&self.wire));
        let (stop, stopped) = std::sync::mpsc::sync_channel(1);
        let shared = Arc::clone(shared);
        let (interface, wire) = (self.interface, self.wire);
        std::thread::spawn(move || {
            let mut ticks = 0_u32;
            let heard = |frame: &ArpFrame| heard(&shared, &wire, frame);
            let tick = || {
                ticks = ticks.wrapping_add(1);
                tick(
                    &shared,
                    &wire,
                    ticks.is_multiple_of(MAC_TICKS).then_some(&interface),
                );
            };
            wire::listen(self.receiver, &stopped, heard, tick);
        });
        (dhcp, stop)
    }
}

/// A frame concerns the ARP table and the addresses that the DHCP server is probing.
fn heard(shared: &Shared, wire: &Wire, frame: &ArpFrame) {
    let mut device = shared.device();
    device.heard(frame);
    let effects = device.dhcp_heard(frame.sender, frame.sender_mac);
    drop(device);
    if effects.is_empty() {
        return;
    }
    shared.dhcp_changed.notify_one();
    for effect in effects {
        if let Effect::Ask(probe) = effect {
            wire.send(&probe);
        }
    }
}

/// Asks for the neighbours whose rows are due, and looks at the interface's MAC where one is named.
fn tick(shared: &Shared, wire: &Wire, interface: Option<&String>) {
    let mac = interface
        .and_then(|name| wire::interface(name))
        .map(|(_, mac)| mac);
    let mut device = shared.device();
    if let Some(mac) = mac {
        device.set_lan_mac(mac);
    }
    let questions = device.neighbors_to_ask();
    drop(device);
    for question in questions {
        wire.send(&question);
    }
}
