//! Why there is no connection, as far as its failure tells.

/// What the failure of a connection points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoConnection {
    /// The name has no address.
    Name,
    /// Nothing answers.
    Silence,
    /// The host is there and nothing listens on the port.
    ServiceOff,
    /// It was taken and closed again before a word: what RouterOS does with a host that is not in the service's
    /// address list.
    AddressList,
    /// The router broke the TLS handshake off: www-ssl is on and has no certificate.
    NoCertificate,
    /// Anything else: something that is no TLS, for example.
    Other,
}

impl NoConnection {
    /// What a person should do about it.
    pub(super) fn remedy(self, service: &str) -> String {
        let with_certificate = if service == "www-ssl" {
            " with a certificate"
        } else {
            ""
        };
        match self {
            Self::Name => "check the name in url; an address of the router does as well".to_owned(),
            Self::Silence => {
                "check the address and the port, that the router is on, and that no firewall between it \
                              and this host, nor its own, drops the connection"
                    .to_owned()
            }
            Self::ServiceOff => {
                format!("enable {service}{with_certificate} in the router's /ip/service, and check the port")
            }
            Self::AddressList => format!(
                "add the addresses that this host's requests come from to address= of {service} in the router's \
                 /ip/service"
            ),
            Self::NoCertificate => {
                format!("give {service} a certificate in the router's /ip/service, one with a private key")
            }
            Self::Other => format!(
                "check the address and the port, that the router's /ip/service has {service} \
                 enabled{with_certificate}, and that the service's address list and the firewall allow this host"
            ),
        }
    }
}
