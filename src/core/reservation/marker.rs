//! The marker in a row's comment: whose row it is.
//!
//! `tiklb/v1 <clusterName>/<8 hex of UID> <subject>`, ASCII, and after it whatever a person writes. Only rows whose
//! comment begins with exactly our marker are ever changed; what stands behind the subject is kept.

use std::fmt;
use std::net::IpAddr;

use crate::model::{AddressRange, MacAddr, RangeSet};

/// The marker's first word. A later format gets another number; this one is then read for ever.
const PREFIX: &str = "tiklb/v1";

/// The cluster that a row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// `MikrotikRouter.spec.clusterName`.
    pub cluster: String,
    /// The first eight hexadecimal digits of the kube-system namespace's UID.
    pub uid: String,
    /// The UID, as short, of an earlier cluster of that name whose rows count as this one's (`spec.adoptFrom`). Never in
    /// a comment: what is adopted is rewritten under `uid`.
    pub adopts: Option<String>,
}

impl Owner {
    /// Whether a row with this marker is this cluster's.
    pub fn owns(&self, marker: &Marker) -> bool {
        let uid = &marker.owner.uid;
        marker.owner.cluster == self.cluster && (*uid == self.uid || self.adopts.as_ref() == Some(uid))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster, self.uid)
    }
}

/// A parsed comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Whose row it is.
    pub owner: Owner,
    /// What the row stands for: `namespace/service`, or the words of a pool row.
    pub subject: String,
    /// What a person wrote behind it.
    pub note: String,
}

/// Separates the subject from what a person adds. Subjects are written by us and never hold it.
const NOTE: &str = " | ";

/// How the subject of our own pool rows begins: `holds <pool>; took <ranges> from <pool>`.
pub(super) const POOL_SUBJECT: &str = "holds ";

/// Ranges up to this length are written as they are read everywhere else: three of them.
const WHOLE: usize = 83;

/// Begins what such a subject says of one pool of the router.
const TOOK: &str = "; took ";

/// What stands between the ranges and the name of the pool that had them.
const FROM: &str = " from ";

impl Marker {
    /// Reads a comment; `None` for everybody else's. A person may write behind the subject, separated by ` | ` or not:
    /// a subject of a lease or ARP row is one word and an optional `+N`.
    pub fn parse(comment: &str) -> Option<Self> {
        let rest = comment.strip_prefix(PREFIX)?.strip_prefix(' ')?;
        let (owner, rest) = rest.split_once(' ')?;
        let (cluster, uid) = owner.split_once('/')?;
        let hex = uid.len() == 8 && uid.chars().all(|c| c.is_ascii_hexdigit());
        if cluster.is_empty() || !hex || rest.is_empty() {
            return None;
        }
        let owner = Owner {
            cluster: cluster.to_owned(),
            uid: uid.to_owned(),
            adopts: None,
        };
        let (subject, note) = split_note(rest);
        Some(Self {
            owner,
            subject: subject.to_owned(),
            note: note.to_owned(),
        })
    }

    /// The comment that says this, with the note that a person left behind the one it replaces.
    pub fn comment(owner: &Owner, subject: &str, replaces: &str) -> String {
        let note = Self::parse(replaces)
            .map(|marker| marker.note)
            .unwrap_or_default();
        Self::with_note(owner, subject, &note)
    }

    /// Characters between the subject and the note.
    pub(super) const BETWEEN: usize = NOTE.len();

    /// The comment that says this, with this note.
    pub(super) fn with_note(owner: &Owner, subject: &str, note: &str) -> String {
        if note.is_empty() {
            format!("{PREFIX} {owner} {subject}")
        } else {
            format!("{PREFIX} {owner} {subject}{NOTE}{note}")
        }
    }
}

/// What the subject of our own pool row says: enough to undo everything by hand, or by [`took`], when nothing else is
/// left of the cluster.
pub(super) fn pool_subject(pool: &str, taken: &[(RangeSet, &str)]) -> String {
    let mut subject = format!("{POOL_SUBJECT}{pool}");
    for (ranges, from) in taken {
        subject = format!("{subject}{TOOK}{}{FROM}{from}", written(ranges));
    }
    if taken.is_empty() {
        subject.push_str("; took nothing");
    }
    subject
}

/// What a pool row's subject says was taken, and from which of the router's pools. What cannot be read is left out.
pub(super) fn took(subject: &str) -> Vec<(RangeSet, &str)> {
    let parts = subject.split(TOOK).skip(1);
    parts
        .filter_map(|part| {
            let (ranges, from) = part.split_once(FROM)?;
            Some((ranges.parse().ok().or_else(|| read_short(ranges))?, from))
        })
        .collect()
}

/// Ranges as a comment has them. A comment has room for 200 characters; many ranges are written without what they share
/// with the address before: `192.168.1.200-201,203-204`.
fn written(ranges: &RangeSet) -> String {
    let whole = ranges.to_string();
    if whole.len() <= WHOLE {
        return whole;
    }
    let mut network = String::new();
    let mut short = |address: IpAddr| {
        let text = address.to_string();
        match text.rsplit_once('.') {
            Some((net, last)) if net == network => last.to_owned(),
            Some((net, _)) => {
                net.clone_into(&mut network);
                text
            }
            None => text,
        }
    };
    let mut all = Vec::new();
    for range in ranges.ranges() {
        let first = short(range.first());
        let one = range.first() == range.last();
        all.push(if one {
            first
        } else {
            format!("{first}-{}", short(range.last()))
        });
    }
    all.join(",")
}

/// What [`written`] has shortened.
fn read_short(text: &str) -> Option<RangeSet> {
    let mut network = String::new();
    let mut whole = |text: &str| -> Option<IpAddr> {
        let text = match text.rsplit_once('.') {
            Some((net, _)) => {
                net.clone_into(&mut network);
                text.to_owned()
            }
            None => format!("{network}.{text}"),
        };
        text.parse().ok()
    };
    let mut ranges = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first = whole(first)?;
        let last = whole(last)?;
        ranges.push(AddressRange::new(first, last)?);
    }
    Some(ranges.into_iter().collect())
}

fn split_note(rest: &str) -> (&str, &str) {
    if let Some((subject, note)) = rest.split_once(NOTE) {
        return (subject, note.trim());
    }
    // A pool row's subject is a sentence of ours.
    if rest.starts_with(POOL_SUBJECT) {
        return (rest, "");
    }
    let mut end = rest.find(' ').unwrap_or(rest.len());
    if let Some(more) = rest[end..].strip_prefix(" +") {
        let digits = more.find(|c: char| !c.is_ascii_digit()).unwrap_or(more.len());
        if digits > 0 {
            end += 2 + digits;
        }
    }
    (&rest[..end], rest[end..].trim())
}

/// The MAC address of the static lease that reserves an address: locally administered, derived from the address, so
/// that it is unique and no real network card ever has it. A real node's would make the DHCP server hand the Service's
/// address to that node.
pub fn claim_mac(address: IpAddr) -> MacAddr {
    let tail = match address {
        IpAddr::V4(v4) => v4.octets(),
        IpAddr::V6(v6) => [v6.octets()[12], v6.octets()[13], v6.octets()[14], v6.octets()[15]],
    };
    // 02: locally administered, unicast. 4c: "L", for people who look.
    MacAddr(0x02, 0x4c, tail[0], tail[1], tail[2], tail[3])
}
