//! Random faults from a seed. A failure prints the seed; `SEED=n cargo test -p tiklb-core random` repeats it.
//! `TIKLB_ELECTION_CASES=n` plays so many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::segment::*;
use crate::election::{Because, Failback, Serving};

const ADDRESSES: [u8; 4] = [200, 201, 202, 203];

/// After the last fault everything must be well again within this: isolation is noticed (300 ms), a return takes
/// 300 ms, a blocked first claim is tried again after 5 s.
const CALM: Duration = Duration::from_secs(8);

/// How long two nodes may both answer after a partition healed: a few heartbeats under the loss of the run.
const OVERLAP: Duration = Duration::from_millis(600);

/// The same where some nodes reach each other only by way of a third, and speakers are started anew meanwhile: what each
/// of two nodes knows of the third is then another thing for as long as a new speaker may take up what it had.
const OVERLAP_APART: Duration = Duration::from_millis(2_600);

/// Steps of 5 ms in which every planned move is made: one more than 30 s, and the pause after one that came before.
const SETTLING: u32 = 20_000;

fn fault(lan: &mut Segment, random: &mut Random, node: usize, planned: bool) {
    let another = usize::try_from(random.below(lan.speakers.len() as u64)).unwrap();
    match random.below(if planned { 19 } else { 16 }) {
        0 => lan.unplug(node, true),
        1 | 2 => lan.unplug(node, false),
        3 => lan.kill(node),
        4 | 5 => lan.start(node),
        6 => lan.side[node] = u8::from(lan.side[node] == 0),
        7 => lan.loss = random.below(15),
        8 => lan.leave(node),
        9 => lan.rest(node),
        10 => lan.kill_speaker(node),
        11 => lan.stop(node),
        12 => lan.freeze(node),
        13 => {
            lan.thaw(node);
            lan.resume(node);
        }
        14 if node != another => drop(lan.apart.insert((node, another))),
        16 | 17 => {
            let last = ADDRESSES[usize::try_from(random.below(4)).unwrap()];
            let weight = i32::try_from(random.below(3)).unwrap();
            lan.weigh(last, &[(node, weight)]);
            lan.publish();
        }
        18 => lan.serve(node, Serving::Failing),
        15 if lan.managed => sever(lan, node),
        _ => drop(lan.unpingable.insert(node)),
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

/// What a cold start or a preference is still to move moves, and is never without an answer.
fn settle(lan: &mut Segment) -> Result<(), String> {
    for _ in 0..SETTLING {
        lan.run_ms(5);
        if let Some(last) = ADDRESSES.into_iter().find(|last| lan.answerers(*last).is_empty()) {
            return Err(format!(
                "nobody answers for 192.168.1.{last} during a planned move"
            ));
        }
    }
    Ok(())
}

/// Takes all faults away.
fn mend(lan: &mut Segment) {
    let nodes = lan.speakers.len();
    for node in 0..nodes {
        lan.thaw(node);
        lan.resume(node);
    }
    lan.apart.clear();
    lan.unpingable.clear();
    lan.severed.clear();
    lan.unmanaged.clear();
    lan.loss = 0;
    lan.side = vec![0; nodes];
    for node in 0..nodes {
        lan.unplug(node, false);
        if !lan.speakers[node].alive {
            lan.start(node);
        }
    }
}

fn history(seed: u64) -> Result<(), String> {
    let mut random = Random(seed);
    let nodes = 2 + usize::try_from(random.below(4)).unwrap();
    // In one of three the nodes have a second segment between them.
    let mut lan = match random.below(3) {
        0 => Segment::managed(nodes, &ADDRESSES, seed),
        _ => Segment::new(nodes, &ADDRESSES, seed),
    };
    // In one of four something asks for planned moves, too.
    let planned = random.below(4) == 0;
    if planned && random.below(2) == 0 {
        lan.failback = Failback::After(Duration::from_secs(random.below(10)));
    }
    // In one of four others have the processor when it is time to look.
    if random.below(4) == 0 {
        lan.lag = 1 + random.below(12_000);
    }
    lan.start_all();
    lan.run_ms(2_000);
    for _ in 0..12 {
        let node = usize::try_from(random.below(nodes as u64)).unwrap();
        fault(&mut lan, &mut random, node, planned);
        lan.run_ms(random.below(1_500));
    }
    // With a second segment, too: of two nodes one may have only the one, and the other only the other.
    let bound = if lan.apart.is_empty() && !lan.managed {
        OVERLAP
    } else {
        OVERLAP_APART
    };
    mend(&mut lan);
    lan.run(CALM);
    for last in ADDRESSES {
        let who = lan.answerers(last);
        if who.len() != 1 {
            return Err(format!("192.168.1.{last} is answered by {who:?} of {nodes}"));
        }
    }
    if lan.longest_overlap() > bound {
        return Err(format!(
            "two nodes that hear each other answered for {:?}",
            lan.longest_overlap()
        ));
    }
    if planned {
        settle(&mut lan)?;
    }
    let before = lan.history.len();
    lan.run(Duration::from_secs(20));
    let moves = &lan.history[before..];
    // A cold start's last word may come now.
    let meant = |because: &Because| {
        !planned && matches!(because, Because::Offered { .. } | Because::HandedOver { .. })
    };
    if !moves.iter().all(|(.., because)| meant(because)) {
        return Err(format!("without a fault {moves:?}"));
    }
    Ok(())
}

#[test]
fn after_any_faults_every_address_is_answered_by_one_node_and_stays_there() {
    if let Ok(seed) = option_env!("SEED").unwrap_or_default().parse() {
        history(seed).unwrap();
        return;
    }
    let histories = option_env!("TIKLB_ELECTION_CASES").unwrap_or_default().parse();
    let histories: u64 = histories.unwrap_or(60);
    let next = AtomicU64::new(0);
    let play = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= histories {
                return;
            }
            history(seed).unwrap_or_else(|error| {
                next.store(histories, Ordering::Relaxed);
                panic!("seed {seed}: {error}")
            });
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(play);
        }
    });
}
