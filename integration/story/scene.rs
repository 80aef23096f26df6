//! What stories are told with: a home on which tiklb runs, Services by name, and waits for what a person would see.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, Snapshot, diff};
use serde_json::{Value, json};

use crate::home::kind::{
    CONFIGURATION_STATES, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, MIKROTIK_ROUTERS, SERVICE_L2_STATUSES,
};
use crate::home::{Home, NAMESPACE, Plan, ROUTER, homelab, status_address};
use crate::kube::{Kube, NAMESPACES, NODES, SERVICES};
use crate::wait::until;
use crate::wire::tcp_connect;

/// Where the stories' Services live.
pub(super) const APPS: &str = "apps";

/// The name of the MikrotikRouter.
pub(super) const MIKROTIK: &str = "router";

/// What takes milliseconds when all is well. Twenty seconds is failure on any machine.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// A first sync takes 12 s, and a survey's round may have to pass. With a router that was away the reading that is under
/// way has to fail first, three attempts of 10 s each, and a poll's pause of 30 s to go by.
pub(super) const FIRST_SYNC: Duration = Duration::from_mins(2);

/// How long nothing must happen, where nothing is what a person relies on. What would happen takes milliseconds.
pub(super) const OBSERVED: Duration = Duration::from_secs(3);

/// The grace of a Pod.
pub(super) const GRACE: Duration = Duration::from_secs(15);

/// A node with this label announces nothing.
pub(super) const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// A port of its own, so that no stand-in and no host port is in the way.
pub(super) const PORT: u16 = 8_080;

/// A home on which tiklb runs. All configuration is the story's to apply.
pub(super) struct Scene {
    pub(super) home: Home,
    /// Allocators that talk to the router, each with a request of its own at a time.
    pub(super) allocators: usize,
}

impl Scene {
    /// Builds the home and starts tiklb, if it is installed there.
    pub(super) async fn open(plan: Plan) -> Result<Self> {
        let mut home = Home::build(plan).await?;
        if !home.is_before_tiklb() {
            home.start_allocator().await?;
            home.start_speakers().await?;
        }
        let namespace = json!({"metadata": {"name": APPS}});
        home.kube().create(NAMESPACES, &namespace).await?;
        Ok(Self { home, allocators: 1 })
    }

    /// The last lines of tiklb's processes.
    pub(super) fn last_words(&self) -> String {
        self.home.last_words()
    }

    /// Nothing was asked of router or API that is none of tiklb's business.
    pub(super) fn judge_conduct(&self) -> Result<()> {
        let violations = self.home.router().violations();
        ensure!(violations.is_empty(), "requests to the router: {violations:?}");
        let at_once = self.home.router().journal().most_in_flight;
        ensure!(
            at_once <= self.allocators,
            "{at_once} requests were at the router at once"
        );
        if let Some(api) = self.home.control_plane().embedded() {
            let unsupported = api.unsupported();
            ensure!(
                unsupported.is_empty(),
                "requests to the API server: {unsupported:?}"
            );
        }
        Ok(())
    }

    /// No pool of the router was written after the first `written` writes of its journal.
    pub(super) fn no_pool_written(&self, written: usize) -> Result<()> {
        let journal = self.home.router().journal();
        let mut since = journal.writes.iter().skip(written);
        let again = since.find(|write| write.path.starts_with(Menu::Pool.path()));
        let again = again.map(ToString::to_string);
        ensure!(again.is_none(), "a pool was written: {again:?}");
        Ok(())
    }

    /// Applies files of the guide's repository.
    pub(super) async fn apply_homelab(&self, files: &[&str]) -> Result<()> {
        for file in files {
            let path = homelab(file);
            self.home.kube().apply_file(&path).await?;
        }
        Ok(())
    }

    /// The pool of the guide, 192.168.1.200-192.168.1.220, announced everywhere.
    pub(super) async fn apply_pool(&self) -> Result<()> {
        self.apply_homelab(&["ipaddresspool", "l2advertisement"]).await
    }

