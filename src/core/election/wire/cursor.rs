//! Reading and writing the datagram's fields, with every bound checked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{CLAIMS_PER_PART, ClaimsVersion, MAX_EPOCH, WireInterface};
use crate::model::MacAddr;

/// Writes big-endian fields up to a length. What does not fit is left out; callers ask for [`Writer::room`] first
/// where that matters.
pub(super) struct Writer {
    bytes: Vec<u8>,
    limit: usize,
}

impl Writer {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(limit),
            limit,
        }
    }

    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        if bytes.len() <= self.room() {
            self.bytes.extend_from_slice(bytes);
        }
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A list's length; the caller has cut it to at most 255.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.u8(u8::try_from(count).unwrap_or(u8::MAX))
    }

    /// At most 255 bytes: a node name has at most 253.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let bytes = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
        self.count(bytes.len()).bytes(bytes)
    }

    pub(super) fn mac(&mut self, mac: MacAddr) -> &mut Self {
        self.bytes(&mac.octets())
    }

    /// Without its family: lists of networks have one each.
    pub(super) fn network(&mut self, network: IpNet) -> &mut Self {
        match network.addr() {
            IpAddr::V4(v4) => self.bytes(&v4.octets()),
            IpAddr::V6(v6) => self.bytes(&v6.octets()),
        };
        self.u8(network.prefix_len())
    }

    pub(super) fn address(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(v4) => self.u8(4).bytes(&v4.octets()),
            IpAddr::V6(v6) => self.u8(6).bytes(&v6.octets()),
        }
    }

    pub(super) fn claims_version(&mut self, claims: ClaimsVersion) -> &mut Self {
        self.u64(claims.version).bytes(&claims.digest)
    }

    /// Addresses with their epochs, at most [`CLAIMS_PER_PART`].
    pub(super) fn claims(&mut self, claims: &[(IpAddr, u64)]) -> &mut Self {
        let claims = &claims[..claims.len().min(CLAIMS_PER_PART)];
        self.count(claims.len());
        for (address, epoch) in claims {
            self.address(*address).u64(*epoch);
        }
        self
    }
}

/// Reads big-endian fields; `None` at the end of the bytes or for a value that cannot be.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn count(&mut self, most: usize) -> Option<usize> {
        let count = usize::from(self.u8()?);
        (count <= most).then_some(count)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::from(self.u8()?);
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    pub(super) fn mac(&mut self) -> Option<MacAddr> {
        Some(MacAddr::from(self.array::<6>()?))
    }

    pub(super) fn network_v4(&mut self) -> Option<Ipv4Net> {
        let address = Ipv4Addr::from(self.array::<4>()?);
        Ipv4Net::new(address, self.u8()?).ok()
    }

    pub(super) fn network_v6(&mut self) -> Option<Ipv6Net> {
        let address = Ipv6Addr::from(self.array::<16>()?);
        Ipv6Net::new(address, self.u8()?).ok()
    }

    pub(super) fn address(&mut self) -> Option<IpAddr> {
        match self.u8()? {
            4 => Some(Ipv4Addr::from(self.array::<4>()?).into()),
            6 => Some(Ipv6Addr::from(self.array::<16>()?).into()),
            _ => None,
        }
    }

    pub(super) fn interfaces(
        &mut self,
        most: usize,
        network: impl Fn(&mut Self) -> Option<IpNet>,
    ) -> Option<Vec<WireInterface>> {
        let interfaces = (0..self.count(most)?).map(|_| {
            Some(WireInterface {
                mac: self.mac()?,
                network: network(self)?,
            })
        });
        interfaces.collect()
    }

    pub(super) fn claims_version(&mut self) -> Option<ClaimsVersion> {
        Some(ClaimsVersion {
            version: self.u64()?,
            digest: self.array()?,
        })
    }

    pub(super) fn claims(&mut self) -> Option<Vec<(IpAddr, u64)>> {
        (0..self.count(CLAIMS_PER_PART)?)
            .map(|_| Some((self.address()?, self.u64().filter(|epoch| *epoch <= MAX_EPOCH)?)))
            .collect()
    }
}
