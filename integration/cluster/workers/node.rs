//! containerd and kubelet of one node.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use super::super::Options;
use super::{Ground, Images, cgroup, plugin_folder, pod_network};
use crate::installed;
use crate::lan::{Host, Process};
use crate::wait::until;

/// The name of the image that holds Pods' namespaces open.
pub(in crate::cluster) const PAUSE: &str = crate::image::PAUSE;

/// containerd is up in a second; beside builds it takes longer.
const UP: Duration = Duration::from_mins(1);
/// An image has 10 MB: unpacking it takes a second.
const IMPORTED: Duration = Duration::from_mins(1);
/// Killed processes are gone as soon as the kernel has run them once more.
const GONE: Duration = Duration::from_secs(20);
/// containerd's own name for what a kubelet may use.
const NAMESPACE: &str = "k8s.io";

/// A node that runs Pods.
#[derive(Debug)]
pub(in crate::cluster) struct Node {
    host: Host,
    address: Ipv4Addr,
    options: Options,
    kubeconfig: PathBuf,
    cgroup: String,
    folder: PathBuf,
    /// The kubelet first: who asks before who answers.
    kubelet: Option<Process>,
    containerd: Option<Process>,
}

impl Node {
    /// Starts both, with the images in place.
    pub(super) async fn start(
        ground: Ground<'_>,
        host: &Host,
        address: Ipv4Addr,
        number: u8,
    ) -> Result<Self> {
        let folder = ground.folder.join(host.name());
        let cgroup = cgroup::make(host.name())?;
        write_settings(&folder, &cgroup, number)?;
        let mut node = Self {
            host: host.clone(),
            address,
            options: ground.options.clone(),
            kubeconfig: ground.kubeconfig.to_owned(),
            cgroup,
            folder,
            kubelet: None,
            containerd: None,
        };
        node.start_containerd().await?;
        let Images { pause, others } = ground.images;
        for image in others.iter().chain([pause]) {
            node.import(image).await?;
        }
        node.start_kubelet().await?;
        Ok(node)
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.containerd.iter().chain(&self.kubelet)
    }

