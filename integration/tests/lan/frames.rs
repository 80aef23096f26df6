//! ARP, captured and asked for; neighbour entries.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::ensure;
use lab::lan::{Host, HostPlan, Lan, Mac};
use lab::wire::{
    ArpFrame, BareAnswerer, Capture, Error, Operation, answer_times, send, who_has, who_has_every,
};
use libtest_mimic::Trial;

use crate::ground::{Outcome, ip, mac, net, small_lan, trials};

/// For what must come, however busy the machine is.
const BOUND: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![frames:
        a_capture_sees_questions_and_answers,
        a_capture_sees_frames_for_others,
        a_capture_outlives_a_cut_cable,
        two_answerers_are_both_seen,
        only_replies_for_the_address_are_answers,
        a_link_that_went_down_keeps_no_capture_busy,
        nobody_answers_for_an_address_on_lo,
        the_first_answer_is_timed,
        answers_in_turn_are_timed_each,
        a_bare_program_answers_for_one_address_until_it_ends,
        neighbours_are_read_and_forgotten,
        what_cannot_be_watched_says_so,
    ]
}

async fn a_capture_sees_questions_and_answers() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let capture = Capture::start(client, "eth0")?;
    let socket = client.run(|| UdpSocket::bind("0.0.0.0:0"))??;
    socket.send_to(b"hello", "192.168.1.11:9")?;
    let answer = capture
        .wait_for(|seen| seen.frame.op == Operation::Reply, BOUND)
        .await?;
    ensure!(
        answer.frame.sender_ip == ip("192.168.1.11") && answer.frame.sender_mac == mac(11),
        "{answer}"
    );
    let question = capture.frames()[0];
    ensure!(
        question.frame.to_string() == "who has 192.168.1.11? tell 192.168.1.50",
        "{question}"
    );
    ensure!(question.after <= answer.after && question.at == capture.begun() + question.after);
    ensure!(
        question.to_string().contains("02:00:00:00:01:32 > all "),
        "{question}"
    );
    ensure!(capture.malformed() == 0 && capture.dropped() == 0);
    Ok(())
}

async fn a_capture_sees_frames_for_others() -> Outcome {
    let lan = small_lan().await?;
    let capture = Capture::start(lan.host("client")?, "eth0")?;
    // To a MAC that the switch has never seen, and so to all ports: a promiscuous interface takes it.
    let question = ArpFrame::request(mac(11), ip("192.168.1.11"), ip("192.168.1.1"));
    let stray = ArpFrame {
        op: Operation::Reply,
        eth_dst: Mac([2, 9, 9, 9, 9, 9]),
        ..question
    };
    send(lan.host("node1")?, &stray)?;
    capture.wait_for(|seen| seen.frame == stray, BOUND).await?;
    // What it says is the sender's affair.
    let lie = ArpFrame {
        sender_mac: mac(12),
        op: Operation::Other(9),
        ..question
    };
    send(lan.host("node1")?, &lie)?;
    capture.wait_for(|seen| seen.frame == lie, BOUND).await?;
    Ok(())
}

async fn a_capture_outlives_a_cut_cable() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let capture = Capture::start(client, "eth0")?;
    // The interface itself, and not only its carrier, goes down and up again under the socket.
    let other = Capture::start(lan.switch(), "p-client")?;
    lan.cut("client").await?;
    lan.mend("client").await?;
    who_has(lan.host("node1")?, ip("192.168.1.50"), Duration::from_millis(50)).await?;
    let asked = |seen: &lab::wire::Seen| seen.frame.eth_src == mac(11) && seen.frame.op == Operation::Request;
    capture.wait_for(asked, BOUND).await?;
    other.wait_for(asked, BOUND).await?;
    Ok(())
}

async fn two_answerers_are_both_seen() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let wanted = ip("192.168.1.200");
    let bound = Duration::from_millis(200);
    ensure!(who_has(client, wanted, bound).await?.is_empty());
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    let one = who_has(client, wanted, bound).await?;
    ensure!(
        one.len() == 1 && one[0].mac == mac(11) && one[0].from == mac(11),
        "{one:?}"
    );
    lan.add_address("node2", net("192.168.1.200/32"), "eth0").await?;
    let mut two: Vec<Mac> = who_has(client, wanted, bound)
        .await?
        .iter()
        .map(|answer| answer.mac)
        .collect();
    two.sort();
    ensure!(two == [mac(11), mac(12)], "{two:?}");
    Ok(())
}

async fn only_replies_for_the_address_are_answers() -> Outcome {
    let lan = small_lan().await?;
    let (client, node1) = (lan.host("client")?.clone(), lan.host("node1")?);
    let (wanted, other) = (ip("192.168.1.200"), ip("192.168.1.201"));
    let capture = Capture::start(&client, "eth0")?;
    let asking = tokio::spawn(async move { who_has(&client, wanted, Duration::from_millis(300)).await });
    capture
        .wait_for(|seen| seen.frame.target_ip == wanted, BOUND)
        .await?;
    let announcement = ArpFrame::request(mac(11), wanted, wanted);
    let reply = ArpFrame {
        op: Operation::Reply,
        eth_dst: mac(50),
        target_mac: mac(50),
        ..announcement
    };
    let for_other = ArpFrame {
        sender_ip: other,
        target_ip: ip("192.168.1.50"),
        ..reply
    };
    let stood_in = ArpFrame {
        sender_mac: mac(12),
        target_ip: ip("192.168.1.50"),
        ..reply
    };
    for frame in [announcement, for_other, stood_in] {
        send(node1, &frame)?;
    }
    let answers = asking.await??;
    ensure!(
        answers.len() == 1 && answers[0].mac == mac(12) && answers[0].from == mac(11),
        "{answers:?}"
    );
    Ok(())
}

