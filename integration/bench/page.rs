//! `docs/measured.md`: what the benches found, made from their files in `docs/measured`.
//!
//! A number in the documentation that no file stands behind is a rumour. So the files are committed, with every sample, and
//! the page is compared with a fresh one by a test.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::home::{deployed, files};

/// What the page begins with.
const HEAD: &str = "\
# Measured

Made by `lab -- bench`, from the files in [measured](measured): each has the commit, the machine, the configuration and every
sample. The machines are virtual, their LANs made of bridges and veth pairs; nothing here was measured on a MikroTik. A ratio
is of the medians, to what was measured in the same run. `cargo run --release -p lab -- bench NAME --out DIR` measures again,
`lab -- measured --from DIR` takes the files over and makes this page.
";

/// The page's file.
fn file() -> PathBuf {
    docs().join("measured.md")
}

/// Where the benches' files are committed.
fn folder() -> PathBuf {
    docs().join("measured")
}

fn docs() -> PathBuf {
    deployed("../docs")
}

/// Takes the files of benches over from another folder, if one is given, and makes the page anew.
///
/// # Errors
/// When one of them cannot be read, is no bench's, or cannot be written.
pub fn renew(from: Option<&Path>) -> Result<PathBuf> {
    if let Some(from) = from {
        for path in files(from, "json")? {
            adopt(&path)?;
        }
        for path in files(from, "svg")? {
            fs::copy(&path, folder().join(name(&path)?))
                .with_context(|| format!("copying {}", path.display()))?;
        }
    }
    let page = page(&folder())?;
    fs::write(file(), page).with_context(|| format!("writing {}", file().display()))?;
    file().canonicalize().context("finding the page")
}

/// A bench's file without what was seen in each single run: that is megabytes, and the samples stay.
fn adopt(path: &Path) -> Result<()> {
    let mut record = read(path)?;
    if let Some(record) = record.as_object_mut() {
        record.remove("runs");
    }
    let mut text = serde_json::to_string(&record)?;
    text.push('\n');
    let to = folder().join(name(path)?);
    fs::create_dir_all(folder())?;
    fs::write(&to, text).with_context(|| format!("writing {}", to.display()))
}

fn name(path: &Path) -> Result<&std::ffi::OsStr> {
    path.file_name().context("a file without a name")
}

fn read(path: &Path) -> Result<Value> {
    let doing = || format!("reading {}", path.display());
    let record: Value = serde_json::from_slice(&fs::read(path).with_context(doing)?).with_context(doing)?;
    record["measures"]
        .as_array()
        .with_context(|| format!("{} is no bench's file: it has no measures", path.display()))?;
    Ok(record)
}

/// The page that belongs to the files of a folder.
fn page(folder: &Path) -> Result<String> {
    let mut page = HEAD.to_owned();
    for path in files(folder, "json")? {
        let record = read(&path)?;
        section(&mut page, &record)?;
        let picture = path.with_extension("svg");
        if picture.exists() {
            let bench = text(&record["bench"]);
            write!(page, "\n![{bench}: the distribution](measured/{bench}.svg)\n")?;
        }
    }
    Ok(page)
}

fn section(page: &mut String, record: &Value) -> Result<()> {
    let (tiklb, machine, load) = (&record["tiklb"], &record["machine"], &record["load"]);
    let day = text(&record["began"]).split('T').next().unwrap_or_default();
    write!(page, "\n## {}\n\n", text(&record["bench"]))?;
    writeln!(
        page,
        "{day}, commit {}, {} build; {} cores of {}, kernel {}; processors busy for {:.0} % of the time.\n",
        text(&tiklb["commit"]),
        text(&tiklb["profile"]),
        machine["cores"],
        text(&machine["processor"]),
        text(&machine["kernel"]).split(' ').next().unwrap_or_default(),
        load["busy"].as_f64().unwrap_or_default() * 100.0,
    )?;
    page.push_str("| measure | n | p50 | p95 | p99 | max | goal | verdict | p50 is |\n");
    page.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for measure in record["measures"].as_array().into_iter().flatten() {
        row(page, measure)?;
    }
    let lists = [("notes", ""), ("failures", "A run failed: ")];
    for (list, before) in lists {
        for note in record[list].as_array().into_iter().flatten() {
            write!(page, "\n{before}{}\n", text(note))?;
        }
    }
    Ok(())
}

fn row(page: &mut String, measure: &Value) -> Result<()> {
    let unit = text(&measure["unit"]);
    let shown = |figure: &str| {
        let figure = measure[figure].as_f64();
        figure.map_or_else(
            || "failed".to_owned(),
            |figure| format!("{figure:.1} {unit}").trim_end().to_owned(),
        )
    };
    let goal = &measure["goal"];
    let goal = goal.as_object().map_or_else(String::new, |goal| {
        let limit = goal["limit"].as_f64().unwrap_or_default();
        let (statistic, relation) = (text(&goal["statistic"]), text(&goal["relation"]));
        format!("{statistic} {relation} {limit:.1} {unit}")
            .trim_end()
            .to_owned()
    });
    let ratio = measure["ratio"].as_f64().map_or_else(String::new, |ratio| {
        format!("{ratio:.2} × {}", text(&measure["reference"]))
    });
    let cells = [
        text(&measure["name"]).to_owned(),
        measure["n"].to_string(),
        shown("p50"),
        shown("p95"),
        shown("p99"),
        shown("max"),
        goal,
        text(&measure["verdict"]).to_owned(),
        ratio,
    ];
    writeln!(
        page,
        "| {} |",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )?;
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests;
