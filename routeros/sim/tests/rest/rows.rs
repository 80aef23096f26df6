//! Items 20 and 21: whole rows, key by key, as they were measured or as schemas and samples have them.

use std::time::Duration;

use routeros_sim::{Config, Lease, Mac, Menu, Pace, Version};
use serde_json::{Value, json};

use crate::desk::{Desk, desk, desk_of};

/// The release on which most rows were measured.
const MEASURED: &str = "7.23.7 (long-term)";
/// Before agent ids, pool counters and the lower-case `dhcp`.
const OLDER: &str = "7.20.8";
/// Before `status` in ARP rows.
const OLD: &str = "7.11.2";

fn mac() -> Mac {
    "AA:BB:CC:00:00:01".parse().unwrap()
}

async fn claim(desk: &Desk) -> Value {
    let body = r#"{"address":"192.168.1.200","mac-address":"02:00:c0:a8:01:c8","server":"defconf"}"#;
    desk.put("/rest/ip/dhcp-server/lease", body).await.1
}

#[tokio::test]
async fn a_static_lease_that_was_never_bound() {
    assert_eq!(
        claim(&desk_of(MEASURED).await).await,
        json!({
            ".id": "*1", "address": "192.168.1.200", "mac-address": "02:00:C0:A8:01:C8", "server": "defconf",
            "address-lists": "", "dhcp-option": "", "agent-circuit-id": "", "agent-remote-id": "",
            "active-agent-circuit-id": "", "active-agent-remote-id": "", "status": "waiting", "last-seen": "never",
            "blocked": "false", "radius": "false", "disabled": "false", "dynamic": "false"
        })
    );
    assert_eq!(
        claim(&desk_of(OLDER).await).await,
        json!({
            ".id": "*1", "address": "192.168.1.200", "mac-address": "02:00:C0:A8:01:C8", "server": "defconf",
            "address-lists": "", "dhcp-option": "", "status": "waiting", "last-seen": "never",
            "blocked": "false", "radius": "false", "disabled": "false", "dynamic": "false"
        })
    );
}

#[tokio::test]
async fn a_bound_dynamic_lease() {
    let phone = Lease::bound("192.168.1.205".parse().unwrap(), mac()).host_name("phone");
    let version: Version = MEASURED.parse().unwrap();
    let config = Config {
        version,
        pace: Pace::Stopped,
        ..Config::default()
    };
    let desk = desk(
        config
            .change(Menu::DhcpServer, "defconf", "lease-time", "10m")
            .lease(phone),
    )
    .await;
    desk.clock().advance(Duration::from_secs(26));
    assert_eq!(
        desk.get("/rest/ip/dhcp-server/lease").await.1,
        json!([{
            ".id": "*1", "address": "192.168.1.205", "mac-address": "AA:BB:CC:00:00:01", "server": "defconf",
            "address-lists": "", "dhcp-option": "", "agent-circuit-id": "", "agent-remote-id": "",
            "active-agent-circuit-id": "", "active-agent-remote-id": "", "status": "bound", "last-seen": "26s",
            "blocked": "false", "radius": "false", "disabled": "false", "dynamic": "true",
            "active-address": "192.168.1.205", "active-mac-address": "AA:BB:CC:00:00:01",
            "active-server": "defconf", "expires-after": "9m34s", "host-name": "phone"
        }])
    );
}

#[tokio::test]
async fn the_dhcp_server_lacks_what_has_its_default() {
    let common = json!({
        ".id": "*1", "name": "defconf", "interface": "bridge", "address-pool": "dhcp_pool", "lease-time": "30m",
        "lease-script": "", "use-radius": "no", "disabled": "false", "dynamic": "false", "invalid": "false"
    });
    for (version, more) in [
        (OLD, json!({})),
        (OLDER, json!({"address-lists": "", "use-reconfigure": "false"})),
        (
            MEASURED,
            json!({
                "address-lists": "", "use-reconfigure": "false", "add-dns-entries-suffix": "lan",
                "dynamic-lease-identifiers": "client-mac,client-id", "support-broadband-tr101": "false"
            }),
        ),
    ] {
        let mut row = common.clone();
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let desk = desk_of(version).await;
        assert_eq!(desk.get("/rest/ip/dhcp-server/*1").await.1, row, "{version}");
        let body = r#"{"add-arp":"yes","authoritative":"no","conflict-detection":"no"}"#;
        let (_, changed) = desk.patch("/rest/ip/dhcp-server/*1", body).await;
        row["add-arp"] = "true".into();
        row["authoritative"] = "no".into();
        row["conflict-detection"] = "false".into();
        assert_eq!(changed, row, "{version}");
        let body = r#"{"add-arp":"no","authoritative":"yes","conflict-detection":"yes"}"#;
        let (_, changed) = desk.patch("/rest/ip/dhcp-server/*1", body).await;
        assert_eq!(changed.get("add-arp"), None, "{version}");
        assert_eq!(changed.get("conflict-detection"), None, "{version}");
    }
}

