//! What is to be thought of a router at one moment, and the conditions that say it.

use std::time::Duration;

use super::{Failure, FailureKind, Landscape, Refusal, Router, Trust};
use crate::config::RouterSpec;
use crate::config::object::{ArpRows, RouterMode, Taken};
use crate::model::{Now, RangeSet};
use crate::reservation::condition::{Condition, ConditionKind, Conditions, Listing, RouterStatus, is_listed};
use crate::reservation::held::is_ours;
use crate::reservation::marker::{Marker, Owner};
use crate::reservation::observed::Reading;
use crate::reservation::plan::Plan;
use crate::reservation::record;
use crate::reservation::write::Planned;

/// A row that is missing for less than this is on its way; only then the condition says so. Otherwise every new
/// Service would write the status twice.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// Everything that follows from a router's state.
pub(super) struct Judgement {
    pub(super) mode: RouterMode,
    pub(super) refusals: Vec<(String, Refusal)>,
    pub(super) plan: Plan,
    /// Rows of ours that people undid so often that they are left so.
    pub(super) left: Vec<String>,
    /// Nothing speaks against writing.
    pub(super) may_write: bool,
    /// What does.
    pub(super) stop: Option<Condition>,
}

impl Router {
    /// The mode that is in force: a version that nobody tested is only watched unless the user says otherwise.
    pub(super) fn mode(&self) -> RouterMode {
        let Ok(spec) = &self.object.spec else {
            return RouterMode::Paused;
        };
        if self.object.deleting && self.object.finalizer {
            // The deletion is a person's word: what was taken is given back, whatever else was only to be shown.
            return RouterMode::Enforce;
        }
        let untested = self.reading.as_ref().is_some_and(|reading| reading.untested);
        match spec.mode {
            RouterMode::Enforce if untested && !spec.accept_untested => RouterMode::DryRun,
            mode => mode,
        }
    }

    pub(super) fn judge(&self, landscape: &Landscape<'_>, now: Now) -> Judgement {
        let (mut claims, refusals) = self.claims(landscape);
        let mut left = self.leave_put_back(&mut claims);
        let mut plan = self.plan_with(&claims, landscape, now);
        let mode = self.mode();
        let undone = |planned: &mut Planned| self.is_left_alone(&planned.write);
        let undone = plan.writes.extract_if(.., undone);
        left.extend(undone.map(|planned| planned.write.target()));
        let waits = |planned: &mut Planned| self.awaits_proof(&planned.write, landscape, now);
        drop(plan.writes.extract_if(.., waits).collect::<Vec<_>>());
        let stop = self.stop(landscape);
        if self.twins.heir.is_some() {
            plan = Plan::default(); // Somebody else has to keep it as it is.
        }
        let may_write = mode == RouterMode::Enforce
            && stop.is_none()
            && self.trust == Trust::Agreed
            && self.failure.is_none()
            && self.object.finalizer;
        Judgement {
            mode,
            refusals,
            plan,
            left,
            may_write,
            stop,
        }
    }

    /// Facts about the router that forbid every write.
    fn stop(&self, landscape: &Landscape<'_>) -> Option<Condition> {
        let (reading, owner) = (self.reading.as_ref()?, self.owner(landscape)?);
        let spec = self.object.spec.as_ref().ok()?;
        if let Some(elder) = &self.twins.elder {
            let message = format!(
                "MikrotikRouter {} is about the same router and is older: delete one of the two",
                elder.name
            );
            return Some(Condition::no("SameRouter", message));
        }
        self.other_board(reading, spec)
            .or_else(|| namesake(reading, &owner))
            .or_else(|| safe_mode(reading))
    }

