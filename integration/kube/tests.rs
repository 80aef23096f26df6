//! The client against the embedded server: applying, waiting, and what its errors say.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Access, CONFIG_MAPS, Collection, Error, Kube, NAMESPACES, NODES, Resource, SERVICES};
use crate::apiserver::{ApiServer, Config, Matcher, Verb};

const BOUND: Duration = Duration::from_secs(20);

async fn server() -> (ApiServer, Kube) {
    let server = ApiServer::start("127.0.0.1:0".parse().unwrap(), Config::default())
        .await
        .unwrap();
    let kube = Kube::new(server.admin()).unwrap();
    (server, kube)
}

fn maps() -> Collection {
    CONFIG_MAPS.in_namespace("default")
}

fn map(value: &str) -> Value {
    json!({ "metadata": { "name": "one" }, "data": { "value": value } })
}

#[test]
fn collections_have_their_paths() {
    let things = Resource::namespaced("g.io", "v1", "things", "Thing");
    assert_eq!(Collection::from(NODES).path(), "/api/v1/nodes");
    assert_eq!(
        SERVICES.in_namespace("a").object_path("b"),
        "/api/v1/namespaces/a/services/b"
    );
    assert_eq!(Collection::from(&things).path(), "/apis/g.io/v1/things");
    assert_eq!(
        things.in_namespace("a").path(),
        "/apis/g.io/v1/namespaces/a/things"
    );
}

#[test]
fn an_authority_that_is_none_is_refused() {
    for ca_pem in [
        "",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let access = Access {
            url: "https://a:1".into(),
            ca_pem: ca_pem.into(),
            token: String::new(),
        };
        let why = Kube::new(access).expect_err(ca_pem).to_string();
        assert!(why.contains("https://a:1"), "{why}");
    }
}

#[tokio::test]
async fn waiting_sees_what_comes_later() {
    let (_server, kube) = server().await;
    let later = async {
        kube.create(maps(), &map("1")).await.unwrap();
        kube.merge_patch(maps(), "one", &map("2")).await.unwrap();
    };
    let second = kube.wait_for(maps(), "one", BOUND, "the second value", |one| {
        one["data"]["value"] == "2"
    });
    let (second, ()) = tokio::join!(second, later);
    assert_eq!(second.unwrap()["data"]["value"], "2");
    let gone = kube.wait_gone(maps(), "one", BOUND);
    let (gone, _) = tokio::join!(gone, async { kube.delete(maps(), "one").await.unwrap() });
    gone.unwrap();
}

#[tokio::test]
async fn a_collection_is_waited_for_whatever_its_names() {
    let (server, kube) = server().await;
    let values = |all: &[Value]| -> Vec<String> {
        let value = |one: &Value| one["data"]["value"].as_str().unwrap_or_default().to_owned();
        all.iter().map(value).collect()
    };
    let wait = kube.wait_list(maps(), BOUND, "the value 2", |all| values(all) == ["2"]);
    let (found, ()) = tokio::join!(wait, async {
        kube.create(maps(), &map("1")).await.unwrap();
        server.close_watches();
        kube.merge_patch(maps(), "one", &map("2")).await.unwrap();
    });
    assert_eq!(found.unwrap()[0]["metadata"]["name"], "one");
    let wait = kube.wait_list(maps(), BOUND, "nothing", <[_]>::is_empty);
    let (none, _) = tokio::join!(wait, async { kube.delete(maps(), "one").await.unwrap() });
    assert_eq!(none.unwrap(), Vec::<Value>::new());
    kube.create(maps(), &map("peculiar")).await.unwrap();
    let brief = Duration::from_millis(200);
    let why = kube.wait_list(maps(), brief, "nothing", <[_]>::is_empty).await;
    let why = why.unwrap_err().to_string();
    assert!(why.contains("configmaps") && why.contains("peculiar"), "{why}");
}

#[tokio::test]
async fn a_collection_is_kept_up_with_change_by_change_and_of_many_a_few_are_shown() {
    let (_server, kube) = server().await;
    let named = |name: &str, value: &str| json!({"metadata": {"name": name}, "data": {"value": value}});
    for number in 0..7 {
        kube.create(maps(), &named(&format!("m{number}"), "1"))
            .await
            .unwrap();
    }
    let mut seen = Vec::new();
    let wait = kube.wait_list(maps(), BOUND, "six, one of them changed", |all| {
        let changed = all.iter().filter(|one| one["data"]["value"] == "2");
        seen.push((all.len(), changed.count()));
        seen.last() == Some(&(6, 1))
    });
    let (found, ()) = tokio::join!(wait, async {
        kube.merge_patch(maps(), "m3", &named("m3", "2")).await.unwrap();
        kube.delete(maps(), "m5").await.unwrap();
    });
    let found = found.unwrap();
    let names: Vec<&str> = found
        .iter()
        .filter_map(|one| one["metadata"]["name"].as_str())
        .collect();
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4", "m6"]);

    let brief = Duration::from_millis(200);
    let why = kube.wait_list(maps(), brief, "nothing", <[_]>::is_empty).await;
    let why = why.unwrap_err().to_string();
    assert!(
        why.contains("\"m4\"") && why.contains("and 1 more") && !why.contains("\"m6\""),
        "{why}"
    );
}

