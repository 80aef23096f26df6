//! What is in the tar file, read by the specification and not by what wrote it.

use std::collections::BTreeMap;
use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use flate2::read::GzDecoder;
use lab::image;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

use super::Outcome;

/// The files of a tar archive: path, mode and bytes.
fn files(archive: &[u8]) -> Result<BTreeMap<String, (u32, Vec<u8>)>> {
    let mut files = BTreeMap::new();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.display().to_string();
        let header = entry.header();
        ensure!(header.entry_type() == EntryType::Regular, "{path} is no file");
        ensure!(
            (header.uid()?, header.gid()?, header.mtime()?) == (0, 0, 0),
            "{path} tells who made it, or when"
        );
        let mode = header.mode()?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(path, (mode, bytes));
    }
    Ok(files)
}

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The image, unpacked.
struct Layout(BTreeMap<String, (u32, Vec<u8>)>);

impl Layout {
    fn read() -> Result<Self> {
        Ok(Self(files(&std::fs::read(image::place()?)?)?))
    }

    fn bytes(&self, path: &str) -> Result<&[u8]> {
        let found = self.0.get(path).with_context(|| format!("there is no {path}"))?;
        Ok(&found.1)
    }

    fn json(&self, path: &str) -> Result<Value> {
        serde_json::from_slice(self.bytes(path)?).with_context(|| format!("reading {path}"))
    }

    /// What a descriptor refers to, if it is as long as it says.
    fn blob(&self, descriptor: &Value) -> Result<&[u8]> {
        let digest = descriptor["digest"].as_str().context("no digest")?;
        let hex = digest.strip_prefix("sha256:").context("no SHA-256")?;
        let bytes = self.bytes(&format!("blobs/sha256/{hex}"))?;
        ensure!(descriptor["size"] == bytes.len(), "{digest} has another size");
        Ok(bytes)
    }

    fn manifest(&self) -> Result<Value> {
        let index = self.json("index.json")?;
        Ok(serde_json::from_slice(self.blob(&index["manifests"][0])?)?)
    }

    /// The layer's files as they are unpacked.
    fn layer(&self) -> Result<Vec<u8>> {
        let manifest = self.manifest()?;
        ensure!(
            manifest["layers"].as_array().map(Vec::len) == Some(1),
            "{manifest}"
        );
        let mut files = Vec::new();
        GzDecoder::new(self.blob(&manifest["layers"][0])?).read_to_end(&mut files)?;
        Ok(files)
    }
}

/// The program of the image.
pub(crate) fn program() -> Result<Vec<u8>> {
    let layout = Layout::read()?;
    let mut files = files(&layout.layer()?)?;
    let names: Vec<String> = files.keys().cloned().collect();
    ensure!(names == ["tiklb"], "the layer holds {names:?}");
    let (mode, bytes) = files.remove("tiklb").context("no program")?;
    ensure!(mode == 0o755, "/tiklb has mode {mode:o}");
    Ok(bytes)
}

pub(crate) fn every_blob_is_what_its_digest_says() -> Outcome {
    let layout = Layout::read()?;
    ensure!(layout.json("oci-layout")?["imageLayoutVersion"] == "1.0.0");
    let mut blobs = 0;
    for (path, (_, bytes)) in &layout.0 {
        let Some(hex) = path.strip_prefix("blobs/sha256/") else {
            continue;
        };
        let digest = digest(bytes);
        ensure!(digest == hex, "{path} is {digest}");
        blobs += 1;
    }
    ensure!(
        blobs == 3,
        "{blobs} blobs: manifest, configuration and one layer are all"
    );
    Ok(())
}

pub(crate) fn a_node_finds_it_by_its_name() -> Outcome {
    let layout = Layout::read()?;
    let index = layout.json("index.json")?;
    let entry = &index["manifests"][0];
    ensure!(entry["mediaType"] == image::MANIFEST, "{entry}");
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    ensure!(entry["platform"]["architecture"] == architecture, "{entry}");
    ensure!(
        entry["annotations"]["io.containerd.image.name"] == image::NAME,
        "{entry}"
    );
    let manifest = layout.manifest()?;
    let config: Value = serde_json::from_slice(layout.blob(&manifest["config"])?)?;
    ensure!(
        config["architecture"] == architecture && config["os"] == "linux",
        "{config}"
    );
    ensure!(config["config"]["Entrypoint"][0] == "/tiklb", "{config}");
    ensure!(config["config"]["User"] == "65534:65534", "{config}");
    let files = format!("sha256:{}", digest(&layout.layer()?));
    ensure!(config["rootfs"]["diff_ids"][0] == files, "{config}");
    // What the chart's Pods ask for.
    let chart = std::fs::read_to_string(lab::home::deployed("manifests/tiklb.yaml"))?;
    ensure!(
        chart.contains(&format!("image: \"{}\"", image::NAME)),
        "the manifests name another image"
    );
    Ok(())
}

pub(crate) fn one_layer_holds_one_static_program() -> Outcome {
    let loader = image::interpreter(&program()?)?;
    ensure!(
        loader.is_none(),
        "/tiklb asks for {loader:?}, which the image has not"
    );
    Ok(())
}

pub(crate) fn it_is_small() -> Outcome {
    let size = image::place()?.metadata()?.len();
    ensure!(size <= image::LARGEST, "{size} bytes");
    Ok(())
}
