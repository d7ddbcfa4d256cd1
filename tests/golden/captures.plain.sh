#!/usr/bin/env bash
# Brings up the lab "captures". Written by mpc 0.1.0 from captures.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='captures'
NAMESPACES=(captures-a captures-b captures-r captures-s)
CAPTURES=.
if [[ ${1-} == --captures ]]; then CAPTURES=${2:?} && shift 2; fi
CAPTURES=$(cd -P -- "$CAPTURES" && pwd)
# Captures what an interface sends and receives: NAMESPACE NODE INTERFACE SNAP FILE. tcpdump(8) begins at interfaces that are
# up; as the other end of the link is down meanwhile, there are no packets before. A device (a sixth word) stays up. cat(1)
# ends where a disk is full.
# shellcheck disable=SC2016 # Expanded by that shell.
TCPDUMP='set -o pipefail; tcpdump -i "$DEVICE" -n -p -U -s "$SNAP" -w - | (trap "" TERM; exec cat >>"$FILE")'
capture() {
  local file=$CAPTURES/$5 log=$CLAIM.d/$2:$3.log
  (set -C && : >"$file") || { say "error: cannot make $file"; exit 1; }
  echo "capture $file" >>"$CLAIM"
  ip -n "$1" link set dev "$3" up
  start_inside "$1" "$2:$3" "$TCPDUMP" "DEVICE=$3" "SNAP=$4" "FILE=$file"
  for _ in {1..500}; do ! grep -qs "listening on $3, " "$log" || break; sleep 0.02; done
  grep -q "listening on $3, " "$log" || { say "cannot capture $2:$3: $(<"$log")"; exit 1; }
  [[ -n ${6:-} ]] || ip -n "$1" link set dev "$3" down
}
# Waits until captures have what came by now; those of an up that failed are taken away.
end_captures() {
  local file
  if grep -qsx up "$CLAIM"; then sleep 1.2 && return; fi
  while read -r file; do rm -f "$file"; done < <(sed -n 's/^capture //p' "$CLAIM" 2>/dev/null)
}
# Has command lines make an interface, one after the other: NAMESPACE NODE NAME LINE... What they say goes to NODE:NAME.log.
make_device() {
  local line log=$CLAIM.d/$2:$3.log
  for line in "${@:4}"; do
    MPC_LAB=$LAB MPC_NODE=$2 MPC_NETNS=$1 ip netns exec "$1" bash -c -- "$line" </dev/null >>"$log" 2>&1 ||
      { say "$2:$3 cannot be made: $line: $(tail -n 5 "$log")"; exit 1; }
  done
  ip -n "$1" link show dev "$3" >/dev/null || { say "$2:$3 is not there when its commands have been run"; exit 1; }
}
CLAIM=/run/mpc-$LAB
say() { printf '%s: %s\n' "$LAB" "$*" >&2; }
residents() { ip netns pids "$1"; }

# Takes down the namespaces that are marked as this lab's, or `all`: what runs in them, themselves, and their files.
down() {
  local ns at left=0 stays=
  trap - ERR EXIT HUP INT TERM
  end_captures
  for ns in "${NAMESPACES[@]}"; do
    if [[ $(ip -n "$ns" link show dev lo 2>/dev/null) == *"alias mpc:$LAB" ||
      -e /run/netns/$ns && ($1 == all || -e $CLAIM.d/$ns.undo) ]]; then
      residents "$ns" | xargs -r kill || true
      for _ in {1..50}; do [[ -n $(residents "$ns") ]] || break; sleep 0.1; done
      for _ in {1..50}; do [[ -n $(residents "$ns") ]] || break; residents "$ns" | xargs -r kill -KILL || true; sleep 0.1; done
      ip netns del "$ns" || left=1
    elif ! grep -qsx "# mpc:$LAB" "/etc/netns/$ns/hosts"; then
      continue
    fi
    rm -f "/etc/netns/$ns/"{hosts,resolv.conf}
    [[ ! -d /etc/netns/$ns ]] || rmdir "/etc/netns/$ns" || left=1
  done
  for at in /etc/netns /run/netns; do
    ! grep -qsx "made $at" "$CLAIM" || { umount -n "$at"; rmdir "$at"; } 2>/dev/null || true
  done
  [[ $stays ]] || rm -rf "$CLAIM" "$CLAIM.d"
  say down
  return "$left"
}

