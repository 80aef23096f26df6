//! `MikrotikRouter`: what core decides on, and how the router is reached.

use tiklb_core::config::object::{
    self as config, ArpRows, Assignment, Confirmed, RouterMode, RouterObject, RouterSpec, Taken,
};
use tiklb_core::model::Timestamp;

use super::selector::selector;
use super::{Known, Stored, Verdict, key_of, seniority_of, uid_of};
use crate::api::router::{Arp, Assignment as WrittenAssignment, Evict, Mode, Tls};
use crate::api::{
    self, Decoded, MikrotikRouter, MikrotikRouterSpec, MikrotikRouterStatus, annotation, finalizer,
};

/// A router's object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRouter {
    /// What core decides on.
    pub object: RouterObject,
    /// How the router is reached; `None` where the spec cannot be decoded.
    pub access: Option<RouterAccess>,
}

/// How a router is reached, as its object says it: no secret is in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterAccess {
    /// `https://192.168.1.1`.
    pub url: String,
    /// Whether the url may be http.
    pub allow_plain_http: bool,
    /// The Secret that holds the keys `username` and `password`.
    pub credentials: String,
    /// Secret and key of the CA's certificate.
    pub ca: Option<SecretKey>,
    /// Digests of trusted keys.
    pub pins: Vec<String>,
    /// The name in the certificate, where it is not the url's.
    pub server_name: Option<String>,
}

impl RouterAccess {
    /// The Secrets that it needs.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let ca = self.ca.iter().map(|ca| ca.secret.as_str());
        ca.chain([self.credentials.as_str()])
    }
}

/// One key of a Secret beside the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret.
    pub secret: String,
    /// The key.
    pub key: String,
}

/// Digits of a cluster's UID that stand on the router.
const UID_SHOWN: usize = 8;

/// A router; of one that cannot be decoded, why.
pub fn router(Decoded(object): Decoded<MikrotikRouter>) -> Verdict<Known<SeenRouter>> {
    let (metadata, written, status, stored) = match object {
        Ok(object) => {
            let stored = Stored::of(&object.metadata, object.status.as_ref());
            let status = object.status.unwrap_or_default();
            (object.metadata, Ok(object.spec), status, stored)
        }
        Err(bad) => {
            let stored = Stored::undecoded(&bad.metadata);
            let why = bad.error.to_string();
            (bad.metadata, Err(why), MikrotikRouterStatus::default(), stored)
        }
    };
    let access = written.as_ref().ok().map(access);
    let undecoded = written.is_err();
    let (spec, taken, record_unknown) = match (written.and_then(spec), taken(status.taken)) {
        // Without the record of what was taken nothing is done on the router.
        (_, Err(why)) => (Err(why), Vec::new(), true),
        (spec, Ok(taken)) => (spec, taken, undecoded),
    };
    let key = key_of(&metadata);
    let object = RouterObject {
        key: key.clone(),
        uid: uid_of(&metadata),
        resource_version: stored.resource_version.clone(),
        generation: metadata.generation.unwrap_or_default(),
        seniority: seniority_of(&metadata, &key),
        deleting: metadata.deletion_timestamp.is_some(),
        finalizer: stored.finalizers.iter().any(|name| name == finalizer::RELEASE),
        spec,
        record_unknown,
        taken,
        serial: status.serial,
        identity: status.identity,
        confirm: metadata
            .annotations
            .as_ref()
            .and_then(|annotations| annotations.get(annotation::CONFIRM))
            .cloned(),
        confirmed: confirmed(status.confirmed.unwrap_or_default()),
    };
    let value = SeenRouter { object, access };
    Verdict::Keep(Known { value, stored })
}

fn access(written: &MikrotikRouterSpec) -> RouterAccess {
    let tls = written.tls.clone().unwrap_or_default();
    RouterAccess {
        url: written.url.clone(),
        allow_plain_http: written.allow_plain_http,
        credentials: written.credentials_secret_ref.name.clone(),
        ca: tls.ca_secret_ref.map(|ca| SecretKey {
            secret: ca.name,
            key: ca.key,
        }),
        pins: tls.pins,
        server_name: tls.server_name,
    }
}

fn spec(written: MikrotikRouterSpec) -> Result<RouterSpec, String> {
    let unsupported = unsupported(&written);
    let pool_selector =
        selector(written.pool_selector).map_err(|error| format!("spec.poolSelector: {error}"))?;
    Ok(RouterSpec {
        url: written.url,
        cluster_name: written.cluster_name,
        adopt_from: written
            .adopt_from
            .map(|uid| uid.chars().take(UID_SHOWN).collect()),
        mode: match written.mode {
            Mode::Enforce => RouterMode::Enforce,
            Mode::DryRun => RouterMode::DryRun,
            Mode::Paused => RouterMode::Paused,
        },
        pool_selector,
        shrink_pools: written.dhcp.shrink_pools,
        min_free_addresses: written.dhcp.min_free_addresses,
        allowed_pools: written.dhcp.pools,
        evict: match written.dhcp.evict {
            Evict::Never => config::Evict::Never,
            Evict::OnRequest => config::Evict::OnRequest,
        },
        leases: written.reservations.leases,
        arp: match written.reservations.arp {
            Arp::Visible => ArpRows::Visible,
            Arp::Always => ArpRows::Always,
            Arp::Never => ArpRows::Never,
        },
        assignment: match written.assignment {
            WrittenAssignment::Proven => Assignment::Proven,
            WrittenAssignment::Surveyed => Assignment::Surveyed,
        },
        poll_interval: written.poll_interval.get(),
        release_delay: written.release_delay.get(),
        accept_untested: written.accept_untested_version,
        accept_serial: Some(written.accept_serial).filter(|serial| !serial.is_empty()),
        unsupported,
    })
}

/// Fields that are written and that this version does not act on, with what it does instead.
fn unsupported(written: &MikrotikRouterSpec) -> Vec<String> {
    let tls = written.tls.iter();
    tls.flat_map(|tls| idle_tls(&written.url, tls)).collect()
}

/// Parts of `spec.tls` that have no effect in their combination.
fn idle_tls(url: &str, tls: &Tls) -> Vec<String> {
    if url.starts_with("http://") {
        return vec!["spec.tls (spec.url is http)".to_owned()];
    }
    if tls.server_name.is_some() && tls.ca_secret_ref.is_none() {
        return vec!["spec.tls.serverName (a pin trusts the key whatever its name)".to_owned()];
    }
    Vec::new()
}

fn confirmed(written: api::router::Confirmed) -> Confirmed {
    Confirmed {
        removals: written.removals.split_whitespace().map(str::to_owned).collect(),
        word: written.hash,
    }
}

fn taken(written: Vec<api::router::Taken>) -> Result<Vec<Taken>, String> {
    let one = |(at, taken): (usize, api::router::Taken)| {
        let ranges = taken.ranges.parse().map_err(|error| {
            format!("status.taken[{at}].ranges: {error}; it is the record of what was taken from the router, so nothing is done there until it is mended")
        })?;
        Ok(Taken {
            pool: taken.pool,
            server: taken.server,
            ranges,
            since: taken
                .since
                .map_or(Timestamp::default(), |time| Timestamp(time.0.as_second())),
        })
    };
    written.into_iter().enumerate().map(one).collect()
}
