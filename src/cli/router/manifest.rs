//! The Secret and the MikrotikRouter that a look at a router ends in, as YAML for Git.

use std::fmt;

use anyhow::{Context, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// What stands in the Secret as long as nobody asked for the password.
const PLACEHOLDER: &str = "REPLACE-ME";

/// How the router's certificate is trusted from now on.
pub(super) enum Trusted {
    /// By the CA of this PEM bundle.
    Authority {
        pem: String,
        server_name: Option<String>,
    },
    /// By its key.
    Pins(Vec<String>),
    /// It shows none: http.
    Plain,
}

/// What is printed.
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) url: String,
    pub(super) cluster_name: String,
    pub(super) username: String,
    /// Only where a person asked for it.
    pub(super) password: Option<SecretString>,
    pub(super) trusted: Trusted,
    /// Why `mode` is DryRun; `None`: it is Enforce.
    pub(super) dry_run: Option<String>,
}

impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Manifest {
    /// All documents.
    pub(super) fn yaml(&self) -> Result<String> {
        let secret = self.credentials_name();
        let password = self
            .password
            .as_ref()
            .map_or(PLACEHOLDER, ExposeSecret::expose_secret);
        let mut parts = vec![if self.password.is_some() {
            "# Holds a password: encrypt it before it goes into Git.\n".to_owned()
        } else {
            "# Put the password in, and encrypt it before it goes into Git; or leave this object out and create it by hand.\n".to_owned()
        }];
        parts.push(document(&self.secret(
            &secret,
            &json!({"username": self.username, "password": password}),
        ))?);
        if let Trusted::Authority { pem, .. } = &self.trusted {
            parts.push("---\n# The CA that signed the router's certificate: no secret.\n".to_owned());
            parts.push(document(
                &self.secret(&self.authority_name(), &json!({"ca.crt": pem})),
            )?);
        }
        parts.push("---\n".to_owned());
        if let Some(why) = &self.dry_run {
            parts.push(format!("# DryRun: {why}\n"));
        } else {
            parts.push(
                "# DryRun first, if you want to read the plan in status.pendingPlan: mode: DryRun\n"
                    .to_owned(),
            );
        }
        parts.push(document(&self.router(&secret))?);
        Ok(parts.concat())
    }

    fn credentials_name(&self) -> String {
        format!("{}-credentials", self.name)
    }

    fn authority_name(&self) -> String {
        format!("{}-ca", self.name)
    }

    fn secret(&self, name: &str, data: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.namespace},
            "type": "Opaque",
            "stringData": data,
        })
    }

    fn router(&self, secret: &str) -> Value {
        let mut spec = json!({
            "url": self.url,
            "clusterName": self.cluster_name,
            "credentialsSecretRef": {"name": secret},
            "mode": if self.dry_run.is_some() { "DryRun" } else { "Enforce" },
        });
        match &self.trusted {
            Trusted::Authority { server_name, .. } => {
                spec["tls"] = json!({"caSecretRef": {"name": self.authority_name(), "key": "ca.crt"}});
                if let Some(name) = server_name {
                    spec["tls"]["serverName"] = name.as_str().into();
                }
            }
            Trusted::Pins(pins) => spec["tls"] = json!({"pins": pins}),
            Trusted::Plain => spec["allowPlainHttp"] = true.into(),
        }
        json!({
            "apiVersion": "tiklb.io/v1alpha1",
            "kind": "MikrotikRouter",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": spec,
        })
    }
}

fn document(object: &Value) -> Result<String> {
    serde_saphyr::to_string(object).context("writing the objects as YAML")
}
