//! One load balancer in a home of its own, to be started, ended and read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::super::service::{self, make_namespace};
use super::super::usage::{self, Usage};
use super::sight::Sight;
use crate::cluster;
use crate::home::{self, Api, Home, Plan};
use crate::kube::SERVICES;
use crate::lan::Process;
use crate::peers::metallb::Metallb;

/// 65,536 addresses of a network that is nobody's here: there is no router to ask about it.
const RANGE: &str = "10.100.0.0/16";

/// `MetalLB`'s account.
const ACCOUNT: &str = "metallb-controller";

/// A process that is asked to end finishes what it writes.
const GRACE: Duration = Duration::from_secs(20);

/// From the start of a process to its first address.
const BEGUN: Duration = Duration::from_mins(1);

/// How many of its last lines are told of a failure.
const LAST: usize = 15;

/// Which load balancer.
#[derive(Debug, Clone)]
pub(super) enum Which {
    Tiklb,
    Metallb(Box<Metallb>),
}

impl Which {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Tiklb => "tiklb",
            Self::Metallb(_) => "MetalLB",
        }
    }
}

/// It, and its home.
pub(super) struct System {
    pub(super) home: Home,
    which: Which,
    /// `MetalLB`'s controller and its kubeconfig; tiklb's allocator is the home's.
    other: Option<(Process, PathBuf)>,
}

/// Builds a home with a pool, starts the system, and waits until a first Service has an address.
pub(super) async fn build(tiklb: &Path, cluster: Option<&cluster::Options>, which: Which) -> Result<System> {
    let api = cluster.map_or(Api::Embedded, |options| Api::Real(options.clone()));
    let plan = Plan::default().without_phone().tiklb(tiklb).api(api);
    let home = Home::build(plan).await?;
    make_namespace(&home).await?;
    let mut system = System {
        home,
        which,
        other: None,
    };
    if let Which::Metallb(metallb) = system.which.clone() {
        system.furnish(&metallb).await?;
    }
    for object in pool() {
        system.home.kube().apply(object).await?;
    }
    system.start().await?;
    system.warm_up().await?;
    Ok(system)
}

impl System {
    pub(super) const fn is_tiklb(&self) -> bool {
        matches!(self.which, Which::Tiklb)
    }

    /// `MetalLB`'s kinds, and an account that may do everything: it is not the rights that are measured.
    async fn furnish(&mut self, metallb: &Metallb) -> Result<()> {
        let kube = self.home.kube();
        for file in &metallb.definitions {
            kube.apply_file(file).await?;
        }
        for object in account() {
            kube.apply(object).await?;
        }
        Ok(())
    }

    /// Starts it. Nothing is waited for.
    pub(super) async fn start(&mut self) -> Result<()> {
        let Which::Metallb(metallb) = &self.which else {
            return self.home.launch_allocator().await;
        };
        let real = self.home.control_plane().real();
        let cluster = real.context("MetalLB needs the real API server")?;
        let kubeconfig = if let Some((_, kubeconfig)) = self.other.take() {
            kubeconfig
        } else {
            let access = cluster.service_account(home::NAMESPACE, ACCOUNT).await?;
            cluster.kubeconfig(ACCOUNT, &access)?
        };
        let command = self.home.lan().host("control")?.command(&metallb.controller);
        let process = command
            .args(["--webhook-mode=disabled", "--disable-cert-rotation"])
            .env("KUBECONFIG", &kubeconfig)
            .env("METALLB_NAMESPACE", home::NAMESPACE)
            // A proxy of the person's environment cannot reach into a namespace.
            .env("NO_PROXY", "*")
            .spawn()
            .await?;
        self.other = Some((process, kubeconfig));
        Ok(())
    }

    /// Asks it to end, and waits for that.
    pub(super) async fn end(&self) -> Result<()> {
        self.process()?.end(GRACE).await?;
        Ok(())
    }

    pub(super) fn process(&self) -> Result<&Process> {
        match &self.other {
            Some((process, _)) => Ok(process),
            None => self.home.allocator(),
        }
    }

    /// The processor time that the process has used since it started.
    pub(super) fn processor(&self) -> Result<Duration> {
        usage::processor(self.process()?)
    }

    pub(super) fn usage(&self, moment: &'static str) -> Result<Usage> {
        usage::of_one(self.process()?, self.which.name(), moment)
    }

    /// The last lines of the process.
    pub(super) fn last_words(&self) -> String {
        let lines = self.process().map(Process::logs).unwrap_or_default();
        let last = lines[lines.len().saturating_sub(LAST)..].iter();
        last.fold(
            format!("The last lines of {}:", self.which.name()),
            |text, line| format!("{text}\n  {line}"),
        )
    }

    /// The name under which it stands in the audit log.
    fn user(&self) -> String {
        let account = match self.which {
            Which::Tiklb => "tiklb-allocator",
            Which::Metallb(_) => ACCOUNT,
        };
        format!("system:serviceaccount:{}:{account}", home::NAMESPACE)
    }

    /// What it has written so far, as the real API server's audit log has it; nothing on the embedded one.
    pub(super) fn writes(&self) -> Result<BTreeMap<String, u64>> {
        match self.home.control_plane().real() {
            Some(cluster) => Ok(writes(&cluster.requests()?, &self.user())),
            None => Ok(BTreeMap::new()),
        }
    }

    /// A first Service, that waits for whatever the start waits for.
    async fn warm_up(&self) -> Result<()> {
        let mut sight = Sight::open(&self.home).await?;
        let services = SERVICES.in_namespace(service::NAMESPACE);
        let name = "warm-up";
        self.home.kube().create(&services, &service(name)).await?;
        let addressed = sight.until(BEGUN, "a first address", |seen| {
            seen.get(name).is_some_and(|seen| seen.address.is_some())
        });
        addressed.await.with_context(|| self.last_words())?;
        self.home.kube().delete(&services, name).await?;
        Ok(())
    }
}

/// Writes of a user by what they were about: `patch services/status`.
pub(super) fn writes(requests: &[Value], user: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let theirs = requests
        .iter()
        .filter(|request| request["user"]["username"] == user);
    for request in theirs {
        let verb = request["verb"].as_str().unwrap_or_default();
        if ["get", "list", "watch"].contains(&verb) {
            continue;
        }
        let object = &request["objectRef"];
        let resource = object["resource"].as_str().unwrap_or_default();
        let part = object["subresource"].as_str().map(|part| format!("/{part}"));
        let what = format!("{verb} {resource}{}", part.unwrap_or_default());
        *counts.entry(what).or_default() += 1;
    }
    counts
}

/// A Service that takes what it gets. Without node ports, of which an API server has 2,768 (`--service-node-port-range`).
pub(super) fn service(name: &str) -> Value {
    let mut service = service::service(name, None);
    service["spec"]["allocateLoadBalancerNodePorts"] = json!(false);
    service
}

fn account() -> [Value; 2] {
    [
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": home::NAMESPACE},
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": ACCOUNT},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": home::NAMESPACE}],
        }),
    ]
}

fn pool() -> [Value; 2] {
    let object = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "metallb.io/v1beta1",
            "kind": kind,
            "metadata": {"name": "bench", "namespace": home::NAMESPACE},
            "spec": spec,
        })
    };
    [
        object("IPAddressPool", json!({"addresses": [RANGE]})),
        object("L2Advertisement", json!({"ipAddressPools": ["bench"]})),
    ]
}
