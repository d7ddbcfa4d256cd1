#!/usr/bin/env bash
# Brings up the lab "sysctl". Written by mpc 0.1.0 from sysctl.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='sysctl'
NAMESPACES=(sysctl-a sysctl-b sysctl-c)
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

# === the lab ==================================================================
printf '%s\n' 'source sysctl.topo' 'plan 7ec446c7a62a' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
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
# mpc:sysctl
127.0.0.1 localhost
::1 localhost
10.219.189.202 a
10.39.131.69 c.a
10.249.89.74 b
10.52.126.101 c.b
10.208.122.226 c
10.39.131.70 a.c
10.52.126.102 b.c
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name c netns sysctl-a type veth peer name a netns sysctl-c
ip link add name c netns sysctl-b type veth peer name b netns sysctl-c

# --- settings -----------------------------------------------------------------
ip netns exec sysctl-a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,c}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_rmem='4096 131072 6291456'
ip netns exec sysctl-b sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,c}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.ipv4.tcp_congestion_control=reno net.ipv4.tcp_rmem='4096 131072 6291456'
ip netns exec sysctl-c sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,a,b}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.b.rp_filter=1

# --- interfaces ---------------------------------------------------------------
tc -n sysctl-a qdisc add dev c root handle 1: tbf rate 50mbit burst 25000b limit 25000b
tc -n sysctl-a qdisc add dev c parent 1:1 handle 10: netem limit 26217 delay 20ms
tc -n sysctl-a qdisc add dev c parent 10:1 bfifo limit 407574b
ip -n sysctl-a address add 10.219.189.202/32 dev lo
ip -n sysctl-a address add 10.39.131.69/30 dev c
ip -n sysctl-a link set dev c up

tc -n sysctl-b qdisc add dev c root handle 1: tbf rate 50mbit burst 25000b limit 25000b
tc -n sysctl-b qdisc add dev c parent 1:1 handle 10: netem limit 26217 delay 20ms
tc -n sysctl-b qdisc add dev c parent 10:1 bfifo limit 407574b
ip -n sysctl-b address add 10.249.89.74/32 dev lo
ip -n sysctl-b address add 10.52.126.101/30 dev c
ip -n sysctl-b link set dev c up

tc -n sysctl-c qdisc add dev a root handle 1: tbf rate 50mbit burst 25000b limit 25000b
tc -n sysctl-c qdisc add dev a parent 1:1 handle 10: netem limit 26217 delay 20ms
tc -n sysctl-c qdisc add dev a parent 10:1 bfifo limit 407574b
tc -n sysctl-c qdisc add dev b root handle 1: tbf rate 50mbit burst 25000b limit 25000b
tc -n sysctl-c qdisc add dev b parent 1:1 handle 10: netem limit 26217 delay 20ms
tc -n sysctl-c qdisc add dev b parent 10:1 bfifo limit 407574b
ip -n sysctl-c address add 10.208.122.226/32 dev lo
ip -n sysctl-c address add 10.39.131.70/30 dev a
ip -n sysctl-c link set dev a up
ip -n sysctl-c address add 10.52.126.102/30 dev b
ip -n sysctl-c link set dev b up

# --- routes -------------------------------------------------------------------
ip -n sysctl-a route add default via 10.39.131.70 dev c
ip -n sysctl-a route add 10.192.0.0/10 src 10.219.189.202 via 10.39.131.70 dev c  # a, b, c

ip -n sysctl-b route add default via 10.52.126.102 dev c
ip -n sysctl-b route add 10.192.0.0/10 src 10.249.89.74 via 10.52.126.102 dev c  # a, b, c

ip -n sysctl-c route add 10.219.189.202 src 10.208.122.226 via 10.39.131.69 dev a  # a
ip -n sysctl-c route add 10.249.89.74 src 10.208.122.226 via 10.52.126.101 dev b  # b

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
