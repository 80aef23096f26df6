# For MikroTik (RB750Gr3, RouterOS 7.20.8 (stable)) at https://ROUTER (MikrotikRouter router).
# Makes what tiklb would write. It was worked out from what the router held when this was printed: use it soon, and on this router alone.
# These commands were not run on RouterOS yet: look at each before you paste it.
# Note: worked out from files: that nobody answers for these addresses is taken for granted, and ARP rows follow once a node answers
# Note: 00000000 stands for this cluster's UID: give it with --cluster-uid (kubectl get namespace kube-system -o jsonpath={.metadata.uid})

# 192.168.1.200-192.168.1.220 belongs to IPAddressPool homelab-pool: no DHCP client may be given it
/ip pool set [find where name="dhcp_pool"] ranges=192.168.1.100-192.168.1.199,192.168.1.221-192.168.1.254

# shows IPAddressPool homelab-pool in Winbox
/ip pool add name="tiklb-home-homelab-pool" ranges=192.168.1.200-192.168.1.220 comment="tiklb/v1 home/00000000 holds homelab-pool; took 192.168.1.200-192.168.1.220 from dhcp_pool"

# AddressReservation homeassistant-db keeps 192.168.1.200 for home-assistant/homeassistant-db-external
/ip dhcp-server lease add address=192.168.1.200 mac-address=02:4C:C0:A8:01:C8 server="defconf" comment="tiklb/v1 home/00000000 home-assistant/homeassistant-db-external | Home Assistant's database"

# reserves 192.168.1.202 for whoami/whoami-lan
/ip dhcp-server lease add address=192.168.1.202 mac-address=02:4C:C0:A8:01:CA server="defconf" comment="tiklb/v1 home/00000000 whoami/whoami-lan"

# reserves 192.168.1.203 for immich/immich-server-lan
/ip dhcp-server lease add address=192.168.1.203 mac-address=02:4C:C0:A8:01:CB server="defconf" comment="tiklb/v1 home/00000000 immich/immich-server-lan | photos"

# AddressReservation ingress keeps 192.168.1.210 for traefik/traefik
/ip dhcp-server lease add address=192.168.1.210 mac-address=02:4C:C0:A8:01:D2 server="defconf" comment="tiklb/v1 home/00000000 traefik/traefik | ingress"

# AddressReservation dns keeps 192.168.1.211 for pihole/pihole-dns
/ip dhcp-server lease add address=192.168.1.211 mac-address=02:4C:C0:A8:01:D3 server="defconf" comment="tiklb/v1 home/00000000 pihole/pihole-dns | the LAN's name server"

# AddressReservation rescue keeps 192.168.1.220
/ip dhcp-server lease add address=192.168.1.220 mac-address=02:4C:C0:A8:01:DC server="defconf" comment="tiklb/v1 home/00000000 reserved | kept for a rescue"
