//! HTTP: what goes over the wire, and every way in which an answer can be wrong.

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::fake::json as answer;
use super::*;
use crate::client::call::Stage;
use crate::menu::{Comment, Interface, Lease, LeaseChange, Pool, Target};

const POOL: &str = r#"{".id":"*1","name":"dhcp_pool","ranges":"192.168.1.100-192.168.1.254"}"#;
const LEASE: &str = r#"{".id":"*1F","address":"192.168.1.200","comment":"tiklb/v1 a b"}"#;
const RESOURCE: &str = r#"{"version":"7.23.7 (long-term)","uptime":"1d"}"#;

async fn always(reply: Reply) -> Fake {
    Fake::http(move |_| reply.clone()).await
}

fn category<T>(result: Result<T, Error>) -> &'static str {
    result.map_or_else(|error| error.category(), |_| "Ok")
}

#[tokio::test]
async fn requests_are_as_routeros_wants_them() {
    let fake = Fake::http(|request| {
        let body = match request.line.split(' ').nth(1).unwrap() {
            "/rest/system/resource" => RESOURCE.to_owned(),
            list if list.contains("proplist") => format!("[{POOL}]"),
            _ if request.line.starts_with("PATCH") => "{}".to_owned(),
            _ if request.number < 3 => LEASE.to_owned(),
            _ => LEASE.replace("tiklb/v1 a b", "tiklb/v1 a c"),
        };
        Reply::Json(200, body)
    })
    .await;
    let client = client(&fake);
    assert_eq!(client.read::<Pool>().await.unwrap().rows[0].name, "dhcp_pool");
    let lease: Lease = client.row("*1F".parse().unwrap()).await.unwrap();
    let change = LeaseChange {
        comment: Some(Comment::new("tiklb/v1 a c").unwrap()),
        ..Default::default()
    };
    // Not as expected: looked at, not written.
    let other = Target::of(&Lease {
        comment: None,
        ..lease
    });
    assert_eq!(
        client.set(&other, &change).await.unwrap().category(),
        "Precondition"
    );
    assert_eq!(
        fake.lines(),
        [
            "GET /rest/ip/pool?.proplist=.id,name,ranges,next-pool,total,used,dynamic,comment HTTP/1.1",
            "GET /rest/ip/dhcp-server/lease/*1F HTTP/1.1",
            "GET /rest/system/resource HTTP/1.1",
            "GET /rest/ip/dhcp-server/lease/*1F HTTP/1.1",
        ]
    );
    let requests = fake.requests();
    assert!(
        requests.iter().all(|request| request.connection == 0),
        "one connection is kept"
    );
    // tiklb:hunter2
    let authorization = "authorization: Basic dGlrbGI6aHVudGVyMg==".to_owned();
    assert!(
        requests
            .iter()
            .all(|request| request.headers.contains(&authorization))
    );
}

#[tokio::test]
async fn a_write_is_one_request_with_text_values() {
    let fake = Fake::http(|request| {
        let patched = request.number > 2;
        Reply::Json(
            200,
            match request.line.split(' ').nth(1).unwrap() {
                "/rest/system/resource" => RESOURCE.to_owned(),
                _ if patched => LEASE.replace("tiklb/v1 a b\"", "tiklb/v1 a c\",\"disabled\":\"true\""),
                _ => LEASE.to_owned(),
            },
        )
    })
    .await;
    let lease: Lease = menu::row(&serde_json::from_str(LEASE).unwrap()).unwrap();
    let comment = Some(Comment::new("tiklb/v1 a c").unwrap());
    let change = LeaseChange {
        comment,
        disabled: Some(true),
        ..Default::default()
    };
    let outcome = client(&fake).set(&Target::of(&lease), &change).await.unwrap();
    assert_eq!(outcome.category(), "Applied");
    let requests = fake.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(requests[2].line, "PATCH /rest/ip/dhcp-server/lease/*1F HTTP/1.1");
    let body: Value = serde_json::from_str(&requests[2].body).unwrap();
    assert_eq!(body, json!({"comment": "tiklb/v1 a c", "disabled": "true"}));
    assert!(
        requests[2]
            .headers
            .contains(&"content-type: application/json".to_owned())
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.iter().any(|header| header.starts_with("expect:")))
    );
}

