//! The property tables against the schemas that routers gave of themselves.

use super::*;
use crate::version::Version;

/// Writable properties by menu: those of 7.12.2, then what 7.16.2, 7.20.8 and 7.24 add (`set` and `add` arguments
/// as `/console/inspect` lists them; `copy-from` and `numbers` are no properties).
const SCHEMAS: [(Menu, &str, [&str; 3]); 12] = [
    (Menu::Pool, "comment name next-pool ranges", ["", "", ""]),
    (
        Menu::DhcpServer,
        "add-arp address-pool allow-dual-stack-queue always-broadcast authoritative bootp-lease-time bootp-support \
         client-mac-limit comment conflict-detection delay-threshold dhcp-option-set disabled insert-queue-before \
         interface lease-script lease-time name parent-queue relay server-address use-framed-as-classless use-radius",
        [
            "",
            "address-lists use-reconfigure",
            "add-dns-entries add-dns-entries-suffix dynamic-lease-identifiers support-broadband-tr101",
        ],
    ),
    (
        Menu::Network,
        "address boot-file-name caps-manager comment dhcp-option dhcp-option-set dns-none dns-server domain gateway \
         netmask next-server ntp-server wins-server",
        ["", "ntp-none", ""],
    ),
    (
        Menu::Lease,
        "address address-lists allow-dual-stack-queue always-broadcast block-access client-id comment dhcp-option \
         dhcp-option-set disabled insert-queue-before lease-time mac-address parent-queue queue-type rate-limit routes \
         server use-src-mac",
        ["", "", "agent-circuit-id agent-remote-id"],
    ),
    (
        Menu::Arp,
        "address comment disabled interface mac-address published",
        ["", "", ""],
    ),
    (
        Menu::Address,
        "address broadcast comment disabled interface netmask network",
        ["", "", ""],
    ),
    (Menu::Interface, "comment disabled l2mtu mtu name", ["", "", ""]),
    (
        Menu::User,
        "address comment disabled group name password",
        ["inactivity-policy inactivity-timeout", "", ""],
    ),
    (Menu::UserGroup, "comment name policy skin", ["", "", ""]),
    // `place-before` is an argument of `add`, no property.
    (
        Menu::DnsStatic,
        "address address-list cname comment disabled forward-to match-subdomain mx-exchange mx-preference name ns \
         regexp srv-port srv-priority srv-target srv-weight text ttl type",
        ["", "", ""],
    ),
    (
        Menu::Matcher,
        "address-pool code disabled name option-set server value",
        ["comment matching-type", "", ""],
    ),
    (
        Menu::DhcpConfig,
        "accounting interim-update radius-password store-leases-disk",
        ["", "", ""],
    ),
];

/// `/ip/settings` also loses a property.
const SETTINGS: [(&str, &str); 4] = [
    (
        "7.12.2",
        "accept-redirects accept-source-route allow-fast-path arp-timeout icmp-rate-limit icmp-rate-mask ip-forward \
         max-neighbor-entries route-cache rp-filter secure-redirects send-redirects tcp-syncookies",
    ),
    (
        "7.16.2",
        "accept-redirects accept-source-route allow-fast-path arp-timeout icmp-rate-limit icmp-rate-mask ip-forward \
         ipv4-multipath-hash-policy max-neighbor-entries rp-filter secure-redirects send-redirects tcp-syncookies",
    ),
    (
        "7.20.8",
        "accept-redirects accept-source-route allow-fast-path arp-timeout icmp-errors-use-inbound-interface-address \
         icmp-rate-limit icmp-rate-mask ip-forward ipv4-multipath-hash-policy max-neighbor-entries rp-filter \
         secure-redirects send-redirects tcp-syncookies tcp-timestamps",
    ),
    (
        "7.24",
        "accept-redirects accept-source-route allow-fast-path arp-timeout icmp-errors-use-inbound-interface-address \
         icmp-rate-limit icmp-rate-mask ip-forward ipv4-fragment-time ipv4-high-fragment-thresh \
         ipv4-multipath-hash-policy max-neighbor-entries rp-filter secure-redirects send-redirects tcp-syncookies \
         tcp-timestamps",
    ),
];

fn properties(menu: Menu, version: &str) -> Vec<&'static str> {
    let version: Version = version.parse().unwrap();
    let known = menu
        .spec()
        .properties
        .iter()
        .filter(|property| property.exists_in(&version));
    let mut names: Vec<&str> = known.map(|property| property.name).collect();
    names.sort_unstable();
    names
}

#[test]
fn item_14_properties_are_those_of_the_schemas_in_each_version() {
    for (menu, oldest, added) in SCHEMAS {
        let mut expected: Vec<&str> = oldest.split_whitespace().collect();
        for (version, more) in ["7.12.2", "7.16.2", "7.20.8", "7.24"]
            .into_iter()
            .zip([""].iter().chain(&added))
        {
            expected.extend(more.split_whitespace());
            expected.sort_unstable();
            assert_eq!(properties(menu, version), expected, "{menu} {version}");
        }
    }
    for (version, expected) in SETTINGS {
        assert_eq!(
            properties(Menu::Settings, version).join(" "),
            expected,
            "{version}"
        );
    }
}

/// `/ip/service/webserver` stands in no schema before 7.21.
#[test]
fn item_14_the_web_servers_toggles_are_those_of_the_schema() {
    assert_eq!(
        properties(Menu::Webserver, "7.24").join(" "),
        "acme-plain crl-plain graphs-plain graphs-secure index-plain index-secure rest-plain rest-secure scep-plain \
         webfig-plain webfig-secure"
    );
}

#[test]
fn no_menu_names_a_property_twice() {
    for menu in Menu::ALL {
        let mut names: Vec<&str> = menu
            .spec()
            .properties
            .iter()
            .map(|property| property.name)
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{menu}");
    }
}

#[test]
fn paths_are_read_with_and_without_a_slash() {
    assert_eq!("/ip/pool".parse(), Ok(Menu::Pool));
    assert_eq!("ip/pool/used".parse(), Ok(Menu::PoolUsed));
    assert!("/ip".parse::<Menu>().is_err());
}
