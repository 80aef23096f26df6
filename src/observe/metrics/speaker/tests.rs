//! A speaker under MetalLB's names and ours.

use std::net::IpAddr;

use tiklb_core::election::Cause;
use tiklb_core::model::{ObjectKey, Timestamp};
use tiklb_core::speaker::Held;

use super::*;
use crate::observe::metrics::tests::{samples, samples_of};
use crate::observe::metrics::text;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn held(addresses: &[&str], services: &[&str]) -> Held {
    let services = services.iter().map(|name| ObjectKey::new("default", *name));
    Held {
        addresses: addresses.iter().map(|text| ip(text)).collect(),
        services: services.collect(),
        epoch: 3,
        because: Because::First { candidates: 2 },
        since: Timestamp(0),
        interfaces: vec!["eth0".to_owned()],
        mac: None,
    }
}

fn dispute(by_stranger: bool) -> Dispute {
    Dispute {
        stranger: by_stranger.then(tiklb_core::model::MacAddr::zero),
        nodes: ["node2".into()].into(),
    }
}

struct Desk {
    registry: Registry,
    counters: watch::Sender<Arc<Counters>>,
    published: watch::Sender<Arc<Published>>,
    owner_changes: OwnerChanges,
    thread: Thread,
}

fn desk() -> Desk {
    let mut registry = Registry::default();
    let (counters, counters_read) = watch::channel(Arc::default());
    let (published, published_read) = watch::channel(Arc::default());
    let node = NodeName::from("node1");
    let thread = Thread::default();
    let owner_changes = register(&mut registry, node, counters_read, published_read, thread.clone());
    Desk {
        registry,
        counters,
        published,
        owner_changes,
        thread,
    }
}

#[test]
fn a_fresh_speaker_shows_what_can_be_counted() {
    let mut expected = vec![
        "tiklb_speaker_peers_missing 0".to_owned(),
        "tiklb_speaker_claims_blocked 0".to_owned(),
        "tiklb_speaker_disputed_addresses{by=\"stranger\"} 0".to_owned(),
        "tiklb_speaker_disputed_addresses{by=\"node\"} 0".to_owned(),
        "tiklb_speaker_defences_total 0".to_owned(),
        "tiklb_speaker_standing_in 0".to_owned(),
    ];
    let mut reasons = REASONS;
    reasons.sort_unstable();
    let changes = reasons.map(|reason| format!("tiklb_speaker_owner_changes_total{{reason=\"{reason}\"}} 0"));
    expected.extend(changes);
    expected.extend(
        ["unread", "unsent"].map(|why| format!("tiklb_speaker_frames_lost_total{{why=\"{why}\"}} 0")),
    );
    let shown = samples(&desk().registry);
    let (seconds, shown): (Vec<_>, Vec<_>) = shown.into_iter().partition(|line| line.contains("_seconds_"));
    let ordered = |mut lines: Vec<String>| {
        lines.sort_unstable();
        lines
    };
    assert_eq!(ordered(shown), ordered(expected));
    for name in [FAILOVER, LATENESS] {
        assert!(
            seconds.contains(&format!("{name}_seconds_count 0")),
            "{name}: {seconds:#?}"
        );
    }
}

#[test]
fn takeovers_lateness_and_lost_frames_are_shown() {
    let desk = desk();
    let silent = |milliseconds| Because::Silent {
        node: "node2".into(),
        after: Duration::from_millis(milliseconds),
    };
    desk.owner_changes.record(&silent(36));
    desk.owner_changes.record(&silent(340));
    desk.owner_changes.record(&Because::GivenUp);
    desk.thread.was_late(Duration::from_micros(80));
    desk.thread.was_late(Duration::from_millis(30));
    desk.thread.lost(7, 0);
    let shown = samples(&desk.registry);
    for line in [
        "tiklb_speaker_failover_seconds_count 2",
        "tiklb_speaker_failover_seconds_bucket{le=\"0.05\"} 1",
        "tiklb_speaker_failover_seconds_bucket{le=\"0.5\"} 2",
        "tiklb_speaker_lateness_seconds_bucket{le=\"0.005\"} 1",
        "tiklb_speaker_lateness_seconds_bucket{le=\"0.05\"} 2",
        "tiklb_speaker_frames_lost_total{why=\"unread\"} 7",
        "tiklb_speaker_frames_lost_total{why=\"unsent\"} 0",
    ] {
        assert!(shown.contains(&line.to_owned()), "{line}: {shown:#?}");
    }
}

#[test]
fn what_is_announced_is_shown_and_gone_when_it_is_given_up() {
    let desk = desk();
    let published = Published {
        held: [
            (ip("192.0.2.1"), held(&["192.0.2.1"], &["a", "b"])),
            (ip("192.0.2.2"), held(&["192.0.2.2", "2001:db8::2"], &["c"])),
        ]
        .into(),
        missing: ["node2".into(), "node3".into()].into(),
        blocked: [(ip("192.0.2.9"), tiklb_core::model::MacAddr::zero())].into(),
        disputes: [
            (ip("192.0.2.1"), dispute(true)),
            (ip("192.0.2.2"), dispute(false)),
        ]
        .into(),
        ..Published::default()
    };
    desk.published.send_replace(Arc::new(published));
    let announced = |service: &str, ip: &str| {
        format!(
            "metallb_speaker_announced{{service=\"default/{service}\",protocol=\"layer2\",node=\"node1\",ip=\"{ip}\"}} 1"
        )
    };
    assert_eq!(
        samples_of(&desk.registry, "metallb_"),
        [
            announced("a", "192.0.2.1"),
            announced("b", "192.0.2.1"),
            announced("c", "192.0.2.2"),
            announced("c", "2001:db8::2"),
        ]
    );
    let troubles = samples(&desk.registry);
    for disputed in ["by=\"stranger\"} 1", "by=\"node\"} 2"] {
        let line = format!("tiklb_speaker_disputed_addresses{{{disputed}");
        assert!(troubles.contains(&line), "{troubles:?}");
    }
    assert!(troubles.contains(&"tiklb_speaker_peers_missing 2".to_owned()));
    assert!(troubles.contains(&"tiklb_speaker_claims_blocked 1".to_owned()));
    desk.published.send_replace(Arc::default());
    assert!(samples_of(&desk.registry, "metallb_").is_empty());
}