    /// Another board than the enrolled one answers. One without a serial number is known by its name.
    fn other_board(&self, reading: &Reading, spec: &RouterSpec) -> Option<Condition> {
        let (what, enrolled, found) = match (&self.object.serial, &reading.serial) {
            (Some(enrolled), Some(serial)) => ("serial", enrolled, serial),
            (None, None) => ("identity", self.object.identity.as_ref()?, &reading.identity),
            // It was enrolled without one, or shows none any more: what it is called must be the same.
            (Some(enrolled), None) => ("serial", enrolled, &reading.identity),
            (None, Some(_)) => return None,
        };
        if enrolled == found || enrolled.is_empty() || spec.accept_serial.as_ref() == Some(found) {
            return None;
        }
        if self.boards.alternate() {
            let message = format!(
                "more than one board answers at {} in turns, {enrolled} and {found}: it is an address that routers share (VRRP); make a MikrotikRouter for each with its own address",
                spec.url
            );
            return Some(Condition::no("SerialChanged", message));
        }
        let message = format!(
            "the board at {} has {what} {found}, enrolled was {enrolled}: if it was replaced or renamed, set spec.acceptSerial to {found}",
            spec.url
        );
        Some(Condition::no("SerialChanged", message))
    }

    pub(super) fn status(&self, judgement: &Judgement, landscape: &Landscape<'_>, now: Now) -> RouterStatus {
        let reading = self.reading.clone().unwrap_or_default();
        let owner = self.owner(landscape);
        let ours = |comment: &str| owner.as_ref().is_some_and(|owner| is_ours(comment, owner));
        // Not before the cut can follow: who takes over in between cannot tell what is recorded from what was taken.
        let may_follow = judgement.may_write && now.mono >= landscape.fence;
        let record = judgement.plan.record.clone().filter(|_| may_follow);
        let conflicts = self
            .held
            .iter()
            .map(|(address, holder)| format!("{address} {holder}"));
        let before = |known: &Option<String>, read: &str| {
            if read.is_empty() {
                known.clone().unwrap_or_default()
            } else {
                read.to_owned()
            }
        };
        // Whatever answers, a board that is refused is not enrolled. One that is accepted in another's place is enrolled
        // in the write that drops the other's record, or else that record would be taken for this one's.
        let replaced = self.answers_in_anothers_place();
        let enrolled = judgement.stop.is_some() || (replaced && !may_follow);
        let serial = reading.serial.clone().filter(|_| !enrolled);
        let identity = if enrolled {
            String::new()
        } else {
            reading.identity.clone()
        };
        RouterStatus {
            conditions: self.conditions(judgement, landscape, now),
            identity: before(&self.object.identity, &identity),
            board: reading.board,
            version: reading.version,
            serial: serial.or_else(|| self.object.serial.clone().filter(|_| enrolled || !replaced)),
            record_unknown: self.object.record_unknown,
            taken: record.unwrap_or_else(|| self.on_record(judgement, owner.as_ref(), now)),
            leases: reading.leases.iter().filter(|row| ours(&row.comment)).count(),
            arps: reading.arps.iter().filter(|row| ours(&row.comment)).count(),
            wanted: self.wanted(landscape),
            conflicts: conflicts.collect(),
            pending: self.pending(judgement),
            confirmed: self.still_agreed(&judgement.plan, landscape, now),
            last_sync: self.synced,
            observed_generation: self.object.generation,
        }
    }

    /// Whether the last reading is of another board than the record is of.
    fn answers_in_anothers_place(&self) -> bool {
        let reading = self.reading.as_ref();
        reading.is_some_and(|reading| self.is_replaced(reading))
    }

    /// What was taken, as long as nothing may follow from it. An object that was made anew learns it from our rows on the
    /// router also when it only watches: by the time that it may write, somebody may have removed them.
    fn on_record(&self, judgement: &Judgement, owner: Option<&Owner>, now: Now) -> Vec<Taken> {
        if self.answers_in_anothers_place() {
            return self.object.taken.clone(); // What was taken from this board stands beside no record of another.
        }
        let known = record::merged(&self.object.taken, &self.twins.inherits);
        let (Some(owner), Some(reading), Some(planned)) = (owner, &self.reading, &judgement.plan.record)
        else {
            return known;
        };
        if !known.is_empty() || judgement.stop.is_some() {
            return known;
        }
        let mut recovered = record::recovered(reading, owner, now.wall);
        for taken in &mut recovered {
            let planned = planned.iter().find(|planned| planned.pool == taken.pool);
            let planned = planned.map(|planned| &planned.ranges);
            taken.ranges = planned.map_or_else(RangeSet::new, |planned| taken.ranges.intersection(planned));
        }
        recovered.retain(|taken| !taken.ranges.is_empty());
        recovered
    }

