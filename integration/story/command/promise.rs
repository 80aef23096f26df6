//! Lines of the pages that tiklb runs with: how each begins, how it ends and what it shows.

use super::line::{Line, YES, line};

pub(super) const README: &str = "README.md";
pub(super) const ALERTS: &str = "docs/alerts.md";
pub(super) const CONDITIONS: &str = "docs/conditions.md";
pub(super) const CONFIGURATION: &str = "docs/configuration.md";
pub(super) const DOCTOR: &str = "docs/doctor.md";
pub(super) const INSTALL: &str = "docs/install.md";
pub(super) const MIGRATION: &str = "docs/migrate-from-metallb.md";
pub(super) const OPERATIONS: &str = "docs/operations.md";
pub(super) const SECURITY: &str = "docs/security.md";
pub(super) const START: &str = "docs/getting-started.md";
pub(super) const GUIDE: &str = "deploy/examples/homelab/README.md";

/// What a plan shows of the range, its reason, and the same for the router's console.
const CUT: &[&str] = &[
    "/ip/pool set dhcp_pool: ranges 192.168.1.100-192.168.1.254 -> 192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
    "because 192.168.1.200-192.168.1.220 belongs to IPAddressPool homelab-pool",
    "console: /ip pool set [find where name=\"dhcp_pool\"] ranges=192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254",
];

/// Before anything of a router is in the cluster.
pub(super) const FIRST_LOOK: [Line; 6] = [
    line(
        README,
        "tiklb router enroll",
        0,
        &[
            "certificate: fingerprint ",
            "key sha256/",
            "router: MikroTik",
            "account tiklb (group tiklb): has all that is needed",
            "192.168.1.201 annas-phone",
        ],
    ),
    line(
        SECURITY,
        "tiklb router enroll",
        1,
        &[
            "certificate: fingerprint ",
            "--trust-on-first-use takes it unseen",
        ],
    )
    .with("https://192.168.1.1 --username tiklb --password-file pw"),
    line(README, "tiklb plan -f", 2, CUT),
    line(
        README,
        "tiklb plan -f",
        0,
        &[
            "kind: AddressReservation",
            "address: \"192.168.1.215\"",
            "note: scanner",
        ],
    )
    .and("--import"),
    line(README, "tiklb plan -f", 2, &["read from an export"]).and("--from-export"),
    line(MIGRATION, "tiklb plan -f", 2, &["AddressPool", "old"])
        .with("your-repository/ --username tiklb --password-file pw"),
];

/// In the guide's own folder.
pub(super) const IN_THE_GUIDE: Line = line(GUIDE, "tiklb plan -f .", 2, CUT);

/// On a home that runs.
pub(super) const ASKED: [Line; 15] = [
    line(README, "tiklb plan", 0, &["nothing to be done"]),
    line(
        README,
        "plan -o json",
        0,
        &[
            "\"apiVersion\": \"cli.tiklb.io/v1\"",
            "\"kind\": \"RouterPlan\"",
            "\"changes\": 0",
        ],
    ),
    line(
        README,
        "tiklb plan --help",
        0,
        &["apiVersion, kind, undo, changes", "leftAlone[]", "Ends with 0"],
    ),
    line(
        README,
        "tiklb plan --undo",
        2,
        &[
            "/ip dhcp-server lease remove [find where address=192.168.1.203",
            "/ip pool set [find where name=\"dhcp_pool\"] ranges=192.168.1.100-192.168.1.254",
        ],
    ),
    line(README, "tiklb doctor", 0, &["nothing found, "]),
    line(
        ALERTS,
        "tiklb doctor --ask-routers",
        0,
        &["lets every node in", "nothing found, "],
    ),
    line(
        README,
        "tiklb explain service",
        0,
        &["because it asks for it", "announces 192.168.1.203"],
    ),
    line(
        ALERTS,
        "tiklb explain service",
        0,
        &["because it asks for it", "announces 192.168.1.203"],
    ),
    line(
        GUIDE,
        "tiklb explain service",
        0,
        &["because it asks for it", "announces 192.168.1.203"],
    ),
    line(
        OPERATIONS,
        "tiklb explain address",
        0,
        &["192.168.1.203", "immich/immich-server-lan"],
    ),
    line(
        README,
        "tiklb status",
        0,
        &[
            "ROUTERS",
            "POOLS",
            "homelab-pool",
            "192.168.1.203",
            "immich/immich-server-lan",
            "annas-phone",
        ],
    ),
    line(
        INSTALL,
        "tiklb plan --undo --router",
        2,
        &["/ip pool set [find where name=\"dhcp_pool\"] ranges=192.168.1.100-192.168.1.254"],
    ),
    line(CONFIGURATION, "tiklb allocator --help", 0, &["--lb-class"]),
    line(
        CONFIGURATION,
        "tiklb speaker --help",
        0,
        &["--heartbeat-port", "--admin-listen", "--failback"],
    ),
    line(
        DOCTOR,
        "tiklb crds",
        0,
        &[
            "name: mikrotikrouters.tiklb.io",
            "name: ipaddresspools.metallb.io",
        ],
    ),
];

