//! What an explanation is made of: lists of the API, and what an allocator would decide on them.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;
use tiklb_core::allocator::{Allocator, Announcement, Change, Conflict, Effect, Event, NodeObject, Settings};
use tiklb_core::config::PoolObject;
use tiklb_core::ipam::Holder;
use tiklb_core::model::service::Service;
use tiklb_core::model::{Now, ObjectKey};

use crate::cli::speakers::{Disputed, Heard, Moved};
use crate::cli::status::text;
use crate::cli::view::View;
use crate::cluster::object::Known;
use crate::cluster::object::router::SeenRouter;

/// Moves that are told of one address.
const MOVES: usize = 5;

/// The lists that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a> {
    pub(super) services: &'a [Service],
    pub(super) pools: &'a [Known<PoolObject>],
    pub(super) routers: &'a [Known<SeenRouter>],
    pub(super) announcements: &'a [Known<Announcement>],
    pub(super) conflicts: &'a [Known<Conflict>],
    pub(super) nodes: &'a [NodeObject],
    /// What the speakers said.
    pub(super) heard: &'a Heard,
}

/// The lists, and an allocator that has read them.
pub(super) struct Facts<'a> {
    pub(super) lists: Lists<'a>,
    pub(super) class: Option<String>,
    pub(super) allocator: Allocator,
    effects: Vec<Effect>,
}

/// What an allocator would do about a Service.
pub(super) struct Decision {
    /// What it would write, and why.
    pub(super) assigns: Option<(Vec<IpAddr>, String)>,
    /// What it would say.
    pub(super) says: Option<String>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(view: &'a View, heard: &'a Heard, class: Option<String>, now: Now) -> Self {
        let lists = Lists {
            services: &view.services,
            pools: &view.pools,
            routers: &view.routers,
            announcements: &view.announcements,
            conflicts: &view.conflicts,
            nodes: &view.nodes,
            heard,
        };
        Self::new(lists, view.events(), class, now)
    }

    /// Routers are left out of what is decided: nobody asks them here, and an allocator that has not read a router gives
    /// nothing. What they know is in their statuses.
    pub(super) fn new(lists: Lists<'a>, mut events: Vec<Event>, class: Option<String>, now: Now) -> Self {
        for event in &mut events {
            if let Event::Routers(change) = event {
                *change = Change::Listed(Vec::new());
            }
        }
        let mut allocator = Allocator::new(Settings {
            class: class.clone(),
            ..Settings::default()
        });
        let effects = allocator.step(events, now).effects;
        Self {
            lists,
            class,
            allocator,
            effects,
        }
    }

    pub(super) fn decision(&self, service: &ObjectKey) -> Decision {
        let assigns = self.effects.iter().find_map(|effect| match effect {
            Effect::SetServiceStatus {
                service: about,
                addresses,
                because,
                ..
            } if about == service && !addresses.is_empty() => Some((addresses.clone(), because.to_string())),
            _ => None,
        });
        let says = self.effects.iter().find_map(|effect| match effect {
            Effect::Event { about, note, .. }
                if about.kind == tiklb_core::config::Kind::Service && about.key == *service =>
            {
                Some(note.clone())
            }
            _ => None,
        });
        Decision { assigns, says }
    }

    /// Who announces an address. Of several records the one with the highest epoch: for a moment after a failover there
    /// are two.
    pub(super) fn announcer(&self, address: IpAddr) -> Option<Announcer> {
        let about = self.lists.announcements.iter();
        let about = about.filter(|known| known.value.addresses.contains(&address));
        let last = about.max_by_key(|known| known.value.epoch)?;
        let said = |field| Some(text(&last.stored, field)).filter(|text| !text.is_empty());
        let node = last.value.node.to_string();
        Some(Announcer {
            mac: last.value.mac.map(|mac| mac.to_string()),
            since: said("since"),
            reason: said("reason"),
            because: self.words(&node, address),
            end_noticed: self.watchers(&node),
            also_answered_by: self.also_answering(&node, address),
            node,
        })
    }

