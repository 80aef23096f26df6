//! MAC addresses: read with `:`, `-` or `.` between the bytes in any case, written in upper case with colons.

use std::fmt;
use std::str::FromStr;

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// Why a text is not a MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reading {0:?} as a MAC address: write six bytes in hexadecimal, such as 02:00:C0:A8:01:C8")]
pub struct MacError(String);

impl Mac {
    /// 00:00:00:00:00:00, which is nobody's.
    pub const ZERO: Mac = Mac([0; 6]);

    /// Whether it can be a sender: neither a group address nor all zeros.
    pub(crate) fn is_station(self) -> bool {
        self.0[0] & 1 == 0 && self != Mac::ZERO
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02X}")).join(":"))
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-', '.']);
        for byte in &mut bytes {
            *byte = parts
                .next()
                .and_then(hex_byte)
                .ok_or_else(|| MacError(text.to_owned()))?;
        }
        match parts.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(MacError(text.to_owned())),
        }
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let hex = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    hex.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}
