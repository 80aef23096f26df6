//! An OCI image layout: blobs under their digests, and the files that say which is which
//! (opencontainers/image-spec, `image-layout.md`). Nothing in it depends on when or where it was made.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// Under this name manifests ask for it.
pub const NAME: &str = concat!("ghcr.io/tiklb/tiklb:", env!("CARGO_PKG_VERSION"));

/// Media types.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// As registries keep layers and nodes pull them: the program shrinks to less than half of its size.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Nobody's number, as the allocator runs. Speakers need root (deploy/chart/templates/speaker/daemonset.yaml says why).
const USER: &str = "65534:65534";

fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// A blob and what refers to it.
struct Blob {
    kind: &'static str,
    bytes: Vec<u8>,
}

impl Blob {
    fn json(kind: &'static str, value: &Value) -> Self {
        Self {
            kind,
            bytes: value.to_string().into_bytes(),
        }
    }

    fn digest(&self) -> String {
        digest(&self.bytes)
    }

    fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.kind,
            "digest": format!("sha256:{}", self.digest()),
            "size": self.bytes.len(),
        })
    }
}

/// An image of one program.
pub(super) struct Recipe<'a> {
    /// Under which manifests ask for it, with its tag.
    pub name: &'a str,
    /// The program's name in the image, where it is the only file.
    pub file: &'a str,
    /// As which it runs: numbers, since there are no names.
    pub user: &'a str,
    pub labels: Value,
}

/// tiklb's.
pub(super) fn tiklb() -> Recipe<'static> {
    Recipe {
        name: NAME,
        file: "tiklb",
        user: USER,
        labels: labels(),
    }
}

/// The tar file with this program.
pub(super) fn pack(recipe: &Recipe<'_>, program: &[u8]) -> Result<Vec<u8>> {
    let files = tar(&[(recipe.file, program, 0o755)])?;
    let layer = Blob {
        kind: LAYER,
        bytes: compressed(&files)?,
    };
    let config = Blob::json(
        CONFIG,
        &json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {
                "Entrypoint": [format!("/{}", recipe.file)],
                "User": recipe.user,
                "Labels": recipe.labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&files))]},
            "history": [{"created_by": "lab -- image"}],
        }),
    );
    let manifest = Blob::json(
        MANIFEST,
        &json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor()],
        }),
    );
    let mut entry = manifest.descriptor();
    entry["platform"] = json!({"architecture": architecture(), "os": "linux"});
    // containerd takes the whole name from the second, others the tag from the first.
    entry["annotations"] = json!({
        "org.opencontainers.image.ref.name": recipe.name.rsplit(':').next(),
        "io.containerd.image.name": recipe.name,
    });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).to_string();
    let version = json!({"imageLayoutVersion": "1.0.0"}).to_string();
    let blobs = [&manifest, &config, &layer].map(|blob| (format!("blobs/sha256/{}", blob.digest()), blob));
    let mut files = vec![
        ("oci-layout", version.as_bytes(), 0o644),
        ("index.json", index.as_bytes(), 0o644),
    ];
    files.extend(
        blobs
            .iter()
            .map(|(path, blob)| (path.as_str(), blob.bytes.as_slice(), 0o644)),
    );
    tar(&files)
}

fn labels() -> Value {
    json!({
        "org.opencontainers.image.title": "tiklb",
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        "org.opencontainers.image.source": env!("CARGO_PKG_REPOSITORY"),
        "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
    })
}

/// As OCI names it.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Without a name or a time in its header.
fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).context("compressing the layer")?;
    encoder.finish().context("compressing the layer")
}

/// Files of nobody in particular, of 1970.
fn tar(files: &[(&str, &[u8], u32)]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        let doing = || format!("packing {path}");
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive
            .append_data(&mut header, path, *bytes)
            .with_context(doing)?;
    }
    archive.into_inner().context("ending the archive")
}
