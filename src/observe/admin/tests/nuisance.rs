//! Clients that are slow, many or malformed keep nobody else out, and do not stay.
//!
//! Where time is paused it runs on to the next timer as soon as every task waits: a timeout of a minute takes no time,
//! and one that does not come never ends the test.

use tokio::time::{Instant, advance, pause, resume};

use super::*;

const LIVE: &str = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn the_oldest_connection_makes_room() {
    let house = house();
    let mut crowd = Vec::new();
    for _ in 0..CONNECTIONS {
        let each = house.connect().await;
        say(&each, LIVE).await;
        assert!(hear(&each, "ok\n").await.starts_with("HTTP/1.1 200 OK"));
        crowd.push(each);
    }
    let probe = house.connect().await;
    say(&probe, LIVE).await;
    assert!(hear(&probe, "ok\n").await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(hear(&crowd[0], "").await, "");
    // The others were left alone.
    for each in &crowd[1..] {
        say(each, LIVE).await;
        assert!(hear(each, "ok\n").await.starts_with("HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn whoever_has_left_needs_no_room() {
    let house = house();
    let first = house.connect().await;
    say(&first, LIVE).await;
    hear(&first, "ok\n").await;
    for _ in 0..3 * CONNECTIONS {
        let each = house.connect().await;
        say(
            &each,
            "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(hear(&each, "").await.ends_with("ok\n"));
    }
    say(&first, LIVE).await;
    assert!(hear(&first, "ok\n").await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let house = house();
    let slow = house.connect().await;
    say(&slow, "GET /livez HTTP/1.1\r\nHost:").await;
    let silent = house.connect().await;
    let start = Instant::now();
    assert_eq!(hear(&slow, "").await, "");
    assert_eq!(hear(&silent, "").await, "");
    assert!(start.elapsed() < LIFETIME, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let house = house();
    let slow = house.connect().await;
    let head = "PUT /log-level HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    say(&slow, head).await;
    assert!(hear(&slow, "\r\n\r\n").await.starts_with("HTTP/1.1 100 Continue"));
    say(&slow, "deb").await;
    pause();
    let answer = hear(&slow, "").await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout"), "{answer}");
    assert_eq!(house.log.level(), "info");
}

#[tokio::test]
async fn no_connection_lives_for_ever() {
    let house = house();
    let busy = house.connect().await;
    let mut answers = 0;
    // One request a second keeps the timeout for heads from ever running out.
    loop {
        say(&busy, LIVE).await;
        if hear(&busy, "ok\n").await.is_empty() {
            break;
        }
        answers += 1;
        pause();
        advance(Duration::from_secs(1)).await;
        resume();
        assert!(answers < 1_000);
    }
}

#[tokio::test]
async fn a_reader_that_stands_still_does_not_hold_up_a_stop() {
    let (mut sources, dispatch) = sources();
    let long = "x".repeat(32 << 20);
    sources.state = Box::new(move || json!(long));
    let house = open((sources, dispatch));
    let (status, body) = house.get("/debug/state").await;
    assert_eq!((status, body.len()), (StatusCode::OK, (32 << 20) + 3));
    let stuck = house.connect().await;
    say(&stuck, "GET /debug/state HTTP/1.1\r\nHost: x\r\n\r\n").await;
    // Something comes: the answer is on its way, and is longer than all buffers.
    hear(&stuck, "HTTP/1.1 200 OK").await;
    house.stop.send(()).unwrap();
    pause();
    house.served.await.unwrap();
    assert!(hear(&stuck, "").await.len() < 32 << 20);
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let house = house();
    let long = house.connect().await;
    let head = format!(
        "GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    // The server may close before all of it was sent.
    long.writable().await.unwrap();
    let _ = long.try_write(head.as_bytes());
    let answer = hear(&long, "").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );
    let many = house.connect().await;
    say(
        &many,
        &format!("GET /livez HTTP/1.1\r\n{}\r\n", "X-Y: z\r\n".repeat(HEADERS + 1)),
    )
    .await;
    let answer = hear(&many, "").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(house.get("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let house = house();
    for noise in [
        "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        "HELO x\r\n\r\n",
        "GET\r\n\r\n",
    ] {
        let stranger = house.connect().await;
        say(&stranger, noise).await;
        let answer = hear(&stranger, "").await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{noise:?}: {answer}");
    }
    assert_eq!(house.get("/livez").await.0, StatusCode::OK);
}
