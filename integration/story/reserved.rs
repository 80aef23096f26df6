//! A home's plan of addresses as objects: an address is one Service's, and stands on the router before that exists.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, Row};
use serde_json::{Value, json};

use super::scene::{APPS, FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::kind::ADDRESS_RESERVATIONS;
use crate::home::{NAMESPACE, PHONE, PRINTER};
use crate::kube::SERVICES;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![reserved:
        an_address_waits_for_its_service_on_the_router_and_in_the_cluster,
        what_cannot_be_reserved_is_said_where_a_person_looks,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// The row of an address that nobody has any more goes after a minute.
const LINGERS: Duration = Duration::from_mins(2);

async fn reserve(scene: &Scene, name: &str, address: Ipv4Addr, service: &str, note: &str) -> Outcome {
    let object = json!({
        "metadata": {"name": name},
        "spec": {"address": address.to_string(), "for": format!("{APPS}/{service}"), "note": note},
    });
    let reservations = ADDRESS_RESERVATIONS.in_namespace(NAMESPACE);
    scene.home.kube().create(reservations, &object).await?;
    Ok(())
}

/// Waits until a reservation says so of itself: its message.
async fn says(scene: &Scene, name: &str, phase: &str, row: Option<&str>) -> Result<String> {
    let reservations = ADDRESS_RESERVATIONS.in_namespace(NAMESPACE);
    let what = format!("AddressReservation {name} to be {phase}, its row {row:?}");
    let fits = |object: &Value| object["status"]["phase"] == phase && object["status"]["row"].as_str() == row;
    let kube = scene.home.kube();
    let object = kube.wait_for(reservations, name, FIRST_SYNC, &what, fits).await?;
    let message = object["status"]["message"].as_str();
    Ok(message.unwrap_or_default().to_owned())
}

/// Our lease row for the address, if there is one.
fn row(scene: &Scene) -> Option<Row> {
    let row = scene.home.row(Menu::Lease, "address", &ADDRESS.to_string())?;
    let comment = row.get("comment")?;
    comment.starts_with("tiklb/v1 home/").then_some(row)
}

/// How often rows of that address were written.
fn lease_writes(scene: &Scene) -> usize {
    let address = ADDRESS.to_string();
    let journal = scene.home.router().journal();
    let of_address = |row: &Row| row.get("address") == Some(&address);
    let writes = journal
        .applied()
        .filter(|write| write.path.contains(Menu::Lease.path()));
    writes
        .filter(|write| write.row.as_ref().is_none_or(of_address))
        .count()
}

async fn an_address_waits_for_its_service_on_the_router_and_in_the_cluster(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    reserve(scene, "photos", ADDRESS, "photos", "Anna's photos").await?;
    let message = says(scene, "photos", "Free", Some("Written")).await?;
    ensure!(message == "waits for Service apps/photos", "{message:?}");
    let reserved = row(scene).context("no row stands")?;
    let comment = reserved.get("comment").unwrap_or_default();
    ensure!(comment.ends_with(" apps/photos | Anna's photos"), "{comment:?}");
    ensure!(reserved.get("dynamic") != Some("true"), "{reserved:?}");
    scene.silent(ADDRESS).await?;

    scene.ask("other", ADDRESS).await?;
    let said = scene.event(APPS, "other", "AllocationFailed").await?;
    let words = format!("{ADDRESS} is reserved by AddressReservation photos for Service apps/photos");
    ensure!(said.contains(&words), "{said}");
    scene.problem(&words).await?;
    scene.has_none("other").await?;

    scene.create_service("photos", &[]).await?;
    let (given, _) = scene.announced("photos", FIRST_SYNC).await?;
    ensure!(given == ADDRESS, "apps/photos was given {given}");
    scene.serves(ADDRESS).await?;
    says(scene, "photos", "Assigned", Some("Written")).await?;
    scene.has_none("other").await?;
    ensure!(row(scene).as_ref() == Some(&reserved), "{:?}", row(scene));

    // The reservation goes and the Service stays: nothing is written for that.
    let reservations = ADDRESS_RESERVATIONS.in_namespace(NAMESPACE);
    scene.home.kube().delete(&reservations, "photos").await?;
    let said = format!("{ADDRESS} belongs to Service apps/photos");
    scene.problem(&said).await?;
    scene.serves(ADDRESS).await?;
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), "other")
        .await?;
    scene.delete_service("photos").await?;
    let writes = lease_writes(scene);
    ensure!(
        writes == 1,
        "one row was made once, and {writes} writes are of it"
    );
    until("the row to go", LINGERS, async || {
        let row = row(scene);
        ensure!(row.is_none(), "{row:?}");
        Ok(())
    })
    .await
}

async fn what_cannot_be_reserved_is_said_where_a_person_looks(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.settle("web", ADDRESS).await?;
    let outside = Ipv4Addr::new(192, 168, 1, 99);
    reserve(scene, "stray", outside, "photos", "").await?;
    reserve(scene, "taken", ADDRESS, "photos", "").await?;
    reserve(scene, "phone", PHONE, "tv", "").await?;
    reserve(scene, "printer", PRINTER, "tv", "").await?;
    let message = says(scene, "phone", "Held", Some("Foreign")).await?;
    ensure!(message.contains("annas-phone"), "{message:?}");
    says(scene, "printer", "Held", Some("Pending")).await?;
    says(scene, "stray", "OutsidePools", None).await?;
    let warning = format!("AddressReservation stray: {outside} is in no IPAddressPool");
    scene.warning(&warning).await?;
    let said = scene.event(NAMESPACE, "taken", "ReservationTaken").await?;
    ensure!(
        said.starts_with(&format!("Service apps/web has had {ADDRESS} since before")),
        "{said}"
    );
    says(scene, "taken", "Taken", Some("Written")).await?;
    scene.create_service("photos", &[]).await?;
    let said = scene.event(APPS, "photos", "AllocationFailed").await?;
    ensure!(said.contains("belongs to Service apps/web"), "{said}");
    scene.has_none("photos").await?;
    // Nobody waits for silence: the next one has the address at once.
    scene
        .home
        .kube()
        .delete(SERVICES.in_namespace(APPS), "web")
        .await?;
    let (given, _) = scene.announced("photos", SOON).await?;
    ensure!(given == ADDRESS, "apps/photos was given {given}");
    Ok(())
}
