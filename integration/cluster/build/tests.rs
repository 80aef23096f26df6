//! The build against a `go` of our own that is a shell script: what is run, what is skipped, what a person is told.

use std::process::Command;

use tempfile::TempDir;

use super::*;

/// A workshop in a temporary folder. `go` is the body of its go command, which finds the output file in `$out`.
struct Bench {
    folder: TempDir,
    workshop: Workshop,
}

fn bench(go: &str) -> Bench {
    let folder = TempDir::new().unwrap();
    for module in ["etcd", "kubernetes"] {
        fs::create_dir_all(folder.path().join("go").join(module)).unwrap();
        fs::write(folder.path().join("go").join(module).join("go.sum"), "sum\n").unwrap();
    }
    fs::write(folder.path().join("go/etcd/go.mod"), "module m\n\ngo 1.26.0\n").unwrap();
    let kubernetes = "module m\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/kubernetes v1.36.3 // indirect\n)\n";
    fs::write(folder.path().join("go/kubernetes/go.mod"), kubernetes).unwrap();
    let script = format!(
        "#!/bin/sh\nif [ \"$1\" = env ]; then echo ${{VERSION:-go1.26.8}}; exit; fi\n\
         echo \"$PWD $*\" >> {}\nwhile [ \"$1\" != -o ]; do shift; done; out=$2\n{go}\n",
        folder.path().join("calls").display()
    );
    let modules = Modules::read(&folder.path().join("go")).unwrap();
    let workshop = Workshop {
        outputs: folder.path().join("outputs"),
        modules,
        programs: &Program::ALL,
        ready_made: None,
        go: program(&folder.path().join("go-command"), &script),
        patience: Patience::default(),
    };
    Bench { folder, workshop }
}

/// Written by a process of its own: a file that this one had open for writing while another test forked could not be
/// run ("text file busy").
fn program(file: &Path, text: &str) -> PathBuf {
    let draft = file.with_extension("draft");
    fs::write(&draft, text).unwrap();
    let installed = Command::new("install")
        .args(["-m", "755"])
        .args([&draft, file])
        .status()
        .unwrap();
    assert!(installed.success());
    file.to_owned()
}

impl Bench {
    async fn build(&self) -> (Result<Binaries, BuildError>, String) {
        let mut progress = Vec::new();
        let outcome = self.workshop.build(&mut progress).await;
        (outcome, String::from_utf8(progress).unwrap())
    }

    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default();
        calls.lines().map(str::to_owned).collect()
    }
}

const GOOD: &str = "echo program > $out; chmod +x $out";

#[tokio::test]
async fn builds_each_program_in_its_module_with_its_version_and_only_once() {
    let bench = bench(GOOD);
    let (outcome, progress) = bench.build().await;
    let binaries = outcome.unwrap();
    assert_eq!(progress, "", "a quick build says nothing");
    assert_eq!(fs::read_to_string(&binaries.kube_proxy).unwrap(), "program\n");
    let calls = bench.calls();
    assert_eq!(calls.len(), 7, "{calls:#?}");
    assert!(
        calls[0].contains("go/etcd build ") && calls[0].ends_with(" go.etcd.io/etcd/server/v3"),
        "{}",
        calls[0]
    );
    assert!(!calls[0].contains("gitVersion"), "{}", calls[0]);
    assert!(
        calls[1].contains("go/kubernetes build -trimpath "),
        "{}",
        calls[1]
    );
    assert!(
        calls[1].contains(
            "-ldflags -s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36 "
        ),
        "{}",
        calls[1]
    );

    assert_eq!(bench.build().await.0.unwrap(), binaries);
    assert_eq!(bench.calls().len(), 7, "what is present is not built again");

    fs::remove_file(&binaries.kubectl).unwrap();
    bench.build().await.0.unwrap();
    assert!(
        bench.calls()[7].ends_with(" k8s.io/kubernetes/cmd/kubectl"),
        "only what is missing is built"
    );
    assert_eq!(bench.calls().len(), 8);
}