    /// Why a node announces an address, in its speaker's own words.
    fn words(&self, node: &str, address: IpAddr) -> Option<String> {
        let mut announced = self.lists.heard.of(node)?.announces.values();
        let announced = announced.find(|one| one.addresses.contains(&address))?;
        Some(announced.because.clone())
    }

    /// Who would notice the end of a node, and after how long.
    fn watchers(&self, node: &str) -> Vec<Watcher> {
        let watchers = self.lists.heard.watchers(node).into_iter();
        watchers
            .map(|(by, after)| Watcher {
                node: by.to_owned(),
                milliseconds: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            })
            .collect()
    }

    /// Who answers for an address beside the node that announces it.
    fn also_answering(&self, node: &str, address: IpAddr) -> Vec<String> {
        let said = self.lists.heard.of(node);
        let disputed = said.and_then(|said| said.disputed.get(&address));
        disputed.map(Disputed::others).unwrap_or_default()
    }

    /// What the speakers remember of where an address was, the last move first.
    pub(super) fn moves(&self, address: IpAddr) -> Vec<MoveLine> {
        let moves = self.lists.heard.moves(|moved| moved.address == address);
        let last = moves.into_iter().take(MOVES);
        last.map(|(node, moved)| MoveLine {
            node: node.to_owned(),
            moved: moved.clone(),
        })
        .collect()
    }

    /// Who else uses an address, as an AddressConflict or a router says.
    pub(super) fn other_user(&self, address: IpAddr) -> Option<String> {
        let mut conflicts = self.lists.conflicts.iter();
        if let Some(known) = conflicts.find(|known| known.value.address == address) {
            return Some(holder(&known.value.holder));
        }
        let mut routers = self.lists.routers.iter();
        routers.find_map(|known| {
            let status = known.stored.status()?;
            let lines = status["conflicts"].as_array()?;
            let mut lines = lines.iter().filter_map(Value::as_str);
            lines.find_map(|line| {
                let (found, holder) = line.split_once(' ')?;
                let router = &known.value.object.key.name;
                (found.parse() == Ok(address)).then(|| format!("{holder} (MikrotikRouter {router})"))
            })
        })
    }

    /// What the routers' statuses say.
    pub(super) fn routers(&self) -> Vec<RouterLine> {
        let line = |known: &Known<SeenRouter>| {
            let status = known.stored.status().unwrap_or_default();
            let conditions = status["conditions"].as_array();
            let word =
                |condition: &Value, field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            RouterLine {
                name: known.value.object.key.name.clone(),
                conditions: conditions
                    .into_iter()
                    .flatten()
                    .map(|condition| Condition {
                        kind: word(condition, "type"),
                        status: word(condition, "status"),
                        reason: word(condition, "reason"),
                        message: word(condition, "message"),
                    })
                    .collect(),
            }
        };
        self.lists.routers.iter().map(line).collect()
    }
}

fn holder(holder: &Holder) -> String {
    let who = match (&holder.name, holder.mac) {
        (Some(name), Some(mac)) => format!("{name} ({mac})"),
        (Some(name), None) => name.clone(),
        (None, Some(mac)) => mac.to_string(),
        (None, None) => "somebody".to_owned(),
    };
    format!("{who}, {}", holder.evidence)
}

/// Who announces an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Announcer {
    pub(super) node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mac: Option<String>,
    /// When it began to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    /// Why it is this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The same in its speaker's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<String>,
    /// Who would notice the node's end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) end_noticed: Vec<Watcher>,
    /// Who answers for the address, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) also_answered_by: Vec<String>,
}

/// A node that watches another one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Watcher {
    pub(super) node: String,
    /// How long the other may be silent before it counts as gone.
    pub(super) milliseconds: u64,
}

/// A node began or ceased to announce an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoveLine {
    pub(super) node: String,
    #[serde(flatten)]
    pub(super) moved: Moved,
}

/// What a MikrotikRouter's status says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouterLine {
    pub(super) name: String,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}
