//! A repository as it lies in Git, with what else lies there.

use std::path::Path;

use super::*;

const NAMESPACE: &str = "metallb-system";

fn read(text: &str) -> Result<Manifests> {
    let mut found = Manifests::default();
    found.take_text(text, "a test", NAMESPACE)?;
    Ok(found)
}

#[test]
fn the_homelab_of_the_guide_is_read_as_a_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples/homelab");
    let found = Manifests::read(&[folder], NAMESPACE).unwrap();
    assert_eq!(found.services.len(), 3);
    assert_eq!(found.pools.len(), 1);
    assert_eq!(found.advertisements.len(), 1);
    assert_eq!(found.routers.len(), 1);
    let secrets = found.secrets_of(NAMESPACE);
    assert_eq!(
        secrets["mikrotik"].get("username"),
        Some(b"tiklb".as_slice()),
        "stringData is data"
    );
    assert_eq!(found.notes, [""; 0]);
}

#[test]
fn namespaces_and_families_are_what_the_api_server_would_make_of_them() {
    let found = read(
        "kind: Service\napiVersion: v1\nmetadata: {name: web}\nspec: {type: LoadBalancer}\n---\n\
         kind: IPAddressPool\napiVersion: metallb.io/v1beta1\nmetadata: {name: lan}\nspec: {addresses: [192.168.1.200-192.168.1.220]}\n",
    )
    .unwrap();
    assert_eq!(found.services[0].key, ObjectKey::new("default", "web"));
    assert!(found.services[0].cluster_ips[0].is_ipv4());
    assert_eq!(found.pools[0].key, ObjectKey::new(NAMESPACE, "lan"));
}

#[test]
fn lists_are_unpacked_and_other_kinds_are_passed_over() {
    let found = read(
        "kind: List\napiVersion: v1\nitems:\n- kind: Service\n  apiVersion: v1\n  metadata: {name: web, namespace: apps}\n  spec: {type: LoadBalancer}\n\
         - kind: Deployment\n  apiVersion: apps/v1\n  metadata: {name: web}\n---\n# nothing\n---\nkind: Kustomization\n",
    )
    .unwrap();
    assert_eq!(found.services.len(), 1);
}

#[test]
fn an_encrypted_secret_is_left_out_and_said() {
    let found = read(
        "kind: Secret\napiVersion: v1\nmetadata: {name: mikrotik}\nstringData: {password: 'ENC[AES256_GCM,data:x]'}\n",
    )
    .unwrap();
    assert!(found.secrets.is_empty());
    assert!(found.notes[0].contains("Secret mikrotik") && found.notes[0].contains("--password-file"));
}

#[test]
fn a_pool_of_an_older_metallb_is_left_out_and_said() {
    for version in ["v1beta1", "v1alpha1"] {
        let text = format!(
            "kind: AddressPool\napiVersion: metallb.io/{version}\nmetadata: {{name: old}}\nspec: {{protocol: layer2, addresses: [192.168.1.240/28]}}\n"
        );
        let found = read(&text).unwrap();
        assert!(found.pools.is_empty());
        assert!(
            found.notes[0].contains("AddressPool old") && found.notes[0].contains("IPAddressPool"),
            "{:?}",
            found.notes
        );
    }
}

#[test]
fn what_is_wrong_is_said_by_its_place_and_never_with_a_secret() {
    let error = |text: &str| format!("{:#}", read(text).err().unwrap());
    let broken = error("kind: Secret\nstringData: {password: hunter2\n");
    assert!(
        broken.starts_with("a test is no YAML:") && !broken.contains("hunter2"),
        "{broken}"
    );
    let data = error("kind: Secret\napiVersion: v1\nmetadata: {name: m}\ndata: {password: 'hunter2!'}\n");
    assert!(data.contains("stringData") && !data.contains("hunter2"), "{data}");
    let nameless = error("kind: IPAddressPool\napiVersion: metallb.io/v1beta1\nspec: {addresses: []}\n");
    assert!(
        nameless.contains("IPAddressPool has no metadata.name"),
        "{nameless}"
    );
}

#[test]
fn a_template_in_a_folder_costs_nothing_but_itself() {
    let folder = std::env::temp_dir().join(format!("tiklb-manifests-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("chart")).unwrap();
    std::fs::write(folder.join("chart/service.yaml"), "kind: {{ .Values.kind }\n").unwrap();
    std::fs::write(
        folder.join("pool.yml"),
        "kind: IPAddressPool\napiVersion: metallb.io/v1beta1\nmetadata: {name: lan}\nspec: {addresses: [192.168.1.200/30]}\n",
    )
    .unwrap();
    let found = Manifests::read(std::slice::from_ref(&folder), NAMESPACE);
    let named = Manifests::read(&[folder.join("chart/service.yaml")], NAMESPACE);
    std::fs::remove_dir_all(&folder).unwrap();
    let found = found.unwrap();
    assert_eq!(found.pools.len(), 1);
    assert!(
        found.notes[0].contains("service.yaml is left out"),
        "{:?}",
        found.notes
    );
    assert!(named.is_err(), "a file that was named is meant");
}