    /// Tries to create a pool; the API server may refuse it.
    pub(super) async fn create_pool(
        &self,
        name: &str,
        addresses: &[&str],
    ) -> Result<Value, crate::kube::Error> {
        let pool = json!({"metadata": {"name": name}, "spec": {"addresses": addresses}});
        let pools = IP_ADDRESS_POOLS.in_namespace(NAMESPACE);
        self.home.kube().create(pools, &pool).await
    }

    /// Announces all pools.
    pub(super) async fn advertise(&self) -> Result<()> {
        let advertisement = json!({"metadata": {"name": "all"}, "spec": {}});
        let advertisements = L2_ADVERTISEMENTS.in_namespace(NAMESPACE);
        self.home.kube().create(advertisements, &advertisement).await?;
        Ok(())
    }

    /// Creates an advertisement, or gives the one of this name another spec.
    pub(super) async fn advertise_by(&self, name: &str, spec: Value) -> Result<()> {
        let object = json!({
            "apiVersion": "metallb.io/v1beta1",
            "kind": "L2Advertisement",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        });
        self.home.kube().apply(object).await?;
        Ok(())
    }

    /// The MikrotikRouter of the guide, changed by `change`: its spec is what is handed over.
    pub(super) async fn apply_router(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        self.home.kube().apply(router(MIKROTIK, change)).await?;
        Ok(())
    }

    /// Creates a Service with a pod on every node. `annotations` are what a person asks for.
    pub(super) async fn create_service(&mut self, name: &str, annotations: &[(&str, &str)]) -> Result<()> {
        let service = service(name, annotations);
        let services = SERVICES.in_namespace(APPS);
        self.home.kube().create(&services, &service).await?;
        self.home.put_endpoints_everywhere(APPS, name).await
    }

    /// Creates a Service that asks for an address.
    pub(super) async fn ask(&mut self, name: &str, address: Ipv4Addr) -> Result<()> {
        let asks = address.to_string();
        self.create_service(name, &[("metallb.io/loadBalancerIPs", &asks)])
            .await
    }

    /// Waits for the address of a Service, and for the node that answers for it: its name.
    pub(super) async fn announced(&mut self, name: &str, bound: Duration) -> Result<(Ipv4Addr, String)> {
        let address = self.home.service_address(APPS, name, bound).await?;
        self.home.serve(address, PORT).await?;
        let node = self.home.announcer(address, SOON).await?.host;
        self.home.address_of(&node)?;
        Ok((address, node))
    }

    /// Creates a Service that asks for an address, and waits until it is announced: the node.
    pub(super) async fn settle(&mut self, name: &str, address: Ipv4Addr) -> Result<String> {
        self.ask(name, address).await?;
        let (given, node) = self.announced(name, FIRST_SYNC).await?;
        ensure!(
            given == address,
            "{name} asked for {address} and was given {given}"
        );
        Ok(node)
    }

    /// A node answers for an address, and a connection to it reaches that node. Its name.
    pub(super) async fn serves(&self, address: Ipv4Addr) -> Result<String> {
        let target = SocketAddrV4::new(address, PORT);
        // kube-proxy takes up to a second after a change, and sends the first connections nowhere meanwhile.
        until("a connection to the node that answers", SOON, async || {
            let node = self.home.announcer(address, SOON).await?.host;
            let reached = tcp_connect(self.home.client()?, target, SOON).await?;
            ensure!(
                reached == node,
                "{node} answers for {address}, a connection reaches {reached}"
            );
            Ok(node)
        })
        .await
    }

    /// Nobody answers for an address (any more).
    pub(super) async fn silent(&self, address: Ipv4Addr) -> Result<()> {
        until("nobody to answer", SOON, async || {
            let answerers = self.home.answerers(address).await?;
            ensure!(
                answerers.is_empty(),
                "{answerers:?} still answer(s) for {address}"
            );
            Ok(())
        })
        .await
    }

