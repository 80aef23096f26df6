//! Pools as MetalLB had them before `IPAddressPool`: objects of 0.13, and the ConfigMap of what came before.

use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;
use tiklb_core::model::ObjectKey;

use crate::api::METALLB_GROUP;
use crate::cli::doctor::facts::EarlierPool;
use crate::cluster::inventory::{Inventory, Read, Unread};

/// Versions of AddressPool, from the one that is stored.
const VERSIONS: [&str; 2] = ["v1beta1", "v1alpha1"];
/// The ConfigMap, and the key in it.
const CONFIG: &str = "config";

/// All of them: objects of any namespace, and what the ConfigMap lists.
pub(super) async fn pools(inventory: &Inventory, namespace: &str) -> Read<Vec<EarlierPool>> {
    let mut all = objects(inventory).await?;
    let map: Option<ConfigMap> = inventory.get(namespace, CONFIG).await?;
    let text = map.and_then(|map| map.data?.remove(CONFIG));
    all.extend(text.iter().flat_map(|text| listed(text, namespace)));
    Ok(all)
}

async fn objects(inventory: &Inventory) -> Read<Vec<EarlierPool>> {
    let mut unread = Unread::Undefined;
    for version in VERSIONS {
        let read = inventory.specs(METALLB_GROUP, version, "AddressPool", "addresspools");
        match read.await {
            Ok(objects) => return Ok(objects.iter().map(pool).collect()),
            // Not served, or stored as the other version and nobody converts it: that one may be what is stored.
            Err(why) => unread = if unread == Unread::Undefined { why } else { unread },
        }
    }
    match unread {
        Unread::Undefined => Ok(Vec::new()),
        why => Err(why),
    }
}

fn pool((key, spec): &(ObjectKey, Value)) -> EarlierPool {
    EarlierPool {
        what: format!("AddressPool {key}"),
        addresses: addresses(spec),
    }
}

/// The pools of a ConfigMap of MetalLB's. Somebody else's of that name has none.
fn listed(text: &str, namespace: &str) -> Vec<EarlierPool> {
    let config: Value = serde_saphyr::from_str(text).unwrap_or_default();
    let pools = config["address-pools"].as_array().into_iter().flatten();
    let pool = |pool: &Value| EarlierPool {
        what: format!(
            "pool {} of ConfigMap {namespace}/{CONFIG}",
            pool["name"].as_str().unwrap_or_default()
        ),
        addresses: addresses(pool),
    };
    pools.map(pool).collect()
}

fn addresses(spec: &Value) -> Vec<String> {
    let listed = spec["addresses"].as_array().into_iter().flatten();
    listed
        .filter_map(|entry| entry.as_str().map(str::to_owned))
        .collect()
}
