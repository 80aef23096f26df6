//! Step 4: the addresses, the router, the wire, and who was in the way.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use routeros_sim::{Menu, Snapshot};

use super::{CUT, Narrator, POOL, ROUTER, SERVICES, WHOLE, marked, namespace, winbox};
use crate::home::{BOUND, CONFLICTS, Home, PRINTER, ROUTERS};
use crate::wire::{DhcpClient, tcp_connect};

/// The load-balancer range of the example.
fn range() -> std::ops::RangeInclusive<Ipv4Addr> {
    Ipv4Addr::new(192, 168, 1, 200)..=Ipv4Addr::new(192, 168, 1, 220)
}

pub(super) async fn show(
    home: &mut Home,
    narrator: &Narrator,
    before: &Snapshot,
    shrunk: bool,
) -> Result<()> {
    narrator.step("What came of it");
    let addresses = addresses(home, narrator).await?;
    router(home, narrator, before, &addresses, shrunk).await?;
    wire(home, narrator, &addresses).await?;
    occupied(home, narrator, &addresses).await?;
    newcomer(home, narrator).await
}

/// The Services have addresses, those that they asked for.
async fn addresses(home: &Home, narrator: &Narrator) -> Result<Vec<Ipv4Addr>> {
    let since = Instant::now();
    let mut addresses = Vec::new();
    for (namespace, name, _, wanted) in SERVICES {
        let address = narrator
            .wait(
                &format!(
                    "the address of {namespace}/{name}: the router has to prove that nobody else can get it"
                ),
                home.address(namespace, name),
            )
            .await?;
        narrator.timed(&format!("{namespace}/{name} has {address}"), since);
        if let Some(wanted) = wanted.map(Ipv4Addr::from) {
            ensure!(address == wanted, "{name} asked for {wanted} and has {address}");
        }
        ensure!(range().contains(&address), "{address} is outside of the pool");
        addresses.push(address);
    }
    Ok(addresses)
}

/// The pool was cut, and everything stands in Winbox.
async fn router(
    home: &Home,
    narrator: &Narrator,
    before: &Snapshot,
    addresses: &[Ipv4Addr],
    shrunk: bool,
) -> Result<()> {
    let rows = |home: &Home, menu| {
        let all = addresses
            .iter()
            .all(|address| marked(home, menu, &address.to_string()).is_some());
        all && !home.marked(Menu::Pool).is_empty()
    };
    super::router_until(home, narrator, "leases and ARP rows on the router", |home| {
        rows(home, Menu::Lease) && rows(home, Menu::Arp)
    })
    .await?;
    let first = before
        .rows(Menu::Pool)
        .iter()
        .find(|row| row.get("name") == Some(POOL));
    let first = first
        .and_then(|row| row.get("ranges"))
        .context("the router had no pool")?;
    let now = home.pool_ranges(POOL).context("the router lost its pool")?;
    narrator.say(&format!("the router's pool {POOL} before: {first}"));
    narrator.say(&format!("                         now:    {now}"));
    let wanted = if shrunk { first } else { CUT };
    ensure!(now == wanted, "{POOL} should be {wanted}");
    ensure!(shrunk || first == WHOLE, "{POOL} was {first} at first");
    let router = home.kube.get(ROUTERS.in_namespace(namespace()), ROUTER).await?;
    let taken = router["status"]["taken"].as_array().map_or(0, Vec::len);
    ensure!(
        taken == usize::from(!shrunk),
        "status.taken has {taken} entries: {}",
        router["status"]["taken"]
    );
    if shrunk {
        narrator.say("nothing was taken: the pool held none of the range");
    }
    narrator.say("");
    narrator.say(&winbox::windows(|menu| home.router.rows(menu)));
    Ok(())
}

/// One node answers for each address, and traffic arrives.
async fn wire(home: &mut Home, narrator: &Narrator, addresses: &[Ipv4Addr]) -> Result<()> {
    narrator.say(
        "no kube-proxy runs here: the lab puts each address on every node's lo beside a listener instead",
    );
    for ((namespace, name, port, _), address) in SERVICES.into_iter().zip(addresses) {
        home.serve(namespace, name, *address, port).await?;
        let answer = home.announcer(*address).await?;
        narrator.say(&format!(
            "client$ arping {address}: {} is {} ({} µs)",
            answer.mac,
            answer.host,
            answer.after.as_micros()
        ));
        let target = SocketAddrV4::new(*address, port);
        let node = tcp_connect(home.lan.host("client")?, target, BOUND)
            .await
            .with_context(|| format!("connecting to {target}"))?;
        narrator.say(&format!("client$ nc {address} {port}: connected, {node} took it"));
        ensure!(
            node == answer.host,
            "{} answers ARP and {node} took the connection",
            answer.host
        );
    }
    Ok(())
}

/// Addresses that others use were passed over, and it says whose they are.
async fn occupied(home: &Home, narrator: &Narrator, addresses: &[Ipv4Addr]) -> Result<()> {
    let mut others = BTreeSet::new();
    if let Some(phone) = home.plan().phone {
        others.insert(phone);
    }
    if home.plan().printer {
        others.insert(PRINTER);
    }
    for address in &others {
        ensure!(!addresses.contains(address), "{address} was given to a Service");
    }
    let message = home.condition(ROUTER, "NoConflicts", "AddressesHeld");
    let message = narrator.wait("the router's conflicts", message).await?;
    narrator.say(&format!("MikrotikRouter {ROUTER}: {message}"));
    for address in others {
        let name = address.to_string();
        let conflicts = CONFLICTS.in_namespace(namespace());
        let seen = home
            .kube
            .wait_for(&conflicts, &name, BOUND, "its MAC address", |object| {
                object["status"]["mac"].is_string()
            });
        let found = narrator
            .wait(&format!("the AddressConflict {name}"), async { Ok(seen.await?) })
            .await?;
        narrator.say(&format!(
            "AddressConflict {name}: {} answers there, seen by {}",
            found["status"]["mac"].as_str().unwrap_or("nobody"),
            found["status"]["seenBy"]
        ));
    }
    Ok(())
}

/// Whoever comes now is kept out of the range.
async fn newcomer(home: &Home, narrator: &Narrator) -> Result<()> {
    let mut client = DhcpClient::new(home.lan.host("newcomer")?)
        .await?
        .hostname("newcomer");
    let lease = narrator
        .wait("a lease for the newcomer", async {
            Ok(client.acquire(BOUND).await?)
        })
        .await?;
    client.configure().await?;
    let address = lease.address.addr();
    narrator.say(&format!("newcomer$ dhclient: {address}, outside of the range"));
    ensure!(
        !range().contains(&address),
        "a new DHCP client was given {address}"
    );
    Ok(())
}
