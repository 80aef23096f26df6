//! Reservations that a router already holds, as the objects and annotations that would keep them: `tiklb plan --import`.
//!
//! A person who kept addresses by hand wrote static leases and static ARP rows. Each in the range becomes an
//! AddressReservation, so that no Service is given the address by chance. Which Service should have it is known where
//! a row carries a mark of tiklb's (a cluster that was built anew), or where a Service already asks for the address.
//! What is printed is what the kind accepts, whatever a foreign comment holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};
use tiklb_core::config::{ReservationObject, reservation};
use tiklb_core::ipam::request::{Request, USE_EXISTING_LEASE, Wanted};
use tiklb_core::model::service::Service;
use tiklb_core::model::{ObjectKey, RangeSet};
use tiklb_core::reservation::{Marker, Reading};

use crate::api::address_reservation::NOTE_LENGTH;

/// What a row is called that may stand for a Service.
const LEASE: &str = "a static lease";

/// One address that a person reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) address: IpAddr,
    /// What a person calls it.
    note: String,
    /// Where it stands, for the comment.
    place: String,
    /// It is a lease, which may stand for a Service.
    is_lease: bool,
    /// The Service that is known to be meant.
    service: Option<ObjectKey>,
    /// That Service asks for the address already.
    asked: bool,
    /// A tiklb wrote the row: which cluster, and its UID in the short form.
    marked: Option<(String, String)>,
    /// Others ask for it too, or the mark counts more than one: a reservation would shut them out.
    shared: bool,
}

/// The reservations within `ranges`, by address. Rows that the router made by itself are none, and neither are those of
/// the cluster that lives (`living`, its short UID): its Services have them. What an AddressReservation keeps already
/// needs no other.
pub(super) fn reservations(
    reading: &Reading,
    ranges: &RangeSet,
    services: &[Service],
    objects: &[ReservationObject],
    living: Option<&str>,
) -> Vec<Kept> {
    let wishes = wishes(services);
    let kept_already = addresses(objects);
    let mut kept: BTreeMap<IpAddr, Kept> = BTreeMap::new();
    let leases = reading.leases.iter().filter(|row| !row.dynamic);
    let leases = leases.map(|row| {
        let name = row.host_name.clone().unwrap_or_default();
        (row.address, &row.comment, name, LEASE)
    });
    let arps = reading.arps.iter().filter(|row| !row.dynamic);
    let arps = arps.map(|row| (row.address, &row.comment, String::new(), "a static ARP row"));
    for (address, comment, host_name, place) in leases.chain(arps) {
        if !ranges.contains(address) || kept_already.contains(&address) {
            continue;
        }
        let marker = Marker::parse(comment);
        if marker
            .as_ref()
            .is_some_and(|marker| living == Some(marker.owner.uid.as_str()))
        {
            continue;
        }
        let marked = marker.as_ref().and_then(|marker| service_of(&marker.subject));
        let asking = wishes.get(&address).map(Vec::as_slice).unwrap_or_default();
        let service = marked.or_else(|| asking.first().cloned());
        let counts_more = marker
            .as_ref()
            .is_some_and(|marker| marker.subject.contains(" +"));
        let note = match &marker {
            Some(marker) => marker.note.clone(),
            None if comment.is_empty() => host_name,
            None => comment.clone(),
        };
        let asked = service.as_ref().is_some_and(|service| asking.contains(service));
        kept.entry(address).or_insert(Kept {
            address,
            note,
            place: format!("{place} on {}", reading.identity),
            is_lease: place == LEASE,
            service,
            asked,
            marked: marker.map(|marker| (marker.owner.cluster, marker.owner.uid)),
            shared: counts_more || asking.len() > 1,
        });
    }
    kept.into_values().collect()
}

/// `namespace/name` out of a mark's subject, which may end in ` +2`. Anybody can write a mark.
fn service_of(subject: &str) -> Option<ObjectKey> {
    reservation::named(subject.split(' ').next()?).ok()
}

fn addresses(objects: &[ReservationObject]) -> BTreeSet<IpAddr> {
    let specs = objects.iter().filter_map(|object| object.spec.as_ref().ok());
    specs.filter_map(|spec| spec.address.parse().ok()).collect()
}

fn wishes(services: &[Service]) -> BTreeMap<IpAddr, Vec<ObjectKey>> {
    let mut wishes: BTreeMap<IpAddr, Vec<ObjectKey>> = BTreeMap::new();
    for service in services {
        if let Ok(Request {
            wanted: Wanted::Exactly(addresses),
            ..
        }) = Request::of(service)
        {
            for address in addresses {
                wishes.entry(address).or_default().push(service.key.clone());
            }
        }
    }
    wishes
}

/// The page: YAML for Git.
pub(super) fn yaml(
    kept: &[Kept],
    ranges: &RangeSet,
    namespace: &str,
) -> Result<String, serde_saphyr::ser_error::Error> {
    let mut page = format!("# Reservations that the router holds in {ranges}, as objects that keep them.\n");
    if kept.is_empty() {
        page.push_str("# There are none.\n");
    }
    for kept in kept {
        let (address, place) = (kept.address, one_line(&kept.place));
        if kept.shared {
            page.extend([
                &format!("# {address} {place}\n"),
                "# Several Services share it, and an AddressReservation is for one: leave their annotations as they are.\n",
            ]);
            continue;
        }
        let object = serde_saphyr::to_string(&object(kept, namespace))?;
        page.extend(["---\n", &format!("# {address} {place}\n"), &advice(kept), &object]);
    }
    Ok(page)
}

/// What a person has to do besides, as comment lines.
fn advice(kept: &Kept) -> String {
    let gets = match &kept.service {
        Some(service) if kept.asked => format!("# Service {service} asks for this address already.\n"),
        Some(service) => format!("# Service {service} gets it without an annotation.\n"),
        None => "# For a Service: add `for: namespace/name` under spec; it needs no annotation.\n".to_owned(),
    };
    let row = if let Some((cluster, uid)) = &kept.marked {
        format!(
            "# A tiklb wrote the row, for the cluster {} with the UID {}: if this cluster is the one or replaces it, leave the row\n# (spec.adoptFrom of the MikrotikRouter names a UID that is replaced). If that cluster lives beside this one, leave this object out.\n",
            one_line(cluster),
            one_line(uid)
        )
    } else if kept.is_lease {
        format!(
            "# Remove the row on the router first, or leave it there for the Service, under its metadata.annotations:\n#   {USE_EXISTING_LEASE}: \"true\"\n"
        )
    } else {
        "# Remove the row on the router first: while it stands no Service gets the address.\n".to_owned()
    };
    gets + &row
}

fn object(kept: &Kept, namespace: &str) -> Value {
    let mut spec = json!({"address": kept.address.to_string()});
    if let Some(service) = &kept.service {
        spec["for"] = service.to_string().into();
    }
    let note = note(&kept.note);
    if !note.is_empty() {
        spec["note"] = note.into();
    }
    let name = kept.address.to_string().replace(['.', ':'], "-");
    json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "AddressReservation",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// As much of a foreign comment as an AddressReservation takes.
fn note(comment: &str) -> String {
    let room = usize::try_from(NOTE_LENGTH).unwrap_or(usize::MAX);
    let note: String = one_line(comment).trim().chars().take(room).collect();
    note.trim_end().to_owned()
}

/// A foreign comment may hold anything; in ours it must not begin a line of its own.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}
