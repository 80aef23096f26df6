//! `router`: a thousand Services come onto a router at once, and then nothing changes any more.
//!
//! ```text
//!   allocator ── TLS ──▶ a door that counts bytes ──▶ the simulated router, which takes 1 or 20 ms for each request
//! ```
//! The Services have their addresses and announcers before there is a MikrotikRouter, so that nothing but the router is
//! waited for. As a floor, a plain client then makes as many round trips on one connection through the same door.

mod ground;
mod passage;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Journal, PASSWORD};
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use super::Stage;
use super::measure::{Goal, Measure, Statistic, Unit};
use super::number::figure;
use super::record::{Findings, recorded_all};
use super::usage::{Usage, allocator};
use crate::home::ROUTER_USER;
use crate::kube::{Access, client};
use crate::wait::until;
use ground::{Ground, MIKROTIK, RANGE, SERVICES_IN_ALL, url};

/// What a request takes: a fast router, and one with much to do.
const TIMES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// Polls that are watched, every 30 s as the object has it by itself. In that time falls one reading of all menus, which
/// is due every 5 min.
const POLLS: u32 = 11;

/// Ten times what 2,000 rows took with 20 ms a request when this was written.
const SYNCED: Duration = Duration::from_mins(20);

/// Silence after which a poll is over; the next one comes 30 s after it.
const QUIET: Duration = Duration::from_secs(3);
/// A poll that has not come by then does not: four intervals.
const NEXT_POLL: Duration = Duration::from_mins(2);
/// Between two looks at the journal, which is copied for each.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Reads of a poll that were promised at most, on average.
const READS: f64 = 6.0;

/// A small menu, as the floor asks for it.
const FLOOR: &str = "rest/system/identity";

/// What was asked of the router, and what went through the door, until a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Tally {
    reads: u64,
    writes: u64,
    sent_bytes: u64,
    received_bytes: u64,
}

impl Tally {
    fn now(ground: &Ground) -> Self {
        let journal = ground.home.router().journal();
        let (sent_bytes, received_bytes) = ground.passage.passed();
        Self {
            reads: journal.reads.values().sum(),
            writes: journal.writes.len() as u64 + journal.dropped,
            sent_bytes,
            received_bytes,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            sent_bytes: self.sent_bytes - before.sent_bytes,
            received_bytes: self.received_bytes - before.received_bytes,
        }
    }

    const fn requests(self) -> u64 {
        self.reads + self.writes
    }
}

/// A first sync, and the floor below it.
#[derive(Debug, Clone, Serialize)]
struct Sync {
    request_ms: u128,
    took_us: u128,
    asked: Tally,
    floor_us: u128,
    before: Usage,
    after: Usage,
    polls: Vec<Tally>,
}

/// What came of a run.
type Outcome = Result<Sync, String>;

pub(super) async fn run(stage: &mut Stage) -> Result<Findings> {
    let polls = stage.runs.unwrap_or(POLLS);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (number, time) in TIMES.into_iter().enumerate() {
        // Nothing is to be learned of the polls a second time.
        let polls = if number == 0 { polls } else { 0 };
        let outcome = Box::pin(sync(stage, time, polls)).await;
        outcomes.push(outcome.map_err(|why| format!("{time:?} a request: {why:#}")));
    }
    findings(&outcomes, polls)
}

async fn sync(stage: &mut Stage, time: Duration, polls: u32) -> Result<Sync> {
    let ground = Ground::build(stage).await?;
    ground.home.router().faults().work(time);
    let before = allocator(&ground.home, "before the router")?;
    let begun = Instant::now();
    ground.apply_router().await?;
    let what = format!("{SERVICES_IN_ALL} Services on a router that takes {time:?} a request");
    let synced = in_sync(&ground);
    stage.screen.watch(&ground.home, &what, synced).await?;
    let asked = Tally::now(&ground);
    let ended = last_write(&ground)?;
    let took = ended.saturating_duration_since(begun);
    let after = allocator(&ground.home, "in sync")?;
    let mut watched = Vec::new();
    for number in 1..=polls {
        let polled = poll(&ground);
        let what = format!("poll {number} of {polls}");
        watched.push(stage.screen.watch(&ground.home, &what, polled).await?);
    }
    let what = format!("{} plain round trips", asked.requests());
    let floor = floor(&ground, asked.requests());
    let floor = stage.screen.watch(&ground.home, &what, floor).await?;
    Ok(Sync {
        request_ms: time.as_millis(),
        took_us: took.as_micros(),
        asked,
        floor_us: floor.as_micros(),
        before,
        after,
        polls: watched,
    })
}

/// Waits until every address has its lease and its ARP row, and the object says that nothing is left to do.
async fn in_sync(ground: &Ground) -> Result<()> {
    let deadline = Instant::now() + SYNCED;
    loop {
        let rows = ground.rows();
        if rows == (SERVICES_IN_ALL, SERVICES_IN_ALL) {
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "{rows:?} leases and ARP rows after {SYNCED:?}"
        );
        sleep(LOOK_EVERY).await;
    }
    for kind in ["PoolsExcluded", "ReservationsInSync"] {
        ground
            .home
            .router_condition(MIKROTIK, kind, "True", SYNCED)
            .await?;
    }
    Ok(())
}

/// When the last row was written.
fn last_write(ground: &Ground) -> Result<Instant> {
    let router = ground.home.router();
    let journal: Journal = router.journal();
    let last = journal.applied().last().context("nothing was written")?;
    Ok(router.started() + last.at)
}

