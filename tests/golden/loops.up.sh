#!/usr/bin/env bash
# Brings up the lab "loops". Written by mpc 0.1.0 from loops.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=loops
NAMESPACES=(
  loops-r0
  loops-h0-0
  loops-h0-1
  loops-r1
  loops-h1-0
  loops-h1-1
  loops-r2
  loops-h2-0
  loops-h2-1
  loops-r3
  loops-h3-0
  loops-h3-1
)

CLAIM=/run/mpc-$LAB
MARK=mpc:$LAB

say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Whether an up has claimed the lab and has not come to its end.
unfinished() { [[ -d $CLAIM && ! -e $CLAIM/up ]]; }

# Whether a namespace is this lab's: it has our mark, or an unfinished up has not come to marking it.
owned() {
  local link=
  link=$(ip -n "$1" link show dev lo 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    unfinished
  fi
}

# Prints the processes in some namespaces, a PID a line.
residents() {
  local inode path
  local -A inside=()
  while read -r inode; do inside[$inode]=1; done < <(stat -Lc %i "${@/#//run/netns/}")
  while read -r inode path; do
    [[ -z ${inside[$inode]:-} ]] || grep -o '[0-9]*' <<<"${path%/ns/net}"
  done < <(stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>/dev/null)
}

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      ((try > 1)) || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
      sleep 0.1
    done
  done
  say "these processes do not end: ${pids[*]}"
  return 1
}

# Takes away the hosts file of one namespace and its folder.
remove_names() {
  local folder=/etc/netns/$1 first=
  [[ -d $folder ]] || return 0
  [[ ! -f $folder/hosts ]] || read -r first <"$folder/hosts" || true
  if [[ $first != "# $MARK" ]] && ! unfinished; then
    say "left $folder alone: this lab did not make it"
    return 1
  fi
  rm -f "$folder/hosts"
  rmdir "$folder" || { say "left $folder: it is not empty"; return 1; }
}

# Leaves a folder that was not there before this lab for another lab to remove, where one still uses it.
bequeath() {
  local other
  [[ -e $CLAIM/$1 && -e $2 ]] || return 0
  for other in /run/mpc-*; do
    [[ $other == "$CLAIM" || ! -d $other ]] || { : >"$other/$1"; return; }
  done
}

# Takes away the claim, and the folders that were not there before this lab.
remove_claim() {
  [[ -d $CLAIM ]] || return 0
  [[ ! -e $CLAIM/etc-netns ]] || rmdir --ignore-fail-on-non-empty /etc/netns
  bequeath etc-netns /etc/netns
  if [[ -e $CLAIM/run-netns ]] && ! compgen -G '/run/netns/*' >/dev/null; then
    umount -n /run/netns && rmdir /run/netns
  fi
  bequeath run-netns /run/netns
  rm -f "$CLAIM"/{up,etc-netns,run-netns}
  rmdir "$CLAIM"
}

# Takes away all that this lab made, and nothing else; fails where something was left, and keeps the claim.
take_down() {
  local ns left=0 own=()
  for ns in "${NAMESPACES[@]}"; do
    [[ -e /run/netns/$ns ]] || continue
    if owned "$ns"; then
      own+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    printf 'netns del %s\n' "${own[@]}" | ip -batch - || left=1
  fi
  for ns in "${NAMESPACES[@]}"; do remove_names "$ns" || left=1; done
  ((left)) || remove_claim || left=1
  return "$left"
}

UP_ALREADY="the lab is up, or an up of it was cut short: run its down script first"
missing=()
parts=()

need_bash() { ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || missing+=("bash 4.4 or later"); }

# Notes a tool that is not there, and the package that has it.
need_tool() { type -P "$1" >/dev/null || missing+=("the command $1 (package $2)"); }

# Notes that this is not root, or that root may not make namespaces.
need_root() {
  if ((EUID)); then
    missing+=("root: run this with sudo")
  elif type -P unshare >/dev/null && ! unshare --net true 2>/dev/null; then
    missing+=("the right to make network namespaces (CAP_SYS_ADMIN)")
  fi
}

# Notes a feature that does not work in an empty namespace. Where its tool is missing, that is said already.
need() {
  local feature=$1
  shift
  ((EUID == 0)) && type -P unshare "$1" >/dev/null || return 0
  unshare --net -- "$@" >/dev/null 2>&1 || missing+=("$feature")
}

