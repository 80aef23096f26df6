//! What README and `docs/` tell a person to type is what the command line takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;

use super::{Cli, parse, refusal, verbs};

/// README, `docs/` and the example's page.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = fs::read_dir(root.join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    files.push(root.join("README.md"));
    files.push(root.join("deploy/examples/homelab/README.md"));
    files.sort();
    let read = |file: PathBuf| (file.display().to_string(), fs::read_to_string(&file).unwrap());
    files.into_iter().map(read).collect()
}

/// The lines of `sh` blocks that call tiklb, without what a shell does with them.
fn typed(page: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = !inside && line == "```sh";
        } else if inside && (line.starts_with("tiklb ") || line.starts_with("kubectl tiklb ")) {
            lines.push(bare(line.trim_start_matches("kubectl ")));
        }
    }
    lines
}

/// What stands between backticks within a line and calls tiklb.
fn mentioned(page: &str) -> Vec<String> {
    let in_code = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    in_code
        .filter_map(|code| code.strip_prefix("kubectl ").or(Some(code)))
        .filter(|code| code.starts_with("tiklb ") && !code.starts_with("tiklb /"))
        .map(bare)
        .collect()
}

/// Without a pipe, a redirection, a comment.
fn bare(line: &str) -> String {
    let line = line.replace("\\|", "|");
    let ends = [" | ", " > ", " # ", "  #", " && "];
    let end = ends.iter().filter_map(|end| line.find(end)).min();
    line[..end.unwrap_or(line.len())].trim().to_owned()
}

#[test]
fn what_pages_tell_to_type_is_taken() {
    let mut seen = 0;
    for (page, text) in pages() {
        for line in typed(&text) {
            seen += 1;
            let taken = match parse(&line) {
                Ok(_) => true,
                Err(error) => matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion),
            };
            assert!(taken, "{page}: {line}: {}", refusal(&line));
        }
    }
    assert!(seen > 8, "only {seen} lines were found");
}

/// In the middle of a sentence values are left out; verbs and flags have to be there.
#[test]
fn verbs_and_flags_that_pages_mention_are_there() {
    let mut seen = 0;
    for (page, text) in pages() {
        for line in mentioned(&text) {
            seen += 1;
            let mut words = line.split_whitespace().skip(1).peekable();
            let mut verb = <Cli as clap::CommandFactory>::command();
            while let Some(inner) = words.peek().and_then(|word| verb.find_subcommand(word).cloned()) {
                verb = inner;
                words.next();
            }
            assert!(
                verbs().iter().any(|known| known.get_name() == verb.get_name()),
                "{page}: {line}: there is no such verb"
            );
            for flag in words.filter_map(|word| word.strip_prefix("--")) {
                let flag = flag.split('=').next().unwrap_or_default();
                let known = |argument: &clap::Arg| argument.get_long() == Some(flag);
                assert!(
                    ["help", "version"].contains(&flag) || verb.get_arguments().any(known),
                    "{page}: {line}: there is no --{flag}"
                );
            }
        }
    }
    assert!(seen > 20, "only {seen} were found");
}
