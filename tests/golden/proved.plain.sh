#!/usr/bin/env bash
# Brings up the lab "proved". Written by mpc 0.1.0 from proved.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='proved'
NAMESPACES=(proved-a proved-b proved-c proved-d)
CLAIM=/run/mpc-$LAB
say() { printf '%s: %s\n' "$LAB" "$*" >&2; }
residents() { ip netns pids "$1"; }

# Takes down the namespaces that are marked as this lab's, or `all`: what runs in them, themselves, and their files.
down() {
  local ns at left=0 stays=
  trap - ERR EXIT HUP INT TERM
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
printf '%s\n' 'source proved.topo' 'plan 101d9e87e748' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
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
# mpc:proved
127.0.0.1 localhost
::1 localhost
10.219.189.202 a
10.39.131.69 c.a
10.86.184.181 d.a
10.249.89.74 b
10.52.126.101 c.b
10.75.138.209 d.b
10.208.122.226 c
10.39.131.70 a.c
10.52.126.102 b.c
10.240.22.137 d
10.86.184.182 a.d
10.75.138.210 b.d
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name c netns proved-a type veth peer name a netns proved-c
ip link add name d netns proved-a type veth peer name a netns proved-d
ip link add name c netns proved-b type veth peer name b netns proved-c
ip link add name d netns proved-b type veth peer name b netns proved-d

# --- settings -----------------------------------------------------------------
ip netns exec proved-a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,c,d}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.mptcp.enabled=1 net.ipv4.tcp_notsent_lowat=4096
ip netns exec proved-b sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,c,d}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.mptcp.enabled=1 net.ipv4.tcp_notsent_lowat=4096
ip netns exec proved-c sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,a,b}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec proved-d sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,a,b}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1

# --- interfaces ---------------------------------------------------------------
tc -n proved-a qdisc add dev c root handle 1: tbf rate 5mbit burst 6056b limit 15625b
tc -n proved-a qdisc add dev d root handle 1: tbf rate 5mbit burst 6056b limit 15625b
ip -n proved-a address add 10.219.189.202/32 dev lo
ip -n proved-a address add 10.39.131.69/30 dev c
ip -n proved-a link set dev c up
ip -n proved-a address add 10.86.184.181/30 dev d
ip -n proved-a link set dev d up

tc -n proved-b qdisc add dev c root handle 1: tbf rate 5mbit burst 6056b limit 15625b
tc -n proved-b qdisc add dev d root handle 1: tbf rate 5mbit burst 6056b limit 15625b
ip -n proved-b address add 10.249.89.74/32 dev lo
ip -n proved-b address add 10.52.126.101/30 dev c
ip -n proved-b link set dev c up
ip -n proved-b address add 10.75.138.209/30 dev d
ip -n proved-b link set dev d up

tc -n proved-c qdisc add dev a root handle 1: tbf rate 5mbit burst 6056b limit 15625b
tc -n proved-c qdisc add dev b root handle 1: tbf rate 5mbit burst 6056b limit 6056b
tc -n proved-c qdisc add dev b parent 1:1 handle 10: netem limit 2096 delay 2ms
tc -n proved-c qdisc add dev b parent 10:1 bfifo limit 18653b
ip -n proved-c address add 10.208.122.226/32 dev lo
ip -n proved-c address add 10.39.131.70/30 dev a
ip -n proved-c link set dev a up
ip -n proved-c address add 10.52.126.102/30 dev b
ip -n proved-c link set dev b up

tc -n proved-d qdisc add dev a root handle 1: tbf rate 5mbit burst 6056b limit 15625b
tc -n proved-d qdisc add dev b root handle 1: tbf rate 5mbit burst 6056b limit 6056b
tc -n proved-d qdisc add dev b parent 1:1 handle 10: netem limit 2096 delay 2ms
tc -n proved-d qdisc add dev b parent 10:1 bfifo limit 18653b
ip -n proved-d address add 10.240.22.137/32 dev lo
ip -n proved-d address add 10.86.184.182/30 dev a
ip -n proved-d link set dev a up
ip -n proved-d address add 10.75.138.210/30 dev b
ip -n proved-d link set dev b up