# Notes what has the name of one of the namespaces already.
need_names() {
  local ns
  for ns in "${NAMESPACES[@]}"; do
    [[ ! -e /run/netns/$ns ]] || missing+=("the name $ns: a namespace has it")
    [[ ! -e /etc/netns/$ns ]] || missing+=("the name $ns: the folder /etc/netns/$ns has it")
  done
}

# Claims the lab's name, where nothing is missing.
claim() {
  if ((${#missing[@]})); then
    say "error: nothing was changed, as this machine lacks:"
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
  mkdir "$CLAIM" 2>/dev/null || die "$UP_ALREADY"
}

# Remembers which folders were not there before.
remember() {
  [[ -e /run/netns ]] || : >"$CLAIM/run-netns"
  [[ -e /etc/netns ]] || : >"$CLAIM/etc-netns"
}

# Takes away what a failed up has made.
roll_back() {
  trap '' INT TERM HUP
  trap - ERR
  say "taking away what was made"
  ((${#parts[@]} == 0)) || kill "${parts[@]}" 2>/dev/null || true
  wait
  take_down || true
}

PARTS=$(nproc 2>/dev/null || echo 2)
part=
turn=0

# Sections are done in parts side by side, one for each processor. Whether the next piece is this part's.
mine() { [[ -z $part ]] || ((turn++ % PARTS == part)); }

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() part=
  ((failed == 0)) || exit 1
}

# Feeds its input to a command, in one of the parts, and names the line of a batch that fails.
feed() {
  local text log rows
  mine || return 0
  IFS= read -rd '' text || true
  if log=$("$@" <<<"$text" 2>&1); then
    [[ -z $log ]] || say "$log"
    return
  fi
  mapfile -t rows <<<"$text"
  [[ ! $log =~ -:([0-9]+) ]] || say "failed: $* ${rows[BASH_REMATCH[1] - 1]}"
  die "$log"
}

# Feeds its input to ip(8) or tc(8) as a batch.
batch() { feed "$@" -batch -; }

# Sets the sysctls of its input in each of some namespaces.
configure() {
  local text ns
  IFS= read -rd '' text || true
  for ns; do feed nsenter --net="/run/netns/$ns" sysctl -qp - <<<"$text"; done
}

# --- preflight: nothing is changed until all of this holds --------------------
[[ ! -e $CLAIM ]] || die "$UP_ALREADY"
need_bash
need_tool ip iproute2
need_tool sysctl procps
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool tc iproute2
need_root
need 'veth interfaces' ip link add name p type veth peer name q
need 'the queueing discipline tbf (module sch_tbf)' tc qdisc add dev lo root tbf rate 1mbit burst 10kb limit 10kb
need 'the queueing discipline netem (module sch_netem)' tc qdisc add dev lo root netem delay 1ms
need 'the sysctl net.ipv4.ip_forward' sysctl -n net.ipv4.ip_forward
need 'the sysctl net.ipv4.conf.all.rp_filter' sysctl -n net.ipv4.conf.all.rp_filter
need 'the sysctl net.ipv4.conf.default.rp_filter' sysctl -n net.ipv4.conf.default.rp_filter
need 'the sysctl net.ipv4.fib_multipath_hash_policy' sysctl -n net.ipv4.fib_multipath_hash_policy
need 'the sysctl net.ipv4.tcp_ecn' sysctl -n net.ipv4.tcp_ecn
need_names
claim
trap roll_back EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'say "failed: $BASH_COMMAND"' ERR
remember

# --- namespaces ---------------------------------------------------------------
say "namespaces"
batch ip <<'IP'
netns add loops-r0
netns add loops-h0-0
netns add loops-h0-1
netns add loops-r1
netns add loops-h1-0
netns add loops-h1-1
netns add loops-r2
netns add loops-h2-0
netns add loops-h2-1
netns add loops-r3
netns add loops-h3-0
netns add loops-h3-1
IP

# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:loops
127.0.0.1 localhost
::1 localhost
10.9.0.1 r0
10.1.0.1 h0-0.r0
10.1.0.5 h0-1.r0
10.10.12.65 r1.r0
10.248.168.5 h0-0
10.1.0.2 r0.h0-0
10.250.120.119 h0-1
10.1.0.6 r0.h0-1
10.9.1.1 r1
10.1.1.1 h1-0.r1
10.1.1.5 h1-1.r1
10.10.12.66 r0.r1
10.75.186.65 r2.r1
10.238.239.137 h1-0
10.1.1.2 r1.h1-0
10.207.61.141 h1-1
10.1.1.6 r1.h1-1
10.9.2.1 r2
10.1.2.1 h2-0.r2
10.1.2.5 h2-1.r2
10.75.186.66 r1.r2
10.89.53.57 r3.r2
10.208.31.53 h2-0
10.1.2.2 r2.h2-0
10.219.188.36 h2-1
10.1.2.6 r2.h2-1
10.9.3.1 r3
10.1.3.1 h3-0.r3
10.1.3.5 h3-1.r3
10.89.53.58 r2.r3
10.233.247.101 h3-0
10.1.3.2 r3.h3-0
10.203.121.45 h3-1
10.1.3.6 r3.h3-1
HOSTS
mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
for ns in "${NAMESPACES[@]}"; do printf %s "$hosts" >"/etc/netns/$ns/hosts"; done

# --- settings -----------------------------------------------------------------
say "settings"
for ((part = 0; part < PARTS; part++)); do {
configure \
  loops-r0 \
  loops-r2 \
  loops-r3 \
  <<'SYSCTL'
net.ipv4.ip_forward=1
net.ipv4.conf.all.rp_filter=0
net.ipv4.conf.default.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
SYSCTL
configure \
  loops-h0-0 \
  loops-h0-1 \
  loops-h1-0 \
  loops-h1-1 \
  loops-h2-0 \
  loops-h2-1 \
  loops-h3-0 \
  loops-h3-1 \
  <<'SYSCTL'
net.ipv4.ip_forward=0
net.ipv4.conf.all.rp_filter=0
net.ipv4.conf.default.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
SYSCTL
configure \
  loops-r1 \
  <<'SYSCTL'
net.ipv4.ip_forward=1
net.ipv4.conf.all.rp_filter=0
net.ipv4.conf.default.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
net.ipv4.tcp_ecn=1
SYSCTL
} & parts+=($!); done
settle

# --- links --------------------------------------------------------------------
say "links"
batch ip <<'IP'
link add name h0-0 netns loops-r0 type veth peer name r0 netns loops-h0-0
link add name h0-1 netns loops-r0 type veth peer name r0 netns loops-h0-1
link add name h1-0 netns loops-r1 type veth peer name r1 netns loops-h1-0
link add name h1-1 netns loops-r1 type veth peer name r1 netns loops-h1-1
link add name h2-0 netns loops-r2 type veth peer name r2 netns loops-h2-0
link add name h2-1 netns loops-r2 type veth peer name r2 netns loops-h2-1
link add name h3-0 netns loops-r3 type veth peer name r3 netns loops-h3-0
link add name h3-1 netns loops-r3 type veth peer name r3 netns loops-h3-1
link add name r1 netns loops-r0 type veth peer name r0 netns loops-r1
link add name r2 netns loops-r1 type veth peer name r1 netns loops-r2
link add name r3 netns loops-r2 type veth peer name r2 netns loops-r3
IP

# --- addresses ----------------------------------------------------------------
say "addresses"
for ((part = 0; part < PARTS; part++)); do {
batch ip -n loops-r0 <<'IP'
link set dev lo up alias mpc:loops
address add 10.9.0.1/32 dev lo
address add 10.1.0.1/30 dev h0-0
link set dev h0-0 up
address add 10.1.0.5/30 dev h0-1
link set dev h0-1 up
address add 10.10.12.65/30 dev r1
link set dev r1 up
IP
batch ip -n loops-h0-0 <<'IP'
link set dev lo up alias mpc:loops
address add 10.248.168.5/32 dev lo
address add 10.1.0.2/30 dev r0
link set dev r0 up
IP
batch ip -n loops-h0-1 <<'IP'
link set dev lo up alias mpc:loops
address add 10.250.120.119/32 dev lo
address add 10.1.0.6/30 dev r0
link set dev r0 up
IP
batch ip -n loops-r1 <<'IP'
link set dev lo up alias mpc:loops
address add 10.9.1.1/32 dev lo
address add 10.1.1.1/30 dev h1-0
link set dev h1-0 up
address add 10.1.1.5/30 dev h1-1
link set dev h1-1 up
address add 10.10.12.66/30 dev r0
link set dev r0 up
address add 10.75.186.65/30 dev r2
link set dev r2 up
IP
batch ip -n loops-h1-0 <<'IP'
link set dev lo up alias mpc:loops
address add 10.238.239.137/32 dev lo
address add 10.1.1.2/30 dev r1
link set dev r1 up
IP
batch ip -n loops-h1-1 <<'IP'
link set dev lo up alias mpc:loops
address add 10.207.61.141/32 dev lo
address add 10.1.1.6/30 dev r1
link set dev r1 up
IP
batch ip -n loops-r2 <<'IP'
link set dev lo up alias mpc:loops
address add 10.9.2.1/32 dev lo
address add 10.1.2.1/30 dev h2-0
link set dev h2-0 up
address add 10.1.2.5/30 dev h2-1
link set dev h2-1 up
address add 10.75.186.66/30 dev r1
link set dev r1 up
address add 10.89.53.57/30 dev r3
link set dev r3 up
IP
batch ip -n loops-h2-0 <<'IP'
link set dev lo up alias mpc:loops
address add 10.208.31.53/32 dev lo
address add 10.1.2.2/30 dev r2
link set dev r2 up
IP
batch ip -n loops-h2-1 <<'IP'
link set dev lo up alias mpc:loops
address add 10.219.188.36/32 dev lo
address add 10.1.2.6/30 dev r2
link set dev r2 up
IP
batch ip -n loops-r3 <<'IP'
link set dev lo up alias mpc:loops
address add 10.9.3.1/32 dev lo
address add 10.1.3.1/30 dev h3-0
link set dev h3-0 up
address add 10.1.3.5/30 dev h3-1
link set dev h3-1 up
address add 10.89.53.58/30 dev r2
link set dev r2 up
IP
batch ip -n loops-h3-0 <<'IP'
link set dev lo up alias mpc:loops
address add 10.233.247.101/32 dev lo
address add 10.1.3.2/30 dev r3
link set dev r3 up
IP
batch ip -n loops-h3-1 <<'IP'
link set dev lo up alias mpc:loops
address add 10.203.121.45/32 dev lo
address add 10.1.3.6/30 dev r3
link set dev r3 up
IP
} & parts+=($!); done
settle

# --- shaping ------------------------------------------------------------------
say "shaping"
for ((part = 0; part < PARTS; part++)); do {
batch tc -n loops-r0 <<'TC'
qdisc add dev h0-0 root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc add dev h0-1 root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc add dev r1 root handle 1: tbf rate 2mbit burst 6056b limit 6250b
TC
batch tc -n loops-h0-0 <<'TC'
qdisc add dev r0 root handle 1: tbf rate 10mbit burst 6056b limit 31250b
TC
batch tc -n loops-h0-1 <<'TC'
qdisc add dev r0 root handle 1: tbf rate 10mbit burst 6056b limit 31250b
TC
batch tc -n loops-r1 <<'TC'
qdisc add dev h1-0 root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev h1-1 root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev r0 root handle 1: tbf rate 2mbit burst 6056b limit 6250b
qdisc add dev r2 root handle 1: netem limit 47 delay 1ms rate 20mbit
TC
batch tc -n loops-h1-0 <<'TC'
qdisc add dev r1 root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
batch tc -n loops-h1-1 <<'TC'
qdisc add dev r1 root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
batch tc -n loops-r2 <<'TC'
qdisc add dev h2-0 root handle 1: tbf rate 30mbit burst 15000b limit 93750b
qdisc add dev h2-1 root handle 1: tbf rate 30mbit burst 15000b limit 93750b
qdisc add dev r1 root handle 1: netem limit 47 delay 1ms rate 20mbit
qdisc add dev r3 root handle 1: tbf rate 2mbit burst 6056b limit 6250b
TC
batch tc -n loops-h2-0 <<'TC'
qdisc add dev r2 root handle 1: tbf rate 30mbit burst 15000b limit 93750b
TC
batch tc -n loops-h2-1 <<'TC'
qdisc add dev r2 root handle 1: tbf rate 30mbit burst 15000b limit 93750b
TC
batch tc -n loops-r3 <<'TC'
qdisc add dev h3-0 root handle 1: tbf rate 40mbit burst 20000b limit 125000b
qdisc add dev h3-1 root handle 1: tbf rate 40mbit burst 20000b limit 125000b
qdisc add dev r2 root handle 1: tbf rate 2mbit burst 6056b limit 6250b
TC
batch tc -n loops-h3-0 <<'TC'
qdisc add dev r3 root handle 1: tbf rate 40mbit burst 20000b limit 125000b
TC
batch tc -n loops-h3-1 <<'TC'
qdisc add dev r3 root handle 1: tbf rate 40mbit burst 20000b limit 125000b
TC
} & parts+=($!); done
settle

: >"$CLAIM/up"
trap - EXIT
say up
}