#[tokio::test]
async fn a_failed_build_shows_the_end_of_its_output_and_leaves_no_program() {
    let bench = bench("echo half > $out; echo 'main.go:7: undefined: x' >&2; exit 1");
    let error = bench.build().await.0.unwrap_err().to_string();
    assert!(
        error.contains("building etcd failed") && error.contains("main.go:7: undefined: x"),
        "{error}"
    );
    assert_eq!(bench.workshop.found().unwrap(), None);
    assert!(!bench.workshop.outputs.join("etcd").exists());
}

#[tokio::test]
async fn a_missing_go_says_what_to_install() {
    let mut bench = bench(GOOD);
    bench.workshop.go = bench.folder.path().join("no-such-go");
    let error = bench.build().await.0.unwrap_err().to_string();
    assert!(
        error.contains("needs Go 1.26.0 or newer") && error.contains("no `go` on PATH"),
        "{error}"
    );
    assert!(error.contains(ASSETS), "{error}");
}

#[tokio::test]
async fn a_go_that_is_too_old_is_named_and_builds_nothing() {
    for (said, named) in [
        ("echo go1.25.9", "go1.25.9"),
        ("true", "older than 1.16"),
        ("echo no 1.26 >&2", "no 1.26"),
    ] {
        let mut bench = bench(GOOD);
        bench.workshop.go = program(
            &bench.folder.path().join("old-go"),
            &format!("#!/bin/sh\n{said}\n"),
        );
        let error = bench.build().await.0.unwrap_err();
        assert!(matches!(error, BuildError::OldGo { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(bench.workshop.missing().len(), 7);
    }
}

#[test]
fn versions_compare_as_numbers() {
    let newest_first = [
        "go1.100.0",
        "go1.27rc1",
        "1.26.10",
        "go1.26.9",
        "go1.26",
        "go1.9.9",
    ]
    .map(compile::version);
    assert!(
        newest_first.windows(2).all(|pair| pair[0] > pair[1]),
        "{newest_first:?}"
    );
    for odd in ["", "devel", "go", "go1", "gox.y"] {
        assert_eq!(compile::version(odd), None, "{odd}");
    }
}

#[tokio::test]
async fn a_slow_build_is_spoken_of_and_given_up_at_its_bound() {
    let mut bench = bench("exec sleep 600");
    let ms = Duration::from_millis;
    bench.workshop.patience = Patience {
        limit: ms(300),
        quiet: ms(20),
        between: ms(50),
    };
    let (outcome, progress) = bench.build().await;
    assert!(
        matches!(
            outcome,
            Err(BuildError::TooSlow {
                program: Program::Etcd,
                ..
            })
        ),
        "{outcome:?}"
    );
    let lines = progress.lines().count();
    assert!(
        (1..=6).contains(&lines) && progress.starts_with("cluster build: etcd: building for"),
        "{progress}"
    );
}

#[tokio::test]
async fn a_ready_made_set_is_taken_and_completed() {
    let mut bench = bench(GOOD);
    let set = bench.folder.path().join("assets");
    fs::create_dir(&set).unwrap();
    bench.workshop.ready_made = Some(set.clone());
    let error = bench.build().await.0.unwrap_err().to_string();
    assert!(error.contains("holds no etcd that can be run"), "{error}");

    let etcd = program(&set.join("etcd"), "");
    fs::write(set.join("kube-apiserver"), "not executable").unwrap();
    let error = bench.build().await.0.unwrap_err().to_string();
    assert!(
        error.contains("holds no kube-apiserver that can be run"),
        "{error}"
    );

    program(&set.join("kube-apiserver"), "");
    let binaries = bench.build().await.0.unwrap();
    assert_eq!(binaries.etcd, etcd);
    assert_eq!(
        binaries.kubectl,
        bench.workshop.outputs.join("kubectl"),
        "built, because the set lacks it"
    );
    assert_eq!(bench.calls().len(), 5);
}

#[tokio::test]
async fn a_second_build_waits_for_the_first() {
    let bench = bench(GOOD);
    fs::create_dir_all(&bench.workshop.outputs).unwrap();
    let first = File::create(bench.workshop.outputs.join(".lock")).unwrap();
    first.lock().unwrap();
    let mut progress = Vec::new();
    let mut build = Box::pin(bench.workshop.build(&mut progress));
    assert!(futures::poll!(&mut build).is_pending());
    assert_eq!(bench.calls().len(), 0, "the first one still holds the lock");
    drop(first);
    build.as_mut().await.unwrap();
    drop(build);
    assert_eq!(bench.calls().len(), 7);
    assert!(
        String::from_utf8(progress)
            .unwrap()
            .contains("waiting for another build")
    );
}

#[test]
fn any_change_of_the_modules_is_another_folder() {
    let bench = bench(GOOD);
    let root = bench.folder.path().join("go");
    let mut seen = vec![bench.workshop.modules.hash.clone()];
    assert_eq!(Modules::read(&root).unwrap().hash, seen[0]);
    for file in [
        "etcd/go.mod",
        "etcd/go.sum",
        "kubernetes/go.mod",
        "kubernetes/go.sum",
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        fs::write(root.join(file), text + "// x\n").unwrap();
        let hash = Modules::read(&root).unwrap().hash;
        assert!(!seen.contains(&hash), "{file}");
        seen.push(hash);
    }
    fs::write(root.join("kubernetes/go.mod"), "module m\n\ngo 1.26.0\n").unwrap();
    let error = Modules::read(&root).unwrap_err().to_string();
    assert!(
        error.ends_with("names no version of k8s.io/kubernetes"),
        "{error}"
    );
}

/// The modules of this checkout are read as they stand, and every staging module has Kubernetes' own patch level:
/// a bump that forgets one would link two versions into one program.
#[test]
fn the_committed_modules_pin_one_kubernetes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let modules = Modules::read(&root).unwrap();
    let staging = modules.kubernetes.unwrap().replacen("v1.", "v0.", 1);
    let text = fs::read_to_string(root.join("kubernetes/go.mod")).unwrap();
    let replaced: Vec<&str> = text.lines().filter(|line| line.contains(" => ")).collect();
    assert!(!replaced.is_empty());
    assert!(
        replaced.iter().all(|line| line.ends_with(&format!(" {staging}"))),
        "{replaced:#?}"
    );
}

/// Another version would be another competitor than the one whose numbers stand in the pages.
#[test]
fn the_committed_metallb_is_built_in_a_module_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let modules = Modules::metallb(&root).unwrap();
    let folder = modules.folder(Program::MetallbController);
    assert_eq!(folder, root.join("metallb"));
    assert_eq!(modules.linker_flags(Program::MetallbController), "-s -w");
    let text = fs::read_to_string(folder.join("go.mod")).unwrap();
    assert!(
        text.contains("\tgo.universe.tf/metallb v0.15.2 // indirect\n"),
        "{text}"
    );
    let cluster = Modules::read(&root).unwrap();
    assert_ne!(modules.hash, cluster.hash);
    assert!(
        !Program::ALL.contains(&Program::MetallbController),
        "no cluster needs it"
    );
}

#[test]
fn the_committed_helm_is_built_in_a_module_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let modules = Modules::helm(&root).unwrap();
    let folder = modules.folder(Program::Helm);
    assert_eq!(folder, root.join("helm"));
    let text = fs::read_to_string(folder.join("go.mod")).unwrap();
    assert!(
        text.contains("\nrequire helm.sh/helm/v3 v3.") || text.contains("\thelm.sh/helm/v3 v3."),
        "{text}"
    );
    assert!(text.contains("tool helm.sh/helm/v3/cmd/helm"), "{text}");
    assert!(!Program::ALL.contains(&Program::Helm), "no cluster needs it");
}
