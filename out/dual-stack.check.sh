#!/usr/bin/env bash
# Checks the lab "dual-stack" that is up. Written by mpc 0.1.0 from dual-stack.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 26cbb9c932b9ec006e094da365eba6934f9c188b542f856694f6596948e969b6
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE
export LC_ALL=C
umask 022
trap '' PIPE

LAB='dual-stack'
IFS= read -rd '' USAGE <<'END' || true
usage: check.sh
Checks the lab "dual-stack" that is up.
END

# === the lab ==================================================================

needs() {
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
}

refer_all() {
refer 1 <<'END'
qdisc add dev lo root handle 1: tbf rate 20mbit burst 10000b limit 10000b
qdisc add dev lo parent 1:1 handle 10: netem limit 10970 delay 10ms
qdisc add dev lo parent 10:1 bfifo limit 113976b
qdisc show
qdisc del dev lo root
END
refer_mptcp
file hosts <<'END'
# mpc:dual-stack
127.0.0.1 localhost
::1 localhost
10.219.189.202 a
fd00::c000:0:0:a1b:bdca a
10.39.131.69 c.a
fd00::92a7:8345 c.a
10.86.184.181 d.a
fd00::ed6:b8b5 d.a
10.249.89.74 b
fd00::c000:0:0:39:594a b
10.52.126.101 c.b
fd00::4634:7e65 c.b
10.75.138.209 d.b
fd00::a74b:8ad1 d.b
10.208.122.226 c
fd00::c000:0:0:2950:7ae2 c
10.39.131.70 a.c
fd00::92a7:8346 a.c
10.52.126.102 b.c
fd00::4634:7e66 b.c
10.240.22.137 d
fd00::c000:0:0:3f0:1689 d
10.86.184.182 a.d
fd00::ed6:b8b6 a.d
10.75.138.210 b.d
fd00::a74b:8ad2 b.d
END
[[ ! -e /etc/resolv.conf ]] || file resolv.conf <<'END'
# mpc:dual-stack
# This lab has no name server.
END
}

