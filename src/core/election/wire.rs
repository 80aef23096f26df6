//! The heartbeat datagram: one authenticated UDP payload of at most 1,200 bytes.
//!
//! ```text
//!  0        4       5      6        8          12                                   len-32      len
//!  ┌────────┬───────┬──────┬────────┬──────────┬──────────────────────────────────────┬───────────┐
//!  │ "TKLB" │ ver=1 │ kind │ 0 (16) │ key id   │ boot id 16 │ seq 8 │ node 1+n │ body │ HMAC-SHA256│
//!  └────────┴───────┴──────┴────────┴──────────┴──────────────────────────────────────┴───────────┘
//! ```
//! All numbers are big-endian. The HMAC covers everything before it and is checked before anything else is read: what
//! is not authentic is not parsed. The key id (four bytes of a hash of the key) only serves to tell a person that two
//! speakers have different keys.
//!
//! A datagram carries no time: wall clocks never meet. A boot id is random for each start of a speaker, the sequence
//! grows with every datagram of a boot.

mod cursor;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sha2::{Digest, Sha256};

use self::cursor::{Reader, Writer};
use super::offer::{Cause, Offer, Serving};
use crate::model::{MacAddr, NodeName};

/// Fits the smallest MTU that IPv6 allows (1,280) with room for its headers: never fragmented.
pub const MAX_LENGTH: usize = 1_200;

/// Flags of a heartbeat; unknown ones are ignored.
const LEAVING: u8 = 1;
const RESTING: u8 = 2;
const SETTLED: u8 = 4;
/// The proxy's health check: neither is "unknown".
const PROVEN: u8 = 8;
const FAILING: u8 = 16;

const MAGIC: [u8; 4] = *b"TKLB";
const VERSION: u8 = 1;
const HEADER: usize = 12;
const TAG: usize = 32;
/// A node with more announcing interfaces than this lists the first ones; the others take no part.
pub const MAX_INTERFACES: usize = 8;
/// IPv6 networks beyond these take no part; 17 bytes each.
pub const MAX_NETWORKS_V6: usize = 8;
/// Boots at rest that one datagram names: more than the fifty nodes that all else is made for.
pub const MAX_AT_REST: usize = 64;
/// Claims per datagram: 25 bytes each beside the longest node name fit [`MAX_LENGTH`].
pub const CLAIMS_PER_PART: usize = 32;
/// Parts of one claim set: 8,192 claims. More are no home network; the rest is not announced to peers.
pub const MAX_PARTS: u16 = 256;
/// Epochs above this are malformed: each claim counts one up, and whoever has the key must not bring the count to its end.
/// What is left above is more claims than there will ever be.
const MAX_EPOCH: u64 = u64::MAX - (1 << 32);
/// Occupied addresses in one survey datagram: 10 bytes each.
pub const MAX_OCCUPIED: usize = 48;
/// Address ranges in one survey datagram: 8 bytes each.
pub const MAX_RANGES: usize = 24;

/// The cluster's secret key.
#[derive(Clone)]
pub struct Key {
    secret: Vec<u8>,
    id: [u8; 4],
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

impl fmt::Display for Key {
    /// The key's id, never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.id))
    }
}

/// A key shorter than this is refused: 128 bits.
pub const MIN_KEY: usize = 16;

impl Key {
    /// Takes the bytes of the Secret; `None` when they are fewer than [`MIN_KEY`].
    pub fn new(secret: &[u8]) -> Option<Self> {
        if secret.len() < MIN_KEY {
            return None;
        }
        let mut hash = Sha256::new_with_prefix(b"tiklb heartbeat key id");
        hash.update(secret);
        let hash = hash.finalize();
        Some(Self {
            secret: secret.to_vec(),
            id: [hash[0], hash[1], hash[2], hash[3]],
        })
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::<Sha256>::new_from_slice(&self.secret).ok() // HMAC takes keys of any length.
    }
}

/// A speaker's start: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootId(pub [u8; 16]);

impl BootId {
    /// The half that echoes carry.
    pub fn short(self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.short()))
    }
}

/// A datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The sender's start.
    pub boot: BootId,
    /// Grows with every datagram of a boot.
    pub sequence: u64,
    /// The sender.
    pub node: NodeName,
    /// What it says.
    pub body: Body,
}

