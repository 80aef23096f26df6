//! When an address is proven free: the gate before a Service's status names it.
//!
//! An address that a Service already has never comes here.

use std::net::IpAddr;
use std::time::Duration;

use super::{LEASES_SETTLE, Landscape, Router, Trust};
use crate::config::object::{Assignment, RouterMode};
use crate::ipam::Availability;
use crate::model::{Instant, Now};

/// How long the last good reading vouches for what the router hands out. After that a survey must agree.
pub(super) const TRUST: Duration = Duration::from_hours(24);

impl Router {
    /// Whether this router lets a new Service have the address. `None`: it has no say about it.
    pub fn availability(&self, address: IpAddr, landscape: &Landscape<'_>, now: Now) -> Option<Availability> {
        let name = &self.object.key.name;
        let Ok(spec) = &self.object.spec else {
            let namespace = &self.object.key.namespace;
            let why = format!(
                "MikrotikRouter {name} cannot be used: kubectl describe mikrotikrouter -n {namespace} {name}"
            );
            return Some(Availability::Unproven(why));
        };
        if !self.governed(landscape).any(|pool| pool.ranges.contains(address)) {
            return None;
        }
        let holder = self.held.holder(address);
        if let Some(holder) = holder.filter(|_| !self.held.is_reserved(address)) {
            return Some(Availability::Held(holder.clone()));
        }
        if self.object.deleting {
            return self.leaving(address, landscape);
        }
        if let Some(elder) = &self.twins.elder {
            let why = format!(
                "MikrotikRouters {name} and {} are about the same router: delete one",
                elder.name
            );
            return Some(Availability::Unproven(why));
        }
        let gate = match (self.mode(), spec.assignment) {
            (RouterMode::DryRun | RouterMode::Paused, _) => Ok(()),
            (RouterMode::Enforce, Assignment::Surveyed) => surveyed(address, None, landscape, now.mono),
            (RouterMode::Enforce, Assignment::Proven) => self.proven(address, landscape, now),
        };
        Some(match gate {
            Ok(()) => match (holder, self.held.pointed(address)) {
                (Some(holder), _) => Availability::Reserved(holder.clone()),
                (None, Some(role)) => Availability::OnRequest(role.clone()),
                (None, None) => Availability::Free,
            },
            // Who does not know the row is told of that first.
            Err(_) if holder.is_some() && !landscape.adopted.contains(&address) => {
                holder.map_or(Availability::Free, |holder| Availability::Held(holder.clone()))
            }
            Err(why) => Availability::Unproven(format!("{why} (MikrotikRouter {name})")),
        })
    }

    /// While the object is being deleted it proves nothing any more. What it took goes back to the router's clients: a
    /// new Service that got it in between would have it with one of them. When the object is gone, so is this.
    fn leaving(&self, address: IpAddr, landscape: &Landscape<'_>) -> Option<Availability> {
        let holder = self.held.holder(address);
        if let Some(holder) = holder.filter(|_| !landscape.adopted.contains(&address)) {
            return Some(Availability::Held(holder.clone()));
        }
        let mut taken = self.object.taken.iter();
        if self.twins.heir.is_none() && taken.any(|taken| taken.ranges.contains(address)) {
            return Some(Availability::Unproven(format!(
                "MikrotikRouter {} is being deleted and gives it back to the router's DHCP pool",
                self.object.key.name
            )));
        }
        holder.map(|holder| Availability::Reserved(holder.clone()))
    }

    fn proven(&self, address: IpAddr, landscape: &Landscape<'_>, now: Now) -> Result<(), String> {
        let Some(last) = self.last_good_read else {
            return Err(match &self.failure {
                Some(failure) => format!("the router could not be read: {}", failure.message),
                None => "the router was not read yet".to_owned(),
            });
        };
        let (claims, refusals) = self.claims(landscape);
        if let Some((_, refusal)) = refusals
            .iter()
            .find(|(pool, _)| landscape.config.pools[pool].ranges.contains(address))
        {
            return Err(refusal.to_string());
        }
        let still_in = claims
            .iter()
            .flat_map(|c| &c.cuts)
            .find(|cut| cut.row.ranges.contains(address));
        if let Some(cut) = still_in {
            let by_hand = self.object.spec.as_ref().is_ok_and(|spec| !spec.shrink_pools);
            let fix = if by_hand {
                ", and spec.dhcp.shrinkPools is false: take it out of its ranges, or set shrinkPools to true"
            } else {
                ""
            };
            return Err(format!(
                "the router's DHCP pool {} still hands it out{fix}",
                cut.row.name
            ));
        }
        let used = self.used_rows(landscape);
        if let Some(used) = used.iter().find(|used| used.row.ranges.contains(address)) {
            return Err(used.words.clone());
        }
        if self.trust == Trust::Unknown {
            return Err("two readings of the router have to agree first".to_owned());
        }
        if let Some(row) = self.reading.iter().find_map(|reading| reading.unreadable.first()) {
            return Err(format!(
                "a row of the router that cannot be read may hold it: {row}"
            ));
        }
        if self.exclusion.is_given_back(address) {
            return Err(
                "it was being given back to the router's DHCP pool: the router is read first".to_owned(),
            );
        }
        if self.exclusion.is_unsettled(address) {
            let wait = LEASES_SETTLE.as_secs();
            return Err(format!(
                "leases are read once more {wait} s after the pool was cut"
            ));
        }
        if now.mono.since(last) >= TRUST {
            return surveyed(address, Some(last), landscape, now.mono);
        }
        surveyed(address, self.survey_after, landscape, now.mono)
    }
}

fn surveyed(
    address: IpAddr,
    since: Option<Instant>,
    landscape: &Landscape<'_>,
    now: Instant,
) -> Result<(), String> {
    if landscape.surveys.silent(address, since, now) {
        return Ok(());
    }
    Err(
        "no speaker has reported yet that nobody answers for it (kubectl get leases -A -l tiklb.io/survey)"
            .to_owned(),
    )
}
