#!/usr/bin/env bash
# Brings up the lab "spanning-tree". Written by mpc 0.1.0 from spanning-tree.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='spanning-tree'
NAMESPACES=(
  spanning-tree-a spanning-tree-b spanning-tree-c spanning-tree-d spanning-tree-s1 spanning-tree-s2 spanning-tree-s3
  spanning-tree-s4
)
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

# Waits until all ports of a bridge forward, or are left out by the spanning tree: half a minute at most.
await_ports() {
  for _ in {1..300}; do
    [[ $(ip -n "$1" -d link show type bridge_slave) =~ bridge_slave\ state\ (disabled|listening|learning) ]] || return 0
    sleep 0.1
  done
  say "the ports of $1 do not come to forward"
  exit 1
}

# === the lab ==================================================================
printf '%s\n' 'source spanning-tree.topo' 'plan c85acd69245a' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
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
# mpc:spanning-tree
127.0.0.1 localhost
::1 localhost
10.219.189.202 a
10.161.135.111 s1.a
10.249.89.74 b
10.161.135.56 s2.b
10.208.122.226 c
10.161.135.179 s3.c
10.161.135.114 s4.c
10.240.22.137 d
10.161.135.183 s4.d
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name s2 netns spanning-tree-s1 type veth peer name s1 netns spanning-tree-s2
ip link add name s3 netns spanning-tree-s2 type veth peer name s2 netns spanning-tree-s3
ip link add name s4 netns spanning-tree-s3 type veth peer name s3 netns spanning-tree-s4
ip link add name s1 netns spanning-tree-s4 type veth peer name s4 netns spanning-tree-s1
ip link add name s3 netns spanning-tree-s1 type veth peer name s1 netns spanning-tree-s3
ip link add name s2.2 netns spanning-tree-s1 type veth peer name s1.2 netns spanning-tree-s2
ip link add name s1 netns spanning-tree-a type veth peer name a netns spanning-tree-s1
ip link add name s2 netns spanning-tree-b type veth peer name b netns spanning-tree-s2
ip link add name s3 netns spanning-tree-c type veth peer name c netns spanning-tree-s3
ip link add name s4 netns spanning-tree-d type veth peer name d netns spanning-tree-s4
ip link add name s4 netns spanning-tree-c type veth peer name c netns spanning-tree-s4
ip link add name s1 netns spanning-tree-s1 type bridge stp_state 1 priority 0 forward_delay 200 hello_time 100 mcast_snooping 0
ip link add name s2 netns spanning-tree-s2 type bridge stp_state 1 priority 1 forward_delay 200 hello_time 100 mcast_snooping 0
ip link add name s3 netns spanning-tree-s3 type bridge stp_state 1 priority 2 forward_delay 200 hello_time 100 mcast_snooping 0
ip link add name s4 netns spanning-tree-s4 type bridge stp_state 1 priority 3 forward_delay 200 hello_time 100 mcast_snooping 0

# --- settings -----------------------------------------------------------------
ip netns exec spanning-tree-a sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,s1}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,s1}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec spanning-tree-b sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,s2}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,s2}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec spanning-tree-c sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,s3,s4}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,s3,s4}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1 \
  net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
ip netns exec spanning-tree-d sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,s4}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,s4}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1

# --- interfaces ---------------------------------------------------------------
ip -n spanning-tree-a address add 10.219.189.202/32 dev lo
ip -n spanning-tree-a address add 10.161.135.111/24 dev s1
ip -n spanning-tree-a link set dev s1 up

ip -n spanning-tree-b address add 10.249.89.74/32 dev lo
ip -n spanning-tree-b address add 10.161.135.56/24 dev s2
ip -n spanning-tree-b link set dev s2 up

tc -n spanning-tree-c qdisc add dev s4 root handle 1: netem limit 1652 delay 2ms
ip -n spanning-tree-c address add 10.208.122.226/32 dev lo
ip -n spanning-tree-c address add 10.161.135.179/24 dev s3
ip -n spanning-tree-c link set dev s3 up
ip -n spanning-tree-c address add 10.161.135.114/24 dev s4
ip -n spanning-tree-c link set dev s4 up

tc -n spanning-tree-d qdisc add dev s4 root handle 1: netem limit 1652 delay 2ms
ip -n spanning-tree-d address add 10.240.22.137/32 dev lo
ip -n spanning-tree-d address add 10.161.135.183/24 dev s4
ip -n spanning-tree-d link set dev s4 up