    /// The address that a Service has now.
    pub(super) async fn address(&self, name: &str) -> Result<Option<Ipv4Addr>> {
        let service = self.home.kube().get(SERVICES.in_namespace(APPS), name).await?;
        Ok(status_address(&service))
    }

    /// A Service has no address.
    pub(super) async fn has_none(&self, name: &str) -> Result<()> {
        let address = self.address(name).await?;
        ensure!(address.is_none(), "{name} was given {address:?}");
        Ok(())
    }

    /// Deletes a Service.
    pub(super) async fn delete_service(&mut self, name: &str) -> Result<()> {
        let address = self.address(name).await?;
        self.home.kube().delete(SERVICES.in_namespace(APPS), name).await?;
        if let Some(address) = address {
            self.silent(address).await?;
            self.home.stop_serving(address).await?;
        }
        Ok(())
    }

    /// Gives a node a label, or takes it away.
    pub(super) async fn label(&self, node: &str, key: &str, value: Option<&str>) -> Result<()> {
        let labels = json!({"metadata": {"labels": {key: value}}});
        self.home.kube().merge_patch(&NODES, node, &labels).await?;
        Ok(())
    }

    /// Waits for an event about an object: its words.
    pub(super) async fn event(&self, namespace: &str, object: &str, reason: &str) -> Result<String> {
        let what = format!("an event {reason} about {object}");
        until(&what, FIRST_SYNC, async || {
            let events = self.home.kube().events(namespace, object).await?;
            let found = events.iter().rev().find(|event| event["reason"] == reason);
            let said = || {
                let said = events
                    .iter()
                    .map(|event| format!("{}: {}", event["reason"], event["message"]));
                said.collect::<Vec<_>>().join("; ")
            };
            let note = found.and_then(|event| event["message"].as_str());
            note.map(str::to_owned)
                .with_context(|| format!("only these: {}", said()))
        })
        .await
    }

    /// Waits until the allocator's ConfigurationState has a line with these words.
    pub(super) async fn problem(&self, words: &str) -> Result<()> {
        let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
        let what = format!("a ConfigurationState that says {words:?}");
        let fits = |state: &Value| {
            let summary = state["status"]["errorSummary"].as_str().unwrap_or_default();
            state["status"]["result"] == "Invalid" && summary.contains(words)
        };
        self.home
            .kube()
            .wait_for(states, "controller", SOON, &what, fits)
            .await?;
        Ok(())
    }

    /// Waits until the allocator's ConfigurationState says, as no fault, that something has no effect.
    pub(super) async fn warning(&self, words: &str) -> Result<()> {
        let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
        let what = format!("a ConfigurationState that warns of {words:?}");
        let fits = |state: &Value| {
            let condition = crate::home::condition(state, "everythingInEffect");
            condition.is_some_and(|condition| {
                let message = condition["message"].as_str().unwrap_or_default();
                condition["status"] == "False" && message.contains(words)
            })
        };
        self.home
            .kube()
            .wait_for(states, "controller", SOON, &what, fits)
            .await?;
        Ok(())
    }

    /// Waits until the allocator's ConfigurationState has nothing to say.
    pub(super) async fn no_problem(&self) -> Result<()> {
        let states = CONFIGURATION_STATES.in_namespace(NAMESPACE);
        let fits = |state: &Value| state["status"]["result"] == "Valid";
        let what = "a ConfigurationState that is valid";
        self.home
            .kube()
            .wait_for(states, "controller", SOON, what, fits)
            .await?;
        Ok(())
    }

    /// Waits for a condition of the MikrotikRouter: its reason and its words.
    pub(super) async fn condition(
        &self,
        kind: &str,
        status: &str,
        reason: &str,
        bound: Duration,
    ) -> Result<String> {
        condition(self.home.kube(), MIKROTIK, (kind, status, reason), bound).await
    }

    /// What the router is configured to is what it was then.
    pub(super) fn router_is_as(&self, before: &Snapshot) -> Result<()> {
        let now = self.home.router().snapshot();
        let difference = diff(&before.configured(), &now.configured());
        ensure!(difference.is_empty(), "the router is not as it was: {difference}");
        Ok(())
    }

