"""The features that a lab needs of a machine, each with a command that tests for it."""

from collections.abc import Collection, Iterable, Iterator
from ipaddress import ip_address
from itertools import chain
from typing import NamedTuple, assert_never

from compiler.model.links import LinkKind
from compiler.plan import known
from compiler.plan.commands import Words, carried, has_queue
from compiler.plan.facts import (
    Attached,
    Bond,
    BondLeg,
    Bridge,
    BridgePort,
    Container,
    Device,
    Dummy,
    Fact,
    Hairpin,
    LocalRule,
    Mac,
    Mark,
    Marking,
    Masquerade,
    MptcpEndpoint,
    MptcpLimits,
    Namespace,
    Nat,
    NatIn,
    Nft,
    OwnAddress,
    PolicyRule,
    PortForward,
    PortVlan,
    Qdisc,
    Routes,
    Single,
    Sysctl,
    Teql,
    Tunnel,
    Turns,
    Up,
    Uplink,
    Veth,
    VlanDevice,
    Vrf,
    VrfPort,
    Vxlan,
)
from compiler.plan.settings import is_of_interface
from compiler.plan.turns import (
    AWAY,
    CHAINS,
    DESTINATION,
    INNER,
    SENT,
    SET,
    SET_OF_PREFIXES,
    UNREACHED,
    is_prefix,
)


class Need(NamedTuple):
    """A feature, with a command that succeeds if the machine has it; all run in one temporary namespace.

    `module` is loaded first, with parameters by which it creates no devices on the host.
    """

    feature: str
    command: tuple[str, ...]
    module: tuple[str, ...] = ()


PACKAGES = {
    "ip": "iproute2",
    "tc": "iproute2",
    "bridge": "iproute2",
    "sysctl": "procps",
    "flock": "util-linux",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "awk": "mawk",
    "setsid": "util-linux",
    "nft": "nftables",
    "ss": "iproute2",
    "ping": "iputils-ping",
    "iperf3": "iperf3",
    "mptcpize": "mptcpize",
    "podman": "podman",
    "docker": "docker.io",
    "timeout": "coreutils",
    "tcpdump": "tcpdump",
    "wg": "wireguard-tools",
    "bpftool": "bpftool",
    "ethtool": "ethtool",
}
"""The Debian package of each tool."""

QDISCS = {
    "tbf": ("rate", "1mbit", "burst", "10kb", "limit", "10kb"),
    "netem": ("delay", "1ms"),
    "pfifo": ("limit", "10"),
    "bfifo": ("limit", "10kb"),
    "fq_codel": (),
    "cake": (),
    "pie": (),
    "red": ("limit", "100kb", "avpkt", "1kb", "bandwidth", "1mbit"),
}

_NAT = (
    "add table inet mpc; add chain inet mpc out { type nat hook postrouting priority srcnat; };"
    ' add rule inet mpc out oifname "lo" masquerade'
)

_NAT_IN = (
    "add table inet mpc; add chain inet mpc in { type nat hook prerouting priority dstnat; };"
    " add rule inet mpc in fib daddr type local tcp dport 1 dnat ip to 127.0.0.1:1;"
    " add chain inet mpc out { type nat hook postrouting priority srcnat; };"
    ' add rule inet mpc out iifname "lo" oifname "lo" ct status dnat snat ip to 127.0.0.1'
)

