//! Which request is next.

use serde_json::json;
use tiklb_core::model::Uid;

use super::*;

fn target(kind: Kind) -> Target {
    Target {
        kind,
        key: ObjectKey::new("metallb-system", "x"),
    }
}

fn stored(version: u32, status: Value) -> Stored {
    Stored {
        key: ObjectKey::new("metallb-system", "x"),
        uid: Uid("u".to_owned()),
        resource_version: version.to_string(),
        finalizers: vec![],
        status: Some(status.into()),
    }
}

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

fn status_wish(status: Value) -> Wish {
    Wish::Status {
        status: status.into(),
        finalizer: None,
        pace: Pace(Duration::from_secs(5)),
    }
}

fn own(status: Value) -> Wish {
    Wish::Object {
        metadata: json!({"labels": {"a": "b"}}).into(),
        spec: Value::Null.into(),
        status: status.into(),
    }
}

fn only(jobs: Vec<Job>) -> Job {
    let [job]: [Job; 1] = jobs.try_into().unwrap();
    job
}

#[test]
fn nothing_is_written_before_the_kind_was_listed() {
    let mut desk = Desk::default();
    desk.wish(target(Kind::Configuration), own(json!({"result": "Valid"})));
    assert_eq!(desk.due(8, at(1)), []);
    desk.stored(Kind::Pool, Change::Listed(vec![]));
    assert_eq!(desk.due(8, at(1)), []);
    desk.stored(Kind::Configuration, Change::Listed(vec![]));
    let job = only(desk.due(8, at(1)));
    let Request::Create(object) = &job.request else {
        panic!("{job:?}")
    };
    assert_eq!(object["kind"], "ConfigurationState");
    assert_eq!(
        object["metadata"],
        json!({"labels": {"a": "b"}, "name": "x", "namespace": "metallb-system"})
    );
    assert_eq!(desk.due(8, at(1)), [], "one request at a time for each object");
}

#[test]
fn our_object_is_made_filled_put_right_and_made_again() {
    let mut desk = Desk::default();
    let target = target(Kind::Configuration);
    desk.stored(Kind::Configuration, Change::Listed(vec![]));
    desk.wish(
        target.clone(),
        own(json!({"result": "Valid", "errorSummary": null})),
    );
    let create = only(desk.due(8, at(1)));
    desk.done(&create, Outcome::Stored(Box::new(stored(5, Value::Null))), at(1));
    let fill = only(desk.due(8, at(1)));
    assert_eq!(
        fill.request,
        Request::PatchStatus(json!({
            "metadata": {"resourceVersion": "5"}, "status": {"result": "Valid", "errorSummary": null},
        }))
    );
    desk.done(
        &fill,
        Outcome::Stored(Box::new(stored(
            6,
            json!({"result": "Valid", "errorSummary": ""}),
        ))),
        at(1),
    );
    assert_eq!(desk.due(8, at(1)), [], "an empty text is no difference");
    desk.stored(Kind::Configuration, Change::Applied(stored(5, Value::Null)));
    assert_eq!(
        desk.due(8, at(1)),
        [],
        "news that are older than our own write are none"
    );
    desk.stored(
        Kind::Configuration,
        Change::Applied(stored(7, json!({"result": "Invalid"}))),
    );
    assert!(matches!(
        only(desk.due(8, at(1))).request,
        Request::PatchStatus(_)
    ));
    desk.done(&fill, Outcome::Conflict, at(1));
    desk.stored(Kind::Configuration, Change::Deleted(target.key));
    assert_eq!(desk.due(8, at(1)), []);
    assert_eq!(
        desk.next_deadline(),
        Some(at(1) + RECREATE),
        "it was made a moment ago"
    );
    assert!(matches!(
        only(desk.due(8, at(1) + RECREATE)).request,
        Request::Create(_)
    ));
}

#[test]
fn a_restart_finds_everything_as_wished() {
    let mut desk = Desk::default();
    let status = json!({"assignedIPv4": 0, "conditions": [], "serial": null});
    desk.stored(Kind::Pool, Change::Listed(vec![stored(5, json!({}))]));
    desk.wish(target(Kind::Pool), status_wish(status));
    assert_eq!(desk.due(8, at(1)), []);
}

#[test]
fn somebody_elses_object_that_is_not_there_is_not_made() {
    let mut desk = Desk::default();
    desk.stored(Kind::Pool, Change::Listed(vec![]));
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 1})));
    assert_eq!(desk.due(8, at(1)), []);
    desk.stored(Kind::Pool, Change::Applied(stored(3, Value::Null)));
    assert!(matches!(
        only(desk.due(8, at(1))).request,
        Request::PatchStatus(_)
    ));
}

