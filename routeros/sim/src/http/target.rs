//! What a path names.

use percent_encoding::percent_decode_str;

use crate::menu::Menu;
use crate::table::Id;
use crate::trap::Trap;

/// A path under `/rest` that begins with a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The menu itself.
    Menu(Menu),
    /// A row by id.
    Row(Menu, Id),
    /// A word after the menu: a command, or a row's name.
    Word(Menu, String),
    /// An id that is none, such as one with its asterisk percent-encoded.
    BadId(Menu),
}

impl Target {
    pub(crate) fn menu(&self) -> Menu {
        match self {
            Target::Menu(menu) | Target::Row(menu, _) | Target::Word(menu, _) | Target::BadId(menu) => *menu,
        }
    }
}

/// Reads a path. `Err` is the refusal of one that names nothing simulated.
pub(crate) fn target(path: &str) -> Result<Target, Trap> {
    let Some(path) = path
        .strip_prefix("/rest")
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
    else {
        return Err(Trap::not_found());
    };
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let is_menu = |length: &usize| menu_at(&words[..*length]).is_some();
    let Some(length) = (1..=words.len()).rev().find(is_menu) else {
        let known = |length: &usize| is_directory(&words[..*length]);
        let known = (1..=words.len()).take_while(known).count();
        // The path of a directory that is no menu itself, such as /rest/ip, is no command either.
        return Err(words
            .get(known)
            .map_or_else(Trap::no_such_command, |word| Trap::no_such_directory(word)));
    };
    let Some(menu) = menu_at(&words[..length]) else {
        return Err(Trap::no_such_command());
    };
    match words[length..] {
        [] => Ok(Target::Menu(menu)),
        [word] => Ok(last(menu, word)),
        [word, ..] => Err(Trap::no_such_directory(word)),
    }
}

fn menu_at(words: &[&str]) -> Option<Menu> {
    let path = words.join("/");
    Menu::ALL.into_iter().find(|menu| menu.path() == path)
}

fn is_directory(words: &[&str]) -> bool {
    let path = format!("{}/", words.join("/"));
    Menu::ALL.into_iter().any(|menu| menu.path().starts_with(&path))
}

fn last(menu: Menu, word: &str) -> Target {
    if word.starts_with('*') {
        return word
            .parse()
            .map_or(Target::BadId(menu), |id| Target::Row(menu, id));
    }
    let decoded = percent_decode_str(word).decode_utf8_lossy().into_owned();
    if decoded.starts_with('*') {
        Target::BadId(menu)
    } else {
        Target::Word(menu, decoded)
    }
}