[[ ${1-down} == down ]] || { echo "usage: up.sh [down]" >&2; exit 2; }
if (($#)); then down marked; exit; fi
for at in "$CLAIM" "${NAMESPACES[@]/#//run/netns/}" "${NAMESPACES[@]/#//etc/netns/}"; do
  [[ ! -e $at ]] || { say "error: there is $at already: if this lab has made it, take that down"; exit 1; }
done
trap 'say "failed: $BASH_COMMAND"' ERR
trap 'exit 1' HUP INT TERM
trap 'down all' EXIT

# Waits until all ports of a bridge forward, or are left out by the spanning tree: half a minute at most.
await_ports() {
  for _ in {1..300}; do
    [[ $(ip -n "$1" -d link show type bridge_slave) =~ bridge_slave\ state\ (disabled|listening|learning) ]] || return 0
    sleep 0.1
  done
  say "the ports of $1 do not come to forward"
  exit 1
}

# Starts a command line, or what has a container run a command: NAMESPACE NAME COMMAND KEY=VALUE... What it says goes to NAME.log, its PID to NAME.pid, and at
# its end its status to NAME.end.
start() { launch "ip netns exec $1" "$@"; }
start_inside() { launch "nsenter --net=/run/netns/$1" "$@"; }
launch() {
  local file=$CLAIM.d/$3 enter
  read -ra enter <<<"$1"
  MPC_LAB=$LAB MPC_NODE=${3%.*} MPC_NETNS=$2 setsid "${enter[@]}" \
    bash -c "$(declare -f attend)"$'\nattend "$@"' bash "$file" "${@:4}" </dev/null >>"$file.log" 2>&1 &
  for _ in {1..200}; do [[ ! -s $file.pid ]] || return 0; sleep 0.05; done
  say "cannot start what runs as $3: $(<"$file.log")"
  exit 1
}
attend() { (echo "$BASHPID" >"$1.pid"; exec env "${@:3}" bash -c -- "$2"); echo "$?" >"$1.end"; }
# Waits until what was started listens at a port, or until a command succeeds.
await_run_port() { await say_log "$1" listens "$2" "$3"; }
await_run() { await say_log "$1" timeout -k 5 5 "${@:2}"; }
say_log() { tail -n 5 "$CLAIM.d/$1.log"; }

# === the lab ==================================================================
printf '%s\n' 'source captures.topo' 'plan 8cbac1336bda' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
for folder in /etc/netns /run/netns; do [[ -e $folder ]] || echo "made $folder" >>"$CLAIM"; done
mkdir -p /etc/netns

# --- namespaces, their /etc/hosts and /etc/resolv.conf ------------------------
own=$(</proc/sys/kernel/hostname)
for ns in "${NAMESPACES[@]}"; do
  etc=/etc/netns/$ns
  ip netns add "$ns"
  ip -n "$ns" link set dev lo up alias "mpc:$LAB"
  mkdir "$etc"
  cat >"$etc/hosts" <<'HOSTS'
# mpc:captures
127.0.0.1 localhost
::1 localhost
10.219.189.202 a
10.19.24.1 r.a
10.249.89.74 b
10.178.189.165 s.b
10.240.82.151 r
10.19.24.2 a.r
10.178.189.158 s.r
10.9.0.1 own.a
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name r netns captures-a type veth peer name a netns captures-r
ip link add name s netns captures-r type veth peer name r netns captures-s
ip link add name s netns captures-b type veth peer name b netns captures-s
ip link add name s netns captures-s type bridge mcast_snooping 0

# --- settings -----------------------------------------------------------------
ip netns exec captures-a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,r}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec captures-b sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,s}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,s}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec captures-r sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,a,s}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,a,s}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1

# --- captures -----------------------------------------------------------------
echo "made $CLAIM.d" >>"$CLAIM"
mkdir "$CLAIM.d"
capture captures-a a r 0 captures.a.r.pcap
capture captures-r r a 0 captures.r.a.pcap
capture captures-s s r 96 captures.s.r.pcap
capture captures-b b s 96 captures.b.s.pcap

# --- interfaces ---------------------------------------------------------------
tc -n captures-a qdisc add dev r root handle 1: tbf rate 10mbit burst 6056b limit 31250b
ip -n captures-a address add 10.219.189.202/32 dev lo
ip -n captures-a address add 10.19.24.1/30 dev r
ip -n captures-a link set dev r up

ip -n captures-b address add 10.249.89.74/32 dev lo
ip -n captures-b address add 10.178.189.165/24 dev s
ip -n captures-b link set dev s up

tc -n captures-r qdisc add dev a root handle 1: tbf rate 10mbit burst 6056b limit 31250b
tc -n captures-r qdisc add dev s root handle 1: tbf rate 10mbit burst 6056b limit 31250b
ip -n captures-r address add 10.240.82.151/32 dev lo
ip -n captures-r address add 10.19.24.2/30 dev a
ip -n captures-r link set dev a up
ip -n captures-r address add 10.178.189.158/24 dev s
ip -n captures-r link set dev s up

tc -n captures-s qdisc add dev r root handle 1: tbf rate 10mbit burst 6056b limit 31250b
ip -n captures-s link set dev s up
ip -n captures-s link set dev r master s up
ip -n captures-s link set dev b master s up

# --- routes -------------------------------------------------------------------
ip -n captures-a route add default via 10.19.24.2 dev r
ip -n captures-a route add 10.192.0.0/10 src 10.219.189.202 via 10.19.24.2 dev r  # a, b, r

ip -n captures-b route add default via 10.178.189.158 dev s  # via r
ip -n captures-b route add 10.192.0.0/10 src 10.249.89.74 via 10.178.189.158 dev s  # a, b, r via r

ip -n captures-r route add 10.219.189.202 src 10.240.82.151 via 10.19.24.1 dev a  # a
ip -n captures-r route add 10.249.89.74 src 10.240.82.151 via 10.178.189.165 dev s  # b

# --- switches -----------------------------------------------------------------
await_ports captures-s

# --- devices ------------------------------------------------------------------
make_device captures-a a own 'ip link add name own type bridge'

# --- captures of devices ------------------------------------------------------
capture captures-a a own 0 captures.a.own.pcap device

# --- addresses ----------------------------------------------------------------
ip -n captures-a address add 10.9.0.1/24 dev own
ip -n captures-a link set dev own up

# --- processes ----------------------------------------------------------------
start captures-b b 'iperf3 -s'

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