/// What a datagram says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// "I am here."
    Heartbeat(Heartbeat),
    /// "Send me your claims."
    Fetch,
    /// A part of the sender's claims.
    Claims(ClaimsPart),
    /// What the sender's survey of one subnet found.
    Survey(SurveyReport),
    /// "Do you hear this one?"
    Poll(Mention),
    /// "I have just heard it."
    Contact(Mention),
    /// Boots that somebody has to answer for, as the sender knows: silent or resting, and with claims. By their short forms,
    /// at most [`MAX_AT_REST`]. A datagram of its own: versions that do not know it still read the heartbeat.
    AtRest(BTreeSet<[u8; 8]>),
    /// "Its node is gone."
    Gone(Verdict),
    /// "This is what you claimed before you were started anew."
    Former(ClaimsPart),
    /// "Take these from me."
    Offer(Offer),
}

/// Another speaker, of a certain start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Its name.
    pub node: NodeName,
    /// The short form of its boot id: what is said of one start says nothing of the next.
    pub boot: [u8; 8],
    /// In which of its networks.
    pub on: IpNet,
}

/// A node's kernel does not answer any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whose.
    pub about: Mention,
    /// For how long it had been silent; travels in microseconds.
    pub silence: Duration,
}

/// The regular sign of life.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heartbeat {
    /// The speaker is stopping, and gives up what it claims.
    pub leaving: bool,
    /// The speaker is stopping and will be back: others answer for it until then.
    pub resting: bool,
    /// The speaker has taken up what an earlier boot of it claimed, or will not.
    pub settled: bool,
    /// Whether Services are reached through the sender.
    pub serving: Serving,
    /// The sender's setting, see [`Failback`](super::Failback): moves without need take that all have the same.
    pub failback: u32,
    /// Version and digest of the sender's claim set.
    pub claims: ClaimsVersion,
    /// The sender's announcing interfaces.
    pub interfaces: Vec<WireInterface>,
    /// The IPv6 networks that the sender can announce in, at most [`MAX_NETWORKS_V6`].
    pub networks_v6: Vec<Ipv6Net>,
    /// The newest sequence heard from each peer, by the short form of its boot id.
    pub echoes: BTreeMap<[u8; 8], u64>,
}

/// Names one state of a claim set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClaimsVersion {
    /// Grows with every change.
    pub version: u64,
    /// Over the content.
    pub digest: [u8; 8],
}

/// An announcing interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WireInterface {
    /// Its hardware address.
    pub mac: MacAddr,
    /// Its address and the connected network: IPv4's, or IPv6's where it has that alone.
    pub network: IpNet,
}

/// A part of a claim set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimsPart {
    /// Of which state.
    pub claims: ClaimsVersion,
    /// From 0.
    pub part: u16,
    /// How many parts there are, at least one.
    pub parts: u16,
    /// Address and epoch.
    pub entries: Vec<(IpAddr, u64)>,
}

/// What a survey found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyReport {
    /// The subnet.
    pub subnet: Ipv4Net,
    /// How long ago the last round ended, in milliseconds.
    pub age_ms: u32,
    /// The addresses that were asked for, as first and last; at most [`MAX_RANGES`].
    pub covered: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Those that somebody else uses; at most [`MAX_OCCUPIED`].
    pub occupied: Vec<(Ipv4Addr, MacAddr)>,
}

/// Why a datagram is dropped. Bounded: metrics carry it as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum WireError {
    /// Not a heartbeat at all.
    #[error("it is not a tiklb datagram")]
    Foreign,
    /// A later protocol.
    #[error("it is of protocol version {0}, this speaker knows {VERSION}")]
    Version(u8),
    /// Another key.
    #[error("it is signed with another key (id {0:08x})")]
    OtherKey(u32),
    /// The right key id, and a wrong signature.
    #[error("its signature is wrong")]
    Signature,
    /// Authentic, and still not readable.
    #[error("its content is malformed")]
    Malformed,
}

impl WireError {
    /// A bounded name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Version(_) => "version",
            Self::OtherKey(_) => "other_key",
            Self::Signature => "signature",
            Self::Malformed => "malformed",
        }
    }
}

impl Datagram {
    /// The signed bytes. Echoes that do not fit are left out, beginning with those behind `rotate`: the caller moves
    /// it on, so that in a large cluster each peer is echoed in every second heartbeat.
    pub fn encode(&self, key: &Key, rotate: usize) -> Vec<u8> {
        let mut out = Writer::new(MAX_LENGTH - TAG);
        out.bytes(&MAGIC)
            .u8(VERSION)
            .u8(self.body.kind())
            .u16(0)
            .bytes(&key.id);
        out.bytes(&self.boot.0).u64(self.sequence).text(&self.node.0);
        match &self.body {
            Body::Heartbeat(heartbeat) => heartbeat.encode(&mut out, rotate),
            Body::Fetch => {}
            Body::Claims(part) | Body::Former(part) => part.encode(&mut out),
            Body::Survey(report) => report.encode(&mut out),
            Body::Poll(about) | Body::Contact(about) => about.encode(&mut out),
            Body::Offer(offer) => offer.encode(&mut out),
            Body::AtRest(boots) => {
                out.count(boots.len().min(MAX_AT_REST));
                for boot in boots.iter().take(MAX_AT_REST) {
                    out.bytes(boot);
                }
            }
            Body::Gone(verdict) => {
                verdict.about.encode(&mut out);
                out.u32(u32::try_from(verdict.silence.as_micros()).unwrap_or(u32::MAX));
            }
        }
        let mut bytes = out.finish();
        if let Some(mut mac) = key.mac() {
            mac.update(&bytes);
            bytes.extend_from_slice(&mac.finalize().into_bytes());
        }
        bytes
    }

