//! One look at a router.

use crate::menu::{Address, Arp, Lease, Menu as _, Pool, Resource, Routerboard, Table};
use crate::value::Support;
use crate::{BadMenuRow, Reading};

use super::{Client, Error};

impl Client {
    /// Reads every menu that is needed, one after another. The version comes first: too old a router is asked
    /// nothing else.
    ///
    /// # Errors
    /// The first menu's that cannot be read as a whole, [`Error::TooOld`] for an old version. Rows that cannot be
    /// read are in [`Reading::bad`].
    pub async fn reading(&self) -> Result<Reading, Error> {
        let resource = self.resource().await?;
        let identity = self.get().await?;
        let routerboard = self.routerboard().await?;
        let mut bad = Vec::new();
        Ok(Reading {
            resource,
            identity,
            routerboard,
            addresses: self.rows(&mut bad).await?,
            interfaces: self.rows(&mut bad).await?,
            bridges: self.rows(&mut bad).await?,
            pools: self.rows(&mut bad).await?,
            servers: self.rows(&mut bad).await?,
            networks: self.rows(&mut bad).await?,
            leases: self.rows(&mut bad).await?,
            arp: self.rows(&mut bad).await?,
            bad,
        })
    }

    /// Reads what changes by itself, in five requests: uptime, addresses, pools, leases and ARP rows. The other menus
    /// are as `known` has them.
    ///
    /// # Errors
    /// As of [`Client::reading`].
    pub async fn pulse(&self, known: &Reading) -> Result<Reading, Error> {
        let resource = self.resource().await?;
        let mut bad = Vec::new();
        let addresses = self.rows::<Address>(&mut bad).await?;
        let pools = self.rows::<Pool>(&mut bad).await?;
        let leases = self.rows::<Lease>(&mut bad).await?;
        let arp = self.rows::<Arp>(&mut bad).await?;
        let read = [Address::PATH, Pool::PATH, Lease::PATH, Arp::PATH];
        let kept = known.bad.iter().filter(|row| !read.contains(&row.menu));
        bad.extend(kept.cloned());
        Ok(Reading {
            resource,
            addresses,
            pools,
            leases,
            arp,
            bad,
            ..known.clone()
        })
    }

    /// The version, which decides whether anything else is asked.
    async fn resource(&self) -> Result<Resource, Error> {
        let resource: Resource = self.get().await?;
        let support = resource.version.support();
        *self.version() = Some(resource.version.clone());
        match support {
            Support::TooOld => Err(Error::TooOld(resource.version)),
            Support::Supported { .. } => Ok(resource),
        }
    }

    /// Fails unless the router's version is known to be new enough; asks for it once.
    pub(super) async fn check_version(&self) -> Result<(), Error> {
        let version = self.version().clone();
        match version {
            Some(version) if version.support() == Support::TooOld => Err(Error::TooOld(version)),
            Some(_) => Ok(()),
            None => self.resource().await.map(|_| ()),
        }
    }

    fn version(&self) -> std::sync::MutexGuard<'_, Option<crate::value::Version>> {
        self.0
            .version
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Virtual routers have no such menu and answer 400.
    async fn routerboard(&self) -> Result<Option<Routerboard>, Error> {
        match self.get().await {
            Ok(board) => Ok(Some(board)),
            Err(Error::Refused { status: 400, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn rows<M: Table>(&self, bad: &mut Vec<BadMenuRow>) -> Result<Vec<M>, Error> {
        let listing = self.read::<M>().await?;
        bad.extend(
            listing
                .bad
                .into_iter()
                .map(|row| BadMenuRow { menu: M::PATH, row }),
        );
        Ok(listing.rows)
    }
}
