//! `kubectl delete namespace`: the namespace goes, and before it the allocator gives the routers back.

use super::*;
use crate::config::RouterObject;
use crate::model::NodeName;
use crate::reservation::tests::paper::{Paper, home_router, mac, object, spec};
use crate::reservation::{Depth, Failure, FailureKind};

/// A router and its object, as effects change them.
pub(super) struct Home {
    pub(super) paper: Paper,
    object: RouterObject,
    away: bool,
    version: u64,
}

impl Home {
    /// What follows from an effect on the router or its object.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Vec<Event> {
        let router = self.object.key.clone();
        match effect {
            Effect::ReadRouter { depth, .. } => {
                assert!(matches!(depth, Depth::Whole | Depth::Pulse));
                let result = if self.away {
                    Err(Failure {
                        kind: FailureKind::Unreachable,
                        message: "nobody answers at 192.168.1.1".to_owned(),
                    })
                } else {
                    Ok(self.paper.rows.clone())
                };
                let result = Box::new(result);
                vec![Event::RouterRead { router, result }]
            }
            Effect::WriteRouter { planned, .. } => {
                let write = Box::new(planned.write.clone());
                let outcome = self.paper.write(&planned.write);
                vec![Event::RouterWritten {
                    router,
                    write,
                    outcome,
                }]
            }
            Effect::SetRouterStatus { status, .. } => self.change(|object| {
                object.taken.clone_from(&status.taken);
                object.serial.clone_from(&status.serial);
                object.identity = Some(status.identity.clone());
            }),
            Effect::SetRouterFinalizer { present, .. } => self.change(|object| object.finalizer = present),
            _ => vec![],
        }
    }

    /// The object as the watch shows it: nobody has deleted it.
    fn change(&mut self, change: impl FnOnce(&mut RouterObject)) -> Vec<Event> {
        change(&mut self.object);
        self.version += 1;
        self.object.resource_version = self.version.to_string();
        vec![Event::Routers(Change::Applied(self.object.clone()))]
    }
}

fn namespace(name: &str, deleting: bool) -> [Event; 1] {
    let object = NamespaceObject {
        key: ObjectKey::new("", name),
        labels: Labels::new(),
        deleting,
    };
    [Event::Namespaces(Change::Applied(object))]
}

fn announcement() -> Announcement {
    Announcement {
        key: ObjectKey::new("metallb-system", "l2-web"),
        service: key("web"),
        addresses: vec![ip("192.168.1.200")],
        node: NodeName::from("node1"),
        mac: Some(mac(11)),
        epoch: 1,
    }
}

/// Passes time, and does whatever follows.
fn run(world: &mut World, time: Duration) {
    let end = world.now.mono + time;
    while world.now.mono < end {
        let tick = Duration::from_millis(500);
        if let Some(home) = &mut world.home {
            home.paper.pass(tick);
        }
        world.now.wall.0 = 1_000_000 + i64::try_from(world.now.mono.since(Instant::ZERO).as_secs()).unwrap();
        world.pass(tick);
    }
}

/// A router in sync, and a Service that has an address of it and is announced.
fn in_sync() -> World {
    let mut world = World::new();
    let mut web = service("web", 1);
    web.ingress = vec![ip("192.168.1.200")];
    web.annotations.insert(FROM_POOL.to_owned(), "home".to_owned());
    world.apply(web);
    let object = object(spec());
    world.home = Some(Home {
        paper: Paper::new(home_router()),
        object: object.clone(),
        away: false,
        version: 1,
    });
    world.step([
        Event::Announcements(Change::Applied(announcement())),
        Event::Routers(Change::Applied(object)),
    ]);
    run(&mut world, Duration::from_mins(1));
    assert_eq!(rows(&world), (true, true), "a lease and a cut");
    assert!(home(&world).object.finalizer);
    world
}

fn home(world: &World) -> &Home {
    world.home.as_ref().unwrap()
}

/// Whether the address has its row, and whether it is out of the pool.
fn rows(world: &World) -> (bool, bool) {
    let rows = &home(world).paper.rows;
    let pool = rows.pools.iter().find(|row| row.name == "dhcp_pool").unwrap();
    (
        !rows.leases.is_empty(),
        !pool.ranges.contains(ip("192.168.1.200")),
    )
}

fn stays(world: &World) -> bool {
    world.allocator.has_to_stay(world.now.mono)
}

#[test]
fn with_the_namespace_the_router_is_given_back_and_only_then_the_leader_may_end() {
    let mut world = in_sync();
    world.objects.remove(&key("web"));
    let gone = Event::Announcements(Change::Deleted(announcement().key));
    world.step([Event::Services(Change::Deleted(key("web"))), gone]);
    assert!(!stays(&world), "an ordinary end waits for nothing");
    world.step(namespace("metallb-system", true));
    run(&mut world, Duration::from_secs(3));
    let rows = &home(&world).paper.rows;
    assert_eq!(rows.pools, home_router().pools);
    assert!(rows.leases.is_empty() && rows.arps.is_empty());
    assert!(!home(&world).object.finalizer);
    assert!(!stays(&world));
    // The object itself waits for the namespace's controller: nothing is taken again meanwhile.
    run(&mut world, Duration::from_mins(3));
    assert_eq!(home(&world).paper.rows.pools, home_router().pools);
    assert!(!home(&world).object.finalizer);
    assert_eq!(world.allocator.left_behind(), Vec::<String>::new());
}

