//! What `tiklb status`, `tiklb explain` and `tiklb plan` tell a person, who has a kubeconfig and a shell and nothing else.

use std::net::Ipv4Addr;

use anyhow::ensure;
use routeros_sim::Menu;
use serde_json::json;

use super::scene::{APPS, FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![person:
        a_plan_is_read_before_it_runs,
        the_status_on_one_page,
        without_a_cluster_or_a_router_the_fix_is_named,
    ]
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

async fn a_plan_is_read_before_it_runs(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.settle("web", ADDRESS).await?;
    scene.apply_router(|spec| spec["mode"] = json!("DryRun")).await?;
    scene
        .condition("PoolsExcluded", "False", "DryRun", FIRST_SYNC)
        .await?;
    let shown = scene.home.ask_tiklb(&["plan"]).await?;
    ensure!(shown.code == Some(2), "{shown:?}");
    for wanted in [
        "dhcp_pool",
        "192.168.1.100-192.168.1.199",
        "192.168.1.221-192.168.1.254",
        "tiklb-home-homelab-pool",
        "192.168.1.210",
        "apps/web",
        "192.168.1.201",
    ] {
        ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
    }
    let journal = scene.home.router().journal();
    ensure!(journal.applied().count() == 0, "a plan wrote to the router");
    ensure!(
        scene
            .home
            .row(Menu::Pool, "name", "tiklb-home-homelab-pool")
            .is_none()
    );

    scene.apply_router(|spec| spec["mode"] = json!("Enforce")).await?;
    scene.in_sync().await?;
    let shown = scene.home.ask_tiklb(&["plan"]).await?;
    ensure!(shown.code == Some(0), "{shown:?}");
    ensure!(shown.text.contains("nothing to be done"), "{}", shown.text);

    scene.home.router().faults().password("tiklb", "changed")?;
    let shown = scene.home.ask_tiklb(&["plan"]).await?;
    ensure!(
        shown.code == Some(1) && shown.text.contains("password"),
        "{shown:?}"
    );
    Ok(())
}

async fn the_status_on_one_page(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    scene.apply_homelab(&["mikrotikrouter"]).await?;
    scene.in_sync().await?;
    let node = scene.settle("web", ADDRESS).await?;
    scene.record("web", &node).await?;
    scene.ask("lost", Ipv4Addr::new(192, 168, 1, 99)).await?;
    scene.event(APPS, "lost", "AllocationFailed").await?;
    let shown = scene.home.ask_tiklb(&["status"]).await?;
    ensure!(shown.code == Some(0), "{shown:?}");
    for wanted in [
        "ROUTERS",
        "MikroTik",
        "POOLS",
        "homelab-pool",
        "ADDRESSES",
        "192.168.1.210",
        "apps/web",
        &node,
        "WAITING",
        "apps/lost",
        "IN USE BY OTHERS",
        "annas-phone",
    ] {
        ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
    }
    from_the_speakers(scene, &node).await?;
    explained(scene, &node).await
}

/// What only the speakers know: it takes a second before they watch each other.
async fn from_the_speakers(scene: &Scene, node: &str) -> Outcome {
    let told: [(&[&str], &[&str]); 2] = [
        (
            &["status"],
            &[
                "SPEAKERS",
                "ms by node",
                "LAST MOVES",
                "began",
                "first of 3 candidates",
            ],
        ),
        (
            &["explain", "service", "apps/web"],
            &[
                "it says: first of 3 candidates",
                "its end is noticed by node",
                &format!("{node} began"),
            ],
        ),
    ];
    for (line, words) in told {
        until("the speakers' own words", SOON, async || {
            let shown = scene.home.ask_tiklb(line).await?;
            ensure!(shown.code == Some(0), "{shown:?}");
            for wanted in words {
                ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
            }
            Ok(())
        })
        .await?;
    }
    // Whoever cannot reach them, or does not want to, is told so and sees the rest.
    let shown = scene
        .home
        .ask_tiklb(&["status", "--speaker-port", "7999"])
        .await?;
    let unheard = format!(
        "not heard from here: {}",
        scene.home.node_names().next().unwrap_or_default()
    );
    ensure!(
        shown.code == Some(0) && shown.text.contains(&unheard) && shown.text.contains("192.168.1.210"),
        "{shown:?}"
    );
    Ok(())
}

/// Why the one has its address, and the other has none.
async fn explained(scene: &Scene, node: &str) -> Outcome {
    let announces = format!("{node} announces 192.168.1.210");
    let told: [(&[&str], i32, &[&str]); 4] = [
        (
            &["explain", "service", "apps/web"],
            0,
            &["because it asks for it", &announces, "ReservationsInSync"],
        ),
        (
            &["explain", "service", "apps/lost"],
            2,
            &[
                "waits for an address",
                "192.168.1.99 is in no usable IPAddressPool",
            ],
        ),
        (
            &["explain", "address", "192.168.1.210", "-o", "json"],
            0,
            &["AddressExplanation", "apps/web"],
        ),
        (
            &["explain", "service", "apps/none"],
            1,
            &["there is no Service apps/none"],
        ),
    ];
    for (line, code, words) in told {
        let shown = scene.home.ask_tiklb(line).await?;
        ensure!(shown.code == Some(code), "{shown:?}");
        for wanted in words {
            ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
        }
    }
    Ok(())
}

async fn without_a_cluster_or_a_router_the_fix_is_named(scene: &mut Scene) -> Outcome {
    let shown = scene.home.ask_tiklb(&["plan"]).await?;
    ensure!(
        shown.code == Some(1)
            && shown
                .text
                .contains("there is no MikrotikRouter in namespace metallb-system"),
        "{shown:?}"
    );
    let nowhere = ["status", "--kubeconfig", "/nonexistent/config"];
    let shown = scene.home.ask_tiklb(&nowhere).await?;
    ensure!(
        shown.code == Some(1)
            && shown.text.contains("/nonexistent/config")
            && shown.text.contains("--kubeconfig"),
        "{shown:?}"
    );
    scene.home.control_plane_mut().stop().await?;
    let shown = scene.home.ask_tiklb(&["status"]).await?;
    ensure!(
        shown.code == Some(1)
            && shown
                .text
                .contains("the API server of your kubeconfig did not answer"),
        "{shown:?}"
    );
    scene.home.control_plane_mut().start_again().await
}