compare_each() {
compare dual-stack-a <<'END'
mark mpc:dual-stack
link lo mtu 65536 up
link c mtu 1500 up to dual-stack-c
link d mtu 1500 up to dual-stack-d
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.ipv6.conf.all.disable_ipv6 = 0
sysctl net.ipv6.conf.*.disable_ipv6 = 0
sysctl net.ipv6.conf.all.forwarding = 0
sysctl net.ipv6.conf.*.forwarding = 0
sysctl net.ipv6.conf.default.disable_ipv6 = 0
sysctl net.ipv6.conf.default.forwarding = 0
sysctl net.ipv6.conf.*.accept_dad = 0
sysctl net.ipv6.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 15625
address 10.219.189.202/32 dev lo
address fd00::c000:0:0:a1b:bdca/128 dev lo
connected fd00::c000:0:0:a1b:bdca dev lo
address 10.39.131.69/30 dev c
connected 10.39.131.68/30 dev c
address fd00::92a7:8345/126 dev c
connected fd00::92a7:8344/126 dev c
address 10.86.184.181/30 dev d
connected 10.86.184.180/30 dev d
address fd00::ed6:b8b5/126 dev d
connected fd00::ed6:b8b4/126 dev d
route 10.249.89.74 via 10.39.131.70 dev c weight 1 src 10.219.189.202
route 10.249.89.74 via 10.86.184.182 dev d weight 1 src 10.219.189.202
route 10.208.122.226 via 10.39.131.70 dev c src 10.219.189.202
route 10.240.22.137 via 10.86.184.182 dev d src 10.219.189.202
route 10.52.126.100/30 via 10.39.131.70 dev c
route 10.75.138.208/30 via 10.86.184.182 dev d
route fd00::c000:0:0:39:594a via fd00::92a7:8346 dev c weight 1 src fd00::c000:0:0:a1b:bdca
route fd00::c000:0:0:39:594a via fd00::ed6:b8b6 dev d weight 1 src fd00::c000:0:0:a1b:bdca
route fd00::c000:0:0:2950:7ae2 via fd00::92a7:8346 dev c src fd00::c000:0:0:a1b:bdca
route fd00::c000:0:0:3f0:1689 via fd00::ed6:b8b6 dev d src fd00::c000:0:0:a1b:bdca
route fd00::4634:7e64/126 via fd00::92a7:8346 dev c
route fd00::a74b:8ad0/126 via fd00::ed6:b8b6 dev d
route 10.249.89.74 table 25203 via 10.39.131.70 dev c
route 10.52.126.101 table 25203 via 10.39.131.70 dev c
route 10.75.138.209 table 25203 via 10.39.131.70 dev c
route fd00::c000:0:0:39:594a table 25203 via fd00::92a7:8346 dev c
route fd00::4634:7e65 table 25203 via fd00::92a7:8346 dev c
route fd00::a74b:8ad1 table 25203 via fd00::92a7:8346 dev c
route 10.249.89.74 table 41363 via 10.86.184.182 dev d
route 10.52.126.101 table 41363 via 10.86.184.182 dev d
route 10.75.138.209 table 41363 via 10.86.184.182 dev d
route fd00::c000:0:0:39:594a table 41363 via fd00::ed6:b8b6 dev d
route fd00::4634:7e65 table 41363 via fd00::ed6:b8b6 dev d
route fd00::a74b:8ad1 table 41363 via fd00::ed6:b8b6 dev d
rule pref 1100 to 10.52.126.101 lookup 25203
rule pref 1100 to 10.75.138.209 lookup 41363
rule pref 1200 from 10.39.131.69 lookup 25203
rule pref 1200 from 10.86.184.181 lookup 41363
rule -6 pref 1100 to fd00::4634:7e65 lookup 25203
rule -6 pref 1100 to fd00::a74b:8ad1 lookup 41363
rule -6 pref 1200 from fd00::92a7:8345 lookup 25203
rule -6 pref 1200 from fd00::ed6:b8b5 lookup 41363
limits subflows 4 add_addr_accepted 0
endpoint 10.39.131.69 dev c subflow
endpoint 10.86.184.181 dev d subflow
endpoint fd00::92a7:8345 dev c subflow
endpoint fd00::ed6:b8b5 dev d subflow
qdisc c 0
qdisc d 0
END

compare dual-stack-b <<'END'
mark mpc:dual-stack
link lo mtu 65536 up
link c mtu 1500 up to dual-stack-c
link d mtu 1500 up to dual-stack-d
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.ipv6.conf.all.disable_ipv6 = 0
sysctl net.ipv6.conf.*.disable_ipv6 = 0
sysctl net.ipv6.conf.all.forwarding = 0
sysctl net.ipv6.conf.*.forwarding = 0
sysctl net.ipv6.conf.default.disable_ipv6 = 0
sysctl net.ipv6.conf.default.forwarding = 0
sysctl net.ipv6.conf.*.accept_dad = 0
sysctl net.ipv6.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 15625
address 10.249.89.74/32 dev lo
address fd00::c000:0:0:39:594a/128 dev lo
connected fd00::c000:0:0:39:594a dev lo
address 10.52.126.101/30 dev c
connected 10.52.126.100/30 dev c
address fd00::4634:7e65/126 dev c
connected fd00::4634:7e64/126 dev c
address 10.75.138.209/30 dev d
connected 10.75.138.208/30 dev d
address fd00::a74b:8ad1/126 dev d
connected fd00::a74b:8ad0/126 dev d
route 10.219.189.202 via 10.52.126.102 dev c weight 1 src 10.249.89.74
route 10.219.189.202 via 10.75.138.210 dev d weight 1 src 10.249.89.74
route 10.208.122.226 via 10.52.126.102 dev c src 10.249.89.74
route 10.240.22.137 via 10.75.138.210 dev d src 10.249.89.74
route 10.39.131.68/30 via 10.52.126.102 dev c
route 10.86.184.180/30 via 10.75.138.210 dev d
route fd00::c000:0:0:a1b:bdca via fd00::4634:7e66 dev c weight 1 src fd00::c000:0:0:39:594a
route fd00::c000:0:0:a1b:bdca via fd00::a74b:8ad2 dev d weight 1 src fd00::c000:0:0:39:594a
route fd00::c000:0:0:2950:7ae2 via fd00::4634:7e66 dev c src fd00::c000:0:0:39:594a
route fd00::c000:0:0:3f0:1689 via fd00::a74b:8ad2 dev d src fd00::c000:0:0:39:594a
route fd00::92a7:8344/126 via fd00::4634:7e66 dev c
route fd00::ed6:b8b4/126 via fd00::a74b:8ad2 dev d
route 10.219.189.202 table 25203 via 10.52.126.102 dev c
route 10.39.131.69 table 25203 via 10.52.126.102 dev c
route 10.86.184.181 table 25203 via 10.52.126.102 dev c
route fd00::c000:0:0:a1b:bdca table 25203 via fd00::4634:7e66 dev c
route fd00::92a7:8345 table 25203 via fd00::4634:7e66 dev c
route fd00::ed6:b8b5 table 25203 via fd00::4634:7e66 dev c
route 10.219.189.202 table 41363 via 10.75.138.210 dev d
route 10.39.131.69 table 41363 via 10.75.138.210 dev d
route 10.86.184.181 table 41363 via 10.75.138.210 dev d
route fd00::c000:0:0:a1b:bdca table 41363 via fd00::a74b:8ad2 dev d
route fd00::92a7:8345 table 41363 via fd00::a74b:8ad2 dev d
route fd00::ed6:b8b5 table 41363 via fd00::a74b:8ad2 dev d
rule pref 1100 to 10.39.131.69 lookup 25203
rule pref 1100 to 10.86.184.181 lookup 41363
rule pref 1200 from 10.52.126.101 lookup 25203
rule pref 1200 from 10.75.138.209 lookup 41363
rule -6 pref 1100 to fd00::92a7:8345 lookup 25203
rule -6 pref 1100 to fd00::ed6:b8b5 lookup 41363
rule -6 pref 1200 from fd00::4634:7e65 lookup 25203
rule -6 pref 1200 from fd00::a74b:8ad1 lookup 41363
limits subflows 4 add_addr_accepted 0
endpoint 10.52.126.101 dev c subflow
endpoint 10.75.138.209 dev d subflow
endpoint fd00::4634:7e65 dev c subflow
endpoint fd00::a74b:8ad1 dev d subflow
qdisc c 0
qdisc d 0
END

compare dual-stack-c <<'END'
mark mpc:dual-stack
link lo mtu 65536 up
link a mtu 1500 up to dual-stack-a
link b mtu 1500 up to dual-stack-b
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.ipv6.conf.all.disable_ipv6 = 0
sysctl net.ipv6.conf.*.disable_ipv6 = 0
sysctl net.ipv6.conf.all.forwarding = 1
sysctl net.ipv6.conf.*.forwarding = 1
sysctl net.ipv6.conf.default.disable_ipv6 = 0
sysctl net.ipv6.conf.default.forwarding = 1
sysctl net.ipv6.conf.*.accept_dad = 0
sysctl net.ipv6.fib_multipath_hash_policy = 1
address 10.208.122.226/32 dev lo
address fd00::c000:0:0:2950:7ae2/128 dev lo
connected fd00::c000:0:0:2950:7ae2 dev lo
address 10.39.131.70/30 dev a
connected 10.39.131.68/30 dev a
address fd00::92a7:8346/126 dev a
connected fd00::92a7:8344/126 dev a
address 10.52.126.102/30 dev b
connected 10.52.126.100/30 dev b
address fd00::4634:7e66/126 dev b
connected fd00::4634:7e64/126 dev b
route 10.219.189.202 via 10.39.131.69 dev a src 10.208.122.226
route 10.249.89.74 via 10.52.126.101 dev b src 10.208.122.226
route 10.86.184.181 via 10.39.131.69 dev a
route 10.75.138.209 via 10.52.126.101 dev b
route fd00::c000:0:0:a1b:bdca via fd00::92a7:8345 dev a src fd00::c000:0:0:2950:7ae2
route fd00::c000:0:0:39:594a via fd00::4634:7e65 dev b src fd00::c000:0:0:2950:7ae2
route fd00::ed6:b8b5 via fd00::92a7:8345 dev a
route fd00::a74b:8ad1 via fd00::4634:7e65 dev b
qdisc a 0
qdisc b 0
END

compare dual-stack-d <<'END'
mark mpc:dual-stack
link lo mtu 65536 up
link a mtu 1500 up to dual-stack-a
link b mtu 1500 up to dual-stack-b
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.ipv6.conf.all.disable_ipv6 = 0
sysctl net.ipv6.conf.*.disable_ipv6 = 0
sysctl net.ipv6.conf.all.forwarding = 1
sysctl net.ipv6.conf.*.forwarding = 1
sysctl net.ipv6.conf.default.disable_ipv6 = 0
sysctl net.ipv6.conf.default.forwarding = 1
sysctl net.ipv6.conf.*.accept_dad = 0
sysctl net.ipv6.fib_multipath_hash_policy = 1
address 10.240.22.137/32 dev lo
address fd00::c000:0:0:3f0:1689/128 dev lo
connected fd00::c000:0:0:3f0:1689 dev lo
address 10.86.184.182/30 dev a
connected 10.86.184.180/30 dev a
address fd00::ed6:b8b6/126 dev a
connected fd00::ed6:b8b4/126 dev a
address 10.75.138.210/30 dev b
connected 10.75.138.208/30 dev b
address fd00::a74b:8ad2/126 dev b
connected fd00::a74b:8ad0/126 dev b
route 10.219.189.202 via 10.86.184.181 dev a src 10.240.22.137
route 10.249.89.74 via 10.75.138.209 dev b src 10.240.22.137
route 10.39.131.69 via 10.86.184.181 dev a
route 10.52.126.101 via 10.75.138.209 dev b
route fd00::c000:0:0:a1b:bdca via fd00::ed6:b8b5 dev a src fd00::c000:0:0:3f0:1689
route fd00::c000:0:0:39:594a via fd00::a74b:8ad1 dev b src fd00::c000:0:0:3f0:1689
route fd00::92a7:8345 via fd00::ed6:b8b5 dev a
route fd00::4634:7e65 via fd00::a74b:8ad1 dev b
qdisc a 0
qdisc b 0
END
}

