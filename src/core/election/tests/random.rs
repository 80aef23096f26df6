//! Random faults from a seed. A failure prints the seed; `SEED=n cargo test -p tiklb-core random` repeats it.

use std::time::Duration;

use super::segment::*;

const ADDRESSES: [u8; 4] = [200, 201, 202, 203];

/// After the last fault everything must be well again within this: isolation is noticed (300 ms), a return takes
/// 300 ms, a blocked first claim is tried again after 5 s.
const CALM: Duration = Duration::from_secs(8);

/// How long two nodes may both answer after a partition healed: a few heartbeats under the loss of the run.
const OVERLAP: Duration = Duration::from_millis(600);

fn history(seed: u64) -> Result<(), String> {
    let mut random = Random(seed);
    let nodes = 2 + usize::try_from(random.below(4)).unwrap();
    let mut lan = Segment::new(nodes, &ADDRESSES, seed);
    lan.start_all();
    lan.run_ms(2_000);
    for _ in 0..12 {
        let node = usize::try_from(random.below(nodes as u64)).unwrap();
        match random.below(8) {
            0 => lan.unplug(node, true),
            1 | 2 => lan.unplug(node, false),
            3 => lan.kill(node),
            4 => lan.start(node),
            5 => lan.side[node] = u8::from(lan.side[node] == 0),
            6 => lan.loss = random.below(15),
            _ => lan.leave(node),
        }
        lan.run_ms(random.below(1_500));
    }
    lan.loss = 0;
    lan.side = vec![0; nodes];
    for node in 0..nodes {
        lan.unplug(node, false);
        if !lan.speakers[node].alive {
            lan.start(node);
        }
    }
    lan.run(CALM);
    for last in ADDRESSES {
        let who = lan.answerers(last);
        if who.len() != 1 {
            return Err(format!("192.168.1.{last} is answered by {who:?} of {nodes}"));
        }
    }
    if lan.longest_overlap() > OVERLAP {
        return Err(format!(
            "two nodes that hear each other answered for {:?}",
            lan.longest_overlap()
        ));
    }
    let before = lan.history.len();
    lan.run(Duration::from_secs(20));
    if lan.history.len() != before {
        return Err(format!("without a fault {:?}", &lan.history[before..]));
    }
    Ok(())
}

#[test]
fn after_any_faults_every_address_is_answered_by_one_node_and_stays_there() {
    if let Ok(seed) = option_env!("SEED").unwrap_or_default().parse() {
        history(seed).unwrap();
        return;
    }
    for seed in 0..60 {
        history(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}
