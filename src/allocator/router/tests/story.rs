//! Core's allocator, the sessions and the simulated router together: from a router as bought to one that agrees, and
//! back to what it was.

use routeros_sim::{FailingWrites, Lease, Mac, Menu, diff};
use tiklb_core::reservation::ConditionKind::{
    Authorized, NoConflicts, PoolsExcluded, Reachable, ReservationsInSync,
};

use super::home::Home;
use super::*;

const CUT: &str = "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254";
const WHOLE: &str = "192.168.1.100-192.168.1.254";
/// Without the addresses of two Services.
const PARTLY: &str = "192.168.1.100-192.168.1.199,192.168.1.201,192.168.1.203-192.168.1.254";
const HOLDS: &str = "tiklb/v1 home/1a2b3c4d holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool";

/// What a menu's row is, as far as `keys` go.
fn row(home: &Home, menu: Menu, named: (&str, &str), keys: &[&str]) -> Option<Vec<String>> {
    let rows = home.desk.sim.rows(menu);
    let row = rows.iter().find(|row| row.get(named.0) == Some(named.1))?;
    let value = |key: &&str| row.get(key).unwrap_or_default().to_owned();
    Some(keys.iter().map(value).collect())
}

fn ranges_of(home: &Home, pool: &str) -> Option<String> {
    row(home, Menu::Pool, ("name", pool), &["ranges"]).map(|mut row| row.remove(0))
}

