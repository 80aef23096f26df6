//! The switch: a bridge, and a veth to each host whose switch end is the port.

use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rtnetlink::packet_route::link::{BridgeStpState, InfoData, InfoVeth};
use rtnetlink::{LinkBridge, LinkBridgePort, LinkUnspec, LinkVeth};

use super::{Error, Host, HostPlan, Mac};

/// The bridge's name in the switch's namespace.
pub(super) const BRIDGE: &str = "switch";

/// What [`Port::blip`] takes off for setting the link up again: two requests, and a look at the carrier.
const MENDING: Duration = Duration::from_micros(250);
/// The runtime's timers end up to two of its milliseconds late. The rest is waited for with the processor held: half a
/// millisecond more of a blip is what a speaker's detection time has to spare.
const TICK: Duration = Duration::from_millis(2);

/// One port of the switch.
#[derive(Debug)]
pub(super) struct Port {
    name: String,
    /// Whether it is in the bridge.
    bridged: AtomicBool,
}

/// The MAC of a host's interface.
pub(super) fn host_mac(number: u8) -> Mac {
    Mac([0x02, 0, 0, 0, 0x01, number])
}

/// The MAC of the switch's end of the cable. Nobody on the LAN sees it, but a bridge without one of its own takes the
/// lowest of its ports', so fixed ones keep all output stable.
fn port_mac(number: u8) -> Mac {
    Mac([0x02, 0, 0, 0, 0x02, number])
}

/// Makes the bridge; gives its index. No spanning tree and no forward delay, so that a port forwards as soon as it has
/// carrier; no multicast snooping, so that nothing is held back. The ageing time stays the kernel's 300 s.
pub(super) async fn build(switch: &Host) -> Result<u32, Error> {
    let bridge = LinkBridge::new(BRIDGE)
        .stp_state(BridgeStpState::Disabled)
        .forward_delay(0)
        .mcast_snooping(false)
        .address(port_mac(0).0.to_vec())
        .build();
    switch.links().add(bridge, BRIDGE, "bridge").await?;
    switch.links().index(BRIDGE).await
}

/// The MAC of a host's second interface.
fn second_mac(number: u8) -> Mac {
    Mac([0x02, 0, 0, 0, 0x03, number])
}

/// Lays a second cable to a host, up at both ends and without an address. It goes with the host.
pub(super) async fn plug(switch: &Host, bridge: u32, host: &Host, interface: &str) -> Result<Mac, Error> {
    // Told apart as the first ones are.
    let number = host.link(host.interface()).await?.mac.0[5];
    let mac = second_mac(number);
    let name = format!("q-{}", host.name());
    let far_end = LinkUnspec::new_with_name(interface)
        .address(mac.0.to_vec())
        .setns_by_fd(host.namespace().as_raw_fd())
        .build();
    let cable = LinkVeth::new(&name, interface)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(far_end)))
        .address(Mac([0x02, 0, 0, 0, 0x04, number]).0.to_vec())
        .controller(bridge)
        .up()
        .build();
    switch.links().add(cable, &name, "veth").await?;
    host.links().set_up(interface, true).await?;
    host.wait_for_carrier(interface, true).await?;
    Ok(mac)
}

impl Port {
    /// Lays the cable between the switch and the host: both ends up, the host's under the name that the plan gives it.
    pub(super) async fn connect(
        switch: &Host,
        bridge: u32,
        host: &Host,
        plan: &HostPlan,
        number: u8,
    ) -> Result<Self, Error> {
        let name = format!("p-{}", plan.name);
        let mac = plan.mac.unwrap_or(host_mac(number));
        let far_end = LinkUnspec::new_with_name(&plan.interface)
            .address(mac.0.to_vec())
            .setns_by_fd(host.namespace().as_raw_fd())
            .build();
        let cable = LinkVeth::new(&name, &plan.interface)
            .set_info_data(InfoData::Veth(InfoVeth::Peer(far_end)))
            .address(port_mac(number).0.to_vec())
            .controller(bridge)
            .up()
            .build();
        switch.links().add(cable, &name, "veth").await?;
        // Not possible within the same request: the far end is opened before the kernel has joined the two.
        host.links().set_up(&plan.interface, true).await?;
        Ok(Self {
            name,
            bridged: AtomicBool::new(true),
        })
    }

    pub(super) async fn cut(&self, switch: &Host) -> Result<(), Error> {
        switch.links().set_up(&self.name, false).await
    }

    /// Until the host's own end is ready to send, the switch sends nothing there. A kernel receives from a veth at once
    /// when it is up, but lets nothing out for some milliseconds more on a busy machine; what it has to answer meanwhile
    /// is lost, and its next question for a neighbour comes a second later. No network card tells of a link so early.
    pub(super) async fn mend(&self, switch: &Host, host: &Host) -> Result<(), Error> {
        self.hold_back(switch).await?;
        self.connect_again(switch, host).await
    }

    /// Cuts the cable and mends it, so that `length` lies between what was before the cut and what is after it.
    pub(super) async fn blip(&self, switch: &Host, host: &Host, length: Duration) -> Result<Duration, Error> {
        let begun = Instant::now();
        self.cut(switch).await?;
        self.hold_back(switch).await?;
        let until = begun + length.saturating_sub(MENDING);
        tokio::time::sleep(
            until
                .saturating_duration_since(Instant::now())
                .saturating_sub(TICK),
        )
        .await;
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        self.connect_again(switch, host).await?;
        Ok(begun.elapsed())
    }

    /// The bridge has forgotten who is behind a port that went down, so all there is for it would be flooded.
    async fn hold_back(&self, switch: &Host) -> Result<(), Error> {
        if self.bridged.load(Ordering::Relaxed) {
            self.set_flooding(switch, false).await?;
        }
        Ok(())
    }

    async fn connect_again(&self, switch: &Host, host: &Host) -> Result<(), Error> {
        let bridged = self.bridged.load(Ordering::Relaxed);
        switch.links().set_up(&self.name, true).await?;
        host.wait_for_carrier(host.interface(), true).await?;
        if bridged {
            self.set_flooding(switch, true).await?;
        }
        Ok(())
    }

    async fn set_flooding(&self, switch: &Host, flooding: bool) -> Result<(), Error> {
        let index = switch.links().index(&self.name).await?;
        let port = LinkBridgePort::new(index)
            .flood(flooding)
            .bcast_flood(flooding)
            .mcast_flood(flooding)
            .build();
        switch
            .links()
            .change(port, &format!("set flooding of {}", self.name))
            .await
    }

    pub(super) async fn set_bridge(&self, switch: &Host, bridge: Option<u32>) -> Result<(), Error> {
        let link = LinkUnspec::new_with_name(&self.name);
        let (link, doing) = match bridge {
            Some(bridge) => (link.controller(bridge), "put the port into the bridge"),
            None => (link.nocontroller(), "take the port out of the bridge"),
        };
        switch.links().change(link.build(), doing).await?;
        self.bridged.store(bridge.is_some(), Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
