//! What nobody here can play, and why.

/// Nobody here: why not.
pub const UNPLAYED: &[(&str, &[&str])] = &[
    (
        "the name of a command in a sentence: it is no line to type",
        &[
            "helm install",
            "helm install … --take-ownership",
            "helm uninstall",
            "helm uninstall --no-hooks",
            "helm upgrade",
            "kubectl apply",
            "kubectl apply -f …/metallb-native.yaml",
            "kubectl delete -f",
            "kubectl describe",
            "kubectl describe service",
            "kubectl explain",
            "lab -- bench",
        ],
    ),
    (
        "the name of a flag: that it is there is held by src/cli/tests/pages.rs, what it does by the tests of the two programs",
        &["tiklb allocator --lb-class", "tiklb speaker --heartbeat-port"],
    ),
    (
        "needs a container engine",
        &[
            "docker build --file deploy/Dockerfile --tag registry.home/tiklb:0.1.0 .",
            "docker push registry.home/tiklb:0.1.0",
        ],
    ),
    (
        "needs ArgoCD",
        &[
            "argocd app delete metallb --cascade=false",
            "argocd app terminate-op tiklb",
            "kubectl apply -f apps/tiklb.yaml",
            "kubectl -n argocd delete application tiklb",
        ],
    ),
    (
        "shows what `ip neigh show` does, by a program of Debian's net-tools, which few have",
        &["arp -n"],
    ),
    ("needs k3s", &["k3s ctr images import FILE"]),
    (
        "asks containerd at the socket that it has on a machine of its own; the lab's nodes import the same file at theirs \
         (integration/cluster/workers/node.rs)",
        &["ctr --namespace k8s.io images import FILE"],
    ),
    (
        "reads what integration/tests/kubelets/removal.rs reads as JSON: the conditions of a namespace that waits",
        &["kubectl describe namespace metallb-system"],
    ),
    (
        "stays until a person ends it; without that it is played",
        &["demo --keep"],
    ),
    (
        "measures, for minutes, on a machine that does nothing else; docs/measured.md has what came out",
        &[
            "bench allocator",
            "bench allocator --part many",
            "bench failover",
            "bench memory",
            "bench move",
            "bench router",
            "cargo bench -p tiklb-core",
            "cargo run --release -p lab -- bench",
            "cargo run --release -p lab -- bench NAME --out DIR",
            "cargo run --release -p lab -- bench allocator",
            "cargo run --release -p lab -- bench failover",
            "cargo run --release -p lab -- bench idle",
        ],
    ),
    (
        "writes files of the repository anew; the same tests compare them",
        &[
            "TIKLB_GOLDEN=renew cargo test --test golden",
            "TIKLB_UPDATE=1 cargo run --release -p lab -- chart",
            "TIKLB_UPDATE=1 cargo test -p tiklb --lib api",
            "TIKLB_UPDATE=1 cargo test -p tiklb --lib metrics",
            "lab -- measured --from DIR",
        ],
    ),
    (
        "needs a nightly compiler and cargo-fuzz; the corpora are played by the tests named corpus",
        &[
            "cargo +nightly fuzz run --fuzz-dir routeros/fuzz values",
            "cargo +nightly fuzz run --fuzz-dir src/core/fuzz arp",
        ],
    ),
    (
        "a question about the one dependency that somebody wants",
        &["cargo tree -e normal -i NAME"],
    ),
    (
        "what runs all the others",
        &[".ci/check", ".ci/cluster", ".ci/run"],
    ),
];