expect() {
:
}

# === the runtime of mpc 0.1.0, for check ======================================

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Says that the script is not called like this.
misuse() { say "error: $1; ${USAGE%%$'\n'*}"; exit 2; }
if [[ ${1:-} == --help || ${1:-} == -h ]]; then printf '%s' "$USAGE"; exit 0; fi

# === what check, bench and play share =========================================
# (Before 4.4, bash takes an empty array for one that is not set.)
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  say "error: this needs bash 4.4 or later, and here it is run by bash $BASH_VERSION"
  exit 2
fi

# Tells some lines. Where nobody reads them any more, the script ends as if by SIGPIPE.
out() {
  printf '%s\n' "$@" 2>/dev/null || {
    [[ -p /dev/stdout || -S /dev/stdout ]] || say "error: what there is to tell cannot be written"
    exit 141
  }
}

# === check ====================================================================
# What was checked is told in TAP: a line a test point, and below it what is wrong, or what was measured.
count=0
failed=0

(($# == 0)) || misuse "no such option: $1"

# Ends the check where it cannot begin.
bail_out() { out "Bail out! $*"; exit 2; }

need_tool() { type -P "$1" >/dev/null || bail_out "the command $1 (package $2) is missing"; }

# Tells a test point: whether it holds, what was checked, and what there is to say of it.
tell() {
  local status=ok told=("${@:3}")
  ((++count))
  (($1)) || { status="not ok" && ((++failed)); }
  out "$status $count - $2" "${told[@]/#/# }"
}

begin() {
  ((EUID == 0)) || bail_out "must run as root"
  out "TAP version 14" "1..$1"
}

finish() {
  ((failed == 0)) || out "# $failed of $count failed"
  exit "$((failed > 0))"
}

# === the visitor ==============================================================
# A small shell that enters namespaces for a part of a script. It starts programs in half the time that this shell takes,
# which has all of the lab in its memory.
visitor=
from=
to=

# (Where a script has no streams, bash would take their numbers for the visitor's pipes.)
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/1 ]] || exec >/dev/null
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

# Starts it, where it does not run yet.
start_visitor() {
  [[ -z $visitor ]] || return 0
  coproc VISITOR { exec sh 2>&1; }
  visitor=$VISITOR_PID
  # (Bash closes its own when that ends, and what it said last is lost.)
  # shellcheck disable=SC1083 # These braces name what is closed.
  exec {from}<&"${VISITOR[0]}" {to}>&"${VISITOR[1]}" {VISITOR[0]}<&- {VISITOR[1]}>&-
}

# Has it run a shell in a namespace: NAMESPACE SCRIPT ARGUMENT... The arguments are words that no shell expands.
send() { printf '%s\n' "nsenter --net='/run/netns/$1' sh -s - ${*:3} <<\"VISIT\"" "$2" VISIT 'printf "\000$?\n"' >&"$to" || true; }

# Waits for the end of that: what was said is then in `said`, and in `status` the exit status, if it came to one.
said=
status=
hear() { said='' status='' && IFS= read -rd '' -u "$from" said && read -ru "$from" status || true; }

# Ends it.
end_visitor() {
  exec {to}>&-
  IFS= read -rd '' -u "$from" said || true
  wait "$visitor"
}

# === the machine beside the plan ==============================================
# Both are told in lines of one form, so that a line of one that the other lacks is a drift.
RUNS=/run/mpc-$LAB.d
MARK=mpc:$LAB
reference=()
declare -A files=() same=() bridges=() ports=() WORKS=()
mptcp=()
planned=()
routes=()

# The kernel's own rules.
RULES=("rule pref 0 from all lookup local" "rule pref 32766 from all lookup main" "rule pref 32767 from all lookup default"
  "rule -6 pref 0 from all lookup local" "rule -6 pref 32766 from all lookup main")

# What is asked in each namespace: SYSCTL..., which are files. Old programs do not know the last queries.
QUESTIONS='ip -o -batch - <<"END"
link show
address show
route show table all
rule show
neighbour show nud permanent
neighbour show proxy
mptcp limits
mptcp endpoint show
END
echo about rules
ip -6 -o rule show
echo about files
grep -sH "" "$@" /proc/net/*_tables_names
echo about queues
tc qdisc show'
[[ -z $(type -P nft) ]] || QUESTIONS+=$'\necho about tables\nnft -st list ruleset'
# What is asked in those of switches too.
OF_SWITCHES='
echo about bridges
ip -d -o link show
echo about neighbours
bridge fdb show'

# What is asked where tunnels end.
OF_TUNNELS='
echo about bridges
ip -d -o link show'

# What is asked where interfaces take one packet at a time.
OF_DEVICES='
echo about devices
ip -d -o link show'

# What is done where many routes are planned: whether those told are the same, which then are left out. sed(1) writes them
# as the plan has them, and all else into another file: TOLD ELSE PLANNED.
MANY=100
IFS= read -rd '' SIFT <<'SIFT' || true
sed -n '/^[0-9a-f.:/]* via [^ ]* dev /b one
/^[0-9a-f.:/]*\( src [^ ]*\)\{0,1\}\( metric 1024 pref medium\)\{0,1\} \\.nexthop via /b several
b else
:one
/ proto /b else
s/ *$//
s/ metric 1024 pref medium$//
s/^/route /p
d
:several
/ proto /b else
s/ *$//
s/ metric 1024 pref medium//
s/ *\\.nexthop /\n/g
:next
h
s/^\([^ \n]*\)\([^\n]*\)\n\([^\n]*\).*/route \1 \3\2/p
g
s/\n[^\n]*//
/\n/b next
d
:else
w '"$2" "$1" | sort -u >"$1.routes"
sort -u "$3" | cmp -s - "$1.routes" && exit 100
SIFT

