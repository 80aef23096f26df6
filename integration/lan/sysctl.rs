//! Kernel settings of a network namespace, written from a thread inside it.

use std::io;

/// What every host starts from. A new namespace copies the machine's IPv4 settings (`devconf_inherit_init_net`), and a
/// LAN must not behave differently on a machine whose owner has tuned them.
const PLAIN: [(&str, &str); 10] = [
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.ipv4.conf.all.arp_ignore", "0"),
    ("net.ipv4.conf.all.arp_announce", "0"),
    ("net.ipv4.conf.all.arp_filter", "0"),
    ("net.ipv4.conf.all.arp_accept", "0"),
    ("net.ipv4.conf.all.arp_notify", "0"),
    ("net.ipv4.conf.all.proxy_arp", "0"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.ip_forward", "0"),
];

/// Node of a cluster: forwards, and its kernel answers ARP only for addresses of the interface asked, as strictARP
/// demands. So an address on `lo` is answered for by tiklb or by nobody.
///
/// A redirect for every packet that leaves by the way it came would use up the kernel's allowance of ICMP errors to that
/// client, and kube-proxy's refusals are such errors. Off only where neither `all` nor the interface, which takes the
/// default when it comes, says yes.
pub(super) const NODE: [(&str, &str); 4] = [
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.arp_ignore", "1"),
    ("net.ipv4.conf.all.arp_announce", "2"),
];

/// Router: forwards.
pub(super) const ROUTER: [(&str, &str); 1] = [("net.ipv4.ip_forward", "1")];

/// No IPv6, so that neighbour and router solicitations do not stand among the frames that a person looks at.
pub(super) const WITHOUT_IPV6: [(&str, &str); 2] = [
    ("net.ipv6.conf.all.disable_ipv6", "1"),
    ("net.ipv6.conf.default.disable_ipv6", "1"),
];

/// The same for interfaces yet to come only: `lo` of the sandbox keeps its `::1`.
pub(super) const NEW_LINKS_WITHOUT_IPV6: [(&str, &str); 1] = [("net.ipv6.conf.default.disable_ipv6", "1")];

/// Addresses work at once: no duplicate address detection, no router's advice.
pub(super) const WITH_IPV6: [(&str, &str); 2] = [
    ("net.ipv6.conf.default.accept_dad", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
];

/// Sets the calling thread's namespace to [`PLAIN`].
pub(super) fn write_plain() -> io::Result<()> {
    PLAIN.iter().try_for_each(|(key, value)| write(key, value))
}

/// Writes one setting of the calling thread's namespace. IPv6 settings on a kernel without IPv6 are as good as written.
pub(super) fn write(key: &str, value: &str) -> io::Result<()> {
    let path = format!("/proc/sys/{}", key.replace('.', "/"));
    match std::fs::write(&path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && key.starts_with("net.ipv6.") => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), format!("{path}: {error}"))),
        Ok(()) => Ok(()),
    }
}
