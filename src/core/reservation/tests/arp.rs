//! ARP rows: to be seen, or in effect.

use std::time::Duration;

use super::paper::*;
use crate::config::object::ArpRows;
use crate::reservation::ConditionKind::FailoverLimited;
use crate::reservation::Router;
use crate::reservation::write::Write;

fn with(arp: ArpRows, reply_only: bool) -> Paper {
    let mut rows = home_router();
    if reply_only {
        rows.reply_only.insert("bridge".to_owned());
    }
    let mut paper = Paper::new(rows);
    let mut wanted = spec();
    wanted.arp = arp;
    paper.router = Router::new(object(wanted));
    for (last, name) in [(200, "db"), (201, "web")] {
        paper.assign(&format!("192.168.1.{last}"), name);
        paper.announcers.insert(ip(&format!("192.168.1.{last}")), mac(11));
    }
    paper.run(Duration::from_secs(30));
    paper
}

#[test]
fn rows_are_in_effect_where_they_must_be_and_the_condition_says_so() {
    for (arp, reply_only, enabled, reason) in [
        (ArpRows::Visible, false, Some(false), "Visible"),
        (ArpRows::Visible, true, Some(true), "ReplyOnly"),
        (ArpRows::Always, false, Some(true), "Always"),
        (ArpRows::Never, false, None, "NoRows"),
        (ArpRows::Never, true, None, "NoRows"),
    ] {
        let mut paper = with(arp, reply_only);
        let rows: Vec<bool> = paper.rows.arps.iter().map(|row| !row.disabled).collect();
        let expected: Vec<bool> = enabled.into_iter().flat_map(|enabled| [enabled; 2]).collect();
        assert_eq!(rows, expected, "{arp:?} {reply_only}");
        let (limited, found, message) = paper.condition(FailoverLimited);
        assert_eq!((limited, found), (enabled == Some(true), reason), "{message}");
    }
}

#[test]
fn a_row_follows_the_interface_s_mode_and_a_person_s_switch() {
    let mut paper = with(ArpRows::Visible, false);
    paper.rows.arps[0].disabled = false;
    paper.run(Duration::from_mins(6));
    assert!(paper.rows.arps.iter().all(|row| row.disabled));
    paper.rows.reply_only.insert("bridge".to_owned());
    paper.run(Duration::from_mins(6));
    assert!(paper.rows.arps.iter().all(|row| !row.disabled));
}

/// Traffic through the router waits for it: no reading, no other write goes ahead.
#[test]
fn a_pinned_row_follows_the_announcer_ahead_of_all_other_work() {
    let mut paper = with(ArpRows::Always, false);
    paper.run(Duration::from_mins(2));
    paper.assign("192.168.1.202", "mail");
    paper.announcers.insert(ip("192.168.1.201"), mac(12));
    paper.pass(Duration::from_mins(1));
    let crate::reservation::Work::Write(planned) = paper.work() else {
        panic!("a reading is due, and the row is more urgent")
    };
    assert!(
        matches!(&planned.write, Write::SetArp { spec, .. } if spec.mac == mac(12) && spec.enabled),
        "{}",
        planned.write
    );
    let mut seen = with(ArpRows::Visible, false);
    seen.pass(Duration::from_mins(1));
    seen.announcers.insert(ip("192.168.1.201"), mac(12));
    assert!(matches!(seen.work(), crate::reservation::Work::Read(_)));
}

#[test]
fn a_pinned_row_waits_for_the_fence_and_for_its_refusal() {
    let mut paper = with(ArpRows::Always, false);
    paper.announcers.insert(ip("192.168.1.201"), mac(12));
    paper.fence = paper.now.mono + Duration::from_secs(65);
    let writes = paper.writes.len();
    paper.run(Duration::from_mins(1));
    assert_eq!(paper.writes.len(), writes);
    paper.run(Duration::from_secs(10));
    assert_eq!(paper.writes.len(), writes + 1);
    paper.announcers.insert(ip("192.168.1.201"), mac(13));
    let planned = paper.due_write();
    paper.finish(
        &planned.write,
        &crate::reservation::Outcome::Refused("no".to_owned()),
    );
    assert!(matches!(paper.work(), crate::reservation::Work::Wait(Some(_))));
}
