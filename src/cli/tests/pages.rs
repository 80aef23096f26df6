//! What README and `docs/` tell a person to type is what the command line takes.

use clap::error::ErrorKind;
use lab::page::{self, Place};

use super::{Cli, parse, refusal, verbs};

/// What pages say of tiklb there, each with its page, without what a shell does with it.
fn told(place: Place) -> Vec<(String, String)> {
    let pages = page::all().unwrap();
    let all = pages.iter().flat_map(|page| {
        let commands = page::commands(&page.text).into_iter();
        let here = commands.filter(|command| command.place == place);
        let lines = here.filter_map(|command| {
            let line = command.line.strip_prefix("kubectl ").unwrap_or(&command.line);
            line.starts_with("tiklb ").then(|| bare(line))
        });
        let each = lines.map(|line| (page.path.clone(), line));
        each.collect::<Vec<_>>()
    });
    all.collect()
}

/// Without a pipe, a redirection, a comment.
fn bare(line: &str) -> String {
    let ends = [" | ", " > ", " && "];
    let end = ends.iter().filter_map(|end| line.find(end)).min();
    line[..end.unwrap_or(line.len())].trim().to_owned()
}

#[test]
fn what_pages_tell_to_type_is_taken() {
    let lines = told(Place::Block);
    assert!(lines.len() > 8, "only {} lines were found", lines.len());
    for (page, line) in lines {
        let taken = match parse(&line) {
            Ok(_) => true,
            Err(error) => matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion),
        };
        assert!(taken, "{page}: {line}: {}", refusal(&line));
    }
}

/// In the middle of a sentence values are left out; verbs and flags have to be there.
#[test]
fn verbs_and_flags_that_pages_mention_are_there() {
    let lines = told(Place::Sentence);
    assert!(lines.len() > 20, "only {} were found", lines.len());
    for (page, line) in lines {
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
