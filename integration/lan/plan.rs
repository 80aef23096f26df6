//! What is wanted of a host, before it exists.

use ipnet::Ipv4Net;

use super::{Error, Mac, sysctl};

/// Names become part of interface names, which have at most 15 characters, two of them ours.
const NAME_LIMIT: usize = 13;

/// What a host does in the LAN; decides its kernel settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Forwards; its LAN interface is called `bridge`, as on a MikroTik.
    Router,
    /// A cluster's node: forwards, and its kernel answers ARP only for addresses of the interface asked.
    Node,
    /// Anything else.
    Client,
}

/// A host to be built.
#[derive(Debug, Clone)]
pub struct HostPlan {
    pub(super) name: String,
    pub(super) role: Role,
    /// Its IPv4 address; with [`Self::ipv6_alone`] only what its number follows from.
    pub(super) address: Option<Ipv4Net>,
    pub(super) interface: String,
    pub(super) mac: Option<Mac>,
    pub(super) ipv6: bool,
    pub(super) ipv4: bool,
}

impl HostPlan {
    /// A router at `address`.
    pub fn router(name: &str, address: Ipv4Net) -> Self {
        Self {
            interface: "bridge".to_owned(),
            ..Self::new(name, Role::Router, Some(address))
        }
    }

    /// A cluster's node at `address`.
    pub fn node(name: &str, address: Ipv4Net) -> Self {
        Self::new(name, Role::Node, Some(address))
    }

    /// Some host at `address`.
    pub fn client(name: &str, address: Ipv4Net) -> Self {
        Self::new(name, Role::Client, Some(address))
    }

    /// Some host without an address, as before it has asked a DHCP server.
    pub fn bare(name: &str) -> Self {
        Self::new(name, Role::Client, None)
    }

    fn new(name: &str, role: Role, address: Option<Ipv4Net>) -> Self {
        Self {
            name: name.to_owned(),
            role,
            address,
            interface: "eth0".to_owned(),
            mac: None,
            ipv6: false,
            ipv4: true,
        }
    }

    /// Another name for its interface than `eth0` (`bridge` for a router).
    #[must_use]
    pub fn interface(self, interface: &str) -> Self {
        Self {
            interface: interface.to_owned(),
            ..self
        }
    }

    /// Another MAC address than the one that follows from its address or place.
    #[must_use]
    pub fn mac(self, mac: Mac) -> Self {
        Self {
            mac: Some(mac),
            ..self
        }
    }

    /// With IPv6, which otherwise is off.
    #[must_use]
    pub fn ipv6(self) -> Self {
        Self { ipv6: true, ..self }
    }

    /// With IPv6 and without IPv4: its address gives it its number, and is not set.
    #[must_use]
    pub fn ipv6_alone(self) -> Self {
        Self {
            ipv6: true,
            ipv4: false,
            ..self
        }
    }

    /// The number by which the host's MAC addresses are told apart: the last octet of its address, as a person would
    /// choose; for hosts without one, 224 (0xe0) and up in the order of the plan.
    pub(super) fn number(&self, place: usize) -> u8 {
        let last = self.address.map(|address| address.addr().octets()[3]);
        last.unwrap_or_else(|| 0xe0 + u8::try_from(place % 0x20).unwrap_or(0))
    }

    pub(super) fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let mut settings = Vec::new();
        settings.extend(if self.ipv6 {
            sysctl::WITH_IPV6
        } else {
            sysctl::WITHOUT_IPV6
        });
        match self.role {
            Role::Router => settings.extend(sysctl::ROUTER),
            Role::Node => settings.extend(sysctl::NODE),
            Role::Client => {}
        }
        settings
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || self.name.len() > NAME_LIMIT || !self.name.chars().all(plain) {
            let rule = format!("1 to {NAME_LIMIT} lower-case letters, digits and dashes");
            return Err(Error::Plan(format!(
                "{:?} cannot be a host's name: {rule} can",
                self.name
            )));
        }
        Ok(())
    }
}
