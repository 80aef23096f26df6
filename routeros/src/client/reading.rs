//! One look at a router.

use serde_json::Value;

use crate::menu::{self, Address, Arp, Lease, Menu as _, Pool, Resource, Routerboard, Rows, SafeMode};
use crate::value::{Support, Version};
use crate::{BadMenuRow, OtherUses, Reading, UnreadMenu};

use super::call::{Call, Failure};
use super::{Client, Error, malformed, refusal};

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
            safe_mode: self.safe_mode().await?,
            addresses: self.rows(&mut bad).await?,
            interfaces: self.rows(&mut bad).await?,
            bridges: self.rows(&mut bad).await?,
            pools: self.rows(&mut bad).await?,
            servers: self.rows(&mut bad).await?,
            networks: self.rows(&mut bad).await?,
            leases: self.rows(&mut bad).await?,
            arp: self.rows(&mut bad).await?,
            uses: self.other_uses().await?,
            bad,
        })
    }

    /// Reads what changes by itself, in five requests: uptime, addresses, pools, leases and ARP rows. The other menus
    /// are as `known` has them; Safe Mode is asked about where somebody had it, to see it end. That nobody has it is no
    /// ground for a write: for that [`Client::reading`] asks.
    ///
    /// # Errors
    /// As of [`Client::reading`].
    pub async fn pulse(&self, known: &Reading) -> Result<Reading, Error> {
        let resource = self.resource().await?;
        let safe_mode = match &known.safe_mode {
            Some(held) if held.is_held() => self.safe_mode().await?,
            free => free.clone(),
        };
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
            safe_mode,
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
        let answer = self
            .call(Call::singleton::<Resource>())
            .await
            .map_err(|failure| failure.error)?;
        // While it starts, REST answers with nothing, or with another menu's data.
        if !names_itself(&answer.body) {
            return Err(Error::Rebooting {
                why: "/system/resource names no version and uptime yet".to_owned(),
            });
        }
        let resource: Resource = menu::row(&answer.body).map_err(|bad| malformed::<Resource>(&bad))?;
        let support = resource.version.support();
        let earlier = self.version().replace(resource.version.clone());
        // Another version may know what the one before did not.
        if earlier.is_some_and(|earlier| earlier != resource.version) {
            *self.unfamiliar() = None;
        }
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

    /// Fails unless the router is one that may be written to.
    pub(super) async fn check_writable(&self) -> Result<(), Error> {
        self.check_version().await?;
        match &*self.unfamiliar() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Notes how a write was answered: a version that is newer than all that were tested is trusted as long as its
    /// refusals are those of the others.
    pub(super) fn note_answer<T>(&self, answer: &Result<T, Failure>) {
        let Err(Failure {
            error:
                Error::Refused {
                    status: 400..500,
                    detail,
                    ..
                },
            ..
        }) = answer
        else {
            return;
        };
        let version = self.version().clone();
        let Some(version) = version.filter(Version::is_newer_than_tested) else {
            return;
        };
        if !refusal::is_known(detail) {
            tracing::warn!(%version, detail, "an unknown refusal of an unknown version: nothing more is written");
            *self.unfamiliar() = Some(Error::Unfamiliar {
                version,
                detail: detail.clone(),
            });
        }
    }

    fn unfamiliar(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.0
            .unfamiliar
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn version(&self) -> std::sync::MutexGuard<'_, Option<Version>> {
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

    async fn rows<M: Rows>(&self, bad: &mut Vec<BadMenuRow>) -> Result<Vec<M>, Error> {
        let listing = self.read::<M>().await?;
        bad.extend(
            listing
                .bad
                .into_iter()
                .map(|row| BadMenuRow { menu: M::PATH, row }),
        );
        Ok(listing.rows)
    }

    /// The rows of a menu that some routers do not have, and that some accounts may not read.
    async fn rows_if_any<M: Rows>(&self, uses: &mut OtherUses) -> Result<Vec<M>, Error> {
        match self.rows(&mut uses.bad).await {
            Err(Error::Refused { status, detail, .. })
                if status == 404 || detail.contains("no such command") =>
            {
                Ok(Vec::new())
            }
            // What one menu answers, wrongly or in words that nobody knows, is no reason to know nothing of the router.
            Err(error @ (Error::PolicyMissing(_) | Error::Refused { .. } | Error::Malformed { .. })) => {
                uses.unread.push(UnreadMenu {
                    menu: M::PATH,
                    why: error.to_string(),
                });
                Ok(Vec::new())
            }
            read => read,
        }
    }

    /// Whether somebody works in Safe Mode; `None` where the router has no such menu, as before 7.18, or does not show
    /// it to the account: which policy it takes is documented nowhere, and it alone is no reason to know nothing of the
    /// router. Asked anew each time: what is written while it is held is lost when that session breaks off.
    ///
    /// # Errors
    /// Any kind.
    pub async fn safe_mode(&self) -> Result<Option<SafeMode>, Error> {
        self.check_version().await?;
        if self
            .version()
            .as_ref()
            .is_some_and(|version| *version < SafeMode::SINCE)
        {
            return Ok(None);
        }
        match self.get().await {
            Ok(state) => Ok(Some(state)),
            Err(Error::Refused { .. } | Error::PolicyMissing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads who has addresses besides DHCP clients: ten menus that change seldom and that no polling needs. A menu
    /// that the router does not have is empty, one that the account may not read is in [`OtherUses::unread`].
    ///
    /// # Errors
    /// The first menu's that cannot be read for another reason, [`Error::TooOld`] for an old version.
    pub async fn other_uses(&self) -> Result<OtherUses, Error> {
        self.check_version().await?;
        let mut uses = OtherUses::default();
        uses.used = self.rows_if_any(&mut uses).await?;
        uses.matchers = self.rows_if_any(&mut uses).await?;
        uses.vlans = self.rows_if_any(&mut uses).await?;
        uses.containers = self.rows_if_any(&mut uses).await?;
        uses.profiles = self.rows_if_any(&mut uses).await?;
        uses.secrets = self.rows_if_any(&mut uses).await?;
        uses.hotspots = self.rows_if_any(&mut uses).await?;
        uses.hotspot_profiles = self.rows_if_any(&mut uses).await?;
        uses.mode_configs = self.rows_if_any(&mut uses).await?;
        uses.translations = self.rows_if_any(&mut uses).await?;
        Ok(uses)
    }
}

/// Whether `/system/resource` says what the router is and how long it has been up.
fn names_itself(body: &Value) -> bool {
    let told = |name| {
        body.get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    told("version") && told("uptime")
}
