//! What single kinds do to their objects.

use anyhow::ensure;
use serde_json::{Value, json};

use super::{Ground, names_field, refused, text};
use crate::kube::{Kube, LEASES, NAMESPACES, Resource, SECRETS, SERVICES};

pub(super) async fn services_get_their_defaults(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let spec = json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{ "port": 80 }] });
    let mut made = kube
        .create(&services, &json!({ "metadata": { "name": "web" }, "spec": spec }))
        .await?;
    let spec = &mut made["spec"];
    let ip = spec["clusterIP"].take();
    ensure!(
        text(&ip).starts_with("10.43."),
        "no cluster address of the range: {ip}"
    );
    ensure!(
        spec["clusterIPs"] == json!([ip]),
        "another list of cluster addresses: {spec}"
    );
    for number in [
        spec["healthCheckNodePort"].take(),
        spec["ports"][0]["nodePort"].take(),
    ] {
        ensure!(
            (30_000..=32_767).contains(&number.as_u64().unwrap_or_default()),
            "no node port: {number}"
        );
    }
    let rest = json!({
        "allocateLoadBalancerNodePorts": true,
        "clusterIP": null,
        "clusterIPs": [ip],
        "externalTrafficPolicy": "Local",
        "healthCheckNodePort": null,
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "ports": [{ "nodePort": null, "port": 80, "protocol": "TCP", "targetPort": 80 }],
        "sessionAffinity": "None",
        "type": "LoadBalancer",
    });
    ensure!(*spec == rest, "other defaults: {spec}");
    let empty = json!({ "metadata": { "name": "empty" }, "spec": { "type": "LoadBalancer" } });
    names_field(
        &refused(kube.create(&services, &empty).await, 422, "Invalid")?,
        "spec.ports",
    )?;
    ground.clean(kube).await
}

pub(super) async fn services_keep_and_drop_what_was_allocated(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let spec = json!({ "type": "LoadBalancer", "ports": [{ "name": "http", "port": 80 }] });
    let service = json!({ "metadata": { "name": "web" }, "spec": spec });
    let made = kube.create(&services, &service).await?;
    let replaced = kube.replace(&services, &service).await?;
    ensure!(
        replaced["spec"] == made["spec"],
        "a writer that left it out lost what was allocated: {replaced}"
    );
    let moved = kube
        .merge_patch(&services, "web", &json!({ "spec": { "type": "ClusterIP" } }))
        .await?;
    ensure!(
        moved["spec"]["clusterIP"] == made["spec"]["clusterIP"],
        "the cluster address changed: {moved}"
    );
    for gone in ["allocateLoadBalancerNodePorts", "externalTrafficPolicy"] {
        ensure!(moved["spec"][gone].is_null(), "{gone} stayed: {moved}");
    }
    ensure!(
        moved["spec"]["ports"][0]["nodePort"].is_null(),
        "the node port stayed: {moved}"
    );
    let other = json!({ "spec": { "clusterIP": "10.43.250.250", "clusterIPs": ["10.43.250.250"] } });
    refused(kube.merge_patch(&services, "web", &other).await, 422, "Invalid")?;
    ground.clean(kube).await
}

pub(super) async fn services_of_two_families_have_two_cluster_addresses(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let service = |name: &str, policy: &str, families: &[&str]| {
        let spec = json!({
            "type": "LoadBalancer", "ports": [{ "port": 80 }],
            "ipFamilyPolicy": policy, "ipFamilies": families,
        });
        json!({ "metadata": { "name": name }, "spec": spec })
    };
    let ranges = |service: &Value| -> Vec<&str> {
        let ips = service["spec"]["clusterIPs"].as_array().into_iter().flatten();
        ips.map(|ip| match text(ip) {
            ip if ip.starts_with("10.43.") => "IPv4",
            ip if ip.starts_with("fd43::") => "IPv6",
            _ => "of no range",
        })
        .collect()
    };
    for (name, policy, families) in [
        ("prefers", "PreferDualStack", ["IPv4", "IPv6"]),
        ("six-first", "RequireDualStack", ["IPv6", "IPv4"]),
    ] {
        let made = kube.create(&services, &service(name, policy, &families)).await?;
        ensure!(
            ranges(&made) == families && made["spec"]["ipFamilies"] == json!(families),
            "other families: {made}"
        );
    }
    let single = json!({ "spec": { "ipFamilyPolicy": "SingleStack" } });
    let reduced = kube.merge_patch(&services, "prefers", &single).await?;
    ensure!(ranges(&reduced) == ["IPv4"], "a second family stayed: {reduced}");
    let dual = json!({ "spec": { "ipFamilyPolicy": "PreferDualStack" } });
    let grown = kube.merge_patch(&services, "prefers", &dual).await?;
    ensure!(ranges(&grown) == ["IPv4", "IPv6"], "no second family: {grown}");
    ground.clean(kube).await
}

