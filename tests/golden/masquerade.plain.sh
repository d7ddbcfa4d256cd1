#!/usr/bin/env bash
# Brings up the lab "masquerade". Written by mpc 0.1.0 from masquerade.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='masquerade'
NAMESPACES=(masquerade-pc masquerade-tv masquerade-server masquerade-home masquerade-isp)
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
printf '%s\n' 'source masquerade.topo' 'plan c9809ff6c2f7' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
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
# mpc:masquerade
127.0.0.1 localhost
::1 localhost
10.203.16.229 pc
10.108.77.174 home.pc
10.237.59.5 tv
10.59.37.230 home.tv
10.251.49.181 server
10.109.179.94 isp.server
10.208.119.60 home
10.108.77.173 pc.home
10.59.37.229 tv.home
10.59.128.129 isp.home
10.253.32.216 isp
10.59.128.130 home.isp
10.109.179.93 server.isp
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name home netns masquerade-pc type veth peer name pc netns masquerade-home
ip link add name home netns masquerade-tv type veth peer name tv netns masquerade-home
ip link add name isp netns masquerade-home type veth peer name home netns masquerade-isp
ip link add name server netns masquerade-isp type veth peer name isp netns masquerade-server

# --- settings -----------------------------------------------------------------
ip netns exec masquerade-pc sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,home}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec masquerade-tv sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,home}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec masquerade-server sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,isp}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec masquerade-home sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,pc,tv,isp}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec masquerade-isp sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,home,server}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1

# --- interfaces ---------------------------------------------------------------
tc -n masquerade-pc qdisc add dev home root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
ip -n masquerade-pc address add 10.203.16.229/32 dev lo
ip -n masquerade-pc address add 10.108.77.174/30 dev home
ip -n masquerade-pc link set dev home up

tc -n masquerade-tv qdisc add dev home root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
ip -n masquerade-tv address add 10.237.59.5/32 dev lo
ip -n masquerade-tv address add 10.59.37.230/30 dev home
ip -n masquerade-tv link set dev home up

tc -n masquerade-server qdisc add dev isp root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
ip -n masquerade-server address add 10.251.49.181/32 dev lo
ip -n masquerade-server address add 10.109.179.94/30 dev isp
ip -n masquerade-server link set dev isp up

tc -n masquerade-home qdisc add dev pc root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
tc -n masquerade-home qdisc add dev tv root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
tc -n masquerade-home qdisc add dev isp root handle 1: tbf rate 100mbit burst 50000b limit 312500b
ip -n masquerade-home address add 10.208.119.60/32 dev lo
ip -n masquerade-home address add 10.108.77.173/30 dev pc
ip -n masquerade-home link set dev pc up
ip -n masquerade-home address add 10.59.37.229/30 dev tv
ip -n masquerade-home link set dev tv up
ip -n masquerade-home address add 10.59.128.129/30 dev isp
ip -n masquerade-home link set dev isp up

tc -n masquerade-isp qdisc add dev home root handle 1: tbf rate 100mbit burst 50000b limit 312500b
tc -n masquerade-isp qdisc add dev server root handle 1: tbf rate 1gbit burst 500000b limit 3125000b
ip -n masquerade-isp address add 10.253.32.216/32 dev lo
ip -n masquerade-isp address add 10.59.128.130/30 dev home
ip -n masquerade-isp link set dev home up
ip -n masquerade-isp address add 10.109.179.93/30 dev server
ip -n masquerade-isp link set dev server up

# --- routes -------------------------------------------------------------------
ip -n masquerade-pc route add default via 10.108.77.173 dev home
ip -n masquerade-pc route add 10.192.0.0/10 src 10.203.16.229 via 10.108.77.173 dev home  # pc, tv, server and 2 more
ip -n masquerade-pc route add 10.59.128.128/30 src 10.203.16.229 via 10.108.77.173 dev home  # home -- isp
ip -n masquerade-pc route add 10.109.179.92/30 src 10.203.16.229 via 10.108.77.173 dev home  # isp -- server

ip -n masquerade-tv route add default via 10.59.37.229 dev home
ip -n masquerade-tv route add 10.192.0.0/10 src 10.237.59.5 via 10.59.37.229 dev home  # pc, tv, server and 2 more
ip -n masquerade-tv route add 10.59.128.128/30 src 10.237.59.5 via 10.59.37.229 dev home  # home -- isp
ip -n masquerade-tv route add 10.109.179.92/30 src 10.237.59.5 via 10.59.37.229 dev home  # isp -- server

ip -n masquerade-server route add default via 10.109.179.93 dev isp
ip -n masquerade-server route add 10.192.0.0/10 src 10.251.49.181 via 10.109.179.93 dev isp  # pc, tv, server and 2 more
ip -n masquerade-server route add 10.59.128.128/30 src 10.251.49.181 via 10.109.179.93 dev isp  # home -- isp

ip -n masquerade-home route add default via 10.59.128.130 dev isp
ip -n masquerade-home route add 10.203.16.229 src 10.208.119.60 via 10.108.77.174 dev pc  # pc
ip -n masquerade-home route add 10.237.59.5 src 10.208.119.60 via 10.59.37.230 dev tv  # tv
ip -n masquerade-home route add 10.192.0.0/10 src 10.208.119.60 via 10.59.128.130 dev isp  # pc, tv, server and 2 more
ip -n masquerade-home route add 10.109.179.92/30 src 10.208.119.60 via 10.59.128.130 dev isp  # isp -- server
ip netns exec masquerade-home nft 'add table inet mpc'
ip netns exec masquerade-home nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec masquerade-home nft 'add rule inet mpc out oifname "isp" masquerade'

ip -n masquerade-isp route add default via 10.59.128.129 dev home
ip -n masquerade-isp route add 10.251.49.181 src 10.253.32.216 via 10.109.179.94 dev server  # server
ip -n masquerade-isp route add 10.192.0.0/10 src 10.253.32.216 via 10.59.128.129 dev home  # pc, tv, server and 2 more
ip netns exec masquerade-isp nft 'add table inet mpc'
ip netns exec masquerade-isp nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec masquerade-isp nft 'add rule inet mpc out oifname "home" masquerade'
ip netns exec masquerade-isp nft 'add rule inet mpc out oifname "server" masquerade'

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
