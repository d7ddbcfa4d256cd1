#!/usr/bin/env bash
# Brings up the lab "homes". Written by mpc 0.1.0 from homes.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='homes'
NAMESPACES=(homes-pc1 homes-pc2 homes-server homes-home1 homes-home2 homes-isp homes-lan1 homes-lan2)
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
      residents "$ns" | xargs -r kill -KILL || true
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
printf '%s\n' 'source homes.topo' 'plan f21f07cee8a0' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
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
# mpc:homes
127.0.0.1 localhost
::1 localhost
10.207.246.137 pc1
192.168.1.125 lan1.pc1
10.246.69.144 pc2
192.168.1.114 lan2.pc2
10.251.49.181 server
10.109.179.94 isp.server
10.215.101.220 home1
192.168.1.79 lan1.home1
10.120.115.93 isp.home1
10.253.63.220 home2
192.168.1.232 lan2.home2
10.119.243.113 isp.home2
10.253.32.216 isp
10.120.115.94 home1.isp
10.119.243.114 home2.isp
10.109.179.93 server.isp
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name lan1 netns homes-home1 type veth peer name home1 netns homes-lan1
ip link add name lan1 netns homes-pc1 type veth peer name pc1 netns homes-lan1
ip link add name lan2 netns homes-home2 type veth peer name home2 netns homes-lan2
ip link add name lan2 netns homes-pc2 type veth peer name pc2 netns homes-lan2
ip link add name isp netns homes-home1 type veth peer name home1 netns homes-isp
ip link add name isp netns homes-home2 type veth peer name home2 netns homes-isp
ip link add name server netns homes-isp type veth peer name isp netns homes-server
ip link add name lan1 netns homes-lan1 type bridge mcast_snooping 0
ip link add name lan2 netns homes-lan2 type bridge mcast_snooping 0

# --- settings -----------------------------------------------------------------
ip netns exec homes-pc1 sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,lan1}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,lan1}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec homes-pc2 sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,lan2}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,lan2}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec homes-server sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,isp}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec homes-home1 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,lan1,isp}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,lan1,isp}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec homes-home2 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,lan2,isp}.rp_filter=0 \
  net.ipv4.conf.{all,default,lo,lan2,isp}.accept_redirects=0 net.ipv4.fib_multipath_hash_policy=1
ip netns exec homes-isp sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,home1,home2,server}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1

# --- interfaces ---------------------------------------------------------------
ip -n homes-pc1 address add 10.207.246.137/32 dev lo
ip -n homes-pc1 address add 192.168.1.125/24 dev lan1
ip -n homes-pc1 link set dev lan1 up

ip -n homes-pc2 address add 10.246.69.144/32 dev lo
ip -n homes-pc2 address add 192.168.1.114/24 dev lan2
ip -n homes-pc2 link set dev lan2 up

ip -n homes-server address add 10.251.49.181/32 dev lo
ip -n homes-server address add 10.109.179.94/30 dev isp
ip -n homes-server link set dev isp up

ip -n homes-home1 address add 10.215.101.220/32 dev lo
ip -n homes-home1 address add 192.168.1.79/24 dev lan1
ip -n homes-home1 link set dev lan1 up
ip -n homes-home1 address add 10.120.115.93/30 dev isp
ip -n homes-home1 link set dev isp up

ip -n homes-home2 address add 10.253.63.220/32 dev lo
ip -n homes-home2 address add 192.168.1.232/24 dev lan2
ip -n homes-home2 link set dev lan2 up
ip -n homes-home2 address add 10.119.243.113/30 dev isp
ip -n homes-home2 link set dev isp up

ip -n homes-isp address add 10.253.32.216/32 dev lo
ip -n homes-isp address add 10.120.115.94/30 dev home1
ip -n homes-isp link set dev home1 up
ip -n homes-isp address add 10.119.243.114/30 dev home2
ip -n homes-isp link set dev home2 up
ip -n homes-isp address add 10.109.179.93/30 dev server
ip -n homes-isp link set dev server up