#[tokio::test]
async fn waiting_outlasts_a_stopped_server() {
    let (server, kube) = server().await;
    kube.create(maps(), &map("1")).await.unwrap();
    let restart = async {
        server.stop().await;
        server.start_again().await.unwrap();
        server.compact();
        kube.merge_patch(maps(), "one", &map("2")).await.unwrap();
    };
    let wait = kube.wait_for(maps(), "one", BOUND, "the second value", |one| {
        one["data"]["value"] == "2"
    });
    let (second, ()) = tokio::join!(wait, restart);
    second.unwrap();
}

#[tokio::test]
async fn who_waited_in_vain_is_told_what_was_last_seen() {
    let (server, kube) = server().await;
    let brief = Duration::from_millis(200);
    let why = kube
        .wait_for(maps(), "one", brief, "a value", |_| true)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        why.contains("a value") && why.contains("configmaps/one") && why.contains("no such object"),
        "{why}"
    );
    kube.create(maps(), &map("peculiar")).await.unwrap();
    let why = kube
        .wait_for(maps(), "one", brief, "another", |_| false)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("peculiar"), "{why}");
    server.stop().await;
    let why = kube.wait_gone(maps(), "one", brief).await.unwrap_err();
    assert!(
        matches!(&why, Error::NotSeen { last, .. } if last.contains("no answer")),
        "{why}"
    );
}

#[tokio::test]
async fn manifests_are_created_then_merged() {
    let (_server, kube) = server().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kubectl");
    kube.apply_file(&folder.join("definition.yaml")).await.unwrap();
    let applied = kube.apply_file(&folder.join("service.yaml")).await.unwrap();
    let kinds: Vec<&Value> = applied.iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds, ["Namespace", "Service", "Secret"]);
    let service = kube.get(SERVICES.in_namespace("home"), "web").await.unwrap();
    kube.apply_file(&folder.join("service.yaml")).await.unwrap();
    assert_eq!(
        kube.get(SERVICES.in_namespace("home"), "web").await.unwrap(),
        service,
        "applied again, it changed"
    );
    kube.apply_file(&folder.join("pool.yaml")).await.unwrap();
    let pools = Resource::namespaced("example.com", "v1", "pools", "Pool");
    assert_eq!(
        kube.list(pools.in_namespace("default")).await.unwrap()[0]["spec"]["autoAssign"],
        true
    );
}

#[tokio::test]
async fn manifests_with_a_slip_say_where_it_is() {
    let (_server, kube) = server().await;
    let missing = kube.apply_file("/no/such/file.yaml".as_ref()).await.unwrap_err();
    assert!(missing.to_string().contains("/no/such/file.yaml"), "{missing}");
    for (yaml, wanted) in [
        ("kind: [", "YAML"),
        ("metadata: {name: a}", "no kind"),
        ("apiVersion: v1\nkind: Service", "no metadata.name"),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {}",
            "spec.ports",
        ),
    ] {
        let why = format!("{:#}", kube.apply_yaml(yaml).await.unwrap_err());
        assert!(why.contains(wanted), "{yaml:?}: {why}");
    }
    assert_eq!(kube.apply_yaml("---\n---\n").await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_refused_for_now_is_asked_again() {
    let (server, kube) = server().await;
    server.fail_next(Matcher::any().resource("configmaps"), 2, 429);
    let (listed, began) = (kube.list(maps()).await, Instant::now());
    assert_eq!(listed.unwrap(), Vec::<Value>::new());
    server.fail_next(Matcher::any().verb(Verb::Watch), 1, 429);
    kube.watch(maps(), &[]).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1), "asked again at once");
    server.fail_next(Matcher::any().resource("configmaps"), 1, 500);
    assert_eq!(kube.list(maps()).await.unwrap_err().code(), Some(500));
}

#[tokio::test]
async fn refusals_keep_their_words() {
    let (_server, kube) = server().await;
    let why = kube.get(NAMESPACES, "none").await.unwrap_err();
    assert_eq!(
        why.to_string(),
        "GET /api/v1/namespaces/none: refused with 404 NotFound: namespaces \"none\" not found"
    );
    assert_eq!(kube.find(NAMESPACES, "none").await.unwrap(), None);
    kube.with_token("x").find(NAMESPACES, "none").await.unwrap_err();
}
