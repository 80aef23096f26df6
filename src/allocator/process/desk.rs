//! The one owner of state: events in, one step of core, effects out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tiklb_core::allocator::{
    About, Allocator, Change, Effect, Event, LEAVING_BOUND, Leadership, Notice, Settings,
};
use tiklb_core::config::Kind as ObjectKind;
use tiklb_core::model::{Instant, ObjectKey, Uid};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use super::feed::{self, Arrival};
use super::instruments::Instruments;
use crate::allocator::router::sessions::Sessions;
use crate::allocator::status;
use crate::api::event::EventReason;
use crate::api::{configuration_state, finalizer, label};
use crate::clock::Clock;
use crate::cluster::event::{Events, Occurrence, reference, service_reference};
use crate::cluster::lease::Standing;
use crate::cluster::leftover;
use crate::cluster::object::router::{RouterAccess, SeenRouter};
use crate::cluster::object::secret::SecretObject;
use crate::cluster::object::split;
use crate::cluster::service::{ServiceStatus, ServiceWriter};
use crate::cluster::source::Source;
use crate::cluster::tenure::{Tenure, Warrant};
use crate::cluster::writer::desk::{Finalizer, Pace};
use crate::cluster::writer::{Kind, Target, Wish, Writer};
use crate::cluster::{OwnerReference, object::Known};
use crate::observe::liveness::Pulse;
use crate::observe::readiness::Pending;

/// Counters of a pool change with every Service; people read them at this pace.
const POOL_PACE: Pace = Pace(Duration::from_secs(5));
/// A reservation's status follows addresses and rows; of several changes a person reads the last.
const RESERVATION_PACE: Pace = Pace(Duration::from_secs(5));
/// A router's status is paced by core, which knows what is urgent.
const ROUTER_PACE: Pace = Pace(Duration::ZERO);
/// The desk turns this often at least, so that one that stands still is told from one that has nothing to do.
const BEAT: Duration = Duration::from_secs(5);
/// A Secret is read within milliseconds of its watch. One that is not read for so long may not be read, and its routers
/// are told as without one.
const SECRET_PATIENCE: Duration = Duration::from_secs(5);
/// Arrivals that are taken in before core is asked: a burst of a thousand is few steps.
const BATCH: usize = 512;

/// What a desk is made of.
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) namespace: String,
    pub(super) owner: Option<OwnerReference>,
    pub(super) source: Source,
    pub(super) inbox: mpsc::Sender<Arrival>,
    pub(super) sessions: Sessions,
    pub(super) services: ServiceWriter,
    /// Under which leadership what may be written.
    pub(super) tenure: Tenure,
    pub(super) writer: Writer,
    pub(super) events: Events,
    /// Until every kind was listed.
    pub(super) listing: Option<Pending>,
    /// Touched with every turn.
    pub(super) pulse: Pulse,
    pub(super) instruments: Instruments,
}

pub(super) struct Desk {
    parts: Parts,
    clock: Clock,
    allocator: Allocator,
    routers: BTreeMap<ObjectKey, SeenRouter>,
    /// What routers wish to be: status and finalizer, in one.
    statuses: BTreeMap<ObjectKey, (Value, Option<bool>)>,
    /// Secrets that routers name; `None`: there is none of that name.
    secrets: BTreeMap<String, Option<SecretObject>>,
    watches: BTreeMap<String, AbortHandle>,
    /// The watch of Services, and how many there were before it.
    services_watch: Option<AbortHandle>,
    services_watches: u64,
    /// The leadership under which this replica decides, and what rests on it.
    term: Option<u64>,
    warrant: Warrant,
    watching: JoinSet<()>,
    /// Changes of routers whose Secrets were not read yet.
    waiting: Vec<Change<SeenRouter>>,
    /// Since when a Secret that a router names was not read.
    unread_since: Option<Instant>,
    advertisements: BTreeMap<ObjectKey, Uid>,
    /// Problems that the log knows.
    reported: BTreeSet<String>,
    /// What our ConfigurationState says: faults, and what has no effect. `None`: another replica writes it.
    report: Option<(Vec<String>, Vec<String>)>,
    /// Kinds of MetalLB's that are defined here and not read.
    unread: BTreeSet<String>,
    /// What the next step takes in.
    pending: Vec<Event>,
    /// This process was told to end, and stays until it has given back what nobody else would.
    staying: bool,
}

