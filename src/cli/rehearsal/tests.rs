//! A first sync on paper: what the allocator would do with a router as it comes out of the box.

use tiklb_core::config::PoolObject;
use tiklb_core::reservation::observed::{AddressRow, LeaseRow, ServerRow};

use super::*;
use crate::cli::manifests::Manifests;

fn reading() -> Reading {
    Reading {
        identity: "MikroTik".to_owned(),
        addresses: vec![AddressRow {
            address: "192.168.1.1".parse().unwrap(),
            network: "192.168.1.1/24".parse().unwrap(),
            interface: "bridge".to_owned(),
        }],
        pools: vec![PoolRow {
            id: "*1".to_owned(),
            name: "dhcp_pool".to_owned(),
            ranges: "192.168.1.100-192.168.1.254".parse().unwrap(),
            next_pool: None,
            comment: String::new(),
        }],
        servers: vec![ServerRow {
            name: "defconf".to_owned(),
            interface: "bridge".to_owned(),
            pool: Some("dhcp_pool".to_owned()),
            idle: false,
        }],
        ..Reading::default()
    }
}

fn homelab() -> Manifests {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/homelab");
    Manifests::read(&[folder], "metallb-system").unwrap()
}

fn played(manifests: &Manifests, reading: Reading) -> (Played, Vec<String>) {
    let settings = Settings {
        cluster_uid: "1a2b3c4d".to_owned(),
        ..Settings::default()
    };
    let key = manifests.routers[0].object.key.clone();
    let readings = [(key.clone(), Ok(reading))].into();
    let mut played = play(settings, manifests.events(), readings, Timestamp(1_800_000_000));
    let writes = played.writes.remove(&key).unwrap_or_default();
    let writes = writes.iter().map(|planned| planned.write.to_string()).collect();
    (played, writes)
}

#[test]
fn a_repository_is_played_to_its_last_row() {
    let (played, writes) = played(&homelab(), reading());
    assert_eq!(
        writes,
        [
            "/ip/pool set dhcp_pool: ranges 192.168.1.100-192.168.1.254 -> 192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
            "/ip/pool add tiklb-home-homelab-pool: 192.168.1.200-192.168.1.220  \"tiklb/v1 home/1a2b3c4d holds homelab-pool; took 192.168.1.200-192.168.1.220 from dhcp_pool\"",
            "/ip/dhcp-server/lease add 192.168.1.200  \"tiklb/v1 home/1a2b3c4d home-assistant/homeassistant-db-external | Home Assistant's database\"",
            "/ip/dhcp-server/lease add 192.168.1.201  \"tiklb/v1 home/1a2b3c4d whoami/whoami-lan\"",
            "/ip/dhcp-server/lease add 192.168.1.203  \"tiklb/v1 home/1a2b3c4d immich/immich-server-lan | photos\"",
            "/ip/dhcp-server/lease add 192.168.1.210  \"tiklb/v1 home/1a2b3c4d traefik/traefik | ingress\"",
            "/ip/dhcp-server/lease add 192.168.1.211  \"tiklb/v1 home/1a2b3c4d pihole/pihole-dns | the LAN's name server\"",
            "/ip/dhcp-server/lease add 192.168.1.220  \"tiklb/v1 home/1a2b3c4d reserved | kept for a rescue\"",
        ]
    );
    assert_eq!(played.addresses.len(), 3);
    assert_eq!(played.said, [""; 0]);
}

/// A Service that asks for nothing, and one that is not there yet.
#[test]
fn what_is_reserved_has_its_row_on_paper_too() {
    let mut manifests = homelab();
    let texts = [
        "{apiVersion: tiklb.io/v1alpha1, kind: AddressReservation, metadata: {name: a}, \
         spec: {address: 192.168.1.212, for: whoami/whoami-lan, note: who am I}}",
        "{apiVersion: tiklb.io/v1alpha1, kind: AddressReservation, metadata: {name: b}, \
         spec: {address: 192.168.1.213, for: media/tv, note: the tv}}",
        "{apiVersion: tiklb.io/v1alpha1, kind: AddressReservation, metadata: {name: c}, \
         spec: {address: 192.168.9.9, for: media/tv}}",
    ];
    for text in texts {
        manifests.take_text(text, "a test", "metallb-system").unwrap();
    }
    let (played, mut writes) = played(&manifests, reading());
    // Rows of reservations do not wait for the Services' statuses.
    writes[2..].sort();
    assert_eq!(
        writes[2..],
        [
            "/ip/dhcp-server/lease add 192.168.1.200  \"tiklb/v1 home/1a2b3c4d home-assistant/homeassistant-db-external | Home Assistant's database\"",
            "/ip/dhcp-server/lease add 192.168.1.203  \"tiklb/v1 home/1a2b3c4d immich/immich-server-lan | photos\"",
            "/ip/dhcp-server/lease add 192.168.1.210  \"tiklb/v1 home/1a2b3c4d traefik/traefik | ingress\"",
            "/ip/dhcp-server/lease add 192.168.1.211  \"tiklb/v1 home/1a2b3c4d pihole/pihole-dns | the LAN's name server\"",
            "/ip/dhcp-server/lease add 192.168.1.212  \"tiklb/v1 home/1a2b3c4d whoami/whoami-lan | who am I\"",
            "/ip/dhcp-server/lease add 192.168.1.213  \"tiklb/v1 home/1a2b3c4d media/tv | the tv\"",
            "/ip/dhcp-server/lease add 192.168.1.220  \"tiklb/v1 home/1a2b3c4d reserved | kept for a rescue\"",
        ]
    );
    let whoami = &played.addresses[&ObjectKey::new("whoami", "whoami-lan")];
    assert_eq!(whoami, &["192.168.1.212".parse::<IpAddr>().unwrap()]);
    assert_eq!(played.said.len(), 1, "{:?}", played.said);
    assert!(played.said[0].starts_with("AddressReservation c: 192.168.9.9 is in no IPAddressPool"));
}

#[test]
fn an_address_that_a_phone_has_is_given_to_nobody_and_that_is_said() {
    let mut read = reading();
    read.leases.push(LeaseRow {
        id: "*2".to_owned(),
        address: "192.168.1.203".parse().unwrap(),
        mac: None,
        server: Some("defconf".to_owned()),
        dynamic: true,
        evidence: false,
        disabled: false,
        bound: true,
        expires_after: Some(Duration::from_hours(1)),
        host_name: Some("annas-phone".to_owned()),
        comment: String::new(),
    });
    let (played, writes) = played(&homelab(), read);
    assert!(!writes.iter().any(|write| write.contains("immich")), "{writes:?}");
    assert!(
        played
            .said
            .iter()
            .any(|words| words.contains("immich/immich-server-lan") && words.contains("annas-phone")),
        "{:?}",
        played.said
    );
}

#[test]
fn a_range_that_must_not_be_taken_is_not_taken_on_paper_either() {
    let mut manifests = homelab();
    let outside: PoolObject = {
        let mut pool = manifests.pools.remove(0);
        if let Ok(spec) = &mut pool.spec {
            spec.addresses = vec!["10.0.0.1-10.0.0.9".to_owned()];
        }
        pool
    };
    manifests.pools.push(outside);
    let (played, writes) = played(&manifests, reading());
    assert_eq!(writes, [""; 0]);
    let status = played.statuses.values().next().unwrap();
    let condition = &status.conditions[&tiklb_core::reservation::ConditionKind::PoolsExcluded];
    assert_eq!(condition.reason, "RangeNotConnected");
}
