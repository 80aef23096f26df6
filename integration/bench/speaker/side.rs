//! Whose speakers they are.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::Result;

use super::super::Stage;
use super::super::beside::{self, Beside, Neighbours};
use super::super::ground::{self, SOON};
use crate::home::{Home, Plan};
use crate::lan::Process;
use crate::peers::metallb::GRACE;

/// `MetalLB`'s address, of the guide's pool.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 210);

/// The readiness probe of its chart begins after so long, and a rollout goes on when it succeeds.
const READY: Duration = Duration::from_secs(10);

/// A load balancer, its home, and the Service that is watched.
pub(super) enum Side {
    Tiklb(Box<Home>, SocketAddrV4),
    Metallb(Box<Neighbours>, SocketAddrV4),
}

impl Side {
    /// With the guide's manifests, and its router in sync.
    pub(super) async fn tiklb(stage: &mut Stage) -> Result<Self> {
        let plan = Plan::default().tiklb(&stage.tiklb);
        let (home, service) = ground::served(&mut stage.screen, plan).await?;
        Ok(Self::Tiklb(Box::new(home), service))
    }

    /// With the guide's pool.
    pub(super) async fn metallb(stage: &mut Stage, beside: &Beside) -> Result<Self> {
        let (neighbours, service) = beside.serving(stage, "speaker", ADDRESS).await?;
        Ok(Self::Metallb(Box::new(neighbours), service))
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Tiklb(..) => "tiklb",
            Self::Metallb(..) => "MetalLB",
        }
    }

    pub(super) fn home(&self) -> &Home {
        match self {
            Self::Tiklb(home, _) => home,
            Self::Metallb(neighbours, _) => &neighbours.home,
        }
    }

    pub(super) const fn service(&self) -> SocketAddrV4 {
        match self {
            Self::Tiklb(_, service) | Self::Metallb(_, service) => *service,
        }
    }

    /// Waits until all speakers know of each other, or until nothing moves any more.
    pub(super) async fn settle(&self) -> Result<()> {
        match self {
            Self::Tiklb(home, _) => home.all_hear_each_other().await,
            Self::Metallb(neighbours, service) => beside::settled(&neighbours.home, *service.ip()).await,
        }
    }

    pub(super) fn speaker(&self, node: &str) -> Result<&Process> {
        match self {
            Self::Tiklb(home, _) => home.speaker(node),
            Self::Metallb(neighbours, _) => neighbours.running.speaker(node),
        }
    }

    /// Asks a speaker to end, as a kubelet does.
    pub(super) async fn end(&self, node: &str) -> Result<()> {
        let grace = match self {
            Self::Tiklb(..) => SOON,
            Self::Metallb(..) => GRACE,
        };
        self.speaker(node)?.end(grace).await?;
        Ok(())
    }

    /// Starts a speaker (again), and waits until a rollout would go on.
    pub(super) async fn start(&mut self, node: &str) -> Result<()> {
        match self {
            Self::Tiklb(home, _) => home.start_speaker(node).await,
            Self::Metallb(neighbours, _) => {
                let Neighbours { running, home } = &mut **neighbours;
                running.start_speaker(home, node).await?;
                tokio::time::sleep(READY).await;
                Ok(())
            }
        }
    }

    pub(super) fn last_words(&self) -> String {
        match self {
            Self::Tiklb(home, _) => home.last_words(),
            Self::Metallb(neighbours, _) => neighbours.running.last_words(),
        }
    }
}
