//! Each kind of failure, made to happen, and the sentence that a person reads: what it is, and what to do.

use routeros::menu::Lease;
use routeros_sim::{Certificate, FailingWrites, Menu};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::front::plain;
use super::*;

/// Something on a port that is no simulator: gives each connection to `serve`.
async fn stranger<F, R>(serve: F) -> (String, JoinSet<()>)
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream));
        }
    });
    (address, tasks)
}

/// A web server that answers by the request's first line.
async fn web(answer: impl Fn(&str) -> (u16, String) + Clone + Send + 'static) -> (String, JoinSet<()>) {
    stranger(move |mut stream| {
        let answer = answer.clone();
        async move {
            let mut head = Vec::new();
            while let Ok(byte) = stream.read_u8().await {
                head.push(byte);
                if head.ends_with(b"\r\n\r\n") {
                    let head = String::from_utf8(std::mem::take(&mut head)).unwrap();
                    let (status, body) = answer(head.lines().next().unwrap());
                    let length = body.len();
                    let text = format!("HTTP/1.1 {status} Reason\r\nContent-Length: {length}\r\n\r\n{body}");
                    stream.write_all(text.as_bytes()).await.unwrap();
                }
            }
        }
    })
    .await
}

async fn of(client: &Client) -> String {
    client.reading().await.unwrap_err().to_string()
}

/// A client of whatever is at `url`, patient or not.
fn of_url(url: String, trust: Trust) -> Client {
    let timeouts = Timeouts {
        connect: Duration::from_millis(300),
        read: Duration::from_secs(1),
        ..timeouts()
    };
    Client::new(Endpoint {
        url,
        trust,
        server_name: None,
        credentials: Credentials::new("tiklb", PASSWORD),
        allow_plain_http: true,
        timeouts,
    })
    .unwrap()
}

fn no_trust() -> Trust {
    Trust::new(None, vec![]).unwrap()
}

/// The address in an URL.
fn address(url: &str) -> &str {
    url.split_once("://").unwrap().1
}

#[tokio::test]
async fn a_wrong_password() {
    let router = start(Config::default()).await;
    let client = client(&router);
    client.set_credentials(Credentials::new("tiklb", "wrong"));
    let expected = "the router refuses the user name or password: check both in the Secret that credentialsSecretRef \
                    names, that the user's group has the policy rest-api, and that the user's address list allows \
                    this host";
    assert_eq!(of(&client).await, expected);
    assert_eq!(of(&client).await, expected, "the same while nothing is sent");
}

#[tokio::test]
async fn a_missing_policy() {
    let config = Config::default().change(Menu::UserGroup, "tiklb", "policy", "read,api,rest-api");
    let router = start(config).await;
    let client = client(&router);
    let outcome = client.add::<Lease>(&new_lease()).await.unwrap();
    assert_eq!(
        outcome.to_string(),
        "not applied: the router's user lacks the policy write: add it to the user's group (read,write,api,rest-api \
         are needed)"
    );
}

#[tokio::test]
async fn a_service_that_is_switched_off() {
    let router = start(Config::default()).await;
    router.faults().unreachable(true);
    assert_eq!(
        of(&client(&router)).await,
        format!(
            "no connection to {} (Connection refused (os error 111)): enable www-ssl with a certificate in the \
             router's /ip/service, and check the port",
            address(&router.url())
        )
    );
}

#[tokio::test]
async fn an_address_list_without_this_host() {
    let told = |address: &str, service: &str, why: &str| {
        format!(
            "no connection to {address} ({why}): add the addresses that this host's requests come from to address= \
             of {service} in the router's /ip/service"
        )
    };
    // The service's list: a connection that is closed without a word.
    let (closing, _tasks) = stranger(|stream| async move { drop(stream) }).await;
    let found = of(&of_url(format!("https://{closing}"), no_trust())).await;
    assert!(
        ["tls handshake eof", "Connection reset by peer (os error 104)"]
            .iter()
            .any(|why| found == told(&closing, "www-ssl", why)),
        "{found}"
    );
    let found = of(&of_url(format!("http://{closing}"), no_trust())).await;
    let expected = told(&closing, "www", "");
    assert_eq!(found.split("): ").nth(1), expected.split("): ").nth(1), "{found}");

    // The user's list, or a proxy's: an answer.
    let (forbidding, _tasks) = web(|_| (403, String::new())).await;
    assert_eq!(
        of(&of_url(format!("http://{forbidding}"), no_trust())).await,
        "the router does not let this host in (403): add the addresses that the requests come from to address= of \
         the router's user and, in /ip/service, of www-ssl"
    );
}

