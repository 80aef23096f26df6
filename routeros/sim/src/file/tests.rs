//! Files of rows, good and bad.

use super::*;
use crate::clock::Clock;

const GOOD: &str = r#"{
    "ip/dhcp-server/lease": [
        {".id": "*9", "address": "10.0.0.7", "mac-address": "aa:bb:cc:00:00:07", "comment": "printer"},
        {"address": "10.0.0.150", "mac-address": "AA:BB:CC:00:00:50", "host-name": "phone", "dynamic": true}
    ],
    "ip/dhcp-server": [{"name": "lan", "interface": "bridge", "address-pool": "lan", "lease-time": 600}],
    "ip/pool": [{"name": "lan", "ranges": "10.0.0.100-10.0.0.199"}],
    "interface/bridge": [{"name": "bridge", "arp": "reply-only"}, {"name": "guests"}],
    "ip/service": [{"name": "www", "max-sessions": 3}],
    "ip/settings": {"arp-timeout": "1m"},
    "system/identity": {"name": "attic"}
}"#;

#[test]
fn rows_come_in_an_order_in_which_references_are_known() {
    let config = Config::bare().rows_from_json(GOOD).unwrap();
    let device = crate::seed::device(&config, Clock::default()).unwrap();
    let value = |menu, at: usize, key: &str| device.rows(menu)[at].get(key).map(ToOwned::to_owned);
    assert_eq!(value(Menu::DhcpServer, 0, "address-pool").as_deref(), Some("lan"));
    assert_eq!(value(Menu::DhcpServer, 0, "lease-time").as_deref(), Some("10m"));
    assert_eq!(value(Menu::Bridge, 0, "arp").as_deref(), Some("reply-only"));
    assert_eq!(device.rows(Menu::Bridge).len(), 2);
    assert_eq!(value(Menu::Settings, 0, "arp-timeout").as_deref(), Some("1m"));
    assert_eq!(value(Menu::Identity, 0, "name").as_deref(), Some("attic"));
    let services = device.rows(Menu::Service);
    let www = services
        .iter()
        .find(|row| row.get("name") == Some("www"))
        .unwrap();
    assert_eq!((www.get("max-sessions"), services.len()), (Some("3"), 8));
    let shown = |at, key| value(Menu::Lease, at, key);
    assert_eq!(shown(0, "comment").as_deref(), Some("printer"));
    assert_eq!(shown(1, "host-name").as_deref(), Some("phone"));
    assert_eq!(shown(1, "status").as_deref(), Some("bound"));
    assert_eq!(shown(1, "server").as_deref(), Some("lan"));
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_place() {
    for (text, said) in [
        ("[]", "write an object of menus"),
        (r#"{"ip/pools": []}"#, "/ip/pools\" is no menu"),
        (r#"{"ip/pools": []}"#, "ip/pool/used"),
        (r#"{"ip/pool": "x"}"#, "rows of /ip/pool: write a list of objects"),
        (r#"{"ip/pool": [1]}"#, "rows of /ip/pool: write a list of objects"),
        (
            r#"{"ip/pool": [{"name": "a"}, {"name": []}]}"#,
            "name in row 2 of /ip/pool",
        ),
        (
            r#"{"ip/dhcp-server/lease": [{"dynamic": true, "address": "x"}]}"#,
            "row 1 of /ip/dhcp-server/lease",
        ),
    ] {
        let error = Config::bare().rows_from_json(text).unwrap_err().to_string();
        assert!(error.contains(said.trim_start_matches('/')), "{text}: {error}");
    }
    let refused = Config::bare()
        .rows_from_json(r#"{"ip/pool": [{"name": "a", "ranges": "b"}]}"#)
        .unwrap();
    let refused = crate::seed::device(&refused, Clock::default())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("/ip/pool") && refused.contains("expects range"),
        "{refused}"
    );
}
