//! Lists and what narrows them.

use anyhow::ensure;
use serde_json::{Value, json};

use super::{Ground, config_map, refused, text, version};
use crate::kube::{CONFIG_MAPS, Collection, Kube};

async fn names(kube: &Kube, collection: &Collection, query: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
    let list = kube.list_where(collection, query).await?;
    Ok(names_of(&list))
}

fn names_of(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    items
        .map(|item| text(&item["metadata"]["name"]).to_owned())
        .collect()
}

pub(super) async fn lists_stay_in_their_namespace(kube: &Kube) -> anyhow::Result<()> {
    let (here, there) = (Ground::new(kube).await?, Ground::new(kube).await?);
    for ground in [&here, &there] {
        kube.create(ground.config_maps(), &config_map("one", &ground.name))
            .await?;
    }
    let list = kube.list_where(here.config_maps(), &[]).await?;
    ensure!(
        list["kind"] == "ConfigMapList" && version(&list)? > 0,
        "no list: {list}"
    );
    let own: Vec<&Value> = list["items"].as_array().into_iter().flatten().collect();
    ensure!(
        own.iter()
            .all(|item| item["metadata"]["namespace"] == json!(here.name)),
        "strangers: {list}"
    );
    let everywhere = kube.list(CONFIG_MAPS).await?;
    for ground in [&here, &there] {
        let found = everywhere
            .iter()
            .any(|item| item["metadata"]["namespace"] == json!(ground.name));
        ensure!(found, "the list of all namespaces misses {}", ground.name);
    }
    here.clean(kube).await?;
    there.clean(kube).await
}

pub(super) async fn labels_select(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let labels = [
        ("a", json!({ "app": "web", "tier": "1" })),
        ("b", json!({ "app": "db" })),
        ("c", json!({ "x": "y" })),
    ];
    for (name, labels) in labels {
        let object = json!({ "metadata": { "name": name, "labels": labels } });
        kube.create(ground.config_maps(), &object).await?;
    }
    // Clusters put config maps of their own into every namespace; they carry none of these labels.
    for (selector, wanted) in [
        ("app=web", vec!["a"]),
        ("app==db", vec!["b"]),
        ("app in (web, db)", vec!["a", "b"]),
        ("app,app!=web", vec!["b"]),
        ("app notin (web),x", vec!["c"]),
        ("app,!tier", vec!["b"]),
        ("app=web,tier=2", vec![]),
    ] {
        let found = names(kube, &ground.config_maps(), &[("labelSelector", selector)]).await?;
        ensure!(found == wanted, "{selector} selects {found:?}, not {wanted:?}");
    }
    let list = kube
        .list_where(ground.config_maps(), &[("labelSelector", "a b")])
        .await;
    refused(list, 400, "BadRequest")?;
    ground.clean(kube).await
}

pub(super) async fn fields_select(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    for name in ["a", "b"] {
        kube.create(ground.config_maps(), &config_map(name, "1")).await?;
    }
    let found = names(
        kube,
        &ground.config_maps(),
        &[("fieldSelector", "metadata.name=b")],
    )
    .await?;
    ensure!(found == ["b"], "metadata.name selects {found:?}");
    let selector = format!("metadata.namespace={},metadata.name!=b", ground.name);
    let found = names(kube, &CONFIG_MAPS.into(), &[("fieldSelector", &selector)]).await?;
    ensure!(
        found.contains(&"a".to_owned()) && !found.contains(&"b".to_owned()),
        "selected {found:?}"
    );
    let list = kube
        .list_where(ground.config_maps(), &[("fieldSelector", "data.value=1")])
        .await;
    refused(list, 400, "BadRequest")?;
    ground.clean(kube).await
}

pub(super) async fn pages_make_one_list(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let wanted = ["page-a", "page-b", "page-c"];
    for name in wanted {
        kube.create(
            ground.config_maps(),
            &json!({ "metadata": { "name": name, "labels": { "page": "" } } }),
        )
        .await?;
    }
    let mut found = Vec::new();
    let mut token = String::new();
    for page in 0..wanted.len() {
        let query = [
            ("limit", "1"),
            ("labelSelector", "page"),
            ("continue", token.as_str()),
        ];
        let list = kube.list_where(ground.config_maps(), &query).await?;
        found.extend(names_of(&list));
        token = text(&list["metadata"]["continue"]).to_owned();
        if page == 0 {
            // What comes later is not on the pages of a list that has begun.
            let late = json!({ "metadata": { "name": "page-b2", "labels": { "page": "" } } });
            kube.create(ground.config_maps(), &late).await?;
        }
        ensure!(
            token.is_empty() == (page == 2),
            "page {page} continues with {token:?}"
        );
    }
    ensure!(found == wanted, "the pages held {found:?}");
    ground.clean(kube).await
}