#[tokio::test]
async fn a_first_sync_a_service_and_everything_given_back() {
    let phone = Lease::bound([192, 168, 1, 201].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let mut home = Home::start(Config::default().lease(phone.host_name("phone"))).await;
    let before = home.desk.sim.snapshot().settled();
    the_range_is_taken(&mut home).await;
    services_get_addresses_and_rows(&mut home).await;
    the_announcer_is_shown(&mut home).await;
    let writes = home.desk.writes().len();
    home.pass(Duration::from_mins(10)).await;
    assert_eq!(
        home.desk.writes().len(),
        writes,
        "a router that agrees is only read"
    );
    all_is_given_back(&mut home).await;
    let difference = diff(&before, &home.desk.sim.snapshot().settled());
    assert!(difference.is_empty(), "{difference}");
    assert_eq!(home.desk.writes(), writes_of_the_whole_story());
}

async fn the_range_is_taken(home: &mut Home) {
    home.until("the range is excluded", |home| {
        home.reason(PoolsExcluded) == "Excluded" && home.reason(ReservationsInSync) == "InSync"
    })
    .await;
    assert_eq!(ranges_of(home, "dhcp_pool").as_deref(), Some(CUT));
    let ours = row(
        home,
        Menu::Pool,
        ("name", "tiklb-home-lan"),
        &["ranges", "comment"],
    );
    assert_eq!(ours, Some([OURS, HOLDS].map(str::to_owned).to_vec()));
    assert_eq!(home.reason(NoConflicts), "AddressesHeld", "the phone's");
}

async fn services_get_addresses_and_rows(home: &mut Home) {
    home.create("web");
    home.pass(Duration::from_mins(2)).await;
    assert_eq!(home.address("web"), None, "no survey has spoken");
    home.surveyed = true;
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    assert_eq!(home.address("web").as_deref(), Some(VIP));
    home.create("db");
    home.until("db has an address", |home| home.address("db").is_some())
        .await;
    let after_the_phone = Some("192.168.1.202");
    assert_eq!(home.address("db").as_deref(), after_the_phone);
    home.until("both have a lease row", |home| home.leases() == 2)
        .await;
    let shown = ["mac-address", "server", "comment", "disabled"];
    let lease = row(home, Menu::Lease, ("address", VIP), &shown);
    let expected = ["02:4C:C0:A8:01:C8", "defconf", MARK, "false"].map(str::to_owned);
    assert_eq!(lease, Some(expected.to_vec()));
}

async fn the_announcer_is_shown(home: &mut Home) {
    home.announce("web", 1);
    home.until("the announcer is shown", |home| home.arps() == 1)
        .await;
    let shown = ["mac-address", "interface", "comment", "disabled"];
    let arp = row(home, Menu::Arp, ("address", VIP), &shown);
    let expected = ["48:A9:8A:01:00:01", "bridge", MARK, "true"].map(str::to_owned);
    assert_eq!(arp, Some(expected.to_vec()));
    home.announce("web", 2);
    home.until("it follows the announcer", |home| {
        let mac = row(home, Menu::Arp, ("address", VIP), &["mac-address"]);
        mac == Some(vec!["48:A9:8A:01:00:02".to_owned()])
    })
    .await;
}

async fn all_is_given_back(home: &mut Home) {
    home.delete_router();
    home.pass(Duration::from_mins(1)).await;
    assert_eq!(
        ranges_of(home, "dhcp_pool").as_deref(),
        Some(PARTLY),
        "what Services still have is not given back"
    );
    assert_eq!((home.leases(), home.object.is_some()), (2, true));
    home.delete("web");
    home.delete("db");
    home.until("the object is gone", |home| home.object.is_none())
        .await;
}

/// Each is of one row, in the order of the plan; nothing else was ever written.
fn writes_of_the_whole_story() -> Vec<String> {
    let set_pool = |ranges: &str| format!(r#"PATCH ip/pool/*1 {{"ranges":"{ranges}"}}"#);
    let lease = |address: &str, mac: &str, name: &str| {
        format!(
            r#"PUT ip/dhcp-server/lease {{"address":"{address}","comment":"tiklb/v1 home/1a2b3c4d default/{name}","mac-address":"{mac}","server":"defconf"}}"#
        )
    };
    vec![
        set_pool(CUT),
        format!(r#"PUT ip/pool {{"comment":"{HOLDS}","name":"tiklb-home-lan","ranges":"{OURS}"}}"#),
        lease(VIP, "02:4C:C0:A8:01:C8", "web"),
        lease("192.168.1.202", "02:4C:C0:A8:01:CA", "db"),
        format!(
            r#"PUT ip/arp {{"address":"{VIP}","comment":"{MARK}","disabled":"true","interface":"bridge","mac-address":"48:A9:8A:01:00:01"}}"#
        ),
        r#"PATCH ip/arp/*1 {"disabled":"true","mac-address":"48:A9:8A:01:00:02"}"#.to_owned(),
        set_pool(PARTLY),
        "DELETE ip/arp/*1".to_owned(),
        "DELETE ip/dhcp-server/lease/*2".to_owned(),
        "DELETE ip/dhcp-server/lease/*3".to_owned(),
        "DELETE ip/pool/*2".to_owned(),
        set_pool(WHOLE),
    ]
}

#[tokio::test]
async fn a_cut_whose_answer_was_lost_is_made_once() {
    let mut home = Home::start(Config::default()).await;
    home.surveyed = true;
    let faults = home.desk.sim.faults();
    home.desk
        .sim
        .faults()
        .between_read_and_write(Menu::Pool, move |_| faults.unreachable(true));
    home.until("the cut is refused or unknown", |home| {
        home.reason(ReservationsInSync) == "WriteFailed"
    })
    .await;
    home.create("web");
    home.pass(Duration::from_mins(1)).await;
    assert_eq!(home.reason(Reachable), "Unreachable");
    assert_eq!(home.address("web"), None);
    home.desk.sim.faults().unreachable(false);
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    home.until("all is in sync", |home| {
        home.reason(ReservationsInSync) == "InSync"
    })
    .await;
    let cuts = home
        .desk
        .writes()
        .iter()
        .filter(|write| write.contains(CUT))
        .count();
    assert_eq!(cuts, 1);
}

#[tokio::test]
async fn what_people_do_meanwhile_is_kept_or_put_right() {
    let mut home = Home::start(Config::default()).await;
    home.surveyed = true;
    home.create("web");
    home.announce("web", 1);
    home.until("web is on the router", |home| home.arps() == 1).await;
    let person = home.desk.sim.person();
    // A note is kept, in any characters; a row that is gone is made again.
    let noted = format!("{MARK} | für Bob");
    person
        .set(Menu::Lease, ("comment", MARK), [("comment", noted.as_str())])
        .unwrap();
    person.remove(Menu::Arp, ("address", VIP)).unwrap();
    // A pool that grows beyond our range keeps what was added.
    let grown = format!("192.168.1.50-192.168.1.60,{WHOLE}");
    person
        .set(Menu::Pool, ("name", "dhcp_pool"), [("ranges", grown.as_str())])
        .unwrap();
    home.until("the row is back", |home| home.arps() == 1).await;
    assert_eq!(
        ranges_of(&home, "dhcp_pool"),
        Some(format!("192.168.1.50-192.168.1.60,{CUT}"))
    );
    // Switched off it reserves nothing.
    person
        .set(Menu::Lease, ("address", VIP), [("disabled", "yes")])
        .unwrap();
    home.until("the lease is on again", |home| {
        row(home, Menu::Lease, ("address", VIP), &["disabled", "comment"])
            == Some(vec!["false".to_owned(), noted.clone()])
    })
    .await;
    assert_eq!(home.desk.sim.violations(), []);
}

/// Core once asked for this row again and again without a pause, each time with a whole reading.
#[tokio::test]
async fn somebody_elses_arp_row_is_left_and_said() {
    let mut home = Home::start(Config::default()).await;
    home.surveyed = true;
    home.create("web");
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    let theirs = [
        ("address", VIP),
        ("interface", "bridge"),
        ("mac-address", "AA:BB:CC:00:00:01"),
        ("disabled", "yes"),
    ];
    home.desk.sim.person().add(Menu::Arp, theirs).unwrap();
    home.pass(Duration::from_mins(1)).await;
    home.announce("web", 1);
    let reads = home.desk.sim.journal().reads[&Menu::Arp];
    home.pass(Duration::from_mins(10)).await;
    assert_eq!(home.reason(ReservationsInSync), "ForeignRow");
    let reads = home.desk.sim.journal().reads[&Menu::Arp] - reads;
    assert!(reads <= 25, "{reads} readings in ten minutes");
    assert_eq!(home.desk.sim.rows(Menu::Arp).len(), 1);
}

#[tokio::test]
async fn a_refused_write_and_a_changed_password_mend_themselves() {
    let mut home = Home::start(Config::default()).await;
    home.surveyed = true;
    let failing = FailingWrites::before_applying().menu(Menu::Lease).times(1);
    home.desk.sim.faults().fail_writes(failing);
    home.create("web");
    home.until("the lease is refused", |home| {
        home.reason(ReservationsInSync) == "WriteFailed"
    })
    .await;
    home.until("it is made after a while", |home| home.leases() == 1)
        .await;
    home.desk.sim.faults().password("tiklb", "another").unwrap();
    home.until("the password is wrong", |home| {
        home.reason(Authorized) == "WrongCredentials"
    })
    .await;
    home.desk
        .set_secret("mikrotik", &[("username", "tiklb"), ("password", "another")]);
    let before = home.now.mono;
    home.secrets_changed();
    home.until("the new one works", |home| {
        home.reason(Authorized) == "Authorized"
    })
    .await;
    assert!(
        home.now.mono.since(before) < Duration::from_secs(2),
        "at once, not after the back-off"
    );
}

/// The goal of the design: at most six reads a poll and no write, while nothing changes.
#[tokio::test]
async fn a_router_that_agrees_is_asked_little_and_told_nothing() {
    let mut home = Home::start(Config::default()).await;
    home.surveyed = true;
    for name in ["web", "db", "mail"] {
        home.create(name);
    }
    home.until("all is on the router", |home| {
        home.leases() == 3 && home.reason(ReservationsInSync) == "InSync"
    })
    .await;
    home.pass(Duration::from_mins(2)).await;
    let sums = |home: &Home| {
        let journal = home.desk.sim.journal();
        let polls = journal.reads[&Menu::Lease];
        (journal.reads.values().sum::<u64>(), polls, journal.writes.len())
    };
    let (reads, polls, writes) = sums(&home);
    home.pass(Duration::from_hours(1)).await;
    let (reads, polls) = (sums(&home).0 - reads, sums(&home).1 - polls);
    assert!((115..=125).contains(&polls), "{polls} polls in an hour");
    assert!(reads <= 6 * polls, "{reads} reads in {polls} polls");
    assert!(
        home.desk.sim.journal().reads[&Menu::Bridge] >= 6,
        "the rest is read now and then"
    );
    assert_eq!(sums(&home).2, writes);
}
