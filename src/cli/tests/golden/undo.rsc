# For MikroTik (RB750Gr3, RouterOS 7.20.8 (stable)) at https://ROUTER (MikrotikRouter router).
# Takes everything of tiklb's away and gives back what was taken. It was worked out from what the router held when this was printed: use it soon, and on this router alone.
# These commands were not run on RouterOS yet: look at each before you paste it.
# Note: these are the rows of home/1a2b3c4d

# the MikrotikRouter is being deleted
/ip arp remove [find where address=192.168.1.200 and comment="tiklb/v1 home/1a2b3c4d default/web"]

# the MikrotikRouter is being deleted
/ip dhcp-server lease remove [find where address=192.168.1.200 and comment="tiklb/v1 home/1a2b3c4d default/web | Anna's \"tv\""]

# the MikrotikRouter is being deleted
/ip dhcp-server lease remove [find where address=192.168.1.201 and comment="tiklb/v1 home/1a2b3c4d media/photos"]

# the MikrotikRouter is being deleted
/ip pool remove [find where name="tiklb-home-lan" and comment="tiklb/v1 home/1a2b3c4d holds lan; took 192.168.1.200-192.168.1.220 from dhcp_pool"]

# gives 192.168.1.200-192.168.1.220 back, which was taken from it
/ip pool set [find where name="dhcp_pool"] ranges=192.168.1.100-192.168.1.254
