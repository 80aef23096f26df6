//! etcd and kube-apiserver on the control host: how they are called, and when they are ready.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::identity::{Files, Identity};

/// Where the API listens, as everywhere.
pub(super) const PORT: u16 = 6443;

/// The Services' cluster addresses: k3s' default, so that nothing in the lab hangs on another one, and of IPv6 what the
/// embedded API server has. The first family is the one of Services that ask for none.
const SERVICE_NETWORKS: &str = "10.43.0.0/16,fd43::/112";

/// The Service `kubernetes` takes the network's first address.
pub(super) const SERVICE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 43, 0, 1);

/// etcd's ports, on loopback.
const ETCD: (&str, &str) = ("http://127.0.0.1:2379", "http://127.0.0.1:2380");

/// Where etcd is told by JSON to forget what was before a revision.
pub(super) const ETCD_COMPACTION: &str = "http://127.0.0.1:2379/v3/kv/compaction";

/// Answers 200 once etcd has a leader, which is itself.
pub(super) const ETCD_HEALTH: &str = "http://127.0.0.1:2379/health";

/// Whose requests are written down: those of programs in Pods, whose rights are judged by it. Not those of kubelets,
/// controllers and the lab itself, which may do everything.
const AUDITED: &str = "system:serviceaccounts";

/// The audit log is cut off here, in MiB: it lies in memory. All stories on kubelets together write 2,500 lines.
const AUDIT_LIMIT: u32 = 64;

/// etcd's arguments. Its data need not outlive the lab, so it never waits for a disk and keeps no old
/// logs.
pub(super) fn etcd_arguments(folder: &Path) -> Vec<String> {
    let (clients, peers) = ETCD;
    vec![
        "--name=lab".to_owned(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=lab={peers}"),
        "--unsafe-no-fsync".to_owned(),
        "--max-wals=1".to_owned(),
        "--max-snapshots=1".to_owned(),
        "--log-level=warn".to_owned(),
    ]
}

/// Where kube-apiserver writes who asked for what.
fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// What it has written: one object a line.
pub(super) fn requests(folder: &Path) -> Result<Vec<Value>> {
    ensure!(
        !is_cut_off(folder)?,
        "the audit log has lost its beginning: it is cut off at {AUDIT_LIMIT} MiB"
    );
    let file = audit_log(folder);
    let log = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    // The last line may be half written; it is whole the next time.
    Ok(log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

/// kube-apiserver puts a full log aside, under a name with the time, and begins another one.
fn is_cut_off(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| {
        let name = name.to_string_lossy();
        name.starts_with("audit-") && name.ends_with(".log")
    }))
}

/// Which account did what to which object, once for each finished request, for a watch when it begins, too; never the
/// objects themselves, which may be Secrets.
fn write_audit_policy(folder: &Path) -> Result<PathBuf> {
    let file = folder.join("audit-policy.json");
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "userGroups": [AUDITED]},
            {"level": "None"},
        ],
    });
    fs::write(&file, policy.to_string()).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// kube-apiserver's arguments: authorization by RBAC alone, admission as by default (`ValidatingAdmissionPolicy` included)
/// but without `ServiceAccount` where there are no `workers`: it would refuse every pod until a controller manager makes
/// default accounts.
pub(super) fn api_arguments(
    folder: &Path,
    address: Ipv4Addr,
    identity: &Identity,
    workers: bool,
) -> Result<Vec<String>> {
    let Files {
        certificate,
        private_key,
        signing_key,
        verifying_key,
        tokens,
    } = identity.files();
    let policy = write_audit_policy(folder)?;
    let file = |flag: &str, file: &Path| format!("--{flag}={}", file.display());
    let mut arguments = vec![
        format!("--etcd-servers={}", ETCD.0),
        format!("--advertise-address={address}"),
        format!("--bind-address={address}"),
        format!("--secure-port={PORT}"),
        format!("--service-cluster-ip-range={SERVICE_NETWORKS}"),
        file("tls-cert-file", certificate),
        file("tls-private-key-file", private_key),
        file("token-auth-file", tokens),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        file("service-account-signing-key-file", signing_key),
        file("service-account-key-file", verifying_key),
        // Host-network pods and kubelets by address, for whoever brings some.
        "--allow-privileged=true".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        file("audit-policy-file", &policy),
        file("audit-log-path", &audit_log(folder)),
        format!("--audit-log-maxsize={AUDIT_LIMIT}"),
        "--audit-log-maxbackup=1".to_owned(),
    ];
    if !workers {
        arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    Ok(arguments)
}
