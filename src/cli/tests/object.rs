//! `tiklb plan` and `tiklb release` with a cluster: the lab's API server, and the real allocator where one has to run.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lab::apiserver::{ApiServer, Config};
use lab::kube::{Collection, Kube, Resource};
use routeros_sim::{Menu, PASSWORD};
use serde_json::{Value, json};

use super::shell::{Desk, Said, held_by};

const ROUTERS: Resource = Resource::namespaced("tiklb.io", "v1alpha1", "mikrotikrouters", "MikrotikRouter");
const NAMESPACE: &str = "metallb-system";
/// For what an allocator does in seconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A cluster whose rows a router holds.
pub(super) struct Scene {
    server: ApiServer,
    kube: Kube,
    pub(super) desk: Desk,
}

fn routers() -> Collection {
    ROUTERS.in_namespace(NAMESPACE)
}

impl Scene {
    /// The definitions, the Secrets, and a MikrotikRouter that has been in sync for a while.
    pub(super) async fn start(name: &str) -> Self {
        let server = ApiServer::start("127.0.0.1:0".parse().unwrap(), Config::default())
            .await
            .unwrap();
        let kube = Kube::new(server.admin()).unwrap();
        let system = kube.get(lab::kube::NAMESPACES, "kube-system").await.unwrap();
        let uid: String = system["metadata"]["uid"]
            .as_str()
            .unwrap()
            .chars()
            .take(8)
            .collect();
        let desk = Desk::start(name, held_by(&format!("home/{uid}"))).await;
        let scene = Self { server, kube, desk };
        let definitions = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/crds");
        for file in std::fs::read_dir(definitions).unwrap() {
            scene.kube.apply_file(&file.unwrap().path()).await.unwrap();
        }
        scene
            .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))
            .await;
        scene
            .secret("mikrotik", &json!({"username": "tiklb", "password": PASSWORD}))
            .await;
        scene
            .secret("mikrotik-ca", &json!({"ca.crt": scene.desk.router.ca_pem()}))
            .await;
        scene
            .apply(json!({
                "apiVersion": "tiklb.io/v1alpha1",
                "kind": "MikrotikRouter",
                "metadata": {"name": "router", "namespace": NAMESPACE, "finalizers": ["tiklb.io/release"]},
                "spec": {
                    "url": scene.desk.router.url(),
                    "clusterName": "home",
                    "credentialsSecretRef": {"name": "mikrotik"},
                    "tls": {"caSecretRef": {"name": "mikrotik-ca", "key": "ca.crt"}},
                },
            }))
            .await;
        let taken = json!([{
            "pool": "dhcp_pool",
            "server": "defconf",
            "ranges": "192.168.1.200-192.168.1.220",
            "since": "2026-01-01T00:00:00Z",
        }]);
        let status = json!({"status": {"taken": taken}});
        scene
            .kube
            .patch_status(routers(), "router", &status)
            .await
            .unwrap();
        scene
    }

    async fn apply(&self, object: Value) {
        self.kube.apply(object).await.unwrap();
    }

    async fn secret(&self, name: &str, data: &Value) {
        self.apply(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "stringData": data,
        }))
        .await;
    }

    /// A Service that has an address of the range.
    async fn serve(&self) {
        self.apply(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        }))
        .await;
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.168.1.200"}]}}});
        let services = lab::kube::SERVICES.in_namespace("default");
        self.kube.patch_status(services, "web", &status).await.unwrap();
    }

    fn kubeconfig(&self) -> String {
        self.desk.file("kubeconfig", &self.server.kubeconfig("admin"))
    }

    /// A command line about this cluster.
    pub(super) fn words(&self, line: &str) -> Vec<String> {
        let line = format!("{line} --kubeconfig {}", self.kubeconfig());
        line.split(' ').map(str::to_owned).collect()
    }

    pub(super) async fn ask(&self, line: &str) -> Said {
        self.desk.run(&self.words(line), &[]).await
    }

    /// Neither the router nor the object was touched.
    pub(super) async fn assert_kept(&self) {
        self.desk.assert_untouched();
        let object = self.kube.get(routers(), "router").await.unwrap();
        assert!(object["metadata"]["deletionTimestamp"].is_null(), "{object}");
    }

    /// The router holds what it would hold without us, and the object is gone. Each of so many processes has had one
    /// request under way at a time.
    pub(super) async fn assert_released(&self, processes: usize) {
        assert_eq!(self.kube.find(routers(), "router").await.unwrap(), None);
        let pools = self.desk.router.rows(Menu::Pool);
        assert_eq!(pools.len(), 1, "{pools:?}");
        assert_eq!(pools[0].get("ranges"), Some("192.168.1.100-192.168.1.254"));
        let comments = |menu| {
            let rows = self.desk.router.rows(menu);
            let mut comments: Vec<String> = rows
                .iter()
                .filter_map(|row| row.get("comment"))
                .map(str::to_owned)
                .collect();
            comments.sort();
            comments
        };
        assert_eq!(comments(Menu::Lease), ["nas", "printer"]);
        assert_eq!(comments(Menu::Arp), ["camera"]);
        let at_once = self.desk.router.journal().most_in_flight;
        assert!(
            at_once <= processes,
            "{at_once} requests were at the router at once"
        );
        self.desk.assert_no_violation();
        assert_eq!(self.server.unsupported(), [""; 0]);
    }
}

/// The real allocator, ended with its handle.
struct Allocator(Child);

