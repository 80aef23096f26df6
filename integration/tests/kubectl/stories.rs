//! What the person does, and what they must see.

use anyhow::ensure;
use lab::kube::{CONFIG_MAPS, ENDPOINT_SLICES, EVENTS_V1, LEASES, NODES, PODS, SERVICES};
use serde_json::{Value, json};

use crate::person::{Person, fixture};

/// The words of a line, whatever stands between them.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The rows of a table, with their headings first.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().map(words).collect()
}

/// A `describe` output has this line.
fn has_line(output: &str, line: &str) -> anyhow::Result<()> {
    let found = output.lines().any(|found| words(found) == words(line));
    ensure!(found, "no line {line:?} in\n{output}");
    Ok(())
}

fn address(person: &Person) -> anyhow::Result<()> {
    let ingress = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "192.168.1.200" }] } } });
    person.wait(
        person
            .kube
            .patch_status(SERVICES.in_namespace("home"), "web", &ingress),
    )?;
    Ok(())
}

pub(crate) fn applying_creates_changes_and_leaves_alone(person: &Person) -> anyhow::Result<()> {
    let output = person.on_file("apply", "service.yaml")?;
    ensure!(
        output == "namespace/home created\nservice/web created\nsecret/mikrotik created\n",
        "{output}"
    );
    let services = SERVICES.in_namespace("home");
    let made = person.wait(person.kube.get(&services, "web"))?;
    let output = person.on_file("apply", "service.yaml")?;
    // As on a real cluster, text in a Secret always looks like a change to kubectl.
    ensure!(
        output == "namespace/home unchanged\nservice/web unchanged\nsecret/mikrotik configured\n",
        "{output}"
    );
    address(person)?;
    let output = person.on_file("apply", "service-changed.yaml")?;
    ensure!(output == "service/web configured\n", "{output}");
    let changed = person.wait(person.kube.get(&services, "web"))?;
    let ports = changed["spec"]["ports"].as_array().cloned().unwrap_or_default();
    let names: Vec<&Value> = ports.iter().map(|port| &port["name"]).collect();
    ensure!(
        names == ["https", "http"],
        "not the ports of the file, in its order: {changed}"
    );
    ensure!(
        ports[1]["targetPort"] == 8080,
        "not the target of the file: {changed}"
    );
    ensure!(
        ports[1]["nodePort"] == made["spec"]["ports"][0]["nodePort"],
        "the node port was lost: {changed}"
    );
    let annotations = &changed["metadata"]["annotations"];
    ensure!(
        annotations["metallb.io/loadBalancerIPs"] == "192.168.1.201",
        "{changed}"
    );
    ensure!(
        annotations["metallb.universe.tf/loadBalancerIPs"].is_null(),
        "{changed}"
    );
    ensure!(
        changed["spec"]["clusterIP"] == made["spec"]["clusterIP"],
        "the cluster address was lost: {changed}"
    );
    let ip = &changed["status"]["loadBalancer"]["ingress"][0]["ip"];
    ensure!(ip == "192.168.1.200", "the status was lost: {changed}");
    person.is_understood()
}

pub(crate) fn getting_shows_services_as_people_know_them(person: &Person) -> anyhow::Result<()> {
    person.on_file("apply", "service.yaml")?;
    let service = person.wait(person.kube.get(SERVICES.in_namespace("home"), "web"))?;
    let (ip, port) = (&service["spec"]["clusterIP"], |index: usize| {
        &service["spec"]["ports"][index]["nodePort"]
    });
    let ports = format!("80:{}/TCP,53:{}/UDP", port(0), port(1));
    let ip = ip.as_str().unwrap_or_default();
    let table = person.kubectl("get svc -n home")?;
    let (head, row) = (rows(&table)[0].clone(), rows(&table)[1].clone());
    ensure!(
        head == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"],
        "{table}"
    );
    ensure!(
        row[..5] == ["web", "LoadBalancer", ip, "<pending>", &ports],
        "{table}"
    );
    address(person)?;
    let wide = person.kubectl("get svc -n home -o wide")?;
    ensure!(
        rows(&wide)[0].last() == Some(&"SELECTOR") && rows(&wide)[1].last() == Some(&"app=web"),
        "{wide}"
    );
    ensure!(rows(&wide)[1][3] == "192.168.1.200", "{wide}");
    let all = person.kubectl("get svc -A")?;
    ensure!(rows(&all).len() == 3 && rows(&all)[0][0] == "NAMESPACE", "{all}");
    ensure!(rows(&all).iter().any(|row| row[..2] == ["home", "web"]), "{all}");
    let yaml = person.kubectl("get svc web -n home -o yaml")?;
    ensure!(yaml.starts_with("apiVersion: v1\nkind: Service\n"), "{yaml}");
    let shown: Value = serde_json::from_str(&person.kubectl("get svc web -n home -o json")?)?;
    ensure!(
        shown == person.wait(person.kube.get(SERVICES.in_namespace("home"), "web"))?,
        "{shown}"
    );
    let list: Value = serde_json::from_str(&person.kubectl("get svc -A -l !component -o json")?)?;
    ensure!(
        list["items"][0]["kind"] == "Service" && list["items"][1].is_null(),
        "{list}"
    );
    let path = "get svc web -n home -o jsonpath={.status.loadBalancer.ingress[0].ip}";
    ensure!(
        person.kubectl(path)? == "192.168.1.200",
        "another address by path"
    );
    person.is_understood()
}

