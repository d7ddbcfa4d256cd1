"""The features of a machine that a lab needs, each with a command that tests for it."""

from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_address
from itertools import chain
from typing import NamedTuple, assert_never

from compiler.model.links import LinkKind
from compiler.plan.commands import carried, has_queue
from compiler.plan.facts import (
    Bridge,
    BridgePort,
    Dummy,
    Fact,
    Mark,
    Marking,
    Masquerade,
    MptcpEndpoint,
    MptcpLimits,
    Namespace,
    Nat,
    Nft,
    OwnAddress,
    PolicyRule,
    Qdisc,
    Routes,
    Single,
    Sysctl,
    Tunnel,
    Turns,
    Up,
    Veth,
)
from compiler.plan.settings import is_of_interface


class Need(NamedTuple):
    """A feature, with a command that succeeds if the machine has it; all run in one namespace made for that.

    `module` is loaded before, with parameters that keep it from making devices on the host.
    """

    feature: str
    command: tuple[str, ...]
    module: tuple[str, ...] = ()


PACKAGES = {
    "ip": "iproute2",
    "tc": "iproute2",
    "sysctl": "procps",
    "flock": "util-linux",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setsid": "util-linux",
    "nft": "nftables",
    "ss": "iproute2",
    "ping": "iputils-ping",
    "iperf3": "iperf3",
    "mptcpize": "mptcpize",
}
"""The Debian package of each tool."""

QDISCS = {
    "tbf": ("rate", "1mbit", "burst", "10kb", "limit", "10kb"),
    "netem": ("delay", "1ms"),
    "pfifo": ("limit", "10"),
    "bfifo": ("limit", "10kb"),
}

_NAT = (
    "add table inet mpc; add chain inet mpc out { type nat hook postrouting priority srcnat; };"
    ' add rule inet mpc out oifname "lo" masquerade'
)


_TURNS = (
    "add table inet mpc; add set inet mpc away { type mark; size 64; flags dynamic, timeout; timeout 5s; };"
    " add chain inet mpc sent { type route hook output priority mangle; };"
    " add rule inet mpc sent meta mark set numgen inc mod 2 map { 0 : 1, 1 : 2 } update @away { meta mark }"
)


def _ip(feature: str, arguments: str, module: tuple[str, ...] = ()) -> Need:
    return Need(feature, ("ip", *arguments.split()), module)


VETH = _ip("veth interfaces (module veth)", "link add name p type veth peer name q")
DUMMY = _ip("dummy interfaces (module dummy)", "link add name d type dummy", ("dummy", "numdummies=0"))


def _tunnel(kind: LinkKind, version: int, module: str) -> Need:
    loopback = ip_address("127.0.0.1" if version == 4 else "::1")
    like = Tunnel("", "t", kind, 0, 1, loopback, loopback)
    return _ip(
        f"{kind} tunnels over IPv{version} (module {module})",
        f"link add name {kind}-{version} type {' '.join(carried(like))}",
    )


