//! A client's datagrams and connections, and what they tell about an outage.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddrV4, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use lab::lan::Lan;
use lab::wire::{Conversation, Echo, Error, PingReport, Pinger, tcp_connect};
use libtest_mimic::Trial;

use crate::ground::{Outcome, ip, net, small_lan, trials};

const BOUND: Duration = Duration::from_secs(10);

pub(crate) fn trials() -> Vec<Trial> {
    trials![clients:
        a_known_outage_is_measured,
        a_blip_costs_no_more_than_it_lasts,
        the_nodes_before_and_after_are_told,
        an_outage_without_end_counts,
        answers_given_twice_are_counted_apart,
        without_anybody_there_is_no_answer,
        a_report_is_json_with_every_sample,
        a_connection_names_its_node_and_lives,
        a_broken_connection_is_noticed,
        another_answer_than_the_line_is_told,
        nobody_and_refusal_are_told_apart,
        an_echo_may_come_before_its_address,
        an_echo_ends_when_dropped,
    ]
}

fn service() -> SocketAddrV4 {
    SocketAddrV4::new(ip("192.168.1.200"), 5432)
}

/// Makes a node's kernel answer for the Service's address, as only a test does.
async fn hold(lan: &Lan, node: &str) -> anyhow::Result<Echo> {
    lan.add_address(node, net("192.168.1.200/32"), "eth0").await?;
    Ok(Echo::start(lan.host(node)?, service()).await?)
}

/// Cuts a node off for a while; gives the pinger's report, and the shortest and longest outage that our clock allows.
async fn outage(lan: &Lan) -> anyhow::Result<(PingReport, Duration, Duration)> {
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|answer| answer.sequence > 50, BOUND).await?;
    let cutting = Instant::now();
    lan.cut("node1").await?;
    let cut = Instant::now();
    tokio::time::sleep(Duration::from_millis(120)).await;
    let mending = Instant::now();
    lan.mend("node1").await?;
    let mended = Instant::now();
    pinger
        .wait_for(|answer| answer.at > mended + Duration::from_millis(50), BOUND)
        .await?;
    Ok((pinger.stop()?, mending - cut, mended - cutting))
}

async fn a_known_outage_is_measured() -> Outcome {
    let lan = small_lan().await?;
    let _echo = hold(&lan, "node1").await?;
    // The cut is exact, but either side may be kept waiting by the machine's other work, so that one run proves
    // nothing; the pinger tells its own lateness, the echo's is not known.
    let mut closest = Duration::MAX;
    for _ in 0..5 {
        let (report, shortest, longest) = outage(&lan).await?;
        let silence = report.silence.length();
        eprintln!(
            "cut for {shortest:?} to {longest:?}, silence {silence:?}, lateness {:?}",
            report.lateness
        );
        ensure!(
            silence + report.lateness + Duration::from_millis(2) >= shortest,
            "{silence:?}: it cannot be shorter"
        );
        ensure!(
            report.silence.before.as_deref() == Some("node1")
                && report.silence.after.as_deref() == Some("node1")
        );
        ensure!(report.lost() > 0 && report.repeated == 0);
        closest = closest.min(silence.saturating_sub(longest + report.lateness));
    }
    ensure!(
        closest <= Duration::from_millis(5),
        "{closest:?} too long at best"
    );
    Ok(())
}

/// How many of twenty blips cost the client half a second or more.
async fn a_blip_costs_no_more_than_it_lasts() -> Outcome {
    let lan = small_lan().await?;
    let _echo = hold(&lan, "node1").await?;
    let mut costly = Vec::new();
    for _ in 0..20 {
        let pinger = Pinger::start(lan.host("client")?, service())?;
        pinger.wait_for(|answer| answer.sequence > 10, BOUND).await?;
        lan.cut("node1").await?;
        lan.mend("node1").await?;
        let mended = Instant::now();
        pinger
            .wait_for(|answer| answer.at > mended + Duration::from_millis(10), BOUND)
            .await?;
        let silence = pinger.stop()?.silence.length();
        if silence >= Duration::from_millis(500) {
            costly.push(silence);
        }
    }
    ensure!(costly.is_empty(), "{costly:?}");
    Ok(())
}

