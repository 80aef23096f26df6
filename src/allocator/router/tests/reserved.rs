//! An address that is kept for a Service: on the router before the Service exists, and the same row afterwards.

use routeros_sim::{Lease, Mac, Menu};
use tiklb_core::reservation::ConditionKind::ReservationsInSync;

use super::home::Home;
use super::*;

const KEPT: &str = "192.168.1.205";
const ADDED: &str = r#"PUT ip/dhcp-server/lease {"address":"192.168.1.205","comment":"tiklb/v1 home/1a2b3c4d default/photos | Anna's photos","mac-address":"02:4C:C0:A8:01:CD","server":"defconf"}"#;

/// Writes to the menu of leases.
fn writes(home: &Home) -> Vec<String> {
    let writes = home.desk.writes();
    writes
        .into_iter()
        .filter(|write| write.contains("ip/dhcp-server/lease"))
        .collect()
}

fn comment_of(home: &Home, address: &str) -> Option<String> {
    let rows = home.desk.sim.rows(Menu::Lease);
    let row = rows.iter().find(|row| row.get("address") == Some(address))?;
    row.get("comment").map(str::to_owned)
}

#[tokio::test]
async fn a_reserved_address_is_one_row_from_the_reservation_to_the_end_of_both() {
    let mut home = Home::start(Config::default()).await;
    home.reserve("photos", KEPT, "photos", "Anna's photos");
    home.surveyed = true;
    home.until("the row stands", |home| home.leases() == 1).await;
    home.pass(Duration::from_mins(1)).await;
    assert_eq!(home.said_of("photos"), "Free Written");
    home.create("web");
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    assert_eq!(home.address("web").as_deref(), Some(VIP));
    home.create("photos");
    home.until("photos has its address", |home| home.address("photos").is_some())
        .await;
    assert_eq!(home.address("photos").as_deref(), Some(KEPT));
    home.until("web has its row", |home| home.leases() == 2).await;
    assert_eq!(home.said_of("photos"), "Assigned Written");
    home.unreserve("photos");
    home.pass(Duration::from_mins(10)).await;
    // Nobody else gets it, although no reservation says so any more.
    home.follow(false);
    home.pass(Duration::from_mins(10)).await;
    assert_eq!(writes(&home)[0], ADDED);
    assert_eq!(writes(&home).len(), 2, "{:?}", writes(&home));
    home.delete("photos");
    home.until("its row is gone", |home| home.leases() == 1).await;
    assert_eq!(writes(&home).last().unwrap(), "DELETE ip/dhcp-server/lease/*1");
    assert_eq!(home.desk.sim.violations(), []);
}

#[tokio::test]
async fn what_others_have_is_said_and_not_claimed() {
    let phone = Lease::bound([192, 168, 1, 201].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let printer = Lease::fixed([192, 168, 1, 206].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 2]));
    let config = Config::default()
        .lease(phone.host_name("phone"))
        .lease(printer.comment("the printer"));
    let mut home = Home::start(config).await;
    home.surveyed = true;
    home.create("web");
    home.until("web has an address", |home| home.address("web").is_some())
        .await;
    home.reserve("web", VIP, "photos", "photos");
    home.reserve("phone", "192.168.1.201", "tv", "");
    home.reserve("printer", "192.168.1.206", "tv", "");
    home.reserve("stray", "192.168.9.9", "tv", "");
    home.reserve("twice", "192.168.1.206", "db", "");
    home.create("photos");
    home.pass(Duration::from_mins(5)).await;
    assert_eq!(home.said_of("web"), "Taken Written");
    assert_eq!(home.said_of("phone"), "Held Foreign");
    assert_eq!(home.said_of("printer"), "Held Foreign");
    assert_eq!(home.said_of("stray"), "OutsidePools None");
    assert_eq!(home.said_of("twice"), "Invalid None");
    let taken = home
        .told
        .iter()
        .filter(|event| event.starts_with("ReservationTaken"));
    let taken: Vec<&String> = taken.collect();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(
        taken[0].starts_with("ReservationTaken web: Service default/web has had 192.168.1.200"),
        "{taken:?}"
    );
    assert_eq!(home.address("photos"), None, "its address is web's");
    assert_eq!(home.reason(ReservationsInSync), "InSync");
    assert_eq!(home.leases(), 1);
    assert_eq!(comment_of(&home, VIP).as_deref(), Some(MARK));
    // Web goes: the row becomes the other's, and so does the address.
    home.delete("web");
    home.until("photos has its address", |home| home.address("photos").is_some())
        .await;
    assert_eq!(home.address("photos").as_deref(), Some(VIP));
    home.until("the row is its", |home| {
        comment_of(home, VIP).is_some_and(|comment| comment.ends_with(" default/photos | photos"))
    })
    .await;
    assert!(
        writes(&home).iter().all(|write| !write.starts_with("DELETE")),
        "{:?}",
        writes(&home)
    );
    assert_eq!(home.said_of("web"), "Assigned Written");
}

/// What `plan --import` prints: the person's row, and a reservation for the Service that it was written for.
#[tokio::test]
async fn a_persons_lease_stands_for_the_service_that_its_address_is_reserved_for() {
    let theirs = Lease::fixed([192, 168, 1, 205].into(), Mac([0xAA, 0xBB, 0xCC, 0, 0, 1]));
    let mut home = Home::start(Config::default().lease(theirs.comment("photos"))).await;
    home.surveyed = true;
    home.reserve("photos", KEPT, "photos", "photos");
    home.create("photos");
    home.pass(Duration::from_mins(5)).await;
    assert_eq!(
        home.address("photos"),
        None,
        "it does not say that the row is its"
    );
    assert_eq!(home.said_of("photos"), "Held Foreign");
    home.create_for_a_lease("photos");
    home.until("photos has its address", |home| home.address("photos").is_some())
        .await;
    home.pass(Duration::from_mins(5)).await;
    assert_eq!(home.address("photos").as_deref(), Some(KEPT));
    assert_eq!(home.said_of("photos"), "Assigned Foreign");
    assert_eq!(home.reason(ReservationsInSync), "InSync");
    assert_eq!(comment_of(&home, KEPT).as_deref(), Some("photos"));
    assert_eq!((home.leases(), writes(&home)), (0, vec![]));
}
