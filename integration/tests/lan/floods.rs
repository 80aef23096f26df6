//! ARP in numbers, and a cable that is out for a moment.

use std::time::Duration;

use anyhow::ensure;
use lab::lan::Mac;
use lab::wire::{ArpFrame, Capture, Flood, Reader, ask_at_once, who_has};
use libtest_mimic::Trial;

use crate::ground::{Outcome, ip, mac, small_lan, trials};

/// For what must come, however busy the machine is.
const BOUND: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![floods:
        questions_at_once_are_counted_with_their_answers,
        who_asks_for_nobody_counts_no_answer,
        a_flood_reaches_one_host_and_a_reader_pays_for_it,
        a_blip_lasts_as_long_as_it_is_told_and_is_made_good,
    ]
}

async fn questions_at_once_are_counted_with_their_answers() -> Outcome {
    let lan = small_lan().await?;
    let lasting = Duration::from_millis(300);
    let found = ask_at_once(lan.host("client")?, mac(11), ip("192.168.1.11"), 16, lasting).await?;
    ensure!(
        found.answered > 16 && found.answered <= found.asked,
        "more than the first questions have answers: {found:?}"
    );
    ensure!(
        u128::from(found.took_us) >= lasting.as_micros(),
        "all of the time was used: {found:?}"
    );
    Ok(())
}

async fn who_asks_for_nobody_counts_no_answer() -> Outcome {
    let lan = small_lan().await?;
    // The node's kernel answers for its own address meanwhile: that is no answer to this question.
    let client = lan.host("client")?;
    let lasting = Duration::from_millis(100);
    let (nobody, own) = (
        ask_at_once(client, mac(11), ip("192.168.1.77"), 4, lasting),
        ask_at_once(client, mac(11), ip("192.168.1.11"), 4, lasting),
    );
    let (nobody, own) = tokio::try_join!(nobody, own)?;
    ensure!(nobody.asked >= 4 && nobody.answered == 0, "{nobody:?}");
    ensure!(own.answered > 0, "{own:?}");
    Ok(())
}

async fn a_flood_reaches_one_host_and_a_reader_pays_for_it() -> Outcome {
    let lan = small_lan().await?;
    let (node, client) = (lan.host("node1")?, lan.host("client")?);
    let stranger = ip("192.168.1.98");
    let frame = ArpFrame::request(Mac([2, 0, 0, 0, 9, 98]), stranger, ip("192.168.1.99"));
    let (near, far) = (
        Capture::start(node, "eth0")?,
        Capture::start(client, client.interface())?,
    );
    let reader = Reader::start(node)?;
    let flood = Flood::start(lan.switch(), lan.port("node1")?, &frame, 2_000)?;
    near.wait_for(
        |seen| seen.frame.sender_ip == stranger && seen.after > Duration::from_millis(200),
        BOUND,
    )
    .await?;
    let sent = flood.stop()?;
    let (read, took) = reader.stop()?;
    ensure!(
        read > 0 && read <= sent && !took.is_zero(),
        "{read} of {sent} frames were read in {took:?}"
    );
    let elsewhere = far.frames();
    ensure!(
        elsewhere.iter().all(|seen| seen.frame.sender_ip != stranger),
        "nobody else is to have it: {elsewhere:?}"
    );
    Ok(())
}

async fn a_blip_lasts_as_long_as_it_is_told_and_is_made_good() -> Outcome {
    let lan = small_lan().await?;
    let length = Duration::from_millis(25);
    let took = lan.blip("node1", length).await?;
    // Two milliseconds: a millisecond that it keeps for mending, and one of the timer.
    ensure!(
        took + Duration::from_millis(2) >= length,
        "it lasted {took:?} only"
    );
    ensure!(lan.host("node1")?.link("eth0").await?.carrier);
    let answers = who_has(
        lan.host("client")?,
        ip("192.168.1.11"),
        Duration::from_millis(200),
    )
    .await?;
    ensure!(answers.len() == 1, "the node answers again: {answers:?}");
    Ok(())
}