# How bridges and their ports work, in words of ip(8); what else it tells of them changes by itself.
for word in forward_delay hello_time max_age stp_state priority vlan_filtering vlan_protocol \
  vlan_default_pvid group_fwd_mask group_address mcast_snooping no_linklocal_learn nf_call_iptables nf_call_ip6tables \
  nf_call_arptables fdb_max_learned cost hairpin guard root_block learning flood bcast_flood mcast_flood \
  mcast_to_unicast neigh_suppress vlan_tunnel isolated locked mab proxy_arp proxy_arp_wifi; do WORKS[$word]=1; done

# Has tc(8) show the queueing disciplines that its input makes, those of an interface after those of another, where
# nobody else sees it: it rounds there as it does in the lab, whatever its version and the kernel. COUNT.
refer() {
  local line
  while IFS= read -r line; do
    queue "$line"
    if [[ $line == *" root "* ]]; then reference+=("$line"); elif [[ -n $line ]]; then reference[-1]+=$'\n'$line; fi
  done < <(unshare --net tc -batch - 2>/dev/null)
  ((${#reference[@]} == $1)) || bail_out "this machine does not have all the queueing disciplines of the lab"
}

# Sets `line` to one of `tc qdisc show` without counts, random seeds, and handles that the kernel chose, or to nothing.
queue() {
  line=$1
  if [[ $line == "qdisc noqueue "* ]]; then line=; return; fi
  [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
  [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
  [[ ! $line =~ ^(qdisc\ [a-z_]+)\ [89a-f][0-9a-f]{3}:(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
  line=${line%"${line##*[! ]}"}
}

# Has ip(8) show the bridges that its input makes, a line each, and a port of each: COUNT.
refer_bridges() {
  local line number=0
  while IFS= read -r line; do
    [[ $line != *" bridge_slave "* ]] || ports[$number]=$(works port "${line##* bridge_slave }")
    [[ $line != *" bridge forward_delay "* ]] || bridges[$number]=$(works bridge "${line##* bridge }")
    [[ -z ${bridges[$number]:-} || -z ${ports[$number]:-} ]] || ((++number))
  done < <(while IFS= read -r line; do
    printf '%s\n' "link add name b $line" 'link add name p type veth peer name q' 'link set dev p master b up' \
      'link show' 'link del dev p' 'link del dev b'
  done | unshare --net ip -d -o -batch - 2>/dev/null)
  ((number == $1)) || bail_out "this machine does not have all the bridges of the lab"
}

# The words of a line of ip(8) that say how a bridge or a port works, a line each: WHAT LINE.
works() {
  local words i
  read -ra words <<<"$2"
  for ((i = 0; i + 1 < ${#words[@]}; i++)); do
    [[ -z ${WORKS[${words[i]}]:-} ]] || printf '%s\n' "$1 ${words[i]} ${words[i + 1]}"
  done
}

# Notes what each namespace has in a file of its own in /etc: NAME, and the text is the input.
file() { IFS= read -rd '' "files[$1]" || true; }

# Notes how a kernel sets MPTCP in a new namespace, which is how it is in those that have endpoints.
refer_mptcp() { mapfile -t mptcp < <(unshare --net grep -sH '' -r /proc/sys/net/mptcp 2>/dev/null); }

# --- what a namespace has ---

# Notes a line of what a namespace has.
see() {
  present[$1]=1
  [[ -n ${wanted[$1]:-} ]] || is_none "$1" || unexpected+=("unexpected: $1")
}

# Whether a line that is not planned is no drift: MPTCP limits where none are set, interfaces that are down, as some
# modules make in every namespace, routes to what an interface is in, and what a spanning tree makes of a port.
is_none() {
  local name
  read -r _ name _ <<<"$1"
  case $1 in
    "limits "*) [[ -z ${names[/limits]:-} ]] ;;
    "link "*" down"*) [[ -z ${names[$name]:-} ]] ;;
    "rule "*" from all lookup "*) [[ " ${RULES[*]} " == *" $1 "* ]] ;;
    "connected "* | "port "*" state forwarding" | "port "*" state blocking") ;;
    *) return 1 ;;
  esac
}

# A link as `ip -o link` tells it: its MTU, its state, flags that few have, its bridge, and the namespace at its other
# end; of lo, the lab's mark too. (It has a carrier when the kernel says LOWER_UP; NO-CARRIER may stay for a second.)
link() {
  local name flag mtu state=down more='' rest to=''
  [[ $1 =~ ^[0-9]+:\ ([^:@\ ]+)(@[^:]+)?:\ \<([^>]*)\>\ mtu\ ([0-9]+)\ (xdp[^\ ]*\ )?qdisc\ [^\ ]+\ (master\ [^\ ]+\ )?(.*)$ ]] || return 0
  name=${BASH_REMATCH[1]} flag=,${BASH_REMATCH[3]}, mtu=${BASH_REMATCH[4]} more=${BASH_REMATCH[5]}${BASH_REMATCH[6]}
  rest=${BASH_REMATCH[7]}
  [[ $flag != *,UP,* ]] || state=up
  [[ $state == down || $flag == *,LOWER_UP,* ]] || state="up without a carrier"
  [[ $flag != *,NOARP,* ]] || state+=" noarp"
  [[ $flag != *,PROMISC,* ]] || state+=" promisc"
  [[ ! $rest =~ \ link-netns\ ([^\ \\]+) ]] || to=" to ${BASH_REMATCH[1]}"
  [[ ! $rest =~ \ link/ether\ ([^\ ]+) ]] || macs+="${BASH_REMATCH[1]} "
  [[ $name != lo || ! $rest =~ \ alias\ (.*)$ ]] || see "mark ${BASH_REMATCH[1]%"${BASH_REMATCH[1]##*[! ]}"}"
  more=${more% }
  see "link $name mtu $mtu $state${more:+ $more}$to"
}

# How a link is told with all details, where it is a bridge, a port of one, or the end of a tunnel.
details() {
  local name line
  name=${1#*: } name=${name%%[:@]*}
  if [[ $1 == *"\\    bridge "* ]]; then
    while read -r line; do see "bridge $name ${line#* }"; done < <(works bridge "${1##*\\    bridge }")
  elif [[ $1 =~ \\\ +bridge_slave\ state\ ([a-z]+)\ (.*)$ ]]; then
    see "port $name state ${BASH_REMATCH[1]}"
    while read -r line; do see "port $name ${line#* }"; done < <(works port "${BASH_REMATCH[2]}")
  elif [[ $1 =~ \\\ +(vxlan|gretap|ipip|ip6gretap|ip6tnl)\ (.*)$ ]]; then
    tunnel "$name ${BASH_REMATCH[1]}" " ${BASH_REMATCH[2]} "
  fi
}

# The end of a tunnel: NAME KIND and its options, which are told in one order. (Modules make some without addresses.)
tunnel() {
  local word line="tunnel $1"
  [[ $2 != *" local any "* && $2 == *" local "* ]] || return 0
  [[ $1 != *" ip6tnl" ]] || line+=" mode ${2:1:3}"
  for word in id local remote dstport ttl hoplimit; do
    [[ ! $2 =~ \ $word\ ([^\ ]+) ]] || line+=" ${word/hoplimit/ttl} ${BASH_REMATCH[1]}"
  done
  [[ $2 != *" nolearning "* ]] || line+=" nolearning"
  see "$line"
}

# How many packets in one piece an interface takes, where it is not as many as come.
device() {
  [[ ! $1 =~ ^[0-9]+:\ ([^:@\ ]+).*\ (gso_max_segs\ [0-9]+) || ${BASH_REMATCH[2]} == "gso_max_segs 65535" ]] ||
    see "device ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
}

# An address as `ip -o address` tells it. The kernel gives some by itself, and routers others for a time.
address() {
  [[ $1 =~ ^[0-9]+:\ ([^\ ]+)\ +inet6?\ ([^\ ]+)(\ peer\ [^\ ]+)?(.*)$ && $1 != *" dynamic "* ]] || return 0
  local line="${BASH_REMATCH[2]}${BASH_REMATCH[3]} dev ${BASH_REMATCH[1]}" flag
  case $line in "127.0.0.1/8 dev lo" | "::1/128 dev lo" | fe80:*) return 0 ;; esac
  for flag in deprecated dadfailed noprefixroute; do [[ $1 != *" $flag "* ]] || line+=" $flag"; done
  see "address $line"
}

# Whether all next hops of a route are planned, which then are there: of the most frequent forms of `ip -o route`. The rest
# is for `route`, which takes ten times as long.
is_planned() {
  local line=${1% } target=${1%% *} more rest key keys=()
  line=${line%" metric 1024 pref medium"}
  if [[ -n ${wanted[route $line]:-} ]]; then
    present[route $line]=1
    return 0
  fi
  rest=$line more=${line%%[\\]*}
  more=${more#"$target"} more=${more% } more=${more%" metric 1024 pref medium"}
  while [[ $rest == *"nexthop "* ]]; do
    rest=${rest#*nexthop }
    key=${rest%%[\\]*} key="route $target ${key% }$more"
    [[ -n ${wanted[$key]:-} ]] || return 1
    keys+=("$key")
  done
  for key in "${keys[@]}"; do present[$key]=1; done
  ((${#keys[@]}))
}

# A route as `ip -o route` tells it, a line a next hop. Those that bear a protocol are the kernel's or a daemon's.
# (Interfaces may be called like any of its words, so the only one is taken out first; of several, none comes before.)
route() {
  local line=${1%"${1##*[! ]}"} target=${1%% *} way='' rest table=''
  if [[ $line =~ ^[^\ ]+\ ((via\ [^\ ]+\ )?dev\ [^\ ]+)(.*)$ ]]; then
    way=${BASH_REMATCH[1]} rest=${BASH_REMATCH[3]}
  else
    rest=" ${line%%nexthop via *}"
    rest=${rest#" $target"}
  fi
  if [[ "$rest " == *" proto "* && "$rest " != *" proto static "* ]]; then
    [[ $rest != *" proto kernel "* || -z $way || $way == via* ]] || see "connected $target $way"
    return 0
  fi
  [[ ! $rest =~ \ table\ [^\ ]+ ]] || { table=${BASH_REMATCH[0]}; rest=${rest/"$table"/}; }
  [[ $rest != *" pref medium"* ]] || { rest=${rest/ metric 1024/} rest=${rest/ pref medium/}; }
  rest=${rest// linkdown/}
  [[ $target != default || $line != *" via "*:* ]] || target=::/0
  if [[ -n $way ]]; then see "route $target$table $way$rest"; return 0; fi
  rest=${rest//\\/} rest=${rest%"${rest##*[! ]}"}
  [[ $line == *"nexthop via "* ]] || { see "route $target$table$rest"; return 0; }
  while [[ $line =~ nexthop\ (via\ [^\ ]+\ dev\ [^\ ]+\ weight\ [0-9]+)(\ dead)?(\ onlink)?(.*)$ ]]; do
    line=${BASH_REMATCH[4]}
    [[ -n ${BASH_REMATCH[2]} ]] || see "route $target$table ${BASH_REMATCH[1]}${BASH_REMATCH[3]}$rest"
  done
}

# A rule as `ip rule` tells it.
rule() {
  local line=${1/: / } family=
  line=${line/from all to /to } line=${line/from all iif /iif } line=${line/from all fwmark /fwmark }
  [[ $about != rules ]] || family=" -6"
  families+="-rule$family "
  see "rule$family pref $line"
}

# An MPTCP endpoint as `ip mptcp endpoint` tells it, its flags in one order.
endpoint() {
  local rest=" $1 " flag line="endpoint ${1%% *}"
  [[ ! $rest =~ \ dev\ [^\ ]+ ]] || { line+=${BASH_REMATCH[0]}; rest=${rest/"${BASH_REMATCH[0]}"/}; }
  [[ $rest != *" implicit "* ]] || return 0
  [[ ! $rest =~ \ port\ [0-9]+ ]] || line+=${BASH_REMATCH[0]}
  for flag in signal subflow fullmesh backup laminar; do [[ $rest != *" $flag "* ]] || line+=" $flag"; done
  see "$line"
}

# What a bridge has been told of an address, as `bridge fdb` tells it; its own ones, and what it has learned, are none.
fdb() {
  [[ " $1 " == *" master "* && ($1 == *" static"* || $1 == *" permanent"*) ]] || return 0
  [[ $macs == *" ${1%% *} "* ]] || see "fdb $1"
}

# A line of `nft list ruleset`, after what it stands in.
table() {
  local line=$1
  case $line in
    "table "*" {") inside=${line#table } inside=${inside% \{} && see "nft $inside" ;;
    "}") inside=${inside% *} && [[ $inside == *" "* ]] || inside= ;;
    *" {") line=${line% \{} && inside+=" ${line##* }" && see "nft ${line% *} $inside" ;;
    *) see "nft in $inside: ${line%" policy accept;"}" ;;
  esac
}

# Reads a line of what is told of a namespace.
tell_apart() {
  local line=${1//$'\t'/ }
  line=${line%"${line##*[! ]}"} line=${line#"${line%%[! ]*}"}
  case $about-$line in
    *-) ;;
    *"-about "*) about=${line#about } ;;
    -[0-9]*": "*": <"*) link "$line" ;;
    -[0-9]*": "*" inet"*" scope "*) address "$line" ;;
    -[0-9]*": "* | rules-*) rule "$line" ;;
    -"add_addr_accepted "*)
      [[ ! $line =~ ^add_addr_accepted\ ([0-9]+)\ subflows\ ([0-9]+) ]] ||
        see "limits subflows ${BASH_REMATCH[2]} add_addr_accepted ${BASH_REMATCH[1]}" ;;
    -*" id "[0-9]*) endpoint "$line" ;;
    -*" PERMANENT"* | -*" proxy") see "neighbour $line" ;;
    -*) route "$line" ;;
    files-/proc/sys/*) setting "${line%%:*}" "${line#*:}" ;;
    files-*) line=${line##*/} && see "iptables ${line/_tables_names:/ }" ;;
    queues-*) queue "$line" && { [[ -z $line ]] || see "$line"; } ;;
    tables-"#"*) ;;
    tables-*) table "$line" ;;
    bridges-*) details "$line" ;;
    devices-*) device "$line" ;;
    neighbours-*) fdb "$line" ;;
  esac
}