async fn the_nodes_before_and_after_are_told() -> Outcome {
    let lan = small_lan().await?;
    let _first = hold(&lan, "node1").await?;
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|answer| &*answer.node == "node1", BOUND).await?;
    lan.cut("node1").await?;
    let _second = hold(&lan, "node2").await?;
    // What a takeover's announcement does, done to the client's kernel.
    lan.host("client")?.flush_neighbor(ip("192.168.1.200")).await?;
    pinger.wait_for(|answer| &*answer.node == "node2", BOUND).await?;
    let report = pinger.stop()?;
    ensure!(report.nodes == ["node1", "node2"]);
    ensure!(
        report.silence.before.as_deref() == Some("node1") && report.silence.after.as_deref() == Some("node2")
    );
    Ok(())
}

async fn an_outage_without_end_counts() -> Outcome {
    let lan = small_lan().await?;
    let _echo = hold(&lan, "node1").await?;
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|_| true, BOUND).await?;
    lan.cut("node1").await?;
    let cut = Instant::now();
    let late = pinger
        .wait_for(
            |answer| answer.at > cut + Duration::from_millis(50),
            Duration::from_millis(200),
        )
        .await;
    let error = late.unwrap_err().to_string();
    ensure!(error.contains("ago from node1"), "{error}");
    let report = pinger.stop()?;
    ensure!(report.silence.after.is_none() && report.silence.end == report.ran);
    ensure!(
        report.silence.length() >= Duration::from_millis(150),
        "{:?}",
        report.silence
    );
    Ok(())
}

async fn answers_given_twice_are_counted_apart() -> Outcome {
    let lan = small_lan().await?;
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    let socket = lan.host("node1")?.run(|| UdpSocket::bind(service()))??;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let twice = std::thread::spawn(move || {
        let mut buffer = [0; 64];
        // Until nothing more comes.
        let mut begun = false;
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    begun = true;
                    let answer = [&buffer[..length], b"node1"].concat();
                    let strays: [&[u8]; 4] = [b"ping", b"", b"pong\0\0\0\0\0\0\0\0node9", &[0xff; 70]];
                    for answer in strays.into_iter().chain([&*answer, &*answer]) {
                        let _ = socket.send_to(answer, from);
                    }
                }
                Err(_) if begun => return,
                Err(_) => {}
            }
        }
    });
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|answer| answer.sequence > 20, BOUND).await?;
    let report = pinger.stop()?;
    ensure!(report.nodes == ["node1"], "{:?}", report.nodes);
    ensure!(
        report.answered <= report.sent && report.repeated > 10,
        "{} {}",
        report.answered,
        report.repeated
    );
    twice.join().unwrap();
    Ok(())
}

async fn without_anybody_there_is_no_answer() -> Outcome {
    let lan = small_lan().await?;
    let pinger = Pinger::start(lan.host("client")?, service())?;
    let error = pinger
        .wait_for(|_| true, Duration::from_millis(100))
        .await
        .unwrap_err();
    ensure!(error.to_string().contains("none at all"), "{error}");
    lan.cut("client").await?;
    let report = pinger.stop()?;
    ensure!(
        report.answered == 0 && report.sent > 10 && report.lost() == report.sent,
        "{} sent",
        report.sent
    );
    ensure!(report.silence.begin.is_zero() && report.silence.end == report.ran);
    Ok(())
}

async fn a_report_is_json_with_every_sample() -> Outcome {
    let lan = small_lan().await?;
    let _echo = hold(&lan, "node1").await?;
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|answer| answer.sequence > 20, BOUND).await?;
    let report = pinger.stop()?;
    let json = serde_json::to_value(&report)?;
    ensure!(json["target"] == "192.168.1.200:5432" && json["nodes"] == serde_json::json!(["node1"]));
    ensure!(json["sent"].as_u64() == Some(report.sent) && json["lateness_us"].as_u64() >= Some(1_000));
    let samples = json["samples"].as_array().context("samples")?;
    ensure!(samples.len() as u64 == report.sent);
    let answered = samples
        .iter()
        .filter(|sample| sample["answered_us"].as_u64() >= sample["sent_us"].as_u64())
        .count();
    ensure!(answered as u64 == report.answered);
    ensure!(json["silence"]["end_us"].as_u64() > json["silence"]["begin_us"].as_u64());
    Ok(())
}

