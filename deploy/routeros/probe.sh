#!/bin/sh
# Asks a router what no document says, and prints a report that names neither its user, its password nor its serial.
#
#   ROUTER=https://192.168.1.1 ROUTER_USER=admin ROUTER_PASSWORD=… sh probe.sh            reads only
#   …                                                              sh probe.sh --write    and reversible writes
#
# --write makes rows named or commented "tiklb-probe" in 192.0.2.0/24, a network of documentation (RFC 5737) that no
# router has: address pools, ARP rows, one DHCP lease. Each is removed again, also when the script is stopped. Nothing
# else is changed. Whatever stays behind after a broken connection is listed at the end, with what removes it.
#
# Trust: ROUTER_CA=file.pem, or ROUTER_PIN=sha256//… (curl's --pinnedpubkey), or http:// for a router in a laboratory.
# ROUTER_READER=user:password of an account without the policy write answers question h.
# --safe-mode takes Safe Mode over REST and gives it back (question k): only where nobody else is at work.
#
# Needs sh and curl 7.39 or newer. Run against a simulator only so far: no version of RouterOS was probed.
set -u

MARK=tiklb-probe
POOL=ip/pool
ARP=ip/arp
LEASE=ip/dhcp-server/lease

fail() {
    echo "probe: $*" >&2
    exit 1
}

writing=no
safe_mode=no
for argument in "$@"; do
    case $argument in
        --write) writing=yes ;;
        --safe-mode) safe_mode=yes ;;
        *) fail "unknown argument $argument: see the first lines of this script" ;;
    esac
done
: "${ROUTER:?set it to the router, like https://192.168.1.1}" "${ROUTER_USER:?set it}" "${ROUTER_PASSWORD?set it}"

scratch=$(mktemp -d) || fail "no place for a temporary file"
answer=$scratch/answer

# --- one request ------------------------------------------------------------------------------------------------------
# ask METHOD PATH [FILE [ACCOUNT]] leaves the status in $status and the body in $answer.
# --globoff and no encoding: RouterOS wants the * of an id as it is.
ask() {
    : >"$answer"
    status=$(options "${4:-$ROUTER_USER:$ROUTER_PASSWORD}" |
        curl --silent --globoff --config - --max-time 70 --request "$1" \
            --header 'Content-Type: application/json' ${3:+--data-binary "@$3"} \
            --output "$answer" --write-out '%{http_code}' "$ROUTER/rest/$2") || status=none
}

# The password goes in by a pipe: arguments are seen by everybody.
options() {
    option user "$1"
    if [ -n "${ROUTER_PIN:-}" ]; then
        option pinnedpubkey "$ROUTER_PIN"
        echo insecure
    elif [ -n "${ROUTER_CA:-}" ]; then
        option cacert "$ROUTER_CA"
    fi
}
option() { printf '%s = "%s"\n' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"; }

# The arguments name=value as a JSON object of texts.
object() {
    printf '{' >"$scratch/body"
    comma=
    for pair in "$@"; do
        value=$(printf %s "${pair#*=}" | sed 's/[\\"]/\\&/g')
        printf '%s"%s":"%s"' "$comma" "${pair%%=*}" "$value" >>"$scratch/body"
        comma=,
    done
    printf '}' >>"$scratch/body"
}

get() { ask GET "$1${2:+?$2}"; }
add() { menu=$1; shift; object "$@"; ask PUT "$menu" "$scratch/body"; remember "$menu"; }
change() { menu=$1 id=$2; shift 2; object "$@"; ask PATCH "$menu/$id" "$scratch/body"; }
delete() { ask DELETE "$1/$2"; }

# The value of a property in the answer's only, or first, row.
value() { tr -d '\n' <"$answer" | sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"; }
first() { tr -d '\n' <"$answer" | sed 's/},{.*/}/' | sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p"; }
said() { detail=$(value detail); echo "$status${detail:+ \"$detail\"}"; }

# --- what we made -----------------------------------------------------------------------------------------------------
# $id is the row that add made; empty where it made none.
remember() {
    id=
    case $status in 2*) id=$(first '\.id') ;; esac
    [ -z "$id" ] || echo "$1 $id" >>"$scratch/made"
}

# Removes our rows, the last first, each only while it still carries our mark.
clean() {
    [ -e "$scratch/made" ] || return 0
    sed '1!G;h;$!d' "$scratch/made" >"$scratch/reversed"
    while read -r menu id; do
        ask GET "$menu/$id"
        case $status in 404) continue ;; esac
        if grep -q "$MARK" "$answer"; then
            delete "$menu" "$id"
            case $status in 2* | 404) continue ;; esac
        fi
        echo "left behind: /$menu $id ($status): in its terminal, /$(echo "$menu" | tr / ' ') remove $id" >&2
    done <"$scratch/reversed"
    rm -f "$scratch/made"
}
trap 'clean; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

