//! Asking who has an address, as a person does with arping.
//!
//! The answers reach the asking host's kernel too, which may refresh a neighbour entry that it has; it makes no new one.

use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::{Error, priority};
use tokio::sync::oneshot;

use super::arp::{ArpFrame, Operation};
use super::tap::Tap;
use crate::lan::{Host, Mac};

/// How long a read waits: the finest step of the questions of [`who_has_every`].
const STEP: Duration = Duration::from_millis(1);

/// Between an answer and the next question: who answers is asleep again by then, as on a quiet LAN.
const REST: Duration = Duration::from_millis(2);

/// An answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArpAnswer {
    /// The MAC address that is said to have it.
    pub mac: Mac,
    /// The MAC address that said so: another one where one node stands in for another.
    pub from: Mac,
    /// Since the question.
    pub after: Duration,
}

/// The first of all answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstAnswer {
    /// The MAC address that is said to have it.
    pub mac: Mac,
    /// The MAC address that said so.
    pub from: Mac,
    /// When it came.
    pub at: Instant,
    /// How many questions had been asked by then.
    pub asked: u64,
}

/// Asks once, and gives all answers that come within `bound`, so that two answerers are seen.
///
/// ```no_run
/// # async fn example(client: lab::lan::Host) -> Result<(), lab::wire::Error> {
/// use std::time::Duration;
/// let answers = lab::wire::who_has(&client, [192, 168, 1, 200].into(), Duration::from_millis(200)).await?;
/// assert_eq!(answers.len(), 1, "exactly one node answers");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When the kernel refuses the socket or the frame.
pub async fn who_has(host: &Host, ip: Ipv4Addr, bound: Duration) -> Result<Vec<ArpAnswer>, Error> {
    ask(host, ip, move |tap| {
        let mut answers = Vec::new();
        let question = ArpFrame::request(tap.mac(), tap.address_towards(ip), ip);
        let asked = Instant::now();
        tap.send(&question)?;
        while asked.elapsed() < bound {
            if let Some(frame) = answer(tap, ip)? {
                answers.push(ArpAnswer {
                    mac: frame.sender_mac,
                    from: frame.eth_src,
                    after: asked.elapsed(),
                });
            }
        }
        Ok(answers)
    })
    .await
}

/// Asks again every `interval` until somebody answers, and says when that was; nothing if nobody did within `bound`.
///
/// # Errors
/// When the kernel refuses the socket or a frame.
pub async fn who_has_every(
    host: &Host,
    ip: Ipv4Addr,
    interval: Duration,
    bound: Duration,
) -> Result<Option<FirstAnswer>, Error> {
    ask(host, ip, move |tap| {
        let question = ArpFrame::request(tap.mac(), tap.address_towards(ip), ip);
        let begun = Instant::now();
        let (mut due, mut asked) = (begun, 0);
        while begun.elapsed() < bound {
            if Instant::now() >= due {
                tap.send(&question)?;
                asked += 1;
                due = Instant::now() + interval;
            }
            if let Some(frame) = answer(tap, ip)? {
                return Ok(Some(FirstAnswer {
                    mac: frame.sender_mac,
                    from: frame.eth_src,
                    at: Instant::now(),
                    asked,
                }));
            }
        }
        Ok(None)
    })
    .await
}

/// Asks for each of `ips` in turn, `rounds` times over and with a pause after each answer, and gives the time from each
/// question to its answer; nothing where none came within `bound`. Whatever else goes on meets all of them alike.
///
/// # Errors
/// When the kernel refuses the socket or a frame.
pub async fn answer_times<const N: usize>(
    host: &Host,
    ips: [Ipv4Addr; N],
    rounds: usize,
    bound: Duration,
) -> Result<[Vec<Option<Duration>>; N], Error> {
    let named = ips.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
    ask(host, named, move |tap| {
        let mut times = [const { Vec::new() }; N];
        for _ in 0..rounds {
            for (ip, times) in ips.iter().zip(&mut times) {
                times.push(answer_time(tap, *ip, bound)?);
            }
        }
        Ok(times)
    })
    .await
}

/// Asks once. Reads on for [`REST`] after the answer: a second one must not be taken for that to the next question.
fn answer_time(tap: &mut Tap, ip: Ipv4Addr, bound: Duration) -> io::Result<Option<Duration>> {
    let question = ArpFrame::request(tap.mac(), tap.address_towards(ip), ip);
    let mut first = None;
    let asked = Instant::now();
    tap.send(&question)?;
    loop {
        if answer(tap, ip)?.is_some() {
            first.get_or_insert(asked.elapsed());
        }
        if asked.elapsed() >= first.map_or(bound, |first| first + REST) {
            return Ok(first);
        }
    }
}

/// Puts a frame onto the wire at the host's interface, whatever it says and whoever it says it is from.
///
/// # Errors
/// When the kernel refuses.
pub fn send(host: &Host, frame: &ArpFrame) -> Result<(), Error> {
    let sent = host.run(|| Tap::open(host.interface(), STEP)?.send(frame))?;
    sent.map_err(|source| Error::system(host, format!("send the frame \"{frame}\""), source))
}

async fn ask<T, F>(host: &Host, ip: Ipv4Addr, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce(&mut Tap) -> io::Result<T> + Send + 'static,
{
    let interface = host.interface().to_owned();
    let (done, outcome) = oneshot::channel();
    // A thread of its own, so that neither the host's tasks nor the caller's delay the reading. It ends with the bound.
    host.thread("asker", move || {
        priority::raise();
        // Nobody waits any more if this fails.
        let _ = done.send(Tap::open(&interface, STEP).and_then(|mut tap| work(&mut tap)));
    })?;
    let failed = |source| Error::system(host, format!("ask who has {ip}"), source);
    outcome
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(failed)
}

/// The next answer to us: others on this host may ask for the same address, from other addresses.
fn answer(tap: &mut Tap, ip: Ipv4Addr) -> io::Result<Option<ArpFrame>> {
    let own = tap.address_towards(ip);
    let frame = tap.next()?.and_then(|bytes| ArpFrame::parse(bytes).ok());
    Ok(frame.filter(|frame| frame.op == Operation::Reply && frame.sender_ip == ip && frame.target_ip == own))
}
