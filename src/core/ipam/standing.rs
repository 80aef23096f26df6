//! What a Service has at the moment of a decision, and what of it may stay.

use std::net::IpAddr;

use super::Ledger;
use super::decision::{Because, Decision, Lost, Outcome};
use super::ground::{Ground, Seeker};
use super::ledger::assigned;
use super::request::{FROM_POOL, Families, Request, Wanted};
use crate::config::{Admission, Keeper};
use crate::model::Family;

/// What a Service has.
#[derive(Debug, Clone, Default)]
pub(super) struct Had {
    /// What it may keep, in the order of the status; all from one pool.
    pub(super) kept: Vec<IpAddr>,
    /// The pool.
    pub(super) pool: String,
    /// The pool can be used: more can be had from it.
    pub(super) usable: bool,
    /// Why it may not keep something that it had.
    pub(super) lost: Option<Lost>,
}

impl Ledger {
    /// What the Service has now. The ledger knows better than a copy of the Service that may be older than our own last
    /// write.
    pub(super) fn had(&self, seeker: &Seeker<'_>, ground: &Ground<'_>) -> Had {
        let service = seeker.service;
        let recorded = self.assignment(&service.key);
        let came_from = recorded
            .map(|a| a.pool.as_str())
            .or_else(|| service.annotations.get(FROM_POOL).map(String::as_str));
        let mut had = Had::default();
        for address in recorded.map_or(&service.ingress, |a| &a.addresses) {
            // A status that somebody wrote by hand may name more than one of a family.
            let family = |kept: &IpAddr| Family::of(*kept) == Family::of(*address);
            if had.kept.iter().any(family) {
                continue;
            }
            match self.stands(*address, came_from, seeker, ground) {
                Ok(keeper) if had.kept.is_empty() => {
                    had.kept.push(*address);
                    keeper.name().clone_into(&mut had.pool);
                    had.usable = matches!(keeper, Keeper::Pool(_));
                }
                // A pool that cannot be used excludes nothing.
                Ok(keeper)
                    if keeper.name() == had.pool || !had.usable || matches!(keeper, Keeper::Unusable(_)) =>
                {
                    had.kept.push(*address);
                    had.usable &= matches!(keeper, Keeper::Pool(_));
                }
                Ok(_) => had.lost = had.lost.or(Some(Lost::TwoPools)),
                Err(lost) => had.lost = had.lost.or(Some(lost)),
            }
        }
        had
    }

    /// The pool that lets the address stay with the seeker, or why none does.
    fn stands<'a>(
        &self,
        address: IpAddr,
        came_from: Option<&str>,
        seeker: &Seeker<'_>,
        ground: &Ground<'a>,
    ) -> Result<Keeper<'a>, Lost> {
        let keeper = ground.config.keeper(address, came_from);
        let keeper = keeper.ok_or(Lost::OutsidePools)?;
        // A namespace that was not seen takes nothing away.
        if let Keeper::Pool(pool) = keeper
            && ground.admits(pool, seeker.service) == Admission::No
        {
            let pool = pool.name.clone();
            return Err(Lost::NotServed { pool });
        }
        if let Some(by) = self.blocker(address, seeker) {
            let by = by.clone();
            return Err(Lost::NotShared { address, by });
        }
        Ok(keeper)
    }
}

impl Had {
    /// What of it is of these families.
    pub(super) fn of(mut self, families: Families) -> Self {
        let any = !self.kept.is_empty();
        self.kept.retain(|address| families.include(Family::of(*address)));
        if any && self.kept.is_empty() {
            self.lost = Some(Lost::Families);
        }
        self
    }

    /// There was nothing to keep or to lose.
    pub(super) fn is_nothing(&self) -> bool {
        self.kept.is_empty() && self.lost.is_none()
    }

    /// Nothing of it may stay.
    pub(super) fn give_up(&mut self, why: Lost) {
        if !self.kept.is_empty() {
            self.kept.clear();
            self.lost.get_or_insert(why);
        }
    }

    pub(super) fn stay(self) -> Outcome {
        Outcome::Assigned {
            addresses: self.kept,
            pool: self.pool,
        }
    }

    pub(super) fn stay_because(self, because: Because) -> Decision {
        Decision {
            outcome: self.stay(),
            because,
        }
    }

    /// Something else was found.
    pub(super) fn leave(self, found: Decision) -> Decision {
        let Decision { outcome, because } = found;
        let because = match self.lost {
            Some(lost) => Because::NoLongerAllowed {
                lost,
                then: Box::new(because),
            },
            None => because,
        };
        Decision { outcome, because }
    }

    /// Nothing else was found.
    pub(super) fn stay_or_wait(self, because: Because) -> Decision {
        if !self.kept.is_empty() {
            let stays = Because::Stays(Box::new(because));
            return assigned(self.kept, self.pool, stays);
        }
        self.leave(Decision {
            outcome: Outcome::Pending,
            because,
        })
    }
}

/// Whether what a Service has, or a part of it, is what it asks for. The order does not matter: nothing is moved for it.
pub(super) fn fits(request: &Request, addresses: &[IpAddr], pool: &str) -> bool {
    let asked_for = match &request.wanted {
        Wanted::Any => true,
        Wanted::Exactly(wanted) => {
            wanted.len() == addresses.len() && wanted.iter().all(|address| addresses.contains(address))
        }
    };
    asked_for && request.pool.as_deref().is_none_or(|wanted| wanted == pool)
}