_TURNS = (
    f"add table inet mpc; add set inet mpc {AWAY} {{ {SET} }};"
    f" add chain inet mpc {SENT} {{ {CHAINS[SENT]} }};"
    f" add rule inet mpc {SENT} meta mark set numgen inc mod 2 map {{ 0 : 1, 1 : 2 }}"
    f" update @{AWAY} {{ meta mark }}"
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
"""By kind, and by the version of the outer addresses."""
BOND = _ip("bonds (module bonding)", "link add name b type bond mode balance-rr", ("bonding", "max_bonds=0"))
BRIDGE = _ip("bridges (module bridge)", "link add name s type bridge mcast_snooping 0")
TREE = _ip(
    "bridges with a spanning tree (CONFIG_BRIDGE, iproute2)",
    "link add name t type bridge stp_state 1 forward_delay 200",
)
VLAN = _ip("VLAN interfaces (module 8021q)", "link add link p name v type vlan id 10")
"""Over the veth interface that is tested before, as no VLAN can be on `lo`."""
FILTERING = _ip(
    "bridges with VLANs (CONFIG_BRIDGE_VLAN_FILTERING)",
    "link add name f type bridge vlan_filtering 1 vlan_default_pvid 0",
)
VRF = _ip("VRFs (module vrf)", "link add name r type vrf table 10")
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
NAT_IN = Need("port forwarding by nftables (modules nft_nat, nft_fib_inet)", ("nft", _NAT_IN))
TURNS = Need("packets in turn by nftables (module nft_numgen)", ("nft", _TURNS))


def _turns_of_prefix(version: int) -> Need:
    name, key = f"{AWAY}{version}", DESTINATION[version]
    command = (
        f"add table inet mpc; add set inet mpc {name} {{ {SET_OF_PREFIXES.format(key)} }};"
        f" add chain inet mpc {UNREACHED}; add rule inet mpc {UNREACHED}"
        f" meta mark . {key} @{name} update @{name} {{ meta mark . {INNER[version]} }}"
    )
    return Need(f"packets in turn to IPv{version} prefixes by nftables (1.0)", ("nft", command))


TURNS_OF_PREFIX = {version: _turns_of_prefix(version) for version in DESTINATION}
"""By version of IP."""
SINGLE = _ip("interfaces that take one packet at a time (iproute2 4.16)", "link set dev lo gso_max_segs 1")
ATTACHED = Need(
    "names for namespaces that are there (iproute2 5.0)",
    ("bash", "-c", "mount -n -t tmpfs tmpfs /run && ip netns attach p $$"),
)
NAMES = Need(
    "namespaces with names (mounts in /run/netns; user.max_net_namespaces)",
    ("bash", "-c", "mount -n -t tmpfs tmpfs /run && ip netns add p"),
)
ALL = (
    *(
        VETH,
        *TUNNEL.values(),
        BOND,
        DUMMY,
        BRIDGE,
        TREE,
        FILTERING,
        VLAN,
        VRF,
        *QDISC.values(),
        IPV6,
        MULTIPATH,
    ),
    *(RULES, MPTCP, NAT, NAT_IN, TURNS, *TURNS_OF_PREFIX.values(), SINGLE, ATTACHED),
)
"""In the order in which they are tested; NAMES is tested last."""


_READS = ("bash", "-n", "-c", "--")
"""bash(1) that reads a command line, and runs none."""

_KNOWS_TYPE = (
    'said=$(ip link add name typed type "$1" 2>&1 && ip link del dev typed) ||'
    ' [[ $said != *"Unknown device type"* && $said != *"Operation not supported"* ]]'
)
"""Whether the kernel has devices of a type: one that lacks arguments is refused in other words."""


def _needs_of_device(device: Device) -> Iterator[Need]:
    """What is known of commands before they are run."""
    for line in device.commands:
        yield Need(f"a command line that bash takes, for {device.node}:{device.name}", (*_READS, line))
        if (called := known.program(line)) and called != "ip":
            package = f" (package {PACKAGES[called]})" if called in PACKAGES else ""
            yield Need(f"the command {called}{package}", ("bash", "-c", 'type -P -- "$1"', "bash", called))
        if kind := known.type_of(line):
            yield Need(f"devices of the type {kind}", ("bash", "-c", _KNOWS_TYPE, "bash", kind))
        if known.is_of_tun(line):
            yield Need("tun and tap devices (module tun)", ("test", "-c", "/dev/net/tun"))


def tools(facts: Collection[Fact], awaited: Collection[int | Words | None], *, captures: bool) -> list[str]:
    """The programs that scripts call, without bash and those of the base system.

    `awaited` tells of each process how it becomes ready.
    """
    kinds = set(map(type, facts))
    found = ["ip", "sysctl", "flock", "nsenter", "unshare"]
    queues = any(isinstance(fact, Qdisc) or (isinstance(fact, Tunnel) and has_queue(fact)) for fact in facts)
    found += ["tc"] if queues else []
    found += ["bridge"] if PortVlan in kinds else []
    found += ["nft"] if Nft in kinds else []
    found += ["setsid"] if awaited or captures else []
    found += ["tcpdump"] if captures else []
    started = [fact.started for fact in facts if isinstance(fact, Container)]
    attached = [fact.engine for fact in facts if isinstance(fact, Attached)]
    found += dict.fromkeys([*(one.engine.value for one in started), *attached])
    ready = (*awaited, *(one.ready for one in started))
    found += ["ss"] if any(isinstance(one, int) for one in ready) else []
    found += ["mptcpize"] if any(one.mptcpize for one in started) else []
    found += ["timeout"] if any(isinstance(one, tuple) for one in ready) else []
    return found


def needs(facts: Iterable[Fact], versions: Collection[int]) -> Iterator[Need]:
    """The features that facts and families need of the kernel and the tools."""
    found = dict.fromkeys(chain.from_iterable(map(_needs, facts)))
    found |= {IPV6: None} if 6 in versions else {}
    yield from (need for need in ALL if need in found)
    yield from (need for need in found if need not in ALL)
    yield NAMES


def _needs(fact: Fact) -> Iterator[Need]:
    """The features that one fact needs."""
    match fact:
        case Routes():
            yield from (MULTIPATH,) if len(fact.hops) > 1 else ()
        case Veth() | Tunnel() | Vxlan() | Bond() | Dummy() | Bridge() | VlanDevice() | Vrf() | Uplink():
            yield from _need_of_link(fact)
        case Qdisc():
            yield QDISC[fact.kind]
        case Attached():
            yield ATTACHED
        case PolicyRule() | LocalRule():
            yield RULES
        case MptcpLimits() | MptcpEndpoint():
            yield MPTCP
        case (
            Nft()
            | Nat()
            | Masquerade()
            | NatIn()
            | PortForward()
            | Hairpin()
            | Marking()
            | Turns()
            | Single()
        ):
            yield from _need_of_turns(fact)
        case Device():
            yield from _needs_of_device(fact)
        case (
            Namespace()
            | Mark()
            | Mac()
            | Up()
            | BridgePort()
            | BondLeg()
            | OwnAddress()
            | Sysctl()
            | Container()
            | PortVlan()
            | VrfPort()
        ):
            pass  # which every kernel has, or which NAMES, `sysctls` and the need of a bridge test
        case Teql():
            pass  # whose devices are in no new namespace: scripts look for them in their own
        case _:
            assert_never(fact)


def _need_of_link(
    fact: Veth | Tunnel | Vxlan | Bond | Dummy | Bridge | VlanDevice | Vrf | Uplink,
) -> Iterator[Need]:
    """What one interface needs."""
    match fact:
        case Veth():
            yield VETH
        case Tunnel():
            yield TUNNEL[fact.kind, fact.local.version]
        case Vxlan():
            yield TUNNEL[LinkKind.VXLAN, fact.local.version]
        case Bond():
            yield BOND
        case Dummy():
            yield DUMMY
        case Bridge():
            yield BRIDGE
            yield from (TREE,) if fact.priority is not None else ()
            yield from (FILTERING,) if fact.vlans else ()
        case VlanDevice():
            yield VLAN
        case Vrf():
            yield VRF
        case Uplink():
            yield from (VETH, NAT)
        case _:
            assert_never(fact)


def _need_of_turns(
    fact: Nft | Nat | Masquerade | NatIn | PortForward | Hairpin | Marking | Turns | Single,
) -> Iterator[Need]:
    """The features that one fact of nftables or of per-packet load balancing needs."""
    match fact:
        case Nat() | Masquerade():
            yield NAT
        case NatIn() | PortForward() | Hairpin():
            yield NAT_IN
        case Turns():
            yield TURNS
        case Marking():
            yield from (TURNS_OF_PREFIX[spray.version] for spray in fact.sprays if is_prefix(spray))
        case Single():
            yield SINGLE
        case Nft():
            pass
        case _:
            assert_never(fact)


def sysctls(facts: Iterable[Fact]) -> list[str]:
    """The sysctls that the lab sets, without those of interfaces, to test that the kernel has them."""
    keys = dict.fromkeys(fact.key.replace("*", "all") for fact in facts if isinstance(fact, Sysctl))
    return [key for key in keys if not is_of_interface(key)]
