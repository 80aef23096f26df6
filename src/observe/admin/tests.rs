//! The admin server over loopback, as a probe, a scraper, a person and a nuisance see it.

mod nuisance;
mod routes;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Dispatch;

use super::*;
use crate::observe::metrics::process;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server that runs, and what it shows.
struct House {
    address: SocketAddr,
    readiness: Readiness,
    liveness: Liveness,
    log: Log,
    /// Owns the filter that the log changes.
    _dispatch: Dispatch,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

fn sources() -> (Sources, Dispatch) {
    let (dispatch, log) = crate::observe::log::tests::to_nowhere();
    let mut registry = Registry::default();
    process::register(&mut registry, log.clone());
    let sources = Sources {
        readiness: Readiness::new(),
        liveness: Liveness::new(),
        registry,
        state: Box::new(|| json!({"services": {"default/web": ["192.0.2.1"]}})),
        log,
    };
    (sources, dispatch)
}

fn house() -> House {
    open(sources())
}

fn open((sources, dispatch): (Sources, Dispatch)) -> House {
    let admin = Admin::bind(ANY_PORT).unwrap();
    let (stop, stopped) = oneshot::channel();
    House {
        address: admin.local_address().unwrap(),
        readiness: sources.readiness.clone(),
        liveness: sources.liveness.clone(),
        log: sources.log.clone(),
        _dispatch: dispatch,
        stop,
        served: tokio::spawn(admin.serve(sources, async {
            let _ = stopped.await;
        })),
    }
}

impl House {
    async fn ask(&self, method: Method, path: &str, body: &str) -> (StatusCode, HeaderMap, String) {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (
            head.status,
            head.headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let (status, _, body) = self.ask(Method::GET, path, "").await;
        (status, body)
    }

    /// A connection without a client's manners.
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn say(stream: &TcpStream, text: &str) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        stream.writable().await.unwrap();
        match stream.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The server has closed the connection: there is nothing to be heard then, either.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What comes until `end` stands there, or until the server closes the connection.
async fn hear(stream: &TcpStream, end: &str) -> String {
    let mut heard = Vec::new();
    loop {
        stream.readable().await.unwrap();
        let mut part = [0; 4_096];
        match stream.try_read(&mut part) {
            Ok(0) => break,
            Ok(length) => heard.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
        if !end.is_empty() && String::from_utf8_lossy(&heard).contains(end) {
            break;
        }
    }
    String::from_utf8(heard).unwrap()
}

/// Pods of a cluster with IPv6 alone are probed by it, and everything else asks by IPv4.
#[tokio::test]
async fn on_every_address_it_is_reached_by_either_family() {
    let every = "[::]:0".parse().unwrap();
    let admin = Admin::bind(every).unwrap();
    let port = admin.local_address().unwrap().port();
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    if let Err(error) = listen((Ipv6Addr::LOCALHOST, 0).into()) {
        let demanded = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!demanded, "this machine has no IPv6: {error}");
        eprintln!("not asked by IPv6, which this machine does not have: {error}");
        return;
    }
    // Whatever net.ipv6.bindv6only is here.
    assert!(!socket2::SockRef::from(&admin.listener).only_v6().unwrap());
    TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.unwrap();
    drop(admin);
}

#[test]
fn on_a_host_without_ipv6_every_address_is_of_ipv4() {
    let no_ipv6 = io::Error::from_raw_os_error(nix::libc::EAFNOSUPPORT);
    let taken = io::Error::from_raw_os_error(nix::libc::EADDRINUSE);
    let every = "[::]:7472".parse().unwrap();
    assert_eq!(
        without_ipv6(every, &no_ipv6),
        Some("0.0.0.0:7472".parse().unwrap())
    );
    assert_eq!(without_ipv6(every, &taken), None);
    let one = "[::1]:7472".parse().unwrap();
    assert_eq!(without_ipv6(one, &no_ipv6), None, "a person's word");
}

#[tokio::test]
async fn a_taken_port_is_refused_with_the_flags_name() {
    let admin = Admin::bind(ANY_PORT).unwrap();
    let address = admin.local_address().unwrap();
    let error = Admin::bind(address).unwrap_err();
    assert_eq!(error.address, address);
    assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
    let words = error.to_string();
    assert!(
        words.contains("--admin-listen") && words.contains("TIKLB_ADMIN_LISTEN"),
        "{words}"
    );
    assert!(words.contains(&address.to_string()), "{words}");
}

#[tokio::test]
async fn a_stop_frees_the_port_and_ends_idle_connections() {
    let house = house();
    let idle = house.connect().await;
    say(&idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(hear(&idle, "ok\n").await.starts_with("HTTP/1.1 200 OK\r\n"));
    let silent = house.connect().await;
    house.stop.send(()).unwrap();
    assert_eq!(hear(&idle, "").await, "");
    assert_eq!(hear(&silent, "").await, "");
    house.served.await.unwrap();
    let refused = TcpStream::connect(house.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn what_is_being_answered_at_a_stop_gets_out() {
    let house = house();
    let late = house.connect().await;
    say(
        &late,
        "PUT /log-level HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    )
    .await;
    // The server asks for the body: so it is at this request.
    assert!(hear(&late, "\r\n\r\n").await.starts_with("HTTP/1.1 100 Continue"));
    house.stop.send(()).unwrap();
    say(&late, "debug").await;
    let answer = hear(&late, "").await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("debug\n"),
        "{answer}"
    );
    house.served.await.unwrap();
}
