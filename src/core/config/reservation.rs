//! `AddressReservation`: addresses that are kept for one Service each.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::object::ReservationObject;
use super::pool::{Pool, PoolState};
use super::problem::{Kind, Problem};
use crate::model::ObjectKey;

/// How much of what was written is repeated in our messages: more than an address or a Service's name has.
const SHOWN: usize = 64;
/// The longest label of a DNS name, and so the longest name of a namespace or a Service.
const LABEL: usize = 63;

/// An address that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The object: namespace and name.
    pub key: ObjectKey,
    /// The address.
    pub address: IpAddr,
    /// The one Service that gets it; `None`: no Service does.
    pub service: Option<ObjectKey>,
    /// What a person calls it.
    pub note: String,
}

/// Judges each reservation by itself, then those of one address together: the eldest has it.
pub(super) fn validate(
    objects: &[ReservationObject],
    pools: &BTreeMap<String, Pool>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<IpAddr, Reservation> {
    let mut by_age: Vec<&ReservationObject> = objects.iter().collect();
    by_age.sort_by_key(|object| &object.seniority);
    let mut reservations: BTreeMap<IpAddr, Reservation> = BTreeMap::new();
    for object in by_age {
        let invalid = |words: String| Problem::invalid(Kind::AddressReservation, &object.key, words);
        let reservation = match read(object) {
            Ok(reservation) => reservation,
            Err(words) => {
                problems.push(invalid(words));
                continue;
            }
        };
        if let Some(elder) = reservations.get(&reservation.address) {
            problems.push(invalid(format!(
                "{} is reserved by the older AddressReservation {} already: delete one of the two; until then the older one counts",
                reservation.address, elder.key.name
            )));
            continue;
        }
        problems.extend(outside(&reservation, pools));
        reservations.insert(reservation.address, reservation);
    }
    reservations
}

fn read(object: &ReservationObject) -> Result<Reservation, String> {
    let spec = object.spec.as_ref().map_err(Clone::clone)?;
    let service = spec.service.as_ref().filter(|text| !text.is_empty());
    Ok(Reservation {
        key: object.key.clone(),
        address: address(&spec.address)?,
        service: service.map(|text| named(text)).transpose()?,
        note: spec.note.clone(),
    })
}

fn address(text: &str) -> Result<IpAddr, String> {
    // An IPv4 address in IPv6's form is another text for the same address, and no device has it.
    let address = text
        .parse()
        .ok()
        .filter(|address: &IpAddr| address.to_canonical() == *address);
    address.ok_or_else(|| {
        format!(
            "spec.address: {:?} is no IPv4 or IPv6 address: write one without a mask, such as 192.168.1.205",
            shown(text)
        )
    })
}

/// A Service by namespace and name, as `spec.for` has it.
///
/// # Errors
/// It is no name that Kubernetes gives; in words.
pub fn named(text: &str) -> Result<ObjectKey, String> {
    let parts = text.split_once('/');
    let key = parts.filter(|(namespace, name)| is_label(namespace) && is_label(name));
    let key = key.map(|(namespace, name)| ObjectKey::new(namespace, name));
    key.ok_or_else(|| {
        format!(
            "spec.for: {:?} names no Service: write its namespace and name with a slash between them, such as media/photos",
            shown(text)
        )
    })
}

/// A DNS label (RFC 1123), as the API server wants it of namespaces and Services.
fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LABEL).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Harmless: no Service could be given the address anyway. While a pool cannot be read nobody knows what it holds.
fn outside(reservation: &Reservation, pools: &BTreeMap<String, Pool>) -> Option<Problem> {
    let known = |pool: &Pool| pool.state == PoolState::Usable && !pool.holds(reservation.address);
    pools.values().all(known).then(|| {
        let words = format!(
            "{} is in no IPAddressPool, so it reserves nothing: correct spec.address, or add it to a pool",
            reservation.address
        );
        Problem::idle(Kind::AddressReservation, &reservation.key, words)
    })
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
