//! A person's word for removals: what it is for, and that it is good for nothing else.
//!
//! Nothing of it is remembered here: the object's status says which word was the last one and what of it is still to be
//! done, before any of it is. So the next allocator goes on where this one ended, and a word that was used fits no other
//! removal, however much that one looks like the first: the last word is part of what the next one is made of.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Landscape, Router, Trust};
use crate::config::object::Confirmed;
use crate::model::Now;
use crate::reservation::brake;
use crate::reservation::plan::Plan;
use crate::reservation::write::Planned;

impl Router {
    /// What a person has agreed to, whether that is stored already or not.
    fn agreed(&self) -> &Confirmed {
        self.word.as_ref().unwrap_or(&self.object.confirmed)
    }

    /// What of the removals that wait nobody has agreed to yet.
    pub(super) fn unsaid<'a>(&self, held: &'a [Planned]) -> Vec<&'a Planned> {
        let said = &self.agreed().removals;
        let waiting = held.iter();
        waiting
            .filter(|planned| !said.contains(&brake::mark(&planned.write)))
            .collect()
    }

    /// What a person writes to agree to these.
    pub(super) fn word_for(&self, unsaid: &[&Planned]) -> String {
        brake::hash(&self.object.uid, &self.agreed().word, unsaid)
    }

    /// Takes a person's word for the removals that wait for it. They begin when it is stored.
    pub(super) fn note_word(&mut self, plan: &Plan, landscape: &Landscape<'_>, now: Now) {
        if self
            .word
            .as_ref()
            .is_some_and(|word| word.word == self.object.confirmed.word)
        {
            self.word = None;
        }
        let unsaid = self.unsaid(&plan.held);
        if unsaid.is_empty() || !landscape.complete {
            return;
        }
        let word = self.word_for(&unsaid);
        if self.object.confirm.as_ref() != Some(&word) {
            return;
        }
        let mut removals = self.still_agreed(plan, landscape, now).removals;
        let room = brake::MOST.saturating_sub(removals.len());
        if room > 0 {
            let marks = unsaid.iter().map(|planned| brake::mark(&planned.write));
            removals.extend(marks.take(room));
            self.word = Some(Confirmed { word, removals });
        }
    }

    /// What the status should say of it: the last word, and what of it is still to be done. What is wanted again, or
    /// another removal by now, nobody has agreed to any more.
    pub(super) fn still_agreed(&self, plan: &Plan, landscape: &Landscape<'_>, now: Now) -> Confirmed {
        let mut agreed = self.agreed().clone();
        // Before everything is known, nothing can be said to be over.
        let known = landscape.complete && self.reading.is_some() && self.trust == Trust::Agreed;
        if agreed.removals.is_empty() || !known {
            return agreed;
        }
        let (claims, _) = self.claims(landscape);
        // After a restart every removal waits anew: those that will be due count as well.
        let later = Now {
            mono: now.mono + Duration::MAX,
            ..now
        };
        let later = self.plan_with(&claims, landscape, later);
        let plans = [plan, &later].into_iter();
        let all = plans.flat_map(|plan| plan.writes.iter().chain(&plan.held));
        let named: BTreeSet<String> = all.map(|planned| brake::mark(&planned.write)).collect();
        agreed.removals.retain(|removal| named.contains(removal));
        agreed
    }
}
