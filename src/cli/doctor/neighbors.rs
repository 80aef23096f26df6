//! Other load balancers on the cluster.

use tiklb_core::config::Config;
use tiklb_core::model::ObjectKey;

use super::facts::{CiliumObject, Facts, LoadBalancerService, Workload};
use super::finding::{Kind, Report, named};
use crate::api::label::{APP_NAME, APP_NAME_VALUE};
use crate::cluster::client::AGENT;

/// On what k3s's servicelb makes: the Service that it is for.
const SERVICELB: &str = "svccontroller.k3s.cattle.io/svcname";
/// Load balancers that are known by the repository of their image alone.
const OTHERS: [(&str, &str); 4] = [
    ("PureLB", "purelb/"),
    ("OpenELB", "openelb/"),
    ("OpenELB", "kubesphere/porter"),
    ("Loxilb", "loxilb-io/kube-loxilb"),
];

/// What a workload is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// tiklb itself.
    Ours,
    MetalLb,
    ServiceLb,
    /// kube-vip; whether it is known to serve Services.
    KubeVip {
        serves: Option<bool>,
    },
    Other(&'static str),
    /// No load balancer.
    Nobody,
}

impl Workload {
    /// Whose it is. tiklb's own carry MetalLB's labels too, so that its commands go on working: they are looked at first.
    pub(super) fn maker(&self) -> Maker {
        let image = |needle: &str| self.images.iter().any(|image| image.contains(needle));
        let label = |name: &str, value: &str| self.labels.get(name).is_some_and(|found| found == value);
        if label(APP_NAME, APP_NAME_VALUE) || self.images.iter().any(|image| repository(image) == "tiklb") {
            return Maker::Ours;
        }
        if image("metallb/controller") || image("metallb/speaker") || is_labelled_metallb(self) {
            return Maker::MetalLb;
        }
        if self.labels.contains_key(SERVICELB) || image("klipper-lb") {
            return Maker::ServiceLb;
        }
        if image("kube-vip-cloud-provider") {
            return Maker::KubeVip { serves: Some(true) };
        }
        if image("kube-vip") {
            return Maker::KubeVip {
                serves: self.kube_vip_serves(),
            };
        }
        let other = OTHERS.iter().find(|(_, needle)| image(needle));
        other.map_or(Maker::Nobody, |(name, _)| Maker::Other(name))
    }

    /// kube-vip serves Services where it is told so, and it may be told in an object that is not read.
    fn kube_vip_serves(&self) -> Option<bool> {
        let told = |setting: &str| self.settings.contains(setting);
        if told("svc_enable=true") || told("--services") || told("--services=true") {
            Some(true)
        } else if self.settings_elsewhere && !told("svc_enable=false") {
            None
        } else {
            Some(false)
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.kind, self.key)
    }
}

/// `ghcr.io/tiklb/tiklb:v1` → `tiklb`.
fn repository(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split([':', '@']).next().unwrap_or(last)
}

/// An image from a registry of one's own may be named otherwise.
fn is_labelled_metallb(workload: &Workload) -> bool {
    let named = |name: &str| workload.labels.get(name).is_some_and(|value| value == "metallb");
    let component = ["component", "app.kubernetes.io/component"];
    let component = component
        .iter()
        .filter_map(|name| workload.labels.get(*name))
        .any(|value| matches!(value.as_str(), "controller" | "speaker"));
    (named("app") || named(APP_NAME)) && component
}

/// All of them.
pub(super) fn check(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    if let Some(workloads) = report.seen(
        "other load balancers by their Deployments and DaemonSets",
        &facts.workloads,
    ) {
        let (in_the_way, apart) = in_the_way(facts, workloads, report);
        running(&in_the_way, report);
        let which = if apart { " is in the way" } else { "" };
        report.fine_since(
            before,
            format!(
                "no other load balancer{which} among {} Deployments, DaemonSets and static Pods",
                workloads.len()
            ),
        );
    }
    cilium(facts, report);
    statuses(facts, report);
}

