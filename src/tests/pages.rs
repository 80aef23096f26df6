//! Links from page to page lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where pages are; what is below them, too.
const PAGES: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs",
    "deploy/examples",
    "routeros/README.md",
    "routeros/sim/README.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The targets of a page's links, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        }
        if inside {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        let targets = prose.split("](").skip(1);
        links.extend(
            targets
                .filter_map(|rest| rest.split_once(')'))
                .map(|(target, _)| target.to_owned()),
        );
    }
    links
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// Why a link leads nowhere; nothing where it does.
fn broken(page: &Path, text: &str, link: &str) -> Option<String> {
    if link.contains("://") {
        return None;
    }
    let (file, anchor) = link
        .split_once('#')
        .map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = page.parent().unwrap_or(page).join(file);
    if !file.is_empty() && !target.exists() {
        return Some(format!("{}: {link}: there is no such file", page.display()));
    }
    let anchor = anchor?;
    let other = if file.is_empty() {
        text.to_owned()
    } else {
        fs::read_to_string(&target).ok()?
    };
    (!anchors(&other).contains(anchor))
        .then(|| format!("{}: {link}: there is no such heading", page.display()))
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in lab::page::below(&PAGES).unwrap() {
        for link in links(&page.text) {
            seen += 1;
            wrong.extend(broken(&root().join(&page.path), &page.text, &link));
        }
    }
    assert!(seen > 30, "only {seen} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A page that nothing leads to is found by nobody.
#[test]
fn every_page_of_the_docs_is_named_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let linked: BTreeSet<String> = links(&readme).into_iter().collect();
    for page in fs::read_dir(root().join("docs")).unwrap() {
        let page = page.unwrap();
        if page.file_type().unwrap().is_dir() {
            continue; // What a page is made from.
        }
        let name = page.file_name().to_string_lossy().into_owned();
        let link = format!("docs/{name}");
        assert!(
            linked
                .iter()
                .any(|target| target.split('#').next() == Some(&link)),
            "README names no {link}"
        );
    }
}
