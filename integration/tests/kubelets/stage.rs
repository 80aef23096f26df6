//! The one cluster that all stories share, and the states that they begin with.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use lab::home::kind::MIKROTIK_ROUTERS;
use lab::home::{Home, NAMESPACE, Plan};
use lab::installation::{Installation, Parts};
use lab::kube::PODS;
use routeros_sim::{Snapshot, diff};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::waves;

/// The name of the guide's MikrotikRouter.
pub(crate) const ROUTER: &str = "router";

/// What takes milliseconds to seconds when all is well, on a machine that builds beside it.
pub(crate) const SOON: Duration = Duration::from_secs(30);
/// A first sync takes 12 s, and a survey's round may have to pass.
pub(crate) const FIRST_SYNC: Duration = Duration::from_mins(2);

pub(crate) type Outcome = Result<()>;
pub(crate) type Story = for<'a> fn(&'a mut Stage) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// Names stories by their functions: `stories![module: one, another]`.
macro_rules! stories {
    ($module:ident: $($story:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($story)),
            (|stage| Box::pin($story(stage))) as $crate::stage::Story,
        )),*]
    };
}
pub(crate) use stories;

/// A cluster, and the router before tiklb came.
pub(crate) struct Stage {
    pub(crate) installation: Installation,
    first: Snapshot,
}

/// What is kept from one story to the next.
pub(crate) type Shared = Mutex<Option<(Runtime, Stage)>>;

impl Stage {
    /// Plays a story, on the cluster that the first one brings up.
    pub(crate) fn play(shared: &Shared, parts: &Parts, story: Story) -> Outcome {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let began = std::time::Instant::now();
            let stage = runtime.block_on(Self::build(parts))?;
            eprintln!(
                "three kubelets are ready after {:.1} s",
                began.elapsed().as_secs_f64()
            );
            *shared = Some((runtime, stage));
        }
        let (runtime, stage) = shared.as_mut().context("the cluster was not built")?;
        runtime.block_on(async {
            match story(stage).await {
                Ok(()) => Ok(()),
                Err(why) => Err(why.context(stage.installation.last_words().await)),
            }
        })
    }

    async fn build(parts: &Parts) -> Result<Self> {
        let installation = Installation::build(Plan::default(), parts).await?;
        let first = installation.home.router().snapshot();
        Ok(Self { installation, first })
    }

    pub(crate) fn home(&self) -> &Home {
        &self.installation.home
    }

    pub(crate) async fn shell(&self, line: &str) -> Result<String> {
        self.installation.shell(line).await
    }

    /// Has tiklb installed, with the guide's manifests, and the router in sync.
    pub(crate) async fn installed(&self) -> Outcome {
        self.installation.install(&[]).await?;
        self.configured().await
    }

    /// Applies the guide's manifests wave by wave, and waits until the router agrees.
    pub(crate) async fn configured(&self) -> Outcome {
        waves::apply(self).await?;
        self.router_in_sync().await
    }

    /// Waits until the router agrees.
    pub(crate) async fn router_in_sync(&self) -> Outcome {
        self.router_is("PoolsExcluded").await?;
        self.router_is("ReservationsInSync").await
    }

    async fn router_is(&self, condition: &str) -> Outcome {
        self.home()
            .router_condition(ROUTER, condition, "True", FIRST_SYNC)
            .await?;
        Ok(())
    }

    /// The router is configured as it was before tiklb came.
    pub(crate) fn router_as_before(&self) -> Outcome {
        let now = self.home().router().snapshot();
        let difference = diff(&self.first.configured(), &now.configured());
        ensure!(difference.is_empty(), "the router is not as it was: {difference}");
        Ok(())
    }

    /// No Pod of tiklb's is left.
    pub(crate) async fn no_pod(&self, bound: Duration) -> Outcome {
        let none = <[Value]>::is_empty;
        let pods = PODS.in_namespace(NAMESPACE);
        let kube = self.home().kube();
        kube.wait_list(pods, bound, "no Pod to be left", none).await?;
        Ok(())
    }

    /// What accounts have asked of the API server so far, as its audit log has it.
    pub(crate) fn requests(&self) -> Result<Vec<Value>> {
        let cluster = self.home().control_plane().real();
        cluster.context("the stories stand on a real cluster")?.requests()
    }

    /// No MikrotikRouter is left.
    pub(crate) async fn no_router(&self) -> Outcome {
        let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
        self.home().kube().wait_gone(routers, ROUTER, FIRST_SYNC).await?;
        Ok(())
    }
}