/// Setting, what the setting is where it does not stand in the ConfigMap, and the kind of what it brings to life.
/// LB-IPAM is on by default, and idle without a pool; L2 announcements are off by default.
const CILIUM: [(&str, bool, &str); 2] = [
    ("enable-lb-ipam", true, "CiliumLoadBalancerIPPool"),
    ("enable-l2-announcements", false, "CiliumL2AnnouncementPolicy"),
];

fn cilium(facts: &Facts, report: &mut Report) {
    let before = report.findings.len();
    let Some(objects) = report.seen("Cilium's pools and announcement policies", &facts.cilium) else {
        return;
    };
    let Some(settings) = report.seen("Cilium's configuration", &facts.cilium_settings) else {
        return;
    };
    // Without its ConfigMap nothing is known of the settings: what is there counts as in effect.
    let is_on = |(setting, default, _): &(&str, bool, &str)| {
        settings.as_ref().is_none_or(|settings| {
            let value = settings.get(*setting).map(|value| value.trim());
            value.map_or(*default, |value| value.eq_ignore_ascii_case("true"))
        })
    };
    let (mut live, mut idle): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for part in &CILIUM {
        let (setting, _, kind) = part;
        let of_kind: Vec<&CiliumObject> = objects.iter().filter(|object| object.kind == *kind).collect();
        let names = of_kind
            .iter()
            .map(|object| format!("{} {}", object.kind, object.name));
        if is_on(part) {
            live.extend(names);
        } else if !of_kind.is_empty() {
            idle.push(format!("{} ({setting} is not true)", named(names)));
        }
        let could = settings.is_some() && *setting == "enable-l2-announcements";
        if could && is_on(part) && of_kind.is_empty() {
            report.notes.push(format!(
                "Cilium's {setting} is true in the ConfigMap kube-system/cilium-config, and no {kind} makes it announce anything: create none for Services of tiklb's"
            ));
        }
    }
    if !idle.is_empty() {
        report.notes.push(format!(
            "Cilium would give or announce addresses if it were told to: {}",
            idle.join("; ")
        ));
    }
    if !live.is_empty() {
        let what = format!("Cilium gives or announces addresses: {}", named(live));
        match &facts.class {
            Some(class) => report.notes.push(beside(&what, class)),
            None => report.find(Kind::CiliumAssigns, what),
        }
    }
    report.fine_since(
        before,
        "Cilium gives and announces no addresses to Services of tiklb's",
    );
}

/// Where tiklb serves a class of its own, another load balancer is kept apart from it, and noted only.
fn beside(what: &str, class: &str) -> String {
    format!(
        "{what}; that is as it should be where it leaves Services of the class {class} alone, which are all that tiklb serves"
    )
}

/// Whether what runs is in tiklb's way although tiklb serves a class of its own: it serves the same class, or hands out
/// the same pools.
pub(super) fn overlaps(facts: &Facts, workload: &Workload) -> bool {
    let Some(class) = &facts.class else { return true };
    let told = |flag: &str| workload.settings.contains(&format!("{flag}={class}"));
    let same_class = told("--lb-class") || told("lb_class_name") || told("--lbClassName");
    // MetalLB reads the pools of its own namespace.
    let same_pools = workload.maker() == Maker::MetalLb && workload.key.namespace == facts.namespace;
    same_class || same_pools
}

/// Those that are in tiklb's way, and whether others run beside it. Who is stopped or kept apart is noted.
fn in_the_way<'a>(
    facts: &Facts,
    workloads: &'a [Workload],
    report: &mut Report,
) -> (Vec<&'a Workload>, bool) {
    let (stopped, workloads): (Vec<&Workload>, Vec<&Workload>) =
        workloads.iter().partition(|workload| workload.stopped);
    let is_neighbor = |workload: &&&Workload| !matches!(workload.maker(), Maker::Ours | Maker::Nobody);
    let stopped: Vec<String> = stopped
        .iter()
        .filter(is_neighbor)
        .map(|workload| workload.name())
        .collect();
    if !stopped.is_empty() {
        report.notes.push(format!(
            "another load balancer is stopped and still there: {}; delete it once nobody goes back to it",
            named(stopped)
        ));
    }
    let (workloads, apart): (Vec<&Workload>, Vec<&Workload>) = workloads
        .into_iter()
        .partition(|workload| overlaps(facts, workload));
    let apart: Vec<String> = apart
        .iter()
        .filter(|workload| {
            let serves_none = matches!(workload.maker(), Maker::KubeVip { serves: Some(false) });
            is_neighbor(workload) && !serves_none
        })
        .map(|workload| workload.name())
        .collect();
    if let (Some(class), false) = (&facts.class, apart.is_empty()) {
        let what = format!("another load balancer runs: {}", named(&apart));
        report.notes.push(beside(&what, class));
    }
    (workloads, !apart.is_empty())
}