#[test]
fn a_status_keeps_its_pace_and_the_last_wish_counts() {
    let mut desk = Desk::default();
    desk.stored(Kind::Pool, Change::Listed(vec![stored(1, Value::Null)]));
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 1})));
    let first = only(desk.due(8, at(10)));
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 2})));
    assert_eq!(desk.due(8, at(10)), []);
    desk.done(
        &first,
        Outcome::Stored(Box::new(stored(2, json!({"assignedIPv4": 1})))),
        at(10),
    );
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 3})));
    assert_eq!(desk.due(8, at(14)), []);
    assert_eq!(desk.next_deadline(), Some(at(15)));
    let second = only(desk.due(8, at(15)));
    assert_eq!(
        second.request,
        Request::PatchStatus(json!({"metadata": {"resourceVersion": "2"}, "status": {"assignedIPv4": 3}}))
    );
}

#[test]
fn a_finalizer_is_put_on_and_taken_off_beside_those_of_others() {
    let mut desk = Desk::default();
    let wish = |present| Wish::Status {
        status: json!({}).into(),
        finalizer: Some(Finalizer {
            name: "tiklb.io/release",
            present,
        }),
        pace: Pace(Duration::ZERO),
    };
    let with = |version, finalizers: &[&str]| Stored {
        finalizers: finalizers.iter().map(|f| (*f).to_owned()).collect(),
        ..stored(version, Value::Null)
    };
    desk.stored(Kind::Router, Change::Listed(vec![with(1, &["other"])]));
    desk.wish(target(Kind::Router), wish(true));
    let on = only(desk.due(8, at(1)));
    let patch = json!({"metadata": {"resourceVersion": "1", "finalizers": ["other", "tiklb.io/release"]}});
    assert_eq!(on.request, Request::Patch(patch));
    desk.done(
        &on,
        Outcome::Stored(Box::new(with(2, &["other", "tiklb.io/release"]))),
        at(1),
    );
    assert_eq!(desk.due(8, at(1)), []);
    desk.wish(target(Kind::Router), wish(false));
    let off = only(desk.due(8, at(1)));
    assert_eq!(
        off.request,
        Request::Patch(json!({"metadata": {"resourceVersion": "2", "finalizers": ["other"]}}))
    );
}

#[test]
fn what_should_not_be_there_is_removed_by_its_uid() {
    let mut desk = Desk::default();
    desk.stored(Kind::Conflict, Change::Listed(vec![stored(1, Value::Null)]));
    desk.wish(target(Kind::Conflict), Wish::Absent);
    let delete = only(desk.due(8, at(1)));
    assert_eq!(delete.request, Request::Delete { uid: "u".to_owned() });
    desk.done(&delete, Outcome::Gone, at(1));
    assert_eq!(desk.due(8, at(1)), []);
    desk.stored(Kind::Conflict, Change::Applied(stored(2, Value::Null)));
    assert_eq!(
        desk.due(8, at(1)),
        [],
        "a later object of that name is another wish's"
    );
}

#[test]
fn failures_wait_longer_each_time_and_a_success_forgets_them() {
    let mut desk = Desk::default();
    desk.stored(Kind::Pool, Change::Listed(vec![stored(1, Value::Null)]));
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 1})));
    let mut now = at(100);
    let mut waits = vec![];
    for _ in 0..9 {
        let job = only(desk.due(8, now));
        desk.done(&job, Outcome::Failed("500".to_owned()), now);
        assert_eq!(desk.due(8, now), []);
        let next = desk.next_deadline().unwrap();
        waits.push(next.since(now).as_millis());
        now = next;
    }
    assert_eq!(
        waits,
        [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
    );
    let job = only(desk.due(8, now));
    let written = stored(2, json!({"assignedIPv4": 1}));
    desk.done(&job, Outcome::Stored(Box::new(written)), now);
    desk.wish(target(Kind::Pool), status_wish(json!({"assignedIPv4": 2})));
    let job = only(desk.due(8, now + Duration::from_secs(5)));
    desk.done(&job, Outcome::Failed("500".to_owned()), now);
    desk.due(8, now);
    assert_eq!(desk.next_deadline(), Some(now + RETRY_FIRST));
}

