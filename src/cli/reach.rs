//! How a router is reached from a person's shell: by what its object and Secrets say, and by flags where they are
//! given.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::FalseyValueParser;
use routeros::client::{Client, Credentials, Endpoint, Observer, RequestReport, SpkiPin, Timeouts, Trust};
use secrecy::SecretString;
use tiklb_core::model::RangeSet;
use tiklb_core::reservation::{Failure, FailureKind};

use crate::allocator::router::connection::connection;
use crate::allocator::router::failure::failure;
use crate::cluster::object::router::RouterAccess;
use crate::cluster::object::secret::SecretObject;

#[cfg(test)]
mod tests;

/// A person waits: a router that is off should not take half a minute to be called so.
const CONNECT: Duration = Duration::from_secs(5);
/// Standard input.
const STDIN: &str = "-";

/// Flags about the account and the certificate. Each goes before what a MikrotikRouter and its Secrets say.
#[derive(Clone, Args)]
#[command(next_help_heading = "How the router is reached")]
pub(super) struct Reach {
    /// The router's user
    #[arg(long, env = "TIKLB_USERNAME", value_name = "NAME")]
    username: Option<String>,

    /// Its password; better in the variable or a file, since others on this machine can read a command line
    #[arg(long, env = "TIKLB_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,

    /// A file with its password; - reads standard input
    #[arg(
        long,
        env = "TIKLB_PASSWORD_FILE",
        value_name = "FILE",
        conflicts_with = "password"
    )]
    password_file: Option<PathBuf>,

    /// The certificate, in PEM, of the CA that signed the router's
    #[arg(long, env = "TIKLB_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,

    /// The pin of the router's key, sha256/…, as `tiklb router enroll` shows it; several with commas
    #[arg(long, env = "TIKLB_PIN", value_name = "PIN", value_delimiter = ',')]
    pin: Vec<SpkiPin>,

    /// The name in the router's certificate, where it is not the one in the URL
    #[arg(long, env = "TIKLB_SERVER_NAME", value_name = "NAME")]
    server_name: Option<String>,

    /// Allow a URL that begins with http://, where anybody on the way reads the password
    #[arg(long, env = "TIKLB_ALLOW_PLAIN_HTTP", value_parser = FalseyValueParser::new())]
    allow_plain_http: bool,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").finish_non_exhaustive()
    }
}

/// What flags say, read and looked through.
#[derive(Clone, Default)]
pub(super) struct Given {
    pub(super) username: Option<String>,
    pub(super) password: Option<SecretString>,
    pub(super) ca: Option<Vec<u8>>,
    pub(super) pins: Vec<SpkiPin>,
    pub(super) server_name: Option<String>,
    pub(super) allow_plain_http: bool,
}

impl Reach {
    /// Reads the files that are named.
    ///
    /// # Errors
    /// One cannot be read, or one of user and password is missing.
    pub(super) fn given(&self) -> Result<Given> {
        let password = match &self.password_file {
            Some(file) => Some(password(file)?),
            None => self.password.clone(),
        };
        match (&self.username, &password) {
            (Some(_), None) => {
                bail!("--username needs a password: give --password-file FILE, or TIKLB_PASSWORD")
            }
            (None, Some(_)) => bail!("a password needs a user: give --username NAME, or TIKLB_USERNAME"),
            _ => {}
        }
        let ca = self.ca_file.as_ref().map(|file| {
            std::fs::read(file)
                .with_context(|| format!("reading {}: --ca-file names a certificate in PEM", file.display()))
        });
        Ok(Given {
            username: self.username.clone(),
            password,
            ca: ca.transpose()?,
            pins: self.pin.clone(),
            server_name: self.server_name.clone(),
            allow_plain_http: self.allow_plain_http,
        })
    }
}

fn password(file: &Path) -> Result<SecretString> {
    let mut text = String::new();
    if file.as_os_str() == STDIN {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("reading the password from standard input")?;
    } else {
        text = std::fs::read_to_string(file)
            .with_context(|| format!("reading {}, which --password-file names", file.display()))?;
    }
    // An editor ends a file with a line's end that nobody means.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned().into())
}

/// Where an object and its Secrets say how a router is reached.
pub(super) struct Said<'a> {
    pub(super) namespace: &'a str,
    pub(super) access: &'a RouterAccess,
    pub(super) secrets: &'a BTreeMap<String, SecretObject>,
}

impl Given {
    /// Whether flags say anything at all.
    fn is_empty(&self) -> bool {
        self.username.is_none() && !self.has_trust() && self.server_name.is_none() && !self.allow_plain_http
    }

    /// Whether flags say which certificate is trusted.
    pub(super) fn has_trust(&self) -> bool {
        self.ca.is_some() || !self.pins.is_empty()
    }

    /// A client for `url`, by flags, and by what was said where flags are silent.
    ///
    /// # Errors
    /// What is missing or cannot be used.
    pub(super) fn client(&self, url: &str, said: Option<&Said<'_>>) -> Result<Client, Failure> {
        match said {
            Some(said) if self.is_empty() && said.access.url == url => {
                let connection = connection(said.namespace, said.access, said.secrets).map_err(or_flags)?;
                connection
                    .peer
                    .client(connection.credentials, timeouts(), Arc::new(Silent))
            }
            _ => {
                let endpoint = self.endpoint(url, said)?;
                Client::observed(endpoint, Arc::new(Silent)).map_err(|error| in_flags(failure(&error)))
            }
        }
    }

