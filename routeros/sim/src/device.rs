//! The router's state: every menu's rows, and what adding, changing and removing one does.
//!
//! Pure but for the clock; the HTTP server, the person and the network threads all go through here under one lock.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Switches;
use crate::lan::Lan;
use crate::log::Log;
use crate::menu::{Command, Menu, Shape};
use crate::property::{Property, Shown};
use crate::row::Row;
use crate::table::{Entry, Id, Key, Table};
use crate::trap::Trap;
use crate::value::{Link, Value, duration};
use crate::version::Version;

/// Properties with their new values as texts. `!name` clears one, as the Terraform provider does.
pub(crate) type Arguments = [(String, String)];

/// `store-leases-disk` while it is not set: 5 minutes, in milliseconds.
const STORE_LEASES: u64 = 300_000;

/// What Safe Mode goes back to.
#[derive(Debug)]
struct SafeMode {
    user: String,
    tables: BTreeMap<Menu, Table>,
}

/// The router.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) version: Version,
    pub(crate) serial: String,
    pub(crate) board: String,
    pub(crate) switches: Switches,
    pub(crate) clock: Clock,
    pub(crate) booted: Duration,
    pub(crate) log: Log,
    pub(crate) dhcp: crate::dhcp::State,
    pub(crate) lan: Option<Lan>,
    /// A person who works in Safe Mode, and what was there when it was taken.
    safe_mode: Option<SafeMode>,
    tables: BTreeMap<Menu, Table>,
    next_key: u64,
}

