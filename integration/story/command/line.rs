//! A line of a page, and what the page promises of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use super::super::Outcome;
use super::super::desk::Desk;
use super::super::scene::Scene;
use crate::page;

/// What the pages leave open, and what is written there; in this order.
const OPEN: [(&str, &str); 6] = [
    ("--router …", "--router https://192.168.1.1 …"),
    (
        " …",
        " --ca-file tiklb-ca.crt --username tiklb --password-file pw",
    ),
    ("NAMESPACE/NAME", "NS/NAME"),
    ("NS/NAME", "immich/immich-server-lan"),
    ("mikrotikrouter NAME", "mikrotikrouter router"),
    ("<router>", "192.168.1.1"),
];

/// A page names tiklb once, and then its verbs alone.
const BARE_VERB: &str = "plan ";

/// There is nobody at the lab's terminal to ask.
pub(super) const YES: &str = "--yes";

/// A line of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    /// The page.
    page: &'static str,
    /// How it begins there.
    begin: &'static str,
    /// Flags that the page names beside it, by their beginning.
    flags: &'static str,
    /// What the page leaves to the person.
    own: &'static str,
    /// How it ends.
    code: i32,
    /// What it shows.
    words: &'static [&'static str],
}

/// A line that shows what its page promises.
pub(super) const fn line(
    page: &'static str,
    begin: &'static str,
    code: i32,
    words: &'static [&'static str],
) -> Line {
    Line {
        page,
        begin,
        flags: "",
        own: "",
        code,
        words,
    }
}

impl Line {
    /// With flags that the page names beside it.
    pub(super) const fn and(self, flags: &'static str) -> Self {
        Self { flags, ..self }
    }

    /// With what the page leaves to the person.
    pub(super) const fn with(self, own: &'static str) -> Self {
        Self { own, ..self }
    }

    /// As it stands on the page.
    pub(super) fn on_page(&self) -> Result<String> {
        let text = page::read(self.page)?;
        let mut all: Vec<String> = page::commands(&text)
            .into_iter()
            .map(|command| command.line)
            .collect();
        if let Some(exactly) = all.iter().find(|line| *line == self.begin) {
            return Ok(exactly.clone());
        }
        all.retain(|line| line.starts_with(self.begin));
        all.dedup();
        match all.as_slice() {
            [only] => Ok(only.clone()),
            [] => bail!("{} tells nobody to type {:?}", self.page, self.begin),
            several => bail!("{} has several lines {:?}: {several:?}", self.page, self.begin),
        }
    }

    /// As a person types it.
    pub(super) fn typed(&self) -> Result<String> {
        let mut line = self.on_page()?;
        if line.starts_with(BARE_VERB) {
            line.insert_str(0, "tiklb ");
        }
        for more in [self.named_flags()?.as_str(), self.own] {
            if !more.is_empty() {
                line = format!("{line} {more}");
            }
        }
        for (open, written) in OPEN {
            line = line.replace(open, written);
        }
        Ok(line)
    }

    /// The whole of the flags that the page names.
    fn named_flags(&self) -> Result<String> {
        if self.flags.is_empty() {
            return Ok(String::new());
        }
        let text = page::read(self.page)?;
        let mut spans = text.lines().flat_map(page::spans);
        let found = spans.find(|span| span.starts_with(self.flags));
        found.with_context(|| format!("{} names no flags {:?}", self.page, self.flags))
    }

    /// Types it, and has it show what the page promises.
    pub(super) async fn plays(&self, scene: &Scene, desk: &Desk) -> Outcome {
        self.plays_in(scene, desk, desk.folder()).await
    }

    /// The same in another folder than the desk's.
    pub(super) async fn plays_in(&self, scene: &Scene, desk: &Desk, folder: &Path) -> Outcome {
        self.shows(scene, desk, folder, &self.typed()?).await
    }

    /// The same with a value that only the story knows, in the place of what stands on the page.
    pub(super) async fn plays_with(
        &self,
        scene: &Scene,
        desk: &Desk,
        (open, value): (&str, &str),
    ) -> Outcome {
        let typed = self.typed()?;
        ensure!(
            typed.contains(open),
            "{} leaves no {open} open in {typed:?}",
            self.page
        );
        self.shows(scene, desk, desk.folder(), &typed.replace(open, value))
            .await
    }

    async fn shows(&self, scene: &Scene, desk: &Desk, folder: &Path, typed: &str) -> Outcome {
        desk.types_in(scene, folder, typed, self.code, self.words)
            .await
            .with_context(|| format!("on {}", self.page))
    }
}
