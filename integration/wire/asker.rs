//! A client that asks for one address, or for many, all the time, and knows who answered each of its questions.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::ops::RangeBounds;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::arp::{ArpFrame, Operation};
use super::resolution::ArpAnswer;
use super::tap::Tap;
use super::worker::Worker;
use super::{Error, priority};
use crate::lan::{Host, Journal, Mac};

/// Between two questions for one address: a neighbour entry is never asked for so often, and a move takes longer.
const EVERY: Duration = Duration::from_millis(20);

/// Between any two questions, where there are many addresses to ask for.
const APART: Duration = Duration::from_millis(1);

/// How long the thread waits for an answer before it looks whether a question is due.
const PATIENCE: Duration = Duration::from_millis(1);

/// Addresses that a client asks from, in turn: an answer names the one that was asked from, and so its question. After
/// this many questions, 0.8 s, an address has its turn again; no speaker answers what lay for longer than 0.35 s.
const TURNS: u8 = 40;

/// Answers come within a millisecond or two. A later one was given by a process that the machine kept waiting, and what was
/// so when it was asked may not be so any more: it is no evidence that two nodes answer at one time. Where they do, half of
/// all questions show it.
const IN_TIME: Duration = Duration::from_millis(10);

/// Answers kept for those who wait: minutes of them, and of many addresses ten seconds.
const ANSWERS: usize = 10_000;

/// A question, and all answers to it.
#[derive(Debug, Clone)]
pub struct Question {
    /// What was asked for.
    pub address: Ipv4Addr,
    /// When it was asked.
    pub at: Instant,
    /// The same, counted from the asker's start.
    pub after: Duration,
    /// In the order in which they came.
    pub answers: Vec<ArpAnswer>,
}

impl Question {
    /// Whether one of its answers says something else than another. Those that took [too long](IN_TIME) do not count.
    fn is_contradicted(&self) -> bool {
        let mut said = self.in_time().map(|answer| answer.mac);
        let first = said.next();
        said.any(|mac| Some(mac) != first)
    }

    /// Whether two hosts gave the same answer.
    fn is_doubled(&self) -> bool {
        let mut from = self.in_time().map(|answer| answer.from);
        let first = from.next();
        !self.is_contradicted() && from.any(|host| Some(host) != first)
    }

    fn in_time(&self) -> impl Iterator<Item = &ArpAnswer> {
        self.answers.iter().filter(|answer| answer.after <= IN_TIME)
    }
}

/// What came of it all.
#[derive(Debug, Clone)]
pub struct AskReport {
    /// Every question, in the order of asking. The last ones may have no answer yet.
    pub questions: Vec<Question>,
}

impl AskReport {
    /// Questions to which two said different things, both within 10 ms.
    pub fn contradicted(&self) -> impl Iterator<Item = &Question> {
        self.questions
            .iter()
            .filter(|question| question.is_contradicted())
    }

    /// All questions but those.
    #[must_use]
    pub fn undisputed(&self) -> Self {
        let undisputed = self
            .questions
            .iter()
            .filter(|question| !question.is_contradicted());
        Self {
            questions: undisputed.cloned().collect(),
        }
    }

    /// Questions that two hosts answered within 10 ms, both with the same MAC address: one of them stood in for the other.
    pub fn doubled(&self) -> impl Iterator<Item = &Question> {
        self.questions.iter().filter(|question| question.is_doubled())
    }

    /// What was asked meanwhile.
    #[must_use]
    pub fn within(&self, time: impl RangeBounds<Instant>) -> Self {
        let meanwhile = self
            .questions
            .iter()
            .filter(|question| time.contains(&question.at));
        Self {
            questions: meanwhile.cloned().collect(),
        }
    }

    /// What was asked for one of the addresses.
    #[must_use]
    pub fn of(&self, address: Ipv4Addr) -> Self {
        let its = self
            .questions
            .iter()
            .filter(|question| question.address == address);
        Self {
            questions: its.cloned().collect(),
        }
    }

    /// What was asked from that moment on.
    #[must_use]
    pub fn since(&self, moment: Instant) -> Self {
        self.within(moment..)
    }

