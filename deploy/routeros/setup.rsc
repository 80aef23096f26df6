# An account, a certificate and the HTTPS service that tiklb needs on a MikroTik router (RouterOS 7.12 or newer).
#
# NOT YET RUN ON RouterOS: it was written from MikroTik's manual, and its menus and properties were checked against the
# console's own tree of 7.12 to 7.24 (of /certificate the manual alone). Read it, and make a backup first.
#
# What it leaves behind, and deploy/routeros/undo.rsc takes away again:
#   - a group and a user "tiklb" with the least that works. RouterOS cannot limit a user to some menus: whoever has this
#     password may write everywhere. So it is accepted from your nodes alone.
#   - a CA "tiklb-ca" and a certificate "tiklb-rest" for the router's address, both for ten years.
#   - the service www-ssl (REST, and WebFig over https), for your nodes alone.
#   - a file tiklb-ca.crt, which is no secret: it goes into the Secret mikrotik-ca, key ca.crt.
#
# How: change the three values below. Then paste everything into a terminal of the router, or upload the file and run
#   /import file-name=setup.rsc
# It stops before it changes anything where one of these is there already. Afterwards, from your own machine:
#   tiklb router enroll https://192.168.1.1 --ca-file tiklb-ca.crt --username tiklb --password-file FILE
{
    # The address under which the nodes reach the router: it stands in the certificate.
    :local tiklbRouter "192.168.1.1"
    # Your nodes, and the machine from which you run tiklb: addresses or networks with commas.
    :local tiklbFrom "192.168.1.11/32,192.168.1.12/32,192.168.1.13/32"
    # The new user's password. Choose a long one and keep it.
    :local tiklbPassword "CHANGE-ME"

    :if ($tiklbPassword = "CHANGE-ME") do={ :error "tiklb: change the password in this script first" }
    :if ([:len [/user find where name="tiklb"]] > 0) do={ :error "tiklb: there is a user tiklb already" }
    :if ([:len [/user group find where name="tiklb"]] > 0) do={ :error "tiklb: there is a group tiklb already" }
    :if ([:len [/certificate find where name="tiklb-ca"]] > 0) do={ :error "tiklb: there is a certificate tiklb-ca already" }
    :if ([:len [/certificate find where name="tiklb-rest"]] > 0) do={ :error "tiklb: there is a certificate tiklb-rest already" }

    # read and write: the rows. api and rest-api: the way in. Nothing else.
    /user group add name="tiklb" policy=read,write,api,rest-api comment="tiklb: reservations for Kubernetes Services"
    /user add name="tiklb" group="tiklb" password=$tiklbPassword address=$tiklbFrom comment="tiklb: reservations for Kubernetes Services"

    # Signing takes a small board up to a minute.
    /certificate add name="tiklb-ca" common-name="tiklb-ca" key-size=2048 key-usage=key-cert-sign,crl-sign days-valid=3650
    /certificate sign "tiklb-ca"
    /certificate add name="tiklb-rest" common-name=$tiklbRouter subject-alt-name=("IP:" . $tiklbRouter) key-size=2048 key-usage=digital-signature,key-encipherment,tls-server days-valid=3650
    /certificate sign "tiklb-rest" ca="tiklb-ca"

    # A certificate that the service had before is named here, so that it can be put back.
    :put ("www-ssl had the certificate: " . [/ip service get www-ssl certificate])
    /ip service set www-ssl certificate="tiklb-rest" address=$tiklbFrom disabled=no

    # Without a passphrase the key stays on the router.
    /certificate export-certificate "tiklb-ca" type=pem file-name="tiklb-ca"
    # The fingerprint of tiklb-rest is the one that `tiklb router enroll` shows.
    /certificate print detail where name="tiklb-rest"
}
