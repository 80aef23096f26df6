//! Names of routers, asked of the servers in `/etc/resolv.conf`, after `/etc/hosts`.
//!
//! Not by the C library: its resolver loads the modules that `/etc/nsswitch.conf` names, and tiklb is one static program in an
//! image without any. Where there is no `/etc/resolv.conf` that is an error; the name of somebody's router is told to no
//! server that nobody has chosen.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

/// Why a name has no address. It is the innermost error, whose words a person reads, so that the library's are in it.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("reading /etc/resolv.conf: {0}")]
    Configuration(NetError),
    #[error("asking the servers of /etc/resolv.conf for {name}: {why}")]
    Lookup { name: String, why: NetError },
}

/// Asks for names. The files are read when the first one is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolver(Arc<OnceCell<TokioResolver>>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self(resolver) = self.clone();
        Box::pin(async move {
            let resolver = resolver.get_or_try_init(async || configured()).await?;
            let found = resolver.lookup_ip(name.as_str()).await;
            let found = found.map_err(|why| Error::Lookup {
                name: name.as_str().to_owned(),
                why,
            })?;
            // The port is the URL's.
            let addresses: Vec<SocketAddr> = found.iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

fn configured() -> Result<TokioResolver, Error> {
    let mut builder = TokioResolver::builder_tokio().map_err(Error::Configuration)?;
    // Whichever answers: a home's router has both, or one.
    builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build().map_err(Error::Configuration)
}
