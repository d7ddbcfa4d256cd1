#!/usr/bin/env bash
# Brings up the lab "ipv6". Written by mpc 0.1.0 from ipv6.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
{
set -eEuo pipefail
export LC_ALL=C
umask 022
trap '' PIPE

LAB=ipv6
NAMESPACES=(
  ipv6-a
  ipv6-b
  ipv6-c
  ipv6-d
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
need 'policy routing' ip rule add pref 1000 from 10.0.0.1 lookup 10000
need 'MPTCP in the kernel and in ip (iproute2 5.9)' ip mptcp limits set subflows 1
need 'the sysctl net.ipv6.conf.all.disable_ipv6' sysctl -n net.ipv6.conf.all.disable_ipv6
need 'the sysctl net.ipv6.conf.all.forwarding' sysctl -n net.ipv6.conf.all.forwarding
need 'the sysctl net.ipv6.conf.all.accept_dad' sysctl -n net.ipv6.conf.all.accept_dad
need 'the sysctl net.ipv6.conf.default.disable_ipv6' sysctl -n net.ipv6.conf.default.disable_ipv6
need 'the sysctl net.ipv6.conf.default.forwarding' sysctl -n net.ipv6.conf.default.forwarding
need 'the sysctl net.ipv6.conf.default.accept_dad' sysctl -n net.ipv6.conf.default.accept_dad
need 'the sysctl net.ipv6.fib_multipath_hash_policy' sysctl -n net.ipv6.fib_multipath_hash_policy
need 'the sysctl net.mptcp.enabled' sysctl -n net.mptcp.enabled
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
netns add ipv6-a
netns add ipv6-b
netns add ipv6-c
netns add ipv6-d
IP

# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:ipv6
127.0.0.1 localhost
::1 localhost
fd00:1:0:c000::a1b:bdca a
fd00:1::92a7:8345 c.a
fd00:1::ed6:b8b5 d.a
fd00:1:0:c000::39:594a b
fd00:1::4634:7e65 c.b
fd00:1::a74b:8ad1 d.b
fd00:1:0:c000::2950:7ae2 c
fd00:1::92a7:8346 a.c
fd00:1::4634:7e66 b.c
fd00:1:0:c000::3f0:1689 d
fd00:1::ed6:b8b6 a.d
fd00:1::a74b:8ad2 b.d
HOSTS
mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
for ns in "${NAMESPACES[@]}"; do printf %s "$hosts" >"/etc/netns/$ns/hosts"; done

# --- settings -----------------------------------------------------------------
say "settings"
for ((part = 0; part < PARTS; part++)); do {
configure \
  ipv6-a \
  ipv6-b \
  <<'SYSCTL'
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=0
net.ipv6.conf.all.accept_dad=0
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=0
net.ipv6.conf.default.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
net.mptcp.enabled=1
SYSCTL
configure \
  ipv6-c \
  ipv6-d \
  <<'SYSCTL'
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=1
net.ipv6.conf.all.accept_dad=0
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=1
net.ipv6.conf.default.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
SYSCTL
} & parts+=($!); done
settle

# --- links --------------------------------------------------------------------
say "links"
batch ip <<'IP'
link add name c netns ipv6-a type veth peer name a netns ipv6-c
link add name d netns ipv6-a type veth peer name a netns ipv6-d
link add name c netns ipv6-b type veth peer name b netns ipv6-c
link add name d netns ipv6-b type veth peer name b netns ipv6-d
IP

# --- addresses ----------------------------------------------------------------
say "addresses"
for ((part = 0; part < PARTS; part++)); do {
batch ip -n ipv6-a <<'IP'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::a1b:bdca/128 dev lo
address add fd00:1::92a7:8345/126 dev c
link set dev c up
address add fd00:1::ed6:b8b5/126 dev d
link set dev d up
IP
batch ip -n ipv6-b <<'IP'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::39:594a/128 dev lo
address add fd00:1::4634:7e65/126 dev c
link set dev c up
address add fd00:1::a74b:8ad1/126 dev d
link set dev d up
IP
batch ip -n ipv6-c <<'IP'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::2950:7ae2/128 dev lo
address add fd00:1::92a7:8346/126 dev a
link set dev a up
address add fd00:1::4634:7e66/126 dev b
link set dev b up
IP
batch ip -n ipv6-d <<'IP'
link set dev lo up alias mpc:ipv6
address add fd00:1:0:c000::3f0:1689/128 dev lo
address add fd00:1::ed6:b8b6/126 dev a
link set dev a up
address add fd00:1::a74b:8ad2/126 dev b
link set dev b up
IP
} & parts+=($!); done
settle

# --- routes -------------------------------------------------------------------
say "routes"
for ((part = 0; part < PARTS; part++)); do {
batch ip -n ipv6-a <<'IP'
route add fd00:1:0:c000::39:594a nexthop via fd00:1::92a7:8346 dev c nexthop via fd00:1::ed6:b8b6 dev d
route add fd00:1:0:c000::2950:7ae2 via fd00:1::92a7:8346 dev c
route add fd00:1:0:c000::3f0:1689 via fd00:1::ed6:b8b6 dev d
route add fd00:1::4634:7e64/126 via fd00:1::92a7:8346 dev c
route add fd00:1::a74b:8ad0/126 via fd00:1::ed6:b8b6 dev d
route add fd00:1:0:c000::39:594a via fd00:1::92a7:8346 dev c table 25203
route add fd00:1::4634:7e65 via fd00:1::92a7:8346 dev c table 25203
route add fd00:1::a74b:8ad1 via fd00:1::92a7:8346 dev c table 25203
route add fd00:1:0:c000::39:594a via fd00:1::ed6:b8b6 dev d table 41363
route add fd00:1::4634:7e65 via fd00:1::ed6:b8b6 dev d table 41363
route add fd00:1::a74b:8ad1 via fd00:1::ed6:b8b6 dev d table 41363
IP
batch ip -6 -n ipv6-a <<'IP'
rule add pref 1100 to fd00:1::4634:7e65 lookup 25203
rule add pref 1100 to fd00:1::a74b:8ad1 lookup 41363
rule add pref 1200 from fd00:1::92a7:8345 lookup 25203
rule add pref 1200 from fd00:1::ed6:b8b5 lookup 41363
IP
batch ip -n ipv6-b <<'IP'
route add fd00:1:0:c000::a1b:bdca nexthop via fd00:1::4634:7e66 dev c nexthop via fd00:1::a74b:8ad2 dev d
route add fd00:1:0:c000::2950:7ae2 via fd00:1::4634:7e66 dev c
route add fd00:1:0:c000::3f0:1689 via fd00:1::a74b:8ad2 dev d
route add fd00:1::92a7:8344/126 via fd00:1::4634:7e66 dev c
route add fd00:1::ed6:b8b4/126 via fd00:1::a74b:8ad2 dev d
route add fd00:1:0:c000::a1b:bdca via fd00:1::4634:7e66 dev c table 25203
route add fd00:1::92a7:8345 via fd00:1::4634:7e66 dev c table 25203
route add fd00:1::ed6:b8b5 via fd00:1::4634:7e66 dev c table 25203
route add fd00:1:0:c000::a1b:bdca via fd00:1::a74b:8ad2 dev d table 41363
route add fd00:1::92a7:8345 via fd00:1::a74b:8ad2 dev d table 41363
route add fd00:1::ed6:b8b5 via fd00:1::a74b:8ad2 dev d table 41363
IP
batch ip -6 -n ipv6-b <<'IP'
rule add pref 1100 to fd00:1::92a7:8345 lookup 25203
rule add pref 1100 to fd00:1::ed6:b8b5 lookup 41363
rule add pref 1200 from fd00:1::4634:7e65 lookup 25203
rule add pref 1200 from fd00:1::a74b:8ad1 lookup 41363
IP
batch ip -n ipv6-c <<'IP'
route add fd00:1:0:c000::a1b:bdca via fd00:1::92a7:8345 dev a
route add fd00:1:0:c000::39:594a via fd00:1::4634:7e65 dev b
route add fd00:1::ed6:b8b5 via fd00:1::92a7:8345 dev a
route add fd00:1::a74b:8ad1 via fd00:1::4634:7e65 dev b
IP
batch ip -n ipv6-d <<'IP'
route add fd00:1:0:c000::a1b:bdca via fd00:1::ed6:b8b5 dev a
route add fd00:1:0:c000::39:594a via fd00:1::a74b:8ad1 dev b
route add fd00:1::92a7:8345 via fd00:1::ed6:b8b5 dev a
route add fd00:1::4634:7e65 via fd00:1::a74b:8ad1 dev b
IP
} & parts+=($!); done
settle

# --- mptcp --------------------------------------------------------------------
say "mptcp"
for ((part = 0; part < PARTS; part++)); do {
batch ip -n ipv6-a <<'IP'
mptcp limits set subflows 3 add_addr_accepted 0
mptcp endpoint add fd00:1::92a7:8345 dev c subflow
mptcp endpoint add fd00:1::ed6:b8b5 dev d subflow
IP
batch ip -n ipv6-b <<'IP'
mptcp limits set subflows 3 add_addr_accepted 0
mptcp endpoint add fd00:1::4634:7e65 dev c subflow
mptcp endpoint add fd00:1::a74b:8ad1 dev d subflow
IP
} & parts+=($!); done
settle

# --- shaping ------------------------------------------------------------------
say "shaping"
for ((part = 0; part < PARTS; part++)); do {
batch tc -n ipv6-a <<'TC'
qdisc add dev c root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev d root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
batch tc -n ipv6-b <<'TC'
qdisc add dev c root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev d root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
batch tc -n ipv6-c <<'TC'
qdisc add dev a root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev b root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
batch tc -n ipv6-d <<'TC'
qdisc add dev a root handle 1: tbf rate 20mbit burst 10000b limit 62500b
qdisc add dev b root handle 1: tbf rate 20mbit burst 10000b limit 62500b
TC
} & parts+=($!); done
settle

: >"$CLAIM/up"
trap - EXIT
say up
}