#[tokio::test]
async fn a_service_without_a_certificate() {
    // A fatal handshake_failure (RFC 8446 section 6), as a TLS server sends that has no certificate to present.
    let (bare, _tasks) = stranger(|mut stream| async move {
        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert_eq!(
        of(&of_url(format!("https://{bare}"), no_trust())).await,
        format!(
            "no connection to {bare} (received fatal alert: HandshakeFailure): give www-ssl a certificate in the \
             router's /ip/service, one with a private key"
        )
    );
}

#[tokio::test]
async fn nothing_there_at_all() {
    // Accepted by the kernel and never answered: what a firewall that drops looks like to a TLS client.
    let (silent, _tasks) = stranger(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let found = of(&of_url(format!("https://{silent}"), no_trust())).await;
    assert!(
        found.ends_with(
            "check the address and the port, that the router is on, and that no firewall between it and this host, \
             nor its own, drops the connection"
        ),
        "{found}"
    );
    // A label of 64 characters has no address, and no name server is asked for it (RFC 1035 section 2.3.4).
    let name = "x".repeat(64);
    let found = of(&of_url(format!("http://{name}.invalid"), no_trust())).await;
    assert!(
        found.ends_with("check the name in url; an address of the router does as well"),
        "{found}"
    );
}

#[tokio::test]
async fn an_untrusted_certificate() {
    let router = start(Config::default()).await;
    router.faults().certificate(Certificate::OtherCa).unwrap();
    let pin = routeros::client::SpkiPin::of(&router.public_key_der().unwrap());
    assert_eq!(
        of(&client(&router)).await,
        format!(
            "the router's certificate is not trusted: the CA in tls.caSecretRef did not sign it; put the one that did \
             there, or set tls.pins. Its key's pin is {pin}"
        )
    );
}

#[tokio::test]
async fn routeros_6_has_no_rest() {
    let (old, _tasks) = web(|line| match line {
        "GET / HTTP/1.1" => (200, "<html><h1>RouterOS v6.49.17</h1></html>".to_owned()),
        _ => (404, "<html>Error 404: Not Found</html>".to_owned()),
    })
    .await;
    assert_eq!(
        of(&of_url(format!("http://{old}"), no_trust())).await,
        "the router runs RouterOS 6.49.17, which has no REST service: upgrade it to RouterOS 7.12 or newer \
         (/system/package/update, channel upgrade)"
    );
    let (early, _tasks) = web(|line| match line {
        "GET / HTTP/1.1" => (200, "RouterOS v7.8".to_owned()),
        _ => (404, String::new()),
    })
    .await;
    assert_eq!(
        of(&of_url(format!("http://{early}"), no_trust())).await,
        "the router runs RouterOS 7.8; 7.12 or newer is needed: update it"
    );
}

#[tokio::test]
async fn rest_switched_off() {
    let mut config = Config {
        version: "7.23.7 (long-term)".parse().unwrap(),
        ..Config::default()
    };
    config.switches.rest_off = true;
    let router = start(config).await;
    assert_eq!(
        of(&client(&router)).await,
        format!(
            "{} answers, but not with RouterOS's REST service (status 404 without a JSON body): check the port, that \
             the router runs RouterOS 7.12 or newer, and that /ip/service/webserver (7.21 and newer) has REST \
             switched on",
            address(&router.url())
        )
    );
    let (shown, _tasks) = web(|line| match line {
        "GET / HTTP/1.1" => (200, "<h1>RouterOS v7.23.7</h1>".to_owned()),
        _ => (404, "<html>".to_owned()),
    })
    .await;
    let found = of(&of_url(format!("http://{shown}"), no_trust())).await;
    assert!(
        found.contains("(status 404 without a JSON body; its front page says RouterOS 7.23.7)"),
        "{found}"
    );
}

#[tokio::test]
async fn too_old_a_version() {
    let router = start(Config {
        version: "7.11.2 (stable)".parse().unwrap(),
        ..Config::default()
    })
    .await;
    assert_eq!(
        of(&client(&router)).await,
        "the router runs RouterOS 7.11.2 (stable); 7.12 or newer is needed: update it"
    );
}

#[tokio::test]
async fn a_busy_router() {
    let router = start(Config::default()).await;
    router.faults().fail_writes(FailingWrites::before_applying());
    let outcome = client(&router).add::<Lease>(&new_lease()).await.unwrap();
    let told = outcome.to_string();
    assert!(
        told.starts_with("not applied: the router is busy or restarting (500 ")
            && told.ends_with("): wait a minute; if it stays so, look at /system/resource and /log"),
        "{told}"
    );

    let router = plain().await;
    router.faults().delay(Duration::from_secs(5));
    assert_eq!(
        of(&of_url(router.url(), no_trust())).await,
        "system/resource gave no answer within 1s: check the router's load and the network to it"
    );
}

#[tokio::test]
async fn a_router_that_restarts() {
    let router = start(Config::default()).await;
    let client = client(&router);
    client.reading().await.unwrap();
    router.faults().unreachable(true);
    // The first to notice may be a request on the connection that was cut.
    let _ = client.reading().await;
    let found = of(&client).await;
    let address = address(&router.url()).to_owned();
    let (before, after) = found.split_once(" ago: ").unwrap();
    assert!(
        before.starts_with(&format!(
            "no connection to {address} (Connection refused (os error 111)), which answered "
        )),
        "{found}"
    );
    assert_eq!(
        after,
        "if it restarts, wait two minutes; if not, look at its power, at the network to it and at its /ip/service"
    );

    // It answers already, and does not know yet what it is.
    for body in [
        "[]",
        "{}",
        r#"{"version":"","uptime":"3s"}"#,
        r#"{"version":"7.23.7"}"#,
    ] {
        let (booting, _tasks) = web(move |_| (200, body.to_owned())).await;
        let found = of(&of_url(format!("http://{booting}"), no_trust())).await;
        assert_eq!(
            found,
            "the router is restarting (/system/resource names no version and uptime yet): wait a minute; if it stays \
             so, look at its /log and restart it once more",
            "{body}"
        );
    }
}
