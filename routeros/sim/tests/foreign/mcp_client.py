"""Round trips of mikrotik-rest-mcp-server's HTTP client (urllib) on pools, leases and ARP rows.

Arguments: the router's URL, its RouterOS version, the password. Expectations are literals of the references.
"""

import os
import sys

url, version, password = sys.argv[1:]
# The client reads its settings when it is imported.
os.environ |= {"MIKROTIK_BASE": url, "MIKROTIK_USERNAME": "tiklb", "MIKROTIK_PASSWORD": password}

from mikrotik_rest_mcp.catalog import READ_ENDPOINTS
from mikrotik_rest_mcp.client import RouterOSClient, RouterOSError

from checking import check, refused

client = RouterOSClient()
pools, leases, arp = READ_ENDPOINTS["ip_pools"], READ_ENDPOINTS["dhcp_leases"], READ_ENDPOINTS["arp"]

# === pools ===
wanted = [{".id": "*1", "name": "dhcp_pool", "ranges": "192.168.1.100-192.168.1.254"}]
check("pools, projected", client.request("GET", f"{pools}?.proplist=name,ranges"), wanted)
pool = client.request("PUT", pools, {"name": "guests", "ranges": "10.0.0.0/29"})
check("pool added", (pool[".id"], pool["name"], pool["ranges"]), ("*2", "guests", "10.0.0.0/29"))
pool = client.request("PATCH", f"{pools}/*2", {"ranges": "10.0.0.1-10.0.0.6", "comment": "by hand"})
check("pool changed", (pool["ranges"], pool["comment"]), ("10.0.0.1-10.0.0.6", "by hand"))
query = {".query": ["name=guests", "name=dhcp_pool", "#|"], ".proplist": ["name"]}
names = [{".id": "*1", "name": "dhcp_pool"}, {".id": "*2", "name": "guests"}]
check("pools by a query of words", client.request("POST", f"{pools}/print", query), names)
query = {".query": ["-comment"], ".proplist": "name"}
check("pools without a comment", client.request("POST", f"{pools}/print", query), names[:1])
check("pool removed, with an empty body", client.request("DELETE", f"{pools}/*2"), {"ok": True, "status": 204})
check(
    "a pool that is gone",
    str(refused(RouterOSError, lambda: client.request("DELETE", f"{pools}/*2"))),
    'HTTP 404 for /rest/ip/pool/*2: {"error":404,"message":"Not Found"}',
)

# === leases ===
new = {"address": "192.168.1.7", "mac-address": "aa:bb:cc:00:00:07", "server": "defconf"}
check("lease added by a command", client.request("POST", f"{leases}/add", new), {"ret": "*1"})
check("lease commented by a command", client.request("POST", f"{leases}/comment", {"numbers": "*1", "comment": "nas"}), [])
lease = client.request("GET", f"{leases}/*1")
check(
    "lease on the wire",
    {key: lease.get(key) for key in ("address", "mac-address", "server", "comment", "status", "last-seen", "dynamic")},
    {
        "address": "192.168.1.7",
        "mac-address": "AA:BB:CC:00:00:07",
        "server": "defconf",
        "comment": "nas",
        "status": "waiting",
        "last-seen": "never",
        "dynamic": "false",
    },
)
check("a lease that nobody has lacks these", [key for key in lease if key in ("active-address", "expires-after")], [])
check("a client's lease made static", client.request("POST", f"{leases}/make-static", {".id": "*2"}), [])
check("it keeps its address", client.request("GET", f"{leases}/*2?.proplist=address,dynamic"), {".id": "*2", "address": "192.168.1.205", "dynamic": "false"})
said = str(refused(RouterOSError, lambda: client.request("PATCH", f"{leases}/*1", {"ip": "192.168.1.8"})))
check(
    "an unknown property",
    said,
    'HTTP 400 for /rest/ip/dhcp-server/lease/*1: {"detail":"unknown parameter ip","error":400,"message":"Bad Request"}',
)
client.request("POST", f"{leases}/remove", {"numbers": "*1,*2"})
check("leases removed by a command", client.request("GET", leases), [])

# === ARP rows ===
row = client.request("PUT", arp, {"address": "192.168.1.7", "mac-address": "02:00:00:00:00:07", "interface": "bridge", "disabled": "yes"})
check("ARP row added", (row[".id"], row["disabled"], row.get("status")), ("*1", "true", None))
client.request("POST", f"{arp}/enable", {".id": "*1"})
check("ARP row enabled", client.request("GET", f"{arp}?address=192.168.1.7")[0]["status"], "permanent")
client.request("DELETE", f"{arp}/*1")
check("ARP rows that the router learned", [row["dynamic"] for row in client.request("GET", arp)], ["true"])

# === what is no UTF-8 ===
check("a comment in an old code page", client.request("GET", "/rest/ip/dhcp-server/network")[0]["comment"], "B\u00fcro")

# === a wrong password ===
client.password = "wrong"
check(
    "a wrong password",
    str(refused(RouterOSError, lambda: client.request("GET", pools))),
    'HTTP 401 for /rest/ip/pool: {"error":401,"message":"Unauthorized"}',
)
