"""The commands of ip(8), tc(8), sysctl(8) and nft(8) that establish facts."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, assert_never

from compiler.model.links import LinkKind, Mode
from compiler.model.multipath import Endpoint, Limits
from compiler.model.routes import MAIN, Rule
from compiler.plan import engines, turns
from compiler.plan.facts import (
    Attached,
    Bond,
    BondLeg,
    Bridge,
    BridgePort,
    Container,
    Device,
    Dummy,
    End,
    Fact,
    Hairpin,
    Hop,
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
from compiler.plan.turns import NFT

Words = tuple[str, ...]

EACH = "{}"

FASTEST_TREE = ("forward_delay", "200", "hello_time", "100")
"""The least times that the kernel takes, in hundredths of a second: ports forward after 4 s instead of 30."""

NAT_CHAIN = "type nat hook postrouting priority srcnat;"
NAT_IN_CHAIN = "type nat hook prerouting priority dstnat;"


class Command(NamedTuple):
    """One command of one tool in a namespace (None: in that of the script).

    `tool` is its name and leading options. `undo` is the reverse command; a command without one has its
    effect within a namespace, and is undone by deleting that. With `each`, the command is given once for each
    of these words, in the place of EACH. `brief` routes are written as brace expressions.
    """

    tool: Words
    arguments: Words
    namespace: str | None = None
    undo: Words | None = None
    each: Words = ()
    brief: Routes | None = None

    @property
    def calls(self) -> Iterator[Words]:
        """The arguments of each call."""
        if not self.each:
            yield self.arguments
        for word in self.each:
            yield tuple(word if argument == EACH else argument for argument in self.arguments)


def commands(fact: Fact) -> Iterator[Command]:
    """The commands that establish a fact: one, except for routes with too many words."""
    match fact:
        case Routes(here, targets):
            lines = list(route(fact, "add", EACH))
            brief = fact if fact.brief and len(lines) == 1 and not is_long(lines[0]) else None
            yield from (Command(("ip",), line, here, each=targets, brief=brief) for line in lines)
        case Sysctl(here, key, value):
            yield Command(("sysctl",), (f"{key}={value}",), here)
        case Up(here, name):
            yield _ip(here, "link", "set", "dev", name, "up")
        case Mac(here, name, address):
            yield _ip(here, "link", "set", "dev", name, "address", address)
        case Single(here, name):
            yield _ip(here, "link", "set", "dev", name, *single())
        case OwnAddress(here):
            yield _ip(here, *owned(fact, "add"))
        case Qdisc(here):
            yield Command(("tc",), qdisc(fact, "add"), here)
        case Namespace(name):
            yield Command(("ip",), ("netns", "add", name), undo=("ip", "netns", "del", name))
        case Attached(name):
            which = f"{fact.engine}:{fact.name}"
            yield Command(("ip",), ("netns", "attach", name, which), undo=("ip", "netns", "del", name))
        case Veth((left, right), mtu):
            ends = _end(left, mtu), _end(right, mtu)
            yield _ip(None, "link", "add", *ends[0], "type", "veth", "peer", *ends[1])
        case Tunnel(here, name, _, mtu):
            yield _ip(here, "link", "add", "name", name, "mtu", str(mtu), "type", *carried(fact))
            if has_queue(fact):
                yield Command(("tc",), ("qdisc", "add", "dev", name, "root", "noqueue"), here)
        case Vxlan(here, name, mtu):
            end = ("name", name, "mtu", str(mtu), "netns", here)
            yield _ip(None, "link", "add", *end, "type", "vxlan", *underlain(fact), "nolearning")
        case Bond(here, name, mtu):
            yield _ip(here, "link", "add", "name", name, "mtu", str(mtu), "type", "bond", *bonded(fact))
        case BondLeg(here, name, bond):
            yield _ip(here, "link", "set", "dev", name, "master", bond)
        case Teql(here, name, _, legs):
            yield Command((TAKE,), (here, name, *legs))
        case Dummy(here, name):
            yield _ip(None, "link", "add", "name", name, "netns", here, "type", "dummy")
        case Bridge(here, name):
            yield _ip(None, "link", "add", "name", name, "netns", here, "type", "bridge", *tree(fact))
        case VlanDevice(here, name, parent):
            yield _ip(here, "link", "add", "link", parent, "name", name, "type", *of_vlan(fact))
        case PortVlan(here):
            yield Command(("bridge",), ("vlan", "add", *in_vlan(fact)), here)
        case Vrf(here, name):
            yield _ip(None, "link", "add", "name", name, "netns", here, "type", *of_vrf(fact))
        case VrfPort(here, name, vrf):
            yield _ip(here, "link", "set", "dev", name, "master", vrf)
        case LocalRule(here):
            for verb, priority in (("add", AFTER_VRFS), ("del", LOCAL)):
                yield Command(("ip", *family(fact)), ("rule", verb, *local(priority)), here)
        case Mark(here):
            yield _ip(here, "link", "set", "dev", "lo", "up", "alias", mark(fact.lab))
        case BridgePort(here, name, bridge):
            yield _ip(here, "link", "set", "dev", name, "master", bridge, "up")
            if fact.cost is not None:
                yield _ip(here, "link", "set", "dev", name, "type", "bridge_slave", "cost", str(fact.cost))
        case PolicyRule(here, rule):
            yield Command(("ip", *family(rule)), ("rule", "add", *selected(rule)), here)
        case MptcpLimits(here, limits):
            yield _ip(here, "mptcp", "limits", "set", *limited(limits))
        case MptcpEndpoint(here, endpoint):
            yield _ip(here, "mptcp", "endpoint", "add", *opened(endpoint, endpoint.flags))
        case Nft(here):
            yield Command(("nft",), ("add", "table", *NFT), here)
        case Nat(here):
            yield Command(("nft",), ("add", "chain", *NFT, "out", f"{{ {NAT_CHAIN} }}"), here)
        case Masquerade(here):
            yield Command(("nft",), ("add", "rule", *NFT, "out", *masquerade(fact)), here)
        case NatIn(here):
            yield Command(("nft",), ("add", "chain", *NFT, "in", f"{{ {NAT_IN_CHAIN} }}"), here)
        case PortForward(here):
            yield Command(("nft",), ("add", "rule", *NFT, "in", *forwarded(fact)), here)
        case Hairpin(here):
            yield Command(("nft",), ("add", "rule", *NFT, "out", *turned_back(fact)), here)
        case Uplink(here, _, end, network, card):
            yield Command((RAISE,), (here, end, *fact.addresses, str(network), *((card,) if card else ())))
        case Marking(here):
            yield from (Command(("nft",), line, here) for line in turns.frame(fact.sprays, fact.arrivals))
        case Turns(here, spray):
            yield from (Command(("nft",), line, here) for line in turns.lines(spray, fact.arrivals))
        case Device(here, name, node, lines):
            yield Command((MAKE,), (here, node, name, *lines))
        case Container():
            engine = fact.started.engine.value
            for name, arguments in engines.starts(fact):
                yield Command((engine,), arguments, undo=(engine, "rm", "--force", name))
        case _:
            assert_never(fact)


def mark(lab: str) -> str:
    """The mark of a lab in the alias of `lo` of its namespaces, and in their hosts files."""
    return f"mpc:{lab}"


def _ip(namespace: str | None, *arguments: str) -> Command:
    return Command(("ip",), arguments, namespace)


TAKE = "take_slot"
"""The function of up scripts that takes a teql device, whose name is known only when it is run."""


MAKE = "make_device"
"""The function of up scripts that has commands of the lab make a device."""

RAISE = "raise_uplink"
"""The function of up scripts that joins a node to the machine's own network."""


