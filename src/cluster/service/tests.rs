//! One attempt at a status, and what comes of it.

use lab::apiserver::Matcher;
use lab::kube::SERVICES;

use super::*;
use crate::cluster::tenure::{Moment, Tenure};
use crate::cluster::tests::{World, within, world, writes};

fn status(version: &str, addresses: &[&str]) -> ServiceStatus {
    ServiceStatus {
        service: ObjectKey::new("default", "web"),
        resource_version: version.to_owned(),
        addresses: addresses.iter().map(|ip| ip.parse().unwrap()).collect(),
        pool: (!addresses.is_empty()).then(|| "home".to_owned()),
    }
}

/// Writes one status and says what came of it.
async fn written(writer: &mut ServiceWriter, status: ServiceStatus) -> WriteResult {
    let service = status.service.clone();
    writer.write(status, Warrant::unlimited());
    let (ended, result) = within(writer.ended()).await;
    assert_eq!(ended, service);
    result
}

#[tokio::test]
async fn addresses_and_pool_are_written_together_and_taken_away_together() {
    let world = world().await;
    let services = SERVICES.in_namespace("default");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "annotations": {
            "mine": "stays", "metallb.universe.tf/ip-allocated-from-pool": "old",
        }},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    let made = world.judge.create(&services, &service).await.unwrap();
    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let mut writer = ServiceWriter::new(world.client.clone());
    let result = written(&mut writer, status(version, &["192.168.1.200"])).await;
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
        written(&mut writer, status(version, &["192.168.1.201"])).await,
        WriteResult::Conflict,
        "an older version"
    );
    assert!(matches!(
        written(&mut writer, status(&next, &[])).await,
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
    let mut writer = ServiceWriter::new(world.client.clone());
    assert_eq!(written(&mut writer, status("1", &[])).await, WriteResult::Gone);
    world
        .server
        .fail_next(Matcher::any().resource("services"), 1, 500);
    let failed = written(&mut writer, status("1", &[])).await;
    assert!(
        matches!(&failed, WriteResult::Failed(why) if why.contains("500")),
        "{failed:?}"
    );
    world.server.stop().await;
    assert!(matches!(
        written(&mut writer, status("1", &[])).await,
        WriteResult::Failed(_)
    ));
}

/// A Service `web` without an address, and its version.
async fn web(world: &World) -> String {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    });
    let services = SERVICES.in_namespace("default");
    let made = world.judge.create(&services, &service).await.unwrap();
    made["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn of_many_decisions_about_a_service_the_newest_alone_waits() {
    let world = world().await;
    let version = web(&world).await;
    world
        .server
        .delay(Matcher::any().resource("services"), Duration::from_millis(500));
    let mut writer = ServiceWriter::new(world.client.clone());
    for _ in 0..100 {
        // The first is under way at once; the same again adds nothing, and of the others the last one counts.
        writer.write(status(&version, &["192.168.1.200"]), Warrant::unlimited());
        writer.write(status(&version, &["192.168.1.201"]), Warrant::unlimited());
        writer.write(status(&version, &["192.168.1.202"]), Warrant::unlimited());
    }
    assert_eq!((writer.waiting.len(), writer.under_way.len()), (1, 1));
    let (_, result) = within(writer.ended()).await;
    assert!(matches!(result, WriteResult::Written(_)), "{result:?}");
    assert_eq!(writes(&world.server), ["patch services/status web"; 2]);
    let object = world
        .judge
        .get(&SERVICES.in_namespace("default"), "web")
        .await
        .unwrap();
    assert_eq!(
        object["status"]["loadBalancer"]["ingress"][0]["ip"],
        "192.168.1.202"
    );
    let nothing = tokio::time::timeout(Duration::ZERO, writer.ended()).await;
    assert!(nothing.is_err(), "one outcome: {nothing:?}");
}

/// Somebody else wrote the status behind the write that is under way, and what it says is decided once more.
#[tokio::test]
async fn the_same_for_a_later_version_is_another_write() {
    let world = world().await;
    let version = web(&world).await;
    world
        .server
        .delay(Matcher::any().resource("services"), Duration::from_millis(200));
    let mut writer = ServiceWriter::new(world.client.clone());
    writer.write(status(&version, &["192.168.1.200"]), Warrant::unlimited());
    writer.write(status("1000000", &["192.168.1.200"]), Warrant::unlimited());
    let (_, result) = within(writer.ended()).await;
    assert_eq!(result, WriteResult::Conflict, "of the second one");
}

#[tokio::test]
async fn what_waits_is_written_under_its_own_leadership_or_not_at_all() {
    let world = world().await;
    let version = web(&world).await;
    let tenure = Tenure::default();
    let term = tenure.begin(Moment::now().after(Duration::from_mins(1)));
    let mut writer = ServiceWriter::new(world.client.clone());
    let places = u32::try_from(AT_ONCE).unwrap();
    world
        .server
        .delay(Matcher::any().resource("services"), Duration::from_millis(500));
    for other in 0..places {
        let service = ObjectKey::new("default", format!("other-{other}"));
        let status = ServiceStatus {
            service,
            ..status(&version, &[])
        };
        writer.write(status, tenure.warrant(term));
    }
    writer.write(status(&version, &["192.168.1.200"]), tenure.warrant(term));
    // Lost and won again while it waits: the cluster may be another by now.
    tenure.end();
    tenure.begin(Moment::now().after(Duration::from_mins(1)));
    let mut outcomes = BTreeMap::new();
    for _ in 0..=places {
        outcomes.extend([within(writer.ended()).await]);
    }
    let web = &outcomes[&ObjectKey::new("default", "web")];
    assert!(
        matches!(web, WriteResult::Failed(why) if why.contains("Lease")),
        "{web:?}"
    );
    assert!(!writes(&world.server).iter().any(|write| write.ends_with(" web")));
}