# A pool of ours with these ranges; $added is the status, $back how they read back.
pool() {
    add $POOL "name=$MARK-$1" "ranges=$2" "comment=$MARK"
    back= added=$status
    [ -n "$id" ] || return 0
    ask GET "$POOL/$id"
    back=$(value ranges)
}

# --- the report -------------------------------------------------------------------------------------------------------
get system/resource
[ "$status" = 200 ] || fail "$ROUTER/rest/system/resource answers $(said): check address, certificate, user and password"
version=$(value version)
echo "RouterOS $version on $(value board-name) ($(value architecture-name))"

get $POOL '.proplist=name,ranges'
case $(cat "$answer") in
    '[]') echo "i) .proplist without .id: there is no pool to see it on" ;;
    *'".id"'*) echo "i) .proplist without .id: the id comes along" ;;
    *) echo "i) .proplist without .id: the id is left out" ;;
esac
grep -q "$MARK\|192\.0\.2\." "$answer" && fail "there is a pool named $MARK or in 192.0.2.0/24 already: remove it first"

get safe-mode
echo "k) safe-mode reads: $status $(tr -d '\n' <"$answer" | sed 's/"\(user\|owner\)":"[^"][^"]*"/"\1":"(somebody)"/g')"

get ip/dhcp-server '.proplist=name,authoritative,add-arp,conflict-detection,lease-time'
echo "b) authoritative of the servers: $(tr '}' '\n' <"$answer" | sed -n 's/.*"authoritative":"\([^"]*\)".*/\1/p' | sort | uniq -c | tr -s ' \n' ' ')(absent: the default)"
get ip/pool/used '.proplist=owner'
echo "-) owners in /ip/pool/used: $(tr '}' '\n' <"$answer" | sed -n 's/.*"owner":"\([^"]*\)".*/\1/p' | sort | uniq -c | tr -s ' \n' ' ')"
ask GET "$POOL/*FFFFFF"
echo "-) a row that is not there: $(said)"
ask GET "$POOL/%2AFFFFFF"
echo "-) the same with %2A: $(said)"

if [ -n "${ROUTER_READER:-}" ] && [ "$writing" = yes ]; then
    object "name=$MARK-h" "ranges=192.0.2.1" "comment=$MARK"
    ask PUT $POOL "$scratch/body" "$ROUTER_READER"
    echo "h) add without the policy write: $(said)"
    remember $POOL
else
    echo "h) a write without the policy write: not asked (ROUTER_READER and --write)"
fi

if [ "$writing" = no ]; then
    echo "a) d) e) g) j): not asked (--write)"
    exit 0
fi

for form in 192.0.2.64-192.0.2.95 192.0.2.64/27 192.0.2.5-192.0.2.5 192.0.2.5 192.0.2.10-192.0.2.19,192.0.2.20-192.0.2.29 \
    192.0.2.30,192.0.2.10 192.0.2.64/255.255.255.224; do
    pool a "$form"
    echo "a) ranges $form read back: ${back:-nothing, $(said)}"
    if [ -n "$id" ]; then
        delete $POOL "$id"
        gone=$status
    fi
done

pool e 192.0.2.100-192.0.2.109
[ -n "$id" ] || fail "no pool could be added: $(said)"
kept=$id
ask GET "$POOL/$kept"
change $POOL "$kept" "ranges=192.0.2.100-192.0.2.108" "comment=$MARK"
patched=$status
pool e2 192.0.2.120
delete $POOL "$id"
gone=$status
delete $POOL "$id"
echo "e) add (PUT): $added, PATCH $patched, DELETE $gone, once more $(said)"
change $POOL "$kept" "ranges=192.0.2.108-192.0.2.100"
echo "-) ranges the wrong way round: $(said)"
change $POOL "$kept" "no-such-thing=1"
echo "-) a property that does not exist: $(said)"

pool j 192.0.2.105-192.0.2.115
echo "j) a second pool over the first: ${back:+taken, reads back }${back:-$(said)}"
pool j2 192.0.2.130-192.0.2.139,192.0.2.135-192.0.2.140
echo "j) ranges that overlap within a pool: ${back:+taken, read back }${back:-$(said)}"
for count in 8 32 64; do
    ranges=$(seq -s , 129 2 $((127 + 2 * count)) | sed 's/[0-9][0-9]*/192.0.2.&/g')
    change $POOL "$kept" "ranges=$ranges"
    echo "j) $count single addresses as ranges: $(said)"
done

for length in 200 255 256 1024 4096; do
    text="$MARK $(printf "%${length}s" '' | tr ' ' x)"
    change $POOL "$kept" "comment=$text"
    taken=$(said)
    ask GET "$POOL/$kept"
    comment=$(value comment)
    echo "g) a comment of ${#text} characters: $taken, reads back ${#comment}"
    change $POOL "$kept" "comment=$MARK"
done
change $POOL "$kept" "comment=$MARK k$(printf '\303\274')che $(printf '\342\202\254')"
ask GET "$POOL/$kept"
echo "g) UTF-8 k-u-umlaut-che euro reads back as: $(value comment | od -An -tx1 | tr -d ' \n')"
change $POOL "$kept" "comment=$MARK"

get interface '.proplist=name,type'
interface=$(tr -d '\n' <"$answer" | tr '}' '\n' | grep '"type":"bridge"' | sed -n '1s/.*"name":"\([^"]*\)".*/\1/p')
if [ -n "$interface" ]; then
    add $ARP "address=192.0.2.200" "mac-address=02:00:C0:00:02:C8" "interface=$interface" "comment=$MARK"
    echo "d) a static ARP row: $(said)"
    add $ARP "address=192.0.2.200" "mac-address=02:00:C0:00:02:C9" "interface=$interface" "comment=$MARK"
    echo "d) a second one for its address: $(said)"
    add $ARP "address=192.0.2.201" "mac-address=02:00:C0:00:02:C9" "interface=$interface" "comment=$MARK" "disabled=yes"
    echo "d) a disabled one: $(said)"
    [ -n "$id" ] && ask GET "$ARP/$id" && echo "-) which reads: $(tr -d '\n' <"$answer" | sed 's/"interface":"[^"]*"/"interface":"…"/')"
else
    echo "d) ARP rows: not asked, there is no bridge"
fi

add $LEASE "address=192.0.2.210" "mac-address=02:00:C0:00:02:D2" "comment=$MARK"
echo "c) a static lease in no network of a server: $(said)"
[ -n "$id" ] && ask GET "$LEASE/$id" && echo "-) which reads: $(tr -d '\n' <"$answer")"
add $LEASE "address=192.0.2.210" "mac-address=02:00:C0:00:02:D3" "comment=$MARK"
echo "c) a second one for its address: $(said)"
add $LEASE "address=192.0.2.211" "mac-address=02:00:C0:00:02:D2" "comment=$MARK"
echo "c) a second one for its MAC address: $(said)"
echo "b) c) f) what DHCP clients and gratuitous ARP do: not asked, that takes a second device"

if [ "$safe_mode" = yes ]; then
    object
    ask POST safe-mode/take "$scratch/body"
    echo "k) safe-mode take: $(said)"
    get safe-mode
    echo "k) and then it reads: $status $(tr -d '\n' <"$answer" | sed 's/"\(user\|owner\)":"[^"][^"]*"/"\1":"(somebody)"/g')"
    ask POST safe-mode/release "$scratch/body"
    echo "k) safe-mode release: $(said)"
fi