def _end(end: End, mtu: int | None) -> Words:
    return ("name", end.name, *(() if mtu is None else ("mtu", str(mtu))), "netns", end.namespace)


VXLAN_PORT = "4789"
"""That of RFC 7348, and not the kernel's own."""


def carried(tunnel: Tunnel) -> Iterator[str]:
    """The type of a tunnel's end and its options, as in ip-link(8)."""
    between = ("local", str(tunnel.local), "remote", str(tunnel.remote))
    outer6 = tunnel.local.version == 6
    match tunnel.kind:
        case LinkKind.VXLAN:
            yield from ("vxlan", "id", str(tunnel.number), *between, "dstport", VXLAN_PORT, "ttl", "64")
            yield "nolearning"
        case LinkKind.GRE:
            yield from ("ip6gretap" if outer6 else "gretap", *between, "ttl", "64")
        case LinkKind.IPIP:
            yield from (("ip6tnl", "mode", "any") if outer6 else ("ipip",))
            yield from (*between, "ttl", "64")
        case LinkKind.VETH | LinkKind.BOND | LinkKind.TEQL:
            raise ValueError(f"a {tunnel.kind} is no tunnel")
        case _:
            assert_never(tunnel.kind)


MACHINE_PORT = "14789"
"""The UDP port of links between machines: some networks drop 4789 and 8472, or have VXLANs of their own."""


