//! Which replica leads: one Lease, held by renewing it.
//!
//! ```text
//!             free, released, or unchanged for its duration            renewed every 2 s
//! following ───────────────────────────────────────────────▶ leading ◀──┐
//!     ▲                                                        │  │ └────┘
//!     └── taken by another, or not renewed for 10 s ◀──────────┘  └─▶ released on stop
//! ```
//! Clocks of two machines are never compared: a Lease has expired when it was not seen to change for its duration, on
//! our own clock. It is watched, so that a renewal is seen when it happens: whoever follows takes a Lease that is given
//! back at once, and one whose holder crashed 13 s after its last renewal, which is less than 15 s after the crash.
//! A leader that cannot renew steps down after 10 s, and writes nothing thereafter whether or not anybody told its
//! writers ([`Tenure`]): before anybody else may take over.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Client, Error};
use tiklb_core::allocator::Leadership;
use tokio::sync::watch;

use super::client::{Chain, WATCH_SECONDS};
use super::tenure::{Moment, Tenure};

/// How long a Lease that is not renewed stays its holder's: a standby takes over within 15 s of a crash, 2 s of which
/// are for the list that it reads before it decides.
pub const DURATION: Duration = Duration::from_secs(13);
/// A leader that did not renew for this long stops writing. What is left of [`DURATION`] is for a request that was begun
/// just before, and for a process that is held up between its last look at the clock and the wire.
const RENEW_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks, or two renewals: client-go's number.
const EVERY: Duration = Duration::from_secs(2);
/// For one request, so that several fit into [`RENEW_WITHIN`].
const TIMEOUT: Duration = Duration::from_secs(3);

/// One replica's candidacy.
#[derive(Debug)]
pub struct Elector {
    namespace: String,
    name: String,
    campaign: Campaign,
    tenure: Tenure,
    standing: watch::Sender<Standing>,
}

/// Whether this replica leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether it does.
    pub leadership: Leadership,
    /// The number of its leadership, or of its last one. Two that follow each other quickly can be told apart by it.
    pub term: u64,
}

impl Standing {
    /// It leads.
    pub fn leads(&self) -> bool {
        self.leadership != Leadership::Following
    }
}

/// A candidacy for the Lease `name` under this identity, which must be the replica's own (its Pod's name).
pub fn elector(namespace: &str, name: &str, identity: &str) -> (watch::Receiver<Standing>, Elector) {
    let (standing, receiver) = watch::channel(Standing {
        leadership: Leadership::Following,
        term: 0,
    });
    let elector = Elector {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        campaign: Campaign::new(identity),
        tenure: Tenure::default(),
        standing,
    };
    (receiver, elector)
}

impl Elector {
    /// How long what is decided under each leadership may be written.
    pub fn tenure(&self) -> Tenure {
        self.tenure.clone()
    }

    /// Takes part until `stop` is true, then gives the Lease back.
    pub async fn run(mut self, client: Client, mut stop: watch::Receiver<bool>) {
        let api: Api<Lease> = Api::namespaced(client, &self.namespace);
        let mut news = pin!(news(api.clone(), &self.name));
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut complaint = None;
        loop {
            tokio::select! {
                biased;
                () = set(&mut stop) => return self.give_back(&api).await,
                () = sleep_until(self.campaign.must_have_renewed_by()) => {
                    tracing::warn!("the Lease could not be renewed for 10 s: this replica stops leading");
                    self.campaign.step_down();
                    self.publish();
                    continue;
                }
                Some(seen) = news.next() => {
                    if !self.campaign.is_news(seen.as_ref()) {
                        continue;
                    }
                }
                () = sleep_until(self.campaign.others_until()) => {}
                _ = tick.tick() => {}
            }
            tick.reset();
            let failed = self.attempt(&api).await;
            if failed.is_some() && failed != complaint {
                let why = failed.as_deref().unwrap_or_default();
                tracing::warn!(lease = %self.name, "taking part in the election failed and is tried again: {why}");
            }
            complaint = failed;
            self.publish();
        }
    }

