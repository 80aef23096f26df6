//! A router that is known by its name, asked from within the image: there is no C library with modules, and no
//! `/etc/nsswitch.conf`. The name server is the test's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use routeros_sim::{Config, PASSWORD, Router};
use tokio::net::UdpSocket;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Outcome;
use super::root::Root;

/// The router's name, as the name server knows it: with the dot of the root.
const NAME: &str = "router.home.arpa.";
/// Where resolvers ask; loopback of the sandbox.
const SERVER: &str = "127.0.0.1:53";
/// There is one such port, and tests run beside each other.
static PORT: Mutex<()> = Mutex::new(());
/// Long enough for a machine that does something else.
const PATIENCE: Duration = Duration::from_mins(2);

/// Answers for the router's name alone, and writes down what it was asked.
async fn serve(socket: UdpSocket, asked: Arc<Mutex<Vec<String>>>) -> Result<()> {
    let mut datagram = [0; 1_500];
    loop {
        let (length, from) = socket.recv_from(&mut datagram).await?;
        let mut message = Message::from_vec(&datagram[..length])?.into_response();
        // What a resolver adds about itself (EDNS) is not repeated to it.
        message.additionals.clear();
        let question = message.queries.first().cloned().context("no question")?;
        let name = question.name().to_string();
        if name != NAME {
            message.metadata.response_code = ResponseCode::NXDomain;
        } else if question.query_type() == RecordType::A {
            let address = RData::A(A(Ipv4Addr::LOCALHOST));
            message.add_answer(Record::from_rdata(question.name().clone(), 60, address));
        }
        asked
            .lock()
            .unwrap()
            .push(format!("{} {name}", question.query_type()));
        socket.send_to(&message.to_vec()?, from).await?;
    }
}

/// Looks at the router by a name, with these lines as `/etc/resolv.conf`; returns also what the name server was asked.
fn enrol(name: &'static str, resolver: Option<&'static str>) -> Result<(Output, Vec<String>)> {
    let _port = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listen: SocketAddr = "127.0.0.1:0".parse()?;
        let router = Router::start(Config::default(), listen, None).await?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let socket = UdpSocket::bind(SERVER).await.context("binding the name server")?;
        let server = tokio::spawn(serve(socket, Arc::clone(&asked)));
        let mut root = Root::new()?;
        // Where its random numbers come from, and where it looks whether there are any yet.
        root.device("random")?;
        root.device("urandom")?;
        if let Some(lines) = resolver {
            root.file("etc/resolv.conf", lines.as_bytes())?;
        }
        root.file("password", PASSWORD.as_bytes())?;
        let ca = router.ca_pem().context("a router with a certificate")?;
        root.file("ca.crt", ca.as_bytes())?;
        let url = format!("https://{name}:{}", router.address().port());
        let looking = spawn_blocking(move || {
            root.run(&[
                "router",
                "enroll",
                &url,
                "--ca-file",
                "/ca.crt",
                "--server-name",
                "127.0.0.1",
                "--username",
                "tiklb",
                "--password-file",
                "/password",
            ])
        });
        let output = timeout(PATIENCE, looking).await???;
        server.abort();
        let asked = asked.lock().unwrap().clone();
        Ok((output, asked))
    })
}

pub(crate) fn a_router_is_reached_by_its_name() -> Outcome {
    let (output, asked) = enrol("router.home.arpa", Some("nameserver 127.0.0.1\n"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{output:?}, asked {asked:?}");
    ensure!(
        said.contains("kind: MikrotikRouter") && said.contains("https://router.home.arpa:"),
        "{said}"
    );
    ensure!(
        asked.iter().any(|line| line == "A router.home.arpa."),
        "{asked:?}"
    );

    let (output, _) = enrol("nobody.home.arpa", Some("nameserver 127.0.0.1\n"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("nobody.home.arpa"),
        "{output:?}"
    );
    Ok(())
}

/// Not a public one either, which some resolvers ask where no server is configured.
pub(crate) fn no_server_is_asked_that_nobody_named() -> Outcome {
    let (output, asked) = enrol("router.home.arpa", None)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "{output:?}");
    ensure!(said.contains("reading /etc/resolv.conf"), "{said}");
    ensure!(asked.is_empty(), "{asked:?}");
    Ok(())
}
