//! What happens to the LAN itself: switches that die, cards that are exchanged, many addresses on one node.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::Bound;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::announcement::{ADDRESS, NOTICED, handed_over, judge, never_twice, other_than, pinging, stays};
use super::answer::{asking, asking_for_each, never_two, never_unanswered, owners};
use super::scene::{APPS, EXCLUDED, OBSERVED, SOON, Scene, service};
use super::{Outcome, Story, stories};
use crate::home::kind::SERVICE_L2_STATUSES;
use crate::kube::SERVICES;
use crate::lan::Mac;
use crate::wait::until;
use crate::wire::{AskReport, Capture, PingAnswer, Seen};

pub(super) fn stories() -> Vec<Story> {
    stories![segment:
        a_node_behind_a_dead_switch_is_followed_and_takes_nothing_back,
        a_node_that_is_cut_off_from_the_lan_alone_is_followed_there,
        a_switch_that_is_down_for_two_seconds_for_all_moves_nothing,
        an_owner_dies_while_the_gateway_is_away,
        a_card_with_another_mac_address_is_announced_at_once,
        two_hundred_addresses_leave_a_dead_node_together,
        l06_with_failback_an_address_returns_to_the_first_in_order
            with |plan| plan.speaker_arguments(["--failback", "immediate"]),
    ]
}

/// How long everybody is cut off.
const OUTAGE: Duration = Duration::from_secs(2);

/// Its link stays up, so that nothing but silence tells anybody.
async fn a_node_behind_a_dead_switch_is_followed_and_takes_nothing_back(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    is_followed(scene, &node).await
}

/// Its speaker goes on to be heard, on a network that has nothing to do with the address.
async fn a_node_that_is_cut_off_from_the_lan_alone_is_followed_there(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    with_management(scene).await?;
    is_followed(scene, &node).await
}

/// Its port at the switch is dead for a while.
async fn is_followed(scene: &Scene, node: &str) -> Outcome {
    let pinger = pinging(scene, node).await?;
    stays(&pinger, node).await?;
    scene.home.lan().unplug(node).await?;
    let heir = other_than(&pinger, node).await?;
    scene.record("web", &heir).await?;
    scene.home.lan().replug(node).await?;
    stays(&pinger, &heir).await?;
    judge(&pinger.stop()?)?;
    scene.record("web", &heir).await?;
    let answerers = scene.home.answerers(ADDRESS).await?;
    ensure!(answerers.len() == 1, "{answerers:?} answer");
    Ok(())
}

/// Each node gets a second card, with an address in a network of its own.
async fn with_management(scene: &Scene) -> Outcome {
    for node in scene.home.node_names() {
        let host = scene.home.lan().host(node)?;
        // Both cards hang on one switch here: the kernel must not answer for one by the other.
        host.sysctl(&[("net.ipv4.conf.all.arp_ignore", "1")])?;
        scene.home.lan().plug(node, "eth1").await?;
        let [.., last] = scene.home.address_of(node)?.octets();
        let address = Ipv4Net::new(Ipv4Addr::new(10, 0, 0, last), 24)?;
        host.add_address(address, "eth1").await?;
    }
    Ok(())
}

async fn a_switch_that_is_down_for_two_seconds_for_all_moves_nothing(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let before = scene.record("web", &node).await?;
    let pinger = pinging(scene, &node).await?;
    scene.home.lan().power(false).await?;
    tokio::time::sleep(OUTAGE).await;
    let last = pinger.wait_for(|_| true, SOON).await?.sequence;
    scene.home.lan().power(true).await?;
    let again = |answer: &PingAnswer| answer.sequence > last;
    let first = pinger.wait_for(again, SOON).await?;
    ensure!(*first.node == *node, "{} answers", first.node);
    stays(&pinger, &node).await?;
    never_twice(&pinger.stop()?)?;
    scene.keeps_its_claim("web", &node, &before).await
}

/// Nothing but hosts of the LAN can tell a node then that its own link works.
async fn an_owner_dies_while_the_gateway_is_away(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    scene.home.lan().unplug("router").await?;
    stays(&pinger, &node).await?;
    scene.home.lan().unplug(&node).await?;
    let heir = other_than(&pinger, &node).await?;
    scene.home.lan().replug("router").await?;
    stays(&pinger, &heir).await?;
    judge(&pinger.stop()?)
}

