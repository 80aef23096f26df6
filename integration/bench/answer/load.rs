//! More ARP than a LAN has: what is answered of it, and what it costs to answer nothing.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::ground::SOON;
use super::super::number::ratio;
use super::super::usage::precise_processor;
use super::latency::ANNOUNCED;
use crate::home::Home;
use crate::lan::Mac;
use crate::wire::{ArpFrame, Flood, Reader, ask_at_once, micros};

/// Questions that wait for their answers: half of what fits into a socket's buffer with a kernel's own limit
/// (`net.core.rmem_max`, 208 KiB), so that none is dropped on the way.
const AT_ONCE: u64 = 128;

/// How long each of the parts lasts.
const LASTING: Duration = Duration::from_secs(5);

/// Foreign frames a second: a broadcast storm, more than a hundred times what a LAN has.
const STORM: u64 = 50_000;

/// Two who talk to each other; nobody's addresses, in no pool.
const THEY: [(Mac, Ipv4Addr); 2] = [
    (Mac([2, 0, 0, 0, 9, 98]), Ipv4Addr::new(192, 168, 1, 98)),
    (Mac([2, 0, 0, 0, 9, 99]), Ipv4Addr::new(192, 168, 1, 99)),
];

/// As many answers as there are.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Rate {
    pub(super) asked: u64,
    pub(super) answered: u64,
    pub(super) took_us: u64,
    /// The speaker's.
    pub(super) processor_us: u64,
}

/// Frames that are nobody's business.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Foreign {
    /// Frames that were sent while only the speaker was there, and for how long.
    pub(super) sent: u64,
    pub(super) took_us: u64,
    /// The speaker's processor time meanwhile.
    pub(super) speaker_us: u64,
    /// The speaker's before, in as much time without a frame.
    pub(super) idle_us: u64,
    /// Of as many frames a second: those that the reader read, in which time, and its processor time.
    pub(super) read: u64,
    pub(super) read_took_us: u64,
    pub(super) reader_us: u64,
}

impl Rate {
    /// Answers a second of the speaker's processor time.
    pub(super) fn per_processor(&self) -> f64 {
        ratio(self.answered, self.processor_us) * 1e6
    }

    /// Answers a second.
    pub(super) fn per_second(&self) -> f64 {
        ratio(self.answered, self.took_us) * 1e6
    }

    /// Of all questions, in percent. The last ones may have been answered a moment too late.
    pub(super) fn unanswered(&self) -> f64 {
        ratio(self.asked.saturating_sub(self.answered), self.asked) * 100.0
    }
}

impl Foreign {
    /// What the frames add to the speaker's processor time, for each that was sent, in percent of the reader's for one
    /// that it read: a reader does nothing else, and a speaker has its peers to watch.
    pub(super) fn share(&self) -> f64 {
        let added = self.speaker_us.saturating_sub(self.idle_us);
        let (added, reader) = (ratio(added, self.sent), ratio(self.reader_us, self.read));
        if reader > 0.0 {
            added / reader * 100.0
        } else {
            f64::INFINITY
        }
    }

    /// Percent of a processor.
    pub(super) fn speaker(&self) -> f64 {
        ratio(self.speaker_us, self.took_us) * 100.0
    }

    /// Percent of a processor.
    pub(super) fn idle(&self) -> f64 {
        ratio(self.idle_us, micros(LASTING)) * 100.0
    }

    /// Percent of a processor.
    pub(super) fn reader(&self) -> f64 {
        ratio(self.reader_us, self.read_took_us) * 100.0
    }

    pub(super) fn per_second(&self) -> f64 {
        ratio(self.sent, self.took_us) * 1e6
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clock, processor) = (self.per_second(), self.per_processor());
        write!(f, "{clock:.0} answers/s, {processor:.0}/s of a processor")
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (speaker, reader) = (self.speaker(), self.reader());
        write!(
            f,
            "foreign frames cost {speaker:.1} % of a processor, without a filter {reader:.1} %"
        )
    }
}

/// Asks the node that announces the address, and nobody else.
pub(super) async fn rate(home: &Home) -> Result<Rate> {
    let announcer = home.announcer(ANNOUNCED, SOON).await?;
    let speaker = home.speaker(&announcer.host)?;
    let before = precise_processor(speaker)?;
    let answered = ask_at_once(home.client()?, announcer.answer.mac, ANNOUNCED, AT_ONCE, LASTING).await?;
    Ok(Rate {
        asked: answered.asked,
        answered: answered.answered,
        took_us: answered.took_us,
        processor_us: micros(precise_processor(speaker)?.saturating_sub(before)),
    })
}

/// The same node's cable: nothing, then the storm, then the storm with a reader beside the speaker.
pub(super) async fn foreign(home: &Home) -> Result<Foreign> {
    let node = home.announcer(ANNOUNCED, SOON).await?.host;
    let speaker = home.speaker(&node)?;
    let idle = {
        let before = precise_processor(speaker)?;
        sleep(LASTING).await;
        precise_processor(speaker)?.saturating_sub(before)
    };
    let (switch, port) = (home.lan().switch(), home.lan().port(&node)?);
    let question = ArpFrame::request(THEY[0].0, THEY[0].1, THEY[1].1);
    let flood = Flood::start(switch, port, &question, STORM)?;
    let (begun, sent, before) = (Instant::now(), flood.sent(), precise_processor(speaker)?);
    sleep(LASTING).await;
    let speaker_time = precise_processor(speaker)?.saturating_sub(before);
    let (took, sent) = (begun.elapsed(), flood.sent() - sent);
    let host = home.lan().host(&node)?;
    let (begun, reader) = (Instant::now(), Reader::start(host)?);
    sleep(LASTING).await;
    let (read, reader_time) = reader.stop()?;
    let read_took = begun.elapsed();
    flood.stop().context("a flood that is to be compared with")?;
    Ok(Foreign {
        sent,
        took_us: micros(took),
        speaker_us: micros(speaker_time),
        idle_us: micros(idle),
        read,
        read_took_us: micros(read_took),
        reader_us: micros(reader_time),
    })
}

pub(super) fn rate_configuration() -> Value {
    json!({
        "address": ANNOUNCED,
        "at_once": AT_ONCE,
        "seconds": LASTING.as_secs(),
        "questions": "unicast, from one client",
    })
}

pub(super) fn foreign_configuration() -> Value {
    json!({
        "frames_per_second": STORM,
        "seconds_each": LASTING.as_secs(),
        "frame": ArpFrame::request(THEY[0].0, THEY[0].1, THEY[1].1).to_string(),
        "into": "the cable of the announcing node alone",
        "reader": "AF_PACKET without a filter, one frame a call, parsed",
    })
}