impl Device {
    /// A router without rows.
    pub(crate) fn new(
        version: Version,
        serial: String,
        board: String,
        switches: Switches,
        clock: Clock,
    ) -> Self {
        let tables = Menu::ALL
            .into_iter()
            .filter(|menu| menu.table() == *menu)
            .map(|menu| (menu, Table::new(switches.reuse_ids)))
            .collect();
        Self {
            version,
            serial,
            board,
            switches,
            booted: clock.now(),
            clock,
            log: Log::default(),
            dhcp: crate::dhcp::State::default(),
            lan: None,
            safe_mode: None,
            tables,
            next_key: 1,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Time since the last boot.
    pub(crate) fn uptime(&self) -> Duration {
        self.now().saturating_sub(self.booted)
    }

    /// Lets everything happen that was due by now: leases expire, neighbours age.
    pub(crate) fn settle(&mut self) {
        self.settle_leases();
        self.settle_neighbors();
    }

    // === reading ===

    /// A menu's stored rows.
    pub(crate) fn entries(&self, menu: Menu) -> impl Iterator<Item = &Entry> {
        let holds = menu.spec().holds;
        self.tables
            .get(&menu.table())
            .into_iter()
            .flat_map(Table::iter)
            .filter(move |entry| holds(entry))
    }

    pub(crate) fn entries_mut(&mut self, menu: Menu) -> impl Iterator<Item = &mut Entry> {
        let holds = menu.spec().holds;
        self.tables
            .get_mut(&menu.table())
            .into_iter()
            .flat_map(Table::iter_mut)
            .filter(move |entry| holds(entry))
    }

    pub(crate) fn get(&self, menu: Menu, key: Key) -> Option<&Entry> {
        self.tables
            .get(&menu.table())?
            .get(key)
            .filter(|entry| (menu.spec().holds)(entry))
    }

    pub(crate) fn get_mut(&mut self, menu: Menu, key: Key) -> Option<&mut Entry> {
        self.tables.get_mut(&menu.table())?.get_mut(key)
    }

    /// How many rows a menu's table has.
    pub(crate) fn count(&self, menu: Menu) -> usize {
        self.tables.get(&menu.table()).map_or(0, Table::len)
    }

    /// The row that shows `id`.
    pub(crate) fn by_id(&self, menu: Menu, id: Id) -> Option<&Entry> {
        self.tables
            .get(&menu.table())?
            .by_id(id)
            .filter(|entry| (menu.spec().holds)(entry))
    }

    /// The row called `name`.
    pub(crate) fn by_name(&self, menu: Menu, name: &str) -> Option<&Entry> {
        self.entries(menu).find(|entry| entry.text("name") == Some(name))
    }

    /// All rows of a menu as they are shown.
    pub(crate) fn rows(&self, menu: Menu) -> Vec<Row> {
        let spec = menu.spec();
        if !(spec.exists)(self) {
            return Vec::new();
        }
        match spec.shape {
            Shape::Rows | Shape::Single => self.entries(menu).map(|entry| self.show(menu, entry)).collect(),
            Shape::DerivedRows(rows) => self.dressed(rows(self)),
            Shape::DerivedSingle(row) => self.dressed(vec![row(self)]),
        }
    }

    /// One row as it is shown.
    pub(crate) fn show(&self, menu: Menu, entry: &Entry) -> Row {
        let spec = menu.spec();
        let mut row = Row::default();
        for property in spec
            .properties
            .iter()
            .filter(|property| property.exists_in(&self.version))
        {
            if let Some(text) = self.show_property(entry, property) {
                row.put(property.name, text);
            }
        }
        (spec.show)(self, entry, &mut row);
        if !spec.is_single() {
            row.put(".id", entry.id);
        }
        self.dress(&mut row);
        row
    }

    fn dressed(&self, mut rows: Vec<Row>) -> Vec<Row> {
        for row in &mut rows {
            self.dress(row);
        }
        rows
    }

    /// Adds keys that a client cannot know, where they are switched on.
    fn dress(&self, row: &mut Row) {
        if self.switches.extra_keys {
            row.put("key-of-tomorrow", "yes");
        }
        if self.switches.about {
            row.put(".about", "something to say");
        }
    }

    fn show_property(&self, entry: &Entry, property: &Property) -> Option<String> {
        let text = entry.values.get(property.name).map(|value| self.text(value));
        match property.shown {
            Shown::Always(default) => Some(text.unwrap_or_else(|| default.to_owned())),
            Shown::WhenSet => text,
            Shown::Unless(default) => text.filter(|text| text != default),
            Shown::Never => None,
        }
    }

    /// A value as text. A reference to a row that is gone reads as that row's id.
    pub(crate) fn text(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.clone(),
            Value::Link(link) => self.link_text(*link),
        }
    }

    pub(crate) fn link_text(&self, link: Link) -> String {
        let name = self.get(link.menu, link.key).and_then(|entry| entry.text("name"));
        name.map_or_else(|| link.id.to_string(), ToOwned::to_owned)
    }

    /// The text of a property, references resolved.
    pub(crate) fn value(&self, entry: &Entry, name: &str) -> Option<String> {
        entry.values.get(name).map(|value| self.text(value))
    }

    /// A reference to the row called `name`.
    pub(crate) fn find(&self, menu: Menu, name: &str) -> Option<Link> {
        self.by_name(menu, name).map(|entry| Link {
            menu,
            key: entry.key,
            id: entry.id,
        })
    }

    // === writing ===

    /// Adds a row and gives its key.
    pub(crate) fn add(&mut self, menu: Menu, arguments: &Arguments) -> Result<Key, Trap> {
        let mut entry = Entry::new(false);
        if let Some((_, template)) = arguments.iter().find(|(name, _)| name == "copy-from") {
            let id = template.parse().map_err(|_| Trap::no_match("copy-from"))?;
            entry.values = self
                .by_id(menu, id)
                .ok_or_else(|| Trap::no_match("copy-from"))?
                .values
                .clone();
        }
        let ordered = menu.spec().commands.contains(&Command::Move);
        let is_place = |(name, _): &&(String, String)| ordered && name == "place-before";
        let place = arguments.iter().find(is_place);
        let before = match place.map(|(_, id)| id.parse().ok().and_then(|id| self.by_id(menu, id))) {
            Some(None) => return Err(Trap::not_found()),
            Some(Some(row)) => Some(row.key),
            None => None,
        };
        let properties: Vec<_> = arguments.iter().filter(|pair| !is_place(pair)).cloned().collect();
        self.apply(menu, &mut entry, &properties)?;
        self.check(menu, &entry)?;
        let key = self.insert(menu, entry);
        if before.is_some() {
            self.place(menu, key, before)?;
        }
        (menu.spec().changed)(self, key);
        Ok(key)
    }

    /// Changes a row.
    pub(crate) fn set(&mut self, menu: Menu, key: Key, arguments: &Arguments) -> Result<(), Trap> {
        let mut entry = self.get(menu, key).ok_or_else(Trap::not_found)?.clone();
        if entry.dynamic {
            return Err(Trap::failure(menu.spec().dynamic_refusal));
        }
        self.apply(menu, &mut entry, arguments)?;
        self.check(menu, &entry)?;
        if let Some(stored) = self.get_mut(menu, key) {
            *stored = entry;
        }
        (menu.spec().changed)(self, key);
        Ok(())
    }

    /// Removes a row. What refers to it dangles from now on.
    pub(crate) fn remove(&mut self, menu: Menu, key: Key) -> Result<(), Trap> {
        if menu == Menu::Lease {
            self.forget_dhcp_neighbor(key);
        }
        let table = self.tables.get_mut(&menu.table()).ok_or_else(Trap::not_found)?;
        table.remove(key).map(|_| ()).ok_or_else(Trap::not_found)
    }

    /// Moves a row before another one, or to the end.
    pub(crate) fn place(&mut self, menu: Menu, key: Key, before: Option<Key>) -> Result<(), Trap> {
        if before == Some(key) {
            return Err(Trap::failure("can not move object before itself"));
        }
        if let Some(table) = self.tables.get_mut(&menu.table()) {
            table.place(key, before);
        }
        Ok(())
    }

    /// Reads arguments into a row that is not stored yet.
    fn apply(&self, menu: Menu, entry: &mut Entry, arguments: &Arguments) -> Result<(), Trap> {
        for (name, text) in arguments.iter().filter(|(name, _)| name != "copy-from") {
            let (name, text) = name
                .strip_prefix('!')
                .map_or((name.as_str(), text.as_str()), |name| (name, ""));
            let property = self
                .property(menu, name)
                .ok_or_else(|| Trap::unknown_parameter(name))?;
            match property
                .kind
                .read(name, text, &|menu, name| self.find(menu, name))?
            {
                Some(Value::Text(text)) if property.name == "comment" && self.too_long(&text) => {
                    return Err(Trap::failure("contents too long"));
                }
                Some(value) => entry.values.insert(property.name, value),
                None => entry.values.remove(property.name),
            };
        }
        Ok(())
    }

    fn too_long(&self, comment: &str) -> bool {
        let limit = self.switches.comment_limit;
        limit > 0 && crate::raw::bytes(comment).len() > limit
    }

    /// After switches were turned.
    pub(crate) fn switches_turned(&mut self) {
        for table in self.tables.values_mut() {
            table.set_reuse(self.switches.reuse_ids);
        }
    }

    /// Whether a row may be stored: nothing required is absent, and the menu has no objection.
    fn check(&self, menu: Menu, entry: &Entry) -> Result<(), Trap> {
        let missing = |property: &&Property| property.required && !entry.values.contains_key(property.name);
        match menu.spec().properties.iter().find(missing) {
            Some(property) => Err(Trap::missing(property.name)),
            None => (menu.spec().check)(self, entry),
        }
    }

    /// A property of this menu in this version.
    pub(crate) fn property(&self, menu: Menu, name: &str) -> Option<&'static Property> {
        menu.spec()
            .properties
            .iter()
            .find(|property| property.name == name && property.exists_in(&self.version))
    }

