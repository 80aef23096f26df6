//! `--keep`: everything stays up, and a person is told how to look around.

use anyhow::Result;
use routeros_sim::PASSWORD;

use super::Demo;
use crate::home::{ROUTER, ROUTER_USER};
use crate::lan::Host;
use crate::wait::Termination;

/// How the lab is run again from the folder of the checkout.
pub(crate) const LAB: &str = if cfg!(debug_assertions) {
    "cargo run -p lab --"
} else {
    "cargo run --release -p lab --"
};

impl Demo {
    /// Stays until the person has seen enough.
    pub(super) async fn keep(&mut self) -> Result<()> {
        let mut end = Termination::listen()?;
        self.screen
            .step("It stays up until Ctrl-C; in another terminal, from this folder:")?;
        let hints = self.hints();
        self.screen.say(hints)?;
        end.comes().await;
        self.screen
            .say("\nEnded: the LAN and everything on it is gone.")?;
        Ok(())
    }

    /// Commands that work as they stand.
    fn hints(&self) -> String {
        let curl = format!(
            "curl --noproxy '*' --cacert {} -u {ROUTER_USER}:{PASSWORD} https://{ROUTER}/rest",
            self.home.router_ca().display()
        );
        let hosts = self.home.lan().hosts().map(Host::name);
        let others: Vec<&str> = hosts.filter(|name| *name != "client").collect();
        format!(
            "\n{LAB} shell client\
             \n(or {}, or switch)\n\
             \nand in there, where KUBECONFIG is {}:\n\
             \ntiklb status\
             \ntiklb plan\
             \nkubectl get services -A\
             \nkubectl -n metallb-system get mikrotikrouters,addressconflicts,servicel2statuses\
             \nkubectl -n metallb-system describe mikrotikrouter {}\
             \n{curl}/ip/pool\
             \n{curl}/ip/dhcp-server/lease\
             \n{curl}/ip/arp\
             \ncurl --noproxy '*' http://{}:7472/metrics\
             \n\nor one command at a time: {LAB} shell client -- kubectl get services -A",
            others.join(", "),
            self.home.kubeconfig().display(),
            super::MIKROTIK_ROUTER,
            crate::home::CONTROL,
        )
    }
}