    /// The MAC addresses that were answered with within 10 ms, each as long as it was the same: one, if nothing ever moved.
    /// Of several answers to one question the last counts, which is what a client believes.
    pub fn owners(&self) -> Vec<Mac> {
        let last = self
            .questions
            .iter()
            .filter_map(|question| question.in_time().last());
        let mut owners: Vec<Mac> = last.map(|answer| answer.mac).collect();
        owners.dedup();
        owners
    }

    /// The longest time from a question to the next one that was answered, its start and its length. Questions are asked
    /// [every 20 ms](Asker) at most, so that is the least it can be. Of a report about [one address](Self::of).
    pub fn longest_wait(&self) -> (Duration, Duration) {
        let answered = self
            .questions
            .iter()
            .filter(|question| !question.answers.is_empty());
        let times: Vec<Duration> = answered.map(|question| question.after).collect();
        let waits = times
            .windows(2)
            .map(|pair| (pair[0], pair[1].saturating_sub(pair[0])));
        waits.max_by_key(|(_, length)| *length).unwrap_or_default()
    }
}

/// An answer, for those who wait while the asker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// What its question was for.
    pub address: Ipv4Addr,
    /// When its question was asked.
    pub asked: Instant,
    /// The answer.
    pub answer: ArpAnswer,
}

/// Asks every 20 ms until it is dropped, or as often as a millisecond between any two questions allows.
///
/// ```no_run
/// # async fn example(client: lab::lan::Host) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// let asker = lab::wire::Asker::start(&client, [192, 168, 1, 200].into(), [192, 168, 1, 60].into()).await?;
/// asker.wait_for(|_| true, Duration::from_secs(5)).await?;
/// assert_eq!(asker.stop()?.contradicted().count(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Asker {
    /// First, so that it ends while its host is there.
    worker: Worker<AskReport>,
    host: Host,
    what: String,
    targets: Vec<Ipv4Addr>,
    told: Journal<Told>,
}

impl Asker {
    /// Starts to ask for `address` from 40 addresses, of which `first` is the lowest. The host is given them, as any host
    /// has the addresses that it asks from, and keeps them.
    ///
    /// # Errors
    /// When the kernel refuses an address, the socket or the thread.
    pub async fn start(host: &Host, address: Ipv4Addr, first: Ipv4Addr) -> Result<Self, Error> {
        Self::for_each(host, &[address], first).await
    }

    /// The same for each of `targets` in turn.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub async fn for_each(host: &Host, targets: &[Ipv4Addr], first: Ipv4Addr) -> Result<Self, Error> {
        let addresses = (0..TURNS).map(|turn| Ipv4Addr::from_bits(first.to_bits() + u32::from(turn)));
        let addresses: Vec<Ipv4Addr> = addresses.collect();
        for own in &addresses {
            host.add_address(ipnet::Ipv4Net::from(*own), host.interface())
                .await?;
        }
        let what = match targets {
            [address] => format!("who has {address}"),
            many => format!("who has any of {} addresses", many.len()),
        };
        let failed = |source| Error::system(host, format!("ask {what}"), source);
        let tap = host
            .run(|| Tap::open(host.interface(), PATIENCE))?
            .map_err(failed)?;
        let told = Journal::new(ANSWERS);
        let mut run = Run {
            tap,
            told: told.clone(),
            begun: Instant::now(),
            questions: Vec::new(),
            latest: BTreeMap::new(),
        };
        let all = targets.to_vec();
        let work = move |ending: &AtomicBool| run.run(&addresses, &all, ending);
        Ok(Self {
            host: host.clone(),
            what,
            targets: targets.to_vec(),
            told,
            worker: Worker::start(host, "asker", work)?,
        })
    }

    /// Waits for an answer that `wanted` accepts, to a question that is asked from now on.
    ///
    /// # Errors
    /// [`Error::TooLate`], with the latest answer.
    pub async fn wait_for(
        &self,
        wanted: impl Fn(&ArpAnswer) -> bool,
        bound: Duration,
    ) -> Result<Told, Error> {
        let now = Instant::now();
        let fits = |told: &Told| told.asked >= now && wanted(&told.answer);
        if let Some(found) = self.told.wait_for(fits, bound).await {
            return Ok(found);
        }
        let detail = match self.told.entries().last() {
            Some(Told { asked, answer, .. }) => {
                format!("; the last one, {:?} ago, gave {}", asked.elapsed(), answer.mac)
            }
            None => "; there was none at all".to_owned(),
        };
        Err(Error::TooLate {
            host: self.host.name().to_owned(),
            what: format!("the answer waited for to {}", self.what),
            bound,
            detail,
        })
    }

    /// Waits until there was an answer for every address that counts.
    ///
    /// # Errors
    /// [`Error::TooLate`], with the first one for which there was none.
    pub async fn all_answered(&self, bound: Duration) -> Result<(), Error> {
        let until = Instant::now() + bound;
        for target in &self.targets {
            let left = until.saturating_duration_since(Instant::now());
            let in_time = |told: &Told| told.address == *target && told.answer.after <= IN_TIME;
            let answered = self.told.wait_for(in_time, left).await;
            answered.ok_or_else(|| {
                Error::too_late(&self.host, format!("an answer to who has {target}"), bound)
            })?;
        }
        Ok(())
    }

    /// Stops asking, and reports.
    ///
    /// # Errors
    /// When the socket failed on the way.
    pub fn stop(self) -> Result<AskReport, Error> {
        let ended = self.worker.stop();
        ended.map_err(|source| Error::system(&self.host, format!("ask {}", self.what), source))
    }
}