pub(crate) fn describing_shows_endpoints_and_events(person: &Person) -> anyhow::Result<()> {
    person.on_file("apply", "service.yaml")?;
    address(person)?;
    let service = person.wait(person.kube.get(SERVICES.in_namespace("home"), "web"))?;
    let slice = json!({
        "metadata": { "name": "web-1", "labels": { "kubernetes.io/service-name": "web" } },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": ["10.42.0.7"], "conditions": { "ready": true } }],
        "ports": [{ "name": "http", "port": 8080 }],
    });
    person.wait(person.kube.create(ENDPOINT_SLICES.in_namespace("home"), &slice))?;
    let event = json!({
        "metadata": { "name": "web.1" },
        "regarding": {
            "apiVersion": "v1",
            "kind": "Service",
            "namespace": "home",
            "name": "web",
            "uid": service["metadata"]["uid"],
        },
        "reason": "IPAllocated",
        "note": "Assigned IP [\"192.168.1.200\"]",
        "type": "Normal",
        "action": "Allocate",
        "eventTime": service["metadata"]["creationTimestamp"].as_str().map(|time| time.replace('Z', ".000000Z")),
        "reportingController": "tiklb.io/allocator",
        "reportingInstance": "tiklb-0",
    });
    person.wait(person.kube.create(EVENTS_V1.in_namespace("home"), &event))?;
    let output = person.kubectl("describe svc web -n home")?;
    for line in [
        "Name: web",
        "Type: LoadBalancer",
        "LoadBalancer Ingress: 192.168.1.200 (VIP)",
        "Port: http 80/TCP",
        "Endpoints: 10.42.0.7:8080",
        "External Traffic Policy: Cluster",
    ] {
        has_line(&output, line)?;
    }
    let shown = output.lines().last().unwrap_or_default();
    ensure!(
        words(shown)[..2] == ["Normal", "IPAllocated"],
        "the event is not shown:\n{output}"
    );
    ensure!(
        shown.ends_with("tiklb.io/allocator  Assigned IP [\"192.168.1.200\"]"),
        "shown otherwise:\n{output}"
    );
    let table = person.kubectl("get events -n home")?;
    ensure!(
        rows(&table)[0] == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"],
        "{table}"
    );
    ensure!(
        rows(&table)[1][1..4] == ["Normal", "IPAllocated", "service/web"],
        "{table}"
    );
    person.is_understood()
}