#[test]
fn transition_times_move_with_the_status_alone() {
    let condition = |status: &str, message: &str, time: &str| json!({"type": "Reachable", "status": status, "message": message, "lastTransitionTime": time});
    let before = stored(1, json!({"conditions": [condition("True", "a", "1")]}));
    let same = patch_status(
        &json!({"conditions": [condition("True", "a", "2")]}).into(),
        &before,
    );
    assert_eq!(same, None);
    let reworded = patch_status(
        &json!({"conditions": [condition("True", "b", "2")]}).into(),
        &before,
    );
    let Some(Request::PatchStatus(patch)) = reworded else {
        panic!("{reworded:?}")
    };
    assert_eq!(patch["status"]["conditions"][0]["lastTransitionTime"], "1");
    let turned = patch_status(
        &json!({"conditions": [condition("False", "b", "2")]}).into(),
        &before,
    );
    let Some(Request::PatchStatus(patch)) = turned else {
        panic!("{turned:?}")
    };
    assert_eq!(patch["status"]["conditions"][0]["lastTransitionTime"], "2");
}

#[test]
fn a_limit_is_kept_and_the_rest_comes_later() {
    let mut desk = Desk::default();
    let named = |n: u32| Target {
        kind: Kind::Conflict,
        key: ObjectKey::new("metallb-system", n.to_string()),
    };
    desk.stored(Kind::Conflict, Change::Listed(vec![]));
    for n in 0..5 {
        desk.wish(named(n), own(json!({})));
    }
    let first = desk.due(3, at(1));
    assert_eq!(first.len(), 3);
    assert_eq!(desk.due(8, at(1)).len(), 2);
    desk.forget_all();
    for job in &first {
        desk.done(job, Outcome::Conflict, at(1));
    }
    assert_eq!(desk.due(8, at(60)), [], "another replica leads");
}

/// What a wish does not name is somebody's record that could not be read: it is neither written nor missed.
#[test]
fn a_field_that_is_not_named_stays_and_is_no_difference() {
    let mut desk = Desk::default();
    let target = target(Kind::Router);
    let before = json!({"taken": [{"pool": "p", "ranges": "a bit"}], "serial": "HEX1", "board": null});
    desk.stored(Kind::Router, Change::Listed(vec![stored(1, before)]));
    desk.wish(target.clone(), status_wish(json!({"board": "RB5009"})));
    let job = only(desk.due(8, at(1)));
    let Request::PatchStatus(patch) = &job.request else {
        panic!("{job:?}")
    };
    assert_eq!(patch["status"], json!({"board": "RB5009"}));
    let after = json!({"taken": [{"pool": "p", "ranges": "a bit"}], "serial": "HEX1", "board": "RB5009"});
    desk.done(&job, Outcome::Stored(Box::new(stored(2, after))), at(1));
    assert_eq!(desk.due(8, at(60)), []);
}

#[test]
fn of_objects_that_are_gone_nothing_is_remembered() {
    let mut desk = Desk::default();
    let pool = |n: u32| Target {
        kind: Kind::Pool,
        key: ObjectKey::new("metallb-system", n.to_string()),
    };
    desk.stored(Kind::Pool, Change::Listed(vec![]));
    desk.wish(target(Kind::Configuration), own(json!({})));
    for n in 0..1_000 {
        desk.wish(pool(n), status_wish(json!({"assignedIPv4": 1})));
        desk.retain(Kind::Pool, |key| *key == pool(n).key);
    }
    assert_eq!(desk.wishes.len(), 2, "the last pool, and what is of another kind");
    let again = Stored {
        key: pool(0).key,
        ..stored(9, json!({}))
    };
    desk.stored(Kind::Pool, Change::Applied(again));
    assert_eq!(desk.due(8, at(60)), [], "one of its name is another pool");
}

#[test]
fn what_an_older_definition_drops_is_not_written_again_at_once() {
    let mut desk = Desk::default();
    desk.stored(
        Kind::Announcement,
        Change::Listed(vec![stored(5, json!({"node": "n1"}))]),
    );
    let whole = |epoch: u32| own(json!({"node": "n1", "epoch": epoch}));
    desk.wish(target(Kind::Announcement), whole(1));
    let write = only(desk.due(8, at(1)));
    let pruned = || Outcome::Stored(Box::new(stored(5, json!({"node": "n1"}))));
    desk.done(&write, pruned(), at(1));
    assert_eq!(desk.due(8, at(1)), []);
    assert_eq!(desk.next_deadline(), Some(at(1) + RETRY_FIRST));
    let again = only(desk.due(8, at(1) + RETRY_FIRST));
    // Wished for meanwhile: what was stored is not the answer to it.
    desk.wish(target(Kind::Announcement), whole(2));
    desk.done(&again, pruned(), at(2));
    let other = only(desk.due(8, at(2)));
    let defined = stored(6, json!({"node": "n1", "epoch": 2}));
    desk.done(&other, Outcome::Stored(Box::new(defined)), at(2));
    assert_eq!((desk.due(8, at(9)), desk.next_deadline()), (vec![], None));
}