async fn a_card_with_another_mac_address_is_announced_at_once(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let node = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &node).await?;
    let asker = asking(scene).await?;
    let client = scene.home.client()?;
    let capture = Capture::start(client, client.interface())?;
    let host = scene.home.lan().host(&node)?;
    let old = host.link(host.interface()).await?.mac;
    let new = Mac([0x02, 0, 0, 0, 0x0f, 0x0e]);
    host.set_mac(host.interface(), new).await?;
    let claims = |seen: &Seen| {
        let frame = &seen.frame;
        frame.is_gratuitous() && frame.sender_ip == ADDRESS && frame.sender_mac == new
    };
    capture.wait_for(claims, SOON).await?;
    asker.wait_for(|answer| answer.mac == new, SOON).await?;
    let says =
        |record: &Value| record["status"]["node"] == *node && record["status"]["mac"] == new.to_string();
    let what = "a ServiceL2Status with the new address";
    scene
        .home
        .kube()
        .wait_list(SERVICE_L2_STATUSES, SOON, what, |records| {
            records.iter().any(says)
        })
        .await?;
    stays(&pinger, &node).await?;
    let report = asker.stop()?;
    never_unanswered(&report, NOTICED)?;
    never_two(scene, &report, |_| false)?;
    ensure!(report.owners() == [old, new], "{:?} were given", report.owners());
    // What was sent to the old card is lost; who sends finds the new one.
    let report = pinger.stop()?;
    judge(&report)?;
    ensure!(report.nodes == [node], "{:?} answered", report.nodes);
    Ok(())
}

/// As many as a node of a home never has.
const MANY: u8 = 200;