TUNNEL = {
    (kind, version): _tunnel(kind, version, module)
    for kind, version, module in (
        (LinkKind.VXLAN, 4, "vxlan"),
        (LinkKind.VXLAN, 6, "vxlan"),
        (LinkKind.GRE, 4, "ip_gre"),
        (LinkKind.GRE, 6, "ip6_gre"),
        (LinkKind.IPIP, 4, "ipip"),
        (LinkKind.IPIP, 6, "ip6_tunnel"),
    )
}
"""By kind and version of outer addresses."""
BRIDGE = _ip("bridges (module bridge)", "link add name s type bridge mcast_snooping 0")
TREE = _ip(
    "bridges with a spanning tree (CONFIG_BRIDGE, iproute2)",
    "link add name t type bridge stp_state 1 forward_delay 200",
)
QDISC = {
    kind: Need(
        f"the queueing discipline {kind} (module sch_{kind})",
        ("tc", *"qdisc replace dev lo root".split(), kind, *parameters),
    )
    for kind, parameters in QDISCS.items()
}
IPV6 = Need("IPv6 (module ipv6)", ("test", "-d", "/proc/sys/net/ipv6"))
MULTIPATH = _ip(
    "routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH)",
    "route add 10.0.0.0/8 nexthop dev lo nexthop dev lo",
)
RULES = _ip("policy routing (CONFIG_IP_MULTIPLE_TABLES)", "rule add pref 1000 from 10.0.0.1 lookup 10000")
MPTCP = _ip("MPTCP in the kernel (5.6) and in ip (iproute2 5.9)", "mptcp limits set subflows 1")
NAT = Need("NAT by nftables (module nft_masq)", ("nft", _NAT))
TURNS = Need("packets in turn by nftables (module nft_numgen)", ("nft", _TURNS))
SINGLE = _ip("interfaces that take one packet at a time (iproute2 4.16)", "link set dev lo gso_max_segs 1")
NAMES = Need(
    "namespaces with names (mounts in /run/netns; user.max_net_namespaces)",
    ("bash", "-c", "mount -n -t tmpfs tmpfs /run && ip netns add p"),
)
ALL = (
    *(VETH, *TUNNEL.values(), DUMMY, BRIDGE, TREE, *QDISC.values(), IPV6, MULTIPATH, RULES, MPTCP, NAT),
    *(TURNS, SINGLE),
)
"""In the order in which they are tried; after them come NAMES."""


def tools(facts: Collection[Fact], *, runs: bool) -> list[str]:
    """The programs that the scripts call beside bash and the base system's."""
    kinds = set(map(type, facts))
    found = ["ip", "sysctl", "flock", "nsenter", "unshare"]
    queues = any(isinstance(fact, Qdisc) or (isinstance(fact, Tunnel) and has_queue(fact)) for fact in facts)
    found += ["tc"] if queues else []
    found += ["nft"] if Nft in kinds else []
    found += ["setsid"] if runs else []
    return found


def needs(facts: Iterable[Fact], versions: Collection[int]) -> Iterator[Need]:
    """The features that the kernel and the tools must have."""
    found = set(chain.from_iterable(map(_needs, facts)))
    found |= {IPV6} if 6 in versions else set()
    yield from (need for need in ALL if need in found)
    yield NAMES


def _needs(fact: Fact) -> Iterator[Need]:
    """The features that one fact needs."""
    match fact:
        case Routes():
            yield from (MULTIPATH,) if len(fact.hops) > 1 else ()
        case Veth():
            yield VETH
        case Tunnel():
            yield TUNNEL[fact.kind, fact.local.version]
        case Dummy():
            yield DUMMY
        case Bridge():
            yield BRIDGE
            yield from (TREE,) if fact.priority is not None else ()
        case Qdisc():
            yield QDISC[fact.kind]
        case PolicyRule():
            yield RULES
        case MptcpLimits() | MptcpEndpoint():
            yield MPTCP
        case Nft() | Nat() | Masquerade() | Marking() | Turns() | Single():
            yield from _need_of_turns(fact)
        case Namespace() | Mark() | Up() | BridgePort() | OwnAddress() | Sysctl():
            pass  # which all kernels have, or NAMES and `sysctls` try
        case _:
            assert_never(fact)


def _need_of_turns(fact: Nft | Nat | Masquerade | Marking | Turns | Single) -> Iterator[Need]:
    """What one fact needs of nftables, or beside that."""
    match fact:
        case Nat() | Masquerade():
            yield NAT
        case Marking() | Turns():
            yield TURNS
        case Single():
            yield SINGLE
        case Nft():
            pass
        case _:
            assert_never(fact)


def sysctls(facts: Iterable[Fact]) -> list[str]:
    """The sysctls that the lab sets and every namespace has, for a test that they exist."""
    keys = dict.fromkeys(fact.key.replace("*", "all") for fact in facts if isinstance(fact, Sysctl))
    return [key for key in keys if not is_of_interface(key)]