pub(super) async fn leases_are_replaced_in_order(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let leases = LEASES.in_namespace(&ground.name);
    let lease = |holder: &str, second: u32| -> Value {
        let renewed = format!("2026-01-02T03:04:{second:02}.567890Z");
        let spec = json!({ "holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed });
        json!({ "metadata": { "name": "leader" }, "spec": spec })
    };
    let first = kube.create(&leases, &lease("a", 5)).await?;
    ensure!(
        first["spec"]["renewTime"] == "2026-01-02T03:04:05.567890Z",
        "another time: {first}"
    );
    let status = refused(kube.replace(&leases, &lease("b", 6)).await, 422, "Invalid")?;
    names_field(&status, "metadata.resourceVersion")?;
    let mut renewed = lease("a", 7);
    renewed["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    kube.replace(&leases, &renewed).await?;
    // A second candidate that read the lease before it was renewed must lose.
    let mut stolen = lease("b", 8);
    stolen["metadata"]["resourceVersion"] = first["metadata"]["resourceVersion"].clone();
    refused(kube.replace(&leases, &stolen).await, 409, "Conflict")?;
    let read = kube.get(&leases, "leader").await?;
    ensure!(
        read["spec"]["holderIdentity"] == "a",
        "the lease was stolen: {read}"
    );
    ground.clean(kube).await
}

pub(super) async fn secrets_fold_their_text(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let secrets = SECRETS.in_namespace(&ground.name);
    let object =
        json!({ "metadata": { "name": "one" }, "data": { "a": "YQ==" }, "stringData": { "b": "b" } });
    let made = kube.create(&secrets, &object).await?;
    ensure!(
        made["data"] == json!({ "a": "YQ==", "b": "Yg==" }),
        "folded otherwise: {made}"
    );
    ensure!(
        made["stringData"].is_null() && made["type"] == "Opaque",
        "stored otherwise: {made}"
    );
    let plain = json!({ "metadata": { "name": "two" }, "data": { "a": "%" } });
    refused(kube.create(&secrets, &plain).await, 400, "BadRequest")?;
    ground.clean(kube).await
}

pub(super) async fn namespaces_carry_their_name(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let namespace = kube.get(NAMESPACES, &ground.name).await?;
    let label = &namespace["metadata"]["labels"]["kubernetes.io/metadata.name"];
    ensure!(
        *label == json!(ground.name),
        "no label to select it by: {namespace}"
    );
    ensure!(
        namespace["status"]["phase"] == "Active",
        "not active: {namespace}"
    );
    for name in ["default", "kube-system"] {
        kube.get(NAMESPACES, name).await?;
    }
    ground.clean(kube).await
}

pub(super) async fn tables_show_what_people_look_at(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    let services = SERVICES.in_namespace(&ground.name);
    let spec =
        json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{ "port": 80 }] });
    let made = kube
        .create(&services, &json!({ "metadata": { "name": "web" }, "spec": spec }))
        .await?;
    let table = kube.table(&services).await?;
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    let columns: Vec<&str> = columns.map(|column| text(&column["name"])).collect();
    let wanted = [
        "Name",
        "Type",
        "Cluster-IP",
        "External-IP",
        "Port(s)",
        "Age",
        "Selector",
    ];
    ensure!(columns == wanted, "other columns: {columns:?}");
    let row = |table: &Value| table["rows"][0]["cells"].as_array().cloned().unwrap_or_default();
    let cells = row(&table);
    ensure!(
        cells[..2] == [json!("web"), json!("LoadBalancer")],
        "other cells: {cells:?}"
    );
    ensure!(
        cells[2] == made["spec"]["clusterIP"] && cells[3] == "<pending>",
        "other cells: {cells:?}"
    );
    ensure!(cells[4] == "80/TCP", "other cells: {cells:?}");
    let ingress = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "192.168.1.200" }] } } });
    kube.patch_status(&services, "web", &ingress).await?;
    let cells = row(&kube.table(&services).await?);
    ensure!(cells[3] == "192.168.1.200", "the address is not shown: {cells:?}");
    ground.clean(kube).await
}

pub(super) async fn webhooks_get_their_defaults(kube: &Kube) -> anyhow::Result<()> {
    const WEBHOOKS: Resource = Resource::cluster_wide(
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
    );
    let ground = Ground::new(kube).await?;
    // Of a group that nobody serves: no other check's writes are asked about.
    let webhook = json!({
        "name": "pools.example.com",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": { "service": { "name": "none", "namespace": ground.name } },
        "rules": [{
            "apiGroups": ["conformance.example.com"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["pools"],
        }],
    });
    let object = json!({ "metadata": { "name": ground.name }, "webhooks": [webhook.clone()] });
    let made = kube.create(WEBHOOKS, &object).await?;
    let mut wanted = webhook;
    wanted["clientConfig"]["service"]["port"] = json!(443);
    wanted["rules"][0]["scope"] = json!("*");
    let defaults = json!({
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
    });
    for (field, value) in defaults.as_object().into_iter().flatten() {
        wanted[field] = value.clone();
    }
    ensure!(
        made["webhooks"] == json!([wanted]),
        "other defaults: {}",
        made["webhooks"]
    );
    ensure!(made["metadata"]["generation"] == 1, "another generation: {made}");
    let refusal = refused(kube.replace(WEBHOOKS, &object).await, 422, "Invalid")?;
    names_field(&refusal, "metadata.resourceVersion")?;
    kube.delete(WEBHOOKS, &ground.name).await?;
    ground.clean(kube).await
}

pub(super) async fn workloads_are_listed(kube: &Kube) -> anyhow::Result<()> {
    let ground = Ground::new(kube).await?;
    for (plural, kind) in [("daemonsets", "DaemonSet"), ("deployments", "Deployment")] {
        let workloads = Resource::namespaced("apps", "v1", plural, kind).in_namespace(&ground.name);
        let listed = kube.list(&workloads).await?;
        ensure!(listed.is_empty(), "nobody made any of them: {listed:?}");
    }
    ground.clean(kube).await
}