/// The same with kubectl.
pub(super) const SHOWN: [Line; 16] = [
    line(
        CONFIGURATION,
        "kubectl -n metallb-system get l2advertisements",
        0,
        &["homelab-l2", "homelab-pool"],
    ),
    line(
        CONFIGURATION,
        "kubectl -n metallb-system get servicel2statuses",
        0,
        &["immich-server-lan", "node"],
    ),
    line(DOCTOR, "curl -k", 0, &["Unauthorized"]),
    line(
        README,
        "kubectl -n metallb-system get addressreservations",
        0,
        &["photos", "192.168.1.203"],
    ),
    line(
        OPERATIONS,
        "kubectl -n metallb-system get mikrotikrouters,",
        0,
        &[
            "https://192.168.1.1",
            "homelab-pool",
            "speaker-node1",
            "192.168.1.205",
        ],
    ),
    line(
        START,
        "kubectl -n metallb-system get mikrotikrouters",
        0,
        &["POOLS EXCLUDED", "IN SYNC", "True"],
    ),
    line(
        START,
        "kubectl -n metallb-system describe mikrotikrouters",
        0,
        &["PoolsExcluded", "InSync"],
    ),
    line(
        ALERTS,
        "kubectl -n metallb-system describe mikrotikrouter NAME",
        0,
        &["Reachable", "Authorized"],
    ),
    line(
        ALERTS,
        "kubectl -n metallb-system describe configurationstates",
        0,
        &["speaker-node1", "controller"],
    ),
    line(
        ALERTS,
        "kubectl -n metallb-system get ipaddresspools",
        0,
        &["homelab-pool", "192.168.1.200-192.168.1.220"],
    ),
    line(
        ALERTS,
        "kubectl -n metallb-system get addressconflicts",
        0,
        &["192.168.1.205"],
    ),
    line(
        ALERTS,
        "kubectl -n metallb-system get pods -l app.kubernetes.io/component=allocator",
        0,
        &["tiklb-allocator-"],
    ),
    line(
        DOCTOR,
        "kubectl -n metallb-system get pods -l component=speaker -o wide",
        0,
        &["tiklb-speaker-node1", "node3"],
    ),
    line(
        CONDITIONS,
        "kubectl -n metallb-system get configurationstates",
        0,
        &["controller", "speaker-node3"],
    ),
    line(MIGRATION, "kubectl get ipaddresspools -A", 0, &["homelab-pool"]),
    line(
        CONDITIONS,
        "kubectl -n metallb-system describe mikrotikrouter",
        0,
        &["ReservationsInSync", "NoConflicts"],
    ),
];

/// Each to be typed where nobody is there to ask. The last two ask no cluster.
pub(super) const WAYS_BACK: [Line; 3] = [
    line(README, "tiklb release router", 0, &["given back"]).with(YES),
    line(
        README,
        "tiklb release --router",
        0,
        &["everything was given back"],
    )
    .with(YES),
    line(
        OPERATIONS,
        "tiklb release --router",
        0,
        &["holds no row of tiklb's: nothing to be done"],
    )
    .with(YES),
];

/// With the hash that the condition tells.
pub(super) const WORD: Line = line(
    OPERATIONS,
    "kubectl -n metallb-system annotate --overwrite mikrotikrouter router tiklb.io/confirm=",
    0,
    &["annotated"],
);