    fn pending(&self, judgement: &Judgement) -> Listing {
        let on_its_way = judgement.may_write && self.refused.is_empty();
        let writes = judgement.plan.writes.iter().filter(|_| !on_its_way);
        writes
            .chain(&judgement.plan.held)
            .map(|planned| format!("{} ({})", planned.write, planned.because))
            .collect()
    }

    fn conditions(&self, judgement: &Judgement, landscape: &Landscape<'_>, now: Now) -> Conditions {
        let said: Conditions = [
            (ConditionKind::Reachable, self.reachable(judgement)),
            (ConditionKind::Authorized, self.authorized()),
            (
                ConditionKind::PoolsExcluded,
                self.pools_excluded(judgement, landscape),
            ),
            (ConditionKind::ReservationsInSync, self.in_sync(judgement, now)),
            (ConditionKind::NoConflicts, self.no_conflicts()),
            (ConditionKind::FailoverLimited, self.failover_limited()),
        ]
        .into();
        debug_assert!(
            said.iter().all(|(kind, condition)| is_listed(*kind, condition)),
            "{said:?}"
        );
        said
    }

    fn reachable(&self, judgement: &Judgement) -> Condition {
        if let Err(why) = &self.object.spec {
            let kept = if self.object.deleting && self.object.record_unknown {
                "; its deletion waits, for with it goes what says which addresses were taken from the router (status.taken): mend it, or give them back by hand and remove the finalizer"
            } else {
                ""
            };
            return Condition::unknown("InvalidSpec", format!("{why}{kept}"));
        }
        if judgement.mode == RouterMode::Paused {
            return Condition::unknown("Paused", "spec.mode is Paused: the router is not read");
        }
        match (&self.failure, &self.reading) {
            (Some(failure), _) => unreachable(failure),
            (None, None) => Condition::unknown("Reading", "the first reading is under way"),
            (None, Some(reading)) => {
                let (name, version) = (&reading.identity, &reading.version);
                Condition::yes(
                    "Reachable",
                    format!("{name}, {}, RouterOS {version}", reading.board),
                )
            }
        }
    }

    fn authorized(&self) -> Condition {
        match self
            .failure
            .as_ref()
            .map(|failure| (failure.kind, &failure.message))
        {
            Some((FailureKind::Credentials, message)) => Condition::no("WrongCredentials", message),
            Some((FailureKind::Policy, message)) => Condition::no("PolicyMissing", message),
            Some((FailureKind::SecretMissing, message)) => Condition::no("SecretMissing", message),
            _ => match &self.reading {
                Some(reading) => Condition::yes("Authorized", may_read(reading)),
                None => Condition::unknown("Reading", "the router was not read yet"),
            },
        }
    }