#[tokio::test]
async fn arp_rows_spell_dhcp_after_the_version_and_older_ones_have_no_status() {
    for (version, dhcp, status) in [
        (OLD, "DHCP", None),
        (OLDER, "DHCP", Some("permanent")),
        ("7.21.5", "dhcp", Some("permanent")),
    ] {
        let desk = desk_of(version).await;
        let body = r#"{"address":"192.168.1.200","mac-address":"02:00:00:00:00:11","interface":"bridge"}"#;
        let mut row = json!({
            ".id": "*1", "address": "192.168.1.200", "mac-address": "02:00:00:00:00:11", "interface": "bridge",
            "complete": "true", "disabled": "false", "dynamic": "false", "invalid": "false", "published": "false"
        });
        row[dhcp] = "false".into();
        if let Some(status) = status {
            row["status"] = status.into();
        }
        assert_eq!(
            desk.put("/rest/ip/arp", body).await,
            (201, row.clone()),
            "{version}"
        );
        // Switched off it has no effect, and shows none.
        row["disabled"] = "true".into();
        row["complete"] = "false".into();
        row.as_object_mut().unwrap().remove("status");
        assert_eq!(
            desk.patch("/rest/ip/arp/*1", r#"{"disabled":"yes"}"#).await,
            (200, row),
            "{version}"
        );
    }
}

#[tokio::test]
async fn a_permanent_arp_row_outside_the_routers_networks_is_invalid() {
    let desk = desk_of(OLDER).await;
    for (address, interface, invalid) in [
        ("192.168.1.9", "bridge", "false"),
        ("10.9.9.9", "bridge", "true"),
        ("192.168.1.9", "ether1", "true"),
    ] {
        let body = json!({"address": address, "interface": interface, "mac-address": "02:00:00:00:00:01"});
        let (_, row) = desk.put("/rest/ip/arp", &body.to_string()).await;
        assert_eq!(row["invalid"], invalid, "{address} {interface}");
    }
}

#[tokio::test]
async fn item_20_a_permanent_arp_row_on_a_reply_only_interface_was_shown_as_invalid_by_mistake() {
    let row = r#"{"address":"192.168.1.50","mac-address":"02:00:00:00:00:50","interface":"bridge"}"#;
    for (version, arp, invalid) in [
        ("7.13.1", "reply-only", "true"),
        ("7.13.1", "enabled", "false"),
        ("7.13.2", "reply-only", "false"),
    ] {
        let desk = desk_of(version).await;
        desk.person()
            .set(Menu::Bridge, ("name", "bridge"), [("arp", arp)])
            .unwrap();
        assert_eq!(
            desk.put("/rest/ip/arp", row).await.1["invalid"],
            invalid,
            "{version} {arp}"
        );
    }
}

#[tokio::test]
async fn networks_addresses_and_pools() {
    let desk = desk_of(OLDER).await;
    assert_eq!(
        desk.get("/rest/ip/dhcp-server/network").await.1,
        json!([{
            ".id": "*1", "address": "192.168.1.0/24", "gateway": "192.168.1.1", "dns-server": "192.168.1.1",
            "ntp-server": "", "wins-server": "", "caps-manager": "", "dhcp-option": "", "dynamic": "false",
            "comment": "defconf"
        }])
    );
    assert_eq!(
        desk.get("/rest/ip/address").await.1,
        json!([{
            ".id": "*1", "address": "192.168.1.1/24", "network": "192.168.1.0", "interface": "bridge",
            "actual-interface": "bridge", "vrf": "main", "disabled": "false", "dynamic": "false",
            "invalid": "false", "slave": "false", "comment": "defconf"
        }])
    );
    assert_eq!(
        desk.get("/rest/ip/pool").await.1,
        json!([{".id": "*1", "name": "dhcp_pool", "ranges": "192.168.1.100-192.168.1.254"}]),
        "no counters before 7.21"
    );
    let (_, pool) = desk
        .put(
            "/rest/ip/pool",
            r#"{"name":"b","ranges":"10.0.0.1","next-pool":"dhcp_pool"}"#,
        )
        .await;
    assert_eq!(pool["next-pool"], "dhcp_pool");
    let (_, pool) = desk.patch("/rest/ip/pool/*2", r#"{"next-pool":"none"}"#).await;
    assert_eq!(pool.get("next-pool"), None);
}

#[tokio::test]
async fn interfaces_and_bridges_share_their_ids() {
    let desk = desk_of(OLDER).await;
    let (_, interfaces) = desk
        .get("/rest/interface?.proplist=name,type,slave,running")
        .await;
    assert_eq!(
        interfaces,
        json!([
            {".id": "*1", "name": "ether1", "type": "ether", "running": "true"},
            {".id": "*2", "name": "ether2", "type": "ether", "running": "true", "slave": "true"},
            {".id": "*3", "name": "ether3", "type": "ether", "running": "true", "slave": "true"},
            {".id": "*4", "name": "ether4", "type": "ether", "running": "true", "slave": "true"},
            {".id": "*5", "name": "ether5", "type": "ether", "running": "true", "slave": "true"},
            {".id": "*6", "name": "bridge", "type": "bridge", "running": "true"}
        ])
    );
    assert_eq!(
        desk.get("/rest/interface/bridge").await.1,
        json!([{
            ".id": "*6", "actual-mtu": "1500", "ageing-time": "5m", "arp": "enabled", "arp-timeout": "auto",
            "auto-mac": "true", "comment": "defconf", "dhcp-snooping": "false", "disabled": "false",
            "dynamic": "false", "fast-forward": "true", "forward-delay": "15s", "igmp-snooping": "false",
            "l2mtu": "1596", "mac-address": "48:A9:8A:00:00:02", "max-learned-entries": "auto",
            "max-message-age": "20s", "mtu": "auto", "mvrp": "false", "name": "bridge", "port-cost-mode": "long",
            "priority": "0x8000", "protocol-mode": "rstp", "running": "true", "transmit-hold-count": "6",
            "vlan-filtering": "false"
        }])
    );
    let (_, bridge) = desk
        .patch("/rest/interface/bridge/*6", r#"{"arp":"reply-only"}"#)
        .await;
    assert_eq!(bridge["arp"], "reply-only");
    assert_eq!(
        desk.get("/rest/interface/bridge/*1").await.0,
        404,
        "a port is no bridge"
    );
    let (_, other) = desk.put("/rest/interface/bridge", r#"{"name":"guests"}"#).await;
    assert_eq!(other[".id"], "*7");
    assert_eq!(desk.get("/rest/interface/*7").await.1["type"], "bridge");
}

#[tokio::test]
async fn users_groups_and_services() {
    let desk = desk_of(OLDER).await;
    assert_eq!(
        desk.get("/rest/user/tiklb").await.1,
        json!({
            ".id": "*2", "name": "tiklb", "group": "tiklb", "address": "", "disabled": "false", "expired": "false",
            "inactivity-policy": "none", "inactivity-timeout": "10m"
        }),
        "a password is never shown"
    );
    let (_, group) = desk.get("/rest/user/group/tiklb").await;
    let policies: std::collections::BTreeSet<&str> = group["policy"].as_str().unwrap().split(',').collect();
    assert_eq!(
        policies.len(),
        17,
        "every policy is named, those that are lacking with an exclamation mark"
    );
    assert_eq!(policies.iter().filter(|word| !word.starts_with('!')).count(), 4);
    let (_, service) = desk.get("/rest/ip/service/www-ssl").await;
    assert_eq!(
        service,
        json!({
            ".id": "*6", "name": "www-ssl", "port": "443", "address": "", "certificate": "router",
            "tls-version": "any", "vrf": "main", "max-sessions": "20", "disabled": "false", "dynamic": "false",
            "invalid": "false", "proto": "tcp"
        })
    );
    assert_eq!(
        desk_of("7.15")
            .await
            .get("/rest/ip/service/ssh")
            .await
            .1
            .get("max-sessions"),
        None
    );
}

#[tokio::test]
async fn the_board_tells_version_and_serial_number() {
    let desk = desk_of(OLDER).await;
    let (_, resource) = desk.get("/rest/system/resource").await;
    for (key, value) in [
        ("version", "7.20.8 (stable)"),
        ("board-name", "RB750Gr3"),
        ("platform", "MikroTik"),
        ("architecture-name", "mmips"),
        ("uptime", "0s"),
    ] {
        assert_eq!(resource[key], value, "{key}");
    }
    assert_eq!(
        desk.get("/rest/system/routerboard").await.1,
        json!({
            "current-firmware": "7.20.8", "factory-firmware": "7.10", "firmware-type": "mt7621L",
            "model": "RB750Gr3", "routerboard": "true", "serial-number": "HFG0A1B2C3D", "upgrade-firmware": "7.20.8"
        })
    );
}

#[tokio::test]
async fn resolver_and_ip_settings() {
    let desk = desk_of(OLDER).await;
    assert_eq!(
        desk.get("/rest/ip/dns").await.1,
        json!({
            "allow-remote-requests": "true", "cache-max-ttl": "1w", "cache-size": "2048", "cache-used": "48",
            "dynamic-servers": "", "max-concurrent-queries": "100", "max-concurrent-tcp-sessions": "20",
            "max-udp-packet-size": "4096", "query-server-timeout": "2s", "query-total-timeout": "10s",
            "servers": "", "use-doh-server": "", "verify-doh-cert": "false"
        })
    );
    assert_eq!(
        desk.get("/rest/ip/settings").await.1,
        json!({
            "accept-redirects": "false", "accept-source-route": "false", "allow-fast-path": "true",
            "arp-timeout": "30s", "icmp-errors-use-inbound-interface-address": "false", "icmp-rate-limit": "10",
            "icmp-rate-mask": "0x1818", "ip-forward": "true", "ipv4-fast-path-active": "true",
            "ipv4-fast-path-bytes": "0", "ipv4-fast-path-packets": "0", "ipv4-fasttrack-active": "false",
            "ipv4-fasttrack-bytes": "0", "ipv4-fasttrack-packets": "0", "ipv4-multipath-hash-policy": "l3",
            "max-neighbor-entries": "8192", "rp-filter": "no", "secure-redirects": "true",
            "send-redirects": "true", "tcp-syncookies": "false", "tcp-timestamps": "random-offset"
        })
    );
}