ip -n homes-lan1 link set dev lan1 up
ip -n homes-lan1 link set dev home1 master lan1 up
ip -n homes-lan1 link set dev pc1 master lan1 up

ip -n homes-lan2 link set dev lan2 up
ip -n homes-lan2 link set dev home2 master lan2 up
ip -n homes-lan2 link set dev pc2 master lan2 up

# --- routes -------------------------------------------------------------------
ip -n homes-pc1 route add default via 192.168.1.79 dev lan1  # via home1
ip -n homes-pc1 route add 10.192.0.0/10 src 10.207.246.137 via 192.168.1.79 dev lan1  # pc1, pc2, server and 3 more via home1
ip -n homes-pc1 route add 10.119.243.112/30 src 10.207.246.137 via 192.168.1.79 dev lan1  # home2 -- isp via home1
ip -n homes-pc1 route add 10.120.115.92/30 src 10.207.246.137 via 192.168.1.79 dev lan1  # home1 -- isp via home1

ip -n homes-pc2 route add default via 192.168.1.232 dev lan2  # via home2
ip -n homes-pc2 route add 10.192.0.0/10 src 10.246.69.144 via 192.168.1.232 dev lan2  # pc1, pc2, server and 3 more via home2
ip -n homes-pc2 route add 10.119.243.112/30 src 10.246.69.144 via 192.168.1.232 dev lan2  # home2 -- isp via home2
ip -n homes-pc2 route add 10.120.115.92/30 src 10.246.69.144 via 192.168.1.232 dev lan2  # home1 -- isp via home2

ip -n homes-server route add default via 10.109.179.93 dev isp
ip -n homes-server route add 10.192.0.0/10 src 10.251.49.181 via 10.109.179.93 dev isp  # pc1, pc2, server and 3 more
ip -n homes-server route add 10.119.243.112/30 src 10.251.49.181 via 10.109.179.93 dev isp  # home2 -- isp
ip -n homes-server route add 10.120.115.92/30 src 10.251.49.181 via 10.109.179.93 dev isp  # home1 -- isp

ip -n homes-home1 route add default via 10.120.115.94 dev isp
ip -n homes-home1 route add 10.207.246.137 src 10.215.101.220 via 192.168.1.125 dev lan1  # pc1
ip -n homes-home1 route add 10.192.0.0/10 src 10.215.101.220 via 10.120.115.94 dev isp  # pc1, pc2, server and 3 more
ip -n homes-home1 route add 10.119.243.112/30 src 10.215.101.220 via 10.120.115.94 dev isp  # home2 -- isp
ip netns exec homes-home1 nft 'add table inet mpc'
ip netns exec homes-home1 nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec homes-home1 nft 'add rule inet mpc out oifname "isp" masquerade'

ip -n homes-home2 route add default via 10.119.243.114 dev isp
ip -n homes-home2 route add 10.246.69.144 src 10.253.63.220 via 192.168.1.114 dev lan2  # pc2
ip -n homes-home2 route add 10.192.0.0/10 src 10.253.63.220 via 10.119.243.114 dev isp  # pc1, pc2, server and 3 more
ip -n homes-home2 route add 10.120.115.92/30 src 10.253.63.220 via 10.119.243.114 dev isp  # home1 -- isp
ip netns exec homes-home2 nft 'add table inet mpc'
ip netns exec homes-home2 nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec homes-home2 nft 'add rule inet mpc out meta nfproto ipv4 oifname "isp" masquerade'

ip -n homes-isp route add 10.251.49.181 src 10.253.32.216 via 10.109.179.94 dev server  # server
ip -n homes-isp route add 10.215.101.220 src 10.253.32.216 via 10.120.115.93 dev home1  # home1
ip -n homes-isp route add 10.253.63.220 src 10.253.32.216 via 10.119.243.113 dev home2  # home2

# --- switches -----------------------------------------------------------------
await_ports homes-lan1
await_ports homes-lan2

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