    /// As when its power is cut: every process of it is killed at once, those in containers too.
    pub(in crate::cluster) async fn power_off(&mut self) -> Result<()> {
        self.kubelet = None;
        self.containerd = None;
        let what = format!("every process of {} to be gone", self.host.name());
        until(&what, GONE, async || {
            let mut left = cgroup::processes(&self.cgroup)?;
            left.extend(shims(&self.socket())?);
            for pid in &left {
                // Gone meanwhile is as good.
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            ensure!(left.is_empty(), "{} are left", left.len());
            Ok(())
        })
        .await
    }

    /// Makes good a [`power_off`](Self::power_off): containerd finds what it had, the kubelet starts the Pods anew.
    pub(in crate::cluster) async fn power_on(&mut self) -> Result<()> {
        self.start_containerd().await?;
        self.start_kubelet().await
    }

    async fn start_containerd(&mut self) -> Result<()> {
        let program = installed::find("containerd").context("containerd is not installed")?;
        let containerd = self
            .options
            .command(&self.host, &program)
            .arg("--config")
            .arg(self.folder.join("containerd.toml"))
            .env("PATH", installed::path())
            .spawn()
            .await?;
        let what = format!("containerd of {}", self.host.name());
        let up = until(&what, UP, async || self.ctr(&["version"]).await).await;
        up.with_context(|| last_lines(&containerd))?;
        self.containerd = Some(containerd);
        Ok(())
    }

    async fn start_kubelet(&mut self) -> Result<()> {
        let folder = |name: &str| self.folder.join(name).display().to_string();
        let kubelet = self
            .options
            .command(&self.host, &self.options.binaries.kubelet)
            .arg(format!("--config={}", folder("kubelet.json")))
            .arg(format!("--kubeconfig={}", self.kubeconfig.display()))
            .arg(format!("--root-dir={}", folder("kubelet")))
            .arg(format!("--cert-dir={}", folder("certificates")))
            .arg(format!("--hostname-override={}", self.host.name()))
            .arg(format!("--node-ip={}", self.address))
            .env("PATH", installed::path())
            .spawn()
            .await?;
        self.kubelet = Some(kubelet);
        Ok(())
    }

    pub(super) async fn import(&self, image: &Path) -> Result<()> {
        let file = image.to_str().context("the path of an image is no UTF-8")?;
        let imported = self
            .ctr(&["--namespace", NAMESPACE, "images", "import", file])
            .await;
        imported.with_context(|| format!("bringing {file} to {}", self.host.name()))
    }

    async fn ctr(&self, arguments: &[&str]) -> Result<()> {
        let program = installed::find("ctr").context("ctr is not installed")?;
        let process = self
            .options
            .command(&self.host, &program)
            .arg("--address")
            .arg(self.socket())
            .args(arguments)
            .spawn()
            .await?;
        let status = process.wait(IMPORTED).await?;
        ensure!(status.success(), "{}", last_lines(&process));
        Ok(())
    }

    fn socket(&self) -> PathBuf {
        socket(&self.folder)
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("containerd.sock")
}

/// The shims of one containerd, which outlive it: they name its socket in their arguments.
fn shims(socket: &Path) -> Result<Vec<i32>> {
    let wanted = socket.as_os_str().as_encoded_bytes();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").context("listing /proc")? {
        let Some(pid) = entry
            .ok()
            .and_then(|entry| entry.file_name().to_str()?.parse().ok())
        else {
            continue;
        };
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut arguments = arguments.split(|byte| *byte == 0);
        let is_shim = arguments
            .next()
            .is_some_and(|name| name.windows(15).any(|part| part == b"containerd-shim"));
        if is_shim && arguments.any(|argument| argument == wanted) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn write_settings(folder: &Path, cgroup: &str, number: u8) -> Result<()> {
    let plugins = plugin_folder().context("the network plugins are not installed")?;
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .with_context(|| format!("writing {}", file.display()))
    };
    let network = pod_network(number)?;
    write("containerd.toml", &containerd(folder, &plugins))?;
    write(
        "network/10-lab.conflist",
        &network_list(folder, &network.to_string()),
    )?;
    write("kubelet.json", &kubelet(folder, cgroup).to_string())?;
    // Names are not resolved in this cluster: nothing asks for one.
    write("resolv.conf", "")
}

/// containerd's settings (containerd 1.6, `docs/cri/config.md`).
fn containerd(folder: &Path, plugins: &Path) -> String {
    let in_folder = |name: &str| folder.join(name).display().to_string();
    format!(
        r#"version = 2
root = "{root}"
state = "{state}"
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{opt}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Without CAP_SYS_RESOURCE, as in many sandboxes, nobody may lower it.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{network}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = false
"#,
        root = in_folder("containerd"),
        state = in_folder("containerd-state"),
        socket = socket(folder).display(),
        opt = in_folder("containerd-opt"),
        plugins = plugins.display(),
        network = in_folder("network"),
    )
}

/// A bridge on the node; what leaves the node leaves under the node's address.
fn network_list(folder: &Path, network: &str) -> String {
    json!({
        "cniVersion": "0.4.0",
        "name": "lab",
        "plugins": [{
            "type": "bridge",
            "bridge": "cni0",
            "isGateway": true,
            "ipMasq": true,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": network}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": folder.join("addresses"),
            },
        }],
    })
    .to_string()
}

/// The kubelet's settings (kubelet.config.k8s.io/v1beta1).
fn kubelet(folder: &Path, cgroup: &str) -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        // Who is inside of the namespaces is the lab.
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "failCgroupV1": false,
        "containerRuntimeEndpoint": format!("unix://{}", socket(folder).display()),
        "resolvConf": folder.join("resolv.conf"),
        "podLogsDir": folder.join("logs"),
        "volumePluginDir": folder.join("plugins"),
        "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": false,
        "failSwapOn": false,
        "protectKernelDefaults": true,
        "makeIPTablesUtilChains": false,
        "oomScoreAdj": 0,
    })
}

fn last_lines(process: &Process) -> String {
    /// A Go program that dies says why in its last lines.
    const LINES: usize = 15;
    let lines = process.logs();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    last.iter()
        .fold(String::new(), |text, line| format!("{text}\n  {line}"))
}