# --- what the plan says of it ---

# Notes a line of the plan, in which queueing disciplines and bridges are numbers of what they are like.
plan_line() {
  local line=$1 name number
  case $line in
    "qdisc "*) read -r _ name number <<<"$line" && line=${reference[number]//" dev lo "/" dev $name "} ;;
    "bridge "*) read -r _ name number <<<"$line" && names[/bridge]=1 && line=${bridges[$number]//bridge /"bridge $name "} ;;
    "port "*) read -r _ name number <<<"$line" && line=${ports[$number]//port /"port $name "}
      [[ ${bridges[$number]} != *"stp_state 0"* ]] || line+=$'\n'"port $name state forwarding" ;;
    "tunnel "*) names[/tunnel]=1 ;;
    "link "*) name=${line#link } && names[${name%% *}]=1 ;;
    "limits "*) names[/limits]=1 ;;
    "device "*) names[/device]=1 ;;
    "sysctl "*) plan_setting "${line%% = *}" "${line#* = }"; return ;;
    "process "*) processes+=("${line#process }"); return ;;
  esac
  while IFS= read -r line; do planned+=("$line") && wanted[$line]=1; done <<<"$line"
}

# Notes what a sysctl is to be, of all interfaces that the plan has named for `*`: `sysctl KEY` VALUE. (In a key, `.`
# and `/` have changed places.)
plan_setting() {
  local path=${1#sysctl } name
  path=${path//\//,} path=${path//.//} path=/proc/sys/${path//,/.}
  if [[ $path != *"/*/"* ]]; then want "$path" "$2"; return; fi
  for name in all default "${!names[@]}"; do [[ $name == */* ]] || want "${path/'*'/$name}" "$2"; done
}

# Notes what a file is to hold; the last note of one counts.
want() { [[ -n ${values[$1]+x} ]] || paths+=("$1"); values[$1]=$2; }

# Holds what a sysctl is against what it is to be: FILE VALUE.
setting() {
  if [[ ${values[$1]-} == "$2" ]]; then present[$1]=1; else unexpected+=("unexpected: $(key_of "$1") = $2"); fi
}

# What a file of a sysctl is called in the plan.
key_of() {
  local key=${1#/proc/sys/}
  key=${key//./,} key=${key//\//.}
  printf 'sysctl %s' "${key//,//}"
}

# --- one beside the other ---

# Holds the folder of files of a namespace against what up writes there. (They are the same file in all, so that one that
# is as planned is read once.)
compare_files() {
  local name text folder=/etc/netns/$ns
  for name in "${!files[@]}"; do
    [[ ! $folder/$name -ef ${same[$name]:-} ]] || continue
    if [[ ! -f $folder/$name ]]; then missing+=("missing: the file $folder/$name") && continue; fi
    text=
    IFS= read -rd '' text <"$folder/$name" || true
    # (Up adds the name of this machine, which may have another by now.)
    line=${text%$'\n'} line=${line##*$'\n'}
    [[ $name != hosts || ! $line =~ ^127\.0\.1\.1\ [A-Za-z0-9.-]+$ ]] || text=${text%"$line"$'\n'}
    if [[ $text == "${files[$name]}" ]]; then
      same[$name]=$folder/$name
    else
      compare_lines "$folder/$name" "${files[$name]}" "$text"
    fi
  done
  for name in "$folder"/*; do
    [[ ! -e $name || -n ${files[${name##*/}]+x} ]] || unexpected+=("unexpected: the file $name")
  done
}

