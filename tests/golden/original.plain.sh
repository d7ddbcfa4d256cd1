#!/usr/bin/env bash
# Brings up the lab "original". Written by mpc 0.1.0 from original.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Called with `down`, it takes the lab down. It is short, to be read: it tests nothing first but that its
# names are free, keeps nobody out while it is at work, and sets nothing back of what namespaces copy of this
# machine; `--style batch` does. A comment says whose addresses are: `b` is a node, `b:c` an interface of it.
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail
umask 022
LAB='original'
NAMESPACES=(devicea deviceb devicec deviced)
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
printf '%s\n' 'source original.topo' 'plan 1244e5325695' "since $(date '+%F %T %Z')" "${NAMESPACES[@]/#/namespace }" >"$CLAIM"
for folder in /etc/netns /run/netns; do [[ -e $folder ]] || echo "made $folder" >>"$CLAIM"; done
mkdir -p /etc/netns
modprobe -q dummy numdummies=0 2>/dev/null || true

# --- namespaces, their /etc/hosts and /etc/resolv.conf ------------------------
own=$(</proc/sys/kernel/hostname)
for ns in "${NAMESPACES[@]}"; do
  etc=/etc/netns/$ns
  ip netns add "$ns"
  ip -n "$ns" link set dev lo up alias "mpc:$LAB"
  mkdir "$etc"
  echo '# mpc:original' >"$etc/hosts"
  case $ns in
    devicea) cat >>"$etc/hosts" <<'HOSTS' ;;
10.0.0.2 c
10.2.0.2 d
HOSTS
  esac
  cat >>"$etc/hosts" <<'HOSTS'
127.0.0.1 localhost
::1 localhost
10.10.10.10 a
10.0.0.1 veth0.a
10.2.0.1 veth2.a
10.100.100.100 b
10.3.0.1 veth4.b
10.4.0.1 veth6.b
10.3.0.2 c
10.0.0.2 c
10.0.0.2 veth1.c
10.3.0.2 veth5.c
10.4.0.2 d
10.2.0.2 d
10.2.0.2 veth3.d
10.4.0.2 veth7.d
HOSTS
  [[ ! $own =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || grep -qi " $own$" "$etc/hosts" || echo "127.0.1.1 $own" >>"$etc/hosts"
  [[ ! -e /etc/resolv.conf ]] || printf '%s\n' "# mpc:$LAB" '# This lab has no name server.' >"$etc/resolv.conf"
done

# --- links --------------------------------------------------------------------
ip link add name veth0 netns devicea type veth peer name veth1 netns devicec
ip link add name veth2 netns devicea type veth peer name veth3 netns deviced
ip link add name veth4 netns deviceb type veth peer name veth5 netns devicec
ip link add name veth6 netns deviceb type veth peer name veth7 netns deviced
ip link add name dummy0 netns devicea type dummy
ip link add name dummy1 netns deviceb type dummy

# --- settings -----------------------------------------------------------------
ip netns exec devicea sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,veth0,veth2,dummy0}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.mptcp.enabled=1 net.ipv4.tcp_notsent_lowat=4096
ip netns exec deviceb sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.{all,default,lo,veth4,veth6,dummy1}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1 net.mptcp.enabled=1 net.ipv4.tcp_notsent_lowat=4096
ip netns exec devicec sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,veth1,veth5}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1
ip netns exec deviced sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.{all,default,lo,veth3,veth7}.rp_filter=0 \
  net.ipv4.fib_multipath_hash_policy=1

# --- interfaces ---------------------------------------------------------------
tc -n devicea qdisc add dev veth0 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
tc -n devicea qdisc add dev veth2 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
ip -n devicea address add 10.10.10.10/30 dev dummy0
ip -n devicea link set dev dummy0 up
ip -n devicea address add 10.0.0.1/30 dev veth0
ip -n devicea link set dev veth0 up
ip -n devicea address add 10.2.0.1/30 dev veth2
ip -n devicea link set dev veth2 up

tc -n deviceb qdisc add dev veth4 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
tc -n deviceb qdisc add dev veth6 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
ip -n deviceb address add 10.100.100.100/30 dev dummy1
ip -n deviceb link set dev dummy1 up
ip -n deviceb address add 10.3.0.1/30 dev veth4
ip -n deviceb link set dev veth4 up
ip -n deviceb address add 10.4.0.1/30 dev veth6
ip -n deviceb link set dev veth6 up