#[test]
fn counters_have_metallbs_names_to_the_letter() {
    let desk = desk();
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    desk.counters.send_replace(Arc::new(Counters {
        frames: [("answered_request", 4), ("not_announced", 9)].into(),
        datagrams: [("accepted", 7), ("other_key", 1)].into(),
        requests: [(address, 5)].into(),
        responses: [(address, 4)].into(),
        gratuitous: [(address, 6)].into(),
        defences: 2,
        ..Counters::default()
    }));
    let mut shown = samples(&desk.registry);
    let elsewhere = ["owner_changes", "_seconds_", "frames_lost"];
    shown.retain(|line| !elsewhere.iter().any(|name| line.contains(name)));
    assert_eq!(
        shown,
        [
            "metallb_layer2_requests_received{ip=\"192.0.2.1\"} 5",
            "metallb_layer2_responses_sent{ip=\"192.0.2.1\"} 4",
            "metallb_layer2_gratuitous_sent{ip=\"192.0.2.1\"} 6",
            "tiklb_speaker_frames_total{verdict=\"answered_request\"} 4",
            "tiklb_speaker_frames_total{verdict=\"not_announced\"} 9",
            "tiklb_speaker_datagrams_total{outcome=\"accepted\"} 7",
            "tiklb_speaker_datagrams_total{outcome=\"other_key\"} 1",
            "tiklb_speaker_peers_missing 0",
            "tiklb_speaker_claims_blocked 0",
            "tiklb_speaker_disputed_addresses{by=\"stranger\"} 0",
            "tiklb_speaker_disputed_addresses{by=\"node\"} 0",
            "tiklb_speaker_defences_total 2",
            "tiklb_speaker_standing_in 0",
        ]
    );
    let text = text(&desk.registry).unwrap();
    assert!(
        text.contains("# TYPE metallb_layer2_requests_received unknown\n"),
        "{text}"
    );
    assert!(text.contains("# TYPE tiklb_speaker_frames counter\n"), "{text}");
}

#[test]
fn owner_changes_are_counted_by_one_of_a_few_words() {
    // One of each; a reason that core learns must be added here and to the list.
    let all = |because: &Because| match because {
        Because::First { .. }
        | Because::Silent { .. }
        | Because::GivenUp
        | Because::Resumed
        | Because::Offered { .. }
        | Because::HandedOver { .. }
        | Because::Beaten { .. }
        | Because::Recorded { .. }
        | Because::NotCandidate
        | Because::NotWanted
        | Because::NoCarrier
        | Because::Leaving => REASONS.contains(&because.reason()),
    };
    let node = NodeName::from("node2");
    let becauses = [
        Because::First { candidates: 2 },
        Because::Silent {
            node: node.clone(),
            after: Duration::from_millis(300),
        },
        Because::GivenUp,
        Because::Resumed,
        Because::Offered {
            by: node.clone(),
            cause: Cause::Preferred,
        },
        Because::HandedOver { to: node.clone() },
        Because::Beaten {
            by: node.clone(),
            epoch: 4,
        },
        Because::Recorded { by: node, epoch: 4 },
        Because::NotCandidate,
        Because::NotWanted,
        Because::NoCarrier,
        Because::Leaving,
    ];
    let desk = desk();
    for because in &becauses {
        assert!(all(because), "{because:?}");
        desk.owner_changes.clone().record(because);
    }
    desk.owner_changes.record(&Because::GivenUp);
    let shown = samples_of(&desk.registry, "tiklb_speaker_owner_changes_total");
    assert_eq!(shown.len(), REASONS.len());
    for line in &shown {
        let expected = if line.contains("OwnerGaveUp") { " 2" } else { " 1" };
        assert!(line.ends_with(expected), "{line}");
    }
}

#[test]
fn detection_times_are_shown_for_each_peer_that_is_watched() {
    let desk = desk();
    let times =
        [("node2", 36), ("node3", 150)].map(|(node, ms)| (NodeName::from(node), Duration::from_millis(ms)));
    let counters = Counters {
        detection: times.into(),
        ..Counters::default()
    };
    desk.counters.send_replace(Arc::new(counters));
    let shown = samples_of(&desk.registry, "tiklb_speaker_detection_milliseconds");
    let expected = [
        "tiklb_speaker_detection_milliseconds{peer=\"node2\"} 36",
        "tiklb_speaker_detection_milliseconds{peer=\"node3\"} 150",
    ];
    assert_eq!(shown, expected);
    let published = Published {
        standing: [(ip("192.168.1.200"), NodeName::from("node2"))].into(),
        ..Published::default()
    };
    desk.published.send_replace(Arc::new(published));
    let shown = samples_of(&desk.registry, "tiklb_speaker_standing_in");
    assert_eq!(shown, ["tiklb_speaker_standing_in 1"]);
}
