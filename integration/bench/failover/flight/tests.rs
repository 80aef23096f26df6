//! A cut as a value.

use super::*;
use crate::lan::Mac;
use crate::wire::{ArpFrame, PingSample, Silence};

/// What happened, counted from the client's start. The cut is at 500 ms.
pub(in super::super) struct Cut {
    pub(in super::super) heir: Option<String>,
    pub(in super::super) announced: Option<Duration>,
    pub(in super::super) answered: Option<Duration>,
    /// When keepalived's address was answered for again; nothing if it is not installed.
    pub(in super::super) rival: Option<Duration>,
}

impl Default for Cut {
    fn default() -> Self {
        Self {
            heir: Some("node1".to_owned()),
            announced: Some(Duration::from_millis(800)),
            answered: Some(Duration::from_millis(801)),
            rival: Some(Duration::from_millis(799)),
        }
    }
}

const CUT: Duration = Duration::from_millis(500);

/// When the node answered for the last time.
const LAST: Duration = Duration::from_millis(499);

fn sample(answered: Option<Duration>, node: usize) -> PingSample {
    PingSample {
        sent_us: 0,
        answered_us: answered.map(micros),
        node: answered.map(|_| node),
    }
}

fn side(announced: Option<Duration>, answered: Option<Duration>) -> Side {
    let begun = Instant::now();
    let node = answered.map(|_| "node1".to_owned());
    let client = PingReport {
        target: "192.168.1.200:5432".parse().unwrap(),
        begun,
        ran: Duration::from_secs(2),
        sent: 3,
        answered: 2,
        repeated: 0,
        refused: 0,
        silence: Silence {
            begin: LAST,
            end: answered.unwrap_or(Duration::from_secs(2)),
            before: Some("node2".to_owned()),
            after: node,
        },
        lateness: Duration::from_millis(4),
        realtime: true,
        nodes: vec!["node2".to_owned(), "node1".to_owned()],
        samples: vec![sample(Some(LAST), 0), sample(None, 0), sample(answered, 1)],
    };
    let address = [192, 168, 1, 200].into();
    let seen = announced.map(|after| Seen {
        at: begun + after,
        after,
        frame: ArpFrame::request(Mac::ZERO, address, address),
    });
    Side::new(client, "node2", begun + CUT, seen.as_ref())
}

pub(in super::super) fn flight(cut: Cut) -> Flight {
    let moved = Duration::from_millis(501);
    Flight {
        run: 1,
        node: "node2".to_owned(),
        heir: cut.heir,
        cut_took_us: 900,
        asked_after_us: Some(19_000),
        tiklb: side(cut.announced, cut.answered),
        floor: side(Some(moved), Some(moved)),
        rival: cut.rival.map(|answered| side(Some(answered), Some(answered))),
        trouble: None,
    }
}

#[test]
fn a_frame_that_was_read_after_the_answer_cost_nothing() {
    let side = side(Some(Duration::from_millis(802)), Some(Duration::from_millis(801)));
    assert_eq!(side.takeover(), Some(Duration::ZERO));
    assert_eq!(side.detection(), Some(Duration::from_millis(302)));
}

#[test]
fn what_did_not_happen_has_no_length() {
    let side = side(None, None);
    assert_eq!(
        (side.silence(), side.detection(), side.takeover()),
        (None, None, None)
    );
}

#[test]
fn a_person_reads_all_silences() {
    assert_eq!(
        flight(Cut::default()).line(30),
        "run 1 of 30: node2 -> node1, silence 302.0 ms (keepalived: 300.0 ms, moved by the lab: 2.0 ms)"
    );
    let alone = Cut {
        rival: None,
        ..Cut::default()
    };
    assert!(
        flight(alone)
            .line(30)
            .ends_with("silence 302.0 ms (moved by the lab: 2.0 ms)")
    );
}

#[test]
fn the_gateway_is_asked_between_cut_and_frame_or_it_was_asked_for_something_else() {
    let mut seen = flight(Cut::default());
    let micros = Duration::from_micros;
    assert_eq!(
        (seen.suspected(), seen.decided()),
        (Some(micros(19_000)), Some(micros(281_000)))
    );
    seen.asked_after_us = Some(300_001);
    assert_eq!((seen.suspected(), seen.decided()), (None, None));
}
