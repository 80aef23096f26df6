//! What a doctor can find: a closed list, each with why it matters and what mends it. `docs/doctor.md` is this list.

use serde::Serialize;

use super::changeover::Changeover;
use crate::cluster::inventory::Unread;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// Something does not do what it looks like, or soon will not.
    Warning,
    /// Addresses are not given, not announced, or given twice.
    Fault,
}

impl Severity {
    /// As the page of findings has it.
    #[cfg(test)]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

/// A closed list of findings: severity, what a person sees of it and would search for, why it matters, what mends it.
macro_rules! kinds {
    ($($kind:ident: $severity:ident, $sign:literal, $why:literal, $fix:literal;)+) => {
        /// What can be found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub(super) enum Kind {
            $(#[doc = $sign] $kind,)+
        }

        impl Kind {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Its name, by which programs know it.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)+ }
            }

            /// How bad it is.
            pub(super) const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)+ }
            }

            /// What a person sees of it.
            #[cfg(test)]
            pub(super) const fn sign(self) -> &'static str {
                match self { $(Self::$kind => $sign,)+ }
            }

            /// Why it matters.
            pub(super) const fn why(self) -> &'static str {
                match self { $(Self::$kind => $why,)+ }
            }

            /// What mends it, in general; a finding says it with its own names.
            pub(super) const fn fix(self) -> &'static str {
                match self { $(Self::$kind => $fix,)+ }
            }
        }
    };
}