    fn pools_excluded(&self, judgement: &Judgement, landscape: &Landscape<'_>) -> Condition {
        if self.reading.is_none() {
            return Condition::unknown("Reading", "the router was not read yet");
        }
        if let Some((_, first)) = judgement.refusals.first() {
            let all: Vec<String> = judgement
                .refusals
                .iter()
                .take(3)
                .map(|(_, refusal)| refusal.to_string())
                .collect();
            return Condition::no(refusal_reason(first), all.join("; "));
        }
        let uncut = self.in_pools(landscape);
        if let Some(used) = self.used_rows(landscape).first().filter(|_| uncut.is_empty()) {
            return Condition::no("PoolShared", used.words.clone());
        }
        if uncut.is_empty() {
            let taken: Vec<String> = self
                .object
                .taken
                .iter()
                .map(|t| format!("{} from {}", t.ranges, t.pool))
                .collect();
            return if taken.is_empty() {
                Condition::yes(
                    "NothingToExclude",
                    "no DHCP pool held any of our addresses; nothing was taken",
                )
            } else {
                Condition::yes("Excluded", format!("taken: {}", taken.join("; ")))
            };
        }
        if let Some((left, times)) = self.put_back_for_good(&uncut, landscape) {
            let message = format!(
                "{left} was put back into the router's pools {times} times in a day and is left there: decide who has it; to have it taken again, set spec.mode to Paused and back"
            );
            return Condition::no("TakenBack", message);
        }
        if self.object.spec.as_ref().is_ok_and(|spec| !spec.shrink_pools) {
            let message = format!(
                "{uncut} is still in the router's DHCP pools, and spec.dhcp.shrinkPools is false: take it out of their ranges (/ip/pool), or set shrinkPools to true"
            );
            return Condition::no("ShrinkingOff", message);
        }
        match judgement.mode {
            RouterMode::DryRun => Condition::no(
                "DryRun",
                format!("{uncut} would be taken out of the router's DHCP pools"),
            ),
            RouterMode::Paused => Condition::unknown("Paused", "spec.mode is Paused: the router is not read"),
            RouterMode::Enforce => {
                Condition::no("Pending", format!("{uncut} is still in the router's DHCP pools"))
            }
        }
    }

    fn in_sync(&self, judgement: &Judgement, now: Now) -> Condition {
        if let Some(stop) = &judgement.stop {
            return stop.clone();
        }
        let pending = judgement.plan.writes.len();
        match judgement.mode {
            RouterMode::DryRun => {
                return Condition::no("DryRun", format!("{pending} writes are planned and not made"));
            }
            RouterMode::Paused => return Condition::unknown("Paused", "spec.mode is Paused"),
            RouterMode::Enforce => {}
        }
        if self.reading.is_none() {
            return Condition::unknown("Reading", "the router was not read yet");
        }
        if let Some((target, (_, why))) = self.refused.iter().next() {
            return Condition::no("WriteFailed", format!("{target}: {why}"));
        }
        if let Some(obstacle) = judgement.plan.obstacles.first() {
            return Condition::no("ForeignRow", obstacle.clone());
        }
        if let Some(row) = judgement.left.first() {
            let message = format!(
                "{row} was changed or removed on the router again and again and is left so: to have it made again, set spec.mode to Paused and back"
            );
            return Condition::no("LeftAlone", message);
        }
        let unsaid = self.unsaid(&judgement.plan.held);
        if !unsaid.is_empty() {
            return Condition::no("AwaitingConfirmation", self.ask(&unsaid));
        }
        let overdue = self
            .unsynced_since
            .is_some_and(|since| now.mono.since(since) >= ON_ITS_WAY);
        if pending > 0 && (overdue || self.synced.is_none()) {
            return Condition::no("Writing", format!("{pending} writes are still to be made"));
        }
        Condition::yes("InSync", "every reservation stands on the router")
    }

    /// How a person agrees to removals.
    fn ask(&self, unsaid: &[&Planned]) -> String {
        let key = &self.object.key;
        format!(
            "{} removals wait for your word, because most rows or a whole range would go (status.pendingPlan): kubectl annotate --overwrite -n {} mikrotikrouter {} tiklb.io/confirm={}",
            unsaid.len(),
            key.namespace,
            key.name,
            self.word_for(unsaid)
        )
    }

