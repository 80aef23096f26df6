//! What can be said, and what it means.

use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Command, clap::Error> {
    Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_demo_can_begin_with_a_pool_that_a_person_has_shrunk() {
    let Ok(Command::Demo(arguments)) = parse("lab demo --keep --start 100-199,221-254") else {
        panic!("no demo");
    };
    let start = arguments.start.unwrap();
    assert!(arguments.keep);
    assert_eq!(
        start.to_string(),
        "192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254"
    );
    for (start, words) in [
        ("200-220", "leaves 0 addresses"),
        ("10.0.0.0/24", "192.168.1.0/24"),
        ("1-254", "192.168.1.1 "),
    ] {
        let error = parse(&format!("lab demo --start {start}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = parse("lab demo --start many").unwrap_err().to_string();
    assert!(
        error.contains("100-199 and 192.168.1.100-192.168.1.199 are"),
        "{error}"
    );
}

#[test]
fn a_shell_takes_a_host_and_a_command() {
    for (line, host, command) in [
        ("lab shell", "client", vec![]),
        ("lab shell router", "router", vec![]),
        (
            "lab shell node1 -- ip -4 neigh",
            "node1",
            vec!["ip", "-4", "neigh"],
        ),
        (
            "lab shell -- kubectl get svc -A",
            "client",
            vec!["kubectl", "get", "svc", "-A"],
        ),
    ] {
        let Ok(Command::Shell(arguments)) = parse(line) else {
            panic!("{line}");
        };
        assert_eq!(
            (arguments.host.as_str(), arguments.command),
            (host, command.into_iter().map(str::to_owned).collect())
        );
    }
}

#[test]
fn benches_are_named_or_all_run() {
    let Ok(Command::Bench(all)) = parse("lab bench") else {
        panic!("no bench");
    };
    assert!(all.names.is_empty() && all.runs.is_none() && all.out.is_none() && !all.image);
    let Ok(Command::Bench(some)) = parse("lab bench failover memory --runs 3 --out here --image") else {
        panic!("no bench");
    };
    assert_eq!(some.names, [bench::Name::Failover, bench::Name::Memory]);
    assert_eq!((some.runs, some.out), (Some(3), Some(PathBuf::from("here"))));
    assert!(some.image);
    let Ok(Command::Bench(beside)) = parse("lab bench idle connect --metallb") else {
        panic!("no bench");
    };
    assert!(beside.metallb && wants_metallb(&beside).unwrap());
    let Ok(Command::Bench(alone)) = parse("lab bench idle --metallb") else {
        panic!("no bench");
    };
    let why = wants_metallb(&alone).unwrap_err().to_string();
    assert!(why.contains("failover, connect and speaker"), "{why}");
    for (line, wanted) in [
        (
            "lab bench fallover",
            "failover, move, speaker, connect, answer, idle, false-alarms, demo, memory",
        ),
        ("lab bench --runs 0", "0 is not in 1..=1000"),
    ] {
        let error = parse(line).unwrap_err().to_string();
        assert!(error.contains(wanted), "{line}: {error}");
    }
}