kinds! {
    MetalLbRuns: Fault, "MetalLB's controller or speaker is still on the cluster",
        "beside tiklb it gives the same Services addresses and answers for them: an address flaps between two MACs",
        "remove MetalLB's Deployment and DaemonSet, and keep its pools: `kubectl -n metallb-system delete deployment/controller daemonset/speaker`";
    ServiceLbRuns: Fault, "k3s's servicelb (klipper): DaemonSets svclb-*, EXTERNAL-IP shows the nodes' addresses",
        "it writes the nodes' addresses into the status of every LoadBalancer Service, over tiklb's",
        "start the k3s servers with `--disable=servicelb` (or `disable: [servicelb]` in /etc/rancher/k3s/config.yaml) and restart them";
    KubeVipRuns: Fault, "kube-vip with its Services part on (svc_enable, --services), or its cloud provider",
        "it gives Services addresses and answers ARP for them beside tiklb; for the control plane's address alone it does no harm",
        "set `svc_enable` to \"false\" in its DaemonSet or static Pod, and remove kube-vip-cloud-provider";
    CiliumAssigns: Fault, "Cilium's LB-IPAM or L2 announcements: CiliumLoadBalancerIPPool, CiliumL2AnnouncementPolicy",
        "Cilium gives LoadBalancer Services addresses of its own pools, or answers ARP for tiklb's",
        "delete the objects, or set enable-lb-ipam and enable-l2-announcements to \"false\" in the ConfigMap kube-system/cilium-config, or keep the two apart by spec.loadBalancerClass (`tiklb allocator --lb-class`)";
    OtherLoadBalancerRuns: Fault, "another load balancer by its image: PureLB, OpenELB",
        "two load balancers write the same statuses and answer for the same addresses",
        "remove it, or keep the two apart by spec.loadBalancerClass (`tiklb allocator --lb-class`)";
    ForeignStatus: Warning, "a Service's EXTERNAL-IP is in none of the pools: somebody else wrote its status",
        "whoever wrote it will write it again: the Service is reached under another address than tiklb's, or none",
        "switch the writer off, or give the Service a spec.loadBalancerClass that names it";
    DeadWebhook: Fault, "`failed calling webhook \"ipaddresspoolvalidationwebhook.metallb.io\"`: a left-over ValidatingWebhookConfiguration",
        "the API server asks a Service that does not answer: every apply of a pool or an advertisement fails",
        "`kubectl delete validatingwebhookconfiguration metallb-webhook-configuration`";
    DeadConversion: Fault, "`conversion webhook for metallb.io/v1beta1, Kind=BGPPeer failed`: a definition whose conversion nobody serves",
        "listing objects of the kind fails, which holds up the deletion of namespaces and every backup",
        "of a kind that tiklb does not read (BGPPeer, AddressPool): `kubectl delete crd bgppeers.metallb.io` (its objects go with it); of any: set its spec.conversion.strategy to None, by the command that the finding names. `tiklb crds` leaves that field as it is";
    EarlierPoolNotRead: Fault, "AddressPool objects, or `address-pools` in the ConfigMap `config`: pools of MetalLB 0.13 and older",
        "tiklb reads IPAddressPools alone: a Service whose address is in none of them loses it (event ClearAssignment)",
        "write each as an IPAddressPool with the same addresses, and an L2Advertisement, best before tiklb starts: docs/migrate-from-metallb.md, \"From MetalLB 0.13 or older\"";
    HelmOwnsDefinitions: Warning, "MetalLB's Helm release still owns the CustomResourceDefinitions",
        "`helm uninstall` of that release deletes the definitions, and with them every pool: all addresses are given up",
        "let Helm forget the release before anybody uninstalls it: `kubectl -n metallb-system delete secret -l owner=helm,name=metallb`, then take the annotations meta.helm.sh/release-name and -namespace off the definitions";
    NoPool: Warning, "there is no IPAddressPool in tiklb's namespace; Services stay pending",
        "no Service can be given an address",
        "apply an IPAddressPool (deploy/examples/homelab/config/tiklb/manifests/ipaddresspool.yaml)";
    NoAdvertisement: Fault, "there is no L2Advertisement: Services have addresses and nobody answers for them",
        "addresses are given to Services and announced by no node",
        "apply an L2Advertisement (deploy/examples/homelab/config/tiklb/manifests/l2advertisement.yaml); an empty spec announces every pool";
    PoolNotAdvertised: Warning, "no L2Advertisement selects the pool",
        "its addresses are given to Services and announced by no node",
        "add its name to spec.ipAddressPools of an L2Advertisement, or apply one with an empty spec";
    PoolOutsideNetworks: Fault, "the pool lies outside of the nodes' networks: `no route to host`, ARP stays unanswered",
        "nobody on the LAN asks by ARP for an address outside of its own network: packets go to the router, which has no way to the nodes",
        "choose addresses of a network in which a node has one of its own, outside of the DHCP pool";
    StrictArpOff: Fault, "kube-proxy in IPVS mode without strictARP",
        "every node's kernel answers ARP for every address, whichever node announces it",
        "set `ipvs.strictARP: true` in the ConfigMap kube-system/kube-proxy and restart kube-proxy";
    NodeAnswersArp: Fault, "speakers hear another node answer for what they announce (event NodeAnswersARP)",
        "some clients reach another node than the one that announces the address: connections break when they change over",
        "set `ipvs.strictARP: true` in the ConfigMap kube-system/kube-proxy where kube-proxy runs in IPVS mode, and remove other load balancers and addresses set by hand from the node";
    NoSpeaker: Fault, "no speaker of tiklb reports",
        "no address is announced",
        "apply the speakers' DaemonSet, and see its Pods: `kubectl -n metallb-system get pods -l component=speaker -o wide`";
    NodeWithoutNetwork: Warning, "a speaker finds no interface that can announce",
        "the node announces nothing, and takes nothing over",
        "see that an interface of the node is up, has an address and is not excluded by its name (`tiklb speaker --help`)";
    HeartbeatsNotHeard: Fault, "speakers do not hear each other: UDP port 7946",
        "without heartbeats nodes agree by the API alone, in seconds: a failover is late, and two nodes may answer for a moment",
        "allow UDP port 7946 between the nodes in their firewalls";
    HeartbeatKeysDiffer: Fault, "heartbeats with another key arrive",
        "speakers with different keys do not believe each other, as if the port were closed",
        "`kubectl -n metallb-system delete secret tiklb-heartbeat`: the allocator makes a new one, which all speakers read";
    PortTaken: Fault, "another Pod on the hosts' network has port 7946 or 7472",
        "on a node where it was there first the speaker cannot listen, and does not start",
        "give one of the two another port (`tiklb speaker --heartbeat-port`, `--admin-listen`)";
    RouterUnreachable: Fault, "MikrotikRouter: Reachable is not True",
        "without the router no new address is proven free; those in use stay in use",
        "see the message of the condition; from a node: `curl -k https://<router>/rest/system/identity`";
    RouterUnauthorized: Fault, "MikrotikRouter: Authorized is not True",
        "the router cannot be read or written with these credentials",
        "correct the Secret of spec.credentialsSecretRef, or the user's group (deploy/routeros/setup.rsc)";
    RouterNotInSync: Warning, "MikrotikRouter: PoolsExcluded or ReservationsInSync is False",
        "the router may give a device an address of the pool, or shows other rows than it should",
        "see the message of the condition, and docs/conditions.md by its reason";
    RouterNotReachedFromHere: Warning, "the router cannot be asked from this machine (--ask-routers)",
        "what it lets the nodes do was not seen",
        "run it from a machine that the router lets in, or see the MikrotikRouter's conditions";
    RouterServiceClosed: Fault, "/ip/service on the router does not let every node in",
        "when the allocator runs on such a node it cannot reach the router",
        "`/ip service set www-ssl address=<what it has>,<the nodes' network>` on the router";
    RouterUserClosed: Fault, "/user on the router does not let the account log in from every node",
        "when the allocator runs on such a node the router refuses its password",
        "`/user set [find where name=tiklb] address=<what it has>,<the nodes' network>` on the router";
    RouterPolicyMissing: Fault, "the account's group on the router lacks a policy",
        "reads or writes are refused",
        "`/user group set [find where name=tiklb] policy=<what it has>,<what is missing>` on the router";
    RouterLeftBehind: Warning, "a MikrotikRouter whose allocator has gone: whoever deletes it waits for its finalizer",
        "the rows on the router stay, and keep its DHCP server off their addresses; nobody looks after them",
        "`tiklb release router`, which needs no allocator; where Services still have its addresses, `tiklb release --router https://192.168.1.1 …` gives the rows back, and `kubectl -n metallb-system patch mikrotikrouter router --type=merge -p '{\"metadata\":{\"finalizers\":null}}'` and `kubectl -n metallb-system delete mikrotikrouter router` delete it. Or install tiklb again";
    DefinitionMissing: Fault, "a CustomResourceDefinition of tiklb is not installed",
        "the allocator waits for it and decides nothing",
        "`tiklb crds | kubectl apply --server-side -f -`";
    DefinitionOld: Fault, "a CustomResourceDefinition is older than tiklb: MetalLB's, or of a version before",
        "the API server drops the fields that it does not know: statuses lose what they say, and are written again and again",
        "`tiklb crds | kubectl apply --server-side --force-conflicts -f -`";
    NoLeader: Fault, "no allocator leads: the Lease tiklb-allocator is missing or expired",
        "no Service is given an address, and nothing is written on the router",
        "see the allocator's Pods: `kubectl -n metallb-system get pods -l app.kubernetes.io/component=allocator`";
    RightMissing: Fault, "tiklb's ServiceAccount lacks a right (`is forbidden: User \"system:serviceaccount:…\"`)",
        "what it may not read it waits for, and what it may not write nobody learns",
        "`kubectl apply -f deploy/rbac`";
    ConfigurationInvalid: Fault, "a ConfigurationState is Invalid",
        "an object is left out, or a field of it is not acted on",
        "correct the object that the line names";
    ObjectUnreadable: Fault, "an object of tiklb's kinds cannot be decoded (`kubectl explain` shows what belongs there)",
        "nobody can read it: what it asks for does not happen, and what it says is not known",
        "correct the field that the line names, or delete the object";
    AddressTaken: Fault, "an AddressConflict is about an address that a Service has",
        "no node announces it, or two hosts answer for it: the Service is reached now and then, or never",
        "give the device another address, outside of the pools";
    AddressAwaited: Warning, "an AddressConflict is about an address that a Service asks for: it stays pending",
        "no Service gets the address before the device has left it",
        "give the device another address, outside of the pools, or let the Service ask for another one";
    ElsewhereIgnored: Warning, "a pool, advertisement, router or reservation outside of tiklb's namespace",
        "nobody reads it there",
        "create it in tiklb's namespace and delete this one";
    BgpNotRead: Warning, "BGPPeer, BGPAdvertisement, BFDProfile or Community objects",
        "tiklb speaks layer 2 alone: what they ask for does not happen",
        "delete them, or announce the pool by an L2Advertisement";
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What it is.
    pub(super) kind: Kind,
    /// What was seen, with the objects' names.
    pub(super) what: String,
    /// What mends it, with the objects' names.
    pub(super) fix: String,
}