pub(crate) fn custom_kinds_are_at_home(person: &Person) -> anyhow::Result<()> {
    ensure!(
        person.on_file("apply", "definition.yaml")?
            == "customresourcedefinition.apiextensions.k8s.io/pools.example.com created\n",
        "not created"
    );
    person.kubectl("wait --for=condition=Established crd/pools.example.com --timeout=20s")?;
    ensure!(
        person.on_file("apply", "pool.yaml")? == "pool.example.com/lan created\n",
        "not created"
    );
    ensure!(
        person.on_file("apply", "pool.yaml")? == "pool.example.com/lan unchanged\n",
        "not unchanged"
    );
    let table = person.kubectl("get pl")?;
    ensure!(
        rows(&table)[0] == ["NAME", "AUTO", "ASSIGN", "ADDRESSES"],
        "{table}"
    );
    ensure!(
        rows(&table)[1] == ["lan", "true", "[\"192.168.1.200-192.168.1.220\"]"],
        "{table}"
    );
    let wide = person.kubectl("get pools.example.com -o wide")?;
    ensure!(
        rows(&wide)[0].last() == Some(&"OWNER") && rows(&wide)[1].last() == Some(&"ada"),
        "{wide}"
    );
    let output = person.kubectl("describe pl lan")?;
    for line in [
        "API Version: example.com/v1",
        "Auto Assign: true",
        "192.168.1.200-192.168.1.220",
        "Events: <none>",
    ] {
        has_line(&output, line)?;
    }
    let resources = person.kubectl("api-resources")?;
    has_line(&resources, "pools pl example.com/v1 true Pool")?;
    has_line(&resources, "services svc v1 true Service")?;
    let complaint = person.kubectl_fails(&format!("apply -f {}", fixture("pool-misspelt.yaml")))?;
    ensure!(
        complaint.contains("strict decoding error: unknown field \"spec.autoAsign\""),
        "{complaint}"
    );
    let complaint = person.kubectl_fails(&format!("apply -f {}", fixture("pool-empty.yaml")))?;
    ensure!(
        complaint.contains("spec.addresses: Required value"),
        "{complaint}"
    );
    let output = person.kubectl("delete crd pools.example.com")?;
    ensure!(output.contains("\"pools.example.com\" deleted"), "{output}");
    person.is_understood()
}

pub(crate) fn nodes_and_the_rest_have_their_columns(person: &Person) -> anyhow::Result<()> {
    let node = json!({
        "metadata": { "name": "node-1", "labels": { "node-role.kubernetes.io/control-plane": "" } },
        "status": {
            "addresses": [{ "type": "InternalIP", "address": "192.168.1.11" }],
            "conditions": [{ "type": "Ready", "status": "True" }],
            "nodeInfo": { "kubeletVersion": "v1.34.0" },
        },
    });
    let pod = json!({
        "metadata": { "name": "speaker-1" },
        "spec": { "nodeName": "node-1", "containers": [{ "name": "speaker", "image": "tiklb" }] },
    });
    let lease = json!({ "metadata": { "name": "tiklb" }, "spec": { "holderIdentity": "tiklb-0" } });
    let map = json!({ "metadata": { "name": "settings" }, "data": { "a": "1", "b": "2" } });
    person.wait(async {
        person.kube.create(NODES, &node).await?;
        person.kube.create(PODS.in_namespace("default"), &pod).await?;
        person.kube.create(LEASES.in_namespace("default"), &lease).await?;
        person
            .kube
            .create(CONFIG_MAPS.in_namespace("default"), &map)
            .await
    })?;
    let table = person.kubectl("get nodes -o wide")?;
    ensure!(
        rows(&table)[1][..3] == ["node-1", "Ready", "control-plane"],
        "{table}"
    );
    ensure!(
        rows(&table)[1][4..7] == ["v1.34.0", "192.168.1.11", "<none>"],
        "{table}"
    );
    let table = person.kubectl("get pods -o wide")?;
    ensure!(
        rows(&table)[1][..4] == ["speaker-1", "0/1", "Pending", "0"],
        "{table}"
    );
    ensure!(rows(&table)[1][6] == "node-1", "{table}");
    ensure!(
        rows(&person.kubectl("get lease")?)[1][..2] == ["tiklb", "tiklb-0"],
        "no holder"
    );
    ensure!(
        rows(&person.kubectl("get cm settings")?)[1][..2] == ["settings", "2"],
        "no entries"
    );
    ensure!(
        rows(&person.kubectl("get ns default")?)[1][..2] == ["default", "Active"],
        "no phase"
    );
    person.kubectl("describe node node-1")?;
    person.is_understood()
}

pub(crate) fn watching_shows_changes(person: &Person) -> anyhow::Result<()> {
    person.on_file("apply", "service.yaml")?;
    let meanwhile = async {
        let ingress = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "192.168.1.200" }] } } });
        person
            .kube
            .patch_status(SERVICES.in_namespace("home"), "web", &ingress)
            .await?;
        Ok(())
    };
    let lines = person.until("get svc -n home -w", meanwhile, |line| {
        line.contains("192.168.1.200")
    })?;
    ensure!(
        lines.iter().any(|line| line.contains("<pending>")),
        "not from the beginning: {lines:?}"
    );
    person.is_understood()
}

