#!/usr/bin/env bash
# Checks the lab "three-paths" that is up. Written by mpc 0.1.0 from three-paths.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=three-paths

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
ask_mptcp
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
begin 5
refer 1 <<'END'
qdisc add dev lo root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc show
qdisc del dev lo root
END

compare_each() {

compare three-paths-laptop <<'END'
mark mpc:three-paths
link wifi mtu 1500 up to three-paths-wifi
link lte mtu 1500 up to three-paths-lte
link dsl mtu 1500 up to three-paths-dsl
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 7812
address 10.234.131.55/32 dev lo
address 10.49.18.109/30 dev wifi
address 10.56.97.97/30 dev lte
address 10.115.71.26/30 dev dsl
route 10.251.49.181 src 10.234.131.55 via 10.49.18.110 dev wifi weight 1
route 10.251.49.181 src 10.234.131.55 via 10.56.97.98 dev lte weight 1
route 10.251.49.181 src 10.234.131.55 via 10.115.71.25 dev dsl weight 1
route 10.193.156.148 src 10.234.131.55 via 10.49.18.110 dev wifi
route 10.202.71.220 src 10.234.131.55 via 10.56.97.98 dev lte
route 10.216.226.201 src 10.234.131.55 via 10.115.71.25 dev dsl
route 10.40.23.20/30 via 10.49.18.110 dev wifi
route 10.40.94.160/30 via 10.56.97.98 dev lte
route 10.1.103.204/30 via 10.115.71.25 dev dsl
route 10.251.49.181 table 99197 via 10.49.18.110 dev wifi
route 10.40.23.21 table 99197 via 10.49.18.110 dev wifi
route 10.40.94.162 table 99197 via 10.49.18.110 dev wifi
route 10.1.103.206 table 99197 via 10.49.18.110 dev wifi
route 10.251.49.181 table 14037 via 10.56.97.98 dev lte
route 10.40.23.21 table 14037 via 10.56.97.98 dev lte
route 10.40.94.162 table 14037 via 10.56.97.98 dev lte
route 10.1.103.206 table 14037 via 10.56.97.98 dev lte
route 10.251.49.181 table 68462 via 10.115.71.25 dev dsl
route 10.40.23.21 table 68462 via 10.115.71.25 dev dsl
route 10.40.94.162 table 68462 via 10.115.71.25 dev dsl
route 10.1.103.206 table 68462 via 10.115.71.25 dev dsl
rule pref 1100 to 10.40.23.21 lookup 99197
rule pref 1100 to 10.40.94.162 lookup 14037
rule pref 1100 to 10.1.103.206 lookup 68462
rule pref 1200 from 10.49.18.109 lookup 99197
rule pref 1200 from 10.56.97.97 lookup 14037
rule pref 1200 from 10.115.71.26 lookup 68462
limits subflows 6 add_addr_accepted 0
endpoint 10.49.18.109 dev wifi subflow
endpoint 10.56.97.97 dev lte subflow
endpoint 10.115.71.26 dev dsl subflow
qdisc wifi 0
qdisc lte 0
qdisc dsl 0
END

compare three-paths-server <<'END'
mark mpc:three-paths
link wifi mtu 1500 up to three-paths-wifi
link lte mtu 1500 up to three-paths-lte
link dsl mtu 1500 up to three-paths-dsl
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
sysctl net.mptcp.enabled = 1
sysctl net.ipv4.tcp_notsent_lowat = 7812
address 10.251.49.181/32 dev lo
address 10.40.23.21/30 dev wifi
address 10.40.94.162/30 dev lte
address 10.1.103.206/30 dev dsl
route 10.234.131.55 src 10.251.49.181 via 10.40.23.22 dev wifi weight 1
route 10.234.131.55 src 10.251.49.181 via 10.40.94.161 dev lte weight 1
route 10.234.131.55 src 10.251.49.181 via 10.1.103.205 dev dsl weight 1
route 10.193.156.148 src 10.251.49.181 via 10.40.23.22 dev wifi
route 10.202.71.220 src 10.251.49.181 via 10.40.94.161 dev lte
route 10.216.226.201 src 10.251.49.181 via 10.1.103.205 dev dsl
route 10.49.18.108/30 via 10.40.23.22 dev wifi
route 10.56.97.96/30 via 10.40.94.161 dev lte
route 10.115.71.24/30 via 10.1.103.205 dev dsl
route 10.234.131.55 table 99197 via 10.40.23.22 dev wifi
route 10.49.18.109 table 99197 via 10.40.23.22 dev wifi
route 10.56.97.97 table 99197 via 10.40.23.22 dev wifi
route 10.115.71.26 table 99197 via 10.40.23.22 dev wifi
route 10.234.131.55 table 14037 via 10.40.94.161 dev lte
route 10.49.18.109 table 14037 via 10.40.94.161 dev lte
route 10.56.97.97 table 14037 via 10.40.94.161 dev lte
route 10.115.71.26 table 14037 via 10.40.94.161 dev lte
route 10.234.131.55 table 68462 via 10.1.103.205 dev dsl
route 10.49.18.109 table 68462 via 10.1.103.205 dev dsl
route 10.56.97.97 table 68462 via 10.1.103.205 dev dsl
route 10.115.71.26 table 68462 via 10.1.103.205 dev dsl
rule pref 1100 to 10.49.18.109 lookup 99197
rule pref 1100 to 10.56.97.97 lookup 14037
rule pref 1100 to 10.115.71.26 lookup 68462
rule pref 1200 from 10.40.23.21 lookup 99197
rule pref 1200 from 10.40.94.162 lookup 14037
rule pref 1200 from 10.1.103.206 lookup 68462
limits subflows 6 add_addr_accepted 0
endpoint 10.40.23.21 dev wifi subflow
endpoint 10.40.94.162 dev lte subflow
endpoint 10.1.103.206 dev dsl subflow
qdisc wifi 0
qdisc lte 0
qdisc dsl 0
END

compare three-paths-wifi <<'END'
mark mpc:three-paths
link laptop mtu 1500 up to three-paths-laptop
link server mtu 1500 up to three-paths-server
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.193.156.148/32 dev lo
address 10.49.18.110/30 dev laptop
address 10.40.23.22/30 dev server
route 10.234.131.55 src 10.193.156.148 via 10.49.18.109 dev laptop
route 10.251.49.181 src 10.193.156.148 via 10.40.23.21 dev server
route 10.56.97.97 via 10.49.18.109 dev laptop
route 10.115.71.26 via 10.49.18.109 dev laptop
route 10.40.94.162 via 10.40.23.21 dev server
route 10.1.103.206 via 10.40.23.21 dev server
qdisc laptop 0
qdisc server 0
END

compare three-paths-lte <<'END'
mark mpc:three-paths
link laptop mtu 1500 up to three-paths-laptop
link server mtu 1500 up to three-paths-server
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.202.71.220/32 dev lo
address 10.56.97.98/30 dev laptop
address 10.40.94.161/30 dev server
route 10.234.131.55 src 10.202.71.220 via 10.56.97.97 dev laptop
route 10.251.49.181 src 10.202.71.220 via 10.40.94.162 dev server
route 10.49.18.109 via 10.56.97.97 dev laptop
route 10.115.71.26 via 10.56.97.97 dev laptop
route 10.40.23.21 via 10.40.94.162 dev server
route 10.1.103.206 via 10.40.94.162 dev server
qdisc laptop 0
qdisc server 0
END

compare three-paths-dsl <<'END'
mark mpc:three-paths
link laptop mtu 1500 up to three-paths-laptop
link server mtu 1500 up to three-paths-server
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.all.rp_filter = 0
sysctl net.ipv4.conf.default.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.216.226.201/32 dev lo
address 10.115.71.25/30 dev laptop
address 10.1.103.205/30 dev server
route 10.234.131.55 src 10.216.226.201 via 10.115.71.26 dev laptop
route 10.251.49.181 src 10.216.226.201 via 10.1.103.206 dev server
route 10.49.18.109 via 10.115.71.26 dev laptop
route 10.56.97.97 via 10.115.71.26 dev laptop
route 10.40.23.21 via 10.1.103.206 dev server
route 10.40.94.162 via 10.1.103.206 dev server
qdisc laptop 0
qdisc server 0
END
}
compare_all 5

finish
}