/// Waits for the next poll and for its end: what was asked in it.
async fn poll(ground: &Ground) -> Result<Tally> {
    let before = Tally::now(ground);
    until("a poll", NEXT_POLL, async || {
        ensure!(Tally::now(ground) != before, "nothing is asked");
        Ok(())
    })
    .await?;
    let (mut last, mut changed) = (Tally::now(ground), Instant::now());
    while changed.elapsed() < QUIET {
        sleep(LOOK_EVERY).await;
        let now = Tally::now(ground);
        if now != last {
            (last, changed) = (now, Instant::now());
        }
    }
    Ok(last.since(before))
}

/// How long so many plain round trips take, one after the other on one connection.
async fn floor(ground: &Ground, requests: u64) -> Result<Duration> {
    let ca_pem = ground
        .home
        .router()
        .ca_pem()
        .context("the router has no certificate")?;
    let access = Access {
        url: url(),
        ca_pem,
        token: String::new(),
    };
    let client = client(&access).context("making a client that trusts the router")?;
    let address = format!("{}/{FLOOR}", url());
    let asked = async move {
        let begun = Instant::now();
        for _ in 0..requests {
            let asked = client.get(&address).basic_auth(ROUTER_USER, Some(PASSWORD));
            let answer = asked.send().await?.error_for_status()?;
            answer.bytes().await?;
        }
        Ok::<_, reqwest::Error>(begun.elapsed())
    };
    let host = ground.home.lan().host("control")?;
    host.call(asked)
        .await?
        .context("asking the router as a plain client")
}

fn findings(outcomes: &[Outcome], polls: u32) -> Result<Findings> {
    let mut measures = Vec::new();
    for (time, outcome) in TIMES.iter().zip(outcomes) {
        measures.extend(of_sync(*time, outcome.as_ref().ok()));
    }
    if polls > 0 {
        let first = outcomes.first().and_then(|outcome| outcome.as_ref().ok());
        measures.extend(of_polls(first.map(|sync| sync.polls.as_slice()), polls));
    }
    Ok(Findings {
        measures,
        configuration: json!({
            "nodes": 3,
            "api": "embedded",
            "services": SERVICES_IN_ALL,
            "range": RANGE,
            "rows": "a lease and a disabled ARP row for each address",
            "poll_interval_s": 30,
            "polls": polls,
        }),
        runs: recorded_all(outcomes)?,
        failures: outcomes.iter().filter_map(|outcome| outcome.as_ref().err().cloned()).collect(),
        notes: vec![
            "A first sync counts from the MikrotikRouter's creation to its last write; the floor is as many requests for \
             a small menu by a plain client on one connection, through the same door to the same router."
                .to_owned(),
            "Bytes are those of TLS, with what goes to and comes from the router. In 5 min there is one poll that reads \
             all menus."
                .to_owned(),
        ],
        ..Findings::default()
    })
}

fn of_sync(time: Duration, sync: Option<&Sync>) -> [Measure; 7] {
    let times = |read: fn(&Sync) -> u128| {
        sync.map(|sync| Duration::from_micros(read(sync).try_into().unwrap_or(u64::MAX)))
    };
    let counted = |name: &str, read: fn(&Tally) -> u64| Measure {
        samples: vec![sync.map(|sync| figure(read(&sync.asked)))],
        ..Measure::new(name, Unit::Count).part()
    };
    let memory = |name: &str, read: fn(&Sync) -> &Usage| Measure {
        samples: vec![sync.map(|sync| read(sync).resident_mib())],
        ..Measure::new(format!("{name}, {time:?} a request"), Unit::Mebibytes)
    };
    let floor = format!("as many plain round trips, {time:?} a request");
    let before = format!("allocator before it, {time:?} a request");
    [
        Measure::new(format!("first sync, {time:?} a request"), Unit::Seconds)
            .against(&floor)
            .times([times(|sync| sync.took_us)]),
        counted("requests", |asked| asked.requests()),
        counted("of them writes", |asked| asked.writes),
        counted("of them reads", |asked| asked.reads),
        Measure::new(floor, Unit::Seconds).times([times(|sync| sync.floor_us)]),
        memory("allocator before it", |sync| &sync.before),
        memory("allocator after it", |sync| &sync.after).against(&before),
    ]
}

fn of_polls(polls: Option<&[Tally]>, wanted: u32) -> [Measure; 4] {
    let measure = |name: &str, unit: Unit, read: &dyn Fn(&Tally) -> f64| {
        let samples = match polls {
            Some(polls) => polls.iter().map(|poll| Some(read(poll))).collect(),
            None => (0..wanted).map(|_| None).collect(),
        };
        Measure {
            samples,
            ..Measure::new(name, unit)
        }
    };
    let kib = |bytes: u64| figure(bytes) / 1024.0;
    [
        measure("reads in a poll", Unit::Count, &|poll| figure(poll.reads))
            .goal(Goal::at_most(Statistic::Mean, READS)),
        measure("writes in a poll", Unit::Count, &|poll| figure(poll.writes))
            .goal(Goal::at_most(Statistic::Max, 0.0)),
        measure("sent in a poll", Unit::Kibibytes, &|poll| kib(poll.sent_bytes)),
        measure("received in a poll", Unit::Kibibytes, &|poll| {
            kib(poll.received_bytes)
        }),
    ]
}

#[cfg(test)]
mod tests;