def underlain(end: Vxlan) -> Words:
    """What tells an end of a link between machines from others, in the order of ip-link(8)."""
    between = ("local", str(end.local), "remote", str(end.remote))
    return ("id", str(end.number), *between, "dstport", MACHINE_PORT)


CARRIER_TIME, PROBE_TIME = "100", "200"
"""The milliseconds after which a bond looks at carriers, and asks for its other end by ARP."""


def bonded(bond: Bond) -> Iterator[str]:
    """The mode of a bond's end and its options, as in ip-link(8)."""
    yield from ("mode", bond.mode)
    if bond.target is None:
        yield from ("miimon", CARRIER_TIME)
    else:
        target = "ns_ip6_target" if bond.target.version == 6 else "arp_ip_target"
        yield from ("arp_interval", PROBE_TIME, target, str(bond.target))
    if bond.mode in (Mode.HASH, Mode.LACP):
        yield from ("xmit_hash_policy", "layer3+4")
    if bond.mode is Mode.BACKUP:
        yield from ("primary", bond.primary)


def has_queue(tunnel: Tunnel) -> bool:
    """Whether the kernel gives the end of a tunnel a queue, which others have at the links below only."""
    return tunnel.kind is LinkKind.GRE


def owned(fact: OwnAddress, verb: str) -> Words:
    """`address add`, or another verb.

    One of IPv6 is not looked for on its link (nodad): as long as it is, no route can have it as its source.
    """
    return ("address", verb, str(fact.address), "dev", fact.device, *["nodad"] * (fact.address.version == 6))


def tree(bridge: Bridge) -> Words:
    """The options of a bridge, as in ip-link(8). Multicast is flooded, so neighbour discovery arrives."""
    if bridge.vlans:
        return ("vlan_filtering", "1", "vlan_default_pvid", "0", "mcast_snooping", "0")
    spanning = ("stp_state", "1", "priority", str(bridge.priority), *FASTEST_TREE)
    return (*(() if bridge.priority is None else spanning), "mcast_snooping", "0")


def of_vlan(fact: VlanDevice) -> Words:
    """The type of a VLAN device, as in ip-link(8)."""
    return "vlan", "id", str(fact.number)


def of_vrf(fact: Vrf) -> Words:
    """The type of the device of a VRF, as in ip-link(8)."""
    return "vrf", "table", str(fact.table)


LOCAL, AFTER_VRFS = 0, 32765
"""The priority of the rule for addresses of the namespace itself, and one after the 1000 of that of VRFs."""


def local(priority: int) -> Words:
    """The rule for addresses of the namespace itself, as in ip-rule(8)."""
    return "pref", str(priority), "lookup", "local"


def in_vlan(fact: PortVlan) -> Words:
    """A VLAN of a port, as in bridge(8)."""
    return "dev", fact.name, "vid", str(fact.number), *(("pvid", "untagged") if fact.access else ())


def masquerade(fact: Masquerade) -> Words:
    family = ("meta", "nfproto", f"ipv{fact.version}") if fact.version else ()
    return *family, "oifname", f'"{fact.interface}"', "masquerade"


def forwarded(fact: PortForward) -> Words:
    ip, to = (
        ("ip", f"{fact.address}:{fact.to}")
        if fact.address.version == 4
        else ("ip6", f"[{fact.address}]:{fact.to}")
    )
    return "fib", "daddr", "type", "local", fact.protocol, "dport", str(fact.port), "dnat", ip, "to", to


