#!/usr/bin/env bash
# Checks the lab "aggregate" that is up. Written by mpc 0.1.0 from aggregate.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=aggregate

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# === check ====================================================================
# What was checked is told in TAP: a line a test point, and below it what is wrong, or what was measured.
count=0
failed=0

(($# == 0)) || die "usage: check.sh"

# Ends the check where it cannot begin.
bail_out() { printf 'Bail out! %s\n' "$*"; exit 2; }

need_tool() { type -P "$1" >/dev/null || bail_out "the command $1 (package $2) is missing"; }

# Tells a test point: whether it holds, what was checked, and what there is to say of it.
tell() {
  local status=ok
  ((++count))
  (($1)) || { status="not ok" && ((++failed)); }
  printf '%s %d - %s\n' "$status" "$count" "$2"
  (($# == 2)) || printf '# %s\n' "${@:3}"
}

begin() {
  ((EUID == 0)) || bail_out "must run as root"
  printf 'TAP version 14\n1..%d\n' "$1"
}

finish() {
  ((failed == 0)) || printf '# %d of %d failed\n' "$failed" "$count"
  exit "$((failed > 0))"
}

# === the machine beside the plan ==============================================
# Both are told in lines of one form, so that a line of one that the other lacks is a drift.
reference=()
planned=()
queries=('link show' 'address show' 'route show table all' 'rule show')
masquerades=

# Has more asked of each namespace, for labs that have more.
ask_mptcp() { queries+=('mptcp limits' 'mptcp endpoint show'); }
ask_masquerades() { masquerades=yes; }

inside() { nsenter --net="/run/netns/$1" "${@:2}"; }

# Text without the spaces at its end.
trimmed() { printf '%s\n' "${1%"${1##*[! ]}"}"; }

# Has tc(8) show the queueing disciplines that its input makes, those of an interface after those of another, where
# nobody else sees it: it rounds there as it does in the lab, whatever its version and the kernel. COUNT.
refer() {
  local line
  while IFS= read -r line; do
    if [[ $line == *" root "* ]]; then reference+=("$line"); else reference[-1]+=$'\n'$line; fi
  done < <(unshare --net tc -batch - 2>/dev/null | queues)
  ((${#reference[@]} == $1)) || bail_out "this machine does not have all the queueing disciplines of the lab"
}

# What `tc qdisc show` tells, without counts, random seeds, and handles that the kernel chose.
queues() {
  local line
  while IFS= read -r line; do
    [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    [[ ! $line =~ ^(.*)\ (refcnt|seed)\ [0-9]+(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[3]}
    [[ ! $line =~ ^(qdisc\ [a-z_]+)\ [89a-f][0-9a-f]{3}:(.*)$ ]] || line=${BASH_REMATCH[1]}${BASH_REMATCH[2]}
    [[ $line == "qdisc noqueue "* ]] || trimmed "$line"
  done
}

# A link as `ip -o link` tells it: its MTU, its state, and the namespace at its other end; of lo, the lab's mark.
link() {
  local name flags mtu state=down
  [[ $1 =~ ^[0-9]+:\ ([^:@\ ]+)(@[^:]+)?:\ \<([^>]*)\>\ mtu\ ([0-9]+) ]] || return 0
  name=${BASH_REMATCH[1]} flags=,${BASH_REMATCH[3]}, mtu=${BASH_REMATCH[4]}
  [[ $flags != *,UP,* ]] || state=up
  [[ $flags != *,NO-CARRIER,* ]] || state="without a carrier"
  if [[ $name == lo ]]; then
    [[ ! $1 =~ \ alias\ ([^\ ]+) ]] || echo "mark ${BASH_REMATCH[1]}"
  elif [[ $1 =~ \ link-netns\ ([^\ \\]+) ]]; then
    echo "link $name mtu $mtu $state to ${BASH_REMATCH[1]}"
  else
    echo "link $name mtu $mtu $state"
  fi
}

# A route as `ip -o route` tells it, a line a next hop. Those that bear a protocol are the kernel's or a daemon's.
# (Interfaces may be called like any of its words, so the only one is taken out first; of several, none comes before.)
route() {
  local line=$1 target=${1%% *} way='' rest table='' source=''
  if [[ $line =~ ^[^\ ]+\ ((via\ [^\ ]+\ )?dev\ [^\ ]+)(.*)$ ]]; then
    way=${BASH_REMATCH[1]} rest=${BASH_REMATCH[3]}
  else
    rest=${line%%nexthop via *}
  fi
  [[ $rest != *" proto "* && $rest != *" table local "* ]] || return 0
  [[ ! $rest =~ \ table\ [^\ ]+ ]] || { table=${BASH_REMATCH[0]}; rest=${rest/"$table"/}; }
  [[ ! $rest =~ \ src\ [^\ ]+ ]] || { source=${BASH_REMATCH[0]}; rest=${rest/"$source"/}; }
  rest=${rest/ pref medium/} rest=${rest/ metric 1024/} rest=${rest// linkdown/}
  [[ $target != default || $line != *" via "*:* ]] || target=::/0
  if [[ -n $way ]]; then trimmed "route $target$source$table $way$rest"; return 0; fi
  while [[ $line =~ nexthop\ (via\ [^\ ]+\ dev\ [^\ ]+\ weight\ [0-9]+)(\ dead)?(.*)$ ]]; do
    line=${BASH_REMATCH[3]}
    [[ -n ${BASH_REMATCH[2]} ]] || echo "route $target$source$table ${BASH_REMATCH[1]}"
  done
}

# A rule as `ip rule` tells it; the kernel's own are left out.
rule() {
  local line=${1/: / }
  line=${line/from all to /to } line=${line/from all iif /iif }
  case $line in
    "0 "* | "32766 "* | "32767 "*) ;;
    *) trimmed "rule pref $line" ;;
  esac
}

# An MPTCP endpoint as `ip mptcp endpoint` tells it, its flags in one order.
endpoint() {
  local words=" $1 " flag line="endpoint ${1%% *}"
  [[ ! $words =~ \ dev\ [^\ ]+ ]] || { line+=${BASH_REMATCH[0]}; words=${words/"${BASH_REMATCH[0]}"/}; }
  [[ $words != *" implicit "* ]] || return 0
  [[ ! $words =~ \ port\ [0-9]+ ]] || line+=${BASH_REMATCH[0]}
  for flag in signal subflow fullmesh backup; do [[ $words != *" $flag "* ]] || line+=" $flag"; done
  echo "$line"
}

# A sysctl as `grep -H` tells its file; in a key, `.` and `/` have changed places.
setting() {
  local path=${1%%:*} key
  key=${path#/proc/sys/} key=${key//./,} key=${key//\//.} key=${key//,//}
  trimmed "sysctl $key = ${1#*:}"
}

# Tells what programs tell in the lines of the plan.
translate() {
  local line
  while read -r line; do
    line=${line//$'\t'/ }
    case $line in
      [0-9]*": "*": <"*) link "$line" ;;
      [0-9]*": "*" scope global"*)
        [[ ! $line =~ ^[0-9]+:\ ([^\ ]+)\ +inet6?\ ([^\ ]+) || $line == *" dynamic "* ]] ||
          echo "address ${BASH_REMATCH[2]} dev ${BASH_REMATCH[1]}" ;;
      [0-9]*": "*" inet"*) ;;
      [0-9]*": "*) rule "$line" ;;
      "add_addr_accepted "*)
        [[ ! $line =~ ^add_addr_accepted\ ([0-9]+)\ subflows\ ([0-9]+) ]] ||
          echo "limits subflows ${BASH_REMATCH[2]} add_addr_accepted ${BASH_REMATCH[1]}" ;;
      *" id "[0-9]*) endpoint "$line" ;;
      /proc/sys/*) setting "$line" ;;
      ?*) route "$line" ;;
    esac
  done
}

# The interfaces that `nft list table` tells the masquerades of.
out_of() {
  local line
  while read -r line; do
    [[ ! $line =~ ^oifname\ \"(.*)\"\ masquerade ]] || echo "masquerade ${BASH_REMATCH[1]}"
  done
}

# Tells all of a namespace that a plan speaks of: NAMESPACE SYSCTL..., which are files.
facts() {
  {
    printf '%s\n' "${queries[@]}" | inside "$1" ip -o -batch -
    inside "$1" ip -6 -o rule show
    (($# == 1)) || inside "$1" grep -H '' "${@:2}"
  } 2>/dev/null | translate || true
  inside "$1" tc qdisc show 2>/dev/null | queues || true
  [[ -z $masquerades ]] || inside "$1" nft list table inet mpc 2>/dev/null | out_of || true
}

# Namespaces are compared in parts, side by side: each turn is one of them.
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
  for target in "${@:2}"; do planned+=("route $target $1"); done
}

# Compares a namespace with the lines of its plan, which are its input, and has `compare_all` tell of it.
compare() {
  local ns=$1 line key missing=() unexpected=() sysctls=() names=" "
  local -A wanted=() present=()
  ((turn++ % CPUS == part)) || return 0
  for line in "${planned[@]}"; do wanted[$line]=1; done
  while IFS= read -r line; do
    case $line in
      "qdisc "*) read -r _ line key <<<"$line" && line=${reference[key]//" dev lo "/" dev $line "} ;;
      "sysctl "*) read -r _ key _ <<<"$line" && key=${key//\//,} && key=${key//.//}
        sysctls+=("/proc/sys/${key//,/.}") ;;
      "link "*) read -r _ key _ <<<"$line" && names+="$key " ;;
      "limits "*) names+="/limits " ;;
    esac
    while IFS= read -r key; do planned+=("$key") wanted[$key]=1; done <<<"$line"
  done
  if [[ ! -e /run/netns/$ns ]]; then
    missing=("missing: the namespace $ns")
  else
    while IFS= read -r line; do
      present[$line]=1
      [[ -n ${wanted[$line]:-} ]] || is_none "$line" "$names" || unexpected+=("unexpected: $line")
    done < <(facts "$ns" "${sysctls[@]}")
    for line in "${planned[@]}"; do [[ -n ${present[$line]:-} ]] || missing+=("missing: $line"); done
  fi
  printf '%s\n' "$((${#missing[@]} + ${#unexpected[@]} == 0))" "the namespace $ns is as planned" \
    "${missing[@]}" "${unexpected[@]}" ""
  planned=()
}

# Whether a line that is not planned is no drift: MPTCP limits where none are set, and interfaces that are down, as
# some modules make in every namespace.
is_none() {
  local name
  read -r _ name _ <<<"$1"
  [[ $1 == "limits "* && $2 != *" /limits "* ]] || [[ $1 == "link "*" down"* && $2 != *" $name "* ]]
}

# === the lab ==================================================================
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
begin 11

compare_each() {

routes "src 10.0.0.1 via 10.16.0.1 dev dc-leaf0 weight 1" 10.0.1.1
routes "src 10.0.0.1 via 10.16.1.1 dev dc-leaf1 weight 1" 10.0.1.1
routes "src 10.0.0.1 via 10.16.2.1 dev dc-leaf2 weight 1" 10.0.1.1
routes "src 10.0.0.1 via 10.16.0.1 dev dc-leaf0" 10.1.0.{1,2/31}
routes "src 10.0.0.1 via 10.16.1.1 dev dc-leaf1" 10.1.1.{1,2/31}
routes "src 10.0.0.1 via 10.16.2.1 dev dc-leaf2" 10.1.2.{1,2/31}
routes "via 10.16.0.1 dev dc-leaf0" 10.{2,17}.0.0/22
routes "via 10.16.1.1 dev dc-leaf1" 10.{2.1.0/29,17.1.0/30}
routes "via 10.16.2.1 dev dc-leaf2" 10.{2.2.0/29,17.2.0/30}
compare aggregate-dc-spine0 <<'END'
mark mpc:aggregate
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.0.0.1/32 dev lo
address 10.16.0.2/30 dev dc-leaf0
address 10.16.1.2/30 dev dc-leaf1
address 10.16.2.2/30 dev dc-leaf2
END

routes "src 10.0.1.1 via 10.17.0.1 dev dc-leaf0 weight 1" 10.0.0.1
routes "src 10.0.1.1 via 10.17.1.1 dev dc-leaf1 weight 1" 10.0.0.1
routes "src 10.0.1.1 via 10.17.2.1 dev dc-leaf2 weight 1" 10.0.0.1
routes "src 10.0.1.1 via 10.17.0.1 dev dc-leaf0" 10.1.0.{1,2/31}
routes "src 10.0.1.1 via 10.17.1.1 dev dc-leaf1" 10.1.1.{1,2/31}
routes "src 10.0.1.1 via 10.17.2.1 dev dc-leaf2" 10.1.2.{1,2/31}
routes "via 10.17.0.1 dev dc-leaf0" 10.{2,16}.0.0/22
routes "via 10.17.1.1 dev dc-leaf1" 10.{2.1.0/29,16.1.0/30}
routes "via 10.17.2.1 dev dc-leaf2" 10.{2.2.0/29,16.2.0/30}
compare aggregate-dc-spine1 <<'END'
mark mpc:aggregate
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.0.1.1/32 dev lo
address 10.17.0.2/30 dev dc-leaf0
address 10.17.1.2/30 dev dc-leaf1
address 10.17.2.2/30 dev dc-leaf2
END

routes "src 10.1.0.1 via 10.16.0.2 dev dc-spine0" 10.0.0.1
routes "src 10.1.0.1 via 10.17.0.2 dev dc-spine1" 10.0.1.1
routes "src 10.1.0.1 via 10.2.0.2 dev dc-h0-0" 10.1.0.2/31
routes "src 10.1.0.1 via 10.2.0.6 dev dc-h0-1" 10.1.0.3
routes "src 10.1.0.1 via 10.16.0.2 dev dc-spine0 weight 1" 10.1.{1.{1,2/31},2.{1,2}}
routes "src 10.1.0.1 via 10.17.0.2 dev dc-spine1 weight 1" 10.1.{1.{1,2/31},2.{1,2}}
routes "via 10.16.0.2 dev dc-spine0 weight 1" 10.2.0.0/22
routes "via 10.17.0.2 dev dc-spine1 weight 1" 10.2.0.0/22
routes "via 10.16.0.2 dev dc-spine0" 10.16.0.0/15
routes "via 10.17.0.2 dev dc-spine1" 10.17.0.0/22
compare aggregate-dc-leaf0 <<'END'
mark mpc:aggregate
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h0-0 mtu 1500 up to aggregate-dc-h0-0
link dc-h0-1 mtu 1500 up to aggregate-dc-h0-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.0.1/32 dev lo
address 10.16.0.1/30 dev dc-spine0
address 10.17.0.1/30 dev dc-spine1
address 10.2.0.1/30 dev dc-h0-0
address 10.2.0.5/30 dev dc-h0-1
route 10.1.2.3 src 10.1.0.1 via 10.17.0.2 dev dc-spine1
END

routes "src 10.1.0.2 via 10.2.0.1 dev dc-leaf0" 10.0.0.0/15
compare aggregate-dc-h0-0 <<'END'
mark mpc:aggregate
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.0.2/32 dev lo
address 10.2.0.2/30 dev dc-leaf0
route default via 10.2.0.1 dev dc-leaf0
END

routes "src 10.1.0.3 via 10.2.0.5 dev dc-leaf0" 10.0.0.0/15
compare aggregate-dc-h0-1 <<'END'
mark mpc:aggregate
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.0.3/32 dev lo
address 10.2.0.6/30 dev dc-leaf0
route default via 10.2.0.5 dev dc-leaf0
END

routes "src 10.1.1.1 via 10.16.1.2 dev dc-spine0" 10.0.0.1
routes "src 10.1.1.1 via 10.17.1.2 dev dc-spine1" 10.0.1.1
routes "src 10.1.1.1 via 10.16.1.2 dev dc-spine0 weight 1" 10.1.{0,2}.{1,2/31}
routes "src 10.1.1.1 via 10.17.1.2 dev dc-spine1 weight 1" 10.1.{0,2}.{1,2/31}
routes "src 10.1.1.1 via 10.2.1.2 dev dc-h1-0" 10.1.1.2/31
routes "src 10.1.1.1 via 10.2.1.6 dev dc-h1-1" 10.1.1.3
routes "via 10.16.1.2 dev dc-spine0 weight 1" 10.2.0.0/22
routes "via 10.17.1.2 dev dc-spine1 weight 1" 10.2.0.0/22
routes "via 10.16.1.2 dev dc-spine0" 10.16.0.0/15
routes "via 10.17.1.2 dev dc-spine1" 10.17.0.0/22
compare aggregate-dc-leaf1 <<'END'
mark mpc:aggregate
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h1-0 mtu 1500 up to aggregate-dc-h1-0
link dc-h1-1 mtu 1500 up to aggregate-dc-h1-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.1.1/32 dev lo
address 10.16.1.1/30 dev dc-spine0
address 10.17.1.1/30 dev dc-spine1
address 10.2.1.1/30 dev dc-h1-0
address 10.2.1.5/30 dev dc-h1-1
END

routes "src 10.1.1.2 via 10.2.1.1 dev dc-leaf1" 10.0.0.0/15
compare aggregate-dc-h1-0 <<'END'
mark mpc:aggregate
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.1.2/32 dev lo
address 10.2.1.2/30 dev dc-leaf1
route default via 10.2.1.1 dev dc-leaf1
END

routes "src 10.1.1.3 via 10.2.1.5 dev dc-leaf1" 10.0.0.0/15
compare aggregate-dc-h1-1 <<'END'
mark mpc:aggregate
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.1.3/32 dev lo
address 10.2.1.6/30 dev dc-leaf1
route default via 10.2.1.5 dev dc-leaf1
END

routes "src 10.1.2.1 via 10.16.2.2 dev dc-spine0" 10.0.0.1
routes "src 10.1.2.1 via 10.17.2.2 dev dc-spine1" 10.0.1.1
routes "src 10.1.2.1 via 10.16.2.2 dev dc-spine0 weight 1" 10.1.{0,1}.{1,2/31}
routes "src 10.1.2.1 via 10.17.2.2 dev dc-spine1 weight 1" 10.1.{0,1}.{1,2/31}
routes "src 10.1.2.1 via 10.2.2.2 dev dc-h2-0" 10.1.2.2/31
routes "src 10.1.2.1 via 10.2.2.6 dev dc-h2-1" 10.1.2.3
routes "via 10.16.2.2 dev dc-spine0 weight 1" 10.2.0.0/23
routes "via 10.17.2.2 dev dc-spine1 weight 1" 10.2.0.0/23
routes "via 10.16.2.2 dev dc-spine0" 10.16.0.0/15
routes "via 10.17.2.2 dev dc-spine1" 10.17.0.0/23
compare aggregate-dc-leaf2 <<'END'
mark mpc:aggregate
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h2-0 mtu 1500 up to aggregate-dc-h2-0
link dc-h2-1 mtu 1500 up to aggregate-dc-h2-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.2.1/32 dev lo
address 10.16.2.1/30 dev dc-spine0
address 10.17.2.1/30 dev dc-spine1
address 10.2.2.1/30 dev dc-h2-0
address 10.2.2.5/30 dev dc-h2-1
END

routes "src 10.1.2.2 via 10.2.2.1 dev dc-leaf2" 10.0.0.0/15
compare aggregate-dc-h2-0 <<'END'
mark mpc:aggregate
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.2.2/32 dev lo
address 10.2.2.2/30 dev dc-leaf2
route default via 10.2.2.1 dev dc-leaf2
END

routes "src 10.1.2.3 via 10.2.2.5 dev dc-leaf2" 10.0.0.0/15
compare aggregate-dc-h2-1 <<'END'
mark mpc:aggregate
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.2.3/32 dev lo
address 10.2.2.6/30 dev dc-leaf2
route default via 10.2.2.5 dev dc-leaf2
END
}
compare_all 11

finish
}