async fn a_connection_names_its_node_and_lives() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let _echo = hold(&lan, "node1").await?;
    ensure!(tcp_connect(client, service(), BOUND).await? == "node1");
    let mut conversation = Conversation::open(client, service(), BOUND).await?;
    ensure!(conversation.node() == "node1");
    for line in ["one", "two", ""] {
        conversation.say(line, BOUND).await?;
    }
    // A short cut is made good by TCP.
    lan.cut("node1").await?;
    lan.mend("node1").await?;
    conversation.say("still there?", BOUND).await?;
    Ok(())
}

async fn a_broken_connection_is_noticed() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let first = hold(&lan, "node1").await?;
    let mut conversation = Conversation::open(client, service(), BOUND).await?;
    lan.cut("node1").await?;
    let error = conversation
        .say("anybody?", Duration::from_millis(100))
        .await
        .unwrap_err();
    ensure!(matches!(error, Error::TooLate { .. }), "{error}");
    lan.mend("node1").await?;
    drop(first);
    let error = conversation.say("anybody?", BOUND).await.unwrap_err();
    ensure!(
        matches!(error, Error::System { .. } | Error::Unexpected { .. }),
        "{error}"
    );
    Ok(())
}

async fn another_answer_than_the_line_is_told() -> Outcome {
    let lan = small_lan().await?;
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    let listener = lan.host("node1")?.run(|| TcpListener::bind(service()))??;
    let liar = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"node1\n").unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        stream.write_all(b"world\n").unwrap();
    });
    let mut conversation = Conversation::open(lan.host("client")?, service(), BOUND).await?;
    let error = conversation.say("hello", BOUND).await.unwrap_err();
    ensure!(
        error.to_string().contains("sent \"world\" back for \"hello\""),
        "{error}"
    );
    liar.join().unwrap();
    Ok(())
}

async fn nobody_and_refusal_are_told_apart() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    let nobody = tcp_connect(client, service(), Duration::from_millis(200))
        .await
        .unwrap_err();
    ensure!(matches!(nobody, Error::TooLate { .. }), "{nobody}");
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    client.flush_neighbor(ip("192.168.1.200")).await?;
    let refused = tcp_connect(client, service(), BOUND).await.unwrap_err();
    let Error::System { source, .. } = &refused else {
        anyhow::bail!("{refused}")
    };
    ensure!(source.kind() == std::io::ErrorKind::ConnectionRefused, "{source}");
    Ok(())
}

async fn an_echo_may_come_before_its_address() -> Outcome {
    let lan = small_lan().await?;
    let _echo = Echo::start(lan.host("node1")?, service()).await?;
    lan.add_address("node1", net("192.168.1.200/32"), "eth0").await?;
    ensure!(tcp_connect(lan.host("client")?, service(), BOUND).await? == "node1");
    let pinger = Pinger::start(lan.host("client")?, service())?;
    pinger.wait_for(|answer| &*answer.node == "node1", BOUND).await?;
    Ok(())
}

async fn an_echo_ends_when_dropped() -> Outcome {
    let lan = small_lan().await?;
    let client = lan.host("client")?;
    for _ in 0..3 {
        let echo = hold(&lan, "node1").await?;
        ensure!(echo.address() == service().into());
        ensure!(tcp_connect(client, service(), BOUND).await? == "node1");
        let error = Echo::start(lan.host("node1")?, service()).await.unwrap_err();
        ensure!(
            error.to_string() == "node1: cannot listen on 192.168.1.200:5432",
            "{error}"
        );
        drop(echo);
    }
    Ok(())
}
