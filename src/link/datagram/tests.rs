//! What the kernel's errors are called. The socket itself is in the `link` test target.

use nix::libc;

use super::*;

#[test]
fn each_error_of_a_send_has_its_name() {
    let to: SocketAddr = "192.0.2.1:7946".parse().unwrap();
    let name = |errno| match refused(100, to, io::Error::from_raw_os_error(errno)) {
        SendError::Full(_) => "full",
        SendError::Unreachable { .. } => "unreachable",
        SendError::Forbidden(_) => "forbidden",
        SendError::TooLong { .. } => "too long",
        SendError::Io { .. } => "other",
    };
    let table = [
        (libc::EAGAIN, "full"),
        (libc::ENOBUFS, "full"),
        (libc::EPERM, "forbidden"),
        (libc::EACCES, "forbidden"),
        (libc::EMSGSIZE, "too long"),
        (libc::ENETUNREACH, "unreachable"),
        (libc::EHOSTUNREACH, "unreachable"),
        (libc::ENETDOWN, "unreachable"),
        (libc::EHOSTDOWN, "unreachable"),
        (libc::ECONNREFUSED, "unreachable"),
        (libc::EINVAL, "other"),
    ];
    for (errno, expected) in table {
        assert_eq!(name(errno), expected, "errno {errno}");
    }
}

#[test]
fn a_kernel_without_ipv6_is_told_from_a_taken_port() {
    for (code, expected) in [
        (libc::EAFNOSUPPORT, true),
        (libc::EADDRNOTAVAIL, true),
        (libc::EADDRINUSE, false),
        (libc::EACCES, false),
    ] {
        let error = io::Error::from_raw_os_error(code);
        assert_eq!(pair::is_without_ipv6(&error), expected, "{error}");
    }
}