tc -n devicec qdisc add dev veth1 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
tc -n devicec qdisc add dev veth5 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
ip -n devicec address add 10.0.0.2/30 dev veth1
ip -n devicec link set dev veth1 up
ip -n devicec address add 10.3.0.2/30 dev veth5
ip -n devicec link set dev veth5 up

tc -n deviced qdisc add dev veth3 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
tc -n deviced qdisc add dev veth7 root handle 1: tbf rate 5120kbit burst 6056b limit 16000b
ip -n deviced address add 10.2.0.2/30 dev veth3
ip -n deviced link set dev veth3 up
ip -n deviced address add 10.4.0.2/30 dev veth7
ip -n deviced link set dev veth7 up

# --- routes -------------------------------------------------------------------
ip -n devicea route add 10.100.100.100 nexthop via 10.0.0.2 dev veth0 nexthop via 10.2.0.2 dev veth2  # b via c, d
ip -n devicea route add 10.3.0.1 via 10.0.0.2 dev veth0  # b:veth4 via c
ip -n devicea route add 10.4.0.1 via 10.2.0.2 dev veth2  # b:veth6 via d
ip -n devicea mptcp limits set subflows 2 add_addr_accepted 2
ip -n devicea mptcp endpoint add 10.0.0.1 dev veth0 signal
ip -n devicea mptcp endpoint add 10.2.0.1 dev veth2 signal
ip netns exec devicea nft 'add table inet mpc'
ip netns exec devicea nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec devicea nft 'add rule inet mpc out oifname "dummy0" masquerade'
ip netns exec devicea nft 'add rule inet mpc out oifname "veth0" masquerade'
ip netns exec devicea nft 'add rule inet mpc out oifname "veth2" masquerade'

ip -n deviceb route add 10.10.10.10 nexthop via 10.3.0.2 dev veth4 nexthop via 10.4.0.2 dev veth6  # a via c, d
ip -n deviceb route add 10.0.0.1 via 10.3.0.2 dev veth4  # a:veth0 via c
ip -n deviceb route add 10.2.0.1 via 10.4.0.2 dev veth6  # a:veth2 via d
ip -n deviceb mptcp limits set subflows 2 add_addr_accepted 2
ip -n deviceb mptcp endpoint add 10.3.0.1 dev veth4 signal
ip -n deviceb mptcp endpoint add 10.4.0.1 dev veth6 signal
ip netns exec deviceb nft 'add table inet mpc'
ip netns exec deviceb nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec deviceb nft 'add rule inet mpc out oifname "dummy1" masquerade'
ip netns exec deviceb nft 'add rule inet mpc out oifname "veth4" masquerade'
ip netns exec deviceb nft 'add rule inet mpc out oifname "veth6" masquerade'

ip -n devicec route add 10.10.10.10 via 10.0.0.1 dev veth1  # a
ip -n devicec route add 10.100.100.100 via 10.3.0.1 dev veth5  # b
ip -n devicec route add 10.2.0.1 via 10.0.0.1 dev veth1  # a:veth2
ip -n devicec route add 10.4.0.1 via 10.3.0.1 dev veth5  # b:veth6
ip netns exec devicec nft 'add table inet mpc'
ip netns exec devicec nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec devicec nft 'add rule inet mpc out oifname "veth1" masquerade'
ip netns exec devicec nft 'add rule inet mpc out oifname "veth5" masquerade'

ip -n deviced route add 10.10.10.10 via 10.2.0.1 dev veth3  # a
ip -n deviced route add 10.100.100.100 via 10.4.0.1 dev veth7  # b
ip -n deviced route add 10.0.0.1 via 10.2.0.1 dev veth3  # a:veth0
ip -n deviced route add 10.3.0.1 via 10.4.0.1 dev veth7  # b:veth4
ip netns exec deviced nft 'add table inet mpc'
ip netns exec deviced nft 'add chain inet mpc out { type nat hook postrouting priority srcnat; }'
ip netns exec deviced nft 'add rule inet mpc out oifname "veth3" masquerade'
ip netns exec deviced nft 'add rule inet mpc out oifname "veth7" masquerade'

echo up >>"$CLAIM"
trap - ERR EXIT HUP INT TERM
say up
}
