//! A packet socket for echo requests of one family and their replies.
//!
//! Nobody is woken by it: questions leave at a pace, and what came back is looked at before the next ones. The kernel's
//! stamp tells when it came.

use std::io;
use std::time::Duration;

use nix::libc;
use nix::sys::time::TimeSpec;
use socket2::Socket;
use tiklb_core::model::Family;
use tiklb_core::neighbor::InterfaceIndex;

use super::{BUDGET, OpenError, receive};
use crate::link::filter::{ECHO_SNAP_LENGTH, echo_program, socket_filter};

/// Bound to one interface.
#[derive(Debug)]
pub struct EchoSocket {
    family: Family,
    socket: Socket,
    control: Vec<u8>,
}

impl EchoSocket {
    /// Opens a socket for the echo replies on `interface` with the number `id`. Needs `CAP_NET_RAW`.
    ///
    /// # Errors
    /// Which step failed, and what the kernel answered.
    pub fn open(interface: InterfaceIndex, family: Family, id: u16) -> Result<Self, OpenError> {
        let protocol = match family {
            Family::V4 => libc::ETH_P_IP,
            Family::V6 => libc::ETH_P_IPV6,
        };
        let socket = super::open(interface, protocol, &socket_filter(&echo_program(family, id)))?;
        Ok(Self {
            family,
            socket,
            control: nix::cmsg_space!(TimeSpec, u32),
        })
    }

    /// Of which family it hears and sends echoes.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// Hands over what waits, at most [`BUDGET`] packets; returns how many. An error of the interface ends it as if
    /// nothing waited: who is asked there does not answer, which is for the owner to notice.
    pub fn drain(&mut self, mut each: impl FnMut(&[u8], Duration)) -> usize {
        let mut buffer = [0; ECHO_SNAP_LENGTH as usize];
        let mut packets = 0;
        while packets < BUDGET {
            match receive(&self.socket, &mut buffer, &mut self.control) {
                Ok((length, age, _)) => {
                    packets += 1;
                    each(buffer.get(..length).unwrap_or(&buffer), age.unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        packets
    }

    /// Sends a packet now or not at all; an unsent question is one that is not answered.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame).map(drop)
    }
}
