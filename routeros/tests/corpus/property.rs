//! What must hold whatever a router sends. Shared by the fuzz targets and the replay of their corpus.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a broken property ends the run, and a fuzz target calls one of the three"
)]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use routeros::answer;
use routeros::menu::{
    self, Address, AddressPool, Arp, Authoritative, Bridge, BridgeHost, Comment, DhcpMatcher, DhcpNetwork,
    DhcpServer, Group, Identity, Interface, Lease, LeaseAddress, LeaseServer, Listing, MAX_COMMENT, Menu,
    Nat, Pool, PoolUsed, PppSecret, Resource, Routerboard, Rows, SafeMode, Service, User, Veth, Vlan,
};
use routeros::value::{
    AddressRanges, Duration, DurationOrNever, Flag, LocalMac, MacAddr, Reference, RowId, Uptime, Version,
};
use serde_json::Value;

/// How long the reason of a bad row or of a bad value may be: a line of a log, whatever was sent.
const LONGEST_REASON: usize = 400;

/// Every value parser on one text.
pub(crate) fn values(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    round::<Duration>(&text);
    round::<DurationOrNever>(&text);
    round::<Uptime>(&text);
    round::<Flag>(&text);
    round::<MacAddr>(&text);
    round::<Reference>(&text);
    round::<RowId>(&text);
    round::<Version>(&text);
    round::<AddressRanges>(&text);
    reads::<LeaseAddress>(&text);
    reads::<LeaseServer>(&text);
    reads::<AddressPool>(&text);
    reads::<Authoritative>(&text);
    if let Ok(version) = text.parse::<Version>() {
        let _ = version.support();
    }
    if let Ok(mac) = text.parse::<MacAddr>() {
        assert_eq!(
            LocalMac::try_from(mac).is_ok(),
            mac.is_local() && !mac.is_multicast()
        );
    }
    if let Ok(comment) = Comment::new(text.as_ref()) {
        assert!(comment.as_str().len() <= MAX_COMMENT && comment.as_str().is_ascii());
    }
    sets(&text);
}

/// A value that is read prints to a text that reads as the same value, and as itself once more.
fn round<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) {
    let Some(read) = reads::<T>(text) else { return };
    let printed = read.to_string();
    let again = reads::<T>(&printed).unwrap_or_else(|| panic!("{printed:?} of {text:?} is not read back"));
    assert_eq!(again, read, "{printed:?} of {text:?}");
    assert_eq!(again.to_string(), printed);
}

/// A refusal says why in a line.
fn reads<T: FromStr<Err: Display>>(text: &str) -> Option<T> {
    let refused = |why: T::Err| {
        let why = why.to_string();
        assert!(
            why.len() < LONGEST_REASON && !why.chars().any(char::is_control),
            "{why:?}"
        );
    };
    text.parse().map_err(refused).ok()
}

/// The laws of sets, on the two halves of a list of ranges.
fn sets(text: &str) {
    let (left, right) = text.split_once(';').unwrap_or((text, ""));
    let (Ok(a), Ok(b)) = (left.parse::<AddressRanges>(), right.parse::<AddressRanges>()) else {
        return;
    };
    let (both, only_a) = (a.intersection(&b), a.subtract(&b));
    assert_eq!(both.len() + only_a.len(), a.len());
    assert_eq!(both.union(&only_a), a);
    assert_eq!(a.union(&b).len(), a.len() + b.len() - both.len());
    assert!(a.union(&b).is_superset(&a) && a.is_superset(&both));
    assert!(only_a.intersection(&b).is_empty());
    for range in a.iter() {
        assert!(range.first() <= range.last());
        assert!(a.contains(range.first()) && a.contains(range.last()));
        assert!(!only_a.contains(range.first()) || !b.contains(range.first()));
    }
}

/// Every menu's decoder on one answer.
pub(crate) fn rows(bytes: &[u8]) {
    let Ok(body) = answer::parse(bytes) else { return };
    single::<Resource>(&body);
    single::<Identity>(&body);
    single::<Routerboard>(&body);
    single::<SafeMode>(&body);
    let Value::Array(elements) = &body else { return };
    list::<Address>(elements);
    list::<Arp>(elements);
    list::<Bridge>(elements);
    list::<BridgeHost>(elements);
    list::<DhcpMatcher>(elements);
    list::<DhcpNetwork>(elements);
    list::<DhcpServer>(elements);
    list::<Interface>(elements);
    list::<Lease>(elements);
    list::<Nat>(elements);
    list::<Pool>(elements);
    list::<PoolUsed>(elements);
    list::<PppSecret>(elements);
    list::<Service>(elements);
    list::<User>(elements);
    list::<Group>(elements);
    list::<Veth>(elements);
    list::<Vlan>(elements);
}

/// Each element is a row or a bad row; none is lost.
fn list<M: Rows>(elements: &[Value]) {
    let listing = Listing::<M>::read(elements);
    assert_eq!(
        listing.rows.len() + listing.bad.len(),
        elements.len(),
        "{}",
        M::PATH
    );
    for bad in &listing.bad {
        short(M::PATH, &bad.why);
    }
}

fn single<M: Menu>(body: &Value) {
    if let Err(bad) = menu::row::<M>(body) {
        short(M::PATH, &bad.why);
    }
}

fn short(menu: &str, why: &str) {
    assert!(!why.is_empty() && why.len() < LONGEST_REASON, "{menu}: {why}");
}

/// What is proper JSON is read as what it is; what is read can be written and read again; and whatever stands between
/// the quotes of a comment, the row after it is read.
pub(crate) fn answer(bytes: &[u8]) {
    let read = answer::parse(bytes);
    if let Ok(proper) = serde_json::from_slice::<Value>(bytes) {
        assert_eq!(read.as_ref(), Ok(&proper));
    }
    if let Ok(value) = read.as_ref()
        && is_exact(value)
    {
        let written = serde_json::to_vec(value).unwrap();
        assert_eq!(answer::parse(&written).as_ref(), Ok(value));
    }
    // A quote ends a text and a backslash before a quote hides it: RouterOS escapes both.
    let foreign: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !b"\"\\".contains(byte))
        .collect();
    let list = [b"[{\"comment\":\"", foreign.as_slice(), b"\"},{\".id\":\"*2\"}]"].concat();
    let rows = answer::parse(&list).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(rows[1][".id"], "*2");
}

/// Whether every number in it is whole: a fraction may be rounded each time it is read, and RouterOS sends texts.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(elements) => elements.iter().all(is_exact),
        Value::Object(object) => object.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