#[test]
fn what_a_service_has_is_given_back_once_no_speaker_is_left_to_announce_it() {
    let mut world = in_sync();
    world.step(namespace("metallb-system", true));
    let gone = || Event::Announcements(Change::Deleted(announcement().key));
    // A speaker that is not told to end yet may announce at any moment what a status names.
    world.step([gone()]);
    run(&mut world, Duration::from_mins(1));
    assert_eq!(rows(&world), (true, true));
    world.step([Event::Announcements(Change::Applied(announcement()))]);
    world.step([Event::ToldToEnd]);
    run(&mut world, Duration::from_secs(20));
    assert_eq!(rows(&world), (true, true), "it is announced");
    assert!(stays(&world));
    world.step([gone()]);
    run(&mut world, Duration::from_secs(3));
    assert_eq!(rows(&world), (false, false));
    assert_eq!(home(&world).paper.rows.pools, home_router().pools);
    assert!(!stays(&world));
    assert_eq!(
        world.address("web").as_deref(),
        Some("192.168.1.200"),
        "it is not ours"
    );
    assert_eq!(world.writes, Vec::<String>::new());
}

#[test]
fn no_address_is_given_and_no_status_written_while_leaving() {
    let mut world = in_sync();
    world.step(namespace("metallb-system", true));
    let (events, reports) = (world.events.len(), world.reports);
    world.apply(service("new", 2));
    world.pools(Change::Deleted(ObjectKey::new("metallb-system", "home")));
    run(&mut world, Duration::from_secs(20));
    assert_eq!(world.address("new"), None);
    assert_eq!(world.address("web").as_deref(), Some("192.168.1.200"));
    assert_eq!(world.writes, Vec::<String>::new());
    assert_eq!((world.events.len(), world.reports), (events, reports));
}

#[test]
fn nobody_stays_for_another_namespace_or_behind_another_leader_or_for_no_router() {
    let mut world = in_sync();
    world.step(namespace("default", true));
    assert!(!stays(&world) && !world.allocator.is_leaving());
    world.step(namespace("metallb-system", false));
    assert!(!stays(&world) && !world.allocator.is_leaving());
    world.step(namespace("metallb-system", true));
    assert!(stays(&world));
    world.step([Event::Leadership(Leadership::Following)]);
    assert!(!stays(&world), "the leader gives back");
    let mut routerless = World::new();
    routerless.step(namespace("metallb-system", true));
    assert!(routerless.allocator.is_leaving() && !stays(&routerless));
}

#[test]
fn a_router_that_is_away_is_waited_for_until_the_bound_and_then_named() {
    let mut world = in_sync();
    world.home.as_mut().unwrap().away = true;
    world.step(namespace("metallb-system", true));
    run(&mut world, Duration::from_secs(5));
    world.step([Event::ToldToEnd]);
    let told = world.now.mono;
    // Told again, it counts from the first time.
    run(&mut world, LEAVING_BOUND / 2);
    world.step([Event::ToldToEnd]);
    while stays(&world) && world.now.mono.since(told) < 2 * LEAVING_BOUND {
        run(&mut world, Duration::from_secs(1));
    }
    assert_eq!(world.now.mono.since(told), LEAVING_BOUND);
    let left = world.allocator.left_behind();
    assert_eq!(left.len(), 1);
    for words in [
        "MikrotikRouter metallb-system/home is not given back",
        "nobody answers at 192.168.1.1",
        "`tiklb release --router https://192.168.1.1 …`",
        "`kubectl -n metallb-system patch mikrotikrouter home --type=merge -p '{\"metadata\":{\"finalizers\":null}}'`",
    ] {
        assert!(left[0].contains(words), "{left:?}");
    }
    assert!(home(&world).object.finalizer, "with the object its record stays");
}

#[test]
fn the_desk_is_woken_when_speakers_must_have_ended_and_at_the_bound() {
    let mut world = in_sync();
    world.home.as_mut().unwrap().away = true;
    world.step(namespace("metallb-system", true));
    let told = world.now.mono;
    let mut wake = world.allocator.step([Event::ToldToEnd], world.now).wake;
    let mut woken = Vec::new();
    while let Some(at) = wake.filter(|at| at.since(told) <= LEAVING_BOUND) {
        woken.push(at.since(told));
        world.now.mono = at;
        world.step([]);
        wake = world.allocator.step([], world.now).wake;
    }
    assert!(woken.contains(&Duration::from_secs(15)), "{woken:?}");
    assert_eq!(woken.last(), Some(&LEAVING_BOUND));
    assert!(!stays(&world));
}
