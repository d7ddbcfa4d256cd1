#!/usr/bin/env bash
# Brings up the lab "per-packet". Written by mpc 0.1.0 from per-packet.topo:
# do not edit, change the topology and compile it again. Nothing runs before all of this is read.
# Runtime: sha256 f6f356066172c2debabdf109d9319d594066d8ba860a93ec9002a8141685822e
[ -n "${BASH_VERSION:-}" ] || { echo "this is a script for bash: run it with bash" >&2; exit 1; }
{
set -eEuo pipefail +o noglob +o posix
shopt -u failglob nullglob nocasematch
unset GLOBIGNORE
export LC_ALL=C
umask 022
trap '' PIPE

LAB='per-packet'
IFS= read -rd '' USAGE <<'END' || true
usage: up.sh [--preflight]
Brings up the lab "per-packet".
  --preflight  only tests whether this machine has all that the lab needs
END
IFS= read -rd '' ABOUT <<'END' || true
source per-packet.topo
plan 4e20baedd66d
END
NAMESPACES=(
  per-packet-h
  per-packet-s
  per-packet-n
  per-packet-e
  per-packet-c
  per-packet-d
  per-packet-f
)

# === the lab ==================================================================

needs() {
need_bash
need_tool ip iproute2
need_tool flock util-linux
need_tool nsenter util-linux
need_tool unshare util-linux
need_tool tc iproute2
need_tool nft nftables
need_root
need_folder /run/netns
need_folder /etc/netns
need_features <<'END'
need_right
need 'veth interfaces (module veth)' ip link add name p type veth peer name q
need 'the queueing discipline tbf (module sch_tbf)' tc qdisc replace dev lo root tbf rate 1mbit burst 10kb limit 10kb
need 'IPv6 (module ipv6)' test -d /proc/sys/net/ipv6
need 'routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH)' ip route add 10.0.0.0/8 nexthop dev lo nexthop dev lo
need 'policy routing (CONFIG_IP_MULTIPLE_TABLES)' ip rule add pref 1000 from 10.0.0.1 lookup 10000
need 'MPTCP in the kernel (5.6) and in ip (iproute2 5.9)' ip mptcp limits set subflows 1
need 'NAT by nftables (module nft_masq)' nft 'add table inet mpc; add chain inet mpc out { type nat hook postrouting priority srcnat; }; add rule inet mpc out oifname "lo" masquerade'
need 'packets in turn by nftables (module nft_numgen)' nft 'add table inet mpc; add set inet mpc away { type mark; size 64; flags dynamic, timeout; timeout 5s; }; add chain inet mpc sent { type route hook output priority mangle; }; add rule inet mpc sent meta mark set numgen inc mod 2 map { 0 : 1, 1 : 2 } update @away { meta mark }'
need 'interfaces that take one packet at a time (iproute2 4.16)' ip link set dev lo gso_max_segs 1
need 'namespaces with names (mounts in /run/netns; user.max_net_namespaces)' bash -c 'mount -n -t tmpfs tmpfs /run && ip netns add p'
need_sysctl net.ipv4.conf.all.ignore_routes_with_linkdown
need_sysctl net.ipv6.conf.all.ignore_routes_with_linkdown
need_sysctl net.ipv4.ip_forward
need_sysctl net.ipv4.conf.all.rp_filter
need_sysctl net.ipv4.fib_multipath_hash_policy
need_sysctl net.ipv6.conf.all.disable_ipv6
need_sysctl net.ipv6.conf.all.forwarding
need_sysctl net.ipv6.conf.default.disable_ipv6
need_sysctl net.ipv6.conf.default.forwarding
need_sysctl net.ipv6.conf.all.accept_dad
need_sysctl net.ipv6.fib_multipath_hash_policy
need_sysctl net.ipv4.fib_multipath_hash_fields
need_sysctl net.ipv6.fib_multipath_hash_fields
need_sysctl net.mptcp.enabled
need_sysctl net.ipv4.tcp_notsent_lowat
each_copied show "$@"
END
need_names
}

build() {
# --- names --------------------------------------------------------------------
say "names"
IFS= read -rd '' hosts <<'HOSTS' || true
# mpc:per-packet
127.0.0.1 localhost
::1 localhost
10.241.164.31 h
fd00:7:0:c000::24f1:a41f h
10.109.78.85 n.h
fd00:7::4d6d:4e55 n.h
10.197.114.189 s
fd00:7:0:c000::34c5:72bd s
10.117.209.194 f.s
fd00:7::4a75:d1c2 f.s
10.203.161.45 n
fd00:7:0:c000::138b:a12d n
10.109.78.86 h.n
fd00:7::4d6d:4e56 h.n
10.105.120.230 e.n
fd00:7::2ce9:78e6 e.n
10.219.5.50 e
fd00:7:0:c000::35b:532 e
10.105.120.229 n.e
fd00:7::2ce9:78e5 n.e
10.47.126.18 c.e
fd00:7::db2f:7e12 c.e
10.38.33.142 d.e
fd00:7::8fa6:218e d.e
10.208.122.226 c
fd00:7:0:c000::2950:7ae2 c
10.47.126.17 e.c
fd00:7::db2f:7e11 e.c
10.3.169.201 f.c
fd00:7::583:a9c9 f.c
10.240.22.137 d
fd00:7:0:c000::3f0:1689 d
10.38.33.141 e.d
fd00:7::8fa6:218d e.d
10.76.27.101 f.d
fd00:7::524c:1b65 f.d
10.208.235.202 f
fd00:7:0:c000::3610:ebca f
10.3.169.202 c.f
fd00:7::583:a9ca c.f
10.76.27.102 d.f
fd00:7::524c:1b66 d.f
10.117.209.193 s.f
fd00:7::4a75:d1c1 s.f
HOSTS
{ trap "" HUP INT TERM; write_names "$hosts" '# This lab has no name server.'; } & parts+=($!)

# --- namespaces ---------------------------------------------------------------
say "namespaces"
feed ip -batch - <<'END'
netns add per-packet-h
netns add per-packet-s
netns add per-packet-n
netns add per-packet-e
netns add per-packet-c
netns add per-packet-d
netns add per-packet-f
END

# --- links --------------------------------------------------------------------
say "links"
feed ip -batch - <<'END'
link add name n netns per-packet-h type veth peer name h netns per-packet-n
link add name e netns per-packet-n type veth peer name n netns per-packet-e
link add name c netns per-packet-e type veth peer name e netns per-packet-c
link add name c netns per-packet-f type veth peer name f netns per-packet-c
link add name d netns per-packet-e type veth peer name e netns per-packet-d
link add name d netns per-packet-f type veth peer name f netns per-packet-d
link add name s netns per-packet-f type veth peer name f netns per-packet-s
END

# --- settings -----------------------------------------------------------------
say "settings"
reset_copied
configure \
  per-packet-h \
  per-packet-s \
  <<'END'
net.ipv4.conf.*.ignore_routes_with_linkdown=1
net.ipv6.conf.*.ignore_routes_with_linkdown=1
net.ipv4.ip_forward=0
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=0
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=0
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
END
configure \
  per-packet-n \
  <<'END'
net.ipv4.conf.*.ignore_routes_with_linkdown=1
net.ipv6.conf.*.ignore_routes_with_linkdown=1
net.ipv4.ip_forward=1
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=1
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=1
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=1
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=1
END
configure \
  per-packet-e \
  per-packet-f \
  <<'END'
net.ipv4.conf.*.ignore_routes_with_linkdown=1
net.ipv6.conf.*.ignore_routes_with_linkdown=1
net.ipv4.ip_forward=1
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=3
net.ipv4.fib_multipath_hash_fields=0x0037
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=1
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=1
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=3
net.ipv6.fib_multipath_hash_fields=0x0037
net.mptcp.enabled=1
net.ipv4.tcp_notsent_lowat=4096
END
configure \
  per-packet-c \
  per-packet-d \
  <<'END'
net.ipv4.conf.*.ignore_routes_with_linkdown=1
net.ipv6.conf.*.ignore_routes_with_linkdown=1
net.ipv4.ip_forward=1
net.ipv4.conf.*.rp_filter=0
net.ipv4.fib_multipath_hash_policy=3
net.ipv4.fib_multipath_hash_fields=0x0037
net.ipv6.conf.all.disable_ipv6=0
net.ipv6.conf.all.forwarding=1
net.ipv6.conf.default.disable_ipv6=0
net.ipv6.conf.default.forwarding=1
net.ipv6.conf.*.accept_dad=0
net.ipv6.fib_multipath_hash_policy=3
net.ipv6.fib_multipath_hash_fields=0x0037
END

# --- interfaces ---------------------------------------------------------------
say "interfaces"
for ((part = 0; part < CPUS; part++)); do {
within per-packet-h tc -batch - <<'END'
qdisc add dev n root handle 1: tbf rate 100mbit burst 50000b limit 312500b
END
within per-packet-h ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.241.164.31/32 dev lo
address add fd00:7:0:c000::24f1:a41f/128 dev lo nodad
address add 10.109.78.85/30 dev n
address add fd00:7::4d6d:4e55/126 dev n nodad
link set dev n up
END
within per-packet-s tc -batch - <<'END'
qdisc add dev f root handle 1: tbf rate 100mbit burst 50000b limit 312500b
END
within per-packet-s ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.197.114.189/32 dev lo
address add fd00:7:0:c000::34c5:72bd/128 dev lo nodad
address add 10.117.209.194/30 dev f
address add fd00:7::4a75:d1c2/126 dev f nodad
link set dev f gso_max_segs 1
link set dev f up
END
within per-packet-n tc -batch - <<'END'
qdisc add dev h root handle 1: tbf rate 100mbit burst 50000b limit 312500b
qdisc add dev e root handle 1: tbf rate 100mbit burst 50000b limit 312500b
END
within per-packet-n ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.203.161.45/32 dev lo
address add fd00:7:0:c000::138b:a12d/128 dev lo nodad
address add 10.109.78.86/30 dev h
address add fd00:7::4d6d:4e56/126 dev h nodad
link set dev h up
address add 10.105.120.230/30 dev e
address add fd00:7::2ce9:78e6/126 dev e nodad
link set dev e gso_max_segs 1
link set dev e up
END
within per-packet-e tc -batch - <<'END'
qdisc add dev n root handle 1: tbf rate 100mbit burst 50000b limit 312500b
qdisc add dev c root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc add dev d root handle 1: tbf rate 5mbit burst 6056b limit 15625b
END
within per-packet-e ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.219.5.50/32 dev lo
address add fd00:7:0:c000::35b:532/128 dev lo nodad
address add 10.105.120.229/30 dev n
address add fd00:7::2ce9:78e5/126 dev n nodad
link set dev n up
address add 10.47.126.18/30 dev c
address add fd00:7::db2f:7e12/126 dev c nodad
link set dev c gso_max_segs 1
link set dev c up
address add 10.38.33.142/30 dev d
address add fd00:7::8fa6:218e/126 dev d nodad
link set dev d gso_max_segs 1
link set dev d up
END
within per-packet-c tc -batch - <<'END'
qdisc add dev e root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc add dev f root handle 1: tbf rate 10mbit burst 6056b limit 31250b
END
within per-packet-c ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.208.122.226/32 dev lo
address add fd00:7:0:c000::2950:7ae2/128 dev lo nodad
address add 10.47.126.17/30 dev e
address add fd00:7::db2f:7e11/126 dev e nodad
link set dev e up
address add 10.3.169.201/30 dev f
address add fd00:7::583:a9c9/126 dev f nodad
link set dev f up
END
within per-packet-d tc -batch - <<'END'
qdisc add dev e root handle 1: tbf rate 5mbit burst 6056b limit 15625b
qdisc add dev f root handle 1: tbf rate 5mbit burst 6056b limit 15625b
END
within per-packet-d ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.240.22.137/32 dev lo
address add fd00:7:0:c000::3f0:1689/128 dev lo nodad
address add 10.38.33.141/30 dev e
address add fd00:7::8fa6:218d/126 dev e nodad
link set dev e up
address add 10.76.27.101/30 dev f
address add fd00:7::524c:1b65/126 dev f nodad
link set dev f up
END
within per-packet-f tc -batch - <<'END'
qdisc add dev c root handle 1: tbf rate 10mbit burst 6056b limit 31250b
qdisc add dev d root handle 1: tbf rate 5mbit burst 6056b limit 15625b
qdisc add dev s root handle 1: tbf rate 100mbit burst 50000b limit 312500b
END
within per-packet-f ip -batch - <<'END'
link set dev lo up alias mpc:per-packet
address add 10.208.235.202/32 dev lo
address add fd00:7:0:c000::3610:ebca/128 dev lo nodad
address add 10.3.169.202/30 dev c
address add fd00:7::583:a9ca/126 dev c nodad
link set dev c gso_max_segs 1
link set dev c up
address add 10.76.27.102/30 dev d
address add fd00:7::524c:1b66/126 dev d nodad
link set dev d gso_max_segs 1
link set dev d up
address add 10.117.209.193/30 dev s
address add fd00:7::4a75:d1c1/126 dev s nodad
link set dev s up
END
leave
} & parts+=($!); done
settle

# --- routes -------------------------------------------------------------------
say "routes"
for ((part = 0; part < CPUS; part++)); do {
within per-packet-h ip -batch - <<'END'
route add default via 10.109.78.86 dev n
route add ::/0 via fd00:7::4d6d:4e56 dev n
route add 10.192.0.0/10 src 10.241.164.31 via 10.109.78.86 dev n
route add 10.105.120.228/30 src 10.241.164.31 via 10.109.78.86 dev n
route add fd00:7:0:c000::/50 src fd00:7:0:c000::24f1:a41f via fd00:7::4d6d:4e56 dev n
route add fd00:7::2ce9:78e4/126 src fd00:7:0:c000::24f1:a41f via fd00:7::4d6d:4e56 dev n
END
within per-packet-s ip -batch - <<'END'
route add default via 10.117.209.193 dev f
route add ::/0 via fd00:7::4a75:d1c1 dev f
route add 10.192.0.0/10 src 10.197.114.189 via 10.117.209.193 dev f
route add 10.105.120.228/30 src 10.197.114.189 via 10.117.209.193 dev f
route add fd00:7:0:c000::/50 src fd00:7:0:c000::34c5:72bd via fd00:7::4a75:d1c1 dev f
route add fd00:7::2ce9:78e4/126 src fd00:7:0:c000::34c5:72bd via fd00:7::4a75:d1c1 dev f
END
within per-packet-n ip -batch - <<'END'
route add default via 10.105.120.229 dev e
route add 10.241.164.31 src 10.203.161.45 via 10.109.78.85 dev h
route add ::/0 via fd00:7::2ce9:78e5 dev e
route add fd00:7:0:c000::24f1:a41f src fd00:7:0:c000::138b:a12d via fd00:7::4d6d:4e55 dev h
route add 10.192.0.0/10 src 10.203.161.45 via 10.105.120.229 dev e
route add fd00:7:0:c000::/50 src fd00:7:0:c000::138b:a12d via fd00:7::2ce9:78e5 dev e
END
within per-packet-n nft -f - <<'END'
add table inet mpc
add chain inet mpc out { type nat hook postrouting priority srcnat; }
add rule inet mpc out oifname "e" masquerade
END
within per-packet-e ip -batch - <<'END'
route add 10.197.114.189 src 10.219.5.50 nexthop via 10.47.126.17 dev c weight 2 nexthop via 10.38.33.141 dev d weight 1
route add fd00:7:0:c000::34c5:72bd src fd00:7:0:c000::35b:532 nexthop via fd00:7::db2f:7e11 dev c weight 2 nexthop via fd00:7::8fa6:218d dev d weight 1
route add 192.168.0.0/16 nexthop via 10.47.126.17 dev c nexthop via 10.38.33.141 dev d
route add 10.241.164.31 src 10.219.5.50 via 10.105.120.230 dev n
route add 10.203.161.45 src 10.219.5.50 via 10.105.120.230 dev n
route add 10.208.235.202 src 10.219.5.50 nexthop via 10.47.126.17 dev c nexthop via 10.38.33.141 dev d
route add 10.208.122.226 src 10.219.5.50 via 10.47.126.17 dev c
route add 10.240.22.137 src 10.219.5.50 via 10.38.33.141 dev d
route add 10.109.78.84/30 via 10.105.120.230 dev n
route add 10.3.169.200/30 via 10.47.126.17 dev c
route add 10.76.27.100/30 via 10.38.33.141 dev d
route add 10.117.209.192/30 nexthop via 10.47.126.17 dev c nexthop via 10.38.33.141 dev d
route add fd00:7:0:c000::24f1:a41f src fd00:7:0:c000::35b:532 via fd00:7::2ce9:78e6 dev n
route add fd00:7:0:c000::138b:a12d src fd00:7:0:c000::35b:532 via fd00:7::2ce9:78e6 dev n
route add fd00:7:0:c000::3610:ebca src fd00:7:0:c000::35b:532 nexthop via fd00:7::db2f:7e11 dev c nexthop via fd00:7::8fa6:218d dev d
route add fd00:7:0:c000::2950:7ae2 src fd00:7:0:c000::35b:532 via fd00:7::db2f:7e11 dev c
route add fd00:7:0:c000::3f0:1689 src fd00:7:0:c000::35b:532 via fd00:7::8fa6:218d dev d
route add fd00:7::4d6d:4e54/126 via fd00:7::2ce9:78e6 dev n
route add fd00:7::583:a9c8/126 via fd00:7::db2f:7e11 dev c
route add fd00:7::524c:1b64/126 via fd00:7::8fa6:218d dev d
route add fd00:7::4a75:d1c0/126 nexthop via fd00:7::db2f:7e11 dev c nexthop via fd00:7::8fa6:218d dev d
route add 10.208.235.202 via 10.47.126.17 dev c table 25203
route add 10.3.169.202 via 10.47.126.17 dev c table 25203
route add 10.76.27.102 via 10.47.126.17 dev c table 25203
route add fd00:7:0:c000::3610:ebca via fd00:7::db2f:7e11 dev c table 25203
route add fd00:7::583:a9ca via fd00:7::db2f:7e11 dev c table 25203
route add fd00:7::524c:1b66 via fd00:7::db2f:7e11 dev c table 25203
route add 10.208.235.202 via 10.38.33.141 dev d table 41363
route add 10.3.169.202 via 10.38.33.141 dev d table 41363
route add 10.76.27.102 via 10.38.33.141 dev d table 41363
route add fd00:7:0:c000::3610:ebca via fd00:7::8fa6:218d dev d table 41363
route add fd00:7::583:a9ca via fd00:7::8fa6:218d dev d table 41363
route add fd00:7::524c:1b66 via fd00:7::8fa6:218d dev d table 41363
route add 10.208.235.202 via 10.47.126.17 dev c table 56704
route add 10.197.114.189 via 10.47.126.17 dev c table 56704
route add 10.208.235.202 via 10.38.33.141 dev d table 97069
route add 10.197.114.189 via 10.38.33.141 dev d table 97069
route add fd00:7:0:c000::3610:ebca via fd00:7::db2f:7e11 dev c table 36371
route add fd00:7:0:c000::34c5:72bd via fd00:7::db2f:7e11 dev c table 36371
route add fd00:7:0:c000::3610:ebca via fd00:7::8fa6:218d dev d table 75406
route add fd00:7:0:c000::34c5:72bd via fd00:7::8fa6:218d dev d table 75406
route add 192.168.0.0/16 via 10.47.126.17 dev c table 32451
route add 192.168.0.0/16 via 10.38.33.141 dev d table 36059
rule add pref 1100 to 10.3.169.202 lookup 25203
rule add pref 1100 to 10.76.27.102 lookup 41363
rule add pref 1200 from 10.47.126.18 lookup 25203
rule add pref 1200 from 10.38.33.142 lookup 41363
rule add pref 1300 fwmark 0x7ec3 lookup main suppress_prefixlength 16
rule add pref 1300 fwmark 0x8cdb lookup main suppress_prefixlength 16
rule add pref 1400 fwmark 0xdd80 lookup 56704
rule add pref 1400 fwmark 0x17b2d lookup 97069
rule add pref 1400 fwmark 0x7ec3 lookup 32451
rule add pref 1400 fwmark 0x8cdb lookup 36059
END
within per-packet-e ip -6 -batch - <<'END'
rule add pref 1100 to fd00:7::583:a9ca lookup 25203
rule add pref 1100 to fd00:7::524c:1b66 lookup 41363
rule add pref 1200 from fd00:7::db2f:7e12 lookup 25203
rule add pref 1200 from fd00:7::8fa6:218e lookup 41363
rule add pref 1400 fwmark 0x8e13 lookup 36371
rule add pref 1400 fwmark 0x1268e lookup 75406
END
within per-packet-e ip -batch - <<'END'
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add 10.47.126.18 dev c subflow
mptcp endpoint add 10.38.33.142 dev d subflow
mptcp endpoint add fd00:7::db2f:7e12 dev c subflow
mptcp endpoint add fd00:7::8fa6:218e dev d subflow
END
within per-packet-e nft -f - <<'END'
add table inet mpc
add set inet mpc away { type mark; size 64; flags dynamic,timeout; timeout 5s; }
add chain inet mpc sent { type route hook output priority mangle; }
add chain inet mpc passed { type filter hook prerouting priority dstnat + 10; }
add chain inet mpc unreached
add rule inet mpc passed icmp type destination-unreachable icmp code { net-unreachable, host-unreachable } goto unreached
add rule inet mpc passed icmp type time-exceeded goto unreached
add rule inet mpc passed icmpv6 type destination-unreachable icmpv6 code { no-route, addr-unreachable } goto unreached
add rule inet mpc passed icmpv6 type time-exceeded goto unreached
add chain inet mpc to-fd00_7_0_c000__3610_ebca
add rule inet mpc to-fd00_7_0_c000__3610_ebca meta mark set numgen inc mod 3 map { 0 : 0x00008e13, 1 : 0x0001268e, 2 : 0x00008e13 }
add rule inet mpc to-fd00_7_0_c000__3610_ebca meta mark @away meta mark set meta mark map { 0x00008e13 : 0x0001268e, 0x0001268e : 0x00008e13 }
add rule inet mpc sent ip6 daddr fd00:7:0:c000::3610:ebca goto to-fd00_7_0_c000__3610_ebca
add rule inet mpc unreached iifname "c" @th,256,128 0xfd0000070000c000000000003610ebca meta mark set 0x00008e13 update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,256,128 0xfd0000070000c000000000003610ebca meta mark set 0x0001268e update @away { meta mark } meta mark set 0x00000000
add chain inet mpc to-fd00_7_0_c000__34c5_72bd
add rule inet mpc to-fd00_7_0_c000__34c5_72bd meta mark set numgen inc mod 3 map { 0 : 0x00008e13, 1 : 0x0001268e, 2 : 0x00008e13 }
add rule inet mpc to-fd00_7_0_c000__34c5_72bd meta mark @away meta mark set meta mark map { 0x00008e13 : 0x0001268e, 0x0001268e : 0x00008e13 }
add rule inet mpc sent ip6 daddr fd00:7:0:c000::34c5:72bd goto to-fd00_7_0_c000__34c5_72bd
add rule inet mpc passed ip6 daddr fd00:7:0:c000::34c5:72bd goto to-fd00_7_0_c000__34c5_72bd
add rule inet mpc unreached iifname "c" @th,256,128 0xfd0000070000c0000000000034c572bd meta mark set 0x00008e13 update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,256,128 0xfd0000070000c0000000000034c572bd meta mark set 0x0001268e update @away { meta mark } meta mark set 0x00000000
add chain inet mpc to-10.208.235.202
add rule inet mpc to-10.208.235.202 meta mark set numgen inc mod 3 map { 0 : 0x0000dd80, 1 : 0x00017b2d, 2 : 0x0000dd80 }
add rule inet mpc to-10.208.235.202 meta mark @away meta mark set meta mark map { 0x0000dd80 : 0x00017b2d, 0x00017b2d : 0x0000dd80 }
add rule inet mpc sent ip daddr 10.208.235.202 goto to-10.208.235.202
add rule inet mpc unreached iifname "c" @th,192,32 0xad0ebca meta mark set 0x0000dd80 update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,192,32 0xad0ebca meta mark set 0x00017b2d update @away { meta mark } meta mark set 0x00000000
add chain inet mpc to-10.197.114.189
add rule inet mpc to-10.197.114.189 meta mark set numgen inc mod 3 map { 0 : 0x0000dd80, 1 : 0x00017b2d, 2 : 0x0000dd80 }
add rule inet mpc to-10.197.114.189 meta mark @away meta mark set meta mark map { 0x0000dd80 : 0x00017b2d, 0x00017b2d : 0x0000dd80 }
add rule inet mpc sent ip daddr 10.197.114.189 goto to-10.197.114.189
add rule inet mpc passed ip daddr 10.197.114.189 goto to-10.197.114.189
add rule inet mpc unreached iifname "c" @th,192,32 0xac572bd meta mark set 0x0000dd80 update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,192,32 0xac572bd meta mark set 0x00017b2d update @away { meta mark } meta mark set 0x00000000
add chain inet mpc to-192.168.0.0-16
add rule inet mpc to-192.168.0.0-16 meta mark set numgen inc mod 2 map { 0 : 0x00007ec3, 1 : 0x00008cdb }
add rule inet mpc to-192.168.0.0-16 meta mark @away meta mark set meta mark map { 0x00007ec3 : 0x00008cdb, 0x00008cdb : 0x00007ec3 }
add rule inet mpc sent ip daddr 192.168.0.0/16 goto to-192.168.0.0-16
add rule inet mpc passed ip daddr 192.168.0.0/16 goto to-192.168.0.0-16
END
within per-packet-c ip -batch - <<'END'
route add 10.241.164.31 src 10.208.122.226 via 10.47.126.18 dev e
route add 10.203.161.45 src 10.208.122.226 via 10.47.126.18 dev e
route add 10.219.5.50 src 10.208.122.226 via 10.47.126.18 dev e
route add 10.105.120.228/30 src 10.208.122.226 via 10.47.126.18 dev e
route add 10.197.114.189 src 10.208.122.226 via 10.3.169.202 dev f
route add 10.208.235.202 src 10.208.122.226 via 10.3.169.202 dev f
route add 10.240.22.137 src 10.208.122.226 nexthop via 10.47.126.18 dev e nexthop via 10.3.169.202 dev f
route add 10.109.78.84/30 via 10.47.126.18 dev e
route add 10.38.33.140/30 via 10.47.126.18 dev e
route add 10.76.27.100/30 via 10.3.169.202 dev f
route add 10.117.209.192/30 via 10.3.169.202 dev f
route add fd00:7:0:c000::24f1:a41f src fd00:7:0:c000::2950:7ae2 via fd00:7::db2f:7e12 dev e
route add fd00:7:0:c000::138b:a12d src fd00:7:0:c000::2950:7ae2 via fd00:7::db2f:7e12 dev e
route add fd00:7:0:c000::35b:532 src fd00:7:0:c000::2950:7ae2 via fd00:7::db2f:7e12 dev e
route add fd00:7::2ce9:78e4/126 src fd00:7:0:c000::2950:7ae2 via fd00:7::db2f:7e12 dev e
route add fd00:7:0:c000::34c5:72bd src fd00:7:0:c000::2950:7ae2 via fd00:7::583:a9ca dev f
route add fd00:7:0:c000::3610:ebca src fd00:7:0:c000::2950:7ae2 via fd00:7::583:a9ca dev f
route add fd00:7:0:c000::3f0:1689 src fd00:7:0:c000::2950:7ae2 nexthop via fd00:7::db2f:7e12 dev e nexthop via fd00:7::583:a9ca dev f
route add fd00:7::4d6d:4e54/126 via fd00:7::db2f:7e12 dev e
route add fd00:7::8fa6:218c/126 via fd00:7::db2f:7e12 dev e
route add fd00:7::524c:1b64/126 via fd00:7::583:a9ca dev f
route add fd00:7::4a75:d1c0/126 via fd00:7::583:a9ca dev f
END
within per-packet-d ip -batch - <<'END'
route add 10.241.164.31 src 10.240.22.137 via 10.38.33.142 dev e
route add 10.203.161.45 src 10.240.22.137 via 10.38.33.142 dev e
route add 10.219.5.50 src 10.240.22.137 via 10.38.33.142 dev e
route add 10.105.120.228/30 src 10.240.22.137 via 10.38.33.142 dev e
route add 10.197.114.189 src 10.240.22.137 via 10.76.27.102 dev f
route add 10.208.235.202 src 10.240.22.137 via 10.76.27.102 dev f
route add 10.208.122.226 src 10.240.22.137 nexthop via 10.38.33.142 dev e nexthop via 10.76.27.102 dev f
route add 10.109.78.84/30 via 10.38.33.142 dev e
route add 10.47.126.16/30 via 10.38.33.142 dev e
route add 10.3.169.200/30 via 10.76.27.102 dev f
route add 10.117.209.192/30 via 10.76.27.102 dev f
route add fd00:7:0:c000::24f1:a41f src fd00:7:0:c000::3f0:1689 via fd00:7::8fa6:218e dev e
route add fd00:7:0:c000::138b:a12d src fd00:7:0:c000::3f0:1689 via fd00:7::8fa6:218e dev e
route add fd00:7:0:c000::35b:532 src fd00:7:0:c000::3f0:1689 via fd00:7::8fa6:218e dev e
route add fd00:7::2ce9:78e4/126 src fd00:7:0:c000::3f0:1689 via fd00:7::8fa6:218e dev e
route add fd00:7:0:c000::34c5:72bd src fd00:7:0:c000::3f0:1689 via fd00:7::524c:1b66 dev f
route add fd00:7:0:c000::3610:ebca src fd00:7:0:c000::3f0:1689 via fd00:7::524c:1b66 dev f
route add fd00:7:0:c000::2950:7ae2 src fd00:7:0:c000::3f0:1689 nexthop via fd00:7::8fa6:218e dev e nexthop via fd00:7::524c:1b66 dev f
route add fd00:7::4d6d:4e54/126 via fd00:7::8fa6:218e dev e
route add fd00:7::db2f:7e10/126 via fd00:7::8fa6:218e dev e
route add fd00:7::583:a9c8/126 via fd00:7::524c:1b66 dev f
route add fd00:7::4a75:d1c0/126 via fd00:7::524c:1b66 dev f
END
within per-packet-f ip -batch - <<'END'
route add 10.105.120.230 nexthop via 10.3.169.201 dev c weight 2 nexthop via 10.76.27.101 dev d weight 1
route add fd00:7::2ce9:78e6 nexthop via fd00:7::583:a9c9 dev c weight 2 nexthop via fd00:7::524c:1b65 dev d weight 1
route add 10.241.164.31 src 10.208.235.202 nexthop via 10.3.169.201 dev c nexthop via 10.76.27.101 dev d
route add 10.203.161.45 src 10.208.235.202 nexthop via 10.3.169.201 dev c nexthop via 10.76.27.101 dev d
route add 10.219.5.50 src 10.208.235.202 nexthop via 10.3.169.201 dev c nexthop via 10.76.27.101 dev d
route add 10.105.120.228/30 src 10.208.235.202 nexthop via 10.3.169.201 dev c nexthop via 10.76.27.101 dev d
route add 10.197.114.189 src 10.208.235.202 via 10.117.209.194 dev s
route add 10.208.122.226 src 10.208.235.202 via 10.3.169.201 dev c
route add 10.240.22.137 src 10.208.235.202 via 10.76.27.101 dev d
route add 10.109.78.84/30 nexthop via 10.3.169.201 dev c nexthop via 10.76.27.101 dev d
route add 10.47.126.16/30 via 10.3.169.201 dev c
route add 10.38.33.140/30 via 10.76.27.101 dev d
route add fd00:7:0:c000::24f1:a41f src fd00:7:0:c000::3610:ebca nexthop via fd00:7::583:a9c9 dev c nexthop via fd00:7::524c:1b65 dev d
route add fd00:7:0:c000::138b:a12d src fd00:7:0:c000::3610:ebca nexthop via fd00:7::583:a9c9 dev c nexthop via fd00:7::524c:1b65 dev d
route add fd00:7:0:c000::35b:532 src fd00:7:0:c000::3610:ebca nexthop via fd00:7::583:a9c9 dev c nexthop via fd00:7::524c:1b65 dev d
route add fd00:7::2ce9:78e4/126 src fd00:7:0:c000::3610:ebca nexthop via fd00:7::583:a9c9 dev c nexthop via fd00:7::524c:1b65 dev d
route add fd00:7:0:c000::34c5:72bd src fd00:7:0:c000::3610:ebca via fd00:7::4a75:d1c2 dev s
route add fd00:7:0:c000::2950:7ae2 src fd00:7:0:c000::3610:ebca via fd00:7::583:a9c9 dev c
route add fd00:7:0:c000::3f0:1689 src fd00:7:0:c000::3610:ebca via fd00:7::524c:1b65 dev d
route add fd00:7::4d6d:4e54/126 nexthop via fd00:7::583:a9c9 dev c nexthop via fd00:7::524c:1b65 dev d
route add fd00:7::db2f:7e10/126 via fd00:7::583:a9c9 dev c
route add fd00:7::8fa6:218c/126 via fd00:7::524c:1b65 dev d
route add 10.219.5.50 via 10.3.169.201 dev c table 25203
route add 10.47.126.18 via 10.3.169.201 dev c table 25203
route add 10.38.33.142 via 10.3.169.201 dev c table 25203
route add fd00:7:0:c000::35b:532 via fd00:7::583:a9c9 dev c table 25203
route add fd00:7::db2f:7e12 via fd00:7::583:a9c9 dev c table 25203
route add fd00:7::8fa6:218e via fd00:7::583:a9c9 dev c table 25203
route add 10.219.5.50 via 10.76.27.101 dev d table 41363
route add 10.47.126.18 via 10.76.27.101 dev d table 41363
route add 10.38.33.142 via 10.76.27.101 dev d table 41363
route add fd00:7:0:c000::35b:532 via fd00:7::524c:1b65 dev d table 41363
route add fd00:7::db2f:7e12 via fd00:7::524c:1b65 dev d table 41363
route add fd00:7::8fa6:218e via fd00:7::524c:1b65 dev d table 41363
route add 10.105.120.230 via 10.3.169.201 dev c table 96278
route add 10.105.120.230 via 10.76.27.101 dev d table 77198
route add fd00:7::2ce9:78e6 via fd00:7::583:a9c9 dev c table 62188
route add fd00:7::2ce9:78e6 via fd00:7::524c:1b65 dev d table 50990
rule add pref 1100 to 10.47.126.18 lookup 25203
rule add pref 1100 to 10.38.33.142 lookup 41363
rule add pref 1200 from 10.3.169.202 lookup 25203
rule add pref 1200 from 10.76.27.102 lookup 41363
rule add pref 1400 fwmark 0x17816 lookup 96278
rule add pref 1400 fwmark 0x12d8e lookup 77198
END
within per-packet-f ip -6 -batch - <<'END'
rule add pref 1100 to fd00:7::db2f:7e12 lookup 25203
rule add pref 1100 to fd00:7::8fa6:218e lookup 41363
rule add pref 1200 from fd00:7::583:a9ca lookup 25203
rule add pref 1200 from fd00:7::524c:1b66 lookup 41363
rule add pref 1400 fwmark 0xf2ec lookup 62188
rule add pref 1400 fwmark 0xc72e lookup 50990
END
within per-packet-f ip -batch - <<'END'
mptcp limits set subflows 4 add_addr_accepted 0
mptcp endpoint add 10.3.169.202 dev c subflow
mptcp endpoint add 10.76.27.102 dev d subflow
mptcp endpoint add fd00:7::583:a9ca dev c subflow
mptcp endpoint add fd00:7::524c:1b66 dev d subflow
END
within per-packet-f nft -f - <<'END'
add table inet mpc
add set inet mpc away { type mark; size 64; flags dynamic,timeout; timeout 5s; }
add chain inet mpc sent { type route hook output priority mangle; }
add chain inet mpc passed { type filter hook prerouting priority dstnat + 10; }
add chain inet mpc unreached
add rule inet mpc passed icmp type destination-unreachable icmp code { net-unreachable, host-unreachable } goto unreached
add rule inet mpc passed icmp type time-exceeded goto unreached
add rule inet mpc passed icmpv6 type destination-unreachable icmpv6 code { no-route, addr-unreachable } goto unreached
add rule inet mpc passed icmpv6 type time-exceeded goto unreached
add chain inet mpc to-fd00_7__2ce9_78e6
add rule inet mpc to-fd00_7__2ce9_78e6 meta mark set numgen inc mod 3 map { 0 : 0x0000f2ec, 1 : 0x0000c72e, 2 : 0x0000f2ec }
add rule inet mpc to-fd00_7__2ce9_78e6 meta mark @away meta mark set meta mark map { 0x0000c72e : 0x0000f2ec, 0x0000f2ec : 0x0000c72e }
add rule inet mpc sent ip6 daddr fd00:7::2ce9:78e6 goto to-fd00_7__2ce9_78e6
add rule inet mpc passed ip6 daddr fd00:7::2ce9:78e6 goto to-fd00_7__2ce9_78e6
add rule inet mpc unreached iifname "c" @th,256,128 0xfd00000700000000000000002ce978e6 meta mark set 0x0000f2ec update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,256,128 0xfd00000700000000000000002ce978e6 meta mark set 0x0000c72e update @away { meta mark } meta mark set 0x00000000
add chain inet mpc to-10.105.120.230
add rule inet mpc to-10.105.120.230 meta mark set numgen inc mod 3 map { 0 : 0x00017816, 1 : 0x00012d8e, 2 : 0x00017816 }
add rule inet mpc to-10.105.120.230 meta mark @away meta mark set meta mark map { 0x00012d8e : 0x00017816, 0x00017816 : 0x00012d8e }
add rule inet mpc sent ip daddr 10.105.120.230 goto to-10.105.120.230
add rule inet mpc passed ip daddr 10.105.120.230 goto to-10.105.120.230
add rule inet mpc unreached iifname "c" @th,192,32 0xa6978e6 meta mark set 0x00017816 update @away { meta mark } meta mark set 0x00000000
add rule inet mpc unreached iifname "d" @th,192,32 0xa6978e6 meta mark set 0x00012d8e update @away { meta mark } meta mark set 0x00000000
END
leave
} & parts+=($!); done
settle
}

# === the runtime of mpc 0.1.0, for up =========================================

# === what all scripts share ===================================================
say() { printf '%s: %s\n' "$LAB" "$*" >&2 || true; }
die() { say "error: $*"; exit 1; }

# Says that the script is not called like this.
misuse() { say "error: $1; ${USAGE%%$'\n'*}"; exit 2; }
if [[ ${1:-} == --help || ${1:-} == -h ]]; then printf '%s' "$USAGE"; exit 0; fi

# === the claim ================================================================
# A file that up, down and play lock while they are at work, as do their children. Who has the lock looks whether the
# file is still there, and nobody else makes or takes away anything of the lab. Where no up has claimed the lab, the
# file is empty or not there. Otherwise it has a note a line: what ABOUT says of the up, `since TIME`,
# `namespace NAME` for each that it makes, `made FOLDER` for what was not there before, and at its end `inode FILE NUMBER
# TIME` of each namespace, and `up`.
CLAIM=/run/mpc-$LAB
lock=
declare -A notes=()

# Opens the claim to lock it, and makes it where there is none.
open_claim() { { exec {lock}>>"$CLAIM"; } 2>/dev/null || die "cannot make $CLAIM"; }

# Whether what was locked is still the claim.
current() { [[ $CLAIM -ef /proc/self/fd/$lock ]]; }

# Reads the notes: each, and by its first word what follows.
read_claim() {
  local line
  notes=()
  while IFS= read -r line; do
    [[ -z $line ]] || { notes[$line]=1 && notes[${line%% *}]=${line#* }; }
  done 2>/dev/null <"$CLAIM"
}

# Prints a line of each of some namespaces that are there, by which one is known again: a number that no other has now,
# and the time from which on it had it.
inodes() { TZ=UTC0 stat -Lc 'inode %n %i %z' "${@/#//run/netns/}" 2>/dev/null; }

noted() { [[ -n ${notes[$1]:-} ]]; }

# === what up and down share ===================================================
# Into how many parts work is divided that is done side by side. (Each part reads all of it, so more make it slower.)
CPUS=$(nproc 2>/dev/null || echo 2)
((CPUS <= 16)) || CPUS=16
RUNS=$CLAIM.d
MARK=mpc:$LAB
# The files that up makes in the folder of a namespace.
KEPT=(hosts resolv.conf)
declare -A listed=()
for ns in "${NAMESPACES[@]}"; do listed[$ns]=1; done

# What is known of the up that the notes are of.
about() {
  local plan=another
  [[ $ABOUT != *"plan ${notes[plan]:-}"$'\n'* ]] || plan="the same"
  echo "since ${notes[since]:-a time unknown}, from ${notes[source]:-a file unknown}, $plan plan"
}

# Whether an up has claimed the lab and has not come to its end.
unfinished() { ((${#notes[@]})) && ! noted up; }

# Notes a namespace that somebody else made while up was at work.
foreign=
spare() { foreign=$1; }

# Whether a namespace is this lab's: it has our mark, or the up that claimed the lab names it and either has not come to
# marking it, or only its name is left of it by a down that was cut short.
owned() {
  local link='' kind=''
  [[ $1 != "$foreign" ]] || return 1
  link=$(exec nsenter --net="/run/netns/$1" ip link show dev lo 2>/dev/null) || ! noted "namespace $1" ||
    kind=$(stat -fc %T "/run/netns/$1" 2>/dev/null) || true
  if [[ $link == *alias* ]]; then
    [[ $link$'\n' == *"alias $MARK"$'\n'* ]]
  else
    noted "namespace $1" && { unfinished || [[ -n $kind && $kind != nsfs ]]; }
  fi
}

# Sets `first` to the first line of a file.
first=
read_first() {
  first=
  [[ ! -f $1 ]] || read -r first <"$1" || true
} 2>/dev/null

# Prints those of some names that namespaces of this lab have, a line each, with `own` before it, and those of its list
# that others have, with `other`. Those that are as up has noted at its end are the lab's. Others are tested side by side,
# in a part for each processor; but not those that are another lab's by their hosts file, as that takes starting a program.
sort_out() {
  local part number ns line
  local -A known=()
  while IFS= read -r line; do
    noted "$line" || continue
    line=${line#inode /run/netns/}
    known[${line%% *}]=1
    echo "own ${line%% *}"
  done < <(inodes "$@")
  for ((part = 1; part <= CPUS; part++)); do
    for ((number = part; number <= $#; number += CPUS)); do
      ns=${!number}
      [[ -z ${known[$ns]:-} && -e /run/netns/$ns ]] || continue
      read_first "/etc/netns/$ns/hosts"
      [[ -n ${listed[$ns]:-} || $first == "# $MARK" || $first != "# mpc:"* ]] || continue
      { owned "$ns" && echo "own $ns"; } || [[ -z ${listed[$ns]:-} ]] || echo "other $ns"
    done &
  done
  wait
}

# Prints the processes in some namespaces, a PID a line.
residents() {
  local inode path
  local -A inside=()
  while read -r inode; do inside[$inode]=1; done < <(stat -Lc %i "${@/#//run/netns/}")
  while read -r inode path; do
    path=${path#/proc/}
    [[ -z ${inside[$inode]:-} ]] || printf '%s\n' "${path%%/*}"
  done < <(stat -Lc '%i %n' /proc/[0-9]*/ns/net 2>/dev/null)
}

# Says of some processes what they are, of five at most.
say_processes() {
  local pid name told='' more=''
  for pid in "${@:2:5}"; do
    name=
    { read -r name <"/proc/$pid/comm"; } 2>/dev/null || true
    told+=" $pid ($name)"
  done
  (($# <= 6)) || more=" and $(($# - 6)) more"
  say "$1:$told$more"
}

# Ends the processes in some namespaces: asks, waits up to 5 seconds, then kills.
end_processes() {
  local signal try pids
  for signal in TERM KILL; do
    for try in {1..50}; do
      mapfile -t pids < <(residents "$@")
      ((${#pids[@]})) || return 0
      ((try > 1)) || kill -s "$signal" "${pids[@]}" 2>/dev/null || true
      [[ $try != 10 ]] || say_processes "waiting for processes that have got SIG$signal" "${pids[@]}"
      sleep 0.1
    done
  done
  say_processes "these processes do not end" "${pids[@]}"
  return 1
}

# Takes away the lab's files in the folders of some names, and the folders where nothing else is. A file is the lab's by
# its first line, or by its name where the namespace is one of `ours`: programs in the lab may have written to it.
remove_names() {
  local ns folder file own other files=() folders=() left=0
  for ns; do
    folder=/etc/netns/$ns own=${ours[$ns]:-} other=
    [[ -d $folder ]] || continue
    for file in "$folder"/*; do
      [[ -e $file ]] || continue
      read_first "$file"
      if [[ $first == "# $MARK" || (-n ${ours[$ns]:-} && " ${KEPT[*]} " == *" ${file##*/} "*) ]]; then
        files+=("$file") own=1
      else
        other=1
      fi
    done
    if [[ -n $own && -z $other ]]; then
      folders+=("$folder")
    elif [[ -n $own || -n ${listed[$ns]:-} ]]; then
      say "left $folder alone: this lab did not make all of it"
      left=1
    fi
  done
  ((${#files[@]} == 0)) || rm -f "${files[@]}" || left=1
  ((${#folders[@]} == 0)) || rmdir "${folders[@]}" || left=1
  return "$left"
}

# Takes away the folder of what ran in the lab. (Of an up that did not note its plan, nothing more is known.)
remove_runs() {
  [[ -e $RUNS ]] || return 0
  if noted "made $RUNS" || { ((${#notes[@]})) && ! noted plan; }; then
    rm -r "$RUNS"
  else
    say "left $RUNS alone: this lab did not make it"
    return 1
  fi
}

# Has another lab that uses a folder take it away in its turn. Its claim may be gone meanwhile, and is not made again.
hand_over() {
  local other claim
  for other in /run/mpc-*; do
    [[ $other != "$CLAIM" && ! -d $other && -s $other ]] || continue
    { exec {claim}<"$other"; } 2>/dev/null || continue
    echo "made $1" >>"/proc/self/fd/$claim"
    [[ ! $other -ef /proc/self/fd/$claim ]] || return 0
  done
}

# Takes away the claim, and what was not there before this lab: where another lab uses that, it is told to.
remove_claim() {
  local folder
  [[ -e $CLAIM ]] || return 0
  read_claim
  for folder in /etc/netns /run/netns; do
    noted "made $folder" && [[ -e $folder ]] || continue
    if compgen -G "$folder/*" >/dev/null; then
      hand_over "$folder"
    else
      umount -n "$folder" 2>/dev/null || true
      rmdir "$folder" || return
    fi
  done
  rm -f "$CLAIM"
}

# Takes away all of some names that is this lab's, and nothing else; fails where something was left, and keeps what the
# claim says.
take_down() {
  local whose ns left=0 own=() more=()
  local -A ours=()
  for ns; do ! noted "namespace $ns" || ours[$ns]=1; done
  while read -r whose ns; do
    if [[ $whose == own ]]; then
      own+=("$ns") ours[$ns]=1
      [[ -n ${listed[$ns]:-} ]] || more+=("$ns")
    else
      say "left the namespace $ns alone: this lab did not make it"
      left=1
    fi
  done < <(sort_out "$@")
  ((${#more[@]} == 0)) || say "takes away what this script does not name, of the up $(about): ${more[*]}"
  if ((${#own[@]})); then
    end_processes "${own[@]}" || left=1
    printf 'netns del %s\n' "${own[@]}" | ip -force -batch - || left=1
  fi
  remove_names "$@" || left=1
  remove_runs || left=1
  ((left && ${#notes[@]})) || remove_claim || left=1
  return "$left"
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

# === processes that run in the lab ============================================
FILES=$(ulimit -Sn)

# Notes what has the name of the folder of their logs already.
need_runs() { [[ ! -e $RUNS ]] || missing+=("the name $RUNS: something has it"); }

# Starts the command line that is the first line of its input, with the KEY=VALUE of the others: NAMESPACE NAME. It
# gets back what up has changed for itself, is told which node it runs on, keeps the claim locked until it is in its
# namespace, and has a session, a log and a file with its PID of its own.
start() {
  local lines
  mapfile -t lines
  (
    trap - PIPE INT QUIT
    ulimit -Sn "$FILES"
    export MPC_LAB=$LAB MPC_NODE=${2%.*} MPC_NETNS=$1
    exec setsid ip netns exec "$1" bash -c "$(declare -f become attend)"$'\nattend "$@"' bash "$RUNS/$2" "${lines[@]}"
  ) </dev/null >"$RUNS/$2.log" 2>&1 &
  started+=("$!") names+=("$2")
}

# Has a child become a command line, and notes how it ends. (What asks all of a namespace to end is to end that first.)
attend() {
  local fd status=0
  for fd in /proc/self/fd/*; do
    fd=${fd##*/}
    ((fd < 3)) || exec {fd}>&-
  done
  exec {fd}>&2 2>/dev/null
  trap : HUP INT QUIT TERM USR1 USR2
  (become "$@" 2>&"$fd" {fd}>&-) || status=$?
  echo "$status" >"$1.end"
  exit "$status"
}

# Becomes a command line, with no other open file than the three of all programs.
become() {
  echo "$BASHPID" >"$1.pid"
  exec env "${@:3}" bash -c -- "$2"
}

# Waits until what was started is in its namespace, or has ended, for 10 seconds at most.
await() {
  local _
  for _ in {1..200}; do
    [[ ! -s $RUNS/$1.pid ]] || return 0
    kill -0 "$2" 2>/dev/null || break
    sleep 0.05
  done
  [[ -s $RUNS/$1.pid ]] || die "cannot start what runs as $1: $(<"$RUNS/$1.log")"
}

# Says which processes have ended with an error already.
watch() {
  local i status
  for i in "${!started[@]}"; do await "${names[i]}" "${started[i]}"; done
  sleep 0.2
  for i in "${!started[@]}"; do
    if ! kill -0 "${started[i]}" 2>/dev/null; then
      status=0
      wait "${started[i]}" || status=$?
      ((status == 0)) || say "warning: what runs as ${names[i]} ended with $status; see $RUNS/${names[i]}.log"
    fi
  done
}

# === what up tests, claims and takes back =====================================
TESTS_ONLY=${1:-}
missing=()
parts=()
# In a batch, ip(8) keeps a file open for each namespace that a link is made in.
ulimit -Sn "$(ulimit -Hn)"

[[ $# == 0 || $* == --preflight ]] || misuse "no such option: ${*: -1}"

need_bash() { ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || missing+=("bash 4.4 or later"); }

# Notes a tool that is not there, and the package that has it.
need_tool() { type -P "$1" >/dev/null || missing+=("the command $1 (package $2)"); }

# Notes that this is not root.
need_root() { ((EUID == 0)) || missing+=("root: run this with sudo"); }

# Notes a folder where something is to be written, and cannot be; the first folder above it that is there counts.
need_folder() {
  local folder=$1
  until [[ -e $folder ]]; do folder=${folder%/*}; done
  ((EUID)) || [[ -w $folder ]] || missing+=("a folder $folder that can be written")
}

# Notes what the kernel, a tool or this root's rights lack, and what of COPIED the host has changed, by the tests of its
# input. They are run where nothing that they make stays or is seen: among mounts of their own, in an empty namespace.
need_features() {
  local found line
  ((EUID == 0)) && type -P unshare >/dev/null || return 0
  found=$(
    export -f need need_right need_sysctl each_copied
    exec unshare --net --mount bash -s "${COPIED[@]}" 2>/dev/null
  ) || found="the right to make namespaces (CAP_SYS_ADMIN), or room for them (user.max_net_namespaces)"
  [[ -z $found ]] || while read -r line; do
    if [[ $line == ipv*/* ]]; then copied+=("$line"); else missing+=("$line"); fi
  done <<<"$found"
}

# Prints a feature where the command that tests it fails. Where its tool is missing, that is said already.
need() { ! type -P "$2" >/dev/null || "${@:2}" </dev/null >/dev/null 2>&1 || printf '%s\n' "$1"; }

# Ends the tests where none could tell anything.
need_right() {
  ! type -P ip >/dev/null || ip link set dev lo up 2>/dev/null || {
    echo "the right to configure networks (CAP_NET_ADMIN)"
    exit 0
  }
}

# Prints a sysctl that this kernel does not have, or that cannot be set here.
need_sysctl() { [[ -w /proc/sys/${1//.//} ]] || printf 'the sysctl %s, to be set\n' "$1"; }

# What a new namespace copies from the host (devconf_inherit_init_net in the kernel's admin-guide/sysctl/net.rst; of
# neigh, always), where a changed one could keep a lab from working, each with the kernel's own value; of forwarding
# that of conf/all, as setting that to what it is reaches no interface.
COPIED=(
  'ipv4/conf/*/accept_local 0'
  'ipv4/conf/*/arp_accept 0'
  'ipv4/conf/*/arp_announce 0'
  'ipv4/conf/*/arp_filter 0'
  'ipv4/conf/*/arp_ignore 0'
  'ipv4/conf/*/drop_gratuitous_arp 0'
  'ipv4/conf/*/forwarding all'
  'ipv4/conf/*/ignore_routes_with_linkdown 0'
  'ipv4/conf/*/proxy_arp 0'
  'ipv4/conf/*/proxy_arp_pvlan 0'
  'ipv4/conf/*/route_localnet 0'
  'ipv4/conf/*/src_valid_mark 0'
  'ipv6/conf/*/addr_gen_mode 0'
  'ipv6/conf/*/drop_unsolicited_na 0'
  'ipv6/conf/*/hop_limit 64'
  'ipv6/conf/*/ignore_routes_with_linkdown 0'
  'ipv6/conf/*/proxy_ndp 0'
  'ipv[46]/neigh/*/app_solicit 0'
  'ipv[46]/neigh/*/base_reachable_time_ms 30000'
  'ipv[46]/neigh/*/delay_first_probe_time 5'
  'ipv[46]/neigh/*/mcast_solicit 3'
  'ipv[46]/neigh/*/retrans_time_ms 1000'
  'ipv[46]/neigh/*/ucast_solicit 3'
)
copied=()

# Sets those that the host has changed to the kernel's own values in all namespaces.
reset_copied() {
  local ns
  ((${#copied[@]})) || return 0
  for ns in "${NAMESPACES[@]}"; do
    (export -f each_copied && exec nsenter --net="/run/netns/$ns" bash -c 'each_copied set "$@"' reset "${copied[@]}")
  done
}

# Sets those named, or shows which have another value.
each_copied() {
  local what=$1 copy path value now
  set +f
  for copy in "${@:2}"; do
    for path in /proc/sys/net/${copy% *}; do
      value=${copy#* }
      [[ $value != all ]] || read -r value <"${path%/*/*}/all/${path##*/}"
      [[ -e $path ]] && read -r now <"$path" && [[ $now != "$value" ]] || continue
      [[ $what == set ]] || { printf '%s\n' "$copy"; break; }
      printf '%s\n' "$value" >"$path" || return
    done
  done
}

# Notes what has the name of one of the namespaces already. A folder that an up of this lab has left is no matter.
need_names() {
  local ns link
  for ns in "${NAMESPACES[@]}"; do
    if [[ -e /run/netns/$ns ]]; then
      link=$(exec nsenter --net="/run/netns/$ns" ip link show dev lo 2>/dev/null) || true
      missing+=("the name $ns: a namespace has it$(lab_of "${link##* alias }")")
    fi
    read_first "/etc/netns/$ns/hosts"
    [[ ! -e /etc/netns/$ns || $first == "# $MARK" ]] ||
      missing+=("the name $ns: the folder /etc/netns/$ns has it$(lab_of "${first#"# "}")")
  done
}

# Prints whose a mark is, and what is known of the up that made it.
lab_of() {
  local CLAIM=/run/mpc-${1#mpc:}
  [[ $1 == mpc:* ]] || return 0
  [[ $1 != "$MARK" ]] || { printf ', of this lab: run its down script first'; return; }
  printf ', of the lab %s' "${1#mpc:}"
  ! read_claim || printf ', up %s' "$(about)"
}

# Refuses where the lab is claimed, or another has the lock. What is known of that is read again when this has it.
refuse() {
  [[ -n $lock ]] || { exec {lock}<"$CLAIM"; } 2>/dev/null || true
  ! read_claim || ! noted up || die "the lab is up $(about): run its down script first"
  { [[ -n $lock ]] && flock -n "$lock" && current && read_claim; } || die "an up, a down or a play of this lab is at work"
  [[ -s $CLAIM ]] || { rm -f "$CLAIM"; die "an up or a down of this lab was at work: run this again"; }
  ! noted up || die "the lab is up $(about): run its down script first"
  die "an up of this lab was cut short, $(about): run its down script first"
}

# Says which command failed. (ip(8) makes a namespace or leaves nothing, so that one that is there is another's.)
failed() {
  say "failed: $1"
  [[ $1 != "ip netns add "* ]] || spare "${1##* }"
}

# Claims the lab's name, where nothing is missing and more than these tests is asked for.
claim() {
  if ((${#missing[@]})); then
    say "error: nothing was changed, as this machine lacks:"
    printf '  %s\n' "${missing[@]}" >&2
    exit 1
  fi
  [[ -z $TESTS_ONLY ]] || { say "this machine has all that the lab needs"; exit 0; }
  trap '' HUP INT TERM
  open_claim
  { flock -n "$lock" && current && [[ ! -s $CLAIM ]]; } || refuse
  guard
  trap 'failed "$BASH_COMMAND"' ERR
  printf '%ssince %(%F %T %Z)T\n' "$ABOUT" -1 >>"$CLAIM"
  ((${#NAMESPACES[@]} == 0)) || printf 'namespace %s\n' "${NAMESPACES[@]}" >>"$CLAIM"
  read_claim
}

note() {
  printf '%s\n' "$1" >>"$CLAIM"
  notes[$1]=1
}

# Notes which folders were not there before.
remember() {
  local folder
  for folder in /etc/netns /run/netns; do [[ -e $folder ]] || note "made $folder"; done
}

# Writes the files that ip-netns(8) shows programs in a namespace as those of /etc: a hosts file, which knows this machine
# by its own name too, unless that is a node's, and a resolv.conf without a server, so that other names fail at once.
# (Over a file that is not there, ip-netns(8) can put none, and says so at each call.) All namespaces have the same files,
# by hard links, as the names of all nodes in a file for each node would take much room.
# shellcheck disable=SC2016 # Expanded by that shell.
LINK='while read -r ns; do ln "$@" "/etc/netns/$ns/" || exit; done'
write_names() {
  local machine hosts=$1 folder=/etc/netns/${NAMESPACES[0]}
  local files=("$folder/hosts")
  read -r machine </proc/sys/kernel/hostname
  [[ ! $machine =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ || ${hosts,,} == *" ${machine,,}"$'\n'* ]] ||
    hosts+="127.0.1.1 $machine"$'\n'
  mkdir -p "${NAMESPACES[@]/#//etc/netns/}"
  printf %s "$hosts" >"${files[0]}"
  [[ ! -e /etc/resolv.conf ]] || { files+=("$folder/resolv.conf") && printf '# %s\n%s\n' "$MARK" "$2" >"${files[1]}"; }
  ((${#NAMESPACES[@]} == 1)) || printf '%s\n' "${NAMESPACES[@]:1}" | sh -c "$LINK" sh "${files[@]}"
}

# Takes away what a failed up has made.
undo() {
  say "taking away what was made"
  dismiss "${parts[@]}" "${started[@]}"
  # The first wait may tell of a signal that came before.
  ((${#parts[@]} == 0)) || wait "${parts[@]}" || wait "${parts[@]}" || true
  take_down "${NAMESPACES[@]}" || true
}

# Ends up. From here on a signal comes too late to take anything back.
complete() {
  trap '' HUP INT TERM
  ((${#NAMESPACES[@]} == 0)) || inodes "${NAMESPACES[@]}" >>"$CLAIM"
  note up
  trap - EXIT ERR
  say up
}

# Loads a module, where modules can be loaded.
load() { ! type -P modprobe >/dev/null || modprobe -q "$@" 2>/dev/null || true; }

# === the visitor ==============================================================
# A small shell that enters namespaces for a part of a script. It starts programs in half the time that this shell takes,
# which has all of the lab in its memory.
visitor=
from=
to=

# (Where a script has no streams, bash would take their numbers for the visitor's pipes.)
[[ -e /proc/self/fd/0 ]] || exec </dev/null
[[ -e /proc/self/fd/1 ]] || exec >/dev/null
[[ -e /proc/self/fd/2 ]] || exec 2>/dev/null

# Starts it, where it does not run yet.
start_visitor() {
  [[ -z $visitor ]] || return 0
  coproc VISITOR { exec sh 2>&1; }
  visitor=$VISITOR_PID
  # (Bash closes its own when that ends, and what it said last is lost.)
  # shellcheck disable=SC1083 # These braces name what is closed.
  exec {from}<&"${VISITOR[0]}" {to}>&"${VISITOR[1]}" {VISITOR[0]}<&- {VISITOR[1]}>&-
}

# Has it run a shell in a namespace: NAMESPACE SCRIPT ARGUMENT... The arguments are words that no shell expands.
send() { printf '%s\n' "nsenter --net='/run/netns/$1' sh -s - ${*:3} <<\"VISIT\"" "$2" VISIT 'printf "\000$?\n"' >&"$to" || true; }

# Waits for the end of that: what was said is then in `said`, and in `status` the exit status, if it came to one.
said=
status=
hear() { said='' status='' && IFS= read -rd '' -u "$from" said && read -ru "$from" status || true; }

# Ends it.
end_visitor() {
  exec {to}>&-
  IFS= read -rd '' -u "$from" said || true
  wait "$visitor"
}

# === batches, side by side ====================================================
# Sections are done in parts side by side, one for each processor: `part` is this one, `turn` counts.
part=
turn=0

# Starting programs is what takes the time, so a namespace is entered once for all of a section: `within` and
# `configure` note what is to be done there, each tool with its input, and `visit` has the visitor do it, while this shell
# reads what is next.
visited=
tools=()
inputs=()
entered=
entered_tools=()
entered_inputs=()
declare -A settings=()

# What a visit has beside tools: `put` sets sysctls, from lines of paths and values, in which `*` is any name; `lines`
# calls a tool for each line, as of more than 511 words `ip -batch` takes none.
IFS= read -rd '' PUT <<'PUT' || true
put() {
  row=0
  while read -r paths value; do
    row=$((row + 1))
    for path in $paths; do
      printf '%s\n' "$value" >"$path" || { echo "Command failed -:$row"; exit 1; }
    done
  done
}
lines() {
  row=0
  while read -r words; do
    row=$((row + 1))
    [ -z "$words" ] || "$1" $words || { echo "Command failed -:$row"; exit 1; }
  done
}
PUT

# Ends up with what a tool says of a row of its input.
reject() {
  local tool=$1 row=$2 input=$3 log=$4 rows=()
  [[ -z $row ]] || mapfile -t rows <<<"$input"
  row=${row:+ ${rows[row - 1]:-}}
  [[ $row != " netns add "* || $log != *"File exists"* ]] || spare "${row##* }"
  say "failed: $tool$row"
  die "$log"
}

# Sets `row` to the number of the row at which a command ended: ROWS LOG COMMAND... The tools tell it, but for a row that
# ip(8) or tc(8) cannot read: that is the first of which they say the same alone. (What was done before fails now, and
# all is taken back.)
row=
find_row() {
  local line number=0 said
  row=
  while IFS= read -r line; do
    number=$((number + 1))
    said=$("${@:3}" <<<"$line" 2>&1) || [[ -z $said || $2 != *"$said" ]] || { row=$number && return; }
  done <<<"${1%$'\n'}"
  return 1
}

# Feeds its input to a command. (`exec` saves a process.)
feed() {
  local input log
  IFS= read -rd '' input || true
  log=$(exec "$@" <<<"$input" 2>&1) || {
    if [[ $log =~ -:([0-9]+) ]]; then row=${BASH_REMATCH[1]}; else find_row "$input" "$log" "$@" || true; fi
    reject "$*" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
}

# Notes the sysctls of its input for some namespaces. In a key, `.` and `/` change places to make a path.
configure() {
  local key value paths='' ns
  while IFS='=' read -r key value; do
    key=${key//\//,} key=${key//.//} key=${key//,/.}
    paths+="/proc/sys/$key $value"$'\n'
  done
  for ns; do settings[$ns]=$paths; done
}

# Whether the namespace is this part's.
mine() { ((turn % CPUS == part)); }

# Notes a tool and its input for a namespace, where that is this part's, having visited the one before.
within() {
  local input
  [[ $1 == "$visited" ]] || next "$1"
  mine || return 0
  IFS= read -rd '' input || true
  tools+=("${*:2}") inputs+=("$input")
}

# Goes on to a namespace. The first part counts.
next() {
  visit
  visited=$1
  turn=$((turn + 1))
  ((part || turn % 100)) || say "$turn namespaces"
  ! mine || [[ -z ${settings[$1]:-} ]] || { tools=("put -") inputs=("${settings[$1]%$'\n'}"); }
}

# Finds the tool and the row that a visit ended at, where that does not tell: LOG.
blame() {
  local number words
  for number in "${!entered_tools[@]}"; do
    tool=${entered_tools[number]} input=${entered_inputs[number]}
    read -ra words <<<"$tool"
    [[ $tool == "put -" ]] || ! find_row "$input" "$1" nsenter --net="/run/netns/$entered" "${words[@]}" || return 0
  done
  tool='' row=''
}

# Has the visitor do what is noted, when it has done what was noted before. A tool that fails ends a visit with 100 and its
# number, but for the last, which the shell of the visit becomes. (`ip -n` would copy all the mounts of the host each time.)
visit() {
  local number last=$((${#tools[@]} - 1)) steps=''
  ((${#tools[@]})) || return 0
  start_visitor
  finish_visit
  for number in "${!tools[@]}"; do
    if ((number < last)); then
      steps+="${tools[number]} <<\"END\" || exit $((100 + number))"
    else
      [[ ${tools[number]} == "put -" || ${tools[number]} == "lines "* ]] || steps+="exec "
      steps+="${tools[number]} <<\"END\""
    fi
    steps+=$'\n'${inputs[number]%$'\n'}$'\nEND\n'
  done
  send "$visited" "$PUT${steps%$'\n'}"
  entered=$visited entered_tools=("${tools[@]}") entered_inputs=("${inputs[@]}")
  tools=() inputs=()
}

# Waits for the end of the visit that the visitor is at.
finish_visit() {
  local log number tool='' input=''
  [[ -n $entered ]] || return 0
  hear
  log=${said%$'\n'} row=
  [[ $status == 0 ]] || {
    number=$((${#entered_tools[@]} - 1))
    ((status < 100 || status > 100 + number)) || number=$((status - 100))
    if [[ $log =~ (-|stdin):([0-9]+) ]]; then
      row=${BASH_REMATCH[2]} tool=${entered_tools[number]} input=${entered_inputs[number]}
    else
      blame "$log"
    fi
    reject "in $entered: $tool" "$row" "$input" "$log"
  }
  [[ -z $log ]] || say "$log"
  entered=
}

# Ends a part of a section, when all that is noted is done.
leave() {
  visit
  finish_visit
  [[ -z $visitor ]] || end_visitor || die "what enters namespaces has failed: $said"
}

# Waits for the parts of a section.
settle() {
  local pid failed=0
  for pid in "${parts[@]}"; do wait "$pid" || failed=1; done
  parts=() settings=() part=
  ((failed == 0)) || exit 1
}

# === routes told in short =====================================================
# Adds routes to the input that was noted last: HOPS TARGET...
routes() {
  local rows
  mine || return 0
  # shellcheck disable=SC2059 # (HOPS has no %)
  printf -v rows "route add %s $1\n" "${@:2}"
  inputs[-1]+=$rows
}

# === ports of switches ========================================================
# Whether every port of a bridge forwards, or is left out by the spanning tree.
is_settled() {
  local ports
  ports=$(exec nsenter --net="/run/netns/$1" ip -d link show type bridge_slave) || die "cannot see the ports of $1"
  [[ ! $ports =~ bridge_slave\ state\ (disabled|listening|learning) ]]
}

# Waits until all ports of some bridges are settled, and half a minute at most. The kernel may take a second to
# notice that both ends of a link are up, and a spanning tree has ports listen and learn for 2 seconds each.
await_ports() {
  local ns try=0
  say "waiting for the ports of $# switches to forward"
  for ns; do
    until is_settled "$ns"; do
      ((++try < 300)) || die "the ports of $ns do not come to forward"
      sleep 0.1
    done
  done
}

# === the call =================================================================
[[ ! -s $CLAIM ]] || refuse
needs
claim
remember
build
complete
}
