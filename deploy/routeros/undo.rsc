# Takes away what deploy/routeros/setup.rsc left on a MikroTik router.
#
# NOT YET RUN ON RouterOS: it was written from MikroTik's manual, and its menus and properties were checked against the
# console's own tree of 7.12 to 7.24 (of /certificate the manual alone). Read it, and make a backup first.
#
# First give the router its addresses back, while the account still exists: `tiklb release`, or the commands that
# `tiklb plan --undo` prints. This script stops where rows of tiklb's are left.
#
# The service www-ssl is switched off where it still has our certificate. Whether it was on before setup.rsc, and with
# which certificate, setup.rsc has printed; nothing on the router remembers it.
#
# How: paste everything into a terminal of the router, or upload the file and run
#   /import file-name=undo.rsc
{
    :if ([:len [/ip pool find where comment~"^tiklb/v1 "]] > 0) do={ :error "tiklb: rows are left in /ip pool: run tiklb release first" }
    :if ([:len [/ip dhcp-server lease find where comment~"^tiklb/v1 "]] > 0) do={ :error "tiklb: rows are left in /ip dhcp-server lease: run tiklb release first" }
    :if ([:len [/ip arp find where comment~"^tiklb/v1 "]] > 0) do={ :error "tiklb: rows are left in /ip arp: run tiklb release first" }

    /user remove [find where name="tiklb"]
    /user group remove [find where name="tiklb"]

    :if ([/ip service get www-ssl certificate] = "tiklb-rest") do={
        /ip service set www-ssl disabled=yes certificate=none address=""
    }
    # The leaf goes before its CA.
    /certificate remove [find where name="tiklb-rest"]
    /certificate remove [find where name="tiklb-ca"]
    # The exported certificate stays under /file, where you put it: it is no secret.
}
