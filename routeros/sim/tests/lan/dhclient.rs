//! Debian's DHCP client (ISC dhclient) on a host of the LAN: what a client that nobody here wrote does with the answers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use routeros_sim::{Config, Lease, Menu, Renewal, Router};
use tempfile::TempDir;

use crate::host::{Host, INTERFACE};
use crate::segment::{BRIDGE, Segment, lan, row, shown, until, until_row, with};

/// How long a lease lasts here. The client renews after about half of it, by its own clock.
const LEASE_TIME: &str = "12s";
/// The client asks at once and often; its defaults are made for patient people.
const CONFIG: &str = "send host-name \"debian\";\nrequest subnet-mask, routers, domain-name-servers;\n\
                      initial-interval 1;\nbackoff-cutoff 2;\nretry 1;\nreboot 3;\ntimeout 20;\n";

/// Where the program is, or why it cannot be used. `/usr/sbin` is on no `PATH` of a plain user.
pub(crate) fn program() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join("dhclient"))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            "dhclient is missing: install it (on Debian, as root: apt-get install isc-dhcp-client)".into()
        })
}

/// A running client, and the folder with everything that it reads and writes.
struct Dhclient {
    child: Child,
    folder: TempDir,
}

impl Drop for Dhclient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dhclient {
    /// Starts the client. `lease` is an address that it believes to have.
    async fn start(host: &Host, lease: Option<Ipv4Addr>) -> Self {
        let folder = TempDir::new().unwrap();
        // A copy, because AppArmor confines the installed one to its own files.
        std::fs::copy(program().unwrap(), folder.path().join("dhclient")).unwrap();
        std::fs::write(folder.path().join("conf"), CONFIG).unwrap();
        let held = lease.map_or_else(String::new, |address| {
            format!(
                "lease {{\n  interface \"{INTERFACE}\";\n  fixed-address {address};\n  \
                 option subnet-mask 255.255.255.0;\n  renew never;\n  rebind never;\n  expire never;\n}}\n"
            )
        });
        std::fs::write(folder.path().join("leases"), held).unwrap();
        let script = format!(
            "#!/bin/sh\necho \"$reason ${{new_ip_address:-$old_ip_address}}\" >>{}\n",
            folder.path().join("events").display()
        );
        let mut file = std::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o755)
            .open(folder.path().join("script"))
            .unwrap();
        file.write_all(script.as_bytes()).unwrap();
        drop(file);
        let command = command(folder.path(), &["-d"]);
        let child = host.run(move || spawn(command)).await;
        Self { child, folder }
    }

    /// What the client told its script so far: why, and which address.
    fn events(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        let pair = |line: &str| {
            line.split_once(' ')
                .map(|(why, what)| (why.to_owned(), what.to_owned()))
        };
        text.lines().filter_map(pair).collect()
    }

    /// Waits for an event after the first `seen` ones, and gives its address and how many there were until then.
    async fn event(&self, reasons: &[&str], seen: usize) -> (Ipv4Addr, usize) {
        let at = || {
            self.events()
                .iter()
                .skip(seen)
                .position(|(why, _)| reasons.contains(&why.as_str()))
        };
        until(&format!("dhclient says one of {reasons:?}"), || at().is_some()).await;
        let at = seen + at().unwrap();
        (self.events()[at].1.parse().unwrap(), at + 1)
    }

    /// Gives the lease back as `dhclient -r` does.
    async fn release(&self, host: &Host) {
        let command = command(self.folder.path(), &["-r"]);
        let mut child = host.run(move || spawn(command)).await;
        until("dhclient -r has ended", || child.try_wait().unwrap().is_some()).await;
    }
}

fn command(folder: &Path, mode: &[&str]) -> Command {
    let mut command = Command::new(folder.join("dhclient"));
    command.args(["-4", "-q"]).args(mode);
    for (flag, file) in [
        ("-cf", "conf"),
        ("-lf", "leases"),
        ("-pf", "pid"),
        ("-sf", "script"),
    ] {
        command.arg(flag).arg(folder.join(file));
    }
    command
        .arg(INTERFACE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn spawn(mut command: Command) -> Child {
    let program = PathBuf::from(command.get_program());
    assert!(program.metadata().unwrap().permissions().mode() & 0o100 != 0);
    command.spawn().unwrap()
}

async fn router(segment: &Segment) -> Router {
    segment
        .router(Config::default().change(Menu::DhcpServer, "defconf", "lease-time", LEASE_TIME))
        .await
}

/// Takes the addresses from .200 on out of the pool, as a client of the API would.
fn shrink(router: &Router) {
    let ranges = [("ranges", "192.168.1.100-192.168.1.199")];
    router
        .person()
        .set(Menu::Pool, ("name", "dhcp_pool"), ranges)
        .unwrap();
}

pub(crate) fn whole_life() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = router(&segment).await;
        let client = Dhclient::start(&host, None).await;
        let (address, seen) = client.event(&["BOUND"], 0).await;
        assert_eq!(address, lan(254));
        let mac = shown(host.mac().await);
        let bound = [
            ("status", Some("bound")),
            ("mac-address", Some(mac.as_str())),
            ("host-name", Some("debian")),
            ("active-address", Some("192.168.1.254")),
        ];
        until_row(&router, Menu::Lease, address, &bound).await;
        host.address(address).await;
        assert_eq!(
            client.event(&["RENEW"], seen).await.0,
            address,
            "it renews by itself"
        );
        client.release(&host).await;
        until("the row is gone", || router.rows(Menu::Lease).is_empty()).await;
        router.stop();
    });
}