/// What the thread has.
struct Run {
    tap: Tap,
    told: Journal<Told>,
    begun: Instant,
    questions: Vec<Question>,
    /// The last question from each address for each, as an index.
    latest: BTreeMap<(Ipv4Addr, Ipv4Addr), usize>,
}

impl Run {
    fn run(&mut self, from: &[Ipv4Addr], targets: &[Ipv4Addr], ending: &AtomicBool) -> io::Result<AskReport> {
        priority::raise();
        let many = u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1);
        let apart = (EVERY / many).max(APART);
        let mut due = self.begun;
        // One round after the other, so that an address asks for the same one again as late as can be.
        let rounds = from.iter().cycle();
        for (own, target) in rounds.flat_map(|own| targets.iter().map(move |target| (*own, *target))) {
            while Instant::now() < due {
                self.listen()?;
            }
            if ending.load(Ordering::Relaxed) {
                break;
            }
            // What waits to be read belongs to the last question from this address.
            while self.listen()? {}
            due = Instant::now() + apart;
            self.ask(own, target)?;
        }
        Ok(AskReport {
            questions: std::mem::take(&mut self.questions),
        })
    }

    fn ask(&mut self, own: Ipv4Addr, address: Ipv4Addr) -> io::Result<()> {
        let at = Instant::now();
        self.latest.insert((own, address), self.questions.len());
        self.questions.push(Question {
            address,
            at,
            after: at - self.begun,
            answers: Vec::new(),
        });
        let question = ArpFrame::request(self.tap.mac(), own, address);
        match self.tap.send(&question) {
            // A cable that is out: nobody hears the question.
            Err(error) if error.kind() == io::ErrorKind::NetworkDown => Ok(()),
            other => other,
        }
    }

    /// Reads a frame, if there is one.
    fn listen(&mut self) -> io::Result<bool> {
        let Some(bytes) = self.tap.next()? else {
            return Ok(false);
        };
        let frame = ArpFrame::parse(bytes).ok();
        let answer = frame.filter(|frame| frame.op == Operation::Reply);
        let asked = answer.and_then(|frame| self.latest.get(&(frame.target_ip, frame.sender_ip)));
        if let (Some(frame), Some(question)) =
            (answer, asked.and_then(|index| self.questions.get_mut(*index)))
        {
            let answer = ArpAnswer {
                mac: frame.sender_mac,
                from: frame.eth_src,
                after: question.at.elapsed(),
            };
            question.answers.push(answer);
            let (address, asked) = (question.address, question.at);
            self.told.push(Told {
                address,
                asked,
                answer,
            });
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
