//! MAC addresses.

use std::fmt;
use std::str::FromStr;

use super::Invalid;

#[cfg(test)]
mod tests;

const KIND: &str = "a MAC address";

/// A MAC address. Reads the forms that RouterOS takes (`aa:bb:cc:dd:ee:ff`, also with `-` or `.`, `aabb.ccdd.eeff`,
/// `aabbccddeeff`, either case); prints upper-case with colons, as rows do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `00:00:00:00:00:00`: what some versions show on an ARP row that never resolved.
    pub const ZERO: Self = Self([0; 6]);

    /// Whether the group bit is set: no device sends from such an address.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 0x01 != 0
    }

    /// Whether the locally administered bit is set: no manufacturer assigned it.
    pub const fn is_local(self) -> bool {
        self.0[0] & 0x02 != 0
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(":")?;
            }
            write!(f, "{octet:02X}")?;
        }
        Ok(())
    }
}

impl FromStr for MacAddr {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = digits(text.trim()).ok_or_else(|| {
            Invalid::new(
                KIND,
                text,
                "it should be twelve hexadecimal digits, like 00:0C:42:AA:BB:CC",
            )
        })?;
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            *octet = pair[0] * 16 + pair[1];
        }
        Ok(Self(octets))
    }
}

/// The twelve digits' values, where the separators stand as in one of the accepted forms.
fn digits(text: &str) -> Option<[u8; 12]> {
    let separator = text.chars().find(|c| matches!(c, ':' | '-' | '.'));
    let lengths: Vec<usize> = match separator {
        Some(separator) => text.split(separator).map(str::len).collect(),
        None => vec![text.len()],
    };
    let well_formed = match lengths.as_slice() {
        [12] => true,
        [4, 4, 4] => separator == Some('.'),
        six => six.len() == 6 && six.iter().all(|length| *length == 2),
    };
    let values = text
        .chars()
        .filter(|c| Some(*c) != separator)
        .map(|c| c.to_digit(16));
    let values: Option<Vec<u8>> = values
        .map(|digit| digit.and_then(|d| u8::try_from(d).ok()))
        .collect();
    values.filter(|_| well_formed)?.try_into().ok()
}

/// A locally administered unicast address: the only kind that a claim lease may carry. With a real node's address
/// the router would hand the claimed address to that node's own DHCP client and so renumber it.
///
/// Virtual machines have locally administered addresses too: whoever makes one up must still compare it with the
/// nodes' addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalMac(MacAddr);

impl LocalMac {
    /// The address.
    pub const fn get(self) -> MacAddr {
        self.0
    }
}

impl TryFrom<MacAddr> for LocalMac {
    type Error = Invalid;

    fn try_from(mac: MacAddr) -> Result<Self, Invalid> {
        if mac.is_local() && !mac.is_multicast() {
            return Ok(Self(mac));
        }
        let why = "the second digit should be 2, 6, A or E, so that it can be no device's own address";
        Err(Invalid::new("a made-up MAC address", &mac.to_string(), why))
    }
}

impl fmt::Display for LocalMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