fn running(workloads: &[&Workload], report: &mut Report) {
    let of = |wanted: &dyn Fn(Maker) -> bool| -> Vec<&Workload> {
        let found = workloads.iter().filter(|workload| wanted(workload.maker()));
        found.copied().collect()
    };
    let names = |found: &[&Workload]| named(found.iter().map(|workload| workload.name()));
    let found = of(&|maker| maker == Maker::MetalLb);
    if !found.is_empty() {
        let fix = format!(
            "{} (its pools and advertisements stay, and tiklb reads them)",
            found
                .iter()
                .map(|workload| delete(workload.kind, &workload.key))
                .collect::<Vec<_>>()
                .join(" && ")
        );
        report.find_with(Kind::MetalLbRuns, format!("MetalLB runs: {}", names(&found)), fix);
    }
    let found = of(&|maker| maker == Maker::ServiceLb);
    if !found.is_empty() {
        report.find(
            Kind::ServiceLbRuns,
            format!("k3s's servicelb serves Services: {}", names(&found)),
        );
    }
    let found = of(&|maker| matches!(maker, Maker::KubeVip { serves: Some(true) }));
    if !found.is_empty() {
        report.find(
            Kind::KubeVipRuns,
            format!("kube-vip serves Services: {}", names(&found)),
        );
    }
    for workload in of(&|maker| matches!(maker, Maker::KubeVip { serves: None })) {
        report.notes.push(format!(
            "kube-vip runs ({}), and whether it serves Services too stands in an object that is not read here: svc_enable must not be true",
            workload.name()
        ));
    }
    for workload in workloads {
        if let Maker::Other(name) = workload.maker() {
            report.find(
                Kind::OtherLoadBalancerRuns,
                format!("{name} runs: {}", workload.name()),
            );
        }
    }
}

pub(super) fn delete(kind: &str, key: &ObjectKey) -> String {
    format!(
        "kubectl -n {} delete {} {}",
        key.namespace,
        kind.to_lowercase(),
        key.name
    )
}

/// Statuses that somebody else wrote. One whose address a pool of ours holds is as it should be, whoever wrote it:
/// MetalLB, before tiklb came.
fn statuses(facts: &Facts, report: &mut Report) {
    let Some(services) = report.seen("statuses of Services", &facts.services) else {
        return;
    };
    let Some(pools) = report.seen("IPAddressPools", &facts.pools) else {
        return;
    };
    let pools: Vec<_> = pools
        .iter()
        .filter(|pool| pool.key.namespace == facts.namespace)
        .cloned()
        .collect();
    let config = Config::new(&pools, &[], &[]);
    let before = report.findings.len();
    let served = |service: &&LoadBalancerService| service.class == facts.class;
    for service in services.iter().filter(served) {
        let kept = |address: &_| config.keeper(*address, None).is_some();
        let foreign = service.addresses.iter().filter(|address| !kept(address));
        let foreign: Vec<String> = foreign
            .map(ToString::to_string)
            .chain(service.hostnames.iter().cloned())
            .collect();
        let writers: Vec<&String> = service.writers.iter().filter(|writer| *writer != AGENT).collect();
        // Of a pool that was just removed tiklb clears the status itself.
        if foreign.is_empty() || writers.is_empty() {
            continue;
        }
        report.find(
            Kind::ForeignStatus,
            format!(
                "Service {} has {}, which is in no pool; its status was written by {}",
                service.key,
                named(&foreign),
                named(&writers)
            ),
        );
    }
    report.fine_since(
        before,
        format!(
            "statuses of Services: {} looked at, none written by somebody else",
            services.len()
        ),
    );
}
