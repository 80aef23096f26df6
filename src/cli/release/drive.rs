//! Core's release carried out on a router: one effect after another, each write told to the person who waits.

use std::collections::BTreeMap;
use std::time::Duration;

use routeros::client::Client;
use tiklb_core::allocator::{Allocator, Change, Effect, Event, Notice};
use tiklb_core::config::RouterObject;
use tiklb_core::model::Instant;
use tiklb_core::model::time::Spoken;
use tiklb_core::reservation::{ConditionKind, FailureKind, Outcome, Planned, RouterStatus, Write};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::allocator::router::failure::failure;
use crate::allocator::router::reading::reading;
use crate::allocator::router::write::make;
use crate::cli::progress::told;
use crate::cli::reach::in_flags;
use crate::clock::Clock;

/// A wait that is longer than this is said.
const WORTH_SAYING: Duration = Duration::from_secs(2);
/// What the router refuses as often as this, it will go on refusing.
const REFUSALS: u32 = 2;

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// Everything was given back.
    Done,
    /// Not everything, and why.
    Stopped(String),
}

/// A release under way.
pub(super) struct Drive<'a> {
    allocator: Allocator,
    object: RouterObject,
    client: &'a Client,
    clock: Clock,
    deadline: Instant,
    refusals: BTreeMap<String, u32>,
}

impl<'a> Drive<'a> {
    pub(super) fn new(
        allocator: Allocator,
        object: RouterObject,
        client: &'a Client,
        clock: Clock,
        timeout: Duration,
    ) -> Self {
        Self {
            allocator,
            object,
            client,
            deadline: clock.mono() + timeout,
            clock,
            refusals: BTreeMap::new(),
        }
    }

    /// Goes on until core says that nothing is left, or something stands in the way. A request that is under way is
    /// always waited for: RouterOS takes an abandoned one badly.
    pub(super) async fn run(&mut self, events: Vec<Event>) -> End {
        let interrupted = interruption();
        let mut events = events;
        loop {
            let step = self.allocator.step(std::mem::take(&mut events), self.clock.now());
            for effect in step.effects {
                match self.carry_out(effect).await {
                    Ok(event) => events.extend(event),
                    Err(end) => return end,
                }
                if *interrupted.borrow() {
                    return End::Stopped("you interrupted it".to_owned());
                }
            }
            if !events.is_empty() {
                continue;
            }
            let now = self.clock.mono();
            if now >= self.deadline {
                return End::Stopped("it took longer than --timeout allows".to_owned());
            }
            let wake = step.wake.map_or(self.deadline, |wake| wake.min(self.deadline));
            let wait = wake.since(now);
            if wait > WORTH_SAYING {
                eprintln!("the next look at the router is in {} …", Spoken(wait));
            }
            let mut interrupted = interrupted.clone();
            tokio::select! {
                () = self.clock.sleep_until(Some(wake)) => {}
                _ = interrupted.wait_for(|stop| *stop) => {}
            }
            if *interrupted.borrow() {
                return End::Stopped("you interrupted it".to_owned());
            }
        }
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<Option<Event>, End> {
        match effect {
            Effect::ReadRouter { router, .. } if router == self.object.key => self.read().await.map(Some),
            Effect::WriteRouter { router, planned } if router == self.object.key => {
                self.write(*planned).await.map(Some)
            }
            Effect::SetRouterStatus { router, status } if router == self.object.key => self.record(&status),
            Effect::SetRouterFinalizer {
                router,
                present: false,
                ..
            } if router == self.object.key => Err(End::Done),
            Effect::Event {
                notice: Notice::ReleaseGivenUp,
                note,
                ..
            } => Err(End::Stopped(note)),
            // The cluster's own matters are the allocator's.
            _ => Ok(None),
        }
    }

    /// Core waits for the record of what was taken, where it knows of more than the object said: here it is remembered.
    fn record(&mut self, status: &RouterStatus) -> Result<Option<Event>, End> {
        if let Some(why) = blocked(status) {
            return Err(End::Stopped(why));
        }
        if self.object.taken == status.taken {
            return Ok(None);
        }
        self.object.taken.clone_from(&status.taken);
        Ok(Some(Event::Routers(Change::Applied(self.object.clone()))))
    }

    async fn read(&self) -> Result<Event, End> {
        let result = told("reading the router", self.client.reading()).await;
        let result = match result {
            Ok(read) => Ok(reading(&read)),
            Err(error) => {
                let failure = in_flags(failure(&error));
                if is_lasting(failure.kind) {
                    return Err(End::Stopped(failure.message));
                }
                eprintln!(
                    "the router could not be read, it is tried again: {}",
                    failure.message
                );
                Err(failure)
            }
        };
        Ok(Event::RouterRead {
            router: self.object.key.clone(),
            result: Box::new(result),
        })
    }

    async fn write(&mut self, planned: Planned) -> Result<Event, End> {
        let Planned { write, .. } = planned;
        let made = told(&format!("writing: {write}"), make(self.client, &write)).await;
        match &made.outcome {
            Outcome::Applied(_) => println!("done: {write}"),
            _ => println!("NOT done: {write}: {}", made.words),
        }
        if matches!(made.outcome, Outcome::Refused(_)) && self.refused_too_often(&write) {
            return Err(End::Stopped(format!(
                "the router refuses {}: {}",
                write.target(),
                made.words
            )));
        }
        Ok(Event::RouterWritten {
            router: self.object.key.clone(),
            write: Box::new(write),
            outcome: made.outcome,
        })
    }

    fn refused_too_often(&mut self, write: &Write) -> bool {
        let count = self.refusals.entry(write.target()).or_default();
        *count += 1;
        *count >= REFUSALS
    }
}

/// What only a person can mend.
fn is_lasting(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Unreachable | FailureKind::Rebooting => false,
        FailureKind::Certificate
        | FailureKind::NoRest
        | FailureKind::VersionTooOld
        | FailureKind::Credentials
        | FailureKind::Policy
        | FailureKind::SecretMissing
        | FailureKind::InvalidSpec => true,
    }
}

/// Facts about the router for which core writes nothing: waiting would not change them.
fn blocked(status: &RouterStatus) -> Option<String> {
    let condition = status.conditions.get(&ConditionKind::ReservationsInSync)?;
    let lasting = ["OwnedByOtherInstance", "SerialChanged"].contains(&condition.reason);
    lasting.then(|| condition.message.clone())
}

/// True once a SIGINT came, or a SIGTERM as a Job's Pod gets; a second one ends the process at once.
fn interruption() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        let Ok(mut term) = signal(SignalKind::terminate()) else {
            return sender.closed().await;
        };
        for attempt in 0.. {
            tokio::select! {
                interrupt = tokio::signal::ctrl_c() => if interrupt.is_err() {
                    return sender.closed().await;
                },
                _ = term.recv() => {}
            }
            if attempt > 0 {
                // What a shell reports for a process that a SIGINT ended.
                std::process::exit(130);
            }
            eprintln!("stopping after what is under way; once more to leave at once");
            sender.send_replace(true);
        }
    });
    receiver
}