fn renewal(renewal: Renewal, judge: impl AsyncFnOnce(&Dhclient, &Router, usize, Instant)) {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = router(&segment).await;
        router.switch(|switches| switches.renewal_outside_pool = renewal);
        let client = Dhclient::start(&host, None).await;
        let (address, seen) = client.event(&["BOUND"], 0).await;
        let bound = Instant::now();
        assert_eq!(address, lan(254));
        host.address(address).await;
        shrink(&router);
        judge(&client, &router, seen, bound).await;
        router.stop();
    });
}

pub(crate) fn acknowledged() {
    renewal(Renewal::Ack, async |client, router, seen, _| {
        let (address, seen) = client.event(&["RENEW", "REBIND", "EXPIRE"], seen).await;
        assert_eq!(address, lan(254));
        assert_eq!(client.events()[seen - 1].0, "RENEW");
        assert!(
            row(router, Menu::Lease, lan(254)).is_some(),
            "outside the pool, and renewed"
        );
    });
}

pub(crate) fn refused() {
    renewal(Renewal::Nak, async |client, router, seen, bound| {
        let (old, seen) = client.event(&["EXPIRE"], seen).await;
        assert_eq!(old, lan(254));
        assert!(
            bound.elapsed() < Duration::from_secs(12),
            "given up before it ended: {:?}",
            bound.elapsed()
        );
        assert_eq!(
            client.event(&["BOUND"], seen).await.0,
            lan(199),
            "from what is left of the pool"
        );
        assert_eq!(row(router, Menu::Lease, lan(254)), None);
    });
}

pub(crate) fn unanswered() {
    renewal(Renewal::Silent, async |client, router, seen, bound| {
        let (old, _) = client.event(&["EXPIRE", "RENEW", "REBIND"], seen).await;
        assert_eq!((old, client.events()[seen].0.as_str()), (lan(254), "EXPIRE"));
        assert!(
            bound.elapsed() >= Duration::from_secs(11),
            "kept until it ended: {:?}",
            bound.elapsed()
        );
        assert_eq!(client.event(&["BOUND"], seen).await.0, lan(199));
        assert_eq!(row(router, Menu::Lease, lan(254)), None);
    });
}

pub(crate) fn reserved() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        let router = router(&segment).await;
        shrink(&router);
        let ours = Lease::fixed(lan(200), "02:00:C0:A8:01:C8".parse().unwrap());
        router.lease(&ours).unwrap();
        // It believes to have the address, and asks for it first.
        let client = Dhclient::start(&host, Some(lan(200))).await;
        assert_eq!(client.event(&["BOUND", "REBOOT"], 0).await.0, lan(199));
        let row = row(&router, Menu::Lease, lan(200)).unwrap();
        assert_eq!(
            (row.get("status"), row.get("active-address")),
            (Some("waiting"), None)
        );
        router.stop();
    });
}

/// The program, ended with the story.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn alone() {
    with(async |segment| {
        let host = segment.plug("port1").await;
        // This thread is in the router's namespace, and so is what it starts.
        let program = Command::new(env!("CARGO_BIN_EXE_routeros-sim"))
            .args(["--plain", "--listen", "192.168.1.1:0", "--admin", "127.0.0.1:0"])
            .args(["--interface", BRIDGE])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut program = Program(program);
        let lines = BufReader::new(program.0.stdout.take().unwrap()).lines();
        let urls: Vec<String> = lines.take(2).map(Result::unwrap).collect();
        assert!(urls[0].starts_with("http://192.168.1.1:"), "{urls:?}");
        let admin = urls[1].split_whitespace().next().unwrap();

        let client = Dhclient::start(&host, None).await;
        assert_eq!(client.event(&["BOUND"], 0).await.0, lan(254));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = http.get(format!("{admin}rows/ip/dhcp-server/lease")).send();
        let rows: serde_json::Value = ask.await.unwrap().json().await.unwrap();
        let mac = shown(host.mac().await);
        assert_eq!(
            (&rows[0]["status"], &rows[0]["host-name"], &rows[0]["mac-address"]),
            (&"bound".into(), &"debian".into(), &mac.into())
        );
    });
}
