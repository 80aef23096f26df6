//! What happens to a node, to the segment, or to what a speaker knows of the API.

use std::time::Duration;

use super::super::segment::{Place, Random, Segment};
use super::{ADDRESSES, History};
use crate::election::Serving;

/// One of them. Most last until something ends them, or until all is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Unplug,
    Plug,
    Kill,
    Start,
    ChangeSides,
    Lose { percent: u64 },
    Leave,
    Rest,
    KillSpeaker,
    Stop,
    Freeze,
    Pause,
    GoOn,
    PartFrom(usize),
    Prefer { last: u8, weight: i32 },
    FailServing,
    Sever,
    DropPings,
    Fade { percent: u64 },
    FadeFor { another: usize, percent: u64 },
    Squall { percent: u64, ms: u64 },
    Double { percent: u64 },
    Scatter { us: u64 },
    Exclude { last: u8 },
    HearNoNews,
    HearNews,
    Mend,
}

fn address(random: &mut Random) -> u8 {
    ADDRESSES[usize::try_from(random.below(4)).unwrap()]
}

impl Fault {
    pub(super) fn draw(random: &mut Random, history: &History, node: usize) -> Self {
        let another = usize::try_from(random.below(history.nodes as u64)).unwrap();
        let kinds = if history.planned { 33 } else { 30 };
        match random.below(kinds) {
            0 => Self::Unplug,
            1 | 2 => Self::Plug,
            3 => Self::Kill,
            4 | 5 => Self::Start,
            6 => Self::ChangeSides,
            7 => Self::Lose {
                percent: random.below(15),
            },
            8 => Self::Leave,
            9 => Self::Rest,
            10 => Self::KillSpeaker,
            11 => Self::Stop,
            12 => Self::Freeze,
            13 => Self::Pause,
            14 | 15 => Self::GoOn,
            16 if node != another => Self::PartFrom(another),
            17 if history.managed => Self::Sever,
            18 => Self::DropPings,
            30 | 31 => Self::Prefer {
                last: address(random),
                weight: i32::try_from(random.below(3)).unwrap(),
            },
            32 => Self::FailServing,
            kind => Self::draw_of_the_segment(random, kind, node, another),
        }
    }

    fn draw_of_the_segment(random: &mut Random, kind: u64, node: usize, another: usize) -> Self {
        match kind {
            19 => Self::Fade {
                percent: 20 + 20 * random.below(5),
            },
            20 if node != another => Self::FadeFor {
                another,
                percent: 20 + 20 * random.below(5),
            },
            21 => Self::Squall {
                percent: 15 + random.below(21),
                ms: 200 + random.below(2_800),
            },
            22 => Self::Double {
                percent: random.below(31),
            },
            23 => Self::Scatter {
                us: random.below(20_000),
            },
            24 | 25 => Self::Exclude {
                last: address(random),
            },
            26 => Self::HearNoNews,
            27 => Self::HearNews,
            28 | 29 => Self::Mend,
            _ => Self::DropPings,
        }
    }

    pub(super) fn happen(self, lan: &mut Segment, node: usize) {
        match self {
            Self::Unplug => lan.unplug(node, true),
            Self::Plug => lan.unplug(node, false),
            Self::Kill => lan.kill(node),
            Self::Start => lan.start(node),
            Self::ChangeSides => lan.side[node] = u8::from(lan.side[node] == 0),
            Self::Lose { percent } => lan.loss = percent,
            Self::Leave => lan.leave(node),
            Self::Rest => lan.rest(node),
            Self::KillSpeaker => lan.kill_speaker(node),
            Self::Stop => lan.stop(node),
            Self::Freeze => lan.freeze(node),
            Self::Pause => lan.pause(node),
            Self::GoOn => lan.thaw(node),
            Self::PartFrom(another) => drop(lan.apart.insert((node, another))),
            Self::Prefer { last, weight } => {
                lan.weigh(last, &[(node, weight)]);
                lan.publish();
            }
            Self::FailServing => lan.serve(node, Serving::Failing),
            Self::Sever => sever(lan, node),
            Self::DropPings => drop(lan.unpingable.insert(node)),
            Self::Fade { percent } => lan.fade(node, percent),
            Self::FadeFor { another, percent } => {
                lan.faint.insert((node, Place::Node(another)), percent);
            }
            Self::Squall { percent, ms } => {
                lan.squall = Some((percent, lan.now + Duration::from_millis(ms)));
            }
            Self::Double { percent } => lan.doubled = percent,
            Self::Scatter { us } => lan.scatter = us,
            Self::Exclude { last } => lan.exclude(last, node),
            Self::HearNoNews => drop(lan.stale.insert(node)),
            Self::HearNews => lan.catch_up(node),
            Self::Mend => mend(lan),
        }
    }
}

/// Its port on one of the segments dies, or works again.
fn sever(lan: &mut Segment, node: usize) {
    let ports = if node.is_multiple_of(2) {
        &mut lan.severed
    } else {
        &mut lan.unmanaged
    };
    if !ports.remove(&node) {
        ports.insert(node);
    }
}

/// Takes all faults away.
pub(super) fn mend(lan: &mut Segment) {
    let nodes = lan.speakers.len();
    for node in 0..nodes {
        lan.thaw(node);
    }
    lan.apart.clear();
    lan.unpingable.clear();
    lan.severed.clear();
    lan.unmanaged.clear();
    lan.faint.clear();
    lan.stale.clear();
    (lan.loss, lan.squall) = (0, None);
    (lan.doubled, lan.scatter) = (0, 0);
    lan.side = vec![0; nodes];
    for node in 0..nodes {
        lan.unplug(node, false);
        if !lan.speakers[node].alive {
            lan.start(node);
        }
    }
    lan.admit_all(&ADDRESSES);
}
