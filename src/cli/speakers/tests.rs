//! Asking speakers that answer, lie, stay silent or are not there.

use std::net::Ipv4Addr;

use tiklb_core::model::{NodeName, ObjectKey, Uid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

fn pod(node: &str, address: IpAddr, ready: bool) -> SpeakerPod {
    SpeakerPod {
        key: ObjectKey::new("metallb-system", node),
        uid: Uid(node.to_owned()),
        node: NodeName::from(node),
        addresses: vec![address],
        ready,
    }
}

/// Listens on an address of the loopback and answers each connection with these bytes; with none, never.
async fn listen(address: Ipv4Addr, port: u16, answer: Option<String>) -> u16 {
    let listener = TcpListener::bind((address, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            if let Some(answer) = &answer {
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
            open.push(stream);
        }
    });
    port
}

fn http(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

#[tokio::test]
async fn each_is_heard_or_said_not_to_be_and_nobody_is_waited_for_long() {
    let host = |last| Ipv4Addr::new(127, 0, 0, last);
    let state = r#"{"detectionMilliseconds": {"node2": 36}, "something": "new"}"#;
    let port = listen(host(1), 0, Some(http("200 OK", state))).await;
    listen(host(2), port, Some(http("404 Not Found", ""))).await;
    listen(host(3), port, Some(http("200 OK", "<html>"))).await;
    listen(host(4), port, None).await;
    listen(
        host(6),
        port,
        Some("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_owned() + &"x".repeat(10)),
    )
    .await;
    let mut pods: Vec<SpeakerPod> = (1..=6)
        .map(|n| pod(&format!("node{n}"), host(n).into(), true))
        .collect();
    // While a speaker is replaced its node has two Pods; the ready one counts.
    pods.push(pod("node1", host(9).into(), false));
    let began = std::time::Instant::now();
    let heard = ask(&pods, port).await;
    assert!(began.elapsed() < 2 * PATIENCE);
    assert_eq!(heard.watchers("node2"), [("node1", Duration::from_millis(36))]);
    let unheard = heard.unheard().unwrap();
    for words in [
        "node2 (127.0.0.2",
        "answered 404 Not Found",
        "is no speaker of this version",
        "node4 (127.0.0.4",
        "did not answer",
        "node5 (127.0.0.5",
        "cannot be reached",
    ] {
        assert!(unheard.contains(words), "no {words} in {unheard}");
    }
    assert!(!unheard.contains("node1"), "{unheard}");
    assert_eq!(heard.speakers.len(), 6);
}