    fn failover_limited(&self) -> Condition {
        const LIMITED: &str = "the router itself sends to the announcing node by rows that tiklb rewrites: after a failover that takes as long as the router's API, and does not happen while the allocator or the API is away";
        let reply_only = self.reading.iter().flat_map(|reading| &reading.reply_only);
        let reply_only: Vec<&str> = reply_only.map(String::as_str).collect();
        match self.object.spec.as_ref().map(|spec| spec.arp) {
            Ok(ArpRows::Never) => Condition::no("NoRows", "no ARP rows are written on the router"),
            Ok(ArpRows::Always) => Condition::yes("Always", LIMITED),
            _ if !reply_only.is_empty() => {
                let message = format!("{} has arp=reply-only: {LIMITED}", reply_only.join(", "));
                Condition::yes("ReplyOnly", message)
            }
            _ => Condition::no(
                "Visible",
                "the ARP rows on the router are disabled and have no effect",
            ),
        }
    }

    fn no_conflicts(&self) -> Condition {
        if self.reading.is_none() {
            return Condition::unknown("Reading", "the router was not read yet");
        }
        let held: Vec<String> = self
            .held
            .iter()
            .take(3)
            .map(|(address, holder)| format!("{address} {holder}"))
            .collect();
        if held.is_empty() {
            return Condition::yes("NoConflicts", "nobody else has an address of our ranges");
        }
        let more = self.held.iter().count() - held.len();
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Condition::no(
            "AddressesHeld",
            format!("not given to Services: {}{rest}", held.join("; ")),
        )
    }
}

/// What the account may read, and what of the menus that can be done without it may not.
fn may_read(reading: &Reading) -> String {
    let unread = &reading.uses.unread;
    let Some(first) = unread.first() else {
        return "the account may read".to_owned();
    };
    let more = match unread.len() {
        1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    format!("the account may read, but for {first}{more}: who has addresses by that is not known")
}

/// Rows of another cluster of the same name stand on the router.
fn namesake(reading: &Reading, owner: &Owner) -> Option<Condition> {
    let leases = reading.leases.iter().map(|row| &row.comment);
    let arps = reading.arps.iter().map(|row| &row.comment);
    let pools = reading.pools.iter().map(|row| &row.comment);
    let markers = leases
        .chain(arps)
        .chain(pools)
        .filter_map(|comment| Marker::parse(comment));
    let mut others = markers.filter(|marker| marker.owner.cluster == owner.cluster && !owner.owns(marker));
    let uid = others.next()?.owner.uid;
    let message = format!(
        "rows of another cluster that is also named {} (UID {uid}) are on this router: choose another spec.clusterName, or, if this cluster replaces that one, set spec.adoptFrom to {uid}",
        owner.cluster
    );
    Some(Condition::no("OwnedByOtherInstance", message))
}

/// A person works in Safe Mode: what is written meanwhile may be undone with their changes.
fn safe_mode(reading: &Reading) -> Option<Condition> {
    let by = reading.safe_mode.as_ref()?;
    let message = format!("{by} holds Safe Mode on the router: nothing is written until it is released");
    Some(Condition::no("SafeMode", message))
}

fn unreachable(failure: &Failure) -> Condition {
    let reason = match failure.kind {
        FailureKind::Unreachable => "Unreachable",
        FailureKind::Certificate => "CertificateRejected",
        FailureKind::NoRest => "NoRest",
        FailureKind::VersionTooOld => "VersionTooOld",
        FailureKind::Rebooting => "Rebooting",
        FailureKind::InvalidSpec => "InvalidSpec",
        // It was reached: it said no.
        FailureKind::Credentials | FailureKind::Policy => {
            return Condition::yes("Reachable", "the router answers; see Authorized");
        }
        FailureKind::SecretMissing => return Condition::unknown("Reading", "see Authorized"),
    };
    Condition::no(reason, failure.message.clone())
}

fn refusal_reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotConnected { .. } | Refusal::NotServed { .. } => "RangeNotConnected",
        Refusal::PoolNotFound { .. } => "PoolNotFound",
        Refusal::PoolShared { .. } => "PoolShared",
        Refusal::TooFewLeft { .. } => "TooFewAddressesLeft",
        Refusal::NodeAddress { .. } => "NodeAddressInRange",
        Refusal::OtherCluster { .. } => "RangeOfAnotherCluster",
    }
}
