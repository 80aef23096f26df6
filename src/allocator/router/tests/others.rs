//! Others that use addresses on the router: PPP, hotspots, containers, what clients are told, where ports lead.

use routeros_sim::{Config, Menu};
use tiklb_core::reservation::ConditionKind::{NoConflicts, PoolsExcluded, ReservationsInSync};

use super::home::Home;
use super::*;

/// Menus that hardly change, one of each kind.
const SLOW: [Menu; 10] = [
    Menu::PoolUsed,
    Menu::Matcher,
    Menu::Vlan,
    Menu::Veth,
    Menu::PppProfile,
    Menu::PppSecret,
    Menu::Hotspot,
    Menu::HotspotUserProfile,
    Menu::ModeConfig,
    Menu::Nat,
];

async fn home(config: Config) -> Home {
    let mut home = Home::start(config).await;
    home.surveyed = true;
    home
}

/// 200 is a PPP user's, 201 the DNS server, 202 has a port forward, 203 is a container's, 204 a client's of a VPN.
fn crowded() -> Config {
    Config::default()
        .row(
            Menu::PppSecret,
            [("name", "anna"), ("remote-address", "192.168.1.200")],
        )
        .row(
            Menu::Nat,
            [
                ("chain", "dstnat"),
                ("action", "dst-nat"),
                ("to-addresses", "192.168.1.202"),
            ],
        )
        .row(Menu::Veth, [("name", "veth1"), ("address", "192.168.1.203/24")])
        .row(Menu::Pool, [("name", "vpn"), ("ranges", "10.9.0.2-10.9.0.9")])
        .row(
            Menu::PoolUsed,
            [("pool", "vpn"), ("address", "192.168.1.204"), ("owner", "l2tp")],
        )
}

#[tokio::test]
async fn addresses_of_others_are_passed_over_and_what_is_pointed_to_waits_for_its_name() {
    let mut home = home(crowded()).await;
    let told = [("dns-server", "192.168.1.201")];
    let person = home.desk.sim.person();
    person
        .set(Menu::Network, ("address", "192.168.1.0/24"), told)
        .unwrap();
    home.create("any");
    home.until("any has an address", |home| home.address("any").is_some())
        .await;
    assert_eq!(home.address("any").as_deref(), Some("192.168.1.205"));
    assert_eq!(home.reason(NoConflicts), "AddressesHeld");
    let held = &home.status.conflicts.entries;
    let said = |words: &str| held.iter().any(|line| line.contains(words));
    assert!(
        said("192.168.1.200 the remote-address of a PPP secret"),
        "{held:?}"
    );
    assert!(said("192.168.1.203 a container on veth1"), "{held:?}");
    assert!(said("192.168.1.204 a client of l2tp"), "{held:?}");
    assert_eq!(held.len(), 3, "{held:?}");
    for (name, address) in [
        ("dns", "192.168.1.201"),
        ("web", "192.168.1.202"),
        ("vpn", "192.168.1.200"),
    ] {
        home.create_at(name, address);
    }
    home.pass(Duration::from_mins(2)).await;
    assert_eq!(home.address("dns").as_deref(), Some("192.168.1.201"));
    assert_eq!(home.address("web").as_deref(), Some("192.168.1.202"));
    assert_eq!(home.address("vpn"), None, "whoever asks");
    assert_eq!(home.desk.sim.violations(), []);
}

#[tokio::test]
async fn a_pool_that_a_vpn_takes_from_is_left_until_it_is_named() {
    let profile = [
        ("name", "road"),
        ("local-address", "192.168.1.1"),
        ("remote-address", "dhcp_pool"),
    ];
    let mut home = home(Config::default().row(Menu::PppProfile, profile)).await;
    home.pass(Duration::from_mins(2)).await;
    assert_eq!(home.reason(PoolsExcluded), "PoolShared");
    let said = &home.status.conditions[&PoolsExcluded].message;
    assert!(said.contains("also used by PPP profile road"), "{said}");
    assert_eq!(home.desk.writes(), [""; 0]);
    home.desk.spec["dhcp"] = json!({"pools": ["dhcp_pool"]});
    home.desk.apply();
    let spec = seen(&home.desk.spec).object.spec;
    home.change_router(|object| object.spec = spec);
    home.until("the range is excluded", |home| {
        home.reason(PoolsExcluded) == "Excluded"
    })
    .await;
}

/// What a person adds meanwhile is seen within the time that these menus go unread.
#[tokio::test]
async fn a_secret_that_a_person_adds_is_seen_after_a_while() {
    let mut home = home(Config::default()).await;
    home.until("the range is excluded", |home| {
        home.reason(PoolsExcluded) == "Excluded"
    })
    .await;
    let bob = [("name", "bob"), ("remote-address", "192.168.1.200")];
    home.desk.sim.person().add(Menu::PppSecret, bob).unwrap();
    home.pass(Duration::from_mins(11)).await;
    home.create("web");
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    assert_eq!(home.address("web").as_deref(), Some("192.168.1.201"));
}

#[tokio::test]
async fn menus_that_hardly_change_are_read_before_writes_and_every_ten_minutes() {
    let mut home = home(Config::default()).await;
    home.create("web");
    home.until("all is on the router", |home| {
        home.leases() == 1 && home.reason(ReservationsInSync) == "InSync"
    })
    .await;
    let counts = |home: &Home| {
        let reads = home.desk.sim.journal().reads;
        SLOW.map(|menu| reads.get(&menu).copied().unwrap_or_default())
    };
    assert!(
        counts(&home).iter().all(|reads| *reads >= 2),
        "{:?}",
        counts(&home)
    );
    let before = counts(&home);
    home.pass(Duration::from_hours(1)).await;
    let after = counts(&home);
    for (menu, (before, after)) in SLOW.iter().zip(before.iter().zip(after)) {
        let reads = after - before;
        assert!((5..=7).contains(&reads), "{menu}: {reads} in an hour");
    }
}
