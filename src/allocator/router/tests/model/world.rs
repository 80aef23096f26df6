//! The home that a history happens to.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use routeros_sim::{FailingWrites, Lease, Mac, Menu, Person, RangeForm, Renewal, Router, Switches, Version};
use tiklb_core::config::RouterMode;
use tiklb_core::reservation::ConditionKind::{PoolsExcluded, ReservationsInSync};

use super::super::home::Home;
use super::super::*;
use super::deed::{Deed, Edit};
use super::dice::Dice;
use super::witness::Witness;

const WHOLE: &str = "192.168.1.100-192.168.1.254";
/// The Service that asks for an address by name.
const ASKS: &str = "asks";
const MARKED: &str = "tiklb/v1 home/1a2b3c4d ";

/// By then a router was read again, also one that was away.
const POLLED: Duration = Duration::from_secs(40);

pub(super) struct World {
    home: Home,
    witness: Witness,
    reserve: bool,
    devices: u8,
    /// The version has the menu `/safe-mode`.
    tells_of_safe_mode: bool,
    /// What was arranged for the next write still holds.
    arranged: Arc<AtomicBool>,
}

/// A router with every switch drawn.
fn config(dice: &mut Dice) -> Config {
    let switches = Switches {
        range_form: dice.one(&[RangeForm::Verbatim, RangeForm::Cidr, RangeForm::Merged]),
        renewal_outside_pool: dice.one(&[Renewal::Ack, Renewal::Silent, Renewal::Nak]),
        static_leases_reserve: !dice.one_in(3),
        put_answers_ok: dice.one_in(2),
        delete_answers_ok: dice.one_in(2),
        reuse_ids: dice.one_in(2),
        ..Switches::default()
    };
    let version: Version = dice.one(&["7.12.2", "7.16.2", "7.20.8", "7.24"]).parse().unwrap();
    let mut config = Config {
        version,
        switches,
        certificate: None,
        ..Config::default()
    };
    if dice.one_in(3) {
        // Another pool with some of the same addresses, for another network's server.
        config = config
            .row(
                Menu::Pool,
                [("name", "iot"), ("ranges", "192.168.1.215-192.168.1.234")],
            )
            .row(
                Menu::DhcpServer,
                [("name", "iot"), ("interface", "ether1"), ("address-pool", "iot")],
            );
    }
    for device in 0..dice.byte(0, 3) {
        let address = Ipv4Addr::new(192, 168, 1, dice.byte(195, 215));
        if !config
            .leases
            .iter()
            .any(|lease| format!("{lease:?}").contains(&address.to_string()))
        {
            config = config.lease(Lease::bound(address, mac_of(240 + device)).host_name("tv"));
        }
    }
    config
}

fn mac_of(device: u8) -> Mac {
    Mac([0xAA, 0xBB, 0xCC, 0, 1, device])
}

