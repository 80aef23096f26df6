//! This checkout's files, and Rust sources without their comments and texts.

use std::fs;
use std::path::{Path, PathBuf};

/// One file.
pub(crate) struct File {
    /// From the root of the checkout, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
}

impl File {
    /// Whether it is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// See [`code`].
    pub(crate) fn code(&self) -> String {
        code(&self.text)
    }
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every text file of the checkout, but for what cargo and git keep.
pub(crate) fn files() -> Vec<File> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The Rust sources below some folders.
pub(crate) fn rust(folders: &[&str]) -> Vec<File> {
    let below = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
    let mut files = files();
    files.retain(|file| file.path.strip_suffix(".rs").is_some_and(below));
    assert!(!files.is_empty(), "there is no Rust below {folders:?}");
    files
}

fn collect(folder: &Path, files: &mut Vec<File>) {
    // Cargo marks its target folders so, whatever they are called.
    if folder.ends_with(".git") || folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root()).unwrap();
            let path = path.to_str().unwrap().to_owned();
            files.push(File { path, text });
        }
    }
}

/// Rust without what stands in comments, strings and characters; lines and quotes stay where they were.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '/' => comment(rest),
            'b' | 'c' | 'r' | '"' | '\'' => literal(rest, code.chars().next_back()),
            _ => None,
        };
        if let Some(length) = length {
            let (gone, after) = rest.split_at(length);
            let quotes = if gone.starts_with('/') { "" } else { "\"\"" };
            code.push_str(quotes);
            code.extend(gone.chars().filter(|&c| c == '\n'));
            rest = after;
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    code
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.starts_with("/*")
        .then(|| rest.find("*/").map_or(rest.len(), |end| end + 2))
}

/// A string or a character that begins here. After an identifier's letter, `r` and `b` are no prefixes.
fn literal(rest: &str, before: Option<char>) -> Option<usize> {
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let prefix = ["br", "cr", "r", "b", "c", ""]
        .into_iter()
        .filter(|prefix| !in_word || prefix.is_empty())
        .find(|prefix| {
            rest.strip_prefix(prefix)
                .is_some_and(|after| after.trim_start_matches('#').starts_with(['"', '\'']))
        })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let body = after.get(hashes..)?.strip_prefix('"')?;
        return Some(prefix.len() + hashes + 1 + body.find(&end)? + end.len());
    }
    match after.chars().next()? {
        '"' => Some(prefix.len() + 1 + closing(&after[1..], '"')?),
        // `'a` is a lifetime: a character is one, or begins with a backslash.
        '\'' => {
            let mut inside = after[1..].chars();
            let one = inside.next()?;
            (one == '\\' || inside.next()? == '\'').then_some(())?;
            Some(prefix.len() + 1 + closing(&after[1..], '\'')?)
        }
        _ => None,
    }
}

/// The length up to and with the closing quote.
fn closing(inside: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, next) in inside.char_indices() {
        if !escaped && next == quote {
            return Some(at + 1);
        }
        escaped = !escaped && next == '\\';
    }
    None
}

#[test]
fn comments_and_texts_are_no_code() {
    for (text, expected) in [
        ("a // b\nc", "a \nc"),
        ("a /* b\n */ c", "a \n c"),
        (
            r#"f("unsafe \" // x", 'u', '\'', b'"') // y"#,
            r#"f("", "", "", "") "#,
        ),
        ("r\"\\\" crate::x", "\"\" crate::x"),
        ("r##\"a\"# b\"## c", "\"\" c"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("for\"x\"", "for\"\""),
        ("r#type + 1", "r#type + 1"),
        ("\"a\nb\" c", "\"\"\n c"),
    ] {
        assert_eq!(code(text), expected, "of {text}");
    }
}
