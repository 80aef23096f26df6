//! What the admin surface shows, as JSON.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::journal::{Edit, Violation, Write};
use crate::menu::Menu;
use crate::router::Router;
use crate::row::Row;
use crate::switch::{Named, shown};

/// Every menu's rows, by path.
pub(super) fn all(router: &Router) -> Value {
    let snapshot = router.snapshot();
    let menus: Map<String, Value> = Menu::ALL
        .into_iter()
        .map(|menu| (menu.path().to_owned(), rows(snapshot.rows(menu))))
        .collect();
    Value::Object(menus)
}

pub(super) fn rows(rows: &[Row]) -> Value {
    rows.iter().map(Row::json).collect()
}

pub(super) fn named(list: &[Named]) -> Value {
    let told = |named: &Named| {
        let about = json!({"value": named.value, "takes": named.takes, "does": named.does});
        (named.name.to_owned(), about)
    };
    Value::Object(list.iter().map(told).collect())
}

pub(super) fn clock(router: &Router) -> Value {
    let clock = router.clock();
    json!({"since-start": shown(clock.now()), "wall": time(clock.wall())})
}

pub(super) fn log(router: &Router) -> Value {
    let line = |line: &crate::log::LogLine| json!({"time": time(line.at), "topics": line.topics, "message": line.message});
    router.log().iter().map(line).collect()
}

pub(super) fn journal(router: &Router) -> Value {
    let journal = router.journal();
    let reads: Map<String, Value> = journal
        .reads
        .iter()
        .map(|(menu, count)| (menu.path().to_owned(), (*count).into()))
        .collect();
    json!({
        "writes": journal.writes.iter().map(write).collect::<Value>(),
        "edits": journal.edits.iter().map(edit).collect::<Value>(),
        "violations": journal.violations.iter().map(violation).collect::<Value>(),
        "reads": reads,
        "most-in-flight": journal.most_in_flight,
        "dropped": journal.dropped,
    })
}

fn write(write: &Write) -> Value {
    json!({
        "at": seconds(write.at),
        "time": time(write.wall),
        "user": write.user,
        "method": write.method,
        "path": write.path,
        "id": write.id,
        "body": write.body,
        "status": write.status,
        "row": write.row.as_ref().map(Row::json),
    })
}

fn edit(edit: &Edit) -> Value {
    json!({
        "at": seconds(edit.at),
        "menu": edit.menu.path(),
        "before": edit.before.as_ref().map(Row::json),
        "after": edit.after.as_ref().map(Row::json),
    })
}

fn violation(violation: &Violation) -> Value {
    json!({
        "at": seconds(violation.at),
        "method": violation.method,
        "path": violation.path,
        "reason": violation.reason,
    })
}

fn seconds(at: Duration) -> f64 {
    at.as_secs_f64()
}

fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_| String::new(), |at| at.to_string())
}