    /// Checks the signature, then reads.
    ///
    /// # Errors
    /// See [`WireError`]; nothing of the content is believed before the signature is.
    pub fn decode(bytes: &[u8], key: &Key) -> Result<Self, WireError> {
        if bytes.len() < HEADER + TAG || bytes.len() > MAX_LENGTH || bytes[..4] != MAGIC {
            return Err(WireError::Foreign);
        }
        if bytes[4] != VERSION {
            return Err(WireError::Version(bytes[4]));
        }
        let id = [bytes[8], bytes[9], bytes[10], bytes[11]];
        if id != key.id {
            return Err(WireError::OtherKey(u32::from_be_bytes(id)));
        }
        let (signed, tag) = bytes.split_at(bytes.len() - TAG);
        let mut mac = key.mac().ok_or(WireError::Signature)?;
        mac.update(signed);
        mac.verify_slice(tag).map_err(|_| WireError::Signature)?;
        Self::read(signed[5], &mut Reader::new(&signed[HEADER..])).ok_or(WireError::Malformed)
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Option<Self> {
        let boot = BootId(from.array()?);
        let sequence = from.u64()?;
        let node = NodeName(from.text()?.into());
        let body = match kind {
            1 => Body::Heartbeat(Heartbeat::read(from)?),
            2 => Body::Fetch,
            3 => Body::Claims(ClaimsPart::read(from)?),
            4 => Body::Survey(SurveyReport::read(from)?),
            5 => Body::Poll(Mention::read(from)?),
            6 => Body::Contact(Mention::read(from)?),
            7 => Body::Gone(Verdict {
                about: Mention::read(from)?,
                silence: Duration::from_micros(from.u32()?.into()),
            }),
            8 => Body::Former(ClaimsPart::read(from)?),
            9 => Body::Offer(Offer::read(from)?),
            10 => {
                let boots = (0..from.count(MAX_AT_REST)?).map(|_| from.array());
                Body::AtRest(boots.collect::<Option<_>>()?)
            }
            _ => return None,
        };
        // Later versions may say more with a heartbeat, and must not be silent to this one for it.
        let complete = from.is_empty() || matches!(body, Body::Heartbeat(_));
        (complete && !node.0.is_empty()).then_some(Self {
            boot,
            sequence,
            node,
            body,
        })
    }
}

impl Body {
    const fn kind(&self) -> u8 {
        match self {
            Self::Heartbeat(_) => 1,
            Self::Fetch => 2,
            Self::Claims(_) => 3,
            Self::Survey(_) => 4,
            Self::Poll(_) => 5,
            Self::Contact(_) => 6,
            Self::Gone(_) => 7,
            Self::Former(_) => 8,
            Self::Offer(_) => 9,
            Self::AtRest(_) => 10,
        }
    }
}

impl Heartbeat {
    fn encode(&self, out: &mut Writer, rotate: usize) {
        let flags = [
            (self.leaving, LEAVING),
            (self.resting, RESTING),
            (self.settled, SETTLED),
            (self.serving == Serving::Proven, PROVEN),
            (self.serving == Serving::Failing, FAILING),
        ];
        let set = flags.iter().filter(|(set, _)| *set);
        out.u8(set.map(|(_, flag)| flag).sum());
        out.u32(self.failback).claims_version(self.claims);
        let interfaces = self.interfaces.iter().take(MAX_INTERFACES);
        let (v4, v6): (Vec<&WireInterface>, Vec<_>) =
            interfaces.partition(|interface| interface.network.addr().is_ipv4());
        out.count(v4.len());
        for interface in v4 {
            out.mac(interface.mac).network(interface.network);
        }
        let networks = &self.networks_v6[..self.networks_v6.len().min(MAX_NETWORKS_V6)];
        let behind = 2 + 17 * networks.len() + 23 * v6.len();
        let fits = (out.room().saturating_sub(1 + behind) / 16).min(usize::from(u8::MAX));
        let start = if self.echoes.len() > fits {
            rotate % self.echoes.len()
        } else {
            0
        };
        let chosen = self
            .echoes
            .iter()
            .cycle()
            .skip(start)
            .take(self.echoes.len().min(fits));
        out.count(self.echoes.len().min(fits));
        for (boot, sequence) in chosen {
            out.bytes(boot).u64(*sequence);
        }
        if !networks.is_empty() || !v6.is_empty() {
            out.count(networks.len());
            for network in networks {
                out.network((*network).into());
            }
        }
        if !v6.is_empty() {
            out.count(v6.len());
            for interface in v6 {
                out.mac(interface.mac).network(interface.network);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let flags = from.u8()?;
        let failback = from.u32()?;
        let claims = from.claims_version()?;
        let mut interfaces = from.interfaces(MAX_INTERFACES, |from| from.network_v4().map(IpNet::V4))?;
        let echoes = (0..from.count(usize::from(u8::MAX))?)
            .map(|_| Some((from.array()?, from.u64()?)))
            .collect::<Option<BTreeMap<_, _>>>()?;
        // Left out by a node without IPv6, and by earlier versions.
        let networks_v6 = if from.is_empty() {
            0
        } else {
            from.count(MAX_NETWORKS_V6)?
        };
        let networks_v6 = (0..networks_v6)
            .map(|_| from.network_v6())
            .collect::<Option<Vec<_>>>()?;
        // Likewise by all that have IPv4 on each of their interfaces.
        if !from.is_empty() {
            let room = MAX_INTERFACES.saturating_sub(interfaces.len());
            interfaces.extend(from.interfaces(room, |from| from.network_v6().map(IpNet::V6))?);
        }
        Some(Self {
            leaving: flags & LEAVING != 0,
            resting: flags & RESTING != 0,
            settled: flags & SETTLED != 0,
            serving: match (flags & PROVEN != 0, flags & FAILING != 0) {
                (_, true) => Serving::Failing,
                (true, false) => Serving::Proven,
                (false, false) => Serving::Unknown,
            },
            failback,
            claims,
            interfaces,
            networks_v6,
            echoes,
        })
    }
}

impl Offer {
    fn encode(&self, out: &mut Writer) {
        out.u8(self.cause.code());
        out.claims(&self.entries);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            cause: Cause::from_code(from.u8()?)?,
            entries: from.claims()?,
        })
    }
}

impl ClaimsPart {
    fn encode(&self, out: &mut Writer) {
        out.claims_version(self.claims).u16(self.part).u16(self.parts);
        out.claims(&self.entries);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let claims = from.claims_version()?;
        let (part, parts) = (from.u16()?, from.u16()?);
        let entries = from.claims()?;
        (part < parts && parts <= MAX_PARTS).then_some(Self {
            claims,
            part,
            parts,
            entries,
        })
    }
}

impl Mention {
    fn encode(&self, out: &mut Writer) {
        out.text(&self.node.0).bytes(&self.boot);
        let family = if self.on.addr().is_ipv4() { 4 } else { 6 };
        out.u8(family).network(self.on);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            node: NodeName(from.text()?.into()),
            boot: from.array()?,
            on: match from.u8()? {
                4 => from.network_v4()?.trunc().into(),
                6 => from.network_v6()?.trunc().into(),
                _ => return None,
            },
        })
    }
}

impl SurveyReport {
    fn encode(&self, out: &mut Writer) {
        out.network(self.subnet.into()).u32(self.age_ms);
        let covered = &self.covered[..self.covered.len().min(MAX_RANGES)];
        out.count(covered.len());
        for (first, last) in covered {
            out.bytes(&first.octets()).bytes(&last.octets());
        }
        let occupied = &self.occupied[..self.occupied.len().min(MAX_OCCUPIED)];
        out.count(occupied.len());
        for (address, mac) in occupied {
            out.bytes(&address.octets()).mac(*mac);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let subnet = from.network_v4()?;
        let age_ms = from.u32()?;
        let covered = (0..from.count(MAX_RANGES)?)
            .map(|_| {
                let (first, last) = (
                    Ipv4Addr::from(from.array::<4>()?),
                    Ipv4Addr::from(from.array::<4>()?),
                );
                (first <= last).then_some((first, last))
            })
            .collect::<Option<Vec<_>>>()?;
        let occupied = (0..from.count(MAX_OCCUPIED)?)
            .map(|_| Some((Ipv4Addr::from(from.array::<4>()?), from.mac()?)))
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            subnet,
            age_ms,
            covered,
            occupied,
        })
    }
}

#[cfg(test)]
mod tests;
