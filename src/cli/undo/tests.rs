//! What is taken away again, by a record or by marks alone.

use std::time::Duration;

use tiklb_core::model::Instant;
use tiklb_core::reservation::observed::{LeaseRow, PoolRow, ServerRow};

use super::*;

const HOME: &str = "tiklb/v1 home/1a2b3c4d";

fn now() -> Now {
    Now {
        mono: Instant::at(Duration::from_secs(1)),
        wall: Timestamp(1_800_000_000),
    }
}

fn pool(name: &str, ranges: &str, comment: &str) -> PoolRow {
    PoolRow {
        id: format!("*{}", name.len()),
        name: name.to_owned(),
        ranges: ranges.parse().unwrap(),
        next_pool: None,
        comment: comment.to_owned(),
    }
}

fn lease(address: &str, comment: &str) -> LeaseRow {
    LeaseRow {
        id: "*9".to_owned(),
        address: address.parse().unwrap(),
        mac: None,
        server: Some("defconf".to_owned()),
        dynamic: false,
        evidence: false,
        disabled: false,
        bound: false,
        expires_after: None,
        host_name: None,
        comment: comment.to_owned(),
    }
}

fn held() -> Reading {
    let took = format!("{HOME} holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool");
    Reading {
        pools: vec![
            pool(
                "dhcp_pool",
                "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
                "",
            ),
            pool("tiklb-home-lan", "192.168.1.200-192.168.1.220", &took),
        ],
        servers: vec![ServerRow {
            name: "defconf".to_owned(),
            interface: "bridge".to_owned(),
            pool: Some("dhcp_pool".to_owned()),
            idle: false,
        }],
        leases: vec![
            lease("192.168.1.200", &format!("{HOME} default/web | mine")),
            lease("192.168.1.20", "nas"),
        ],
        ..Reading::default()
    }
}

fn object() -> RouterObject {
    made_up("metallb-system", "router", "https://192.168.1.1", "home")
        .unwrap()
        .object
}

#[test]
fn marks_alone_say_what_to_remove_and_what_to_give_back() {
    let reading = held();
    let owner = only_owner(&reading, None, None).unwrap().unwrap();
    let plan = plan(&object(), &owner, &reading, now());
    let done: Vec<String> = plan
        .writes
        .iter()
        .map(|planned| planned.write.to_string())
        .collect();
    assert_eq!(
        done,
        [
            "/ip/dhcp-server/lease remove 192.168.1.200  \"tiklb/v1 home/1a2b3c4d default/web | mine\"",
            "/ip/pool remove tiklb-home-lan",
            "/ip/pool set dhcp_pool: ranges 192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254 -> 192.168.1.100-192.168.1.254",
        ]
    );
    assert_eq!(plan.obstacles, [""; 0]);
}

#[test]
fn of_several_clusters_a_person_names_one() {
    let mut reading = held();
    reading
        .leases
        .push(lease("192.168.1.210", "tiklb/v1 office/55667788 default/print"));
    let why = only_owner(&reading, None, None).unwrap_err().to_string();
    assert!(
        why.contains("home/1a2b3c4d, office/55667788") && why.contains("--cluster-name"),
        "{why}"
    );
    let office = only_owner(&reading, Some("office"), None).unwrap().unwrap();
    let plan = plan(&object(), &office, &reading, now());
    assert!(
        plan.writes.is_empty(),
        "the object is of another cluster's name: {plan:?}"
    );
    assert_eq!(only_owner(&reading, Some("school"), None).unwrap(), None);
}
