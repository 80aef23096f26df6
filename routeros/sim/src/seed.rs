//! Fills a new router: hardware and services first, then the rows and leases of its configuration.

use crate::clock::Clock;
use crate::config::{Config, Lease};
use crate::device::Device;
use crate::dhcp::lease::{Binding, Status};
use crate::menu::{INTERFACE_BRIDGE, Menu};
use crate::table::{Entry, Id, Key};
use crate::trap::Trap;
use crate::value::Value;

/// A row of the configuration that the router refuses.
#[derive(Debug, thiserror::Error)]
#[error("adding a row to {menu}: the router refuses it with {detail:?}; mend the row in the Config")]
pub struct SeedError {
    menu: Menu,
    detail: String,
}

/// The services with their ids, which have gaps (rows of 7.x; `*0` is telnet).
const SERVICES: [(u32, &str, &str, bool); 8] = [
    (0, "telnet", "23", true),
    (1, "ftp", "21", true),
    (2, "www", "80", false),
    (4, "ssh", "22", false),
    (6, "www-ssl", "443", false),
    (7, "api", "8728", false),
    (8, "winbox", "8291", false),
    (9, "api-ssl", "8729", true),
];

/// The ports of the board.
const PORTS: u8 = 5;

/// Builds the router that `config` describes.
pub(crate) fn device(config: &Config, clock: Clock) -> Result<Device, SeedError> {
    let mut device = Device::new(
        config.version.clone(),
        config.serial.clone(),
        config.board.clone(),
        config.switches.clone(),
        clock,
    );
    hardware(&mut device, &config.lan_bridge);
    services(&mut device);
    if let Some(identity) = device.entries_mut(Menu::Identity).next() {
        identity
            .values
            .insert("name", Value::Text(config.identity.clone()));
    }
    for (menu, values) in &config.rows {
        row(&mut device, *menu, values).map_err(|trap| refused(*menu, &trap))?;
    }
    for wanted in &config.leases {
        lease(&mut device, wanted).map_err(|trap| refused(Menu::Lease, &trap))?;
    }
    Ok(device)
}

/// Adds a row, or changes the one that every router has: a singleton, a port, a bridge or a service of that name.
fn row(device: &mut Device, menu: Menu, values: &[(String, String)]) -> Result<(), Trap> {
    let name = values.iter().find(|(key, _)| key == "name").map(|(_, name)| name);
    let there = match menu {
        Menu::Interface | Menu::Bridge | Menu::Service => name.and_then(|name| device.by_name(menu, name)),
        _ if menu.spec().is_single() => device.entries(menu).next(),
        _ => None,
    };
    match there.map(|entry| entry.key) {
        Some(key) => device.set(menu, key, values),
        None => device.add(menu, values).map(|_| ()),
    }
}

fn refused(menu: Menu, trap: &Trap) -> SeedError {
    SeedError {
        menu,
        detail: trap.detail.clone().unwrap_or_else(|| trap.status.to_string()),
    }
}

/// ether1 to the Internet, the others in the bridge.
fn hardware(device: &mut Device, bridge: &str) {
    for port in 1..=PORTS {
        let name = format!("ether{port}");
        let mac = format!("48:A9:8A:00:00:{port:02X}");
        let mut values = vec![
            ("name", name.clone()),
            ("default-name", name),
            ("type", "ether".into()),
        ];
        values.extend([("mac-address", mac), ("l2mtu", "1596".to_owned())]);
        if port > 1 {
            values.push(("slave", "true".into()));
        }
        insert(device, Menu::Interface, values);
    }
    let values = [
        ("name", bridge.to_owned()),
        ("type", INTERFACE_BRIDGE.to_owned()),
        ("mtu", "auto".to_owned()),
        ("mac-address", "48:A9:8A:00:00:02".to_owned()),
        ("l2mtu", "1596".to_owned()),
        ("comment", "defconf".to_owned()),
    ];
    insert(device, Menu::Interface, values);
    for menu in [
        Menu::Identity,
        Menu::Settings,
        Menu::Dns,
        Menu::DhcpConfig,
        Menu::Webserver,
    ] {
        insert(device, menu, []);
    }
}

fn services(device: &mut Device) {
    for (id, name, port, disabled) in SERVICES {
        let mut values = vec![("name", name), ("port", port)];
        if name.ends_with("-ssl") {
            values.extend([
                ("certificate", if name == "www-ssl" { "router" } else { "none" }),
                ("tls-version", "any"),
            ]);
        }
        if disabled {
            values.push(("disabled", "true"));
        }
        device.insert_with_id(Menu::Service, Id(id), entry(values.into_iter()));
    }
}

fn insert(device: &mut Device, menu: Menu, values: impl IntoIterator<Item = (&'static str, String)>) -> Key {
    device.insert(menu, entry(values.into_iter()))
}

fn entry(values: impl Iterator<Item = (&'static str, impl Into<String>)>) -> Entry {
    let mut entry = Entry::new(false);
    entry.values = values
        .map(|(key, value)| (key, Value::Text(value.into())))
        .collect();
    entry
}

/// Adds a lease, static ones by the router's own rules.
pub(crate) fn lease(device: &mut Device, wanted: &Lease) -> Result<Key, Trap> {
    let server = match &wanted.server {
        Some(name) => Some(
            device
                .find(Menu::DhcpServer, name)
                .ok_or_else(|| Trap::no_match("server"))?,
        ),
        None => device
            .entries(Menu::DhcpServer)
            .next()
            .map(|server| crate::value::Link {
                menu: Menu::DhcpServer,
                key: server.key,
                id: server.id,
            }),
    };
    let binding = server.filter(|_| wanted.bound).map(|server| Binding {
        status: Status::Bound,
        address: wanted.address,
        mac: wanted.mac,
        client_id: None,
        host_name: wanted.host_name.clone(),
        class_id: None,
        server,
        pool: device
            .server_pool(server.key)
            .filter(|_| wanted.dynamic)
            .map(|(pool, _)| pool),
        until: device.now() + device.lease_time(server.key, None),
    });
    if wanted.dynamic {
        return Ok(device.insert_dynamic_lease(binding.ok_or_else(|| Trap::no_match("server"))?));
    }
    let mut values = vec![
        ("address".to_owned(), wanted.address.to_string()),
        ("mac-address".to_owned(), wanted.mac.to_string()),
        ("server".to_owned(), wanted.server.clone().unwrap_or_default()),
        ("comment".to_owned(), wanted.comment.clone().unwrap_or_default()),
    ];
    values.retain(|(_, value)| !value.is_empty());
    let key = device.add(Menu::Lease, &values)?;
    let now = device.now();
    if let Some(life) = device.get_mut(Menu::Lease, key).and_then(Entry::life_mut) {
        life.last_seen = binding.as_ref().map(|_| now);
        life.binding = binding;
    }
    Ok(key)
}