    /// Stores a row as it is, without checks: for rows that the router makes itself.
    pub(crate) fn insert(&mut self, menu: Menu, entry: Entry) -> Key {
        let key = self.fresh_key();
        if let Some(table) = self.tables.get_mut(&menu.table()) {
            table.push(key, entry);
        }
        key
    }

    /// As [`Device::insert`], under an id that the router always gives this row.
    pub(crate) fn insert_with_id(&mut self, menu: Menu, id: Id, entry: Entry) -> Key {
        let key = self.fresh_key();
        if let Some(table) = self.tables.get_mut(&menu.table()) {
            table.push_with_id(key, id, entry);
        }
        key
    }

    fn fresh_key(&mut self) -> Key {
        let key = Key(self.next_key);
        self.next_key += 1;
        key
    }

    // === Safe Mode ===

    /// Who works in Safe Mode.
    pub(crate) fn safe_mode_holder(&self) -> Option<&str> {
        self.safe_mode.as_ref().map(|held| held.user.as_str())
    }

    /// A person takes Safe Mode. `Err` holds who has it already.
    pub(crate) fn take_safe_mode(&mut self, user: &str) -> Result<(), String> {
        if let Some(held) = &self.safe_mode {
            return Err(held.user.clone());
        }
        self.safe_mode = Some(SafeMode {
            user: user.to_owned(),
            tables: self.tables.clone(),
        });
        Ok(())
    }

