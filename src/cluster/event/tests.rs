//! Events as they are stored.

use k8s_openapi::api::core::v1::ObjectReference;
use lab::kube::EVENTS_V1;
use serde_json::Value;

use super::*;
use crate::api::event::ALLOCATOR;
use crate::cluster::tests::{BOUND, world};

fn occurrence(note: &str) -> Occurrence {
    Occurrence {
        about: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Service".to_owned()),
            namespace: Some("default".to_owned()),
            name: Some("web".to_owned()),
            uid: Some("1234".to_owned()),
            ..ObjectReference::default()
        },
        reason: EventReason::AllocationFailed,
        note: note.to_owned(),
    }
}

/// Waits until there are so many events about the Service.
async fn stored(judge: &lab::kube::Kube, fits: impl FnMut(&[Value]) -> bool + Send) -> Vec<Value> {
    let events = EVENTS_V1.in_namespace("default");
    judge.wait_list(events, BOUND, "events", fits).await.unwrap()
}

#[tokio::test]
async fn a_repetition_is_counted_and_other_words_are_another_event() {
    let world = world().await;
    let (events, recorder) = events(ALLOCATOR, "pod-1");
    tokio::spawn(recorder.run(world.client.clone()));
    events.tell(occurrence("no pool"));
    let first = stored(&world.judge, |events| events.len() == 1).await.remove(0);
    assert_eq!(first["reason"], "AllocationFailed");
    assert_eq!(first["type"], "Warning");
    assert_eq!(first["note"], "no pool");
    assert_eq!(first["regarding"]["uid"], "1234");
    assert_eq!(first["reportingController"], "tiklb-allocator");
    assert_eq!(first["reportingInstance"], "pod-1");
    events.tell(occurrence("no pool"));
    events.tell(occurrence("no pool"));
    stored(&world.judge, |events| {
        events.len() == 1 && events[0]["series"]["count"] == 3
    })
    .await;
    events.tell(occurrence("no address"));
    stored(&world.judge, |events| events.len() == 2).await;

    world
        .judge
        .delete(
            EVENTS_V1.in_namespace("default"),
            first["metadata"]["name"].as_str().unwrap(),
        )
        .await
        .unwrap();
    events.tell(occurrence("no pool"));
    stored(&world.judge, |events| events.len() == 2).await;
    assert_eq!(world.server.unsupported(), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let (events, recorder) = events(ALLOCATOR, "pod-1");
    for _ in 0..QUEUE + 3 {
        events.tell(occurrence("no pool"));
    }
    assert_eq!(events.dropped(), 3);
    drop(recorder);
    events.tell(occurrence("no pool"));
    assert_eq!(events.dropped(), 4);
}

#[test]
fn a_note_is_cut_between_characters() {
    assert_eq!(shortened("short"), "short");
    let long = shortened(&"ä".repeat(1_000));
    assert!(long.len() <= MAX_NOTE && long.ends_with("ä…"), "{}", long.len());
}