pub(crate) fn patching_labelling_and_waiting_work(person: &Person) -> anyhow::Result<()> {
    person.on_file("apply", "service.yaml")?;
    person.kubectl("label svc web -n home team=home")?;
    person.kubectl("annotate svc web -n home tiklb.io/confirm=1234")?;
    person.kubectl("patch svc web -n home --type=merge -p {\"spec\":{\"sessionAffinity\":\"ClientIP\"}}")?;
    person
        .kubectl("patch svc web -n home -p {\"spec\":{\"ports\":[{\"port\":53,\"$patch\":\"delete\"}]}}")?;
    let service = person.wait(person.kube.get(SERVICES.in_namespace("home"), "web"))?;
    ensure!(service["metadata"]["labels"]["team"] == "home", "{service}");
    ensure!(
        service["metadata"]["annotations"]["tiklb.io/confirm"] == "1234",
        "{service}"
    );
    ensure!(service["spec"]["sessionAffinity"] == "ClientIP", "{service}");
    ensure!(
        service["spec"]["ports"]
            .as_array()
            .is_some_and(|ports| ports.len() == 1),
        "{service}"
    );
    address(person)?;
    let path = "--for=jsonpath={.status.loadBalancer.ingress[0].ip}=192.168.1.200";
    person.kubectl(&format!("wait svc/web -n home {path} --timeout=20s"))?;
    ensure!(
        person.kubectl("get svc -n home -l team=home -o name")? == "service/web\n",
        "not selected"
    );
    person.is_understood()
}

pub(crate) fn deleting_waits_until_it_is_done(person: &Person) -> anyhow::Result<()> {
    person.on_file("apply", "service.yaml")?;
    let services = SERVICES.in_namespace("home");
    let held = json!({ "metadata": { "finalizers": ["tiklb.io/row"] } });
    person.wait(person.kube.merge_patch(&services, "web", &held))?;
    let output = person.kubectl("delete svc web -n home --wait=false")?;
    ensure!(output.contains("\"web\" deleted"), "{output}");
    ensure!(
        person.kubectl("get svc web -n home -o name")? == "service/web\n",
        "gone in spite of its finalizer"
    );
    let free = json!({ "metadata": { "finalizers": null } });
    person.wait(person.kube.merge_patch(&services, "web", &free))?;
    let complaint = person.kubectl_fails("get svc web -n home")?;
    ensure!(complaint.contains("services \"web\" not found"), "{complaint}");
    let output = person.kubectl("delete secret mikrotik -n home")?;
    ensure!(output.contains("\"mikrotik\" deleted"), "{output}");
    person.on_file("apply", "service.yaml")?;
    // The namespace goes first and takes the rest with it, without the pause that a real cluster's controller makes.
    person.on_file("delete --ignore-not-found", "service.yaml")?;
    let complaint = person.kubectl_fails("get ns home")?;
    ensure!(complaint.contains("namespaces \"home\" not found"), "{complaint}");
    person.is_understood()
}

pub(crate) fn what_is_not_spoken_is_said_and_remembered(person: &Person) -> anyhow::Result<()> {
    let pod =
        json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "a" }] } });
    person.wait(person.kube.create(PODS.in_namespace("default"), &pod))?;
    let complaint = person.kubectl_fails("logs one")?;
    ensure!(complaint.contains("does not support"), "{complaint}");
    person.on_file("apply", "service.yaml")?;
    let complaint = person.kubectl_fails(&format!(
        "apply --server-side -f {}",
        fixture("service-changed.yaml")
    ))?;
    ensure!(
        complaint.contains("does not support application/apply-patch+yaml"),
        "{complaint}"
    );
    let complaint = person.kubectl_fails("get statefulsets")?;
    ensure!(
        complaint.contains("doesn't have a resource type \"statefulsets\""),
        "{complaint}"
    );
    let remembered = person.server.unsupported();
    ensure!(
        remembered.iter().any(|request| request.contains("pods/one/log")),
        "{remembered:?}"
    );
    ensure!(
        remembered.iter().any(|request| request.contains("patch")),
        "{remembered:?}"
    );
    Ok(())
}