    /// The speakers have taken their statuses back.
    pub(super) async fn nothing_is_on_record(&self) -> Result<()> {
        let none = <[_]>::is_empty;
        let kube = self.home.kube();
        kube.wait_list(SERVICE_L2_STATUSES, SOON, "no announcement to be on record", none)
            .await?;
        Ok(())
    }

    /// Waits until every reservation stands on the router.
    pub(super) async fn in_sync(&self) -> Result<()> {
        self.condition("PoolsExcluded", "True", "Excluded", FIRST_SYNC)
            .await?;
        self.condition("ReservationsInSync", "True", "InSync", FIRST_SYNC)
            .await?;
        Ok(())
    }

    /// Waits until the record of who announces a Service names a node, and returns it.
    pub(super) async fn record(&self, service: &str, node: &str) -> Result<Value> {
        let of =
            |record: &Value| record["status"]["serviceName"] == service && record["status"]["node"] == node;
        let what = format!("a ServiceL2Status of {service} that names {node}, and no other");
        let records = self
            .home
            .kube()
            .wait_list(SERVICE_L2_STATUSES, SOON, &what, |records| {
                let mut mine = records
                    .iter()
                    .filter(|record| record["status"]["serviceName"] == service);
                mine.next().is_some_and(of) && mine.next().is_none()
            })
            .await?;
        records.into_iter().find(of).context(what)
    }

    /// The node still has the claim that it had when it was on record so: it was not lost and taken back.
    pub(super) async fn keeps_its_claim(&self, service: &str, node: &str, before: &Value) -> Result<()> {
        let after = self.record(service, node).await?;
        ensure!(
            after["status"]["epoch"] == before["status"]["epoch"],
            "{after}, before {before}"
        );
        Ok(())
    }

    /// Ends all of tiklb as kubelets would, and starts it again.
    pub(super) async fn restart_everything(&mut self) -> Result<()> {
        let nodes: Vec<String> = self.home.node_names().map(str::to_owned).collect();
        for node in &nodes {
            self.home.speaker(node)?.end(GRACE).await?;
        }
        self.home.allocator()?.end(GRACE).await?;
        self.home.start_allocator().await?;
        self.home.start_speakers().await
    }
}

/// The MikrotikRouter of the guide under a name, changed by `change`: its spec is what is handed over.
pub(super) fn router(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = json!({
        "url": format!("https://{ROUTER}"),
        "clusterName": "home",
        "credentialsSecretRef": {"name": "mikrotik"},
        "tls": {"caSecretRef": {"name": "mikrotik-ca", "key": "ca.crt"}},
    });
    change(&mut spec);
    json!({
        "apiVersion": "tiklb.io/v1alpha1",
        "kind": "MikrotikRouter",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    })
}

/// Waits for a condition of a MikrotikRouter of any cluster, by its type, status and reason: its words.
pub(super) async fn condition(
    kube: &Kube,
    router: &str,
    (kind, status, reason): (&str, &str, &str),
    bound: Duration,
) -> Result<String> {
    let what = format!("the condition {kind} {status} {reason} of {router}");
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    let found = |object: &Value| -> Option<String> {
        let condition = crate::home::condition(object, kind)?;
        let fits = condition["status"] == status && condition["reason"] == reason;
        fits.then(|| condition["message"].as_str().unwrap_or_default().to_owned())
    };
    let fits = |object: &Value| found(object).is_some();
    let object = kube.wait_for(routers, router, bound, &what, fits).await?;
    found(&object).context(what)
}

/// A Service whose traffic stays on the node that gets it, by TCP for connections and by UDP for pings.
pub(super) fn service(name: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let port = |protocol: &str| {
        json!({
            "name": protocol.to_lowercase(),
            "protocol": protocol,
            "port": PORT,
            "targetPort": PORT,
        })
    };
    json!({
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "ports": [port("TCP"), port("UDP")],
            "selector": {"app": name},
        },
    })
}
