//! Pages of the documentation as scripts: what a person reads there is what is played.
//!
//! [`inventory`] holds of every command who plays it, or why nobody here can.

pub mod inventory;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, Result};

/// Where pages are that tell a person what to type; what is below them, too.
const PLACES: [&str; 5] = [
    "README.md",
    "CONTRIBUTING.md",
    "docs",
    "deploy/examples",
    "routeros/sim/README.md",
];

/// What a command in the middle of a sentence begins with. `bench` and `demo` are the lab's: the sentence has said so.
const PROGRAMS: [&str; 17] = [
    "apt-get", "argocd", "arp", "bench", "cargo", "ctr", "curl", "demo", "docker", "helm", "ip", "k3s",
    "kubectl", "lab", "ping", "plan", "tiklb",
];

/// The languages of blocks that a person types.
const TYPED: [&str; 2] = ["sh", "console"];

/// The project's own scripts.
const SCRIPTS: &str = ".ci/";

/// What stands in a block of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// To be typed at a shell.
    Shell,
    /// To be applied.
    Yaml,
}

/// Where a command stands on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On a line of its own: it is to be typed as it is.
    Block,
    /// In the middle of a sentence, where values may be left out.
    Sentence,
}

/// What a page tells a person to type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// One line, without its comment.
    pub line: String,
    /// Where it stands.
    pub place: Place,
}

/// A page of the documentation.
#[derive(Debug, Clone)]
pub struct Page {
    /// In the repository.
    pub path: String,
    /// All of it.
    pub text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The repository's folder, in which the pages' paths begin.
///
/// # Errors
/// It is not there any more.
pub fn repository() -> Result<PathBuf> {
    let folder = root();
    folder
        .canonicalize()
        .with_context(|| format!("finding {}", folder.display()))
}

/// The text of a page, by its path in the repository.
///
/// # Errors
/// There is no such file.
pub fn read(page: &str) -> Result<String> {
    let file = root().join(page);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// All pages that tell a person what to type.
///
/// # Errors
/// When one of them cannot be read.
pub fn all() -> Result<Vec<Page>> {
    below(&PLACES)
}

/// The pages at these places of the repository, and below them.
///
/// # Errors
/// When one of them cannot be read.
pub fn below(places: &[&str]) -> Result<Vec<Page>> {
    let mut waiting: Vec<String> = places.iter().map(|place| (*place).to_owned()).collect();
    let mut pages = Vec::new();
    while let Some(path) = waiting.pop() {
        let place = root().join(&path);
        if place.is_dir() {
            let inside = names(&place).with_context(|| format!("listing {}", place.display()))?;
            waiting.extend(inside.iter().map(|name| format!("{path}/{name}")));
        } else if Path::new(&path).extension().is_some_and(|ending| ending == "md") {
            let text = read(&path)?;
            pages.push(Page { path, text });
        }
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(pages)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    fs::read_dir(folder)?.map(name).collect()
}

/// The blocks under a heading, down to the next one.
///
/// # Errors
/// The page has no such heading.
pub fn blocks(page: &str, heading: &str, of: Block) -> Result<Vec<String>> {
    let from = format!("\n## {heading}\n");
    let (_, section) = page
        .split_once(&from)
        .with_context(|| format!("no heading {heading:?}"))?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let fence = match of {
        Block::Shell => "```sh\n",
        Block::Yaml => "```yaml\n",
    };
    let blocks = section.split(fence).skip(1);
    let text = |block: &str| block.split("```").next().unwrap_or_default().to_owned();
    Ok(blocks.map(text).collect())
}

/// The lines of a block for a shell: without comments, and what is continued on the next line in one.
pub fn lines(block: &str) -> Vec<String> {
    let whole = block.replace("\\\n", " ");
    let bare = |line: &str| {
        let line = line.split(" # ").next().unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    whole.lines().map(bare).filter(|line| !line.is_empty()).collect()
}

/// The lines that a person types under a heading.
///
/// # Errors
/// The page has no such heading.
pub fn lines_under(page: &str, heading: &str) -> Result<Vec<String>> {
    let blocks = blocks(page, heading, Block::Shell)?;
    Ok(blocks.iter().flat_map(|block| lines(block)).collect())
}

/// What a page tells a person to type, in its order.
pub fn commands(page: &str) -> Vec<Command> {
    let mut all = Vec::new();
    let mut fence = None;
    let mut block = String::new();
    for line in page.lines() {
        let text = line.trim();
        if let Some(language) = text.strip_prefix("```") {
            if let Some(language) = fence.take() {
                all.extend(typed(language, &block).map(|line| Command {
                    line,
                    place: Place::Block,
                }));
                block.clear();
            } else {
                fence = Some(language);
            }
        } else if fence.is_some() {
            block.push_str(text);
            block.push('\n');
        } else {
            let inside = spans(text).into_iter().filter(|code| is_command(code));
            all.extend(inside.map(|line| Command {
                line,
                place: Place::Sentence,
            }));
        }
    }
    all
}

/// The lines of a block that a person types. In a `console` what is printed stands among them.
fn typed(language: &str, block: &str) -> impl Iterator<Item = String> {
    let all = if TYPED.contains(&language) {
        lines(block)
    } else {
        Vec::new()
    };
    let console = language == "console";
    all.into_iter().filter_map(move |line| {
        if console {
            line.strip_prefix("$ ").map(str::to_owned)
        } else {
            Some(line)
        }
    })
}

/// What stands between backticks within a line. In a table a pipe is written with a backslash.
pub fn spans(line: &str) -> Vec<String> {
    let code = line.split('`').skip(1).step_by(2);
    code.map(|code| code.replace("\\|", "|")).collect()
}

/// Whether a span calls a program: after variables its name, and what is asked of it.
fn is_command(code: &str) -> bool {
    let mut words = code.split_whitespace().skip_while(|word| is_variable(word));
    let program = words.next().unwrap_or_default();
    program.starts_with(SCRIPTS) || (PROGRAMS.contains(&program) && words.next().is_some())
}

/// `TIKLB_UPDATE=1`.
fn is_variable(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}
