//! What runs in the lab's own Pods, in an image of nothing but itself: `pause` holds a Pod's namespaces open, `echo` answers
//! datagrams and connections with the name of its node, as the lab's `wire::Echo` does on a host.
//!
//! The standard library alone: it is compiled by `rustc` in a second, linked statically.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

/// What a datagram of the lab's pinger is: four letters and a number of eight bytes.
const MAGIC: &[u8] = b"ping";
const HEADER: usize = 12;

fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("echo") => echo(),
        _ => loop {
            thread::sleep(Duration::from_secs(3_600));
        },
    }
}

fn echo() -> std::io::Result<()> {
    let name = std::env::var("NODE_NAME").unwrap_or_default();
    let port = std::env::var("PORT").unwrap_or_default();
    let address = format!("0.0.0.0:{port}");
    let datagrams = UdpSocket::bind(&address)?;
    let connections = TcpListener::bind(&address)?;
    let of_connections = name.clone();
    thread::spawn(move || {
        for stream in connections.incoming().flatten() {
            let name = of_connections.clone();
            // A client that is gone is no failure of the Pod's.
            thread::spawn(move || drop(converse(stream, &name)));
        }
    });
    let mut buffer = [0; 128];
    loop {
        let Ok((HEADER, from)) = datagrams.recv_from(&mut buffer) else {
            continue;
        };
        if buffer.starts_with(MAGIC) {
            let answer = [&buffer[..HEADER], name.as_bytes()].concat();
            // A network that does not take it is what the client measures.
            let _ = datagrams.send_to(&answer, from);
        }
    }
}

fn converse(mut stream: TcpStream, name: &str) -> std::io::Result<()> {
    stream.write_all(format!("{name}\n").as_bytes())?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        stream.write_all(line.as_bytes())?;
        line.clear();
    }
    Ok(())
}
