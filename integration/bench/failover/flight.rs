//! One cut, and what the client saw of it.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::wire::{PingReport, Seen, micros};

/// What one client of one address saw. All times are counted from the client's start, in microseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Side {
    /// Just before the cable was cut.
    cut_us: u64,
    /// When the client's host saw the first frame by which another node took the address.
    announced_us: Option<u64>,
    /// The first answer that another node gave.
    resumed_us: Option<u64>,
    /// Every datagram.
    pub(super) client: PingReport,
}

impl Side {
    /// `gone` is the node that was cut off, `announced` the frame.
    pub(super) fn new(client: PingReport, gone: &str, cut: Instant, announced: Option<&Seen>) -> Self {
        let since = |at: Instant| micros(at.saturating_duration_since(client.begun));
        let others = client.samples.iter().filter(|sample| {
            let node = sample.node.and_then(|place| client.nodes.get(place));
            node.is_some_and(|node| node != gone)
        });
        Self {
            cut_us: since(cut),
            announced_us: announced.map(|seen| since(seen.at)),
            resumed_us: others.filter_map(|sample| sample.answered_us).min(),
            client,
        }
    }

    /// The longest silence; nothing if nobody ended it.
    pub(super) fn silence(&self) -> Option<Duration> {
        let silence = &self.client.silence;
        silence.after.is_some().then(|| silence.length())
    }

    /// From the cut to the frame.
    pub(super) fn detection(&self) -> Option<Duration> {
        Some(Duration::from_micros(
            self.announced_us?.saturating_sub(self.cut_us),
        ))
    }

    /// From the frame to the first answer. The kernel acts on a frame some microseconds before the judge reads it:
    /// nothing is less than zero.
    pub(super) fn takeover(&self) -> Option<Duration> {
        let (announced, resumed) = (self.announced_us?, self.resumed_us?);
        Some(Duration::from_micros(resumed.saturating_sub(announced)))
    }
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Flight {
    pub(super) run: u32,
    /// The node that was cut off.
    pub(super) node: String,
    /// The node that tiklb moved the address to.
    pub(super) heir: Option<String>,
    /// How long the kernel took to set the link down.
    pub(super) cut_took_us: u64,
    /// From the cut until the gateway was asked for a sign: the node is suspect.
    pub(super) asked_after_us: Option<u64>,
    pub(super) tiklb: Side,
    pub(super) floor: Side,
    /// keepalived's address, where it is installed.
    pub(super) rival: Option<Side>,
    /// What went wrong when the node came back.
    pub(super) trouble: Option<String>,
}

impl Flight {
    /// Why it failed, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        let Self { run, node, .. } = self;
        if self.heir.is_none() {
            let waited = self.tiklb.client.silence.length();
            return Some(format!(
                "run {run}: {node} was cut off and nobody took over for {waited:?}"
            ));
        }
        let repeated = self.tiklb.client.repeated;
        if repeated > 0 {
            return Some(format!(
                "run {run}: {repeated} datagrams were answered by two nodes"
            ));
        }
        let endless = self.rival.as_ref().filter(|rival| rival.silence().is_none());
        if endless.is_some() {
            return Some(format!(
                "run {run}: {node} was cut off and keepalived did not take over"
            ));
        }
        self.trouble.clone()
    }

    /// From the cut until the node was suspect; nothing if nobody asked before the address moved.
    pub(super) fn suspected(&self) -> Option<Duration> {
        let asked = Duration::from_micros(self.asked_after_us?);
        (asked <= self.tiklb.detection()?).then_some(asked)
    }

    /// From there to the first frame of the heir.
    pub(super) fn decided(&self) -> Option<Duration> {
        self.tiklb.detection()?.checked_sub(self.suspected()?)
    }

    /// For a person who waits for the next one.
    pub(super) fn line(&self, runs: u32) -> String {
        let millis = |silence: Option<Duration>| {
            silence.map_or("no end".to_owned(), |silence| {
                format!("{:.1} ms", silence.as_secs_f64() * 1e3)
            })
        };
        let rival = self.rival.as_ref();
        let rival = rival.map(|rival| format!("keepalived: {}, ", millis(rival.silence())));
        format!(
            "run {} of {runs}: {} -> {}, silence {} ({}moved by the lab: {})",
            self.run,
            self.node,
            self.heir.as_deref().unwrap_or("nobody"),
            millis(self.tiklb.silence()),
            rival.unwrap_or_default(),
            millis(self.floor.silence()),
        )
    }
}

#[cfg(test)]
pub(super) mod tests;
