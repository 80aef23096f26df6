"""Round trips of rosrestpy (typed, requests and cattrs) on pools, leases and ARP rows.

Arguments: the router's URL, its RouterOS version, the password. Expectations are literals of the references, by
version where versions differ.
"""

import sys

from ros import Error, Ros
from ros.ip import ARP, IPPool
from ros.ip.dhcp_server import DHCPLease

from checking import check, refused

url, version, password = sys.argv[1:]
release = tuple(int(part) for part in version.split("."))
ros = Ros(url, "tiklb", password)


def raw(path):
    """A row as it is on the wire, without the client's types."""
    return ros.session.get(ros.url + path).json()


# === the router itself ===
check("identity", ros.system.identity.name, "MikroTik")
check("version", ros.system.resource.version.split()[0], version)

# === pools ===
pool = ros.ip.pool.add(IPPool(name="guests", ranges="10.0.0.10-10.0.0.99", comment="by hand"))
check("pool added", (pool.id, pool.name, pool.ranges, pool.comment), ("*2", "guests", "10.0.0.10-10.0.0.99", "by hand"))
check("pool found by a filter", [row.id for row in ros.ip.pool(name="guests")], ["*2"])
check("two filters are both kept to", ros.ip.pool(name="guests", comment="other"), [])
pool = ros.ip.pool.set(pool, {"ranges": "10.0.0.10,10.0.0.20-10.0.0.29", "next-pool": "dhcp_pool"})
check("pool changed", (pool.ranges, pool.next_pool), ("10.0.0.10,10.0.0.20-10.0.0.29", "dhcp_pool"))
fixture = {
    ".id": "*2",
    "name": "guests",
    "ranges": "10.0.0.10,10.0.0.20-10.0.0.29",
    "next-pool": "dhcp_pool",
    "comment": "by hand",
}
if release >= (7, 21):
    fixture |= {"total": "11", "used": "0", "available": "11"}
check("pool on the wire", raw("/ip/pool/*2"), fixture)
check(
    "a second pool of that name",
    str(refused(Error, lambda: ros.ip.pool.add(IPPool(name="guests", ranges="10.1.0.1")))),
    "Bad Request (400): failure: pool with such name exists",
)
check(
    "a bad range",
    str(refused(Error, lambda: ros.ip.pool.set(pool, {"ranges": "10.0.0.1-x"}))),
    "Bad Request (400): value of range must have ip address after '-'",
)
# Its own remove() forgets the router's address; this is the request that it means.
check("pool removed", ros.session.delete(ros.url + "/ip/pool/" + pool.id).status_code, 204)
gone = refused(Error, lambda: ros.ip.pool.set(pool, {"comment": "x"}))
check("a pool that is gone", (gone.error, gone.message, gone.detail), (404, "Not Found", None))

# === leases ===
# It sends every default of its class: "all" as server, flags as JSON booleans.
lease = ros.ip.dhcp_server.lease.add(DHCPLease(address="192.168.1.7", mac_address="aa:bb:cc:00:00:07", comment="nas"))
check("lease added", (lease.id, lease.mac_address, lease.status), ("*1", "AA:BB:CC:00:00:07", "waiting"))
fixture = {
    ".id": "*1",
    "address": "192.168.1.7",
    "mac-address": "AA:BB:CC:00:00:07",
    "address-lists": "",
    "dhcp-option": "",
    "comment": "nas",
    "status": "waiting",
    "last-seen": "never",
    "blocked": "false",
    "radius": "false",
    "disabled": "false",
    "dynamic": "false",
}
if release >= (7, 21):
    fixture |= {
        key: ""
        for key in (
            "agent-circuit-id",
            "agent-remote-id",
            "active-agent-circuit-id",
            "active-agent-remote-id",
        )
    }
check("lease on the wire, of all servers", raw("/ip/dhcp-server/lease/*1"), fixture)
check("no lease is found by server=all", ros.ip.dhcp_server.lease(server="all"), [])
lease = ros.ip.dhcp_server.lease.set(lease, {"server": "defconf", "lease-time": "00:10:00"})
check("lease changed", (lease.server, lease.lease_time), ("defconf", "10m"))
check("lease disabled", ros.ip.dhcp_server.lease.disable(lease).id, "*1")
check("lease disabled on the wire", raw("/ip/dhcp-server/lease/*1")["disabled"], "true")
ros.ip.dhcp_server.lease.enable(lease)
twin = DHCPLease(address="192.168.1.7", mac_address="aa:bb:cc:00:00:08")
check(
    "a second lease of that address",
    str(refused(Error, lambda: ros.ip.dhcp_server.lease.add(twin))),
    "Bad Request (400): failure: already have static lease with this IP address",
)
twin = DHCPLease(address="192.168.1.8", mac_address="AA-BB-CC-00-00-07")
check(
    "a second lease of that client",
    str(refused(Error, lambda: ros.ip.dhcp_server.lease.add(twin))),
    "Bad Request (400): failure: already have static lease for this client",
)
dynamic = ros.ip.dhcp_server.lease(address="192.168.1.205")[0]
check("a client's lease", (dynamic.status, dynamic.active_address), ("bound", "192.168.1.205"))
check(
    "a client's lease is not changed",
    str(refused(Error, lambda: ros.ip.dhcp_server.lease.set(dynamic, {"comment": "x"}))),
    "Bad Request (400): failure: can not change dynamic lease",
)
check("lease removed", ros.session.delete(ros.url + "/ip/dhcp-server/lease/*1").status_code, 204)

# === ARP rows ===
row = ros.ip.arp.add(ARP(address="192.168.1.7", interface="bridge", mac_address="02:00:00:00:00:07", disabled=True))
check("ARP row added", (row.id, row.address, row.interface), ("*1", "192.168.1.7", "bridge"))
ros.ip.arp.enable(row)
fixture = {
    ".id": "*1",
    "address": "192.168.1.7",
    "mac-address": "02:00:00:00:00:07",
    "interface": "bridge",
    "published": "false",
    "disabled": "false",
    "dynamic": "false",
    "invalid": "false",
    "complete": "true",
    "status": "permanent",
    ("dhcp" if release >= (7, 21) else "DHCP"): "false",
}
check("ARP row on the wire", raw("/ip/arp/*1"), fixture)
check(
    "an interface that is not there",
    str(refused(Error, lambda: ros.ip.arp.set(row, {"interface": "nowhere"}))),
    "Bad Request (400): input does not match any value of interface",
)
check("ARP row removed", ros.session.delete(ros.url + "/ip/arp/*1").status_code, 204)

# === a wrong password ===
stranger = refused(Error, lambda: Ros(url, "tiklb", "wrong").ip.pool())
check("a wrong password", (stranger.error, stranger.message, stranger.detail), (401, "Unauthorized", None))