    fn endpoint(&self, url: &str, said: Option<&Said<'_>>) -> Result<Endpoint, Failure> {
        let access = said.map(|said| said.access);
        let (ca, pins) = if self.has_trust() {
            (self.ca.clone(), self.pins.clone())
        } else {
            said.map_or(Ok((None, Vec::new())), Said::trust)?
        };
        let trust = Trust::new(ca.as_deref(), pins).map_err(|error| self.distrust(failure(&error)))?;
        let said_name = access.and_then(|access| access.server_name.clone());
        Ok(Endpoint {
            url: url.to_owned(),
            trust,
            server_name: self.server_name.clone().or(said_name),
            credentials: self.credentials(said)?,
            allow_plain_http: self.allow_plain_http || access.is_some_and(|access| access.allow_plain_http),
            timeouts: timeouts(),
        })
    }

    /// Says whose the certificate was that cannot be used.
    fn distrust(&self, failure: Failure) -> Failure {
        if self.has_trust() {
            return in_flags(failure);
        }
        Failure {
            message: format!(
                "{}: correct the Secret that it names, or give --ca-file",
                failure.message
            ),
            ..failure
        }
    }

    fn credentials(&self, said: Option<&Said<'_>>) -> Result<Credentials, Failure> {
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            return Ok(Credentials::new(username, password.clone()));
        }
        let Some(said) = said else {
            return Err(Failure {
                kind: FailureKind::SecretMissing,
                message: "no user is known for it: give --username and --password-file (or TIKLB_USERNAME and TIKLB_PASSWORD), or the Secret's manifest with -f".to_owned(),
            });
        };
        // The certificate is looked at elsewhere: here it must not be missed.
        let access = RouterAccess {
            ca: None,
            pins: Vec::new(),
            ..said.access.clone()
        };
        let connection = connection(said.namespace, &access, said.secrets).map_err(or_flags)?;
        Ok(connection.credentials)
    }
}

/// Whoever types a command may have at hand what no Secret of the cluster has.
fn or_flags(failure: Failure) -> Failure {
    if failure.kind != FailureKind::SecretMissing {
        return failure;
    }
    Failure {
        message: format!(
            "{}; or give its manifest with -f, or what it would hold with --username, --password-file and --ca-file",
            failure.message
        ),
        ..failure
    }
}

impl Said<'_> {
    fn trust(&self) -> Result<(Option<Vec<u8>>, Vec<SpkiPin>), Failure> {
        let invalid = |message: String| Failure {
            kind: FailureKind::InvalidSpec,
            message,
        };
        let pins = self.access.pins.iter().enumerate().map(|(at, pin)| {
            pin.parse()
                .map_err(|error| invalid(format!("spec.tls.pins[{at}]: {error}")))
        });
        let ca = self.access.ca.as_ref().map(|ca| {
            let found = self.secrets.get(&ca.secret).and_then(|secret| secret.get(&ca.key));
            found.map(<[u8]>::to_vec).ok_or_else(|| Failure {
                kind: FailureKind::SecretMissing,
                message: format!(
                    "Secret {}/{}, key {}, which spec.tls.caSecretRef names, is not there: give its manifest with -f, or --ca-file",
                    self.namespace, ca.secret, ca.key
                ),
            })
        });
        Ok((ca.transpose()?, pins.collect::<Result<_, _>>()?))
    }
}

fn timeouts() -> Timeouts {
    Timeouts {
        connect: CONNECT,
        ..Timeouts::default()
    }
}

/// The client names the fields of an object; whoever gave flags knows those.
pub(super) fn in_flags(failure: Failure) -> Failure {
    let flags = [
        (
            "the Secret that credentialsSecretRef names",
            "--username and --password-file",
        ),
        (
            "put them into the Secret of credentialsSecretRef",
            "give --username and --password-file",
        ),
        ("the bundle of tls.caSecretRef", "the bundle of --ca-file"),
        ("put the one that did there", "give the one that did"),
        ("the CA in tls.caSecretRef", "the CA in --ca-file"),
        (
            "set tls.caSecretRef to the CA that signed it",
            "give the CA that signed it with --ca-file",
        ),
        ("set tls.serverName to", "give --server-name"),
        ("set tls.pins", "give --pin"),
        ("none of tls.pins", "none of --pin"),
        ("add the new pin there", "give the new pin"),
        ("set allowPlainHttp: true", "give --allow-plain-http"),
        ("tls.serverName", "--server-name"),
    ];
    let message = flags.iter().fold(failure.message, |message, (field, flag)| {
        message.replace(field, flag)
    });
    Failure { message, ..failure }
}

/// Nobody counts a person's requests.
struct Silent;

impl Observer for Silent {
    fn request(&self, _: RequestReport) {}
}

/// Reads `--range`.
///
/// # Errors
/// What is wrong with it, and how a range is written.
pub(super) fn range(text: &str) -> Result<RangeSet, String> {
    let ranges: RangeSet = text.parse().map_err(|error| {
        format!("{error}; write first-last, a network, or several of them with commas: 192.168.1.200-192.168.1.220")
    })?;
    if ranges.ranges().is_empty() || ranges.ranges().iter().any(|range| range.first().is_ipv6()) {
        return Err("write at least one IPv4 address: 192.168.1.200-192.168.1.220".to_owned());
    }
    Ok(ranges)
}

/// Reads `--cluster-name`, as the custom resource's rule has it.
///
/// # Errors
/// How such a name is written.
pub(super) fn cluster_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = text.chars().all(|c| plain(c) || c == '-');
    if (1..=20).contains(&text.len()) && inner && text.starts_with(plain) && text.ends_with(plain) {
        return Ok(text.to_owned());
    }
    Err("use at most 20 lower-case letters, digits and inner hyphens, such as home".to_owned())
}
