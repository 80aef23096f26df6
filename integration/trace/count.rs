//! What counts and lists the whole: read when a chapter has ended.

use std::collections::BTreeMap;

use anyhow::Result;
use routeros_sim::Menu;
use serde_json::json;

use super::leaf::changes;
use super::recorder::Recorder;
use super::request::indented;
use super::rest::{POOL, ROUTER, is_ours};
use crate::home::kind::{IP_ADDRESS_POOLS, MIKROTIK_ROUTERS};
use crate::home::{Home, NAMESPACE};
use crate::kube::Collection;

/// Statuses by value, and the comments of our rows by address.
pub(super) struct Counts(BTreeMap<String, BTreeMap<String, String>>);

impl Counts {
    pub(super) async fn read(home: &Home, recorder: &Recorder) -> Result<Self> {
        let objects: [(Collection, &str); 2] = [
            (IP_ADDRESS_POOLS.in_namespace(NAMESPACE), POOL),
            (MIKROTIK_ROUTERS.in_namespace(NAMESPACE), ROUTER),
        ];
        let mut counts = BTreeMap::new();
        for (collection, name) in objects {
            let object = home.kube().get(&collection, name).await?;
            let title = format!("{} {name}", collection.resource().kind);
            counts.insert(title, recorder.values(&json!({"status": object["status"]})));
        }
        for menu in [Menu::Lease, Menu::Arp] {
            let rows = home.router().rows(menu);
            let rows = rows.iter().filter(|row| is_ours(row)).map(|row| {
                let address = row.get("address").unwrap_or_default().to_owned();
                let comment = row.get("comment").unwrap_or_default();
                (address, recorder.plain(comment))
            });
            counts.insert(format!("router /{}", menu.path()), rows.collect());
        }
        Ok(Self(counts))
    }

    /// What became of them, as lines of the trace.
    pub(super) fn changes(&self, after: &Self) -> String {
        let mut text = "\nand then\n".to_owned();
        let nothing = BTreeMap::new();
        for (title, values) in &after.0 {
            let mut lines = changes(self.0.get(title).unwrap_or(&nothing), values);
            if lines.is_empty() {
                lines.push("as before".to_owned());
            }
            text.push_str(&indented(title, lines));
            text.push('\n');
        }
        text
    }
}
