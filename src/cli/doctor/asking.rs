//! What routers themselves say: of the account, and of who may come. Reads only.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use routeros::client::Client;
use routeros::menu::{Identity, Resource, Service};

use super::facts::{AskedRouter, RouterSaid};
use crate::allocator::router::failure::failure;
use crate::cli::progress::told;
use crate::cli::reach::{Given, Said};
use crate::cli::router::account::Account;
use crate::cluster::inventory::Inventory;
use crate::cluster::object::Verdict;
use crate::cluster::object::router::{RouterAccess, SeenRouter};
use crate::cluster::object::secret::{SecretObject, secret};

/// Asks each of them.
pub(super) async fn ask(inventory: &Inventory, routers: &[SeenRouter], given: &Given) -> Vec<AskedRouter> {
    let mut asked = Vec::new();
    for router in routers {
        let name = &router.object.key.name;
        let what = format!("asking the router of MikrotikRouter {name}");
        asked.push(told(&what, one(inventory, router, given)).await);
    }
    asked
}

async fn one(inventory: &Inventory, router: &SeenRouter, given: &Given) -> AskedRouter {
    let mut asked = AskedRouter {
        name: router.object.key.name.clone(),
        username: given.username.clone().unwrap_or_default(),
        said: Err("its spec cannot be read".to_owned()),
    };
    let Some(access) = &router.access else {
        return asked;
    };
    let namespace = &router.object.key.namespace;
    let secrets = match secrets(inventory, namespace, access).await {
        Ok(secrets) => secrets,
        Err(why) => {
            asked.said = Err(why);
            return asked;
        }
    };
    if asked.username.is_empty() {
        let stored = secrets
            .get(&access.credentials)
            .and_then(|secret| secret.get("username"));
        asked.username = stored.map_or(String::new(), |name| String::from_utf8_lossy(name).into_owned());
    }
    let said = Said {
        namespace,
        access,
        secrets: &secrets,
    };
    asked.said = match given.client(&access.url, Some(&said)) {
        Ok(client) => look(&client, &access.url, &asked.username).await,
        Err(failure) => Err(failure.message),
    };
    asked
}

async fn secrets(
    inventory: &Inventory,
    namespace: &str,
    access: &RouterAccess,
) -> Result<BTreeMap<String, SecretObject>, String> {
    let mut found = BTreeMap::new();
    for name in access.secrets() {
        let read = inventory.get::<Secret>(namespace, name).await;
        let read = read.map_err(|why| format!("Secret {namespace}/{name}: {why}"))?;
        if let Some(Verdict::Keep(object)) = read.map(secret) {
            found.insert(name.to_owned(), object);
        }
    }
    Ok(found)
}

async fn look(client: &Client, url: &str, username: &str) -> Result<RouterSaid, String> {
    let said = read(client, url, username).await;
    client.idle().await;
    said.map_err(|error| failure(&error).message)
}

async fn read(client: &Client, url: &str, username: &str) -> Result<RouterSaid, routeros::client::Error> {
    let identity = client.get::<Identity>().await?;
    let resource = client.get::<Resource>().await?;
    let services = client.read::<Service>().await?.rows;
    let through = if url.starts_with("http://") {
        "www"
    } else {
        "www-ssl"
    };
    let service = services
        .into_iter()
        .find(|row| row.name == through && !row.dynamic);
    Ok(RouterSaid {
        device: format!("{} (RouterOS {})", identity.name, resource.version),
        account: Account::look(client, username).await,
        service: service.map(|row| (row.name, row.address)),
    })
}