impl Allocator {
    fn start(scene: &Scene) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_tiklb"))
            .args([
                "allocator",
                "--admin-listen",
                "127.0.0.1:0",
                "--pod-name",
                "allocator-1",
            ])
            .args(["--kubeconfig", &scene.kubeconfig()])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Allocator {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_allocator_the_verb_gives_back_under_its_lease() {
    let scene = Scene::start("object").await;
    let said = scene.ask("release router --yes").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("no allocator runs"), "{said:?}");
    assert!(
        said.out.contains("everything was given back, and read back"),
        "{said:?}"
    );
    scene.assert_released(1).await;
    assert_eq!(scene.desk.router.journal().writes.len(), 5);
    let leases = lab::kube::LEASES.in_namespace(NAMESPACE);
    let lease = scene.kube.get(leases, "tiklb-allocator").await.unwrap();
    assert!(
        lease["spec"]["holderIdentity"].as_str().is_none_or(str::is_empty),
        "{lease}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_allocator_that_runs_does_it_and_the_verb_waits() {
    let scene = Scene::start("allocator").await;
    let _allocator = Allocator::start(&scene);
    let leases = lab::kube::LEASES.in_namespace(NAMESPACE);
    let leads = |lease: &Value| lease["spec"]["holderIdentity"] == "allocator-1";
    scene
        .kube
        .wait_for(
            leases,
            "tiklb-allocator",
            PATIENCE,
            "the allocator to lead",
            leads,
        )
        .await
        .unwrap();
    let said = scene.ask("release --yes").await;
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.err.contains("no allocator runs"), "{said:?}");
    // The verb looks at the router while the allocator does.
    scene.assert_released(2).await;
}

/// As `helm uninstall` does it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_them_are_released_also_behind_one_that_is_away() {
    let scene = Scene::start("all").await;
    scene
        .apply(json!({
            "apiVersion": "tiklb.io/v1alpha1",
            "kind": "MikrotikRouter",
            "metadata": {"name": "away", "namespace": NAMESPACE},
            "spec": {
                // Nobody listens there.
                "url": "https://127.0.0.1:9",
                "clusterName": "cellar",
                "credentialsSecretRef": {"name": "mikrotik"},
                "tls": {"caSecretRef": {"name": "mikrotik-ca", "key": "ca.crt"}},
            },
        }))
        .await;
    let said = scene.ask("release --all --yes").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("MikrotikRouter away: "), "{said:?}");
    assert!(said.err.contains("not released: away; see above"), "{said:?}");
    scene.assert_released(1).await;

    scene.kube.delete(routers(), "away").await.unwrap();
    let again = scene.ask("release --all --yes").await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("there is no MikrotikRouter"), "{again:?}");
    let both = scene.ask("release --all router").await;
    assert!(both.err.contains("cannot be used with"), "{both:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_a_service_has_stops_it_before_anything_is_done() {
    let scene = Scene::start("in-use").await;
    scene.serve().await;
    let said = scene.ask("release router --yes").await;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("192.168.1.200: default/web"), "{said:?}");
    scene.assert_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_with_a_cluster_reads_alone_and_knows_the_way_back() {
    let scene = Scene::start("cluster-plan").await;
    let undo = scene.ask("plan --undo").await;
    assert_eq!(undo.code, Some(2), "{undo:?}");
    assert!(
        undo.out
            .contains("/ip pool set [find where name=\"dhcp_pool\"] ranges=192.168.1.100-192.168.1.254"),
        "{undo:?}"
    );
    let import = scene
        .ask("plan --import --range 192.168.1.200-192.168.1.220")
        .await;
    assert_eq!(import.code, Some(0), "{import:?}");
    assert!(import.out.contains("note: printer"), "{import:?}");
    assert!(
        !import.out.contains("default/web"),
        "a living cluster's own rows are no find: {import:?}"
    );
    let nobody = scene.ask("release other --yes").await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(
        nobody.err.contains("there is no MikrotikRouter other"),
        "{nobody:?}"
    );
    scene.desk.assert_untouched();
    assert!(
        scene
            .server
            .writes()
            .iter()
            .all(|request| !format!("{request:?}").contains("\"DELETE\""))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_reserved_is_in_the_plan_and_in_the_status_and_imported_once() {
    let scene = Scene::start("reserved").await;
    let object = |api: &str, kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec,
        })
    };
    let range = json!({"addresses": ["192.168.1.200-192.168.1.220"]});
    scene
        .apply(object("metallb.io/v1beta1", "IPAddressPool", "lan", range))
        .await;
    let ours = "tiklb.io/v1alpha1";
    let tv = json!({"address": "192.168.1.215", "for": "default/tv", "note": "the tv"});
    scene.apply(object(ours, "AddressReservation", "tv", tv)).await;
    let printer = json!({"address": "192.168.1.210"});
    scene
        .apply(object(ours, "AddressReservation", "printer", printer))
        .await;
    let plan = scene.ask("plan").await;
    assert_eq!(plan.code, Some(2), "{plan:?}");
    for words in [
        "/ip/dhcp-server/lease add 192.168.1.215  \"tiklb/v1 home/",
        " default/tv | the tv\"",
        "because AddressReservation tv keeps 192.168.1.215 for default/tv",
        "console: /ip dhcp-server lease add address=192.168.1.215 ",
    ] {
        assert!(plan.out.contains(words), "{words}: {plan:?}");
    }
    assert!(
        !plan.out.contains("lease add 192.168.1.210"),
        "the printer has it: {plan:?}"
    );
    let import = scene.ask("plan --import").await;
    assert_eq!(import.code, Some(0), "{import:?}");
    assert!(!import.out.contains("192.168.1.210"), "{import:?}");
    let status = scene.ask("status").await;
    assert!(status.out.contains("RESERVED\n"), "{status:?}");
    let line = status.out.lines().find(|line| line.starts_with("192.168.1.215"));
    let line = line.unwrap_or_else(|| panic!("{status:?}"));
    assert!(line.contains("default/tv") && line.contains("the tv"), "{line}");
    scene.desk.assert_untouched();
}
