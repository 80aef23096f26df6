//! The Helm chart as Helm itself reads it, and the manifests that are rendered from it and committed.
//!
//! [`check`] needs no cluster: it lints, renders, and compares with what is committed. `TIKLB_UPDATE=1` writes that anew.
//! What the rendered objects say is held against the program by tiklb's own tests, which read the committed files and need
//! no Helm.

mod committed;
mod helm;
mod wrong;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::time::Instant;

use crate::home::deployed;
use committed::Committed;
pub use helm::Helm;

/// The release's name, as every page has it.
pub const RELEASE: &str = "tiklb";

/// The objects that everyone gets, the namespace first.
const ALL_IN_ONE: &str = "manifests/tiklb.yaml";
/// Where the namespace and its labels stand: Helm does not own it.
const NAMESPACE_MANIFEST: &str = "rbac/00-namespace.yaml";
/// Files of `deploy/rbac`, each with the template that it is rendered from.
const RIGHTS: [(&str, &str); 3] = [
    ("rbac/admission.yaml", "templates/admission.yaml"),
    ("rbac/allocator.yaml", "templates/allocator/rbac.yaml"),
    ("rbac/speaker.yaml", "templates/speaker/rbac.yaml"),
];

/// Values that turn everything on that is off by default, and what is rendered with them.
const EVERYTHING: &str = "chart/everything.yaml";
const EVERYTHING_RENDERED: &str = "chart/everything.rendered.yaml";

/// Lints the chart, renders it, compares with what is committed, and has wrong values refused. Prints a line for each.
///
/// # Errors
/// What is not as it should be; the difference, and how to renew what is committed.
pub async fn check(helm: &Helm) -> Result<()> {
    let everything = own(EVERYTHING);
    let values = ["--values", text(&everything)?];
    timed("lint", async {
        helm.lint(&[]).await?;
        helm.lint(&values).await
    })
    .await?;
    timed("all-in-one manifest", all_in_one(helm)).await?;
    timed("roles and the admission policy", rights(helm)).await?;
    timed("everything turned on", async {
        // The definitions stand in the all-in-one manifest already.
        let arguments = [&values[..], &["--set", "crds.enabled=false"]].concat();
        let rendered = twice(helm, &arguments).await?;
        let head = "# What the chart makes of everything.yaml; `TIKLB_UPDATE=1 cargo run -p lab -- chart` writes it anew.\n";
        Committed(own(EVERYTHING_RENDERED)).compare(&format!("{head}{rendered}"))
    })
    .await?;
    timed("nothing turned on", nothing(helm)).await?;
    timed("wrong values", wrong::refused(helm)).await
}

/// The file is what a person without Helm applies: the namespace, and all that Helm would make.
async fn all_in_one(helm: &Helm) -> Result<()> {
    let rendered = twice(helm, &["--no-hooks"]).await?;
    let file = deployed(NAMESPACE_MANIFEST);
    let namespace = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let mut whole = "# tiklb without Helm: `kubectl apply --server-side -f` this file.\n\
        # Rendered from deploy/chart; `TIKLB_UPDATE=1 cargo run -p lab -- chart` writes it anew.\n---\n"
        .to_owned();
    write!(whole, "{namespace}{rendered}")?;
    Committed(deployed(ALL_IN_ONE)).compare(&whole)
}

/// The chart is their source; the files are for whoever gives rights by hand, and for `tiklb doctor`, which asks for each.
async fn rights(helm: &Helm) -> Result<()> {
    for (file, template) in RIGHTS {
        let rendered = helm.template(&["--show-only", template]).await?;
        let documents = documents(&rendered);
        Committed(deployed(file)).compare(&documents.join("---\n"))?;
    }
    Ok(())
}

/// Everything that can be turned off is off: no object is left, and no template trips over what is not there.
async fn nothing(helm: &Helm) -> Result<()> {
    let off = [
        "crds.enabled",
        "rbac.create",
        "admissionPolicy.enabled",
        "release.enabled",
        "controller.enabled",
        "speaker.enabled",
    ];
    let sets: Vec<String> = off.iter().map(|value| format!("{value}=false")).collect();
    let arguments: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).collect();
    let rendered = helm.template(&arguments).await?;
    ensure!(
        documents(&rendered).is_empty(),
        "with everything turned off the chart still makes\n{rendered}"
    );
    // Somebody who may not make roles installs all the rest.
    let rendered = helm.template(&["--set", "rbac.create=false"]).await?;
    ensure!(
        !rendered.contains("apiVersion: rbac.authorization.k8s.io/"),
        "without rbac.create the chart still makes roles"
    );
    Ok(())
}

/// Renders two times, and errs where one byte differs: whatever is random or takes the time would be another
/// object each time that a repository is applied.
async fn twice(helm: &Helm, arguments: &[&str]) -> Result<String> {
    let first = helm.template(arguments).await?;
    let second = helm.template(arguments).await?;
    ensure!(
        first == second,
        "the chart renders otherwise each time:\n{}",
        committed::difference(&first, &second)
    );
    Ok(documents(&first)
        .iter()
        .fold(String::new(), |all, document| all + "---\n" + document))
}

/// The documents of a rendering, without the lines by which Helm tells their templates: those name the chart's insides.
fn documents(rendered: &str) -> Vec<String> {
    let is_source = |line: &&str| line.starts_with("# Source: ");
    let split = format!("\n{rendered}\n");
    let documents = split.split("\n---\n").map(|document| {
        let lines: Vec<&str> = document.lines().filter(|line| !is_source(line)).collect();
        lines.join("\n").trim().to_owned()
    });
    documents
        .filter(|document| !document.is_empty())
        .map(|document| document + "\n")
        .collect()
}

async fn timed(what: &str, checked: impl Future<Output = Result<()>>) -> Result<()> {
    let began = Instant::now();
    checked.await.with_context(|| format!("the chart: {what}"))?;
    println!("chart: {what:<32} ok {:>6.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// What the chart renders with everything turned on, as it is committed.
///
/// # Errors
/// The file cannot be read.
pub fn everything() -> Result<Vec<Value>> {
    let file = own(EVERYTHING_RENDERED);
    let doing = || format!("reading {}", file.display());
    let text = std::fs::read_to_string(&file).with_context(doing)?;
    serde_saphyr::from_multiple(&text).with_context(doing)
}

/// The chart.
pub fn folder() -> PathBuf {
    deployed("chart")
}

/// A file of the lab.
fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("the path {} is no UTF-8", path.display()))
}

#[cfg(test)]
mod tests;
