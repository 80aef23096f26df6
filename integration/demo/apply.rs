//! Step 3: what a person applies.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::{ADDRESS_POOL, Demo, EXAMPLES};
use crate::home::kind::IP_ADDRESS_POOLS;
use crate::home::{NAMESPACE, PRINTER, Phone, Ranges, homelab};

/// What is shown of the guide's repository. Its plan of addresses is for Services that are not there.
pub(crate) const HOMELAB: [&str; 4] = ["ipaddresspool", "l2advertisement", "mikrotikrouter", "services"];

impl Demo {
    pub(super) async fn apply(&mut self) -> Result<()> {
        self.screen
            .step("kubectl apply: four manifests of deploy/examples/homelab")?;
        self.applied = Instant::now();
        for file in HOMELAB {
            let name = format!("{file}.yaml");
            for object in self.home.kube().apply_file(&homelab(file)).await? {
                self.screen.say(format!("{name:<22} {}", title(&object)))?;
            }
        }
        for example in EXAMPLES {
            self.home
                .put_endpoints_everywhere(example.namespace, example.name)
                .await?;
        }
        self.screen
            .say("(The lab gives each Service a pod on every node: it has no controllers.)")?;
        self.range = self.range().await?;
        let held: Vec<Ipv4Addr> = self.home.phone().map(Phone::address).into_iter().collect();
        ensure!(
            self.range.contains(PRINTER)
                && !EXAMPLES
                    .iter()
                    .any(|example| { example.asks.is_some_and(|asks| held.contains(&asks)) }),
            "expected an {ADDRESS_POOL} with the printer's address in it, and no device on an address that a Service \
             asks for; found {} and devices at {held:?}: does --start make sense?",
            self.range
        );
        Ok(())
    }

    /// The addresses for Services, as they were applied.
    async fn range(&self) -> Result<Ranges> {
        let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
        let pool = self.home.kube().get(pools, ADDRESS_POOL).await?;
        let range = pool["spec"]["addresses"][0].as_str();
        let range = range.with_context(|| format!("the IPAddressPool {ADDRESS_POOL} names no range"))?;
        Ok(range.parse()?)
    }
}

/// As `kubectl apply` names an object.
fn title(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let name = text(&object["metadata"]["name"]);
    let kind = text(&object["kind"]);
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
