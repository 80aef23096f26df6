//! What the pages tell a person to type, line by line: it is read from the page, typed on a home, ends as it should and shows
//! what the page promises. What only looks writes nothing.
//!
//! With kubectl on a real cluster alone, where there is one.

mod cure;
mod installation;
mod line;
mod promise;

use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use routeros_sim::{Menu, PASSWORD, Snapshot};
use serde_json::json;

use super::desk::Desk;
use super::scene::{FIRST_SYNC, GRACE, MIKROTIK, SOON, Scene};
use super::{Outcome, Story, doctor, stories};
use crate::apiserver::ApiServer;
use crate::home::kind::{IP_ADDRESS_POOLS, MIKROTIK_ROUTERS};
use crate::home::{NAMESPACE, deployed, homelab};
use crate::wait::until;
use line::Line;
use promise::{ASKED, FIRST_LOOK, IN_THE_GUIDE, SHOWN, WAYS_BACK, WORD};

pub(super) fn stories() -> Vec<Story> {
    let mut all = stories![command:
        a_router_is_looked_at_before_anything_is_written,
        a_home_that_runs_tells_what_it_is_asked,
        each_way_back_gives_everything_back,
        a_whole_range_goes_with_a_persons_word,
    ];
    all.extend(cure::stories());
    all.extend(installation::stories());
    all
}

/// The guide's Service that asks for an address.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 203);
const NAME: [&str; 2] = ["immich", "immich-server-lan"];
const PORT: u16 = 2_283;

/// How tiklb's programs are called by the API server; everybody else is a person.
const PROGRAM: &str = "system:";

/// The router as it was before, and what had been written by then: to it, and by people in the embedded API.
struct Before {
    rows: Snapshot,
    writes: usize,
    applied: usize,
}

impl Before {
    fn of(scene: &Scene) -> Self {
        Self {
            rows: scene.home.router().snapshot(),
            writes: scene.home.router().journal().writes.len(),
            applied: by_people(scene).len(),
        }
    }

    /// Its configuration is the same.
    fn is_back(&self, scene: &Scene) -> Outcome {
        scene.router_is_as(&self.rows)
    }

    /// And nobody wrote to it, nor a person to the API.
    fn is_untouched(&self, scene: &Scene) -> Outcome {
        self.is_back(scene)?;
        let journal = scene.home.router().journal();
        let since: Vec<String> = journal
            .writes
            .iter()
            .skip(self.writes)
            .map(ToString::to_string)
            .collect();
        ensure!(since.is_empty(), "something was written: {since:?}");
        let applied = by_people(scene).split_off(self.applied);
        ensure!(applied.is_empty(), "something was written: {applied:?}");
        Ok(())
    }
}

/// What people wrote. A real cluster keeps no such list.
fn by_people(scene: &Scene) -> Vec<String> {
    let api = scene.home.control_plane().embedded();
    let writes = api.map(ApiServer::writes).unwrap_or_default();
    let by_a_person = writes.iter().filter(|write| !write.user.starts_with(PROGRAM));
    by_a_person.map(ToString::to_string).collect()
}

/// Every line that a story types, as it stands on its page.
pub(super) fn typed() -> Result<Vec<String>> {
    let all = FIRST_LOOK
        .iter()
        .chain([&IN_THE_GUIDE])
        .chain(&ASKED)
        .chain(&SHOWN)
        .chain(&WAYS_BACK)
        .chain([&WORD])
        .chain(cure::lines())
        .chain(installation::lines());
    all.map(Line::on_page).collect()
}

/// A router that people have given an address to in the middle of the range.
async fn a_router_is_looked_at_before_anything_is_written(scene: &mut Scene) -> Outcome {
    let scanner = [
        ("address", "192.168.1.215"),
        ("mac-address", "02:53:43:41:00:01"),
        ("server", "defconf"),
        ("comment", "scanner"),
    ];
    scene.home.router().person().add(Menu::Lease, scanner)?;
    let before = Before::of(scene);
    let desk = Desk::open(&scene.home)?;
    let [enroll, distrust, plan, import, from_export, earlier] = FIRST_LOOK;
    enroll.plays(scene, &desk).await?;
    let written = fs::read_to_string(desk.file("router.yaml"))?;
    ensure!(
        written.contains("kind: Secret") && written.contains("kind: MikrotikRouter"),
        "{written}"
    );
    ensure!(!written.contains(PASSWORD), "nobody asked for the password");
    distrust.plays(scene, &desk).await?;
    fs::write(desk.repository().join("router.yaml"), written)?;
    fs::copy(homelab("ipaddresspool"), desk.repository().join("pool.yaml"))?;
    plan.plays(scene, &desk).await?;
    import.plays(scene, &desk).await?;
    fs::write(desk.file("router.rsc"), EXPORT)?;
    from_export.plays(scene, &desk).await?;
    let commands = fs::read_to_string(desk.file("tiklb.rsc"))?;
    ensure!(
        commands.contains("/ip pool set [find where name=\"dhcp_pool\"]"),
        "{commands}"
    );
    fs::write(desk.repository().join("old.yaml"), EARLIER_POOL)?;
    earlier.plays(scene, &desk).await?;
    in_the_guide(scene, &desk).await?;
    before.is_untouched(scene)
}