/// Something that was not looked at: never to be taken for well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Unseen {
    /// What.
    pub(super) what: String,
    /// Why not.
    pub(super) because: String,
}

/// What came of it all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Report {
    /// Where it stands between MetalLB and tiklb, where it is between them.
    pub(super) changeover: Option<Changeover>,
    /// What is wrong.
    pub(super) findings: Vec<Finding>,
    /// What was looked at and is well, a line each.
    pub(super) fine: Vec<String>,
    /// What was not looked at.
    pub(super) unseen: Vec<Unseen>,
    /// What cannot be seen from here, or is good to know. Nothing of it is wrong.
    pub(super) notes: Vec<String>,
}

impl Report {
    /// Something was found, and the general words for its fix do.
    pub(super) fn find(&mut self, kind: Kind, what: impl Into<String>) {
        self.find_with(kind, what, kind.fix());
    }

    /// Something was found, and this mends it.
    pub(super) fn find_with(&mut self, kind: Kind, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding {
            kind,
            what: what.into(),
            fix: fix.into(),
        });
    }

    /// All is well, unless something was found since there were `before` findings.
    pub(super) fn fine_since(&mut self, before: usize, line: impl Into<String>) {
        if self.findings.len() == before {
            self.fine.push(line.into());
        }
    }

    /// What was read, or a note of why it was not.
    pub(super) fn seen<'a, T>(&mut self, what: &str, read: &'a Result<T, Unread>) -> Option<&'a T> {
        match read {
            Ok(value) => Some(value),
            Err(why) => {
                self.unseen(what, why.to_string());
                None
            }
        }
    }

    /// Something was not looked at.
    pub(super) fn unseen(&mut self, what: &str, because: impl Into<String>) {
        let unseen = Unseen {
            what: what.to_owned(),
            because: because.into(),
        };
        // Two checks may have missed the same.
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }

    /// How many findings are that bad.
    pub(super) fn count(&self, severity: Severity) -> usize {
        let of = |finding: &&Finding| finding.kind.severity() == severity;
        self.findings.iter().filter(of).count()
    }
}

/// Names as a sentence has them: a few, and how many more.
pub(super) fn named(names: impl IntoIterator<Item = impl ToString>) -> String {
    /// As many as a line holds.
    const NAMED: usize = 5;
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    let more = names.len().saturating_sub(NAMED);
    let text = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    match more {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
