//! What the kernel's files say.

use super::*;

#[test]
fn load_and_memory_are_read_as_proc_writes_them() {
    for (text, wanted) in [
        ("10.15 7.18 4.92 8/273 21387\n", "10.15 7.18 4.92"),
        ("", "0.00 0.00 0.00"),
    ] {
        let load = Load {
            average: averages(text),
            ticks: Ticks::default(),
        };
        assert_eq!(load.to_string(), wanted);
    }
    let meminfo = "MemTotal:       24683656 kB\nMemFree:         2229548 kB\n";
    assert_eq!(kibibytes(meminfo, "MemTotal"), Some(24_683_656));
    assert_eq!(kibibytes(meminfo, "Mem"), None);
    let cpuinfo = "processor\t: 0\nmodel name\t: A Processor: 2.60GHz\n";
    assert_eq!(
        after(cpuinfo, "model name").as_deref(),
        Some("A Processor: 2.60GHz")
    );
}

#[test]
fn busy_is_what_was_not_idle() {
    let at = |stat| Load {
        average: [0.0; 3],
        ticks: ticks(stat),
    };
    let earlier = at("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\n");
    // 300 more ticks of user, system and interrupts; 100 idle or waiting for a disk.
    let later = at("cpu  250 10 200 880 20 20 20 0 150 0\n");
    let share = later.busy_since(&earlier);
    assert!((share - 0.75).abs() < 1e-9, "{share}");
    assert!(earlier.busy_since(&earlier).abs() < 1e-9, "no time has passed");
}

#[test]
fn this_machine_and_this_checkout_are_known() {
    let machine = Machine::here();
    assert!(
        machine.cores > 0 && machine.memory_kib > 0 && machine.kernel.len() > 3,
        "{machine:?}"
    );
}

#[test]
fn a_program_that_cargo_did_not_make_has_no_commit() {
    let target = Path::new("/somewhere/target");
    for (place, profile) in [("release", "release"), ("debug", "dev"), ("arch/dist", "dist")] {
        let built = Build::of(&target.join(place).join("tiklb"), Some(target));
        assert_eq!((built.version.as_str(), built.profile), ("unknown", profile));
        assert_eq!(built.is_for_development(), profile == "dev");
    }
    let kept = Build::of(&target.join("old/tiklb"), Some(target));
    assert_eq!(
        (kept.commit, kept.profile),
        (None, "given"),
        "a copy, of whatever"
    );
    for target in [Some(target), None] {
        // Any program stands for one that a person named.
        let given = Build::of(Path::new("/bin/true"), target);
        assert_eq!((given.commit, given.profile), (None, "given"));
    }
}