/// What `/export` writes on a router without REST.
const EXPORT: &str = "# 2026-11-28 08:00:00 by RouterOS 6.49.17\n# model = RB750Gr3\n/ip pool\n\
    add name=dhcp_pool ranges=192.168.1.100-192.168.1.254\n/ip dhcp-server\n\
    add address-pool=dhcp_pool disabled=no interface=bridge name=defconf\n/ip address\n\
    add address=192.168.1.1/24 interface=bridge network=192.168.1.0\n";

/// What MetalLB read before 0.14.
const EARLIER_POOL: &str = "apiVersion: metallb.io/v1beta1\nkind: AddressPool\n\
    metadata: {name: old, namespace: metallb-system}\nspec: {protocol: layer2, addresses: [192.168.1.240-192.168.1.250]}\n";

/// A person copies the guide's repository, and has the router's CA and password beside it.
async fn in_the_guide(scene: &Scene, desk: &Desk) -> Outcome {
    let copy = format!("cp -r {} copy", deployed("examples/homelab").display());
    desk.types(scene, &copy, 0, &[]).await?;
    IN_THE_GUIDE.plays_in(scene, desk, &desk.file("copy")).await
}

/// The guide's pool, router and reservations, one of its Services announced, and a doctor who finds nothing.
async fn running(scene: &mut Scene) -> Outcome {
    let all = [
        "ipaddresspool",
        "l2advertisement",
        "mikrotikrouter",
        "addressreservations",
    ];
    scene.apply_homelab(&all).await?;
    scene.in_sync().await?;
    scene.apply_homelab(&["services"]).await?;
    let [namespace, name] = NAME;
    scene.home.put_endpoints_everywhere(namespace, name).await?;
    let given = scene.home.service_address(namespace, name, FIRST_SYNC).await?;
    ensure!(given == ADDRESS, "it asks for {ADDRESS} and was given {given}");
    scene.home.serve(ADDRESS, PORT).await?;
    scene.home.announcer(ADDRESS, SOON).await?;
    scene.home.all_hear_each_other().await?;
    // The person asks the router beside the allocator.
    scene.allocators += 1;
    doctor::says(scene, &["plan"], 0, &["nothing to be done"]).await
}

async fn a_home_that_runs_tells_what_it_is_asked(scene: &mut Scene) -> Outcome {
    running(scene).await?;
    let before = Before::of(scene);
    let desk = Desk::open(&scene.home)?;
    for line in ASKED {
        line.plays(scene, &desk).await?;
    }
    if desk.has_kubectl() {
        for line in SHOWN {
            line.plays(scene, &desk).await?;
        }
    }
    before.is_untouched(scene)
}

async fn each_way_back_gives_everything_back(scene: &mut Scene) -> Outcome {
    // Whoever releases looks at the router while the allocator does.
    scene.allocators += 1;
    let before = Before::of(scene);
    let desk = Desk::open(&scene.home)?;
    let [by_name, by_marks, when_it_is_back] = WAYS_BACK;
    left_behind(scene).await?;
    by_name.plays(scene, &desk).await?;
    before.is_back(scene)?;

    left_behind(scene).await?;
    let nodes: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    for node in &nodes {
        scene.home.speaker(node)?.end(GRACE).await?;
    }
    scene.home.allocator()?.end(GRACE).await?;
    scene.home.control_plane_mut().stop().await?;
    by_marks.plays(scene, &desk).await?;
    before.is_back(scene)?;
    when_it_is_back.plays(scene, &desk).await?;
    scene.home.control_plane_mut().start_again().await
}

/// A pool that is gone from Git, perhaps by a slip, and stays away for longer than the router's object wants. Without kubectl
/// the lab's own client has its place.
async fn a_whole_range_goes_with_a_persons_word(scene: &mut Scene) -> Outcome {
    let before = Before::of(scene);
    let desk = Desk::open(&scene.home)?;
    scene.apply_pool().await?;
    scene
        .apply_router(|spec| spec["releaseDelay"] = json!("1s"))
        .await?;
    scene.in_sync().await?;
    let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
    scene.home.kube().delete(pools, "homelab-pool").await?;
    let message = scene
        .condition("ReservationsInSync", "False", "AwaitingConfirmation", FIRST_SYNC)
        .await?;
    let hash = message.rsplit('=').next().unwrap_or_default();
    if desk.has_kubectl() {
        WORD.plays_with(scene, &desk, ("<hash>", hash)).await?;
    } else {
        let word = json!({"metadata": {"annotations": {"tiklb.io/confirm": hash}}});
        let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
        scene.home.kube().merge_patch(routers, MIKROTIK, &word).await?;
    }
    until("the router to be as before", FIRST_SYNC, async || {
        before.is_back(scene)
    })
    .await
}

/// The rows of a Service that has just gone.
async fn left_behind(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await?;
    scene.settle("web", ADDRESS).await?;
    scene.in_sync().await?;
    scene.delete_service("web").await?;
    scene.nothing_is_on_record().await
}
