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

/// A router that was read.
pub(super) struct Held<'a> {
    /// The name of its MikrotikRouter.
    pub(super) router: &'a str,
    pub(super) reading: &'a Reading,
}

/// One address that a person reserved, on one router or on several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) address: IpAddr,
    /// What a person calls it.
    note: String,
    /// The Service that is known to be meant.
    service: Option<ObjectKey>,
    /// That Service asks for the address already.
    asked: bool,
    /// Others ask for it too, or the mark counts more than one: a reservation would shut them out.
    shared: bool,
    /// Where it stands: of each router that has it one row.
    rows: Vec<Standing>,
}

/// A row that reserves an address.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Standing {
    /// What and where it is, for the comment.
    place: String,
    /// It is a lease, which may stand for a Service.
    is_lease: bool,
    /// The Service that its mark names.
    service: Option<ObjectKey>,
    /// A tiklb wrote the row: which cluster, and its UID in the short form.
    marked: Option<(String, String)>,
}

/// The reservations within `ranges`, by address, each once however many routers hold it (a VRRP pair holds the same).
/// Rows that the router made by itself are none, and neither are those of the cluster that lives (`living`, its short
/// UID): its Services have them. What an AddressReservation keeps already needs no other.
pub(super) fn reservations(
    routers: &[Held<'_>],
    ranges: &RangeSet,
    services: &[Service],
    objects: &[ReservationObject],
    living: Option<&str>,
) -> Vec<Kept> {
    let wishes = wishes(services);
    let kept_already = addresses(objects);
    let mut kept: BTreeMap<IpAddr, Kept> = BTreeMap::new();
    for router in routers {
        let title = match routers {
            [_] => router.reading.identity.clone(),
            // Two of a pair are often called the same.
            _ => format!("{} (MikrotikRouter {})", router.reading.identity, router.router),
        };
        let mut seen = BTreeSet::new();
        for (address, comment, host_name, what) in static_rows(router.reading) {
            if !ranges.contains(address) || kept_already.contains(&address) {
                continue;
            }
            let marker = Marker::parse(comment);
            let owner = marker.as_ref().map(|marker| marker.owner.uid.as_str());
            if owner.is_some() && owner == living {
                continue;
            }
            // A lease says more than the ARP row beside it.
            if !seen.insert(address) {
                continue;
            }
            let asking = wishes.get(&address).map(Vec::as_slice).unwrap_or_default();
            let row = Standing {
                place: format!("{what} on {title}"),
                is_lease: what == LEASE,
                service: marker.as_ref().and_then(|marker| service_of(&marker.subject)),
                marked: marker
                    .as_ref()
                    .map(|marker| (marker.owner.cluster.clone(), marker.owner.uid.clone())),
            };
            let note = match &marker {
                Some(marker) => marker.note.clone(),
                None if comment.is_empty() => host_name.to_owned(),
                None => comment.to_owned(),
            };
            let counts_more = marker.is_some_and(|marker| marker.subject.contains(" +"));
            kept.entry(address)
                .or_insert_with(|| Kept::new(address))
                .add(row, note, asking, counts_more);
        }
    }
    kept.into_values().collect()
}

/// What a person may have written: address, comment, the name that the device gave itself, and what the row is.
fn static_rows(reading: &Reading) -> impl Iterator<Item = (IpAddr, &str, &str, &'static str)> {
    let leases = reading.leases.iter().filter(|row| !row.dynamic);
    let leases = leases.map(|row| {
        let name = row.host_name.as_deref().unwrap_or_default();
        (row.address, row.comment.as_str(), name, LEASE)
    });
    let arps = reading.arps.iter().filter(|row| !row.dynamic);
    leases.chain(arps.map(|row| (row.address, row.comment.as_str(), "", "a static ARP row")))
}

impl Kept {
    fn new(address: IpAddr) -> Self {
        Self {
            address,
            note: String::new(),
            service: None,
            asked: false,
            shared: false,
            rows: Vec::new(),
        }
    }

    /// Takes in what one router says. What the first one says goes before what later ones say.
    fn add(&mut self, row: Standing, note: String, asking: &[ObjectKey], counts_more: bool) {
        if self.note.is_empty() {
            self.note = note;
        }
        if self.rows.iter().all(|row| row.service.is_none()) {
            self.service = row.service.clone().or_else(|| asking.first().cloned());
        }
        self.asked = self
            .service
            .as_ref()
            .is_some_and(|service| asking.contains(service));
        self.shared |= counts_more || asking.len() > 1;
        self.rows.push(row);
    }
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
    let mut page = format!("# What routers reserve in {ranges}, as objects that keep it.\n");
    if kept.is_empty() {
        page.push_str("# There are none.\n");
    }
    for kept in kept {
        let places: Vec<String> = kept.rows.iter().map(|row| one_line(&row.place)).collect();
        let (address, places) = (kept.address, places.join(", "));
        if kept.shared {
            page.extend([
                &format!("# {address} {places}\n"),
                "# Several Services share it, and an AddressReservation is for one: leave their annotations as they are.\n",
            ]);
            continue;
        }
        let object = serde_saphyr::to_string(&object(kept, namespace))?;
        page.extend([
            "---\n",
            &format!("# {address} {places}\n"),
            &advice(kept),
            &object,
        ]);
    }
    Ok(page)
}

/// What a person has to do besides, as comment lines.
fn advice(kept: &Kept) -> String {
    let mut lines = match &kept.service {
        Some(service) if kept.asked => format!("# Service {service} asks for this address already.\n"),
        Some(service) => format!("# Service {service} gets it without an annotation.\n"),
        None => "# For a Service: add `for: namespace/name` under spec; it needs no annotation.\n".to_owned(),
    };
    let others = kept.rows.iter().filter_map(|row| {
        let other = row
            .service
            .as_ref()
            .filter(|service| kept.service.as_ref() != Some(*service))?;
        Some(format!(
            "# {} is for another Service: {other}.\n",
            one_line(&row.place)
        ))
    });
    lines.extend(others);
    // Rows that are alike need one line of advice; where they are not, each says which is meant.
    let all: Vec<String> = kept.rows.iter().map(Standing::advice).collect();
    match all.as_slice() {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => lines.push_str(first),
        _ => lines.extend(
            kept.rows
                .iter()
                .zip(all)
                .flat_map(|(row, advice)| [format!("# Of {}:\n", one_line(&row.place)), advice]),
        ),
    }
    lines
}

impl Standing {
    /// What becomes of the row.
    fn advice(&self) -> String {
        if let Some((cluster, uid)) = &self.marked {
            return format!(
                "# A tiklb wrote the row, for the cluster {} with the UID {}: if this cluster is the one or replaces it, leave the row\n# (spec.adoptFrom of the MikrotikRouter names a UID that is replaced). If that cluster lives beside this one, leave this object out.\n",
                one_line(cluster),
                one_line(uid)
            );
        }
        if self.is_lease {
            return format!(
                "# Remove the row on the router first, or leave it there for the Service, under its metadata.annotations:\n#   {USE_EXISTING_LEASE}: \"true\"\n"
            );
        }
        "# Remove the row on the router first: while it stands no Service gets the address.\n".to_owned()
    }
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