async fn a_link_that_went_down_keeps_no_capture_busy() -> Outcome {
    let switch = Host::create("idle", "switch")?;
    let lan = Lan::builder()
        .switch_in(switch.clone())
        .host(HostPlan::bare("client"))
        .build()
        .await?;
    let _capture = Capture::start(&switch, "p-client")?;
    lan.cut("client").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut found = 0;
    for entry in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(entry?.path().join("stat")).unwrap_or_default();
        let Some((head, fields)) = stat.rsplit_once(") ") else {
            continue;
        };
        if !head.ends_with("(idle capture") {
            continue;
        }
        found += 1;
        // User and system time, in hundredths of a second (proc(5), fields 14 and 15).
        let ticks: u64 = fields
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        ensure!(ticks < 10, "{ticks} ticks of half a second");
    }
    ensure!(found == 1, "{found}");
    Ok(())
}

async fn nobody_answers_for_an_address_on_lo() -> Outcome {
    let lan = small_lan().await?;
    lan.add_address("node1", net("192.168.1.200/32"), "lo").await?;
    let answers = who_has(
        lan.host("client")?,
        ip("192.168.1.200"),
        Duration::from_millis(200),
    )
    .await?;
    ensure!(
        answers.is_empty(),
        "a node's kernel answers, and tiklb should: {answers:?}"
    );
    Ok(())
}

async fn the_first_answer_is_timed() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?.clone();
    let (step, wanted) = (Duration::from_millis(2), ip("192.168.1.200"));
    ensure!(
        who_has_every(&client, wanted, step, Duration::from_millis(50))
            .await?
            .is_none()
    );
    let capture = Capture::start(&client, "eth0")?;
    let asking = tokio::spawn(async move { who_has_every(&client, wanted, step, BOUND).await });
    // Not before it asks.
    capture
        .wait_for(|seen| seen.frame.target_ip == wanted, BOUND)
        .await?;
    let before = Instant::now();
    lan.add_address("node2", net("192.168.1.200/32"), "eth0").await?;
    let first = asking.await??.unwrap();
    ensure!(
        first.mac == mac(12) && first.at >= before && first.asked >= 1,
        "{first:?}"
    );
    Ok(())
}

async fn answers_in_turn_are_timed_each() -> Outcome {
    const ROUNDS: usize = 3;
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let capture = Capture::start(client, "eth0")?;
    let (node1, nobody) = (ip("192.168.1.11"), ip("192.168.1.200"));
    let bound = Duration::from_millis(50);
    let [answered, silent] = answer_times(client, [node1, nobody], ROUNDS, bound).await?;
    ensure!(
        answered.len() == ROUNDS && answered.iter().flatten().all(|time| *time <= bound),
        "{answered:?}"
    );
    ensure!(
        answered.iter().any(Option::is_some),
        "its kernel answers: {answered:?}"
    );
    ensure!(silent == [None; ROUNDS], "{silent:?}");
    let asked: Vec<_> = capture
        .frames()
        .iter()
        .filter(|seen| seen.frame.op == Operation::Request)
        .map(|seen| seen.frame.target_ip)
        .collect();
    ensure!(asked == [node1, nobody].repeat(ROUNDS), "{asked:?}");
    Ok(())
}

async fn a_bare_program_answers_for_one_address_until_it_ends() -> Outcome {
    let lan = small_lan().await?;
    let (client, node1) = (lan.host("client")?, lan.host("node1")?);
    let (asked, another) = (ip("192.168.1.200"), ip("192.168.1.201"));
    let bare = BareAnswerer::start(node1, asked)?;
    let answer = who_has_every(client, asked, Duration::from_millis(50), BOUND).await?;
    ensure!(answer.map(|answer| answer.mac) == Some(mac(11)), "{answer:?}");
    let quiet = Duration::from_millis(50);
    let nobody = who_has(client, another, quiet).await?;
    ensure!(nobody.is_empty(), "it answers for {another}: {nobody:?}");
    drop(bare);
    let after = who_has(client, asked, quiet).await?;
    ensure!(after.is_empty(), "it goes on: {after:?}");
    Ok(())
}

async fn neighbours_are_read_and_forgotten() -> Outcome {
    let lan = small_lan().await?;
    let (client, node1) = (lan.host("client")?, ip("192.168.1.11"));
    ensure!(client.neighbor(node1).await?.is_none());
    let capture = Capture::start(client, "eth0")?;
    client
        .run(|| UdpSocket::bind("0.0.0.0:0"))??
        .send_to(b"hello", "192.168.1.11:9")?;
    capture
        .wait_for(|seen| seen.frame.op == Operation::Reply, BOUND)
        .await?;
    let entry = client.neighbor(node1).await?;
    ensure!(
        entry.is_some_and(|entry| entry.mac == Some(mac(11)) && entry.state.to_string() == "reachable"),
        "{entry:?}"
    );
    client.flush_neighbor(node1).await?;
    client.flush_neighbor(node1).await?;
    ensure!(
        client
            .neighbor(node1)
            .await?
            .is_none_or(|entry| entry.mac.is_none())
    );
    Ok(())
}

async fn what_cannot_be_watched_says_so() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let error = Capture::start(client, "eth9").unwrap_err();
    ensure!(error.to_string() == "client: cannot watch eth9", "{error}");
    let capture = Capture::start(client, "eth0")?;
    who_has(client, ip("192.168.1.11"), Duration::from_millis(50)).await?;
    let error = capture
        .wait_for(|_| false, Duration::from_millis(10))
        .await
        .unwrap_err();
    ensure!(matches!(error, Error::TooLate { .. }));
    ensure!(
        error.to_string().contains("seen were:\n") && error.to_string().contains("who has 192.168.1.11?"),
        "{error}"
    );
    Ok(())
}
