#!/usr/bin/env bash
# Checks the lab "aggregate" that is up. Written by mpc 0.1.0 from aggregate.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 606b112a178d2395a16544bd30c9ea13ca4aa99c78b8eb02a7509dca0c41ca61
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE CONTAINERS ATTACHED WIRES PCAPS PLAY
export LC_ALL=C
umask 022
trap '' PIPE

LAB='aggregate'
IFS= read -rd '' USAGE <<'END' || true
usage: check.sh
Checks the lab "aggregate" that is up.
END
IFS= read -rd '' RESULT <<'END' || true
mpc 0.1.0
plan a9cf068bfbba
params {}
END

# === the lab ==================================================================

needs() {
need_tool ip iproute2
need_tool tc iproute2
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool mount mount
need_tool awk mawk
}

refer_all() {
refer_mptcp
file hosts <<'END'
# mpc:aggregate
127.0.0.1 localhost
::1 localhost
10.0.0.1 dc-spine0
10.16.0.2 dc-leaf0.dc-spine0
10.16.1.2 dc-leaf1.dc-spine0
10.16.2.2 dc-leaf2.dc-spine0
10.0.1.1 dc-spine1
10.17.0.2 dc-leaf0.dc-spine1
10.17.1.2 dc-leaf1.dc-spine1
10.17.2.2 dc-leaf2.dc-spine1
10.1.0.1 dc-leaf0
10.16.0.1 dc-spine0.dc-leaf0
10.17.0.1 dc-spine1.dc-leaf0
10.2.0.1 dc-h0-0.dc-leaf0
10.2.0.5 dc-h0-1.dc-leaf0
10.1.0.2 dc-h0-0
10.2.0.2 dc-leaf0.dc-h0-0
10.1.0.3 dc-h0-1
10.2.0.6 dc-leaf0.dc-h0-1
10.1.1.1 dc-leaf1
10.16.1.1 dc-spine0.dc-leaf1
10.17.1.1 dc-spine1.dc-leaf1
10.2.1.1 dc-h1-0.dc-leaf1
10.2.1.5 dc-h1-1.dc-leaf1
10.1.1.2 dc-h1-0
10.2.1.2 dc-leaf1.dc-h1-0
10.1.1.3 dc-h1-1
10.2.1.6 dc-leaf1.dc-h1-1
10.1.2.1 dc-leaf2
10.16.2.1 dc-spine0.dc-leaf2
10.17.2.1 dc-spine1.dc-leaf2
10.2.2.1 dc-h2-0.dc-leaf2
10.2.2.5 dc-h2-1.dc-leaf2
10.1.2.2 dc-h2-0
10.2.2.2 dc-leaf2.dc-h2-0
10.1.2.3 dc-h2-1
10.2.2.6 dc-leaf2.dc-h2-1
END
[[ ! -e /etc/resolv.conf ]] || file resolv.conf <<'END'
# mpc:aggregate
# This lab has no name server.
END
}