#[tokio::test]
async fn answers_that_are_none() {
    let web_page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<!doctype html>".to_vec();
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>".to_vec();
    let elsewhere =
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n".to_vec();
    for (reply, expected) in [
        (Reply::Json(200, "[{".into()), "Malformed"),
        (Reply::Json(200, "{}".into()), "Malformed"),
        (Reply::Json(200, String::new()), "Malformed"),
        (Reply::Json(200, "[]".into()), "Ok"),
        (Reply::Json(201, "[]".into()), "Ok"),
        (Reply::Json(204, "[]".into()), "Malformed"),
        (Reply::Raw(web_page), "NoRest"),
        (Reply::Raw(missing), "NoRest"),
        (Reply::Raw(elsewhere), "NoRest"),
        (
            Reply::Json(
                400,
                r#"{"error":400,"message":"Bad Request","detail":"no such command"}"#.into(),
            ),
            "Refused",
        ),
        (
            Reply::Json(401, r#"{"error":401,"message":"Unauthorized"}"#.into()),
            "Unauthorized",
        ),
        (
            Reply::Json(
                500,
                r#"{"error":500,"detail":"not enough permissions (9)"}"#.into(),
            ),
            "PolicyMissing",
        ),
    ] {
        let fake = always(reply).await;
        assert_eq!(category(client(&fake).read::<Interface>().await), expected);
        let requests = fake.requests();
        let (first, further) = requests.split_first().unwrap();
        assert!(first.line.starts_with("GET /rest/interface?"), "{}", first.line);
        // Not repeated, and nobody is followed elsewhere: only the front page is looked at, by nobody in particular.
        let further: Vec<_> = further.iter().map(|request| request.line.as_str()).collect();
        let looked: &[&str] = if expected == "NoRest" {
            &["GET / HTTP/1.1"]
        } else {
            &[]
        };
        assert_eq!(further, looked, "{expected}");
        assert!(requests[1..].iter().all(|request| {
            !request
                .headers
                .iter()
                .any(|header| header.starts_with("authorization"))
        }));
    }
}

#[tokio::test]
async fn a_front_page_that_never_comes_costs_no_verdict() {
    let mut endless = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n".to_vec();
    endless.resize(100_000, b'x');
    for page in [Reply::Never, Reply::Break(vec![]), Reply::Raw(endless)] {
        let fake = Fake::http(move |request| match request.line.as_str() {
            "GET / HTTP/1.1" => page.clone(),
            _ => Reply::Json(404, String::new()),
        })
        .await;
        assert_eq!(category(client(&fake).read::<Interface>().await), "NoRest");
    }
}

#[tokio::test]
async fn answers_that_break_off_are_repeated_on_new_connections() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"name\":".to_vec();
    for (reply, expected) in [
        // Never a word: so does a router treat those whom it does not let in.
        (Reply::Break(vec![]), "Unreachable"),
        (Reply::Break(half), "Busy"),
        (Reply::Json(503, String::new()), "Busy"),
    ] {
        let closes = matches!(reply, Reply::Break(_));
        let fake = always(reply).await;
        assert_eq!(category(client(&fake).read::<Interface>().await), expected);
        let connections: Vec<_> = fake.requests().iter().map(|request| request.connection).collect();
        assert_eq!(connections, if closes { [0, 1, 2] } else { [0, 0, 0] });
    }
    let fake = Fake::http(|request| match request.number {
        0 => Reply::Break(vec![]),
        1 => Reply::Json(500, String::new()),
        _ => Reply::Json(200, "[]".into()),
    })
    .await;
    assert_eq!(category(client(&fake).read::<Interface>().await), "Ok");
}

