"""What a lab needs from the machine that it runs on, each as a command that tries it."""

from collections.abc import Iterator
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.plan.settings import Settings, is_of_interface
from compiler.plan.traffic import qdiscs


class Need(NamedTuple):
    """A feature, with a command that works where the machine has it; all run in one namespace of their own.

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


def tools(lab: Lab) -> list[str]:
    """The programs that the scripts call beside bash and the base system's."""
    found = ["ip", "sysctl", "flock", "nsenter", "unshare"]
    found += ["tc"] if _kinds(lab) else []
    found += ["nft"] if any(node.masquerade for node in lab.nodes) else []
    found += ["setsid"] if lab.runs else []
    return found


def needs(lab: Lab) -> Iterator[Need]:
    """What the kernel has to have, and the tools to know."""
    nodes = lab.nodes
    if lab.links:
        yield _ip("veth interfaces (module veth)", "link add name p type veth peer name q")
    if any(own.device != "lo" for node in nodes for own in node.addresses):
        yield _ip("dummy interfaces (module dummy)", "link add name d type dummy", ("dummy", "numdummies=0"))
    yield from _bridges(lab)
    for kind in _kinds(lab):
        command = ("tc", *"qdisc replace dev lo root".split(), kind, *QDISCS[kind])
        yield Need(f"the queueing discipline {kind} (module sch_{kind})", command)
    if 6 in lab.versions:
        yield Need("IPv6 (module ipv6)", ("test", "-d", "/proc/sys/net/ipv6"))
    if any(len(route.nexthops) > 1 for node in nodes for route in node.routes):
        what = "routes with several next hops (CONFIG_IP_ROUTE_MULTIPATH)"
        yield _ip(what, "route add 10.0.0.0/8 nexthop dev lo nexthop dev lo")
    if any(node.rules for node in nodes):
        what = "policy routing (CONFIG_IP_MULTIPLE_TABLES)"
        yield _ip(what, "rule add pref 1000 from 10.0.0.1 lookup 10000")
    if any(node.limits for node in nodes):
        yield _ip("MPTCP in the kernel (5.6) and in ip (iproute2 5.9)", "mptcp limits set subflows 1")
    if any(node.masquerade for node in nodes):
        yield Need("NAT by nftables (module nft_masq)", ("nft", _NAT))
    named = "mount -n -t tmpfs tmpfs /run && ip netns add p"
    yield Need("namespaces with names (mounts in /run/netns; user.max_net_namespaces)", ("bash", "-c", named))


def _bridges(lab: Lab) -> Iterator[Need]:
    if lab.switches:
        yield _ip("bridges (module bridge)", "link add name s type bridge mcast_snooping 0")
    if any(switch.stp for switch in lab.switches):
        what = "bridges with a spanning tree (CONFIG_BRIDGE, iproute2)"
        yield _ip(what, "link add name t type bridge stp_state 1 forward_delay 200")


def _ip(feature: str, arguments: str, module: tuple[str, ...] = ()) -> Need:
    return Need(feature, ("ip", *arguments.split()), module)


def sysctls(lab: Lab) -> list[str]:
    """The sysctls that every namespace has, of those that are set."""
    settings = Settings(lab)
    keys = [key.replace("*", "all") for node in lab.nodes for key in settings.of(node, ())]
    keys += [key for switch in lab.switches for key in settings.of_switch(switch, ())]
    return [key for key in dict.fromkeys(keys) if not is_of_interface(key)]


def _kinds(lab: Lab) -> list[str]:
    """The kinds of queueing disciplines in use."""
    commands = [command for link in lab.links for end in link.ends for command in qdiscs(end)]
    return [kind for kind in QDISCS if any(kind in command[4:] for command in commands)]
