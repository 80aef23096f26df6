//! The first start, by `docs/getting-started.md`: what the page tells a person to type is typed, in its order, its objects are
//! applied as they stand there, and what it promises is looked for.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result, ensure};
use routeros_sim::{Menu, PASSWORD, diff};
use serde_json::json;
use tempfile::TempDir;

use super::page::{self, Block};
use super::scene::{FIRST_SYNC, MIKROTIK, SOON, Scene};
use super::{Outcome, Story, stories};
use crate::home::NAMESPACE;
use crate::home::kind::MIKROTIK_ROUTERS;
use crate::kube::{NAMESPACES, SERVICES};
use crate::sandbox;
use crate::wait::until;

pub(super) fn stories() -> Vec<Story> {
    stories![start: from_a_router_to_the_first_service_and_back]
}

/// Of the page's Service.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 202);
const NAME: [&str; 2] = ["whoami", "whoami-lan"];

/// A person with the page, in a folder with the two files that the page has made by then, and with tiklb.
struct Desk {
    page: String,
    folder: TempDir,
    tools: TempDir,
}

impl Desk {
    fn open(scene: &Scene) -> Result<Self> {
        let inside = sandbox::dir().context("stories are played in the lab's sandbox")?;
        let desk = Self {
            page: page::read("docs/getting-started.md")?,
            folder: TempDir::new_in(&inside)?,
            tools: TempDir::new_in(&inside)?,
        };
        symlink(scene.home.program()?, desk.tools.path().join("tiklb"))?;
        fs::write(desk.folder.path().join("pw"), PASSWORD)?;
        fs::copy(scene.home.router_ca(), desk.folder.path().join("tiklb-ca.crt"))?;
        fs::create_dir(desk.folder.path().join("your-repository"))?;
        Ok(desk)
    }

    /// The only line under a heading that begins so.
    fn line(&self, heading: &str, begin: &str) -> Result<String> {
        let blocks = page::blocks(&self.page, heading, Block::Shell)?;
        let lines: Vec<&str> = blocks.iter().flat_map(|block| block.lines()).collect();
        let mut found = lines.iter().filter(|line| line.starts_with(begin));
        let (first, more) = (found.next(), found.next());
        ensure!(more.is_none(), "{heading:?} has two lines {begin:?}");
        Ok((*first.with_context(|| format!("{heading:?} has no line {begin:?}"))?).to_owned())
    }

    /// The objects under a heading.
    fn objects(&self, heading: &str) -> Result<String> {
        let [objects] = page::blocks(&self.page, heading, Block::Yaml)?
            .try_into()
            .map_err(|blocks| anyhow::anyhow!("{heading:?} has these objects: {blocks:?}"))?;
        Ok(objects)
    }

    /// Types a line until it ends so and shows all of this: what allocator and speakers report follows by moments.
    async fn types(&self, scene: &Scene, line: &str, code: i32, words: &[&str]) -> Outcome {
        until(&format!("`{line}` to show it"), SOON, async || {
            let shown = scene
                .home
                .type_in(self.folder.path(), self.tools.path(), line)
                .await?;
            ensure!(shown.code == Some(code), "{shown:?}");
            for wanted in words {
                ensure!(shown.text.contains(wanted), "no {wanted} in {}", shown.text);
            }
            Ok(())
        })
        .await
    }
}

async fn from_a_router_to_the_first_service_and_back(scene: &mut Scene) -> Outcome {
    // The person asks the router beside the allocator.
    scene.allocators += 1;
    let desk = Desk::open(scene)?;
    let before = scene.home.router().snapshot();
    configured(scene, &desk).await?;
    let line = desk.line("6. Let it write", "tiklb plan")?;
    let cut = ["dhcp_pool", "192.168.1.221-192.168.1.254"];
    desk.types(scene, &line, 2, &cut).await?;
    ensure!(
        scene.home.router().journal().applied().count() == 0,
        "something was written in DryRun"
    );
    let enforce = json!({"spec": {"mode": null}});
    let routers = MIKROTIK_ROUTERS.in_namespace(NAMESPACE);
    scene.home.kube().merge_patch(routers, MIKROTIK, &enforce).await?;
    scene.in_sync().await?;
    desk.types(scene, &line, 0, &["nothing to be done"]).await?;
    first_service(scene, &desk).await?;

    let [namespace, name] = NAME;
    let kube = scene.home.kube();
    kube.delete(SERVICES.in_namespace(namespace), name).await?;
    scene.silent(ADDRESS).await?;
    scene.home.stop_serving(ADDRESS).await?;
    // There is nobody at this terminal to ask.
    let line = format!("{} --yes", desk.line("8. The way back", "tiklb release")?);
    desk.types(scene, &line, 0, &["given back"]).await?;
    let difference = diff(&before.configured(), &scene.home.router().snapshot().configured());
    ensure!(
        difference.is_empty(),
        "the router is not as it was: {difference:?}"
    );
    Ok(())
}

/// Steps 3 to 5.
async fn configured(scene: &Scene, desk: &Desk) -> Outcome {
    let enroll = desk.line("3. Look at it", "tiklb router enroll")?;
    desk.types(scene, &enroll, 0, &["annas-phone"]).await?;
    let written = fs::read_to_string(desk.folder.path().join("router.yaml"))?;
    ensure!(!written.contains(PASSWORD), "nobody asked for the password");
    let router = written
        .replace("REPLACE-ME", PASSWORD)
        .replace("mode: Enforce", "mode: DryRun");
    let repository = desk.folder.path().join("your-repository");
    fs::write(repository.join("router.yaml"), router)?;
    fs::write(
        repository.join("pool.yaml"),
        desk.objects("4. Write the configuration")?,
    )?;
    let plan = desk.line("4. Write the configuration", "tiklb plan")?;
    let cut = ["dhcp_pool", "192.168.1.221-192.168.1.254"];
    desk.types(scene, &plan, 2, &cut).await?;

    // `kubectl apply -f your-repository/`, of which the judge's own client has the place.
    desk.line("5. Install", "kubectl apply -f your-repository/")?;
    for file in ["router.yaml", "pool.yaml"] {
        scene.home.kube().apply_file(&repository.join(file)).await?;
    }
    scene
        .condition("PoolsExcluded", "False", "DryRun", FIRST_SYNC)
        .await?;
    let doctor = desk.line("5. Install", "tiklb doctor")?;
    desk.types(scene, &doctor, 0, &["nothing found, "]).await
}

/// Step 7.
async fn first_service(scene: &mut Scene, desk: &Desk) -> Outcome {
    let [namespace, name] = NAME;
    let heading = "7. The first Service";
    let kube = scene.home.kube();
    kube.create(NAMESPACES, &json!({"metadata": {"name": namespace}}))
        .await?;
    kube.apply_yaml(&desk.objects(heading)?).await?;
    scene.home.put_endpoints_everywhere(namespace, name).await?;
    let given = scene.home.service_address(namespace, name, FIRST_SYNC).await?;
    ensure!(given == ADDRESS, "it asks for {ADDRESS} and was given {given}");
    scene.home.serve(ADDRESS, 80).await?;
    let node = scene.home.announcer(ADDRESS, SOON).await?.host;
    let announces = format!("{node} announces {ADDRESS}");
    let explain = desk.line(heading, "tiklb explain service")?;
    desk.types(scene, &explain, 0, &["because it asks for it", &announces])
        .await?;
    let status = desk.line(heading, "tiklb status")?;
    let words = ["192.168.1.202", "whoami/whoami-lan", &node];
    desk.types(scene, &status, 0, &words).await?;
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
