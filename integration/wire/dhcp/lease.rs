//! What a DHCP server grants.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::{DhcpOption, Message, OptionCode};
use ipnet::Ipv4Net;

/// A lease, as the server's acknowledgement tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DhcpLease {
    /// The address, and the network it lies in.
    pub address: Ipv4Net,
    /// Who gave it.
    pub server: Ipv4Addr,
    /// The way to everywhere else.
    pub router: Option<Ipv4Addr>,
    /// Name servers.
    pub dns: Vec<Ipv4Addr>,
    /// For how long.
    pub lease_time: Duration,
    /// When to renew (T1): what the server says, or half of the lease time (RFC 2131 4.4.5).
    pub renew_after: Duration,
}

impl DhcpLease {
    pub(super) fn read(message: &Message) -> Result<Self, String> {
        let options = message.opts();
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        let mask = match options.get(OptionCode::SubnetMask) {
            Some(DhcpOption::SubnetMask(mask)) => *mask,
            _ => return Err("the DHCP server's answer has no subnet mask".to_owned()),
        };
        let address = Ipv4Net::with_netmask(message.yiaddr(), mask)
            .map_err(|_| format!("the DHCP server's subnet mask {mask} is none"))?;
        let Some(DhcpOption::ServerIdentifier(server)) = options.get(OptionCode::ServerIdentifier) else {
            return Err("the DHCP server's answer does not name it".to_owned());
        };
        let Some(DhcpOption::AddressLeaseTime(lease_time)) = options.get(OptionCode::AddressLeaseTime) else {
            return Err("the DHCP server's answer has no lease time".to_owned());
        };
        let renew_after = match options.get(OptionCode::Renewal) {
            Some(DhcpOption::Renewal(renewal)) => seconds(*renewal),
            _ => seconds(*lease_time) / 2,
        };
        let router = match options.get(OptionCode::Router) {
            Some(DhcpOption::Router(routers)) => routers.first().copied(),
            _ => None,
        };
        let dns = match options.get(OptionCode::DomainNameServer) {
            Some(DhcpOption::DomainNameServer(servers)) => servers.clone(),
            _ => Vec::new(),
        };
        Ok(Self {
            address,
            server: *server,
            router,
            dns,
            lease_time: seconds(*lease_time),
            renew_after,
        })
    }
}

#[cfg(test)]
mod tests;
