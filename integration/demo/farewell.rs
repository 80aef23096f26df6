//! Step 6: everything is taken back, and the router is as it was.

use anyhow::{Result, ensure};
use routeros_sim::{Change, Menu, diff};

use super::{Demo, EXAMPLES, MIKROTIK_ROUTER, SOON};
use crate::home::kind::{MIKROTIK_ROUTERS, SERVICE_L2_STATUSES};
use crate::home::{NAMESPACE, POOL};
use crate::kube::SERVICES;
use crate::wait::until;

impl Demo {
    pub(super) async fn say_farewell(&mut self) -> Result<()> {
        self.screen
            .step("The Services and the MikrotikRouter are deleted")?;
        self.withdraw().await?;
        if let Some(mut newcomer) = self.newcomer.take() {
            newcomer.release().await?;
        }
        let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
        self.home.kube().delete(&routers, MIKROTIK_ROUTER).await?;
        let kube = self.home.kube();
        let gone = async { Ok(kube.wait_gone(&routers, MIKROTIK_ROUTER, SOON).await?) };
        self.screen
            .watch(&self.home, "the router to be given back what was taken", gone)
            .await?;
        self.screen
            .say(format!("MikrotikRouter {MIKROTIK_ROUTER} is gone."))?;
        self.compare()?;
        self.check_conduct()
    }

    /// Services first: an address that a Service still names is not given back.
    async fn withdraw(&mut self) -> Result<()> {
        for example in EXAMPLES {
            let services = SERVICES.in_namespace(example.namespace);
            self.home.kube().delete(services, example.name).await?;
        }
        for placed in &self.placed {
            let home = &self.home;
            let silent = until("nobody to answer", SOON, async || {
                let found = home.answerers(placed.address).await?;
                ensure!(
                    found.is_empty(),
                    "expected nobody to answer for {}, found {found:?}",
                    placed.address
                );
                Ok(())
            });
            self.screen
                .watch(&self.home, "the speakers to withdraw the addresses", silent)
                .await?;
        }
        let kube = self.home.kube();
        let none = <[_]>::is_empty;
        let gone = async {
            let what = "no ServiceL2Status to be left";
            Ok(kube.wait_list(SERVICE_L2_STATUSES, SOON, what, none).await?)
        };
        self.screen
            .watch(&self.home, "the speakers to say that they have withdrawn", gone)
            .await?;
        for index in 0..self.placed.len() {
            let address = self.placed[index].address;
            self.home.stop_serving(address).await?;
        }
        self.screen
            .say("The Services are gone, and nobody answers for their addresses.")?;
        Ok(())
    }

    /// Nothing that a person configures is other than it was; what the router notes by itself is shown.
    fn compare(&mut self) -> Result<()> {
        let last = self.home.router().snapshot();
        let configured = diff(&self.first.configured(), &last.configured());
        self.screen
            .show("router: its configuration before tiklb, and now", &configured)?;
        ensure!(
            configured.is_empty(),
            "expected the router to be as it was, found the difference above"
        );
        let settled = diff(&self.first.settled(), &last.settled());
        let own = |change: &&Change| {
            let (Change::Added(menu, _) | Change::Removed(menu, _) | Change::Changed(menu, ..)) = change;
            matches!(menu, Menu::Arp | Menu::Lease | Menu::PoolUsed)
        };
        let foreign: Vec<&Change> = settled.changes().iter().filter(|change| !own(change)).collect();
        ensure!(
            foreign.is_empty(),
            "expected no difference but in what the router learns by itself, found {foreign:?}"
        );
        if let Some(phone) = self.home.phone() {
            let address = phone.address().to_string();
            let row = self.home.row(Menu::Lease, "address", &address);
            ensure!(
                row.as_ref().and_then(|row| row.get("status")) == Some("bound"),
                "expected the phone's lease of {address} to be bound still, found {row:?}"
            );
        }
        self.screen
            .say("What the router has learned by itself meanwhile:")?;
        for change in settled.changes() {
            self.screen.say(format!("  {}", short(change)))?;
        }
        Ok(())
    }

    /// Nothing was asked of router or API that is none of tiklb's business; and a pool from which nothing was to be taken
    /// was never written.
    fn check_conduct(&mut self) -> Result<()> {
        let router = self.home.router();
        let journal = router.journal();
        let on_pool = journal.applied().filter(|write| {
            write
                .row
                .as_ref()
                .is_some_and(|row| row.get("name") == Some(POOL))
        });
        let (all, on_pool) = (journal.applied().count(), on_pool.count());
        ensure!(
            self.takes() || on_pool == 0,
            "expected no write to {POOL}, from which nothing was to be taken; found {on_pool}"
        );
        let violations = router.violations();
        ensure!(
            violations.is_empty(),
            "expected no request that is none of tiklb's business, found {violations:?}"
        );
        if let Some(api) = self.home.control_plane().embedded() {
            let unsupported = api.unsupported();
            ensure!(
                unsupported.is_empty(),
                "expected only requests that the embedded API server speaks, found {unsupported:?}"
            );
        }
        self.screen.say(format!(
            "\n{all} writes to the router in all, {on_pool} of them to {POOL}; never more than {} request at once.",
            journal.most_in_flight
        ))?;
        Ok(())
    }
}

/// A row that the router makes itself, by what a person looks for.
fn short(change: &Change) -> String {
    let (sign, menu, row) = match change {
        Change::Added(menu, row) => ('+', menu, row),
        Change::Removed(menu, row) => ('-', menu, row),
        Change::Changed(menu, row, _) => ('~', menu, row),
    };
    let shown = ["address", "mac-address", "host-name", "info", "status"];
    let shown = shown.into_iter().filter_map(|key| row.get(key));
    format!("{sign} {menu} {}", shown.collect::<Vec<_>>().join(" "))
}
