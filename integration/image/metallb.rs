//! Images of `MetalLB`'s own programs, under the names that its chart asks for: where Pods run it is what is moved away from, and
//! nothing is pulled here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::layout::{self, Recipe};
use crate::cluster::build::target_folder;
use crate::peers::metallb::Metallb;

/// Its speaker opens raw sockets, and gets no user from its chart; the controller does.
const USER: &str = "0:0";

/// A program, and the image's name without its tag.
fn programs(metallb: &Metallb) -> [(&'static str, &Path); 2] {
    [
        ("controller", metallb.controller.as_path()),
        ("speaker", metallb.speaker.as_path()),
    ]
}

/// Where they are, once they were made.
///
/// # Errors
/// The cargo target folder cannot be told.
pub fn metallb_places(metallb: &Metallb) -> Result<[PathBuf; 2]> {
    let folder = target_folder()?.join("image");
    Ok(programs(metallb).map(|(name, _)| folder.join(format!("metallb-{name}-{}.tar", metallb.version))))
}

/// Packs them, where that was not done since they were built.
///
/// # Errors
/// A program cannot be read, or a file not be written.
pub fn metallb(metallb: &Metallb) -> Result<()> {
    for ((name, program), file) in programs(metallb).into_iter().zip(metallb_places(metallb)?) {
        if is_newer(&file, program) {
            continue;
        }
        let bytes = fs::read(program).with_context(|| format!("reading {}", program.display()))?;
        let recipe = Recipe {
            name: &format!("quay.io/metallb/{name}:{}", metallb.version),
            file: name,
            user: USER,
            labels: json!({}),
        };
        let folder = file.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
        super::write(&file, &layout::pack(&recipe, &bytes)?)?;
    }
    Ok(())
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|found| found.modified());
    matches!((changed(file), changed(than)), (Ok(file), Ok(than)) if file > than)
}
