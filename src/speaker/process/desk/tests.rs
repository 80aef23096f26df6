//! When the wire is told what is wanted.

use std::pin::pin;

use tiklb_core::allocator::Change;
use tiklb_core::election::candidate::Node;
use tiklb_core::model::NodeName;

use super::*;
use crate::api::event::SPEAKER;
use crate::cluster::event::events;
use crate::cluster::writer::Writer;
use crate::observe::liveness::Liveness;
use crate::observe::readiness::Readiness;
use crate::speaker::record::Identity;

/// Longer than anything here takes on a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(30);

fn desk(readiness: &Readiness) -> Desk {
    let identity = Identity {
        node: NodeName::from("n1"),
        namespace: "metallb-system".to_owned(),
        owner: None,
        heartbeat_port: 7_946,
    };
    let (events, _) = events(SPEAKER, "speaker-1");
    Desk::new(Parts {
        settings: Settings::default(),
        recorder: Recorder::new(identity, Writer::default(), events, Box::new(|_| ())),
        listing: Some(readiness.wait_for("the lists")),
        pulse: Liveness::new().pulse("the desk", PATIENCE),
        configuration: Configuration::default(),
    })
}

/// The first list of every kind. Of a new cluster all may be empty but that of the nodes, and a fault may leave out that one.
fn lists(nodes: &[&str]) -> Vec<News> {
    let nodes = nodes.iter().map(|name| Node {
        name: NodeName::from(*name),
        ..Node::default()
    });
    vec![
        News::services(Change::Listed(vec![])),
        News::Pools(Change::Listed(vec![])),
        News::Advertisements(Change::Listed(vec![])),
        News::Nodes(Change::Listed(nodes.collect())),
        News::Slices(Change::Listed(vec![])),
        News::Pods(Change::Listed(vec![])),
        News::Records(Change::Listed(vec![])),
    ]
}

/// Lists come one by one in this order. The wire is told nothing before the last is there, whatever comes besides, and then
/// at once.
async fn told_with_the_last(lists: Vec<News>) {
    let what = format!("{lists:?}");
    let readiness = Readiness::new();
    let mut desk = desk(&readiness);
    let (wanted, mut told) = watch::channel(None);
    let (publish, published) = watch::channel(Arc::new(Published::default()));
    let (feed, news) = mpsc::channel(lists.len());
    let stored = Notify::new();
    let mut run = pin!(desk.run(&wanted, published, news, &stored));
    let mut lists = lists.into_iter().peekable();
    while let Some(list) = lists.next() {
        feed.try_send(list).unwrap();
        publish.send_replace(Arc::new(Published::default()));
        stored.notify_one();
        if lists.peek().is_none() {
            break;
        }
        // It goes on until there is nothing to do.
        assert!(futures::poll!(&mut run).is_pending());
        assert_eq!(feed.capacity(), feed.max_capacity(), "it was taken in");
        assert_eq!(*told.borrow(), None, "of {what} {} have not come", lists.len());
        assert_eq!(readiness.waiting(), ["the lists"]);
    }
    tokio::select! {
        outcome = &mut run => panic!("{outcome:?}"),
        told = tokio::time::timeout(PATIENCE, told.changed()) => told.unwrap().unwrap(),
    }
    assert_eq!(*told.borrow(), Some(Arc::default()), "{what}");
    assert!(readiness.waiting().is_empty());
}

#[tokio::test]
async fn the_wire_is_told_nothing_before_every_kind_was_listed() {
    for nodes in [[].as_slice(), &["n1", "n2"]] {
        let kinds = lists(nodes).len();
        for first in 0..kinds {
            let mut lists = lists(nodes);
            lists.rotate_left(first);
            told_with_the_last(lists).await;
        }
    }
}
