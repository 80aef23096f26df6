//! Random histories of Services and their API server, with another leader at any point: nobody loses an address, gets
//! another one unasked, or shares one that is not shared, also in the statuses that are stored meanwhile.

use proptest::prelude::*;

use super::*;

/// The pool is as large as the number of Services, so that there are always some that want what others have.
const POOL: &str = "192.168.1.200-192.168.1.203";

#[derive(Debug, Clone)]
enum Op {
    /// A Service appears, or is changed to ask for the address at this offset, or for none.
    Apply(u8, Option<u8>),
    /// One goes.
    Delete(u8),
    /// It becomes a Service of another type, or one again.
    Retype(u8),
    /// What becomes of the next status write.
    Fail(Fate),
    /// The watch shows nothing of what is written for a while, or shows all of it.
    Lag(bool),
    /// Another leader takes over, and lists what is stored.
    Leader,
    /// Much time goes by.
    Pass,
}

/// What a status write meets.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Refused,
    /// It is stored, and nobody is told.
    Unanswered,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let service = || 0u8..6;
    let op = prop_oneof![
        8 => (service(), proptest::option::weighted(0.4, 0u8..4)).prop_map(|(id, wish)| Op::Apply(id, wish)),
        3 => service().prop_map(Op::Delete),
        1 => service().prop_map(Op::Retype),
        3 => prop_oneof![Just(Fate::Refused), Just(Fate::Unanswered)].prop_map(Op::Fail),
        2 => any::<bool>().prop_map(Op::Lag),
        2 => Just(Op::Leader),
        2 => Just(Op::Pass),
    ];
    proptest::collection::vec(op, 1..40)
}

struct Model {
    world: World,
    /// What each Service asks for.
    asked: BTreeMap<ObjectKey, Option<IpAddr>>,
    /// What each has ever asked for: a wish that was granted may come into the status after it was withdrawn.
    wished: BTreeSet<(ObjectKey, IpAddr)>,
    /// What each status said when somebody last looked.
    seen: BTreeMap<ObjectKey, IpAddr>,
    created: i64,
}

impl Model {
    fn new() -> Self {
        let mut world = World::new();
        world.pools(Change::Listed(vec![pool("home", &[POOL])]));
        Self {
            world,
            asked: BTreeMap::new(),
            wished: BTreeSet::new(),
            seen: BTreeMap::new(),
            created: 0,
        }
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Apply(id, wish) => self.apply(id, wish),
            Op::Delete(id) => {
                let key = key(&format!("s{id}"));
                self.asked.remove(&key);
                self.seen.remove(&key);
                if self.world.objects.remove(&key).is_some() {
                    self.world.step([Event::Services(Change::Deleted(key))]);
                }
            }
            Op::Retype(id) => {
                let key = key(&format!("s{id}"));
                self.seen.remove(&key);
                self.edit(&key, |object| object.is_load_balancer = !object.is_load_balancer);
            }
            Op::Fail(Fate::Refused) => self.world.failures = vec![WriteResult::Failed("500".to_owned())],
            Op::Fail(Fate::Unanswered) => self.world.unanswered = true,
            Op::Lag(lags) => {
                self.world.watch_lags = lags;
                if !lags {
                    self.world.list();
                }
            }
            Op::Leader => {
                self.world.failures.clear();
                self.world.step([Event::Leadership(Leadership::Following)]);
                self.world
                    .step([Event::Leadership(Leadership::Leading { unclean: true })]);
                self.world.list();
            }
            Op::Pass => self.world.pass(Duration::from_mins(1)),
        }
        self.judge();
    }

    fn apply(&mut self, id: u8, wish: Option<u8>) {
        let key = key(&format!("s{id}"));
        let wish = wish.map(|offset| format!("192.168.1.{}", 200 + offset));
        let asked = wish.as_deref().map(ip);
        self.asked.insert(key.clone(), asked);
        self.wished.extend(asked.map(|address| (key.clone(), address)));
        if !self.world.objects.contains_key(&key) {
            self.created += 1;
            let service = service(&format!("s{id}"), self.created);
            self.world.objects.insert(key.clone(), service);
        }
        self.edit(&key, |object| {
            let annotation = "metallb.io/loadBalancerIPs".to_owned();
            object.annotations.remove(&annotation);
            object.annotations.extend(wish.map(|wish| (annotation, wish)));
        });
    }

    /// A person's edit, which the watch shows.
    fn edit(&mut self, key: &ObjectKey, change: impl FnOnce(&mut Service)) {
        let Some(object) = self.world.objects.get_mut(key) else {
            return;
        };
        change(object);
        self.world.version += 1;
        object.resource_version = self.world.version.to_string();
        let object = object.clone();
        self.world.step([Event::services(Change::Applied(object))]);
    }

    /// What is stored is what speakers go by, at every moment.
    fn judge(&mut self) {
        let serving = self
            .world
            .objects
            .values()
            .filter(|object| object.is_load_balancer);
        let mut holders: BTreeMap<IpAddr, &ObjectKey> = BTreeMap::new();
        for object in serving {
            let now = object.ingress.first().copied();
            if let Some(other) = now.and_then(|address| holders.insert(address, &object.key)) {
                panic!(
                    "{now:?} is in the statuses of {other} and {}: {:?}",
                    object.key, self.world.writes
                );
            }
            if let Some(before) = self.seen.get(&object.key).filter(|before| Some(**before) != now) {
                let wished = now.is_some_and(|now| self.wished.contains(&(object.key.clone(), now)));
                assert!(
                    wished,
                    "{} had {before} and has {now:?} unasked: {:?}",
                    object.key, self.world.writes
                );
            }
        }
        let held = holders.into_iter().map(|(address, key)| (key.clone(), address));
        self.seen = held.collect();
    }

    /// All faults end: whoever can have an address has one.
    fn end(&mut self) {
        self.world.failures.clear();
        self.world.watch_lags = false;
        self.world.unanswered = false;
        self.world.list();
        for _ in 0..5 {
            self.world.pass(Duration::from_mins(1));
            self.judge();
        }
        let serving = self
            .world
            .objects
            .values()
            .filter(|object| object.is_load_balancer);
        let (have, wait): (Vec<&Service>, Vec<&Service>) =
            serving.partition(|object| !object.ingress.is_empty());
        let taken: BTreeSet<IpAddr> = have.iter().flat_map(|object| object.ingress.clone()).collect();
        for object in wait {
            let asked = self.asked.get(&object.key).copied().flatten();
            let could = match asked {
                Some(address) => !taken.contains(&address),
                None => taken.len() < 4,
            };
            assert!(
                !could,
                "{} waits for nothing: {:?}",
                object.key, self.world.events
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nobody_loses_or_shares_an_address_whoever_leads(ops in ops()) {
        let mut model = Model::new();
        for op in &ops {
            model.run(op);
        }
        model.end();
    }
}

/// Found by the histories: a list shows the status as it is wanted, while an address that was sent for it before may
/// still come. The write that was to be tried again is what tells.
#[test]
fn an_address_that_was_sent_in_vain_is_free_once_the_next_write_is_answered() {
    let mut model = Model::new();
    for op in [
        Op::Apply(3, None),
        Op::Apply(1, None),
        Op::Fail(Fate::Refused),
        Op::Apply(5, None),
        Op::Fail(Fate::Refused),
        Op::Retype(5),
        Op::Apply(2, None),
        Op::Apply(0, None),
    ] {
        model.run(&op);
    }
    model.end();
    assert_eq!(model.world.objects[&key("s0")].ingress, [ip("192.168.1.202")]);
}
