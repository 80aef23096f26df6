//! The server as a whole, over its own HTTPS: what a judge may do to it, and what it tells afterwards.

mod faults;
mod lifetime;
mod objects;
mod record;
mod watches;

use std::time::Duration;

use super::{ApiServer, Config};
use crate::kube::{CONFIG_MAPS, Collection, Kube};

/// Longest wait for what must happen at once.
const BOUND: Duration = Duration::from_secs(20);

/// A server and its administrator.
async fn server() -> (ApiServer, Kube) {
    server_with(Config::default()).await
}

async fn server_with(config: Config) -> (ApiServer, Kube) {
    let server = ApiServer::start("127.0.0.1:0".parse().unwrap(), config)
        .await
        .unwrap();
    let kube = Kube::new(server.admin()).unwrap();
    (server, kube)
}

fn config_maps() -> Collection {
    CONFIG_MAPS.in_namespace("default")
}

fn config_map(name: &str, value: &str) -> serde_json::Value {
    serde_json::json!({ "metadata": { "name": name }, "data": { "value": value } })
}
