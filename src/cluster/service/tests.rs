//! One attempt at a status, and what comes of it.

use lab::apiserver::Matcher;
use lab::kube::SERVICES;

use super::*;
use crate::cluster::tests::world;

fn status(version: &str, addresses: &[&str]) -> ServiceStatus {
    ServiceStatus {
        service: ObjectKey::new("default", "web"),
        resource_version: version.to_owned(),
        addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        pool: (!addresses.is_empty()).then(|| "home".to_owned()),
    }
}

#[tokio::test]
async fn addresses_and_pool_are_written_together_and_taken_away_together() {
    let world = world().await;
    let services = SERVICES.in_namespace("default");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "annotations": {"mine": "stays"}},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    let made = world.judge.create(&services, &service).await.unwrap();
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let writer = ServiceWriter::new(world.client.clone());
    let result = writer.write(&status(version, &["192.168.1.200"])).await;
    let WriteResult::Written(next) = result else {
        panic!("{result:?}")
    };
    let object = world.judge.get(&services, "web").await.unwrap();
    assert_eq!(object["metadata"]["resourceVersion"], next);
    assert_eq!(
        object["status"]["loadBalancer"]["ingress"],
        json!([{"ip": "192.168.1.200", "ipMode": "VIP"}])
    );
    assert_eq!(
        object["metadata"]["annotations"],
        json!({"mine": "stays", "metallb.io/ip-allocated-from-pool": "home"})
    );

    assert_eq!(
        writer.write(&status(version, &["192.168.1.201"])).await,
        WriteResult::Conflict,
        "an older version"
    );
    assert!(matches!(
        writer.write(&status(&next, &[])).await,
        WriteResult::Written(_)
    ));
    let object = world.judge.get(&services, "web").await.unwrap();
    assert_eq!(object["metadata"]["annotations"], json!({"mine": "stays"}));
    assert_eq!(object["status"]["loadBalancer"].get("ingress"), None);
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn failures_are_told_apart() {
    let world = world().await;
    let writer = ServiceWriter::new(world.client.clone());
    assert_eq!(writer.write(&status("1", &[])).await, WriteResult::Gone);
    world
        .server
        .fail_next(Matcher::any().resource("services"), 1, 500);
    let failed = writer.write(&status("1", &[])).await;
    assert!(
        matches!(&failed, WriteResult::Failed(why) if why.contains("500")),
        "{failed:?}"
    );
    world.server.stop().await;
    assert!(matches!(
        writer.write(&status("1", &[])).await,
        WriteResult::Failed(_)
    ));
}
