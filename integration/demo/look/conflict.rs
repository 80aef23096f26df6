//! Addresses of the range that others use, and a newcomer that gets none of it.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::super::{Demo, FIRST_SYNC, MIKROTIK_ROUTER};
use crate::home::kind::{ADDRESS_CONFLICTS, MIKROTIK_ROUTERS};
use crate::home::{NAMESPACE, POOL};
use crate::table::Table;

impl Demo {
    /// The devices inside of the range: no Service is given their addresses, and a person is told who they are.
    pub(super) async fn show_conflicts(&mut self) -> Result<()> {
        let devices = self.devices();
        let (home, kube) = (&self.home, self.home.kube());
        let names = |conflict: &Value, (device, address): &(&str, Ipv4Addr)| {
            let mac = conflict["status"]["mac"]
                .as_str()
                .and_then(|mac| mac.parse().ok());
            conflict["spec"]["address"] == address.to_string()
                && mac.is_some_and(|mac| home.host_with(mac) == *device)
        };
        let all = |found: &[Value]| {
            let told = |device: &_| found.iter().any(|conflict| names(conflict, device));
            devices.iter().all(told)
        };
        let what = format!("an AddressConflict with the MAC address for each of {devices:?}");
        let conflicts = ADDRESS_CONFLICTS.in_namespace(NAMESPACE);
        let found = async { Ok(kube.wait_list(conflicts, FIRST_SYNC, &what, all).await?) };
        let waiting = "the survey to find the devices inside of the range";
        let found = self.screen.watch(&self.home, waiting, found).await?;
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let list = |value: &Value| {
            let all = value.as_array().into_iter().flatten().map(text);
            all.collect::<Vec<_>>().join(", ")
        };
        let mut table = Table::new(["ADDRESS", "MAC", "HOLDER", "SEEN BY"]);
        for conflict in &found {
            let status = &conflict["status"];
            table.row([
                &text(&conflict["spec"]["address"]),
                &text(&status["mac"]),
                &text(&status["holder"]),
                &list(&status["seenBy"]),
            ]);
        }
        self.screen
            .show("kubectl -n metallb-system get addressconflicts", table)?;
        let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
        let router = kube.get(routers, MIKROTIK_ROUTER).await?;
        let conflicts = router["status"]["conflicts"].as_array();
        let conflicts: Vec<&Value> = conflicts.into_iter().flatten().collect();
        if !conflicts.is_empty() {
            self.screen.say("and in the status of the MikrotikRouter:")?;
        }
        for line in conflicts {
            self.screen.say(format!("  {}", text(line)))?;
        }
        Ok(())
    }

    /// A device that was never here is given an address, and none of the range.
    pub(super) async fn welcome_newcomer(&mut self) -> Result<()> {
        let newcomer = self
            .screen
            .watch(
                &self.home,
                "the router to give a newcomer an address",
                self.home.newcomer(),
            )
            .await?;
        let address = newcomer
            .lease()
            .context("the newcomer holds no lease")?
            .address
            .addr();
        ensure!(
            !self.range.contains(address) && self.home.pool(POOL)?.contains(address),
            "expected the newcomer's address to lie in the router's pool and outside of {}, found {address}",
            self.range
        );
        self.newcomer = Some(newcomer);
        self.screen.say(format!(
            "\nA newcomer asks the router for an address and is given {address}, outside of {}.",
            self.range
        ))?;
        Ok(())
    }
}
