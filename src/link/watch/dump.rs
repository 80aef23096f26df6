//! One whole reading of the interfaces, their addresses and the gateways there.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures::TryStreamExt as _;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::link::LinkExtentMask;
use rtnetlink::packet_route::route::RouteMessage;
use rtnetlink::{Handle, RouteMessageBuilder};
use tiklb_core::neighbor::InterfaceIndex;

use super::interface::{self, Interface};
use super::{Exclusions, Snapshot, WatchError};

/// Reads over a connection of its own: nothing of an earlier, interrupted reading can be left in it.
///
/// A change in the middle may leave the reading torn (addresses of a link that is gone); the event of that change
/// brings the next one.
pub(super) async fn snapshot(exclusions: &Exclusions) -> Result<Snapshot, WatchError> {
    let (connection, handle, _unsolicited) = rtnetlink::new_connection().map_err(WatchError::Open)?;
    tokio::select! {
        read = read(&handle, exclusions) => read.map_err(WatchError::Read),
        () = connection => Err(WatchError::Silent),
    }
}

async fn read(handle: &Handle, exclusions: &Exclusions) -> Result<Snapshot, rtnetlink::Error> {
    // Statistics are most of an answer's bytes, and nobody reads them.
    let without_statistics = vec![LinkExtentMask::SkipStats];
    let mut links = handle
        .link()
        .get()
        .set_filter_mask(AddressFamily::Unspec, without_statistics)
        .execute();
    let mut interfaces: BTreeMap<InterfaceIndex, Interface> = BTreeMap::new();
    while let Some(message) = links.try_next().await? {
        if let Some(interface) = interface::from_link(&message, exclusions) {
            interfaces.insert(interface.index, interface);
        }
    }
    let mut addresses = handle.address().get().execute();
    while let Some(message) = addresses.try_next().await? {
        let index = InterfaceIndex(message.header.index);
        if let (Some(on), Some(prefix)) = (interfaces.get_mut(&index), interface::prefix_of(&message)) {
            on.prefixes.insert(prefix);
            on.passing.extend(interface::passing(&message, prefix));
        }
    }
    Ok(Snapshot {
        interfaces,
        gateways: gateways(handle).await?,
    })
}

type Gateways = BTreeMap<InterfaceIndex, BTreeMap<IpAddr, u32>>;

/// The default gateways of each interface: what a takeover must reach first, and what shows that a link works.
async fn gateways(handle: &Handle) -> Result<Gateways, rtnetlink::Error> {
    let mut gateways = BTreeMap::new();
    let v4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
    add_gateways(handle, v4, &mut gateways).await?;
    let v6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
    match add_gateways(handle, v6, &mut gateways).await {
        // A kernel without IPv6 refuses the question, or answers it with the routes of all families.
        Ok(()) | Err(rtnetlink::Error::NetlinkError(_)) => Ok(gateways),
        Err(error) => Err(error),
    }
}

async fn add_gateways(
    handle: &Handle,
    of: RouteMessage,
    gateways: &mut Gateways,
) -> Result<(), rtnetlink::Error> {
    let mut routes = handle.route().get(of).execute();
    while let Some(message) = routes.try_next().await? {
        if let Some((index, gateway, metric)) = interface::default_gateway(&message) {
            let known = gateways.entry(index).or_default().entry(gateway);
            let known = known.or_insert(metric);
            *known = metric.min(*known);
        }
    }
    Ok(())
}
