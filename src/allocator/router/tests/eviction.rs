//! A client's lease that goes for a Service: `dhcp.evict: OnRequest`.

use routeros_sim::{Config, Lease, Mac, Menu};

use super::home::Home;
use super::*;

const PHONE: &str = "192.168.1.205";

fn mac() -> Mac {
    Mac([0xAA, 0xBB, 0xCC, 0, 0, 1])
}

/// A home in which a phone has an address, whose range is cut already.
async fn with_phone(evict: &str) -> Home {
    let phone = Lease::bound(PHONE.parse().unwrap(), mac()).host_name("phone");
    let mut desk = Desk::start(Config::default().lease(phone)).await;
    desk.spec["dhcp"] = json!({"evict": evict});
    desk.apply();
    let mut home = Home::around(desk);
    home.surveyed = true;
    home.pass(Duration::from_mins(1)).await;
    home
}

fn removals(home: &Home) -> Vec<String> {
    let writes = home.desk.writes().into_iter();
    writes.filter(|write| write.starts_with("DELETE")).collect()
}

fn leases(home: &Home) -> Vec<String> {
    let rows = home.desk.sim.rows(Menu::Lease).into_iter();
    rows.filter_map(|row| row.get("address").map(str::to_owned))
        .collect()
}

#[tokio::test]
async fn a_phone_makes_room_for_the_service_that_asks_for_its_address() {
    let mut home = with_phone("OnRequest").await;
    home.create("any");
    home.pass(Duration::from_mins(1)).await;
    assert_eq!(removals(&home), [""; 0], "nobody asks for it");
    home.create_at("web", PHONE);
    home.until("the phone's lease is gone", |home| {
        !leases(home).contains(&PHONE.to_owned())
    })
    .await;
    assert_eq!(home.address("web"), None, "the phone may use it yet");
    home.until("web has the address", |home| home.address("web").is_some())
        .await;
    assert_eq!(home.address("web").as_deref(), Some(PHONE));
    home.until("it is reserved", |home| home.leases() == 2).await;
    assert_eq!(removals(&home), ["DELETE ip/dhcp-server/lease/*1"]);
    let told = home.told.iter().filter(|event| event.starts_with("LeaseRemoved"));
    let told: Vec<&String> = told.collect();
    assert!(
        told.len() == 1
            && told[0].contains("192.168.1.205 that phone (aa:bb:cc:00:00:01) had: Service default/web"),
        "{told:?}"
    );
    assert_eq!(home.desk.sim.violations(), []);
}

#[tokio::test]
async fn nobody_is_evicted_unless_it_is_said() {
    let mut home = with_phone("Never").await;
    home.create_at("web", PHONE);
    home.pass(Duration::from_mins(5)).await;
    assert_eq!((removals(&home).len(), home.address("web")), (0, None));
}

/// A Service of another load balancer, and one that is of another type, ask for nothing of ours.
#[tokio::test]
async fn who_is_not_ours_has_nobody_evicted() {
    let mut home = with_phone("OnRequest").await;
    home.create_at("theirs", PHONE);
    home.change_service("theirs", |service| service.class = Some("other/lb".to_owned()));
    home.create_at("plain", PHONE);
    home.change_service("plain", |service| service.is_load_balancer = false);
    home.pass(Duration::from_mins(5)).await;
    assert_eq!(removals(&home), [""; 0]);
}

/// A lease that a person makes static a moment before is theirs.
#[tokio::test]
async fn a_lease_that_is_made_static_meanwhile_stays() {
    let mut home = with_phone("OnRequest").await;
    let reading = home.desk.read().await.unwrap();
    let row = reading.leases.iter().find(|row| row.address.to_string() == PHONE);
    let write = Write::EvictLease {
        row: row.unwrap().clone(),
        wanted_by: "Service default/web".to_owned(),
    };
    let person = home.desk.sim.person();
    person.make_static(("address", PHONE)).unwrap();
    assert_eq!(home.desk.write(write.clone()).await, Outcome::Changed);
    assert_eq!(leases(&home), [PHONE]);
    home.create_at("web", PHONE);
    home.pass(Duration::from_mins(5)).await;
    assert_eq!((removals(&home).len(), home.address("web")), (0, None));
    // A phone that has another lease by now is another matter, too.
    person.remove(Menu::Lease, ("address", PHONE)).unwrap();
    let other = Lease::bound(PHONE.parse().unwrap(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 2]));
    home.desk.sim.lease(&other).unwrap();
    let outcome = home.desk.write(write).await;
    let harmless = matches!(outcome, Outcome::Changed | Outcome::Applied(_));
    assert!(harmless && removals(&home).is_empty(), "{outcome:?}");
}