compare_each() {
mine && routes "via 10.16.0.1 dev dc-leaf0 weight 1 src 10.0.0.1" 10.0.1.1
mine && routes "via 10.16.1.1 dev dc-leaf1 weight 1 src 10.0.0.1" 10.0.1.1
mine && routes "via 10.16.2.1 dev dc-leaf2 weight 1 src 10.0.0.1" 10.0.1.1
mine && routes "via 10.16.0.1 dev dc-leaf0 src 10.0.0.1" 10.1.0.{1,2/31}
mine && routes "via 10.16.1.1 dev dc-leaf1 src 10.0.0.1" 10.1.1.{1,2/31}
mine && routes "via 10.16.2.1 dev dc-leaf2 src 10.0.0.1" 10.1.2.{1,2/31}
mine && routes "via 10.16.0.1 dev dc-leaf0" 10.{2,17}.0.0/22
mine && routes "via 10.16.1.1 dev dc-leaf1" 10.{2.1.0/29,17.1.0/30}
mine && routes "via 10.16.2.1 dev dc-leaf2" 10.{2.2.0/29,17.2.0/30}
compare aggregate-dc-spine0 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.0.0.1/32 dev lo
address 10.16.0.2/30 dev dc-leaf0
connected 10.16.0.0/30 dev dc-leaf0
address 10.16.1.2/30 dev dc-leaf1
connected 10.16.1.0/30 dev dc-leaf1
address 10.16.2.2/30 dev dc-leaf2
connected 10.16.2.0/30 dev dc-leaf2
END

mine && routes "via 10.17.0.1 dev dc-leaf0 weight 1 src 10.0.1.1" 10.0.0.1
mine && routes "via 10.17.1.1 dev dc-leaf1 weight 1 src 10.0.1.1" 10.0.0.1
mine && routes "via 10.17.2.1 dev dc-leaf2 weight 1 src 10.0.1.1" 10.0.0.1
mine && routes "via 10.17.0.1 dev dc-leaf0 src 10.0.1.1" 10.1.0.{1,2/31}
mine && routes "via 10.17.1.1 dev dc-leaf1 src 10.0.1.1" 10.1.1.{1,2/31}
mine && routes "via 10.17.2.1 dev dc-leaf2 src 10.0.1.1" 10.1.2.{1,2/31}
mine && routes "via 10.17.0.1 dev dc-leaf0" 10.{2,16}.0.0/22
mine && routes "via 10.17.1.1 dev dc-leaf1" 10.{2.1.0/29,16.1.0/30}
mine && routes "via 10.17.2.1 dev dc-leaf2" 10.{2.2.0/29,16.2.0/30}
compare aggregate-dc-spine1 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.0.1.1/32 dev lo
address 10.17.0.2/30 dev dc-leaf0
connected 10.17.0.0/30 dev dc-leaf0
address 10.17.1.2/30 dev dc-leaf1
connected 10.17.1.0/30 dev dc-leaf1
address 10.17.2.2/30 dev dc-leaf2
connected 10.17.2.0/30 dev dc-leaf2
END

mine && routes "via 10.16.0.2 dev dc-spine0 src 10.1.0.1" 10.0.0.1
mine && routes "via 10.17.0.2 dev dc-spine1 src 10.1.0.1" 10.0.1.1
mine && routes "via 10.2.0.2 dev dc-h0-0 src 10.1.0.1" 10.1.0.2/31
mine && routes "via 10.2.0.6 dev dc-h0-1 src 10.1.0.1" 10.1.0.3
mine && routes "via 10.16.0.2 dev dc-spine0 weight 1 src 10.1.0.1" 10.1.{1.{1,2/31},2.{1,2}}
mine && routes "via 10.17.0.2 dev dc-spine1 weight 1 src 10.1.0.1" 10.1.{1.{1,2/31},2.{1,2}}
mine && routes "via 10.16.0.2 dev dc-spine0 weight 1" 10.2.0.0/22
mine && routes "via 10.17.0.2 dev dc-spine1 weight 1" 10.2.0.0/22
mine && routes "via 10.16.0.2 dev dc-spine0" 10.16.0.0/15
mine && routes "via 10.17.0.2 dev dc-spine1" 10.17.0.0/22
compare aggregate-dc-leaf0 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h0-0 mtu 1500 up to aggregate-dc-h0-0
link dc-h0-1 mtu 1500 up to aggregate-dc-h0-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.0.1/32 dev lo
address 10.16.0.1/30 dev dc-spine0
connected 10.16.0.0/30 dev dc-spine0
address 10.17.0.1/30 dev dc-spine1
connected 10.17.0.0/30 dev dc-spine1
address 10.2.0.1/30 dev dc-h0-0
connected 10.2.0.0/30 dev dc-h0-0
address 10.2.0.5/30 dev dc-h0-1
connected 10.2.0.4/30 dev dc-h0-1
route 10.1.2.3 via 10.17.0.2 dev dc-spine1 src 10.1.0.1
END

mine && routes "via 10.2.0.1 dev dc-leaf0 src 10.1.0.2" 10.0.0.0/15
compare aggregate-dc-h0-0 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.0.2/32 dev lo
address 10.2.0.2/30 dev dc-leaf0
connected 10.2.0.0/30 dev dc-leaf0
route default via 10.2.0.1 dev dc-leaf0
END

mine && routes "via 10.2.0.5 dev dc-leaf0 src 10.1.0.3" 10.0.0.0/15
compare aggregate-dc-h0-1 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf0 mtu 1500 up to aggregate-dc-leaf0
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.0.3/32 dev lo
address 10.2.0.6/30 dev dc-leaf0
connected 10.2.0.4/30 dev dc-leaf0
route default via 10.2.0.5 dev dc-leaf0
END

mine && routes "via 10.16.1.2 dev dc-spine0 src 10.1.1.1" 10.0.0.1
mine && routes "via 10.17.1.2 dev dc-spine1 src 10.1.1.1" 10.0.1.1
mine && routes "via 10.16.1.2 dev dc-spine0 weight 1 src 10.1.1.1" 10.1.{0,2}.{1,2/31}
mine && routes "via 10.17.1.2 dev dc-spine1 weight 1 src 10.1.1.1" 10.1.{0,2}.{1,2/31}
mine && routes "via 10.2.1.2 dev dc-h1-0 src 10.1.1.1" 10.1.1.2/31
mine && routes "via 10.2.1.6 dev dc-h1-1 src 10.1.1.1" 10.1.1.3
mine && routes "via 10.16.1.2 dev dc-spine0 weight 1" 10.2.0.0/22
mine && routes "via 10.17.1.2 dev dc-spine1 weight 1" 10.2.0.0/22
mine && routes "via 10.16.1.2 dev dc-spine0" 10.16.0.0/15
mine && routes "via 10.17.1.2 dev dc-spine1" 10.17.0.0/22
compare aggregate-dc-leaf1 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h1-0 mtu 1500 up to aggregate-dc-h1-0
link dc-h1-1 mtu 1500 up to aggregate-dc-h1-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.1.1/32 dev lo
address 10.16.1.1/30 dev dc-spine0
connected 10.16.1.0/30 dev dc-spine0
address 10.17.1.1/30 dev dc-spine1
connected 10.17.1.0/30 dev dc-spine1
address 10.2.1.1/30 dev dc-h1-0
connected 10.2.1.0/30 dev dc-h1-0
address 10.2.1.5/30 dev dc-h1-1
connected 10.2.1.4/30 dev dc-h1-1
END

mine && routes "via 10.2.1.1 dev dc-leaf1 src 10.1.1.2" 10.0.0.0/15
compare aggregate-dc-h1-0 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.1.2/32 dev lo
address 10.2.1.2/30 dev dc-leaf1
connected 10.2.1.0/30 dev dc-leaf1
route default via 10.2.1.1 dev dc-leaf1
END

mine && routes "via 10.2.1.5 dev dc-leaf1 src 10.1.1.3" 10.0.0.0/15
compare aggregate-dc-h1-1 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf1 mtu 1500 up to aggregate-dc-leaf1
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.1.3/32 dev lo
address 10.2.1.6/30 dev dc-leaf1
connected 10.2.1.4/30 dev dc-leaf1
route default via 10.2.1.5 dev dc-leaf1
END

mine && routes "via 10.16.2.2 dev dc-spine0 src 10.1.2.1" 10.0.0.1
mine && routes "via 10.17.2.2 dev dc-spine1 src 10.1.2.1" 10.0.1.1
mine && routes "via 10.16.2.2 dev dc-spine0 weight 1 src 10.1.2.1" 10.1.{0,1}.{1,2/31}
mine && routes "via 10.17.2.2 dev dc-spine1 weight 1 src 10.1.2.1" 10.1.{0,1}.{1,2/31}
mine && routes "via 10.2.2.2 dev dc-h2-0 src 10.1.2.1" 10.1.2.2/31
mine && routes "via 10.2.2.6 dev dc-h2-1 src 10.1.2.1" 10.1.2.3
mine && routes "via 10.16.2.2 dev dc-spine0 weight 1" 10.2.0.0/23
mine && routes "via 10.17.2.2 dev dc-spine1 weight 1" 10.2.0.0/23
mine && routes "via 10.16.2.2 dev dc-spine0" 10.16.0.0/15
mine && routes "via 10.17.2.2 dev dc-spine1" 10.17.0.0/23
compare aggregate-dc-leaf2 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-spine0 mtu 1500 up to aggregate-dc-spine0
link dc-spine1 mtu 1500 up to aggregate-dc-spine1
link dc-h2-0 mtu 1500 up to aggregate-dc-h2-0
link dc-h2-1 mtu 1500 up to aggregate-dc-h2-1
sysctl net.ipv4.ip_forward = 1
sysctl net.ipv4.conf.*.forwarding = 1
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 3
sysctl net.ipv4.fib_multipath_hash_fields = 55
address 10.1.2.1/32 dev lo
address 10.16.2.1/30 dev dc-spine0
connected 10.16.2.0/30 dev dc-spine0
address 10.17.2.1/30 dev dc-spine1
connected 10.17.2.0/30 dev dc-spine1
address 10.2.2.1/30 dev dc-h2-0
connected 10.2.2.0/30 dev dc-h2-0
address 10.2.2.5/30 dev dc-h2-1
connected 10.2.2.4/30 dev dc-h2-1
END

mine && routes "via 10.2.2.1 dev dc-leaf2 src 10.1.2.2" 10.0.0.0/15
compare aggregate-dc-h2-0 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.2.2/32 dev lo
address 10.2.2.2/30 dev dc-leaf2
connected 10.2.2.0/30 dev dc-leaf2
route default via 10.2.2.1 dev dc-leaf2
END

mine && routes "via 10.2.2.5 dev dc-leaf2 src 10.1.2.3" 10.0.0.0/15
compare aggregate-dc-h2-1 <<'END'
mark mpc:aggregate
link lo mtu 65536 up
link dc-leaf2 mtu 1500 up to aggregate-dc-leaf2
sysctl net.ipv4.ip_forward = 0
sysctl net.ipv4.conf.*.forwarding = 0
sysctl net.ipv4.conf.*.rp_filter = 0
sysctl net.ipv4.fib_multipath_hash_policy = 1
address 10.1.2.3/32 dev lo
address 10.2.2.6/30 dev dc-leaf2
connected 10.2.2.4/30 dev dc-leaf2
route default via 10.2.2.5 dev dc-leaf2
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

# === what a result is of ======================================================
# The lab, the plans of this script and of the up, the params, the kernel, the tools, and when: `NAME VALUE`.
named=()
# The versions of tools: `NAME VERSION`.
versions=()
time=

# Sets `time` to the date and the time of day, in UTC.
set_time() { TZ=UTC0 printf -v time '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# Sets `version` to the first number with a dot that a tool tells of itself, and to `unknown` where there is none.
version=
read_version() {
  local told word
  version=unknown
  told=$("$@" 2>/dev/null </dev/null) || true
  for word in ${told//[!0-9.]/ }; do [[ $word != [0-9]*.[0-9]* ]] || { version=$word && return; }; done
}

# Notes all that.
name_all() {
  local kernel line plan up=unknown
  read -r kernel </proc/sys/kernel/osrelease
  { while read -r line; do [[ $line != "plan "* ]] || up=${line#plan }; done <"/run/mpc-$LAB"; } 2>/dev/null || true
  versions=("bash ${BASH_VERSION%%(*}")
  read_version ip -V && versions+=("iproute2 $version")
  ! type -P iperf3 >/dev/null || { read_version iperf3 --version && versions+=("iperf3 $version"); }
  set_time
  mapfile -t named <<<"${RESULT%$'\n'}"
  plan=${named[1]#plan }
  named=("lab $LAB" "${named[@]}" "up $up" "kernel $kernel" "began $time")
  [[ $up == "$plan" || $up == unknown ]] || say "warning: what is up has the plan $up, and this script is of $plan"
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
  name_all
  out "${named[@]/#/# }" "# tools ${versions[*]}"
}

finish() {
  ((failed == 0)) || out "# $failed of $count failed"
  exit "$((failed > 0))"
}

# === what is asked in a namespace =============================================
# A shell that has entered one asks: NAMESPACE KINDS PROCESSES CONTAINERS SYSCTLS... KINDS are those of its interfaces that
# have more to tell, CONTAINERS are the PIDs of its own, and SYSCTLS are a directory below /proc/sys/net and files in it. Old
# programs do not know all of the questions.
IFS= read -rd '' QUESTIONS <<'QUESTIONS' || true
exec 2>/dev/null
ns=$1 kinds=" $2 " processes=$3 containers=$4
shift 4
facts() {
  exec ip -o -batch - <<"END"
link show
address show
route show table all
rule show
neighbour show nud permanent
neighbour show proxy
mptcp limits
mptcp endpoint show
END
}

# The rows of a file in /etc, if it is not one of which all is known already: NAME.
file() {
  file=/etc/netns/$ns/$1
  [ ! "$file" -ef "$SCRATCH/same/$1" ] || return
  if [ -f "$file" ]; then echo "file $1" && sed "s/^/row /" "$file"; else echo "none $1"; fi
}

# The exit status of a process that has ended: NAME.
process() {
  pid='' status='' signal=''
  read -r pid <"$RUNS/$1.pid"
  [ -z "$pid" ] || [ ! "/proc/$pid/ns/net" -ef "$SCRATCH/netns/$ns" ] || return
  read -r status <"$RUNS/$1.end"
  [ "${status:-0}" -le 128 ] || signal=$(kill -l "$((status - 128))")
  echo "$1 ${status:-unknown}${signal:+ (SIG$signal)}"
}

told=$(facts)
case $told in *" link-netnsid "*) mount --rbind "$SCRATCH/netns" /run/netns && told=$(facts) ;; esac
printf '%s\n' "$told" "about rules" || exit
ip -6 -o rule show
# (The directories of all namespaces have one parent, where the kernel goes through all of one name: of a thousand
# namespaces, that would be most of what this takes, so each is looked up once, and its files from there.)
for files; do
  echo "about sysctls ${files%% *}"
  cd "/proc/sys/net/${files%% *}" && grep -sH "" ${files#* }
done
cd /
echo "about iptables"
for file in /proc/net/*_tables_names; do
  while read -r table; do echo "${file#/proc/net/} $table"; done <"$file"
done
echo "about queues"
tc qdisc show
[ -z "$NFT" ] || { echo "about tables" && nft -st list ruleset; }
case $kinds in *" bridge "* | *" tunnel "* | *" bond "* | *" tag "* | *" vrf "*) echo "about kinds" && ip -d -o link show ;; esac
case $kinds in *" bridge "*) echo "about bridges" && bridge fdb show ;; esac
case $kinds in *" vlan "*) echo "about vlans" && bridge vlan show | sed 's/^[[:space:]]/+ /' ;; esac
case $kinds in *" device "*) echo "about devices" && ip -d -o link show ;; esac
echo "about files"
for file in "$SCRATCH/files/"*; do file "${file##*/}"; done
for file in "/etc/netns/$ns/"*; do [ ! -e "$file" ] || [ -e "$SCRATCH/files/${file##*/}" ] || echo "more $file"; done
echo "about processes"
for process in $processes; do process "$process"; done
echo "about containers"
for pid in $containers; do [ ! "/proc/$pid/ns/net" -ef "$SCRATCH/netns/$ns" ] || echo "$pid"; done
echo "about nothing"
QUESTIONS

# What another shell is told to do, which asks in some namespaces. For the names of those at the other ends of links,
# ip(8) opens all of /run/netns in each: with a thousand there that takes more than all else, so `show` has it see few.
IFS= read -rd '' ASKING <<'ASKING' || true
exec 2>/dev/null
show() { folder=$SCRATCH/few/$1 && shift && mkdir "$folder" && ln -s -t "$folder" "$@" && mount --bind "$folder" /run/netns; }
ask() {
  echo "namespace $1" || exit
  if [ -e "$SCRATCH/netns/$1" ]; then nsenter --net="$SCRATCH/netns/$1" sh "$SCRATCH/questions" "$@"; else echo "about absence"; fi
}
ASKING

# === how namespaces are compared ==============================================
# A program of awk(1) reads the plan, asks in some namespaces at a time, and tells of each what is not as planned. What
# the plan says and what a namespace tells are lines of one form, so that a line of one that the other lacks is a drift.
IFS= read -rd '' COMPARE <<'COMPARE' || true
# --- lines ---

# The rest of a line after the first, or the last, of some words.
function after(line, words,  at) { at = index(line, words); return at ? substr(line, at + length(words)) : line }
function after_last(line, words) { while (index(line, words)) line = after(line, words); return line }

# A line without the first of some words, or with others in their place.
function without(line, words) { return replaced(line, words, "") }
function replaced(line, words, others,  at) {
  at = index(line, words)
  return at ? substr(line, 1, at - 1) others substr(line, at + length(words)) : line
}
function starts(line, words) { return substr(line, 1, length(words)) == words }
function trimmed(line) { sub(/ +$/, "", line); return line }

# Whether a line has a pattern; `found` is then what has it, and `rest` what comes after.
function has(line, pattern) {
  if (!match(line, pattern)) return 0
  found = substr(line, RSTART, RLENGTH)
  rest = substr(line, RSTART + RLENGTH)
  return 1
}

# --- what a namespace is to have ---

# `at` is the number of a namespace among those that are asked at a time.
function want(line) { wanted[at, line] = 1; planned[at, ++plans[at]] = line }

# A line of the plan, in which queueing disciplines and bridges are numbers of what they are like.
function plan(line,  word, number, i) {
  split(line, word, " ")
  number = word[3]
  if (word[1] == "qdisc") {
    for (i = 1; i <= queues[number]; i++) want(replaced(queue_of[number, i], " dev lo ", " dev " word[2] " "))
  } else if (word[1] == "bridge") {
    kinds[at] = kinds[at] " bridge"
    for (i = 1; i <= bridges[number]; i++) want("bridge " word[2] " " bridge_of[number, i])
  } else if (word[1] == "port") {
    for (i = 1; i <= ports[number]; i++) want("port " word[2] " " port_of[number, i])
    if ((number, "stp_state 0") in is_bridge) want("port " word[2] " state forwarding")
  } else if (word[1] == "sysctl") {
    plan_sysctl(substr(line, 8, index(line, " = ") - 8), after(line, " = "))
  } else if (word[1] == "container") {
    contained[at] = contained[at] " " word[2]
    image_of[at, word[2]] = word[3]
  } else if (word[1] == "teql") {
    for (i = 3; i in word; i++) want("qdisc " slots[names[at], word[2]] " dev " word[i] " root")
  } else if (word[1] == "attached") {
    contained[at] = contained[at] " " word[2]
    is_attached[at] = 1
  } else if (word[1] == "name") {
    first_rows[at, ++first_count[at]] = after(line, " ")
  } else if (word[1] == "process") {
    processes[at] = processes[at] " " word[2]
  } else {
    plan_kind(word, line)
    want(line)
  }
}

# What else is noted of such a line: the interfaces, what they lead to, and which kinds there are.
function plan_kind(word, line) {
  if (word[1] == "link") { links[at, ++link_count[at]] = word[2]; is_link[at, word[2]] = 1 }
  if (word[1] == "link" && has(line, " to [^ ]+$")) peers[substr(found, 5)] = 1
  if (word[1] == "interface") { is_made[at, word[2]] = 1; makes[at] = 1 }
  if (word[1] == "limits") has_limits[at] = 1
  if (word[1] == "mac") has_mac[at, word[2]] = 1
  if (word[1] ~ /^(tunnel|bond|device|tag|vlan|vrf)$/) kinds[at] = kinds[at] " " word[1]
}

# A sysctl, of all interfaces for `*`. (In a key, `.` and `/` have changed places.)
function plan_sysctl(key, value,  path, i) {
  path = "/proc/sys/" swapped(key)
  if (!index(path, "/*/")) { want_value(path, value); return }
  want_value(replaced(path, "*", "all"), value)
  want_value(replaced(path, "*", "default"), value)
  for (i = 1; i <= link_count[at]; i++) want_value(replaced(path, "*", links[at, i]), value)
}
function swapped(key) { gsub("/", ",", key); gsub(/\./, "/", key); gsub(",", ".", key); return key }

# What a file is to hold; the last value counts.
function want_value(path, value) {
  if (!((at, path) in values)) paths[at, ++path_count[at]] = path
  values[at, path] = value
}

# The plan of a namespace: how the kernel sets MPTCP counts where there are endpoints.
function plan_all(name,  i) {
  at++
  names[at] = name
  for (i = 1; i <= line_count; i++) plan(lines[i])
  for (i = 1; i <= route_count; i++) want(routes[i])
  if ((at, "/proc/sys/net/mptcp/enabled") in values)
    for (i = 1; i <= mptcp_count; i++) if (!((at, mptcp[i]) in values)) want_value(mptcp[i], mptcp_value[i])
  line_count = route_count = 0
}

# --- what a namespace has ---

# (What else is in the namespace of a container that ran before is that one's own.)
function unexpected(text) { if (!(at in is_attached)) surplus[at, ++surplus_count[at]] = "unexpected: " text }
function missing(text) { lacks[at, ++lack_count[at]] = "missing: " text }

# A line of what it has.
function see(line) {
  present[at, line] = 1
  if (!((at, line) in wanted) && !is_none(line)) unexpected(line)
}

# Whether a line that is not planned is no drift: MPTCP limits where none are set, interfaces that are down, as some
# modules make in every namespace, routes to what an interface is in, what a spanning tree makes of a port, and what a
# bond makes of a leg that it may not tell of.
function is_none(line,  word) {
  split(line, word, " ")
  if (word[1] == "limits") return !(at in has_limits)
  if (word[1] == "link") return index(line, " down") && !((at, word[2]) in is_link)
  if (word[1] == "rule" && line in is_rule) return !((at, after_vrfs(line)) in wanted)
  if (word[1] == "rule" && index(line, " lookup [l3mdev-table]")) return 1
  if (word[1] == "leg") return !((at, "leg " word[2] " UP") in wanted)
  if ((at in makes) && is_of_device(line, word)) return 1
  return word[1] == "connected" || line ~ /^port .* state (forwarding|blocking)$/
}

# The rule for addresses of the namespace itself, where VRFs come before it.
function after_vrfs(line) { return replaced(line, " pref 0 ", " pref 32765 ") }

# Whether a line may come from the commands of a device: what is on it, and what is in tables of the whole namespace.
function is_of_device(line, word,  i) {
  if (word[1] ~ /^(rule|iptables)$/ || line ~ /^qdisc (clsact|ingress) /) return 1
  if (word[1] == "nft") return !index(line " ", " inet mpc ")
  for (i = 2; i in word; i++) if (((at, word[i]) in is_made) && (i == 2 || word[i - 1] == "dev")) return 1
  return 0
}

# A link as `ip -o link` tells it: its MTU, its state, flags that few have, its bridge, and the namespace at its other
# end; of lo, the lab's mark too. (It has a carrier when the kernel says LOWER_UP; NO-CARRIER may stay for a second.)
function link(line,  name, marks, mtu, more, state, to) {
  if (!has(line, "^[0-9]+: [^:@ ]+(@[^:]+)?: <[^>]*> mtu [0-9]+ (xdp[^ ]* )?qdisc [^ ]+ (master [^ ]+ )?")) return
  name = name_of(found)
  marks = "," substr(found, index(found, "<") + 1)
  sub(/>.*/, ",", marks)
  mtu = after(found, "> mtu ") + 0
  if (!(at in makes) && match(found, / xdp[^ ]* /)) more = substr(found, RSTART, RLENGTH - 1)
  if (match(found, / master [^ ]+ $/)) more = more substr(found, RSTART, RLENGTH - 1)
  state = index(marks, ",UP,") ? "up" : "down"
  if (state == "up" && !index(marks, ",LOWER_UP,")) state = "up without a carrier"
  if (index(marks, ",NOARP,")) state = state " noarp"
  if (index(marks, ",PROMISC,")) state = state " promisc"
  line = rest
  if (has(line, " link-netns [^ \\\\]+")) to = " to " substr(found, 13)
  if (index(line, " link/void")) state = state " void"
  if (has(line, " link/ether [^ ]+")) {
    macs[at, substr(found, 13)] = 1
    if ((at, name) in has_mac) see("mac " name " " substr(found, 13))
  }
  if (name == "lo" && index(line, " alias ")) see("mark " trimmed(after(line, " alias ")))
  if ((at, name) in is_made) { see("interface " name (index(marks, ",UP,") ? " up" : " down")); return }
  see("link " name " mtu " mtu " " state more to)
}
function parent_of(line) { sub(/^[^@]*@/, "", line); sub(/:.*/, "", line); return line }
function name_of(line) { line = after(line, ": "); sub(/[:@].*/, "", line); return line }

# How a link is told with all details, where it is a bridge, a port of one, or the end of a tunnel or of a bond; a port may
# be the end of a tunnel too, which is told before.
function details(line,  name, kind, before) {
  name = name_of(line)
  if (has(line, "\\\\ +bridge_slave state [a-z]+ ")) {
    before = substr(line, 1, RSTART - 1)
    see("port " name " state " trimmed(after(found, " state ")))
    see_works("port " name " ", rest)
    line = before
  }
  if (index(line, "\\    bridge ")) {
    see_works("bridge " name " ", after_last(line, "\\    bridge "))
  } else if (has(line, "\\\\ +(vxlan|gretap|ipip|ip6gretap|ip6tnl) ")) {
    split(found, kind, " ")
    tunnel(name " " kind[2], " " rest " ")
  } else if (has(line, "\\\\ +vlan protocol [^ ]+ id [0-9]+")) {
    split(found, kind, " ")
    see("tag " name " of " parent_of(line) " " kind[4] " " kind[6])
  } else if (has(line, "\\\\ +vrf table [0-9]+")) {
    see("vrf " name after(found, "vrf"))
  } else if (has(line, "\\\\ +bond mode ")) {
    bond(name, " mode " rest " ")
  }
  if (has(line, "\\\\ +bond_slave state [A-Z]+ mii_status [A-Z_]+ ")) see("leg " name " " trimmed(after(found, " mii_status ")))
}

# The end of a bond: its options, those that are not as the kernel has them where nothing is said.
function bond(name, options,  line, option, count, i, told) {
  line = "bond " name
  count = split("mode miimon arp_interval arp_ip_target ns_ip6_target xmit_hash_policy primary", option, " ")
  for (i = 1; i <= count; i++)
    if (match(options, " " option[i] " [^ ]+")) {
      told = substr(options, RSTART, RLENGTH)
      if (told !~ /^ (miimon 0|arp_interval 0|xmit_hash_policy layer2)$/) line = line told
    }
  see(line)
}
function see_works(start, line,  pairs, i, count) {
  count = works(line, pairs)
  for (i = 1; i <= count; i++) see(start pairs[i])
}

# The words of a line that say how a bridge or a port works, in pairs.
function works(line, pairs,  word, i, last, count) {
  last = split(line, word, " ") - 1
  count = 0
  for (i = 1; i <= last; i++) if (word[i] in WORKS) pairs[++count] = word[i] " " word[i + 1]
  return count
}

# The end of a tunnel: its name and kind, and its options, told in one order. (Modules make some without addresses.)
function tunnel(name, options,  line, option, count, i) {
  if (index(options, " local any ") || !index(options, " local ")) return
  line = "tunnel " name
  if (name ~ / ip6tnl$/) line = line " mode " substr(options, 2, 3)
  count = split("id local remote dstport ttl hoplimit", option, " ")
  for (i = 1; i <= count; i++)
    if (match(options, " " option[i] " [^ ]+"))
      line = line replaced(substr(options, RSTART, RLENGTH), "hoplimit", "ttl")
  if (index(options, " nolearning ")) line = line " nolearning"
  see(line)
}

# A VLAN of a port of a bridge, as `bridge vlan` tells it: of further ones of a port it does not tell that again.
function vlan(line,  word) {
  if (starts(line, "port ")) return
  if (starts(line, "+ ")) line = substr(line, 3)
  else { split(line, word, " "); tagged_port = word[1]; line = substr(line, length(word[1]) + 1) }
  gsub(/ +/, " ", line)
  sub(/^ /, "", line)
  if (line ~ /^[0-9]/) see("vlan " tagged_port " " trimmed(line))
}

# How many packets in one piece an interface takes, where it is not as many as come.
function device(line,  name) {
  name = name_of(line)
  if (has(line, "gso_max_segs [0-9]+") && found != "gso_max_segs 65535") see("device " name " " found)
}

# An address as `ip -o address` tells it. The kernel gives some by itself, and routers others for a time.
function address(line,  word, told) {
  if (index(line, " dynamic ")) return
  split(line, word, " ")
  told = word[4] (word[5] == "peer" ? " peer " word[6] : "") " dev " word[2]
  if (told == "127.0.0.1/8 dev lo" || told == "::1/128 dev lo" || starts(told, "fe80:")) return
  see("address " told flags(line, "deprecated dadfailed noprefixroute"))
}

# Those of some words that a line has.
function flags(line, words,  word, count, i, told) {
  count = split(words, word, " ")
  for (i = 1; i <= count; i++) if (index(line, " " word[i] " ")) told = told " " word[i]
  return told
}

# A route as `ip -o route` tells it, a line a next hop. Those that bear a protocol are the kernel's or a daemon's.
# (Interfaces may be called like any of its words, so the only one is taken out first; of several, none comes before.)
function route(line,  refusal, target, way, more, within) {
  if (has(line, "^(blackhole|unreachable|prohibit) ")) { refusal = found; line = without(rest, " dev lo") }
  target = line
  sub(/ .*/, "", target)
  if (has(line, "^[^ ]+ (via [^ ]+ )?dev [^ ]+")) {
    way = after(found, " ")
    more = rest
  } else {
    more = line
    sub(/nexthop via .*/, "", more)
    more = " " more
    if (starts(more, " " target)) more = substr(more, length(target) + 2)
  }
  if (index(more " ", " proto ") && !index(more " ", " proto static ")) {
    if (index(more, " proto kernel ") && way != "" && !starts(way, "via")) see("connected " target " " way)
    return
  }
  if (match(more, / table [^ ]+/)) {
    within = substr(more, RSTART, RLENGTH)
    more = without(more, within)
  }
  if (target == "default" && refusal != "" && index(more, " pref ")) target = "::/0"
  if (index(more, " pref medium")) more = without(without(more, " metric 1024"), " pref medium")
  gsub(/ linkdown| scope link| error -[0-9]+/, "", more)
  if (target == "default" && index(line, " pref medium")) target = "::/0"
  if (refusal != "") { see(trimmed("route " refusal target within more)); return }
  if (way != "") { see("route " target within " " way more); return }
  gsub(/\\/, "", more)
  more = trimmed(more)
  if (!index(line, "nexthop via ")) see("route " target within more)
  else next_hops("route " target within " ", line, more)
}
function next_hops(start, line, more,  way, dead) {
  while (has(line, "nexthop via [^ ]+ dev [^ ]+ weight [0-9]+")) {
    way = substr(found, 9)
    line = rest
    dead = sub(/^ dead/, "", line)
    if (sub(/^ onlink/, "", line)) way = way " onlink"
    if (!dead) see(start way more)
  }
}

# A rule as `ip rule` tells it.
function rule(line, family) {
  line = replaced(line, ": ", " ")
  line = replaced(line, "from all to ", "to ")
  line = replaced(line, "from all iif ", "iif ")
  line = replaced(line, "from all fwmark ", "fwmark ")
  told_rules[at, family] = 1
  see("rule" family " pref " line)
}

function limits(line,  number) {
  if (!has(line, "^add_addr_accepted [0-9]+ subflows [0-9]+")) return
  split(found, number, " ")
  see("limits subflows " number[4] " add_addr_accepted " number[2])
}

# An MPTCP endpoint as `ip mptcp endpoint` tells it, its flags in one order.
function endpoint(line,  told) {
  told = line
  sub(/ .*/, "", told)
  line = " " line " "
  if (match(line, / dev [^ ]+/)) {
    told = told substr(line, RSTART, RLENGTH)
    line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
  }
  if (index(line, " implicit ")) return
  if (match(line, / port [0-9]+/)) told = told substr(line, RSTART, RLENGTH)
  see("endpoint " told flags(line, "signal subflow fullmesh backup laminar"))
}

# What a bridge has been told of an address, as `bridge fdb` tells it; its own ones, and what it has learned, are none.
function fdb(line,  mac) {
  mac = line
  sub(/ .*/, "", mac)
  if (index(" " line " ", " master ") && line ~ / (static|permanent)/ && !((at, mac) in macs)) see("fdb " line)
}

# A line of `tc qdisc show` without counts, random seeds, and handles that the kernel chose, or nothing.
function queue(line) {
  if (starts(line, "qdisc noqueue ")) return ""
  gsub(/ (refcnt|seed) [0-9]+/, "", line)
  if (has(line, "^qdisc [a-z0-9_]+ [89a-f][0-9a-f][0-9a-f][0-9a-f]:")) { sub(/ [^ ]+$/, "", found); line = found rest }
  return trimmed(line)
}

# A line of `nft list ruleset`, after what it stands in.
function table(line) {
  if (starts(line, "#")) return
  if (line ~ /^table .* \{$/) {
    inside = substr(line, 7, length(line) - 8)
    see("nft " inside)
  } else if (line == "}") {
    sub(/ [^ ]*$/, "", inside)
    if (!index(inside, " ")) inside = ""
  } else if (line ~ / \{$/) {
    line = substr(line, 1, length(line) - 2)
    inside = inside " " after_last(line, " ")
    sub(/ [^ ]*$/, "", line)
    see("nft " line " " inside)
  } else {
    sub(/ policy accept;$/, "", line)
    see("nft in " inside ": " line)
  }
}

# A table of iptables(8), after the file in /proc that names it.
function iptables(line) { see("iptables " replaced(line, "_tables_names ", " ")) }

# A sysctl of a directory, which is held against what it is to be.
function setting(line,  path, value) {
  value = after(line, ":")
  path = directory substr(line, 1, length(line) - length(value) - 1)
  if (((at, path) in values) && values[at, path] == value) present[at, path] = 1
  else unexpected(key_of(path) " = " value)
}
function directory_of(name) { return "/proc/sys/net/" (name == "." ? "" : name "/") }
function key_of(path) { return "sysctl " swapped(substr(path, 11)) }

# What is told of files in /etc: of those that are to be there their rows, or that they are not there, and all others.
function file(line,  name) {
  name = after(line, " ")
  if (starts(line, "row ")) rows[++row_count] = name
  else if (starts(line, "more ")) unexpected("the file " name)
  else if (starts(line, "none ")) { missing("the file /etc/netns/" names[at] "/" name); has_hosts[at] = 1 }
  else { end_file(); file_name = name; if (name == "hosts") has_hosts[at] = 1 }
}

# The row of a file at a place: those that a namespace has first in its hosts file come after the mark.
function row_at(i,  first) {
  first = file_name == "hosts" ? first_count[at] : 0
  return i == 1 ? row_of[file_name, 1] : i <= first + 1 ? first_rows[at, i - 1] : row_of[file_name, i - first]
}

# Tells which rows of a file differ. (Up adds the name of this machine, which may have another by now.)
function end_file(  path, differ, told, i, theirs, row, count) {
  if (file_name == "") return
  path = "/etc/netns/" names[at] "/" file_name
  if (file_name == "hosts" && rows[row_count] ~ /^127\.0\.1\.1 [A-Za-z0-9.-]+$/) row_count--
  count = row_counts[file_name] + (file_name == "hosts" ? first_count[at] : 0)
  differ = row_count != count
  for (i = 1; i <= row_count; i++) {
    row = rows[i]
    theirs[row] = 1
    if (row != row_at(i)) differ = 1
    if (!((file_name, row) in is_row)) { unexpected("in " path ": " row); told = 1 }
  }
  for (i = 1; i <= count; i++)
    if (!(row_at(i) in theirs)) { missing("in " path ": " row_at(i)); told = 1 }
  if (differ && !told) unexpected("another order of lines in " path)
  file_name = ""
  row_count = 0
}

# Tells of a namespace that has to have other rows first, and has the file of those that have not. (It is not asked for.)
function tell_same(  i) {
  for (i = 1; i <= first_count[at] && !(at in has_hosts); i++)
    missing("in /etc/netns/" names[at] "/hosts: " first_rows[at, i] " before all others")
}

# A process of the plan that has ended; with 0, it may have done what it was for, if it is no capture.
function process(line,  name, status, what) {
  status = after(line, " ")
  name = substr(line, 1, length(line) - length(status) - 1)
  what = index(name, ":") ? "the capture of " name : "the process " name
  if (status == "0" && !index(name, ":")) ended[at, ++ended_count[at]] = name " has ended with 0"
  else if (status == "unknown") missing(what ", and nobody knows how it ended")
  else missing(what ", which has ended with " status "; see " ENVIRON["RUNS"] "/" name ".log")
}

# Tells whether the containers of the namespace are the lab's, of their images, run, and are in the namespace; of one
# that is attached, whether it runs and is there.
function compare_containers(  i, name, count) {
  count = split(contained[at], name, " ")
  for (i = 1; i <= count; i++) compare_container(name[i], image_of[at, name[i]])
}
function compare_container(name, image,  field, what) {
  what = "the container " name
  split(engine[name], field, "|")
  if (field[1] != "" && field[2] == "") missing("an answer of " field[3] " about " what)
  else if (field[1] == "" || (!(at in is_attached) && field[4] != ENVIRON["LAB"])) missing(what)
  else if (field[2] == "0" && field[3] == "0" && !(at in is_attached)) ended[at, ++ended_count[at]] = what " has ended with 0"
  else if (field[2] == "0") missing(what ", which has ended with " field[3])
  else if (!((at, field[2]) in is_inside)) missing(what " in this namespace")
  else if (at in is_attached) return
  else if (!is_image(image, field[5], field[6])) missing(what " of the image " image ": it is of " field[5])
}

# Whether an image is the planned one. podman completes a name that is short, and has no tag beside a digest.
function is_image(planned_one, image, id,  name, digest) {
  name = planned_one
  if (sub(/@[^@]*$/, "", name)) {
    digest = substr(planned_one, length(name) + 1)
    sub(/:[^:\/]*$/, "", name)
  }
  sub(/:latest$/, "", name)
  sub(/:latest$/, "", image)
  name = "/" name digest
  image = "/" image
  if (length(image) >= length(name) && substr(image, length(image) - length(name) + 1) == name) return 1
  sub(/^sha256:/, "", planned_one)
  sub(/^sha256:/, "", id)
  return starts(id, planned_one)
}

# A line of what is told of a namespace.
function tell_apart(line) {
  gsub(/\t/, " ", line)
  line = trimmed(line)
  sub(/^ +/, "", line)
  if (line == "") return
  if (starts(line, "about ")) { begin(substr(line, 7)); return }
  if (about == "facts") fact(line)
  else if (about == "rules") rule(line, " -6")
  else if (about == "sysctls") setting(line)
  else if (about == "iptables") iptables(line)
  else if (about == "queues") { line = queue(line); if (line != "") see(line) }
  else if (about == "tables") table(line)
  else if (about == "kinds") details(line)
  else if (about == "bridges") fdb(line)
  else if (about == "vlans") vlan(line)
  else if (about == "devices") device(line)
  else if (about == "files") file(line)
  else if (about == "processes") process(line)
  else if (about == "containers") is_inside[at, line] = 1
}
function begin(what) {
  about = what
  inside = ""
  if (starts(what, "sysctls ")) { about = "sysctls"; directory = directory_of(substr(what, 9)) }
  if (what == "files") compare_facts()
  if (what == "processes") { end_file(); tell_same() }
  if (what == "nothing") compare_containers()
  if (what == "absence") missing("the namespace " names[at])
  if (what == "absence" || what == "nothing") is_told[at] = 1
}

# A line of `ip -o`, of whatever object.
function fact(line) {
  if (line ~ /^[0-9]+: .*: </) link(line)
  else if (line ~ /^[0-9]+: .* inet6? .* scope /) address(line)
  else if (line ~ /^[0-9]+: /) rule(line, "")
  else if (starts(line, "add_addr_accepted ")) limits(line)
  else if (line ~ / id [0-9]/) endpoint(line)
  else if (line ~ / PERMANENT| proxy$/) see("neighbour " line)
  else if ((at, "route " line) in wanted) present[at, "route " line] = 1
  else route(line)
}

# --- one beside the other ---

# Tells what it lacks: the kernel's own rules, if it has any of that family, then what is planned.
function compare_facts(  i, line) {
  for (i = 1; i <= rule_count; i++)
    if (((at, family_of[i]) in told_rules) && !((at, rules[i]) in present) && !((at, after_vrfs(rules[i])) in wanted))
      missing(rules[i])
  for (i = 1; i <= plans[at]; i++) if (!((at, planned[at, i]) in present)) missing(planned[at, i])
  for (i = 1; i <= path_count[at]; i++) {
    line = paths[at, i]
    if (!((at, line) in present)) missing(key_of(line) " = " values[at, line])
  }
}

# Asks in all namespaces of which the plan has been read, and tells of each.
function ask(  command, count, line) {
  write(ENVIRON["SCRATCH"] "/asked." ENVIRON["PART"])
  command = "sh \"$SCRATCH/asked.$PART\""
  count = at
  at = 0
  while ((command | getline line) > 0) {
    if (starts(line, "namespace ")) { at++; about = "facts" } else tell_apart(line)
  }
  close(command)
  for (at = 1; at <= count; at++) tell()
  fflush()
  forget()
}

# Writes what a shell is to do.
function write(script,  name, i, j) {
  print ". \"$SCRATCH/asking\"" >script
  printf "show %s.%d", ENVIRON["PART"], ++times >script
  for (name in peers) printf " \"$SCRATCH/netns/%s\"", name >script
  for (i = 1; i <= at; i++) {
    printf "\nask %s \"%s\" \"%s\" \"%s\"", names[i], kinds[i], processes[i], pids(contained[i]) >script
    write_sysctls(script, i)
  }
  print "" >script
  close(script)
}

# The processes of containers.
function pids(containers,  name, field, i, count, found) {
  count = split(containers, name, " ")
  for (i = 1; i <= count; i++) if (split(engine[name[i]], field, "|")) found = found (found ? " " : "") field[2]
  return found
}

# Writes the sysctls of a namespace as a word for each directory below /proc/sys/net: that, and files in it.
function write_sysctls(script, i,  j, path, name, files, order, count) {
  for (j = 1; j <= path_count[i]; j++) {
    path = substr(paths[i, j], length(directory_of(".")) + 1)
    name = index(path, "/") ? substr(path, 1, index(path, "/") - 1) : "."
    if (!(name in files)) order[++count] = name
    files[name] = files[name] " " substr(paths[i, j], length(directory_of(name)) + 1)
  }
  for (j = 1; j <= count; j++) printf " \"%s%s\"", order[j], files[order[j]] >script
}

# Tells of a namespace whether it is as planned, that, and what is not, with an empty line at the end.
function tell(  i) {
  if (!(at in is_told)) {
    lack_count[at] = surplus_count[at] = ended_count[at] = 0
    missing("the namespace " names[at] ", of which only the name is left")
  }
  print lack_count[at] + surplus_count[at] == 0 ? 1 : 0
  print "the namespace " names[at] " is as planned"
  for (i = 1; i <= lack_count[at]; i++) print lacks[at, i]
  for (i = 1; i <= surplus_count[at]; i++) print surplus[at, i]
  for (i = 1; i <= ended_count[at]; i++) print ended[at, i]
  print ""
}

# Forgets all namespaces of which was told.
function forget() {
  at = 0
  split("", wanted); split("", planned); split("", plans); split("", values); split("", paths); split("", path_count)
  split("", kinds); split("", processes); split("", links); split("", link_count); split("", is_link); split("", peers)
  split("", has_limits); split("", present); split("", macs); split("", told_rules); split("", is_told)
  split("", is_made); split("", makes)
  split("", contained); split("", image_of); split("", is_inside); split("", is_attached)
  split("", has_mac); split("", first_rows); split("", first_count); split("", has_hosts)
  split("", lacks); split("", lack_count); split("", surplus); split("", surplus_count); split("", ended_count)
}

# --- what this machine tells of what is planned ---

function read_queues(from,  line, number) {
  number = -1
  while ((getline line <from) > 0) {
    gsub(/\t/, " ", line)
    line = queue(line)
    if (index(line, " root ")) number++
    if (line != "") queue_of[number, ++queues[number]] = line
  }
}

# A bridge and a port of it at a time, in any order.
function read_bridges(from,  line, number, pairs, i, count) {
  while ((getline line <from) > 0) {
    if (index(line, " bridge_slave ")) {
      ports[number + 0] = count = works(after_last(line, " bridge_slave "), pairs)
      for (i = 1; i <= count; i++) port_of[number + 0, i] = pairs[i]
    } else if (index(line, " bridge forward_delay ")) {
      bridges[number + 0] = count = works(after_last(line, " bridge "), pairs)
      for (i = 1; i <= count; i++) { bridge_of[number + 0, i] = pairs[i]; is_bridge[number + 0, pairs[i]] = 1 }
    }
    if ((number + 0 in ports) && (number + 0 in bridges)) number++
  }
}

function read_mptcp(from,  line) {
  while ((getline line <from) > 0) {
    mptcp_value[++mptcp_count] = after(line, ":")
    mptcp[mptcp_count] = substr(line, 1, index(line, ":") - 1)
  }
}

function read_containers(from,  line, field) {
  while ((getline line <from) > 0) {
    split(line, field, "|")
    engine[field[1]] = line
  }
}

# Which teql devices up has taken, and for what.
function read_slots(from,  line, word) {
  while ((getline line <from) > 0) {
    split(line, word, " ")
    if (word[1] == "slot") slots[word[2], word[3]] = word[4]
  }
}

function read_file(name,  line) {
  while ((getline line <(ENVIRON["SCRATCH"] "/files/" name)) > 0) {
    row_of[name, ++row_counts[name]] = line
    is_row[name, line] = 1
  }
}

# The kernel's own rules.
function know_rule(line) {
  rules[++rule_count] = line
  is_rule[line] = 1
  family_of[rule_count] = starts(line, "rule -6 ") ? " -6" : ""
}

BEGIN {
  # How many namespaces are asked at a time: few have few at the other ends of their links.
  AT_ONCE = 16
  know_rule("rule pref 0 from all lookup local")
  know_rule("rule pref 32766 from all lookup main")
  know_rule("rule pref 32767 from all lookup default")
  know_rule("rule -6 pref 0 from all lookup local")
  know_rule("rule -6 pref 32766 from all lookup main")
  # How bridges and their ports work, in words of ip(8); what else it tells of them changes by itself.
  count = split("forward_delay hello_time max_age stp_state priority vlan_filtering vlan_protocol vlan_default_pvid " \
    "group_fwd_mask group_address mcast_snooping no_linklocal_learn nf_call_iptables nf_call_ip6tables " \
    "nf_call_arptables fdb_max_learned cost hairpin guard root_block learning flood bcast_flood mcast_flood " \
    "mcast_to_unicast neigh_suppress vlan_tunnel isolated locked mab proxy_arp proxy_arp_wifi", word, " ")
  for (i = 1; i <= count; i++) WORKS[word[i]] = 1
  read_queues(ENVIRON["SCRATCH"] "/queues")
  read_bridges(ENVIRON["SCRATCH"] "/bridges")
  read_mptcp(ENVIRON["SCRATCH"] "/mptcp")
  read_containers(ENVIRON["SCRATCH"] "/containers")
  read_slots("/run/mpc-" ENVIRON["LAB"])
  read_file("hosts")
  read_file("resolv.conf")
}

# The lines of the plan of a namespace, and at their end its name.
/^namespace / { plan_all($2); if (at == AT_ONCE) ask(); next }
/^route / { routes[++route_count] = $0; next }
{ lines[++line_count] = $0 }
END { if (at) ask() }
COMPARE

# === calls of podman and docker ===============================================
# How long a call may take, in seconds.
PATIENCE=60

# Prints what a call of an engine says, and ends one that takes longer, with status 124: SECONDS ENGINE ARGUMENT...
# It is called as "$(bounded ...)" alone. A signal to this script waits for the end of that: what an engine is at comes
# before all is taken away. (What then watches a container would keep the claim locked.)
bounded() {
  local from pid said log='' sign status end=$((SECONDS + $1))
  exec {from}< <(
    [[ -z ${lock:-} ]] || exec {lock}>&-
    PODMAN_IGNORE_CGROUPSV1_WARNING=1 exec "${@:2}" 2>&1 </dev/null
  )
  pid=$!
  trap - ERR
  trap '' HUP INT TERM
  while :; do
    status=0
    IFS= read -rd '' -t 5 said <&"$from" || status=$?
    log+=$said
    ((status)) || continue # after a null character
    ((status > 128)) || break
    ((SECONDS >= end)) || { say "waiting for $2 $3" && continue; }
    for sign in TERM KILL; do
      kill -s "$sign" "$pid" 2>/dev/null || true
      IFS= read -rd '' -t 5 said <&"$from" || (($? > 128)) || break
    done
    printf '%s' "${log:+$log$'\n'}\`$2 $3\` has not ended in $1 seconds"
    return 124
  done
  printf '%s' "$log"
  wait "$pid"
}

# === the machine beside the plan ==============================================
# The namespaces are compared in parts, side by side: each turn is one of them.
CPUS=$(nproc 2>/dev/null || echo 2)
turn=0
part=0
MARK=mpc:$LAB
NFT=$(type -P nft) || true
export LAB SCRATCH='' PART='' RUNS=/run/mpc-$LAB.d NFT

# --- what this machine tells of what is planned ---

# Has tc(8) show the queueing disciplines that its input makes, those of an interface after those of another, where
# nobody else sees it: it rounds there as it does in the lab, whatever its version and the kernel. COUNT.
refer() {
  local line number=0
  unshare --net tc -batch - >"$scratch/queues" 2>/dev/null || true
  while IFS= read -r line; do
    [[ $line != *" root "* || $line == "qdisc noqueue "* ]] || ((++number))
  done <"$scratch/queues"
  ((number == $1)) || bail_out "this machine does not have all the queueing disciplines of the lab"
}

# Has ip(8) show the bridges that its input makes, a line each, and a port of each: COUNT.
refer_bridges() {
  local line bridges=0 ports=0
  while IFS= read -r line; do
    printf '%s\n' "link add name b $line" 'link add name p type veth peer name q' 'link set dev p master b up' \
      'link show' 'link del dev p' 'link del dev b'
  done | unshare --net ip -d -o -batch - >"$scratch/bridges" 2>/dev/null || true
  while IFS= read -r line; do
    [[ $line != *" bridge_slave "* ]] || ((++ports))
    [[ $line != *" bridge forward_delay "* ]] || ((++bridges))
  done <"$scratch/bridges"
  ((bridges == $1 && ports == $1)) || bail_out "this machine does not have all the bridges of the lab"
}

# Notes how a kernel sets MPTCP in a new namespace, which is how it is in those that have endpoints.
refer_mptcp() { unshare --net grep -sH '' -r /proc/sys/net/mptcp >"$scratch/mptcp" 2>/dev/null || true; }

# Asks an engine for all of its containers of the lab at once: ENGINE NAME... Of each, a line has its process, how it
# ended, and what it is of; or the engine, where that does not answer.
refer_containers() {
  local told name pid status=0 rest
  told=$(bounded "$PATIENCE" "$1" container inspect --format \
    '{{.Name}}|{{.State.Pid}}|{{.State.ExitCode}}|{{index .Config.Labels "mpc.lab"}}|{{.Config.Image}}|{{.Image}}' \
    "${@:2}") || status=$?
  if ((status == 124)); then
    printf "%s||$1\n" "${@:2}" >>"$scratch/containers"
    return
  fi
  while IFS='|' read -r name pid status rest; do
    [[ -z $rest ]] || printf '%s\n' "${name#/}|$pid|$(ending "$status")|$rest"
  done <<<"$told" >>"$scratch/containers"
}

# An exit status, with the signal that it stands for.
ending() {
  local signal=
  (($1 <= 128)) || signal=$(kill -l "$(($1 - 128))" 2>/dev/null) || true
  echo "$1${signal:+ (SIG$signal)}"
}

# Notes what each namespace has in a file of its own in /etc: NAME, and the text is the input.
file() {
  local text
  IFS= read -rd '' text || true
  mkdir -p "$scratch/files" "$scratch/same"
  printf %s "$text" >"$scratch/files/$1"
}

# Notes which of these files is as planned: NAMESPACE... (They are the same file in all, so that none needs to be read
# twice. Up adds the name of this machine, which may have another by now.)
know_files() {
  local file ns path text line wanted other
  for file in "$scratch/files/"*; do
    IFS= read -rd '' wanted <"$file" || true
    other=
    for ns; do
      path=/etc/netns/$ns/${file##*/}
      [[ -f $path && ! $path -ef $other ]] || continue
      IFS= read -rd '' text <"$path" || true
      line=${text%$'\n'} line=${line##*$'\n'}
      [[ $file != */hosts || ! $line =~ ^127\.0\.1\.1\ [A-Za-z0-9.-]+$ ]] || text=${text%"$line"$'\n'}
      if [[ $text == "$wanted" ]]; then ln -s "$path" "$scratch/same/" && break; fi
      other=$path
    done
  done
}

# --- all namespaces ---

# Whether the next namespace is this part's.
mine() { ((turn % CPUS == part)); }

# Tells routes of the next namespace, beside what it is given: HOP TARGET...
routes() {
  # shellcheck disable=SC2059 # (HOP has no %)
  printf "route %s $1\n" "${@:2}"
}

# Tells the plan of a namespace, which is the input.
compare() {
  local lines
  if mine; then
    IFS= read -rd '' lines || true
    printf '%snamespace %s\n' "$lines" "$1"
  fi
  turn=$((turn + 1))
}

# Compares those of this part, among mounts of its own, where /run/netns has another name too, and `few` is in memory, as
# files are made there by the thousand. (What is started there has the pipe open as 3, so that its end can be waited for.)
# shellcheck disable=SC2016 # Expanded by that shell.
ENTER='mount --rbind /run/netns "$SCRATCH/netns"; mount -n -t tmpfs tmpfs "$SCRATCH/few"; exec awk "$1" 3>&1'
compare_part() { PART=$part exec unshare --mount sh -c "$ENTER" sh "$COMPARE" < <(compare_each 2>/dev/null) 2>/dev/null; }

# Has all namespaces compared, and tells of them in their order: how many there are.
compare_all() {
  local fd number line lines
  SCRATCH=$scratch
  mkdir "$scratch/netns" "$scratch/few"
  printf %s "$QUESTIONS" >"$scratch/questions"
  printf %s "$ASKING" >"$scratch/asking"
  for ((part = 0; part < CPUS && part < $1; part++)); do
    exec {fd}< <(compare_part)
    pipes+=("$fd") started+=("$!")
  done
  for ((number = 0; number < $1; number++)); do
    lines=()
    while IFS= read -ru "${pipes[number % CPUS]}" line && [[ -n $line ]]; do lines+=("$line"); done
    ((${#lines[@]})) || bail_out "not all namespaces could be compared"
    tell "${lines[@]}"
  done
  started=() pipes=()
}

# Tells whether the lab is up, and of namespaces of its that are not in the plan: NAMESPACE...
compare_lab() {
  local claim=/run/mpc-$LAB told=() ns first
  local -A known=()
  for ns; do known[$ns]=1; done
  know_files "$@"
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

# Pipes that what was started has open, and what that has started in its turn.
pipes=()

# Ends all that was started.
stop() {
  local fd
  dismiss "${started[@]}"
  wait || wait || true # the first may tell of a signal that came before
  for fd in "${pipes[@]}"; do while read -ru "$fd"; do :; done; done
  started=() pipes=()
}

# Has that done however the script ends, and makes a folder for what programs say.
prepare() {
  guard
  # Its name first: a signal that ends what makes the folder finds it by this name.
  scratch=$(mktemp -du) || exit 2
  mkdir -m 700 "$scratch" || { scratch=; exit 2; }
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

# Asks for an address: SOURCE TARGET WHAT CLAIM LEAST MOST ADDRESS...; the source and the target are namespaces. An
# address is asked from another where it is FROM,ADDRESS.
ask() {
  local address fd fds='' from pings=(-c 3 -w 3)
  [[ $4 != unreachable ]] || pings=(-c 3 -W 1)
  [[ $4 != rtt ]] || pings=(-c 10 -w 10)
  for address in "${@:7}"; do
    from=()
    [[ $address != *,* ]] || from=(-I "${address%,*}") address=${address#*,}
    exec {fd}< <(exec nsenter --net="/run/netns/$1" ping -nq -i 0.2 "${from[@]}" "${pings[@]}" "$address" 2>&1)
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
# That of the servers which nodes have for transfers that other machines open.
SERVED=5380
port=
received=0
said=
refused=" "
# What iperf3 is to tell while it measures, as options.
reporting=()

# Whether nobody else measures in the lab now, nor begins to before this script ends: a NAMESPACE of it.
be_alone() {
  { exec {alone}<"/etc/netns/$1"; } 2>/dev/null || return 0
  flock -n "$alone"
}

# Has iperf3 send from one namespace to another: SOURCE TARGET ADDRESS PROTOCOL FLOWS OFFERED CONTROL OPTION...
# `received` is then what came there, in kbit/s, or `said` is why none did. CONTROL is the congestion control, or `-` for
# the namespace's own, which is taken too where the kernel refuses CONTROL to such a connection. TARGET is `-` on another
# machine, where a server waits.
transfer() {
  local wrap=() bound=() options tries=0 server=
  choose_port "$2"
  options=(-c "$3" -p "$port" -P "$5" -f k "${reporting[@]}" "${@:8}")
  [[ $7 == - || $refused == *" $4:$7 "* ]] || options+=(-C "$7")
  [[ $4 != mptcp ]] || wrap=(mptcpize run)
  [[ $4 != udp ]] || options+=(-u -b "$6") bound=(-B "$3")
  received=0 said=
  if [[ $2 != - ]]; then
    begin_in server "$2" "${wrap[@]}" iperf3 -s -1 "${bound[@]}" -p "$port" -f k "${reporting[@]}"
    server=$!
  elif ((${#reporting[@]})) && [[ " $* " != *" -R "* ]]; then
    options+=(--get-server-output)
  fi
  while :; do
    begin_in client "$1" "${wrap[@]}" iperf3 "${options[@]}"
    wait "$!" || true
    ((++tries < $(patience "$(<"$scratch/client")"))) || break
    sleep 0.1
  done
  if [[ $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  read_report
  drain "$1"
  [[ $said != *"congestion control"* || $refused == *" $4:$7 "* ]] || { refuse "$1" "$4" "$7" && transfer "$@"; }
}

# Sets `port` to that of the server in a namespace, `-` being one of another machine.
choose_port() { if [[ $1 == - ]]; then port=$SERVED; else port=$PORT; fi; }

# How often a client is to try that says so: until a server listens, and until it has done what others ask of it. One that
# has just done that drops what has come meanwhile.
patience() {
  case $1 in
    *" connected to "*) echo 1 ;;
    *"Connection refused"* | *"Connection reset"* | *"control socket has closed"*) echo 50 ;;
    *"server is busy"*) echo 600 ;;
    *) echo 1 ;;
  esac
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
    [[ -n $(nsenter --net="/run/netns/$1" ss -HtMn dport = ":$port" 2>/dev/null) ]] || break
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
  [[ -e /run/netns/$3 && ($4 == - || -e /run/netns/$4) ]] || { tell 0 "$1" "the lab is not up"; return 0; }
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
begin 12
refer_all
compare_lab aggregate-dc-spine0 aggregate-dc-spine1 aggregate-dc-leaf0 aggregate-dc-h0-0 aggregate-dc-h0-1 aggregate-dc-leaf1 aggregate-dc-h1-0 aggregate-dc-h1-1 aggregate-dc-leaf2 aggregate-dc-h2-0 aggregate-dc-h2-1
compare_all 11
expect
finish
}
