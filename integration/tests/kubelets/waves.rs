//! The guide's repository as `ArgoCD` applies and deletes it: by sync waves, and the other way round.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::chart::RELEASE;
use lab::home::{NAMESPACE, POOL, files, guide, status_address};
use lab::kube::SERVICES;
use lab::wait::until;
use serde_json::Value;

use crate::stage::{Outcome, Stage};

/// A first sync takes 12 s, the survey's next question to an address up to a minute, and its record 5 s: 77 s, and the rest is for
/// a machine that is busy. A speaker that is heard before it is known holds nothing back any more.
const GIVEN: Duration = Duration::from_mins(2);

/// Objects by the wave that they are annotated with.
#[derive(Default)]
struct Waves(BTreeMap<i64, Vec<Value>>);

impl Waves {
    /// Sorts the objects of a text in.
    fn add(&mut self, text: &str) -> Result<()> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).context("reading manifests")?;
        for object in objects.into_iter().filter(|object| !object.is_null()) {
            let wave = object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str();
            let wave = wave.unwrap_or("0").parse().context("reading a sync wave")?;
            self.0.entry(wave).or_default().push(object);
        }
        Ok(())
    }

    /// The guide's folder.
    fn of_the_guide() -> Result<Self> {
        let mut waves = Self::default();
        for file in files(&guide(), "yaml")? {
            waves.add(&fs::read_to_string(file)?)?;
        }
        Ok(waves)
    }
}

/// Has kubectl do this with a list of these objects.
async fn with_all(stage: &Stage, what: &str, objects: &[Value]) -> Outcome {
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), list.to_string())?;
    stage
        .shell(&format!("kubectl {what} -f {}", file.path().display()))
        .await?;
    Ok(())
}

/// Applies the guide's folder, and waits until each of its Services has an address. `ArgoCD` waits 2 s after a wave, and until
/// it is healthy, which kinds that it does not know are at once: here one wave follows the other as fast as kubectl can.
pub(crate) async fn apply(stage: &Stage) -> Outcome {
    for objects in Waves::of_the_guide()?.0.values() {
        with_all(stage, "apply", objects).await?;
    }
    let guides = Waves::of_the_guide()?.0.into_values().flatten();
    let services: Vec<Value> = guides.filter(|object| object["kind"] == "Service").collect();
    ensure!(!services.is_empty(), "the guide has no Service");
    let began = Instant::now();
    let given = until("the guide's Services to have addresses", GIVEN, async || {
        for service in &services {
            let word = |key: &str| service["metadata"][key].as_str().unwrap_or_default();
            let now = stage
                .home()
                .kube()
                .get(SERVICES.in_namespace(word("namespace")), word("name"))
                .await?;
            let address = status_address(&now).with_context(|| format!("{} has none", word("name")))?;
            if stage.home().pool(POOL)?.contains(address) {
                return Ok(Err(anyhow::anyhow!(
                    "{address} was given to {} while the router hands it out",
                    word("name")
                )));
            }
        }
        Ok(Ok(()))
    });
    given.await??;
    eprintln!(
        "the guide's Services have addresses after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Deletes what an Application of the chart and the guide's folder has made: the highest wave first, each when the one before
/// is gone; not what is to be kept, and no hooks.
pub(crate) async fn cascade(stage: &Stage) -> Outcome {
    let mut waves = Waves::of_the_guide()?;
    let chart = stage
        .shell(&format!("helm get manifest {RELEASE} --namespace {NAMESPACE}"))
        .await?;
    waves.add(&chart)?;
    ensure!(waves.0.len() == 4, "{:?}", waves.0.keys());
    for mut objects in waves.0.into_values().rev() {
        objects.retain(|object| !is_kept(object));
        with_all(stage, "delete --cascade=foreground --timeout=120s", &objects).await?;
    }
    Ok(())
}

fn is_kept(object: &Value) -> bool {
    let annotations = &object["metadata"]["annotations"];
    let options = annotations["argocd.argoproj.io/sync-options"]
        .as_str()
        .unwrap_or_default();
    options.contains("Delete=false") || annotations["helm.sh/resource-policy"] == "keep"
}
