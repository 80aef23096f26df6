//! Step 1: a home before tiklb comes.

use anyhow::Result;
use routeros_sim::Menu;

use crate::home::{CLIENT, CONTROL, Home, NAS, POOL, PRINTER, Plan, ROUTER};
use crate::screen::Screen;
use crate::table::Table;

pub(super) async fn build(screen: &mut Screen, plan: Plan) -> Result<Home> {
    screen.step("A home: a LAN with a MikroTik router, three nodes, a phone and a printer")?;
    screen.say("All of it lives in namespaces of this machine; nothing reaches your own network.\n\n")?;
    let home = screen
        .wait("the LAN, the router and the Kubernetes API", Home::build(plan))
        .await?;
    screen.say(hosts(&home)?)?;
    Ok(home)
}

fn hosts(home: &Home) -> Result<Table> {
    let resource = home.router().rows(Menu::Resource);
    let version = resource.first().and_then(|row| row.get("version")).unwrap_or("");
    let pool = home.pool(POOL)?;
    let mut table = Table::new(["HOST", "ADDRESS", ""]);
    let router = format!("RouterOS {version} (simulated); gives {pool} by DHCP");
    table.row(["router", &ROUTER.to_string(), &router]);
    table.row([
        "control",
        &CONTROL.to_string(),
        "the Kubernetes API; here runs tiklb's allocator",
    ]);
    for node in home.node_names() {
        table.row([
            node,
            &home.address_of(node)?.to_string(),
            "a node; here runs a speaker of tiklb",
        ]);
    }
    table.row(["client", &CLIENT.to_string(), "uses the Services"]);
    if let Some(phone) = home.phone() {
        let lease = phone.lease();
        let note = format!(
            "leased from the router for {} min, and renewed",
            lease.lease_time.as_secs() / 60
        );
        table.row(["phone", &phone.address().to_string(), &note]);
    }
    table.row([
        "printer",
        &PRINTER.to_string(),
        "an address of its own choice; the router does not know of it",
    ]);
    table.row([
        "(nas)",
        &NAS.to_string(),
        "a static lease that a person has made; switched off",
    ]);
    table.row(["newcomer", "-", "comes later"]);
    Ok(table)
}