#[tokio::test]
async fn a_silent_router_is_a_timeout_and_then_a_new_connection() {
    let fake = Fake::http(|request| match request.number {
        0 => Reply::Never,
        _ => Reply::Json(200, "[]".into()),
    })
    .await;
    let timeouts = Timeouts {
        read: Duration::from_millis(500),
        ..quick()
    };
    let client = Client::new(Endpoint {
        timeouts,
        ..endpoint(&fake.url())
    })
    .unwrap();
    assert_eq!(
        category(client.read::<Interface>().await),
        "Ok",
        "the repeat is answered"
    );
    let connections: Vec<_> = fake.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections[..2], [0, 1]);
}

#[tokio::test]
async fn a_lost_answer_to_a_write_is_settled_after_the_pause() {
    let fake = Fake::http(|request| match request.number {
        0 => Reply::Json(200, RESOURCE.to_owned()),
        1 => Reply::Json(200, LEASE.to_owned()),
        2 => Reply::Break(vec![]),
        _ => Reply::Json(404, r#"{"error":404,"message":"Not Found"}"#.into()),
    })
    .await;
    let settle = Duration::from_millis(150);
    let timeouts = Timeouts { settle, ..quick() };
    let client = Client::new(Endpoint {
        timeouts,
        ..endpoint(&fake.url())
    })
    .unwrap();
    let lease: Lease = menu::row(&serde_json::from_str(LEASE).unwrap()).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(
        client.remove(&Target::of(&lease)).await.unwrap(),
        Outcome::Applied(())
    );
    assert!(start.elapsed() >= settle, "it looked after the pause");
    let lines = fake.lines();
    assert_eq!(lines[2], "DELETE /rest/ip/dhcp-server/lease/*1F HTTP/1.1");
    assert_eq!(lines[3], "GET /rest/ip/dhcp-server/lease/*1F HTTP/1.1");
    assert_eq!(lines.len(), 4, "the write was not repeated");
    assert_eq!(fake.requests()[3].connection, 1);
}

#[tokio::test]
async fn an_abandoned_request_runs_to_its_end() {
    let release = Arc::new(Notify::new());
    let waiting = Arc::clone(&release);
    let fake = Fake::http(move |request| match request.number {
        0 => Reply::Wait(Arc::clone(&waiting)),
        _ => Reply::Json(200, "[]".into()),
    })
    .await;
    let client = client(&fake);
    let abandoned = tokio::spawn({
        let client = client.clone();
        async move { client.read::<Pool>().await }
    });
    fake.received(1).await;
    abandoned.abort();
    assert!(abandoned.await.unwrap_err().is_cancelled());
    let patience = Duration::from_millis(20);
    assert!(
        tokio::time::timeout(patience, client.idle()).await.is_err(),
        "it is still in flight"
    );
    let next = tokio::spawn({
        let client = client.clone();
        async move { client.read::<Pool>().await }
    });
    release.notify_one();
    assert_eq!(category(next.await.unwrap()), "Ok");
    client.idle().await;
    let connections: Vec<_> = fake.requests().iter().map(|request| request.connection).collect();
    assert_eq!(
        connections,
        [0, 0],
        "the abandoned request's connection was never broken"
    );
}

#[tokio::test]
async fn a_refused_password_is_sent_once_until_it_is_replaced() {
    let fake = Fake::http(|request| {
        let right = request
            .headers
            .contains(&"authorization: Basic dGlrbGI6cmlnaHQ=".to_owned());
        if right {
            Reply::Json(200, "[]".into())
        } else {
            Reply::Json(401, "{}".into())
        }
    })
    .await;
    let client = client(&fake);
    assert_eq!(category(client.read::<Pool>().await), "Unauthorized");
    assert_eq!(category(client.read::<Pool>().await), "Unauthorized");
    assert_eq!(fake.requests().len(), 1);
    client.set_credentials(Credentials::new("tiklb", "right"));
    assert_eq!(category(client.read::<Pool>().await), "Ok");
}

#[tokio::test]
async fn a_write_without_a_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let write = || Call::remove::<Pool>("*1".parse().unwrap());
    let client = Client::new(endpoint(&format!("http://{address}"))).unwrap();
    assert_eq!(client.call(write()).await.unwrap_err().stage, Stage::Unsent);

    let fake = always(Reply::Break(vec![])).await;
    let failure = super::client(&fake).call(write()).await.unwrap_err();
    assert_eq!(
        failure.stage,
        Stage::Interrupted,
        "once connected it may have been seen"
    );
}