    /// Safe Mode ends and everything that was done meanwhile stays. `false` where nobody had it.
    pub(crate) fn release_safe_mode(&mut self) -> bool {
        self.safe_mode.take().is_some()
    }

    /// Safe Mode ends because its session was lost: every configured row is as it was, whoever changed it. What the
    /// router made itself stays. `false` where nobody had it.
    pub(crate) fn abort_safe_mode(&mut self) -> bool {
        let Some(held) = self.safe_mode.take() else {
            return false;
        };
        for (menu, before) in held.tables {
            if let Some(table) = self.tables.get_mut(&menu) {
                table.restore(&before);
            }
        }
        true
    }

    /// A power cut: dynamic leases that were not on disk yet are gone, then all that a reboot does. An orderly reboot
    /// writes them before.
    pub(crate) fn power_cut(&mut self) {
        self.settle();
        let period = self
            .entries(Menu::DhcpConfig)
            .next()
            .and_then(|config| config.text("store-leases-disk"));
        let kept_until = match period {
            Some("immediately") => self.now(),
            Some("never") => Duration::ZERO,
            other => {
                let millis = other.and_then(duration::parse).unwrap_or(STORE_LEASES).max(1);
                let up = u64::try_from(self.uptime().as_millis()).unwrap_or(u64::MAX);
                self.booted + Duration::from_millis(up - up % millis)
            }
        };
        let never = period == Some("never");
        let lost: Vec<Key> = self
            .entries(Menu::Lease)
            .filter(|lease| lease.dynamic)
            .filter(|lease| never || lease.life().is_some_and(|life| life.since > kept_until))
            .map(|lease| lease.key)
            .collect();
        for lease in lost {
            let _ = self.remove(Menu::Lease, lease);
        }
        self.reboot();
    }

    /// A reboot: uptime starts anew, learned neighbours are gone, dynamic leases survive under other ids.
    pub(crate) fn reboot(&mut self) {
        self.settle();
        self.booted = self.now();
        let learned: Vec<Key> = self
            .entries(Menu::Arp)
            .filter(|entry| entry.dynamic)
            .map(|entry| entry.key)
            .collect();
        for key in learned {
            let _ = self.remove(Menu::Arp, key);
        }
        self.dhcp.forget_tests();
        for table in self.tables.values_mut() {
            table.renumber();
        }
        self.log
            .add(self.clock.wall(), "system,info", "router rebooted".into());
    }
}