# --- routes -------------------------------------------------------------------
ip -n proved-a route add 10.249.89.74 src 10.219.189.202 nexthop via 10.39.131.70 dev c nexthop via 10.86.184.182 dev d  # b
ip -n proved-a route add 10.208.122.226 src 10.219.189.202 via 10.39.131.70 dev c  # c
ip -n proved-a route add 10.240.22.137 src 10.219.189.202 via 10.86.184.182 dev d  # d
ip -n proved-a route add 10.52.126.100/30 via 10.39.131.70 dev c  # b -- c
ip -n proved-a route add 10.75.138.208/30 via 10.86.184.182 dev d  # b -- d
ip -n proved-a route add 10.249.89.74 via 10.39.131.70 dev c table 25203  # b
ip -n proved-a route add 10.52.126.101 via 10.39.131.70 dev c table 25203  # b:c
ip -n proved-a route add 10.75.138.209 via 10.39.131.70 dev c table 25203  # b:d
ip -n proved-a route add 10.249.89.74 via 10.86.184.182 dev d table 41363  # b
ip -n proved-a route add 10.52.126.101 via 10.86.184.182 dev d table 41363  # b:c
ip -n proved-a route add 10.75.138.209 via 10.86.184.182 dev d table 41363  # b:d
ip -n proved-a rule add pref 1100 to 10.52.126.101 lookup 25203  # b:c
ip -n proved-a rule add pref 1100 to 10.75.138.209 lookup 41363  # b:d
ip -n proved-a rule add pref 1200 from 10.39.131.69 lookup 25203  # a:c
ip -n proved-a rule add pref 1200 from 10.86.184.181 lookup 41363  # a:d
ip -n proved-a mptcp limits set subflows 4 add_addr_accepted 0
ip -n proved-a mptcp endpoint add 10.39.131.69 dev c subflow
ip -n proved-a mptcp endpoint add 10.86.184.181 dev d subflow

ip -n proved-b route add 10.219.189.202 src 10.249.89.74 nexthop via 10.52.126.102 dev c nexthop via 10.75.138.210 dev d  # a
ip -n proved-b route add 10.208.122.226 src 10.249.89.74 via 10.52.126.102 dev c  # c
ip -n proved-b route add 10.240.22.137 src 10.249.89.74 via 10.75.138.210 dev d  # d
ip -n proved-b route add 10.39.131.68/30 via 10.52.126.102 dev c  # a -- c
ip -n proved-b route add 10.86.184.180/30 via 10.75.138.210 dev d  # a -- d
ip -n proved-b route add 10.219.189.202 via 10.52.126.102 dev c table 25203  # a
ip -n proved-b route add 10.39.131.69 via 10.52.126.102 dev c table 25203  # a:c
ip -n proved-b route add 10.86.184.181 via 10.52.126.102 dev c table 25203  # a:d
ip -n proved-b route add 10.219.189.202 via 10.75.138.210 dev d table 41363  # a
ip -n proved-b route add 10.39.131.69 via 10.75.138.210 dev d table 41363  # a:c
ip -n proved-b route add 10.86.184.181 via 10.75.138.210 dev d table 41363  # a:d
ip -n proved-b rule add pref 1100 to 10.39.131.69 lookup 25203  # a:c
ip -n proved-b rule add pref 1100 to 10.86.184.181 lookup 41363  # a:d
ip -n proved-b rule add pref 1200 from 10.52.126.101 lookup 25203  # b:c
ip -n proved-b rule add pref 1200 from 10.75.138.209 lookup 41363  # b:d
ip -n proved-b mptcp limits set subflows 4 add_addr_accepted 0
ip -n proved-b mptcp endpoint add 10.52.126.101 dev c subflow
ip -n proved-b mptcp endpoint add 10.75.138.209 dev d subflow

ip -n proved-c route add 10.219.189.202 src 10.208.122.226 via 10.39.131.69 dev a  # a
ip -n proved-c route add 10.249.89.74 src 10.208.122.226 via 10.52.126.101 dev b  # b
ip -n proved-c route add 10.86.184.181 via 10.39.131.69 dev a  # a:d
ip -n proved-c route add 10.75.138.209 via 10.52.126.101 dev b  # b:d

ip -n proved-d route add 10.219.189.202 src 10.240.22.137 via 10.86.184.181 dev a  # a
ip -n proved-d route add 10.249.89.74 src 10.240.22.137 via 10.75.138.209 dev b  # b
ip -n proved-d route add 10.39.131.69 via 10.86.184.181 dev a  # a:c
ip -n proved-d route add 10.52.126.101 via 10.75.138.209 dev b  # b:c

# --- processes ----------------------------------------------------------------
echo "made $CLAIM.d" >>"$CLAIM"
mkdir "$CLAIM.d"
start proved-b b 'iperf3 -s -p 5000' TMPDIR=/tmp
start proved-c c 'while sleep 10; do ip -s -s link show b; done'
start proved-d d 'while sleep 10; do ip -s -s link show b; done'

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