/// A range of its own, which no node has: its addresses are announced all the same.
fn many(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

/// Most are announced within a tenth of a second: a burst of broadcasts goes out at once, the rest at 900 a second.
const ALL_WITHIN: Duration = Duration::from_secs(2);

/// Whoever asks for all of them in turn asks for each about twice a second.
const ROUND: Duration = Duration::from_secs(1);

async fn two_hundred_addresses_leave_a_dead_node_together(scene: &mut Scene) -> Outcome {
    let one = all_on_one(scene).await?;
    let client = scene.home.client()?;
    let all: Vec<Ipv4Addr> = (1..=MANY).map(many).collect();
    let asker = asking_for_each(scene, &all).await?;
    let capture = Capture::start(client, client.interface())?;
    let gone = scene.home.lan().host(&one)?.link("eth0").await?.mac;
    let began = Instant::now();
    scene.home.lan().cut(&one).await?;
    let moved = |capture: &Capture| -> BTreeSet<Ipv4Addr> {
        let frames = capture.frames();
        let claims = frames
            .iter()
            .filter(|seen| seen.frame.is_gratuitous() && seen.frame.sender_mac != gone);
        claims
            .map(|seen| seen.frame.sender_ip)
            .filter(|ip| ip.octets()[0] == 10)
            .collect()
    };
    until("all addresses to be announced by others", SOON, async || {
        let moved = moved(&capture);
        ensure!(moved.len() == usize::from(MANY), "{} of {MANY}", moved.len());
        Ok(())
    })
    .await?;
    ensure!(began.elapsed() < ALL_WITHIN, "it took {:?}", began.elapsed());
    // Whoever yields has done so by then, and is watched from there on.
    tokio::time::sleep((ALL_WITHIN + OBSERVED).saturating_sub(began.elapsed())).await;
    let report = asker.stop()?;
    never_unanswered(&report, ALL_WITHIN + ROUND)?;
    let frames = capture.frames();
    let since = frames
        .into_iter()
        .filter(|seen| seen.at > began && seen.frame.is_gratuitous());
    let since: Vec<Seen> = since.filter(|seen| seen.frame.sender_mac != gone).collect();
    let told = |address: Ipv4Addr| told(&since, &report.of(address), address, gone);
    let (disputed, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|address| told(*address).len() > 1);
    let overlaps = disputed
        .iter()
        .map(|address| (overlap(&told(*address)), *address));
    let longest = overlaps.max();
    println!(
        "    of {MANY} addresses two nodes claimed {}, the longest {longest:?}",
        disputed.len()
    );
    ensure!(
        disputed.len() <= DISPUTED,
        "two nodes told the LAN that they have {disputed:?}"
    );
    let bounded = longest.is_none_or(|(length, _)| length < YIELDED_WITHIN);
    ensure!(bounded, "two nodes had an address for too long: {longest:?}");
    for address in others {
        let report = report.of(address);
        never_two(scene, &report, |_| false)?;
        one_heir(scene, &report, &one).with_context(|| address.to_string())?;
    }
    for address in disputed {
        left_to_one(scene, &report.of(address), &one, began).with_context(|| address.to_string())?;
    }
    Ok(())
}

/// A machine that keeps the first in order waiting for longer than a turn, and not the second, has both of them claim: of so many
/// addresses, where nothing keeps two turns apart it was a third of all.
const DISPUTED: usize = 20;

/// Of two that claim an address the one that comes later in order hears of it by the other's next heartbeat. The rest is for a
/// busy machine.
const YIELDED_WITHIN: Duration = Duration::from_secs(1);

/// When somebody first and last told the LAN of an address.
type Span = (Instant, Instant);

/// Who told the LAN of an address, unasked or asked: a node that yields at once may have answered somebody, while its frame was
/// still waiting for its turn.
fn told(frames: &[Seen], report: &AskReport, address: Ipv4Addr, gone: Mac) -> BTreeMap<Mac, Span> {
    let unasked = frames.iter().filter(|seen| seen.frame.sender_ip == address);
    let unasked = unasked.map(|seen| (seen.frame.sender_mac, seen.at));
    let answers = report.questions.iter().flat_map(|question| {
        question
            .answers
            .iter()
            .map(|answer| (answer.mac, question.at + answer.after))
    });
    let mut told: BTreeMap<Mac, Span> = BTreeMap::new();
    for (mac, at) in unasked.chain(answers).filter(|(mac, _)| *mac != gone) {
        let (first, last) = told.entry(mac).or_insert((at, at));
        (*first, *last) = (at.min(*first), at.max(*last));
    }
    told
}

/// For how long two at a time had an address by their own word, at the longest.
fn overlap(told: &BTreeMap<Mac, Span>) -> Duration {
    let pairs = told.iter().flat_map(|(mac, one)| {
        let others = told.range((Bound::Excluded(mac), Bound::Unbounded));
        others.map(move |(_, other)| (one, other))
    });
    let overlaps = pairs.map(|(one, other)| {
        let end = one.1.min(other.1);
        end.saturating_duration_since(one.0.max(other.0))
    });
    overlaps.max().unwrap_or_default()
}

/// That many Services, all of which this node announces, and any other could: its name.
async fn all_on_one(scene: &mut Scene) -> Result<String> {
    scene.create_pool("many", &["10.77.0.1-10.77.0.200"]).await?;
    scene.advertise().await?;
    let nodes: Vec<String> = scene.home.node_names().map(str::to_owned).collect();
    let one = nodes.first().context("no node")?.clone();
    // The node that serves them all may announce them all; the others come in later.
    for last in 1..=MANY {
        let name = format!("s{last}");
        let asks = many(last).to_string();
        let mut service = service(&name, &[("metallb.io/loadBalancerIPs", &asks)]);
        service["spec"]["externalTrafficPolicy"] = json!("Local");
        scene
            .home
            .kube()
            .create(SERVICES.in_namespace(APPS), &service)
            .await?;
        scene.home.put_endpoints(APPS, &name, &[&one]).await?;
    }
    recorded(scene, &one).await?;
    let every: Vec<&str> = nodes.iter().map(String::as_str).collect();
    for last in 1..=MANY {
        scene
            .home
            .put_endpoints(APPS, &format!("s{last}"), &every)
            .await?;
    }
    stay_recorded(scene, &one).await?;
    Ok(one)
}

/// The node answered for the address, and then one other node did.
fn one_heir(scene: &Scene, report: &AskReport, node: &str) -> Outcome {
    let owners = owners(scene, report);
    let [first, heir] = owners.as_slice() else {
        bail!("{owners:?} answered, one after the other");
    };
    ensure!(
        first == node && is_another(scene, heir, node),
        "{owners:?} answered"
    );
    Ok(())
}

fn is_another(scene: &Scene, heir: &str, node: &str) -> bool {
    heir != node && scene.home.node_names().any(|name| name == heir)
}

/// The node answered for the address; of those that then claimed it all but one have yielded in time.
fn left_to_one(scene: &Scene, report: &AskReport, node: &str, cut: Instant) -> Outcome {
    let yielded = cut + ALL_WITHIN;
    never_two(scene, report, |at| cut <= at && at <= yielded)?;
    let before = owners(scene, &report.within(..cut));
    ensure!(before == [node], "{before:?} answered at first");
    let after = owners(scene, &report.since(yielded));
    let [heir] = after.as_slice() else {
        bail!("{after:?} answered in the end");
    };
    ensure!(is_another(scene, heir, node), "{heir} answered in the end");
    Ok(())
}

/// All addresses are announced by this node, by the word of its records.
async fn recorded(scene: &Scene, node: &str) -> Outcome {
    let what = format!("{MANY} records of {node}");
    let complete = |records: &[Value]| {
        let mine = records.iter().filter(|record| record["status"]["node"] == *node);
        mine.count() == usize::from(MANY)
    };
    scene
        .home
        .kube()
        .wait_list(SERVICE_L2_STATUSES, SOON * 3, &what, complete)
        .await?;
    Ok(())
}

/// And go on to be, although others could.
async fn stay_recorded(scene: &Scene, node: &str) -> Outcome {
    tokio::time::sleep(OBSERVED).await;
    recorded(scene, node).await
}

async fn l06_with_failback_an_address_returns_to_the_first_in_order(scene: &mut Scene) -> Outcome {
    scene.apply_pool().await?;
    let first = scene.settle("web", ADDRESS).await?;
    let pinger = pinging(scene, &first).await?;
    // A second after a Service's creation a kube-proxy may not know it yet, and what reaches its node is lost.
    stays(&pinger, &first).await?;
    scene.label(&first, EXCLUDED, Some("true")).await?;
    let heir = other_than(&pinger, &first).await?;
    scene.label(&first, EXCLUDED, None).await?;
    let back = other_than(&pinger, &heir).await?;
    ensure!(back == first, "{back} took it");
    let record = scene.record("web", &first).await?;
    ensure!(record["status"]["reason"] == "OwnerOffered", "{record}");
    handed_over(&pinger.stop()?, &[&first, &heir])
}
