//! Step 6: everything is deleted, and the router is as it was.

use anyhow::{Result, ensure};
use routeros_sim::{Change, Menu, Snapshot, diff};

use super::{Narrator, ROUTER, SERVICES, namespace};
use crate::home::{BOUND, Home, ROUTERS};
use crate::kube::SERVICES as SERVICE_KIND;

pub(super) async fn show(home: &mut Home, narrator: &Narrator, before: &Snapshot) -> Result<()> {
    narrator.step("kubectl delete services, then the MikrotikRouter");
    for (kind, name, _, _) in SERVICES {
        let address = home.address(kind, name).await?;
        home.kube.delete(SERVICE_KIND.in_namespace(kind), name).await?;
        home.unserve(kind, name).await?;
        let silent = async {
            let deadline = tokio::time::Instant::now() + BOUND;
            while !home.who_answers(address).await?.is_empty() {
                ensure!(
                    tokio::time::Instant::now() < deadline,
                    "{address} is still answered for"
                );
            }
            Ok(())
        };
        narrator
            .wait(&format!("{address} to fall silent"), silent)
            .await?;
        narrator.say(&format!("{kind}/{name} is gone, nobody answers for {address}"));
    }
    let routers = ROUTERS.in_namespace(namespace());
    home.kube.delete(&routers, ROUTER).await?;
    narrator
        .wait("the router to be given back", async {
            Ok(home.kube.wait_gone(&routers, ROUTER, BOUND).await?)
        })
        .await?;
    super::same_configuration(home, before)?;
    narrator.say("the router's configuration: no difference from its first state");
    let by_itself = diff(&before.settled(), &home.router.snapshot().settled());
    for change in by_itself.changes() {
        if let Change::Added(Menu::Lease, row) = change {
            let name = row.get("host-name").unwrap_or("somebody");
            narrator.say(&format!(
                "what came by itself: the lease of {name}, {}",
                row.get("address").unwrap_or("?")
            ));
        }
    }
    Ok(())
}
