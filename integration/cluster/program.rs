//! The programs of a real cluster, a folder that holds them, and what is built beside them in the same way.

use std::fmt;
use std::path::PathBuf;

/// A folder with ready-made etcd and kube-apiserver, by the convention of Kubernetes' own envtest.
pub const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// One program of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Program {
    /// The store under the API server.
    Etcd,
    /// The API itself.
    KubeApiserver,
    /// Carries the traffic of Services, in nftables mode.
    KubeProxy,
    /// Runs Pods on a node, with containerd.
    Kubelet,
    /// Chooses the nodes of Pods.
    KubeScheduler,
    /// Makes Pods of Deployments, and all that follows from deletions.
    KubeControllerManager,
    /// For a person who looks around.
    Kubectl,
    /// MetalLB's part that assigns addresses. Not of the cluster: see [`peers`](crate::peers).
    MetallbController,
    /// MetalLB's part that answers ARP, likewise.
    MetallbSpeaker,
    /// Renders and installs the chart. Not of the cluster: see [`chart`](crate::chart).
    Helm,
}

impl Program {
    /// Those of the cluster, in the order they are built: the quick one first, then the one that compiles what the others share.
    pub const ALL: [Self; 7] = [
        Self::Etcd,
        Self::KubeApiserver,
        Self::KubeProxy,
        Self::Kubectl,
        Self::Kubelet,
        Self::KubeScheduler,
        Self::KubeControllerManager,
    ];

    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeProxy => "kube-proxy",
            Self::Kubectl => "kubectl",
            Self::Kubelet => "kubelet",
            Self::KubeScheduler => "kube-scheduler",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::MetallbController => "metallb-controller",
            Self::MetallbSpeaker => "metallb-speaker",
            Self::Helm => "helm",
        }
    }

    /// The Go package it is built from.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::KubeProxy => "k8s.io/kubernetes/cmd/kube-proxy",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::Kubelet => "k8s.io/kubernetes/cmd/kubelet",
            Self::KubeScheduler => "k8s.io/kubernetes/cmd/kube-scheduler",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::MetallbController => "go.universe.tf/metallb/controller",
            Self::MetallbSpeaker => "go.universe.tf/metallb/speaker",
            Self::Helm => "helm.sh/helm/v3/cmd/helm",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where each program stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// etcd.
    pub etcd: PathBuf,
    /// kube-apiserver.
    pub kube_apiserver: PathBuf,
    /// kube-proxy.
    pub kube_proxy: PathBuf,
    /// kubectl.
    pub kubectl: PathBuf,
    /// kubelet.
    pub kubelet: PathBuf,
    /// kube-scheduler.
    pub kube_scheduler: PathBuf,
    /// kube-controller-manager.
    pub kube_controller_manager: PathBuf,
}

impl Binaries {
    /// The programs at the paths that `place` gives.
    pub(super) fn at(place: impl Fn(Program) -> PathBuf) -> Self {
        Self {
            etcd: place(Program::Etcd),
            kube_apiserver: place(Program::KubeApiserver),
            kube_proxy: place(Program::KubeProxy),
            kubectl: place(Program::Kubectl),
            kubelet: place(Program::Kubelet),
            kube_scheduler: place(Program::KubeScheduler),
            kube_controller_manager: place(Program::KubeControllerManager),
        }
    }
}
