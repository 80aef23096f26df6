//! Values that a person gets wrong: each is refused before anything is made, with its name in the message.

use anyhow::{Result, ensure};

use super::Helm;

/// What is set, and what the refusal must say.
const WRONG: [(&str, &[&str]); 20] = [
    // Slips of the pen.
    ("speaker.tolerateMasters=true", &["tolerateMasters", "/speaker"]),
    ("controler.replicas=3", &["controler"]),
    (
        "speaker.memberlist.bindPort=7946",
        &["bindPort", "/speaker/memberlist"],
    ),
    (
        "prometheus.podMonitor.enable=true",
        &["enable", "/prometheus/podMonitor"],
    ),
    // MetalLB's, which would mean nothing here.
    ("frrk8s.enabled=true", &["frrk8s"]),
    ("speaker.frr.enabled=true", &["frr", "/speaker"]),
    ("speaker.startupProbe.enabled=true", &["startupProbe", "/speaker"]),
    (
        "prometheus.serviceMonitor.enabled=true",
        &["serviceMonitor", "/prometheus"],
    ),
    ("controller.webhookMode=disabled", &["webhookMode", "/controller"]),
    // Of the wrong kind, or out of bounds.
    ("speaker.logLevel=verbose", &["/speaker/logLevel"]),
    ("controller.logFormat=xml", &["/controller/logFormat"]),
    ("speaker.failback=sometimes", &["/speaker/failback"]),
    ("controller.replicas=none", &["/controller/replicas"]),
    ("controller.replicas=0", &["/controller/replicas"]),
    (
        "speaker.memberlist.mlBindPort=70000",
        &["/speaker/memberlist/mlBindPort"],
    ),
    (
        "speaker.memberlist.enabled=false",
        &["/speaker/memberlist/enabled"],
    ),
    // Below 1024 a program that is not root may not listen.
    ("prometheus.metricsPort=80", &["/prometheus/metricsPort"]),
    (
        "networkpolicies.routerPorts={https}",
        &["/networkpolicies/routerPorts/0"],
    ),
    (
        "speaker.excludeInterfaces.patterns={^docker\\,^veth}",
        &["/speaker/excludeInterfaces/patterns/0"],
    ),
    ("image.pullPolicy=Sometimes", &["/image/pullPolicy"]),
];

/// Errs where one of them is not refused by its name.
pub(super) async fn refused(helm: &Helm) -> Result<()> {
    for (set, words) in WRONG {
        let said = helm.refusal(&["--set", set]).await?;
        for word in words {
            // Until 3.17 Helm wrote `speaker.logLevel`, since then a JSON pointer.
            let dotted = word.trim_start_matches('/').replace('/', ".");
            ensure!(
                said.contains(word) || said.contains(&dotted),
                "--set {set} should be refused with {word} in the message, and Helm says\n{said}"
            );
        }
    }
    Ok(())
}
