//! `/ip/dhcp-server/lease`: who has which address, static or for a time.

use super::{Command, Menu, Spec};
use crate::device::Device;
use crate::dhcp::lease::{Binding, Life, Status};
use crate::property::{COMMENT, DISABLED, Property};
use crate::row::Row;
use crate::table::{Entry, Live};
use crate::trap::Trap;
use crate::value::{Kind, duration};
use crate::version::{LEASE_AGENT_IDS, LEASE_CLASS_ID};

const SERVER: Kind = Kind::Link {
    menu: Menu::DhcpServer,
    words: &[],
    unset: Some("all"),
};
const LEASE_TIME: Kind = Kind::Duration {
    min: 0,
    max: 4_294_967_295,
    words: &[],
};

pub(super) static SPEC: Spec = Spec {
    path: "ip/dhcp-server/lease",
    commands: &[
        Command::Print,
        Command::Add,
        Command::Set,
        Command::Remove,
        Command::Enable,
        Command::Disable,
        Command::Comment,
        Command::Unset,
        Command::MakeStatic,
    ],
    properties: &[
        Property::new("address", Kind::AddressOrPool),
        Property::new("mac-address", Kind::Mac),
        Property::new("client-id", Kind::Text),
        // An absent key means every server.
        Property::new("server", SERVER),
        Property::new("address-lists", Kind::Text).always(""),
        Property::new("dhcp-option", Kind::Text).always(""),
        Property::new("agent-circuit-id", Kind::Text)
            .always("")
            .since(LEASE_AGENT_IDS),
        Property::new("agent-remote-id", Kind::Text)
            .always("")
            .since(LEASE_AGENT_IDS),
        Property::new("allow-dual-stack-queue", Kind::Flag).unless("true"),
        Property::new("always-broadcast", Kind::Flag).unless("false"),
        Property::new("block-access", Kind::Flag).unless("false"),
        Property::new("dhcp-option-set", Kind::Text).unless("none"),
        Property::new("insert-queue-before", Kind::Text).unless("first"),
        Property::new("lease-time", LEASE_TIME).unless("0s"),
        Property::new("parent-queue", Kind::Text).unless("none"),
        Property::new("queue-type", Kind::Text),
        Property::new("rate-limit", Kind::Text),
        Property::new("routes", Kind::Text),
        Property::new("use-src-mac", Kind::Flag).unless("false"),
        COMMENT,
        DISABLED,
    ],
    check,
    changed: |device, key| {
        if let Some(entry) = device.get_mut(Menu::Lease, key)
            && matches!(entry.live, Live::Nothing)
        {
            entry.live = Live::Lease(Box::default());
        }
    },
    show,
    dynamic_refusal: "can not change dynamic lease",
    ..Spec::BASE
};

/// Enabled static leases: one address on all servers together, one client on each server.
fn check(device: &Device, lease: &Entry) -> Result<(), Trap> {
    let counts = |entry: &&Entry| !entry.dynamic && !entry.flag("disabled");
    if lease.flag("disabled") {
        return Ok(());
    }
    for other in device
        .entries(Menu::Lease)
        .filter(|other| other.key != lease.key)
        .filter(counts)
    {
        let same =
            |name: &str| lease.values.contains_key(name) && other.values.get(name) == lease.values.get(name);
        let (one, two) = (other.link("server"), lease.link("server"));
        let servers_meet = one.is_none() || two.is_none() || one == two;
        if servers_meet && (same("mac-address") || same("client-id")) {
            return Err(Trap::failure("already have static lease for this client"));
        }
        if same("address") && lease.text("address") != Some("0.0.0.0") {
            return Err(Trap::failure("already have static lease with this IP address"));
        }
    }
    Ok(())
}

fn show(device: &Device, lease: &Entry, row: &mut Row) {
    let Live::Lease(life) = &lease.live else { return };
    let Life {
        binding, last_seen, ..
    } = &**life;
    row.put("dynamic", lease.dynamic);
    row.put("blocked", lease.flag("block-access"));
    row.put("radius", false);
    row.put(
        "status",
        binding
            .as_ref()
            .map_or("waiting", |binding| binding.status.name()),
    );
    let seen = last_seen.map(|at| device.now().saturating_sub(at));
    row.put(
        "last-seen",
        seen.map_or_else(|| "never".into(), duration::show_span),
    );
    if device.version.has(LEASE_AGENT_IDS) {
        row.put("active-agent-circuit-id", "");
        row.put("active-agent-remote-id", "");
    }
    if let Some(binding) = binding {
        show_binding(device, binding, row);
    }
}

fn show_binding(device: &Device, binding: &Binding, row: &mut Row) {
    if binding.status == Status::Bound {
        row.put("active-address", binding.address);
        row.put("active-mac-address", binding.mac);
        let server = device
            .get(Menu::DhcpServer, binding.server.key)
            .and_then(|server| server.text("name"));
        // What a router shows once the server was removed (7.23.7).
        row.put("active-server", server.unwrap_or("*FFFFFFFF"));
        row.put(
            "expires-after",
            duration::show_span(binding.until.saturating_sub(device.now())),
        );
    }
    if let Some(name) = &binding.host_name {
        row.put("host-name", name);
    }
    if let Some(class) = binding
        .class_id
        .as_ref()
        .filter(|_| device.version.has(LEASE_CLASS_ID))
    {
        row.put("class-id", class);
    }
}
