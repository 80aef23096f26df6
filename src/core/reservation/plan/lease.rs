//! The static leases that stand for addresses: those that Services have, and those that AddressReservations keep.
//!
//! Both are one row: it changes its owner, if at all, and never goes for a moment in between.

use std::net::IpAddr;

use super::{Ground, Plan, subject};
use crate::model::ObjectKey;
use crate::reservation::held::is_ours;
use crate::reservation::marker::{Marker, claim_mac};
use crate::reservation::observed::LeaseRow;
use crate::reservation::site;
use crate::reservation::write::{LeaseSpec, Write};

/// What a row is called that keeps an address for nobody in particular: one word, where a Service's name would stand.
const FOR_NOBODY: &str = "reserved";
/// The longest comment that is written.
const COMMENT: usize = 200;

/// An address that an AddressReservation keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The AddressReservation's name.
    pub reservation: String,
    /// The Service that it is for.
    pub service: Option<ObjectKey>,
    /// What a person calls it.
    pub note: String,
    /// Nobody else is known to have the address: a row may be made.
    pub free: bool,
}

/// A row that should stand.
struct Wanted {
    address: IpAddr,
    server: String,
    subject: String,
    /// What should stand behind our mark unless a person wrote something there; `None`: whatever does.
    note: Option<String>,
    /// A Service has the address.
    served: bool,
    because: String,
}

pub(super) fn leases(ground: &Ground<'_>, plan: &mut Plan) {
    let assigned = ground
        .assigned
        .keys()
        .filter_map(|address| assigned(ground, *address));
    let kept = ground.kept.keys().filter_map(|address| kept(ground, *address));
    let mut all: Vec<Wanted> = assigned.chain(kept).collect();
    all.sort_by_key(|wanted| wanted.address);
    for wanted in all {
        let ours = |row: &&LeaseRow| is_ours(&row.comment, ground.owner);
        let mut here = ground
            .reading
            .leases
            .iter()
            .filter(|row| row.address == wanted.address);
        match here.clone().find(ours).or_else(|| here.next()) {
            Some(row) if ours(&row) => change(ground, &wanted, row, plan),
            Some(row) => obstructed(ground, &wanted, row, plan),
            None if wanted.served || ground.kept.get(&wanted.address).is_some_and(|kept| kept.free) => {
                let spec = wanted.spec(ground, "");
                plan.push(Write::AddLease(spec), wanted.because);
            }
            None => {} // Somebody else has it: the AddressReservation says who.
        }
    }
}

fn assigned(ground: &Ground<'_>, address: IpAddr) -> Option<Wanted> {
    let services = ground.assigned.get(&address)?;
    // The note of an address that another Service has had since before tells nothing of that Service.
    let kept = ground.kept.get(&address);
    let kept = kept.filter(|kept| {
        kept.service
            .as_ref()
            .is_none_or(|service| services.contains(service))
    });
    let subject = subject(services);
    Some(Wanted {
        address,
        server: site::place(ground.reading, address)?.server,
        because: format!("reserves {address} for {subject}"),
        subject,
        note: kept.map(|kept| kept.note.clone()),
        served: true,
    })
}

/// For an address that no Service has yet.
fn kept(ground: &Ground<'_>, address: IpAddr) -> Option<Wanted> {
    let kept = ground
        .kept
        .get(&address)
        .filter(|_| !ground.assigned.contains_key(&address))?;
    let name = kept.service.as_ref().map(ToString::to_string);
    let whom = name
        .as_ref()
        .map_or_else(String::new, |name| format!(" for {name}"));
    Some(Wanted {
        address,
        server: site::place(ground.reading, address)?.server,
        because: format!("AddressReservation {} keeps {address}{whom}", kept.reservation),
        subject: name.unwrap_or_else(|| FOR_NOBODY.to_owned()),
        note: Some(kept.note.clone()),
        served: false,
    })
}

impl Wanted {
    fn spec(&self, ground: &Ground<'_>, replaces: &str) -> LeaseSpec {
        let mark = Marker::comment(ground.owner, &self.subject, "");
        let text = Marker::parse(replaces)
            .map(|marker| marker.note)
            .unwrap_or_default();
        let ours = text.is_empty() || ground.noted.get(&self.address) == Some(&text);
        let text = match &self.note {
            Some(note) if ours => note_on(&mark, note),
            _ => text,
        };
        LeaseSpec {
            address: self.address,
            mac: claim_mac(self.address),
            server: self.server.clone(),
            comment: Marker::with_note(ground.owner, &self.subject, &text),
        }
    }
}

/// A note as a comment has it that begins with `mark`: RouterOS's own characters, and no more of them than there is
/// room for.
pub(in crate::reservation) fn note_on(mark: &str, note: &str) -> String {
    let plain = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    let room = COMMENT.saturating_sub(mark.len() + Marker::BETWEEN);
    let text: String = note.trim().chars().map(plain).take(room).collect();
    text.trim_end().to_owned()
}

fn change(ground: &Ground<'_>, wanted: &Wanted, row: &LeaseRow, plan: &mut Plan) {
    let spec = wanted.spec(ground, &row.comment);
    if lease_differs(row, &spec) {
        let write = Write::SetLease {
            row: row.clone(),
            spec,
        };
        plan.push(write, format!("it stands for {}", wanted.subject));
    }
}

/// Somebody else's row has the address.
fn obstructed(ground: &Ground<'_>, wanted: &Wanted, row: &LeaseRow, plan: &mut Plan) {
    let stands_for_it = !row.dynamic && !row.disabled && ground.adopted.contains(&wanted.address);
    if stands_for_it || !wanted.served {
        return; // What is only kept is said by its AddressReservation.
    }
    let name = row.host_name.as_deref().unwrap_or("someone else");
    let kind = if row.dynamic { "leased to" } else { "reserved for" };
    plan.obstacles.push(format!(
        "{} of {} is {kind} {name} on the router: free it there",
        wanted.address, wanted.subject
    ));
}

fn lease_differs(row: &LeaseRow, spec: &LeaseSpec) -> bool {
    row.mac != Some(spec.mac)
        || row.server.as_ref() != Some(&spec.server)
        || row.comment != spec.comment
        || row.disabled
}
