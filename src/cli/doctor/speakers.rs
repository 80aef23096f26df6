//! What is between the speakers and the LAN, as far as the API shows it.

use serde_json::Value;

use super::changeover::is_installed;
use super::facts::{ALONE, Condition, Facts, HEARTBEATS, NETWORKS, State, Workload};
use super::finding::{Kind, Report, named};
use super::installation::absent;
use super::neighbors::{Maker, overlaps};

/// The ports that a speaker listens on unless it is told otherwise: heartbeats, then probes and metrics.
const PORTS: [u16; 2] = [7946, 7472];
/// In kube-proxy's ConfigMap.
pub(super) const PROXY_KEY: &str = "config.conf";
/// How a port is tried that the API says nothing about.
const TRY: &str = "the heartbeat port itself cannot be seen from here: where speakers stay silent, try `nc -u -z <node> 7946` from one node to another";

/// All of it.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    heartbeats(facts, report);
    ports(facts, report);
    proxy(facts, report);
}

fn heartbeats(facts: &Facts, report: &mut Report) {
    let Some(states) = report.seen("ConfigurationStates", &facts.states) else {
        return;
    };
    let speakers: Vec<(&State, &Condition)> = states
        .iter()
        .filter_map(|state| Some((state, state.condition(HEARTBEATS)?)))
        .collect();
    if speakers.is_empty() {
        let fix = if is_installed(facts) {
            Kind::NoSpeaker.fix().to_owned()
        } else {
            absent(facts)
        };
        report.find_with(
            Kind::NoSpeaker,
            format!("no speaker reports in namespace {}", facts.namespace),
            fix,
        );
        return;
    }
    let before = report.findings.len();
    for (state, condition) in speakers
        .iter()
        .filter(|(_, condition)| condition.status != "True")
    {
        let kind = if condition.reason == "OtherKey" {
            Kind::HeartbeatKeysDiffer
        } else {
            Kind::HeartbeatsNotHeard
        };
        report.find(kind, format!("{}: {}", node(state), condition.message));
    }
    let others = [
        (NETWORKS, Kind::NodeWithoutNetwork),
        (ALONE, Kind::NodeAnswersArp),
    ];
    for (state, _) in &speakers {
        for (condition, kind) in others {
            let bad = state.condition(condition).filter(|found| found.status != "True");
            if let Some(bad) = bad {
                report.find(kind, format!("{}: {}", node(state), bad.message));
            }
        }
    }
    report.fine_since(
        before,
        match speakers.len() {
            1 => "1 speaker reports".to_owned(),
            many => format!("{many} speakers report and hear each other"),
        },
    );
    if report.findings.len() > before {
        report.notes.push(TRY.to_owned());
    }
    alone(facts, &speakers, report);
}

/// Nodes on which no speaker runs: as meant, perhaps.
fn alone(facts: &Facts, speakers: &[(&State, &Condition)], report: &mut Report) {
    let Some(nodes) = report.seen("Nodes", &facts.nodes) else {
        return;
    };
    let names: Vec<&str> = speakers.iter().map(|(state, _)| node(state)).collect();
    let without = nodes.iter().map(|node| node.key.name.as_str());
    let without: Vec<&str> = without.filter(|name| !names.contains(name)).collect();
    if !without.is_empty() {
        report.notes.push(format!(
            "no speaker reports from {}: nothing is announced from there",
            named(without)
        ));
    }
}

/// The node of a speaker's state.
fn node(state: &State) -> &str {
    state.name.strip_prefix("speaker-").unwrap_or(&state.name)
}

fn ports(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    // Said once already, with the other load balancers.
    let Ok(workloads) = &facts.workloads else { return };
    let taken = |workload: &Workload| -> Vec<u16> {
        let ports = PORTS.into_iter();
        ports.filter(|port| workload.host_ports.contains(port)).collect()
    };
    for workload in workloads {
        // A MetalLB that has to go has to go whatever its ports are.
        let goes = workload.maker() == Maker::MetalLb && overlaps(facts, workload);
        if goes || workload.maker() == Maker::Ours {
            continue;
        }
        let taken = taken(workload);
        if !taken.is_empty() {
            report.find(
                Kind::PortTaken,
                format!("{} uses port {} of its node", workload.name(), named(taken)),
            );
        }
    }
    report.fine_since(
        before,
        "nobody else asks for the ports 7946 and 7472 of the nodes",
    );
}

fn proxy(facts: &Facts, report: &mut Report) {
    let Some(configuration) = report.seen("kube-proxy's configuration", &facts.proxy) else {
        return;
    };
    let Some(text) = configuration else {
        report.fine.push(
            "there is no ConfigMap kube-system/kube-proxy: k3s, or a CNI in its place; neither answers ARP for Services by itself".to_owned(),
        );
        return;
    };
    let Ok(read) = serde_saphyr::from_str::<Value>(text) else {
        report.unseen(
            "kube-proxy's mode",
            format!("{PROXY_KEY} in the ConfigMap kube-system/kube-proxy is no YAML"),
        );
        return;
    };
    let mode = read["mode"]
        .as_str()
        .filter(|mode| !mode.is_empty())
        .unwrap_or("iptables");
    if mode == "ipvs" && read["ipvs"]["strictARP"] != Value::Bool(true) {
        report.find_with(
            Kind::StrictArpOff,
            "ConfigMap kube-system/kube-proxy: mode is ipvs and ipvs.strictARP is not true",
            "kubectl -n kube-system get configmap kube-proxy -o yaml | sed 's/strictARP: false/strictARP: true/' | kubectl apply -f - && kubectl -n kube-system rollout restart daemonset kube-proxy",
        );
    } else {
        report
            .fine
            .push(format!("kube-proxy in {mode} mode answers no ARP for Services"));
    }
}