impl World {
    pub(super) async fn start(dice: &mut Dice) -> Self {
        let config = config(dice);
        let reserve = config.switches.static_leases_reserve;
        let tells_of_safe_mode = ["7.20.8", "7.24"].contains(&config.version.number().as_str());
        let mut desk = Desk::with(config, timeouts()).await;
        desk.spec["acceptUntestedVersion"] = json!(true);
        desk.spec["dhcp"] = json!({"pools": ["iot"], "minFreeAddresses": 3});
        if desk.sim.rows(Menu::Pool).len() == 1 {
            desk.spec["dhcp"] = json!({"minFreeAddresses": 3});
        }
        let evict = dice.one_in(2);
        if evict {
            desk.spec["dhcp"]["evict"] = json!("OnRequest");
        }
        desk.apply();
        let witness = Witness::new(&desk.sim, evict);
        let mut home = Home::around(desk);
        home.surveyed = true;
        Self {
            home,
            witness,
            reserve,
            devices: 0,
            tells_of_safe_mode,
            arranged: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Something happens, time goes by, and the journal is judged.
    pub(super) async fn take(&mut self, deed: &Deed) -> Result<(), String> {
        self.witness.before(&self.home);
        if matches!(
            deed,
            Deed::Replace | Deed::Prune | Deed::Leader(_) | Deed::LeaderMidway
        ) {
            self.witness.forget_evictions();
        }
        let time = match deed {
            Deed::Wait => Duration::from_mins(13),
            _ => Duration::from_secs(20),
        };
        match deed {
            Deed::SafeMode(lost) => self.safe_mode(*lost).await?,
            deed => self.happen(deed).await,
        }
        self.home.pass(time).await;
        if matches!(deed, Deed::Cut) {
            self.home.desk.sim.faults().unreachable(false);
        }
        self.witness.judge(&self.home)
    }

    async fn happen(&mut self, deed: &Deed) {
        match deed {
            Deed::Service(number) => self.service(*number),
            Deed::Ask(last) => self.ask(*last),
            Deed::Announce(number, node) => {
                let name = format!("s{number}");
                let service = self.home.services.get(&ObjectKey::new("default", &name));
                if service.is_some_and(|service| !service.ingress.is_empty()) {
                    self.home.announce(&name, *node);
                }
            }
            Deed::Pool(last) => {
                let addresses = last.map(|last| format!("192.168.1.200-192.168.1.{last}"));
                self.home.pool("lan", addresses.as_deref());
            }
            Deed::SecondPool(there) => {
                let addresses = there.then_some("192.168.1.230-192.168.1.234");
                self.home.pool("other", addresses);
            }
            Deed::Reserve(offset, service) => self.home.reserve(
                &format!("r{offset}"),
                &format!("192.168.1.{}", 200 + offset),
                &format!("s{service}"),
                &format!("for {}", self.home.now.mono.since_start().as_secs()),
            ),
            Deed::Unreserve(offset) => self.home.unreserve(&format!("r{offset}")),
            Deed::Mode(mode) => self.mode(mode),
            Deed::Replace => {
                self.home.delete_router();
                self.home.pass(Duration::from_mins(1)).await;
                if self.home.object.is_none() {
                    self.home.make_router();
                }
            }
            Deed::Prune => {
                self.witness.before_pruning(&self.home);
                self.home.prune_router();
                self.home.pass(Duration::from_secs(2)).await;
                self.home.make_router();
            }
            Deed::Confirm => self.confirm(),
            other => self.befall(other).await,
        }
    }

    /// What happens to the router or its leader.
    async fn befall(&mut self, deed: &Deed) {
        let sim = self.home.desk.sim.clone();
        match deed {
            Deed::Person(edit) => edited(edit, &sim, &sim.person()),
            Deed::Meanwhile(edit) => {
                let (edit, menu) = (edit.clone(), edit.menu());
                let (router, arranged) = (sim.clone(), self.arranged.clone());
                sim.faults().between_read_and_write(menu, move |person| {
                    if arranged.load(Ordering::Relaxed) {
                        edited(&edit, &router, person);
                    }
                });
            }
            Deed::Device(wanted) => self.device(*wanted, &sim),
            Deed::FailWrite(applied) => {
                let failing = if *applied {
                    FailingWrites::after_applying()
                } else {
                    FailingWrites::before_applying()
                };
                sim.faults().fail_writes(failing.times(1));
            }
            Deed::Cut => sim.faults().unreachable(true),
            Deed::CutInWrite => {
                // The next lease's write is carried out and its answer lost; then the cable is mended.
                let (faults, armed) = (sim.faults(), Arc::new(AtomicBool::new(true)));
                let cut = armed.clone();
                sim.faults().between_read_and_write(Menu::Lease, move |_| {
                    if cut.load(Ordering::Relaxed) {
                        faults.unreachable(true);
                    }
                });
                self.service(0);
                self.home.pass(Duration::from_secs(5)).await;
                armed.store(false, Ordering::Relaxed);
                sim.faults().unreachable(false);
            }
            Deed::Reboot => sim.reboot(),
            Deed::Leader(unclean) => self.home.follow(*unclean),
            Deed::LeaderMidway => {
                for _ in 0..4 {
                    if self.home.ask() {
                        break;
                    }
                }
                self.home.follow(true);
            }
            Deed::Survey(on) => self.home.surveyed = *on,
            _ => {}
        }
    }

    /// A person works in Safe Mode: once a poll has shown it, nothing is written until it ends.
    async fn safe_mode(&mut self, lost: bool) -> Result<(), String> {
        let sim = self.home.desk.sim.clone();
        let person = sim.person();
        _ = person.take_safe_mode("admin");
        // Something wants to be written meanwhile.
        self.service(1);
        self.home.pass(POLLED).await;
        let before = sim.journal().writes.len();
        // What was given back by now may be another Service's in a moment.
        self.witness.judge(&self.home)?;
        self.witness.before(&self.home);
        self.service(2);
        self.home.pass(Duration::from_mins(2)).await;
        let journal = sim.journal();
        let since = journal.writes.get(before).filter(|_| self.tells_of_safe_mode);
        let since = since.map(|write| format!("written while somebody held Safe Mode: {write}"));
        let ended = if lost {
            person.abort_safe_mode()
        } else {
            person.release_safe_mode()
        };
        ended.map_err(|error| error.to_string())?;
        since.map_or(Ok(()), Err)
    }

    fn service(&mut self, number: u8) {
        let name = format!("s{number}");
        if self.home.services.contains_key(&ObjectKey::new("default", &name)) {
            self.home.delete(&name);
        } else {
            self.home.create(&name);
        }
    }

    /// A Service asks for an address of ours that a client has, where there is one.
    fn ask(&mut self, last: u8) {
        if self.home.services.contains_key(&ObjectKey::new("default", ASKS)) {
            return self.home.delete(ASKS);
        }
        let leases = self.home.desk.sim.rows(Menu::Lease);
        let clients = leases.iter().filter(|row| row.get("dynamic") == Some("true"));
        let mut addresses = clients.filter_map(|row| row.get("address")?.parse::<Ipv4Addr>().ok());
        let theirs = addresses.find(|address| (200..=220).contains(&address.octets()[3]));
        let address = theirs.unwrap_or_else(|| Ipv4Addr::new(192, 168, 1, last));
        self.home.create_at(ASKS, &address.to_string());
    }

    fn mode(&mut self, mode: &str) {
        self.home.desk.spec["mode"] = json!(mode);
        self.home.desk.apply();
        let spec = seen(&self.home.desk.spec).object.spec;
        self.home.change_router(|object| object.spec = spec);
    }

    fn confirm(&mut self) {
        let said = self.home.status.conditions.get(&ReservationsInSync);
        let hash = said.and_then(|said| said.message.split_once("tiklb.io/confirm="));
        if let Some((_, hash)) =
            hash.filter(|_| said.is_some_and(|said| said.reason == "AwaitingConfirmation"))
        {
            let hash = hash.to_owned();
            self.home.change_router(|object| object.confirm = Some(hash));
        }
    }

    /// A device gets an address that the router hands out, of ours where there is one.
    fn device(&mut self, wanted: u8, sim: &Router) {
        let leases = sim.rows(Menu::Lease);
        let is_free = |address: &Ipv4Addr| {
            let text = address.to_string();
            let mut rows = leases
                .iter()
                .filter(|row| row.get("address") == Some(text.as_str()));
            rows.all(|row| !self.reserve && row.get("dynamic") != Some("true"))
        };
        let handed_out = Witness::handed_out(sim);
        let all = handed_out.iter().filter_map(|address| match address {
            std::net::IpAddr::V4(address) => Some(address),
            std::net::IpAddr::V6(_) => None,
        });
        let free: Vec<Ipv4Addr> = all.filter(is_free).collect();
        let ours = free
            .iter()
            .find(|address| (200..=220).contains(&address.octets()[3]));
        let any = free.get(usize::from(wanted) % free.len().max(1));
        if let Some(address) = ours.or(any) {
            self.devices += 1;
            // Where somebody has a static row for it, a router that does not mind is not simulated further.
            _ = sim.lease(&Lease::bound(*address, mac_of(self.devices)).host_name("phone"));
        }
    }

    /// All faults end, people rest: everything agrees after a while. Then the router is given back.
    pub(super) async fn end(mut self) -> Result<(), String> {
        self.witness.before(&self.home);
        let sim = self.home.desk.sim.clone();
        self.arranged.store(false, Ordering::Relaxed);
        sim.faults().unreachable(false);
        sim.faults().mend_writes();
        self.home.surveyed = true;
        self.home.pool("lan", Some(OURS));
        self.home.pool("other", None);
        self.home.pass(Duration::from_mins(1)).await;
        if self.home.object.is_none() {
            self.home.make_router();
        }
        // A person who sets it to Paused and back wants everything tried again.
        self.mode("Paused");
        self.home.pass(Duration::from_secs(1)).await;
        self.mode("Enforce");
        self.converge().await?;
        self.witness.judge(&self.home)?;
        self.witness.agreed(&self.home)?;
        self.release().await
    }

    async fn converge(&mut self) -> Result<(), String> {
        // Ten minutes until a range is given back, a minute for a row, and a word for each that needs one.
        for _ in 0..40 {
            self.home.pass(Duration::from_mins(1)).await;
            if self.home.object.as_ref().is_some_and(|object| object.deleting) {
                // Deleted while Services have addresses: it waits for them.
                return Ok(());
            }
            self.confirm();
            if self.home.reason(ReservationsInSync) == "InSync"
                && ["Excluded", "NothingToExclude"].contains(&self.home.reason(PoolsExcluded))
            {
                return Ok(());
            }
        }
        let obstacle = ["ForeignRow", "LeftAlone"].contains(&self.home.reason(ReservationsInSync));
        if obstacle && self.witness.obstructed {
            return Ok(());
        }
        Err(format!("it does not converge: {:#?}", self.home.status))
    }

    async fn release(&mut self) -> Result<(), String> {
        self.witness.before(&self.home);
        for name in (0..6).map(|number| format!("s{number}")).chain([ASKS.to_owned()]) {
            if self.home.services.contains_key(&ObjectKey::new("default", &name)) {
                self.home.delete(&name);
            }
        }
        self.home.delete_router();
        for _ in 0..12 {
            self.home.pass(Duration::from_mins(1)).await;
            if self.home.object.is_none() {
                self.witness.judge(&self.home)?;
                return self.witness.as_before(&self.home);
            }
        }
        Err(format!("it is not released: {:#?}", self.home.status))
    }
}

impl Edit {
    fn menu(&self) -> Menu {
        match self {
            Self::PoolWhole | Self::PoolOther(..) | Self::PoolRename | Self::OwnPoolRemove => Menu::Pool,
            Self::ArpRemove => Menu::Arp,
            _ => Menu::Lease,
        }
    }
}

/// A person edits; what the router refuses, or what is not there, is no deed.
fn edited(edit: &Edit, sim: &Router, person: &Person) {
    let pool = || {
        let rows = sim.rows(Menu::DhcpServer);
        let server = rows.iter().find(|row| row.get("name") == Some("defconf"));
        server.and_then(|row| row.get("address-pool")).map(str::to_owned)
    };
    let ours = |menu: Menu| {
        let rows = sim.rows(menu);
        let mut ours = rows
            .iter()
            .filter(|row| row.get("comment").is_some_and(|c| c.starts_with(MARKED)));
        ours.find_map(|row| Some((row.get(".id")?.to_owned(), row.get("comment")?.to_owned())))
    };
    let set_pool = |values: [(&str, &str); 1]| {
        if let Some(pool) = pool() {
            _ = person.set(Menu::Pool, ("name", &pool), values);
        }
    };
    match edit {
        Edit::PoolWhole => set_pool([("ranges", WHOLE)]),
        Edit::PoolOther(first, last) => {
            set_pool([("ranges", &format!("192.168.1.{first}-192.168.1.{last}"))]);
        }
        Edit::PoolRename => set_pool([("name", "clients")]),
        Edit::LeaseRemove | Edit::ArpRemove | Edit::OwnPoolRemove => {
            let menu = match edit {
                Edit::LeaseRemove => Menu::Lease,
                Edit::ArpRemove => Menu::Arp,
                _ => Menu::Pool,
            };
            if let Some((id, _)) = ours(menu) {
                _ = person.remove(menu, (".id", &id));
            }
        }
        Edit::LeaseDisable | Edit::LeaseNote => {
            if let Some((id, comment)) = ours(Menu::Lease) {
                let noted = format!("{comment} | mine");
                let values = match edit {
                    Edit::LeaseDisable => ("disabled", "yes"),
                    _ => ("comment", noted.as_str()),
                };
                _ = person.set(Menu::Lease, (".id", &id), [values]);
            }
        }
        Edit::LeaseForeign(last) | Edit::Lookalike(last) => {
            let comment = match edit {
                Edit::LeaseForeign(_) => "printer",
                _ => "tiklb/v1 home/1a2b3c4 default/web",
            };
            let (address, mac) = (format!("192.168.1.{last}"), mac_of(*last).to_string());
            let values = [
                ("address", address.as_str()),
                ("mac-address", &mac),
                ("comment", comment),
            ];
            _ = person.add(Menu::Lease, values);
        }
    }
}

/// Whether a `MikrotikRouter` stands that has to prove what it lets be used.
pub(super) fn is_enforced(home: &Home) -> bool {
    let object = home.object.as_ref().filter(|object| !object.deleting);
    let spec = object.and_then(|object| object.spec.as_ref().ok());
    spec.is_some_and(|spec| spec.mode == RouterMode::Enforce)
}