impl Desk {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            allocator: Allocator::new(parts.settings.clone()),
            parts,
            clock: Clock::start(),
            routers: BTreeMap::new(),
            statuses: BTreeMap::new(),
            secrets: BTreeMap::new(),
            watches: BTreeMap::new(),
            services_watch: None,
            services_watches: 0,
            term: None,
            warrant: Warrant::unlimited(),
            watching: JoinSet::new(),
            waiting: Vec::new(),
            unread_since: None,
            advertisements: BTreeMap::new(),
            reported: BTreeSet::new(),
            report: None,
            unread: BTreeSet::new(),
            pending: Vec::new(),
            staying: false,
        }
    }

    /// Takes in whatever comes, until `stop` is true: at once, unless tiklb's own namespace is being deleted and its
    /// routers are to be given back before.
    ///
    /// # Errors
    /// A source of events ended.
    pub(super) async fn run(
        &mut self,
        mut inbox: mpsc::Receiver<Arrival>,
        mut answers: mpsc::Receiver<Event>,
        mut standing: watch::Receiver<Standing>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<()> {
        self.watch_services();
        let mut wake = None;
        let mut beat = tokio::time::interval(BEAT);
        loop {
            self.parts.pulse.touch();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop), if !self.staying => {
                    if !self.stay() {
                        return Ok(());
                    }
                }
                changed = standing.changed() => {
                    changed.context("the election ended")?;
                    self.stand(*standing.borrow_and_update());
                }
                answer = answers.recv() => self.pending.push(answer.context("the sessions ended")?),
                arrival = inbox.recv() => self.take(arrival.context("the watches ended")?),
                (service, result) = self.parts.services.ended() => {
                    self.parts.instruments.status_written(&result);
                    self.pending.push(Event::ServiceWritten { service, result });
                }
                Some(ended) = self.watching.join_next(), if !self.watching.is_empty() => {
                    match ended {
                        Err(failed) if failed.is_panic() => return Err(failed).context("a watch failed"),
                        _ => continue,
                    }
                }
                failed = self.parts.sessions.failed() => {
                    return Err(failed).context("a router's session failed");
                }
                () = self.clock.sleep_until(wake) => {}
                _ = beat.tick() => {
                    if self.unread_since.is_none() {
                        continue;
                    }
                    self.release_routers();
                }
            }
            self.take_what_is_there(&mut inbox, &mut answers);
            wake = self.step();
            if self.staying && !self.allocator.has_to_stay(self.clock.mono()) {
                self.say_what_is_left();
                return Ok(());
            }
        }
    }

    fn take_what_is_there(
        &mut self,
        inbox: &mut mpsc::Receiver<Arrival>,
        answers: &mut mpsc::Receiver<Event>,
    ) {
        for _ in 0..BATCH {
            if let Ok(answer) = answers.try_recv() {
                self.pending.push(answer);
            } else if let Ok(arrival) = inbox.try_recv() {
                self.take(arrival);
            } else {
                break;
            }
        }
    }

    /// Has core decide on what has come, and carries it out; when to do so again if nothing comes.
    fn step(&mut self) -> Option<Instant> {
        let events = std::mem::take(&mut self.pending);
        let was_leaving = self.allocator.is_leaving();
        let step = self.allocator.step(events, self.clock.now());
        if self.allocator.is_complete()
            && let Some(listing) = self.parts.listing.take()
        {
            listing.done();
        }
        if self.allocator.is_leaving() && !was_leaving {
            tracing::info!(
                "the namespace {} is being deleted: no address is given any more, and who leads gives the routers back",
                self.parts.namespace
            );
        }
        for effect in step.effects {
            self.carry_out(effect);
        }
        self.forget_wishes();
        self.parts.instruments.step(&self.allocator, &step.served);
        step.wake
    }

    /// This process is told to end. Whether it stays for a while, because nobody else would give the routers back.
    fn stay(&mut self) -> bool {
        self.staying = self.allocator.has_to_stay(self.clock.mono());
        if self.staying {
            tracing::info!(
                "told to end while the namespace {} is being deleted: staying until the routers are given back, {} s at most",
                self.parts.namespace,
                LEAVING_BOUND.as_secs()
            );
            self.pending.push(Event::ToldToEnd);
        }
        self.staying
    }

    /// Whoever leads is the last who can say it: the namespace takes no more events.
    fn say_what_is_left(&self) {
        if !self.allocator.is_ready() {
            return;
        }
        let left = self.allocator.left_behind();
        if left.is_empty() {
            tracing::info!("every router is given back");
        }
        for words in left {
            tracing::error!("{words}");
        }
    }

    /// Of objects that are gone nothing is wished any more. Core says so by no longer counting them; the watch's word is
    /// no measure, as a pool that was deleted and made again at once is counted as before.
    fn forget_wishes(&self) {
        let (pools, reservations) = (self.allocator.pool_counts(), self.allocator.reserved());
        let writer = &self.parts.writer;
        writer.retain(Kind::Pool, |key| pools.contains_key(key));
        writer.retain(Kind::Reservation, |key| reservations.contains_key(key));
        writer.retain(Kind::Router, |key| self.routers.contains_key(key));
    }

    /// Ends what is under way.
    pub(super) async fn finish(self) {
        self.parts.services.finish().await;
        self.parts.sessions.finish().await;
    }

    /// Whether this replica leads now, and under which term: one that was lost and won again in between is another.
    fn stand(&mut self, standing: Standing) {
        let term = standing.leads().then_some(standing.term);
        if self.term == term {
            return;
        }
        if self.term.take().is_some() {
            tracing::info!("another replica leads");
            self.parts.writer.forget_all();
            self.report = None;
            self.parts.services.forget_all();
            self.statuses.clear();
            self.show_routers();
            self.pending.push(Event::Leadership(Leadership::Following));
        }
        if let (Some(number), Leadership::Leading { unclean }) = (term, standing.leadership) {
            tracing::info!(unclean, "this replica leads");
            self.term = term;
            self.warrant = self.parts.tenure.warrant(number);
            self.parts.writer.write_under(self.warrant.clone());
            self.parts.sessions.write_under(self.warrant.clone());
            self.parts.events.tell_under(self.warrant.clone());
            // What the last leader wrote may not have reached our watch: core waits for a list that was begun now.
            self.watch_services();
            self.pending.push(Event::Leadership(standing.leadership));
        }
        self.parts.instruments.lead(term.is_some());
    }

    /// Lists Services anew and follows them from there. What an earlier watch still brings is not taken.
    fn watch_services(&mut self) {
        if let Some(before) = self.services_watch.take() {
            before.abort();
        }
        self.services_watches += 1;
        let (source, inbox) = (self.parts.source.clone(), self.parts.inbox.clone());
        let watch = feed::services(source, self.services_watches, inbox);
        self.services_watch = Some(self.watching.spawn(watch));
    }

    fn show_routers(&self) {
        let statuses = self.statuses.iter().map(|(router, (status, _))| (router, status));
        self.parts.instruments.routers(statuses);
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Event(event) => self.pending.push(*event),
            Arrival::Services(watch, change) => {
                if watch == self.services_watches {
                    self.pending.push(Event::Services(change));
                }
            }
            Arrival::Advertisements(change) => {
                self.note_advertisements(&change);
                self.pending.push(Event::Advertisements(split(*change).0));
            }
            Arrival::Routers(change) => {
                let (routers, stored) = split(*change);
                self.parts.writer.stored(Kind::Router, stored);
                self.note_routers(&routers);
                self.waiting.push(routers);
                self.watch_secrets();
                self.release_routers();
            }
            Arrival::Unread(kinds) => self.note_unread(kinds),
            Arrival::Secret(name, change) => {
                let secret = match change {
                    Change::Listed(mut secrets) => secrets.pop(),
                    Change::Applied(secret) => Some(secret),
                    Change::Deleted(_) => None,
                };
                if self.watches.contains_key(&name) {
                    self.secrets.insert(name, secret);
                }
                self.release_routers();
            }
        }
    }

    fn note_advertisements(&mut self, change: &Change<Known<tiklb_core::config::AdvertisementObject>>) {
        match change {
            Change::Listed(all) => {
                let uids = all
                    .iter()
                    .map(|known| (known.value.key.clone(), known.stored.uid.clone()));
                self.advertisements = uids.collect();
            }
            Change::Applied(known) => {
                self.advertisements
                    .insert(known.value.key.clone(), known.stored.uid.clone());
            }
            Change::Deleted(key) => _ = self.advertisements.remove(key),
        }
    }

    fn note_routers(&mut self, change: &Change<SeenRouter>) {
        match change {
            Change::Listed(all) => {
                let seen = all
                    .iter()
                    .map(|router| (router.object.key.clone(), router.clone()));
                self.routers = seen.collect();
            }
            Change::Applied(router) => {
                self.routers.insert(router.object.key.clone(), router.clone());
            }
            Change::Deleted(key) => _ = self.routers.remove(key),
        }
        self.statuses.retain(|key, _| self.routers.contains_key(key));
        self.show_routers();
    }

    /// Watches exactly the Secrets that routers name.
    fn watch_secrets(&mut self) {
        let access = self.routers.values().filter_map(|router| router.access.as_ref());
        let named: BTreeSet<String> = access
            .flat_map(RouterAccess::secrets)
            .map(str::to_owned)
            .collect();
        self.watches.retain(|name, watch| {
            let needed = named.contains(name);
            if !needed {
                watch.abort();
            }
            needed
        });
        self.secrets.retain(|name, _| named.contains(name));
        for name in named {
            if !self.watches.contains_key(&name) {
                let watch = feed::secret(self.parts.source.clone(), name.clone(), self.parts.inbox.clone());
                self.watches.insert(name, self.watching.spawn(watch));
            }
        }
    }

    /// Core hears of routers when their Secrets were looked for: one that is just being read is not missing. One that
    /// cannot be read holds nobody up for long: Services need not wait for what a router's account may not.
    fn release_routers(&mut self) {
        if self.watches.keys().any(|name| !self.secrets.contains_key(name)) {
            let now = self.clock.mono();
            let since = *self.unread_since.get_or_insert(now);
            if now.since(since) < SECRET_PATIENCE {
                return;
            }
        } else {
            self.unread_since = None;
        }
        let routers: Vec<SeenRouter> = self.routers.values().cloned().collect();
        let secrets: BTreeMap<String, SecretObject> = self
            .secrets
            .iter()
            .filter_map(|(name, secret)| Some((name.clone(), secret.clone()?)))
            .collect();
        let changed = self.parts.sessions.apply(&routers, &secrets);
        for change in self.waiting.drain(..) {
            self.pending.push(Event::Routers(match change {
                Change::Listed(all) => Change::Listed(all.into_iter().map(|seen| seen.object).collect()),
                Change::Applied(seen) => Change::Applied(seen.object),
                Change::Deleted(key) => Change::Deleted(key),
            }));
        }
        let told = changed
            .into_iter()
            .map(|router| Event::CredentialsChanged { router });
        self.pending.extend(told);
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::SetServiceStatus {
                service,
                resource_version,
                addresses,
                pool,
                because,
            } => {
                tracing::info!(%service, ?addresses, pool = pool.as_deref(), "writing the Service's status: {because}");
                let status = ServiceStatus {
                    service,
                    resource_version,
                    addresses,
                    pool,
                };
                self.parts.services.write(status, self.warrant.clone());
            }
            Effect::Event { about, notice, note } => self.tell(&about, notice, note),
            Effect::SetConfigurationState {
                problems,
                requests,
                warnings,
            } => self.report(&problems, requests, warnings),
            Effect::SetPoolStatus { pool, counts } => {
                let wish = Wish::Status {
                    status: status::pool(counts).into(),
                    finalizer: None,
                    pace: POOL_PACE,
                };
                self.wish(Kind::Pool, pool, wish);
            }
            Effect::SetReservationStatus { reservation, status } => {
                let wish = Wish::Status {
                    status: status::reservation(&status).into(),
                    finalizer: None,
                    pace: RESERVATION_PACE,
                };
                self.wish(Kind::Reservation, reservation, wish);
            }
            Effect::SetRouterStatus { router, status } => {
                let entry = self.statuses.entry(router.clone()).or_default();
                entry.0 = status::router(&status);
                self.show_routers();
                self.wish_router(router);
            }
            Effect::SetRouterFinalizer { router, present, .. } => {
                self.statuses.entry(router.clone()).or_default().1 = Some(present);
                self.wish_router(router);
            }
            Effect::ReadRouter { router, depth } => self.parts.sessions.read(&router, depth),
            Effect::WriteRouter { router, planned } => self.parts.sessions.write(&router, planned),
        }
    }

    fn wish_router(&self, router: ObjectKey) {
        let Some((status, finalizer)) = self.statuses.get(&router) else {
            return;
        };
        let wish = Wish::Status {
            status: status.clone().into(),
            finalizer: finalizer.map(|present| Finalizer {
                name: finalizer::RELEASE,
                present,
            }),
            pace: ROUTER_PACE,
        };
        self.wish(Kind::Router, router, wish);
    }

    fn wish(&self, kind: Kind, key: ObjectKey, wish: Wish) {
        self.parts.writer.wish(Target { kind, key }, wish);
    }

    fn report(&mut self, problems: &[String], requests: Vec<String>, warnings: Vec<String>) {
        self.parts.instruments.configuration(problems);
        for problem in problems
            .iter()
            .filter(|problem| !self.reported.contains(*problem))
        {
            tracing::warn!("configuration: {problem}");
        }
        self.reported = problems.iter().cloned().collect();
        self.report = Some(([problems.to_vec(), requests].concat(), warnings));
        self.show_configuration();
    }

    /// Kinds that are not read are there, or are there no more.
    fn note_unread(&mut self, kinds: BTreeSet<String>) {
        if kinds == self.unread {
            return;
        }
        self.unread = kinds;
        for words in leftover::sentences(&self.unread) {
            tracing::info!("configuration: {words}");
        }
        self.show_configuration();
    }

    fn show_configuration(&self) {
        let Some((faults, warnings)) = &self.report else {
            return;
        };
        let mut warnings = warnings.clone();
        warnings.extend(leftover::sentences(&self.unread));
        let labels = json!({
            label::APP_NAME: label::APP_NAME_VALUE, label::COMPONENT_TYPE: label::COMPONENT_CONTROLLER,
        });
        let mut metadata = json!({"labels": labels});
        if let Some(owner) = &self.parts.owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        let key = ObjectKey::new(self.parts.namespace.clone(), configuration_state::CONTROLLER);
        let wish = Wish::Object {
            metadata: metadata.into(),
            spec: Value::Null.into(),
            status: status::configuration(faults, &warnings).into(),
        };
        self.wish(Kind::Configuration, key, wish);
    }

    fn tell(&self, about: &About, notice: Notice, note: String) {
        let reason = reason(notice);
        let known = |kind| {
            let target = Target {
                kind,
                key: about.key.clone(),
            };
            self.parts.writer.find(&target).map(|stored| stored.uid)
        };
        let metallb = "metallb.io/v1beta1";
        let about = match about.kind {
            ObjectKind::Service => {
                let uid = self.allocator.service(&about.key).map(|service| &service.uid);
                uid.map(|uid| service_reference(&about.key, uid))
            }
            ObjectKind::IPAddressPool => {
                known(Kind::Pool).map(|uid| reference(metallb, "IPAddressPool", &about.key, &uid))
            }
            ObjectKind::L2Advertisement => {
                let uid = self.advertisements.get(&about.key);
                uid.map(|uid| reference(metallb, "L2Advertisement", &about.key, uid))
            }
            ObjectKind::AddressReservation => known(Kind::Reservation)
                .map(|uid| reference("tiklb.io/v1alpha1", "AddressReservation", &about.key, &uid)),
            ObjectKind::MikrotikRouter => known(Kind::Router)
                .map(|uid| reference("tiklb.io/v1alpha1", "MikrotikRouter", &about.key, &uid)),
        };
        let Some(about) = about else { return };
        tracing::info!(
            object = about.name.as_deref(),
            namespace = about.namespace.as_deref(),
            reason = reason.as_str(),
            "{note}"
        );
        self.parts.events.tell(Occurrence { about, reason, note });
    }
}

fn reason(notice: Notice) -> EventReason {
    match notice {
        Notice::IpAllocated => EventReason::IpAllocated,
        Notice::ClearAssignment => EventReason::ClearAssignment,
        Notice::AdditionalAssignFailed => EventReason::AdditionalAssignFailed,
        Notice::NotEnoughClusterIps => EventReason::NotEnoughClusterIps,
        Notice::AllocationFailed => EventReason::AllocationFailed,
        Notice::LoadBalancerFailed => EventReason::LoadBalancerFailed,
        Notice::StatusContested => EventReason::StatusContested,
        Notice::AwaitingProof => EventReason::AwaitingProof,
        Notice::DeprecatedAnnotation => EventReason::DeprecatedAnnotation,
        Notice::InvalidConfiguration => EventReason::InvalidConfiguration,
        Notice::ReleaseGivenUp => EventReason::ReleaseGivenUp,
        Notice::LeaseRemoved => EventReason::LeaseRemoved,
        Notice::ReservationTaken => EventReason::ReservationTaken,
    }
}