#[tokio::test]
async fn nobody_there_names_what_to_check() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    for (scheme, service) in [("http", "www"), ("https", "www-ssl with a certificate")] {
        let client = Client::new(endpoint(&format!("{scheme}://{address}"))).unwrap();
        let error = client.read::<Pool>().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "no connection to {address} (Connection refused (os error 111)): enable {service} in the router's \
                 /ip/service, and check the port"
            )
        );
        assert_eq!(error.category(), "Unreachable");
    }
}

#[tokio::test]
async fn foreign_bytes_do_not_cost_the_list() {
    let body =
        b"[{\".id\":\"*1\",\"address\":\"192.168.1.9\",\"comment\":\"k\xfcche\x01\"},{\".id\":\"*2\"}]";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    let fake = always(Reply::Raw([head.as_slice(), body].concat())).await;
    let listing = client(&fake).read::<Lease>().await.unwrap();
    assert_eq!(listing.rows[0].comment.as_deref(), Some("küche\u{1}"));
    assert_eq!(listing.rows.len(), 2);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let rows = format!("[{}]", vec![POOL; 260_000].join(","));
    let fake = always(Reply::Raw(answer(200, &rows))).await;
    let error = client(&fake).read::<Pool>().await.unwrap_err();
    assert_eq!(
        error,
        Error::Malformed {
            menu: "ip/pool",
            why: "it has more than 16777216 bytes".into()
        }
    );
}

#[test]
fn an_url_is_checked_before_it_is_used() {
    for (url, expected) in [
        (
            "http://192.168.1.1",
            "url is http, where anybody on the way reads the password: use https, or set allowPlainHttp: true",
        ),
        (
            "https://tiklb:hunter2@192.168.1.1",
            "url holds a user name or password: put them into the Secret of credentialsSecretRef",
        ),
        (
            "https://192.168.1.1/rest",
            "url should end after the host and port",
        ),
        ("https://192.168.1.1/?x", "url should end after the host and port"),
        ("ftp://192.168.1.1", "url should start with https://"),
        ("192.168.1.1", "url is not one: relative URL without a base"),
        ("", "url is not one: relative URL without a base"),
    ] {
        let error = Client::new(Endpoint {
            allow_plain_http: false,
            ..endpoint(url)
        })
        .unwrap_err();
        assert_eq!(error, Error::Configuration(expected.into()));
    }
    let odd = Endpoint {
        server_name: Some("not a name".into()),
        ..endpoint("https://192.168.1.1")
    };
    let why = "tls.serverName `not a name` is neither a name nor an address";
    assert_eq!(Client::new(odd).unwrap_err(), Error::Configuration(why.into()));
}

#[tokio::test]
async fn secrets_are_never_shown() {
    let endpoint = endpoint("https://192.168.1.1");
    let client = Client::new(endpoint.clone()).unwrap();
    for shown in [
        format!("{endpoint:?}"),
        format!("{endpoint:#?}"),
        format!("{client:?}"),
    ] {
        assert!(!shown.contains("hunter2") && !shown.contains("tiklb"), "{shown}");
    }
    // A router that throws the password back.
    for status in [200, 400, 401, 500] {
        let fake = Fake::http(move |request| Reply::Json(status, request.headers.join(","))).await;
        let error = super::client(&fake).read::<Pool>().await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("dGlrbGI6"), "{error:?}");
    }
}