# Tells which lines of two texts differ, which a file is to have and has: FILE TEXT TEXT.
compare_lines() {
  local line differ=$((${#missing[@]} + ${#unexpected[@]}))
  local -A ours=() theirs=()
  while IFS= read -r line; do ours["-$line"]=1; done <<<"$2"
  while IFS= read -r line; do
    theirs["-$line"]=1
    [[ -n ${ours["-$line"]:-} ]] || unexpected+=("unexpected: in $1: $line")
  done <<<"$3"
  while IFS= read -r line; do
    [[ -n ${theirs["-$line"]:-} ]] || missing+=("missing: in $1: $line")
  done <<<"$2"
  ((${#missing[@]} + ${#unexpected[@]} > differ)) || unexpected+=("unexpected: another order of lines in $1")
}

# Tells which processes of the plan have ended, and how; those that have done so with 0 may have done what they were for.
compare_processes() {
  local name pid status
  for name in "${processes[@]}"; do
    pid='' status=
    { read -r pid <"$RUNS/$name.pid"; } 2>/dev/null || true
    [[ -z $pid || ! /proc/$pid/ns/net -ef /run/netns/$ns ]] || continue
    { read -r status <"$RUNS/$name.end"; } 2>/dev/null || true
    case $status in
      0) ended+=("$name has ended with 0") ;;
      '') missing+=("missing: the process $name, and nobody knows how it ended") ;;
      *) missing+=("missing: the process $name, which has ended with $(ending "$status"); see $RUNS/$name.log") ;;
    esac
  done
}

# An exit status, with the signal that it stands for.
ending() {
  local signal=
  (($1 <= 128)) || signal=$(kill -l "$(($1 - 128))" 2>/dev/null) || true
  echo "$1${signal:+ (SIG$signal)}"
}

# Asks for all that a namespace has, `told`; fails where it cannot be entered.
inspect() {
  local line file=$scratch/told$part questions
  [[ -z ${values[/proc/sys/net/mptcp/enabled]+x} ]] || for line in "${mptcp[@]}"; do
    [[ -n ${values[${line%%:*}]+x} ]] || want "${line%%:*}" "${line#*:}"
  done
  start_visitor
  questions="exec >'$file' 2>/dev/null"$'\n'"$QUESTIONS${names[/bridge]:+$OF_SWITCHES}${names[/tunnel]:+$OF_TUNNELS}${names[/device]:+$OF_DEVICES}"
  if ((${#routes[@]} > MANY)); then
    printf '%s\n' "${routes[@]}" >"$file.planned"
    questions+=$'\n'"set '$file' '$file.else' '$file.planned'"$'\n'$SIFT
  fi
  send "$ns" "$questions"$'\nexit 0' "${paths[@]@Q}"
  hear
  case $status in
    0) for line in "${routes[@]}"; do planned+=("$line") && wanted[$line]=1; done ;;
    100) file+=.else ;;
    *) return 1 ;;
  esac
  mapfile -t told <"$file"
}

# Holds what sysctls and all else are in a namespace against the plan.
compare_facts() {
  local line about='' families='' inside='' macs=" "
  for line in "${told[@]}"; do
    if [[ -n $about ]] || ! is_planned "$line"; then tell_apart "$line"; fi
  done
  for line in "${RULES[@]}"; do
    [[ $families != *"-${line%% pref*} "* || -n ${present[$line]:-} ]] || missing+=("missing: $line")
  done
  for line in "${planned[@]}"; do [[ -n ${present[$line]:-} ]] || missing+=("missing: $line"); done
  for line in "${paths[@]}"; do
    [[ -n ${present[$line]:-} ]] || missing+=("missing: $(key_of "$line") = ${values[$line]}")
  done
}

# Compares a namespace with the lines of its plan, which are its input, and has `compare_all` tell of it.
compare() {
  local ns=$1 line told=() missing=() unexpected=() ended=() paths=() processes=()
  local -A wanted=() present=() names=([lo]=1) values=()
  ((turn++ % CPUS == part)) || return 0
  mapfile -t told
  for line in "${told[@]}"; do
    if [[ $line == "route "* ]]; then routes+=("$line"); else plan_line "$line"; fi
  done
  if [[ ! -e /run/netns/$ns ]]; then
    missing=("missing: the namespace $ns")
  elif ! inspect; then
    missing=("missing: the namespace $ns, of which only the name is left")
  else
    compare_facts
    compare_files
    compare_processes
  fi
  printf '%s\n' "$((${#missing[@]} + ${#unexpected[@]} == 0))" "the namespace $ns is as planned" \
    "${missing[@]}" "${unexpected[@]}" "${ended[@]}" "" 2>/dev/null || exit 0
  planned=() routes=()
}

# --- all namespaces ---

# They are compared in parts, side by side: each turn is one of them.
CPUS=$(nproc 2>/dev/null || echo 2)
turn=0
part=0

# Has all namespaces compared, as `compare_each` says, and tells of them in their order: how many there are.
compare_all() {
  local pipes=() fd number line lines
  for ((part = 0; part < CPUS && part < $1; part++)); do
    exec {fd}< <(compare_each)
    pipes+=("$fd")
  done
  for ((number = 0; number < $1; number++)); do
    lines=()
    while IFS= read -ru "${pipes[number % CPUS]}" line && [[ -n $line ]]; do lines+=("$line"); done
    ((${#lines[@]})) || bail_out "not all namespaces could be compared"
    tell "${lines[@]}"
  done
}

# Has routes compared with the next namespace, beside what it is given: HOP TARGET...
routes() {
  local target
  ((turn % CPUS == part)) || return 0
  for target in "${@:2}"; do routes+=("route $target $1"); done
}

# Tells whether the lab is up, and of namespaces of its that are not in the plan: NAMESPACE...
compare_lab() {
  local claim=/run/mpc-$LAB told=() ns first
  local -A known=()
  for ns; do known[$ns]=1; done
  if [[ ! -e $claim ]]; then
    told=("the lab is not up: there is no $claim")
  elif [[ $'\n'$(<"$claim")$'\n' != *$'\n'up$'\n'* ]]; then
    told=("an up of the lab is at work, or was cut short")
  fi
  for ns in /etc/netns/*; do
    first=
    { read -r first <"$ns/hosts"; } 2>/dev/null || true
    ns=${ns##*/}
    [[ $first != "# $MARK" || -n ${known[$ns]:-} ]] || told+=("unexpected: the namespace $ns")
  done
  tell "$((${#told[@]} == 0))" "the lab $LAB is up" "${told[@]}"
}

# === however the script ends ==================================================
started=()

# Has `undo` called however the script ends. (Where a signal comes while bash 5.2 expands a command substitution, it
# reads the trap as if that were in one, up to a `)`. Otherwise the first line is done before the second is read.)
guard() {
  local signal
  trap 'end "$?"' EXIT
  for signal in 1 2 15; do trap -- "end $((128 + signal))"$'\n)' "$signal"; done # HUP INT TERM
}

# Undoes what there is to undo, and ends the script with a status, whatever signals follow the one that asks for it. (A
# child that is asked to end before it has become another program has these traps still, and nothing to undo.)
end() {
  trap '' HUP INT TERM
  trap - EXIT ERR
  [[ $BASHPID != "$$" ]] || undo
  exit "$1"
}

# Asks processes to end: PID...
dismiss() { (($# == 0)) || kill "$@" 2>/dev/null || true; }

# === what the script starts ends with it ======================================
scratch=
# What is to be told at the end, however the script ends.
closing=:
# What only this script has open.
alone=

# Ends all that was started.
stop() {
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  started=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  scratch=$(mktemp -d) || exit 2
  need_room
  exec {alone}</dev/null
}

# Ends the script where that folder has no room for what programs say, which would be lost, or for iperf3's buffers.
need_room() {
  { printf '%1048576s' '' >"$scratch/room" && rm "$scratch/room"; } 2>/dev/null || {
    say "error: there is no room in ${scratch%/*}; TMPDIR may name another folder"
    exit 2
  }
}

# Takes that away.
undo() {
  stop
  rm -rf "$scratch"
  "$closing"
}

# Starts a program in a namespace, with what it says in a file: NAME NAMESPACE COMMAND...
begin_in() {
  nsenter --net="/run/netns/$2" "${@:3}" </dev/null >"$scratch/$1" 2>&1 {alone}<&- &
  started+=("$!")
}

# === what pings tell ==========================================================
# Pings go side by side, some at a time, and what they tell is judged in the order in which it was asked.
AT_ONCE=50
asked=()
claims=()
answers=()

# Asks for an address: SOURCE TARGET WHAT CLAIM LEAST MOST ADDRESS...; the source and the target are namespaces.
ask() {
  local address fd fds='' pings=(-c 3 -w 3)
  [[ $4 != unreachable ]] || pings=(-c 3 -W 1)
  [[ $4 != rtt ]] || pings=(-c 10 -w 10)
  for address in "${@:7}"; do
    exec {fd}< <(exec nsenter --net="/run/netns/$1" ping -nq -i 0.2 "${pings[@]}" "$address" 2>&1)
    started+=("$!")
    fds+=" $fd $address"
  done
  asked+=("$3") claims+=("$4 $5 $6 $1 $2") answers+=("$fds")
  ((${#asked[@]} < AT_ONCE)) || judge
}

# Judges all that was asked.
judge() {
  local i claim least most source target
  for i in "${!asked[@]}"; do
    read -r claim least most source target <<<"${claims[i]}"
    if [[ -e /run/netns/$source && -e /run/netns/$target ]]; then
      judge_one "${asked[i]}" "$claim" "$least" "$most" "${answers[i]}"
    else
      tell 0 "${asked[i]}" "the lab is not up"
    fi
  done
  asked=() claims=() answers=()
  stop
}

# Judges the answers of all addresses of one claim: WHAT CLAIM LEAST MOST "FD ADDRESS ...".
judge_one() {
  local text address fd holds=1 told=() rest=$5 time
  while read -r fd address rest <<<"$rest" && [[ -n $fd ]]; do
    IFS= read -rd '' -u "$fd" text || true
    exec {fd}<&-
    time=$(fastest "$text")
    case $2-$time in
      reachable- | rtt-) holds=0 && told+=("$address does not answer") ;;
      unreachable-?*) holds=0 && told+=("$address answers") ;;
      rtt-*)
        ((time >= $3 && time <= $4)) || holds=0
        told+=("$address: $((time / 1000)).$(printf %03d $((time % 1000))) ms at the fastest") ;;
    esac
  done
  tell "$holds" "$1" "${told[@]}"
}

# The time of the fastest round trip of a ping, in microseconds; nothing where no answer came.
fastest() {
  if [[ $1 =~ =\ ([0-9]+)\.([0-9]{3})/ ]]; then
    echo $((10#${BASH_REMATCH[1]} * 1000 + 10#${BASH_REMATCH[2]}))
  fi
}

# === transfers ================================================================
PORT=5379
received=0
said=
refused=" "

# Whether nobody else measures in the lab now, nor begins to before this script ends: a NAMESPACE of it.
be_alone() {
  { exec {alone}<"/etc/netns/$1"; } 2>/dev/null || return 0
  flock -n "$alone"
}

# Has iperf3 send from one namespace to another: SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# `received` is then what came there, in kbit/s, or `said` is why none did. CONTROL is the congestion control, or `-` for
# the namespace's own, which is taken too where the kernel refuses CONTROL to such a connection.
transfer() {
  local wrap=() options=(-c "$3" -p "$PORT" -P "$5" -f k "${@:8}") tries=0 server
  [[ $7 == - || $refused == *" $4:$7 "* ]] || options+=(-C "$7")
  [[ $4 != mptcp ]] || wrap=(mptcpize run)
  [[ $4 != udp ]] || options+=(-u -b "$6")
  received=0 said=
  begin_in server "$2" "${wrap[@]}" iperf3 -s -1 -p "$PORT"
  server=$!
  while :; do
    begin_in client "$1" "${wrap[@]}" iperf3 "${options[@]}"
    wait "$!" || true
    if [[ $(<"$scratch/client") != *"Connection refused"* ]] || ((++tries == 50)); then break; fi
    sleep 0.1
  done
  kill "$server" 2>/dev/null || true
  wait "$server" || true
  read_report
  drain "$1"
  [[ $said != *"congestion control"* || $refused == *" $4:$7 "* ]] || { refuse "$1" "$4" "$7" && transfer "$@"; }
}

# Notes that a congestion control is not to be had: NAMESPACE PROTOCOL CONTROL.
refuse() {
  local own
  own=$(nsenter --net="/run/netns/$1" cat /proc/sys/net/ipv4/tcp_congestion_control)
  say "warning: this machine has no $3 for $2, so $own is measured in its place"
  refused+="$2:$3 "
}

# Waits until what a program that has ended still had to send is sent, for 10 seconds at most.
drain() {
  local _
  for _ in {1..100}; do
    [[ -n $(nsenter --net="/run/netns/$1" ss -HtMn dport = ":$PORT" 2>/dev/null) ]] || break
    sleep 0.1
  done
}

# Reads what a client says that its server received.
read_report() {
  local line
  while read -r line; do
    if [[ $line =~ ([0-9]+)(\.[0-9]+)?\ Kbits/sec.*\ receiver ]]; then received=${BASH_REMATCH[1]}; fi
    if [[ $line == *"error - "* ]]; then said=${line#*error - }; fi
  done <"$scratch/client"
  ((received)) || { need_room && : "${said:=nothing was received}"; }
}

# Kbit/s as Mbit/s.
mbit() { printf '%d.%02d' $(($1 / 1000)) $(($1 % 1000 / 10)); }

# === what transfers tell ======================================================
# Tries whether enough is received, three times at most, as a busy machine takes from a rate and never adds to it:
# WHAT LEAST SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL.
throughput() {
  local try most=0
  [[ -e /run/netns/$3 && -e /run/netns/$4 ]] || { tell 0 "$1" "the lab is not up"; return 0; }
  for try in 1 2 3; do
    transfer "${@:3}" -t 5 -O 2
    stop
    ((received <= most)) || most=$received
    ((most * 1000 < $2)) || break
  done
  tell "$((most * 1000 >= $2))" "$1" "$(mbit "$most") Mbit/s at the best of $try${said:+, and then: $said}"
}

# === the call =================================================================
needs
prepare
begin 5
refer_all
compare_lab dual-stack-a dual-stack-b dual-stack-c dual-stack-d
compare_all 4
expect
finish
}
