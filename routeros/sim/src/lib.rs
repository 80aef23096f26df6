//! A RouterOS simulator over real HTTP(S), with a DHCP server and an ARP table on a real interface.
