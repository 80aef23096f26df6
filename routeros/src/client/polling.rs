//! Looking again, in few requests.

use tokio::time::Instant;

use crate::menu::{Address, Bridge, DhcpNetwork, Identity, Interface, Menu, Resource, Routerboard, Rows};
use crate::value::Uptime;
use crate::{BadMenuRow, Reading};

use super::{Client, Error};

/// By how much the router's uptime may run off our clock between two polls before it is taken for another router, or
/// for one that was restarted and is up for longer than it was before: answers wait on a busy board.
const DRIFT: std::time::Duration = std::time::Duration::from_secs(30);

/// What seldom changes, as last read.
#[derive(Debug)]
pub(super) struct Seldom {
    resource: Resource,
    read: Instant,
    identity: Identity,
    routerboard: Option<Routerboard>,
    addresses: Vec<Address>,
    interfaces: Vec<Interface>,
    bridges: Vec<Bridge>,
    networks: Vec<DhcpNetwork>,
    /// The rows of these menus that could not be read.
    bad: Vec<BadMenuRow>,
    /// Which of them is read next.
    turn: Turn,
}

/// The menus that seldom change, one for each poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Identity,
    Addresses,
    Networks,
    Routerboard,
    Bridges,
    Interfaces,
}

impl Turn {
    fn next(self) -> Self {
        match self {
            Self::Identity => Self::Addresses,
            Self::Addresses => Self::Networks,
            Self::Networks => Self::Routerboard,
            Self::Routerboard => Self::Bridges,
            Self::Bridges => Self::Interfaces,
            Self::Interfaces => Self::Identity,
        }
    }
}

impl Seldom {
    fn of(reading: &Reading, read: Instant) -> Self {
        let seldom = [Address::PATH, Interface::PATH, Bridge::PATH, DhcpNetwork::PATH];
        let bad = reading.bad.iter().filter(|bad| seldom.contains(&bad.menu));
        Self {
            resource: reading.resource.clone(),
            read,
            identity: reading.identity.clone(),
            routerboard: reading.routerboard.clone(),
            addresses: reading.addresses.clone(),
            interfaces: reading.interfaces.clone(),
            bridges: reading.bridges.clone(),
            networks: reading.networks.clone(),
            bad: bad.cloned().collect(),
            turn: Turn::Identity,
        }
    }

    /// Whether the router that says `now` is surely the one that these were read from, up since then.
    fn still_holds(&self, now: &Resource, at: Instant) -> bool {
        let passed = at - self.read;
        let up = |uptime: Uptime| uptime.0.get();
        let expected = up(self.resource.uptime) + passed;
        let same = |resource: &Resource| {
            (
                resource.version.clone(),
                resource.board_name.clone(),
                resource.architecture.clone(),
            )
        };
        same(&self.resource) == same(now)
            && !now.uptime.restarted_since(self.resource.uptime)
            && up(now.uptime).abs_diff(expected) <= DRIFT
    }
}

impl Client {
    /// As [`Client::reading`], in six requests once there was one: the pools, servers, leases and ARP rows are read, and
    /// of what seldom changes one menu in turn, the others as last read. All of it is read anew after a restart, when
    /// the router may be another one, after an error, and after a write of ours.
    ///
    /// For looking. What a write is decided on should be a [`Client::reading`].
    ///
    /// # Errors
    /// Those of [`Client::reading`].
    pub async fn poll(&self) -> Result<Reading, Error> {
        let kept = self.seldom().take();
        let resource = self.resource().await?;
        let now = Instant::now();
        let kept = kept.filter(|kept| kept.still_holds(&resource, now));
        let Some(mut seldom) = kept else {
            let reading = self.rest_of(resource).await?;
            *self.seldom() = Some(Seldom::of(&reading, now));
            return Ok(reading);
        };
        self.read_in_turn(&mut seldom).await?;
        let mut bad = seldom.bad.clone();
        let mut reading = Reading {
            resource,
            identity: seldom.identity.clone(),
            routerboard: seldom.routerboard.clone(),
            addresses: seldom.addresses.clone(),
            interfaces: seldom.interfaces.clone(),
            bridges: seldom.bridges.clone(),
            networks: seldom.networks.clone(),
            pools: self.rows(&mut bad).await?,
            servers: self.rows(&mut bad).await?,
            leases: self.rows(&mut bad).await?,
            arp: self.rows(&mut bad).await?,
            bad,
        };
        reading.sort_bad();
        (seldom.resource, seldom.read) = (reading.resource.clone(), now);
        *self.seldom() = Some(seldom);
        Ok(reading)
    }

    /// The next poll reads everything.
    pub(super) fn forget(&self) {
        *self.seldom() = None;
    }

    async fn read_in_turn(&self, seldom: &mut Seldom) -> Result<(), Error> {
        let bad = &mut seldom.bad;
        match seldom.turn {
            Turn::Identity => seldom.identity = self.get().await?,
            Turn::Routerboard => seldom.routerboard = self.routerboard().await?,
            Turn::Addresses => seldom.addresses = self.again(bad).await?,
            Turn::Networks => seldom.networks = self.again(bad).await?,
            Turn::Bridges => seldom.bridges = self.again(bad).await?,
            Turn::Interfaces => seldom.interfaces = self.again(bad).await?,
        }
        seldom.turn = seldom.turn.next();
        Ok(())
    }

    /// Reads a menu in place of what was last read of it.
    async fn again<M: Rows>(&self, bad: &mut Vec<BadMenuRow>) -> Result<Vec<M>, Error> {
        bad.retain(|bad| bad.menu != M::PATH);
        self.rows(bad).await
    }

    fn seldom(&self) -> std::sync::MutexGuard<'_, Option<Seldom>> {
        self.0
            .seldom
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
