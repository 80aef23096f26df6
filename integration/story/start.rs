//! The first start, by `docs/getting-started.md`: what the page tells a person to type is typed, in its order, its objects are
//! applied as they stand there, and what it promises is looked for.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, PASSWORD};
use serde_json::Value;

use super::desk::Desk;
use super::scene::{FIRST_SYNC, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::files;
use crate::kube::SERVICES;
use crate::page::{self, Block};

pub(super) fn stories() -> Vec<Story> {
    stories![start: from_a_router_to_the_first_service_and_back]
}

/// Of the page's Service.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 202);
const NAME: [&str; 2] = ["whoami", "whoami-lan"];

/// The page's steps from the router to the way back.
pub(crate) const STEPS: [&str; 6] = [
    "3. Look at it",
    "4. Write the configuration",
    "5. Install",
    "6. Let it write",
    "7. The first Service",
    "8. The way back",
];

/// A person with the page.
struct Reader {
    page: String,
    desk: Desk,
    /// The lines that were taken from it.
    taken: RefCell<BTreeSet<String>>,
}

impl Reader {
    fn open(scene: &Scene) -> Result<Self> {
        Ok(Self {
            page: page::read("docs/getting-started.md")?,
            desk: Desk::open(&scene.home)?,
            taken: RefCell::default(),
        })
    }

    /// The only line under a heading that begins so.
    fn line(&self, heading: &str, begin: &str) -> Result<String> {
        let lines = page::lines_under(&self.page, heading)?;
        let mut found = lines.iter().filter(|line| line.starts_with(begin));
        let (first, more) = (found.next(), found.next());
        ensure!(more.is_none(), "{heading:?} has two lines {begin:?}");
        let line = first.with_context(|| format!("{heading:?} has no line {begin:?}"))?;
        self.taken.borrow_mut().insert(line.clone());
        Ok(line.clone())
    }

    /// Every line of the page was typed; without a kubectl, all but its own.
    fn has_typed_all(&self) -> Outcome {
        let taken = self.taken.borrow();
        for heading in STEPS {
            for line in page::lines_under(&self.page, heading)? {
                let own = !self.desk.has_kubectl() && line.starts_with("kubectl ");
                ensure!(
                    own || taken.contains(&line),
                    "nobody typed `{line}` under {heading:?}"
                );
            }
        }
        Ok(())
    }

    /// The objects under a heading.
    fn objects(&self, heading: &str) -> Result<String> {
        let [objects] = page::blocks(&self.page, heading, Block::Yaml)?
            .try_into()
            .map_err(|blocks| anyhow::anyhow!("{heading:?} has these objects: {blocks:?}"))?;
        Ok(objects)
    }

    /// Applies the folder as the heading says, which changes this; without a kubectl the judge's own client has its place.
    async fn applies(&self, scene: &Scene, heading: &str, change: &str) -> Outcome {
        let line = self.line(heading, "kubectl apply")?;
        let repository = self.desk.repository();
        ensure!(
            line == "kubectl apply -f your-repository/",
            "{heading:?} applies {line:?}"
        );
        if self.desk.has_kubectl() {
            return self.types(scene, &line, 0, &[change]).await;
        }
        // As kubectl goes through it: by name, and not into folders below. The lab's API server makes no Deployment.
        for file in files(&repository, "yaml")? {
            for object in manifests(&fs::read_to_string(file)?)? {
                if object["kind"] != "Deployment" {
                    scene.home.kube().apply(object).await?;
                }
            }
        }
        Ok(())
    }

    /// See [`Desk::types`].
    async fn types(&self, scene: &Scene, line: &str, code: i32, words: &[&str]) -> Outcome {
        self.desk.types(scene, line, code, words).await
    }
}

async fn from_a_router_to_the_first_service_and_back(scene: &mut Scene) -> Outcome {
    // The person asks the router beside the allocator.
    scene.allocators += 1;
    let reader = Reader::open(scene)?;
    let before = scene.home.router().snapshot();
    configured(scene, &reader).await?;
    let line = reader.line("6. Let it write", "tiklb plan")?;
    let cut = ["dhcp_pool", "192.168.1.221-192.168.1.254"];
    reader.types(scene, &line, 2, &cut).await?;
    ensure!(
        scene.home.router().journal().applied().count() == 0,
        "something was written in DryRun"
    );
    let file = reader.desk.repository().join("router.yaml");
    let enforce = fs::read_to_string(&file)?.replace("mode: DryRun", "mode: Enforce");
    fs::write(file, enforce)?;
    reader
        .applies(scene, "6. Let it write", "router configured")
        .await?;
    scene.in_sync().await?;
    reader.types(scene, &line, 0, &["nothing to be done"]).await?;
    first_service(scene, &reader).await?;

    let [namespace, name] = NAME;
    let kube = scene.home.kube();
    kube.delete(SERVICES.in_namespace(namespace), name).await?;
    scene.silent(ADDRESS).await?;
    scene.home.stop_serving(ADDRESS).await?;
    // There is nobody at this terminal to ask.
    let line = format!("{} --yes", reader.line("8. The way back", "tiklb release")?);
    reader.types(scene, &line, 0, &["given back"]).await?;
    scene.router_is_as(&before)?;
    reader.has_typed_all()
}

/// Steps 3 to 5.
async fn configured(scene: &Scene, reader: &Reader) -> Outcome {
    let enroll = reader.line("3. Look at it", "tiklb router enroll")?;
    reader.types(scene, &enroll, 0, &["annas-phone"]).await?;
    let written = fs::read_to_string(reader.desk.file("router.yaml"))?;
    ensure!(!written.contains(PASSWORD), "nobody asked for the password");
    let router = written
        .replace("REPLACE-ME", PASSWORD)
        .replace("mode: Enforce", "mode: DryRun");
    let repository = reader.desk.repository();
    fs::write(repository.join("router.yaml"), router)?;
    fs::write(
        repository.join("pool.yaml"),
        reader.objects("4. Write the configuration")?,
    )?;
    let plan = reader.line("4. Write the configuration", "tiklb plan")?;
    let cut = ["dhcp_pool", "192.168.1.221-192.168.1.254"];
    reader.types(scene, &plan, 2, &cut).await?;

    reader.applies(scene, "5. Install", "router created").await?;
    scene
        .condition("PoolsExcluded", "False", "DryRun", FIRST_SYNC)
        .await?;
    let doctor = reader.line("5. Install", "tiklb doctor")?;
    reader.types(scene, &doctor, 0, &["nothing found, "]).await
}

fn manifests(text: &str) -> Result<Vec<Value>> {
    let mut all: Vec<Value> = serde_saphyr::from_multiple(text).context("reading manifests")?;
    all.retain(|object| !object.is_null());
    Ok(all)
}

/// The Deployment's Pods would be the Service's, and answer on its port.
fn fits(text: &str) -> Outcome {
    let objects = manifests(text)?;
    let of = |kind: &str| {
        let found = objects.iter().find(|object| object["kind"] == kind);
        found.with_context(|| format!("the page has no {kind}"))
    };
    let (namespace, deployment, service) = (of("Namespace")?, of("Deployment")?, of("Service")?);
    for object in [deployment, service] {
        ensure!(
            object["metadata"]["namespace"] == namespace["metadata"]["name"],
            "{object}"
        );
    }
    let template = &deployment["spec"]["template"];
    let labels = &template["metadata"]["labels"];
    let selector = service["spec"]["selector"].as_object();
    let selector = selector.context("the Service selects nothing")?;
    let selects = selector.iter().all(|(key, value)| labels[key] == *value);
    ensure!(selects, "{selector:?} does not select {labels}");
    let listens = &template["spec"]["containers"][0]["ports"][0]["containerPort"];
    let sends = &service["spec"]["ports"][0]["port"];
    ensure!(
        listens == sends,
        "port {sends} leads to Pods that listen on {listens}"
    );
    Ok(())
}

/// Step 7.
async fn first_service(scene: &mut Scene, reader: &Reader) -> Outcome {
    let [namespace, name] = NAME;
    let heading = "7. The first Service";
    let file = reader.desk.repository().join("whoami.yaml");
    let objects = reader.objects(heading)?;
    fits(&objects)?;
    fs::write(file, objects)?;
    reader
        .applies(scene, heading, "service/whoami-lan created")
        .await?;
    // No kubelet runs its Pod: what answers is the lab's.
    scene.home.put_endpoints_everywhere(namespace, name).await?;
    let given = scene.home.service_address(namespace, name, FIRST_SYNC).await?;
    ensure!(given == ADDRESS, "it asks for {ADDRESS} and was given {given}");
    scene.home.serve(ADDRESS, 80).await?;
    let node = scene.home.announcer(ADDRESS, SOON).await?.host;
    let announces = format!("{node} announces {ADDRESS}");
    let explain = reader.line(heading, "tiklb explain service")?;
    reader
        .types(scene, &explain, 0, &["because it asks for it", &announces])
        .await?;
    let status = reader.line(heading, "tiklb status")?;
    let words = ["192.168.1.202", "whoami/whoami-lan", &node];
    reader.types(scene, &status, 0, &words).await?;
    if reader.desk.has_kubectl() {
        let (get, describe) = (
            "kubectl -n whoami get service",
            "kubectl -n whoami describe service",
        );
        let get = reader.line(heading, get)?;
        reader.types(scene, &get, 0, &["192.168.1.202"]).await?;
        let describe = reader.line(heading, describe)?;
        let events = ["IPAllocated", "nodeAssigned", &node];
        reader.types(scene, &describe, 0, &events).await?;
    }
    let row = scene.home.row(Menu::Lease, "address", "192.168.1.202");
    let comment = row
        .as_ref()
        .and_then(|row| row.get("comment"))
        .unwrap_or_default();
    ensure!(
        comment.ends_with("whoami/whoami-lan"),
        "the lease is called {comment:?}"
    );
    Ok(())
}