tc -n spanning-tree-s1 qdisc add dev s2 root handle 1: netem limit 1000 delay 1ms
tc -n spanning-tree-s1 qdisc add dev s4 root handle 1: netem limit 1000 delay 1ms
ip -n spanning-tree-s1 link set dev s1 up
ip -n spanning-tree-s1 link set dev s2 master s1 up
ip -n spanning-tree-s1 link set dev s4 master s1 up
ip -n spanning-tree-s1 link set dev s3 master s1 up
ip -n spanning-tree-s1 link set dev s2.2 master s1 up
ip -n spanning-tree-s1 link set dev a master s1 up

tc -n spanning-tree-s2 qdisc add dev s1 root handle 1: netem limit 1000 delay 1ms
tc -n spanning-tree-s2 qdisc add dev s3 root handle 1: netem limit 1000 delay 1ms
ip -n spanning-tree-s2 link set dev s2 up
ip -n spanning-tree-s2 link set dev s1 master s2 up
ip -n spanning-tree-s2 link set dev s3 master s2 up
ip -n spanning-tree-s2 link set dev s1.2 master s2 up
ip -n spanning-tree-s2 link set dev b master s2 up

tc -n spanning-tree-s3 qdisc add dev s2 root handle 1: netem limit 1000 delay 1ms
tc -n spanning-tree-s3 qdisc add dev s4 root handle 1: netem limit 1000 delay 1ms
ip -n spanning-tree-s3 link set dev s3 up
ip -n spanning-tree-s3 link set dev s2 master s3 up
ip -n spanning-tree-s3 link set dev s4 master s3 up
ip -n spanning-tree-s3 link set dev s1 master s3 up
ip -n spanning-tree-s3 link set dev c master s3 up

tc -n spanning-tree-s4 qdisc add dev s3 root handle 1: netem limit 1000 delay 1ms
tc -n spanning-tree-s4 qdisc add dev s1 root handle 1: netem limit 1000 delay 1ms
tc -n spanning-tree-s4 qdisc add dev d root handle 1: netem limit 1652 delay 2ms
tc -n spanning-tree-s4 qdisc add dev c root handle 1: netem limit 1652 delay 2ms
ip -n spanning-tree-s4 link set dev s4 up
ip -n spanning-tree-s4 link set dev s3 master s4 up
ip -n spanning-tree-s4 link set dev s1 master s4 up
ip -n spanning-tree-s4 link set dev d master s4 up
ip -n spanning-tree-s4 link set dev c master s4 up

# --- routes -------------------------------------------------------------------
ip -n spanning-tree-a route add 10.249.89.74 src 10.219.189.202 via 10.161.135.56 dev s1  # b
ip -n spanning-tree-a route add 10.208.122.226 src 10.219.189.202 via 10.161.135.179 dev s1  # c
ip -n spanning-tree-a route add 10.240.22.137 src 10.219.189.202 via 10.161.135.183 dev s1  # d

ip -n spanning-tree-b route add 10.219.189.202 src 10.249.89.74 via 10.161.135.111 dev s2  # a
ip -n spanning-tree-b route add 10.208.122.226 src 10.249.89.74 via 10.161.135.179 dev s2  # c
ip -n spanning-tree-b route add 10.240.22.137 src 10.249.89.74 via 10.161.135.183 dev s2  # d

ip -n spanning-tree-c route add 10.219.189.202 src 10.208.122.226 via 10.161.135.111 dev s3  # a
ip -n spanning-tree-c route add 10.249.89.74 src 10.208.122.226 via 10.161.135.56 dev s3  # b
ip -n spanning-tree-c route add 10.240.22.137 src 10.208.122.226 via 10.161.135.183 dev s3  # d

ip -n spanning-tree-d route add 10.219.189.202 src 10.240.22.137 via 10.161.135.111 dev s4  # a
ip -n spanning-tree-d route add 10.249.89.74 src 10.240.22.137 via 10.161.135.56 dev s4  # b
ip -n spanning-tree-d route add 10.208.122.226 src 10.240.22.137 via 10.161.135.179 dev s4  # c

# --- switches -----------------------------------------------------------------
await_ports spanning-tree-s1
await_ports spanning-tree-s2
await_ports spanning-tree-s3
await_ports spanning-tree-s4

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
