//! The IPv6 multicast groups that are joined on one interface, so that questions for announced addresses arrive: the
//! network card lets them in, and the kernel's reports (MLD, RFC 3810) have switches that watch them pass them on.
//!
//! Joined by a socket that never receives: a packet socket's own membership (`PACKET_ADD_MEMBERSHIP`) would open the card
//! and report nothing. The kernel has no such address and answers nothing itself.

use std::collections::BTreeSet;
use std::io;
use std::net::Ipv6Addr;

use socket2::{Domain, Protocol, Socket, Type};
use tiklb_core::neighbor::InterfaceIndex;

/// The groups of one interface; dropped, all are left.
#[derive(Debug)]
pub struct Groups {
    interface: InterfaceIndex,
    socket: Socket,
    joined: BTreeSet<Ipv6Addr>,
}

/// Why a group could not be joined or left.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// `socket(AF_INET6)`.
    #[error(
        "could not create a socket to join multicast groups: is IPv6 compiled out or disabled on this node?"
    )]
    Create(#[source] io::Error),
    /// `IPV6_JOIN_GROUP`.
    #[error("could not join {group} on interface {interface}: is IPv6 disabled there (sysctl disable_ipv6)?")]
    Join {
        /// Which group.
        group: Ipv6Addr,
        /// Where.
        interface: InterfaceIndex,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
}

impl Groups {
    /// None yet.
    ///
    /// # Errors
    /// There are no IPv6 sockets here.
    pub fn open(interface: InterfaceIndex) -> Result<Self, GroupError> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP));
        Ok(Self {
            interface,
            socket: socket.map_err(GroupError::Create)?,
            joined: BTreeSet::new(),
        })
    }

    /// Joins and leaves until exactly these are joined. A group that could not be joined is tried again by the next call.
    ///
    /// # Errors
    /// The first group that could not be joined; all others are.
    pub fn set(&mut self, wanted: &BTreeSet<Ipv6Addr>) -> Result<(), GroupError> {
        let (interface, socket) = (self.interface, &self.socket);
        self.joined.retain(|group| {
            let stays = wanted.contains(group);
            if !stays {
                // An error means that the interface is gone, and its groups with it.
                let _ = socket.leave_multicast_v6(group, interface.0);
            }
            stays
        });
        let mut outcome = Ok(());
        for group in wanted {
            if self.joined.contains(group) {
                continue;
            }
            match socket.join_multicast_v6(group, interface.0) {
                Ok(()) => {
                    self.joined.insert(*group);
                }
                Err(source) => {
                    outcome = outcome.and(Err(GroupError::Join {
                        group: *group,
                        interface,
                        source,
                    }));
                }
            }
        }
        outcome
    }
}