    /// One round, which ends no later than the leadership does; what went wrong.
    async fn attempt(&mut self, api: &Api<Lease>) -> Option<String> {
        let deadline = Instant::now() + TIMEOUT;
        let deadline = self
            .campaign
            .must_have_renewed_by()
            .map_or(deadline, |end| end.min(deadline));
        let failed = match tokio::time::timeout_at(deadline.into(), self.round(api)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Chain(&error).to_string()),
            Err(_) => Some("no answer in 3 s".to_owned()),
        };
        if failed.is_some() {
            self.campaign.looked_in_vain(Instant::now());
        }
        failed
    }

    async fn round(&mut self, api: &Api<Lease>) -> Result<(), Error> {
        let lease = api.get_opt(&self.name).await?;
        let (now, moment) = (Instant::now(), Moment::now());
        let step = self.campaign.observe(lease.as_ref(), now);
        let written = match (step, lease) {
            (Step::Wait, _) => return Ok(()),
            (Step::Create, _) | (_, None) => {
                let mut lease = Lease {
                    metadata: ObjectMeta {
                        name: Some(self.name.clone()),
                        namespace: Some(self.namespace.clone()),
                        ..ObjectMeta::default()
                    },
                    ..Lease::default()
                };
                lease.spec = Some(self.campaign.held(None));
                api.create(&PostParams::default(), &lease).await
            }
            (Step::Take | Step::Renew, Some(mut lease)) => {
                lease.spec = Some(self.campaign.held(lease.spec.as_ref()));
                // The version that was read is the condition: of two that take it, one fails.
                api.replace(&self.name, &PostParams::default(), &lease).await
            }
        };
        match written {
            Ok(_) => {
                self.campaign.won(step, now);
                self.stand(step, moment.after(RENEW_WITHIN));
                Ok(())
            }
            // Somebody was faster: that is seen at the next look.
            Err(Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Our own writers go by the clock, from the moment at which the renewal was begun.
    fn stand(&self, step: Step, until: Moment) {
        if step == Step::Renew {
            self.tenure.extend(until);
            return;
        }
        let term = self.tenure.begin(until);
        let leadership = self.campaign.leadership();
        self.standing.send_replace(Standing { leadership, term });
    }

    fn publish(&self) {
        let now = self.campaign.leadership();
        if now == Leadership::Following {
            self.tenure.end();
        }
        self.standing.send_if_modified(|before| {
            let changed = before.leadership != now;
            before.leadership = now;
            changed
        });
    }

    /// The other replica need not wait for the Lease to expire.
    async fn give_back(mut self, api: &Api<Lease>) {
        let led = self.campaign.leadership() != Leadership::Following;
        self.campaign.step_down();
        self.publish();
        if !led {
            return;
        }
        let released = async {
            let mut lease = api.get(&self.name).await?;
            let Some(spec) = lease
                .spec
                .as_mut()
                .filter(|spec| self.campaign.is_mine(spec.holder_identity.as_ref()))
            else {
                return Ok(());
            };
            spec.holder_identity = None;
            spec.renew_time = Some(MicroTime(Timestamp::now()));
            api.replace(&self.name, &PostParams::default(), &lease).await?;
            Ok::<_, Error>(())
        };
        match tokio::time::timeout(TIMEOUT, released).await {
            Ok(Ok(())) => tracing::info!(lease = %self.name, "gave the Lease back"),
            Ok(Err(error)) => tracing::warn!(
                lease = %self.name,
                "the Lease was not given back, another replica waits 13 s: {}", Chain(&error)
            ),
            Err(_) => {
                tracing::warn!(lease = %self.name, "the Lease was not given back, another replica waits 13 s");
            }
        }
    }
}

/// Until it is true, or nobody can make it so any more.
async fn set(stop: &mut watch::Receiver<bool>) {
    _ = stop.wait_for(|stop| *stop).await.is_ok();
}

/// The Lease whenever it changes; `None`: there is none any more. Its own faults are nobody's business: where it says
/// nothing, the Lease is looked at every two seconds.
fn news(api: Api<Lease>, name: &str) -> impl Stream<Item = Option<Lease>> + Send + use<> {
    let scope = watcher::Config {
        field_selector: Some(format!("metadata.name={name}")),
        timeout: Some(WATCH_SECONDS),
        ..watcher::Config::default()
    };
    let events = watcher::watcher(api, scope).default_backoff();
    events.filter_map(|event| {
        std::future::ready(match event {
            Ok(Event::Apply(lease) | Event::InitApply(lease)) => Some(Some(lease)),
            Ok(Event::Delete(_)) => Some(None),
            Ok(Event::Init | Event::InitDone) | Err(_) => None,
        })
    })
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// What to do with the Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Take,
    Renew,
    Wait,
}

/// The rules, without requests.
#[derive(Debug)]
struct Campaign {
    identity: String,
    /// What was last seen of the Lease (version), and since when it is so.
    seen: Option<(String, Instant)>,
    renewed: Option<Instant>,
    /// When another's Lease ends unless it is renewed.
    others_until: Option<Instant>,
    leadership: Leadership,
    unclean: bool,
}

impl Campaign {
    fn new(identity: &str) -> Self {
        Self {
            identity: identity.to_owned(),
            seen: None,
            renewed: None,
            others_until: None,
            leadership: Leadership::Following,
            unclean: false,
        }
    }

    fn leadership(&self) -> Leadership {
        self.leadership
    }

    fn is_mine(&self, holder: Option<&String>) -> bool {
        holder == Some(&self.identity)
    }

    fn must_have_renewed_by(&self) -> Option<Instant> {
        Some(self.renewed? + RENEW_WITHIN)
    }

    /// When another's Lease ends, unless it is renewed before.
    fn others_until(&self) -> Option<Instant> {
        self.others_until
    }

    /// The API server did not answer when another's Lease had ended: the next tick looks again.
    fn looked_in_vain(&mut self, now: Instant) {
        self.others_until = self.others_until.filter(|at| *at > now);
    }

    /// Whether what a watch shows is worth a look: to a leader its own renewals are none.
    fn is_news(&self, seen: Option<&Lease>) -> bool {
        let Some(lease) = seen else { return true };
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_ref());
        let version = lease.metadata.resource_version.as_ref();
        !(self.renewed.is_some() && self.is_mine(holder))
            && self.seen.as_ref().map(|(seen, _)| seen) != version
    }

    fn observe(&mut self, lease: Option<&Lease>, now: Instant) -> Step {
        let Some(lease) = lease else {
            self.unclean = false;
            self.others_until = None;
            return Step::Create;
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != version) {
            self.seen = Some((version, now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.filter(|holder| !holder.is_empty());
        let duration = spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok());
        let duration = duration.map_or(DURATION, Duration::from_secs);
        self.others_until = None;
        match &holder {
            None => {
                self.unclean = false;
                Step::Take
            }
            Some(_) if self.is_mine(holder.as_ref()) => {
                if self.renewed.is_some() {
                    return Step::Renew;
                }
                // Ours, and this process never took it: the one before ended without giving it back.
                self.unclean = true;
                Step::Take
            }
            Some(_) if now.duration_since(since) >= duration => {
                self.step_down();
                self.unclean = true;
                Step::Take
            }
            Some(_) => {
                self.step_down();
                self.others_until = Some(since + duration);
                Step::Wait
            }
        }
    }

    fn held(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let mut spec = before.cloned().unwrap_or_default();
        if !self.is_mine(spec.holder_identity.as_ref()) {
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(before.map_or(0, |spec| spec.lease_transitions.unwrap_or(0) + 1));
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
        spec.renew_time = Some(now);
        spec
    }

    /// The write succeeded; it was begun at `now`.
    fn won(&mut self, step: Step, now: Instant) {
        self.renewed = Some(now);
        if step != Step::Renew {
            let unclean = self.unclean;
            self.leadership = Leadership::Leading { unclean };
        }
    }

    fn step_down(&mut self) {
        self.renewed = None;
        self.leadership = Leadership::Following;
    }
}

#[cfg(test)]
mod tests;