def turned_back(fact: Hairpin) -> Words:
    name, family = f'"{fact.interface}"', f"ipv{fact.version}"
    turned = ("meta", "nfproto", family, "iifname", name, "oifname", name, "ct", "status", "dnat")
    ip = "ip" if fact.version == 4 else "ip6"
    return *turned, *(("snat", ip, "to", str(fact.source)) if fact.source else ("masquerade",))


def single() -> Words:
    return "gso_max_segs", "1"


def limited(limits: Limits) -> Words:
    """Limits as in ip-mptcp(8)."""
    return "subflows", str(limits.subflows), "add_addr_accepted", str(limits.accept)


def selected(rule: Rule) -> Iterator[str]:
    """A rule as in ip-rule(8)."""
    yield from ("pref", str(rule.priority))
    if rule.source is not None:
        yield from ("from", str(rule.source))
    if rule.target is not None:
        yield from ("to", str(rule.target))
    if rule.incoming is not None:
        yield from ("iif", rule.incoming)
    if rule.mark is not None:
        yield from ("fwmark", f"{rule.mark:#x}")
    yield from ("lookup", "main" if rule.table == MAIN else str(rule.table))
    if rule.longer is not None:
        yield from ("suppress_prefixlength", str(rule.longer))


def family(rule: Rule | LocalRule) -> Words:
    """The option of ip(8) for the family of a rule."""
    return () if rule.version == 4 else ("-6",)


def opened(endpoint: Endpoint, flags: Iterable[str]) -> Iterator[str]:
    """An endpoint as in ip-mptcp(8), with flags in the given order."""
    yield from (str(endpoint.address), "dev", endpoint.interface)
    yield from ("port", str(endpoint.port)) if endpoint.port is not None else ()
    yield from flags


def qdisc(fact: Qdisc, verb: str) -> Words:
    """`qdisc add`, or with another verb, as in tc(8)."""
    named = () if fact.handle is None else ("handle", fact.handle)
    kind = (fact.kind, *chain.from_iterable(fact.parameters))
    return ("qdisc", verb, "dev", fact.device, *fact.place, *named, *kind)


# --- routes -----------------------------------------------------------------------------------------

MOST_WORDS = 511
"""The most words in a line of a batch: MAX_ARGS of lib/utils.c of iproute2, less one."""

MOST_HOPS = 60
"""The most next hops in a line, each of up to 8 words."""


def route(fact: Routes, verb: str, target: str) -> Iterator[Words]:
    """`route add`, or with another verb, to one target.

    An IPv6 route with too many words for a line of a batch is split: next hops can be appended to it.
    """
    words = hops(fact)
    line = _route(fact, verb, target, words)
    via = fact.hops[0].via if fact.hops else None
    if not is_long(line) or via is None or via.version == 4:
        yield line
        return
    for start in range(0, len(words), MOST_HOPS):
        yield _route(fact, "append" if start else verb, target, words[start : start + MOST_HOPS])


def _route(fact: Routes, verb: str, target: str, words: list[Words]) -> Words:
    table = () if fact.table is None else ("table", str(fact.table))
    kind = (fact.refusal,) if fact.refusal else ()
    onward = tuple(chain.from_iterable(words))
    # (Nothing but next hops can follow the first of several.)
    last = (*table, *onward) if len(words) > 1 else (*onward, *table)
    return ("route", verb, *kind, target, *source(fact), *metric(fact), *last)


def metric(fact: Routes) -> Words:
    return ("metric", str(fact.metric)) if fact.metric else ()


def source(fact: Routes) -> Words:
    return ("src", str(fact.source)) if fact.source else ()


def hops(fact: Routes) -> list[Words]:
    """The words of each next hop."""
    if len(fact.hops) == 1:
        return [_hop(fact.hops[0])]
    return [("nexthop", *_hop(hop)) for hop in fact.hops]


def gateway(hop: Hop) -> Words:
    """The gateway and the interface of a next hop."""
    return (*(() if hop.via is None else ("via", str(hop.via))), "dev", hop.interface)


def _hop(hop: Hop) -> Words:
    weight = () if hop.weight is None else ("weight", str(hop.weight))
    return (*gateway(hop), *weight, *(("onlink",) if hop.onlink else ()))


def is_long(arguments: Words) -> bool:
    """Whether a command has too many words for a batch, so that it is a process of its own."""
    return len(arguments) > MOST_WORDS
