"""The expected state of each namespace, in lines as drift.bash lists the actual state."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from compiler.model.links import DEFAULT_MTU, LinkKind
from compiler.model.nodes import UPLINK
from compiler.plan import turns
from compiler.plan.commands import (
    AFTER_VRFS,
    NAT_CHAIN,
    NAT_IN_CHAIN,
    bonded,
    carried,
    family,
    forwarded,
    gateway,
    limited,
    mark,
    masquerade,
    metric,
    opened,
    qdisc,
    selected,
    single,
    source,
    tree,
    turned_back,
    underlain,
)
from compiler.plan.engines import names
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
from compiler.plan.plan import Plan
from compiler.plan.routing import target
from compiler.plan.turns import NFT
from compiler.scripts.braces import braces

Facts = dict[str, list[str]]
"""Lines by namespace."""

_FLAGS = ("signal", "subflow", "fullmesh", "backup", "laminar")

_NFT = " ".join(NFT)

_COPIES = {
    "net.ipv4.ip_forward": ("net.ipv4.conf.*.forwarding",),
    "net.ipv4.conf.all.forwarding": ("net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding"),
    "net.ipv6.conf.all.forwarding": ("net.ipv6.conf.*.forwarding",),
    "net.ipv6.conf.all.disable_ipv6": ("net.ipv6.conf.*.disable_ipv6",),
}
"""The sysctls that the kernel sets along with another."""


def facts(plan: Plan) -> Facts:
    """The expected state of each namespace, without brief routes and queueing disciplines."""
    found: dict[str, dict[str, str]] = {namespace: {} for namespace in plan.namespaces}
    told = (line for fact in plan.facts for line in _told(fact))
    processes = (
        (one.namespace, f"process {one.name}") for own in (plan.processes, plan.captures) for one in own
    )
    for namespace, line in chain(_links(plan), told, _of_uplink(plan), processes):
        key = line.partition(" = ")[0]
        found[namespace].pop(key, None)  # the last assignment of a sysctl counts
        found[namespace][key] = line
    return {namespace: list(lines.values()) for namespace, lines in found.items()}


def _of_uplink(plan: Plan) -> Iterator[tuple[str, str]]:
    """The sysctls of an uplink that are those of `default`: it is made when these are set."""
    here = next((fact.namespace for fact in plan.facts if isinstance(fact, Uplink)), None)
    found: dict[str, str] = {}
    for fact in (fact for fact in plan.facts if isinstance(fact, Sysctl) and fact.namespace == here):
        if ".conf.*." in fact.key:
            found.pop(fact.key.replace("*", UPLINK), None)
        elif ".conf.default." in fact.key:
            found[fact.key.replace("default", UPLINK, 1)] = fact.value
    for key, value in found.items():
        yield from _told(Sysctl(here or "", key, value))


def brief(plan: Plan) -> Facts:
    """The brief routes of each namespace as brace expressions, one line per next hop."""
    found: dict[str, dict[str, list[str]]] = {}
    for fact in plan.facts:
        if isinstance(fact, Routes) and fact.brief:
            for way in _ways(fact):
                found.setdefault(fact.namespace, {}).setdefault(way, []).extend(fact.targets)
    return {
        namespace: [f'mine && routes "{way}" {braces(targets)}' for way, targets in ways.items()]
        for namespace, ways in found.items()
    }


def _told(fact: Fact) -> Iterator[tuple[str, str]]:
    """A fact as lines with their namespaces; links and queueing disciplines are merged elsewhere."""
    match fact:
        case Routes(here, targets):
            ways = () if fact.brief else tuple(_ways(fact))
            yield from ((here, f"route {target} {way}") for target in targets for way in ways)
            refused = targets if fact.refusal else ()
            yield from ((here, " ".join(("route", *_refused(fact, target)))) for target in refused)
        case Sysctl(here, key, value):
            same = (key, *_COPIES.get(key, ()))
            yield from ((here, f"sysctl {name} = {_read_back(value)}") for name in same)
        case OwnAddress(here):
            yield from ((here, line) for line in _address(fact))
        case PolicyRule(here, rule):
            yield here, " ".join(("rule", *family(rule), *selected(rule)))
        case MptcpLimits(here, limits):
            yield here, f"limits {' '.join(limited(limits))}"
        case MptcpEndpoint(here, endpoint):
            flags = (flag for flag in _FLAGS if flag in endpoint.flags)
            yield here, f"endpoint {' '.join(opened(endpoint, flags))}"
        case Nft(here):
            yield here, f"nft {_NFT}"
        case Nat(here):
            yield here, f"nft chain {_NFT} out"
            yield here, f"nft in {_NFT} out: {NAT_CHAIN}"
        case Masquerade(here):
            yield here, f"nft in {_NFT} out: {' '.join(masquerade(fact))}"
        case NatIn(here):
            yield here, f"nft chain {_NFT} in"
            yield here, f"nft in {_NFT} in: {NAT_IN_CHAIN}"
        case PortForward(here):
            yield here, f"nft in {_NFT} in: {' '.join(forwarded(fact))}"
        case Hairpin(here):
            yield here, f"nft in {_NFT} out: {' '.join(turned_back(fact))}"
        case Tunnel(here, name):
            yield here, f"tunnel {name} {' '.join(carried(fact))}"
        case Bond(here, name):
            yield here, f"bond {name} {' '.join(bonded(fact))}"
        case BondLeg(here, name, _, told):
            yield from ((here, f"leg {name} UP"),) if told else ()
        case Teql(here, name, _, legs):
            yield here, " ".join(("teql", name, *legs))
        case Marking(here):
            lines = turns.frame(fact.sprays, fact.arrivals)
            yield from ((here, line) for command in lines for line in _listed(command))
        case Turns(here, spray):
            lines = turns.lines(spray, fact.arrivals)
            yield from ((here, line) for command in lines for line in _listed(command))
        case Mac(here, name, address):
            yield here, f"mac {name} {address}"
        case VlanDevice(here, name, parent, number):
            yield here, f"tag {name} of {parent} 802.1Q {number}"
        case Vrf(here, name, table):
            yield here, f"vrf {name} table {table}"
        case LocalRule(here):
            rules = ("1000 from all lookup [l3mdev-table]", f"{AFTER_VRFS} from all lookup local")
            yield from ((here, " ".join(("rule", *family(fact), "pref", rule))) for rule in rules)
        case PortVlan(here, name, number, access):
            yield here, f"vlan {name} {number}{' PVID Egress Untagged' * access}"
        case Uplink(here, _, _, network):
            outer, inner = fact.addresses
            yield here, f"address {inner} dev {UPLINK}"
            yield here, f"connected {network} dev {UPLINK}"
            yield here, f"route default via {outer.partition('/')[0]} dev {UPLINK}"
        case Single(here, name):
            yield here, f"device {name} {' '.join(single())}"
        case Device(here, name):
            yield here, f"interface {name} up"
        case Container(here):
            yield from ((here, f"container {name} {fact.started.image}") for name in names(fact))
        case Attached(here):
            yield here, f"attached {fact.name}"
        case (
            Namespace()
            | Veth()
            | Dummy()
            | Bridge()
            | Vxlan()
            | Mark()
            | Up()
            | BridgePort()
            | Qdisc()
            | VrfPort()
        ):
            pass
        case _:
            assert_never(fact)


def _listed(command: turns.Line) -> Iterator[str]:
    """The lines that nft(8) lists for a command that adds a chain, a set or a rule."""
    _, kind, family, table, name, *rest = command
    within = f"{family} {table} {name}"
    if kind == "rule":
        yield f"nft in {within}: {' '.join(rest)}"
        return
    yield f"nft {kind} {within}"
    for form in rest:
        parts = form.strip("{ }").split("; ") if kind == "set" else [form.strip("{ }")]
        yield from (f"nft in {within}: {part.rstrip(';') if kind == 'set' else part}" for part in parts)


def _address(fact: OwnAddress) -> Iterator[str]:
    """An address, and the connected route that the kernel adds for it."""
    own, device = fact.address, fact.device
    yield f"address {own} dev {device}"
    if own.version == 6 or (device != "lo" and own.network.num_addresses > 1):
        yield f"connected {target(own.network)} dev {device}"


def _read_back(value: str) -> str:
    """A value as the kernel prints it: separated by single spaces, with decimal numbers."""
    octal, hexadecimal = re.compile("0[0-7]+"), re.compile("0[xX][0-9a-fA-F]+")
    numbers = (
        (word, 8 * bool(octal.fullmatch(word)) or 16 * bool(hexadecimal.fullmatch(word)))
        for word in value.split()
    )
    return " ".join(str(int(word, base)) if base else word for word, base in numbers)


def _ways(fact: Routes) -> Iterator[str]:
    """The next hops of a route in the notation of ip-route(8), with the table before and the source.

    In a multipath route each next hop has flags; else the route has them.
    """
    table = () if fact.table is None else ("table", str(fact.table))
    for hop in fact.hops:
        flags = ("onlink",) if hop.onlink else ()
        if len(fact.hops) == 1:
            yield " ".join((*table, *gateway(hop), *source(fact), *metric(fact), *flags))
        else:
            weight = ("weight", str(hop.weight or 1))
            yield " ".join((*table, *gateway(hop), *weight, *flags, *source(fact), *metric(fact)))


def _refused(fact: Routes, target: str) -> Iterator[str]:
    """A route that refuses packets, in the notation of ip-route(8)."""
    yield from (str(fact.refusal), target, *(() if fact.table is None else ("table", str(fact.table))))
    yield from metric(fact)


# --- links ------------------------------------------------------------------------------------------


@dataclass
class _Link:
    """An interface in the state after all commands."""

    name: str
    kind: str
    mtu: int
    to: str = ""
    """The namespace of its peer."""
    options: str = ""
    """The options of a bridge."""
    up: bool = False
    alias: str = ""
    bridge: str = ""
    """The bridge that it is a port of."""
    bond: str = ""
    """The bond that it is a leg of."""
    vrf: str = ""
    """The VRF that it is in."""

    underlain: str = ""
    """The line of a link to another machine."""

    @property
    def fact(self) -> str:
        state = "up" if self.up else "down"
        words = (state, *["noarp"] * (self.kind in ("dummy", "vrf", LinkKind.IPIP, LinkKind.TEQL)))
        words += ("void",) * (self.kind == LinkKind.TEQL)
        words += (
            *([f"master {master}"] if (master := self.bridge or self.bond or self.vrf) else []),
            *([f"to {self.to}"] if self.to else []),
        )
        return f"link {self.name} mtu {self.mtu} {' '.join(words)}"


def bridges(plan: Plan) -> dict[str, int]:
    """The distinct options of bridges, as in ip-link(8), with an index for each."""
    every = chain.from_iterable(links.values() for links in _all_links(plan).values())
    options = dict.fromkeys(link.options for link in every if link.kind == "bridge")
    return {text: number for number, text in enumerate(options)}


def _links(plan: Plan) -> Iterator[tuple[str, str]]:
    numbers = bridges(plan)
    for namespace, links in _all_links(plan).items():
        yield from ((namespace, f"mark {links['lo'].alias}"),) if links["lo"].alias else ()
        yield from ((namespace, link.fact) for link in links.values())
        yield from ((namespace, link.underlain) for link in links.values() if link.underlain)
        for link in links.values():
            if link.kind == "bridge":
                yield namespace, f"bridge {link.name} {numbers[link.options]}"
            if link.bridge:
                yield namespace, f"port {link.name} {numbers[links[link.bridge].options]}"


def _all_links(plan: Plan) -> dict[str, dict[str, _Link]]:
    """The interfaces of each namespace by name."""
    found = {name: {"lo": _Link("lo", "loopback", LOOPBACK_MTU)} for name in plan.namespaces}
    for fact in plan.facts:
        match fact:
            case Veth(ends, mtu):
                for end, other in zip(ends, reversed(ends), strict=True):
                    link = _Link(end.name, "veth", mtu or DEFAULT_MTU, other.namespace)
                    found[end.namespace][end.name] = link
            case Tunnel(here, name, kind, mtu):
                found[here][name] = _Link(name, kind, mtu)
            case Vxlan(here, name, mtu):
                told = f"tunnel {name} vxlan {' '.join(underlain(fact))} ttl auto nolearning"
                found[here][name] = _Link(name, LinkKind.VXLAN, mtu, underlain=told)
            case Bond(here, name, mtu):
                found[here][name] = _Link(name, "bond", mtu)
            case BondLeg(here, name, bond):
                found[here][name].bond, found[here][name].up = bond, True
            case Teql(here, name, mtu):
                found[here][name] = _Link(name, LinkKind.TEQL, mtu)
            case Dummy(here, name):
                found[here][name] = _Link(name, "dummy", DEFAULT_MTU)
            case VlanDevice(here, name, parent):
                found[here][name] = _Link(name, "vlan", found[here][parent].mtu)
            case Vrf(here, name):
                found[here][name] = _Link(name, "vrf", VRF_MTU)
            case VrfPort(here, name, vrf):
                found[here][name].vrf = vrf
            case Bridge(here, name):
                found[here][name] = _Link(name, "bridge", DEFAULT_MTU, options=" ".join(tree(fact)))
            case Mark(here, lab):
                found[here]["lo"].alias, found[here]["lo"].up = mark(lab), True
            case Attached(here):
                found[here]["lo"].up = True
            case Up(here, name):
                if name in found[here]:  # else it is a device, which has a line of its own
                    found[here][name].up = True
            case BridgePort(here, name, bridge):
                found[here][name].bridge, found[here][name].up = bridge, True
            case Uplink(here):
                found[here][UPLINK] = _Link(UPLINK, "veth", DEFAULT_MTU, up=True)
            case Namespace() | Sysctl() | Qdisc() | OwnAddress() | Routes() | PolicyRule() | LocalRule():
                pass
            case (
                MptcpLimits()
                | MptcpEndpoint()
                | Nft()
                | Nat()
                | Masquerade()
                | NatIn()
                | PortForward()
                | Hairpin()
                | Marking()
                | Turns()
                | Mac()
                | Single()
                | Device()
                | Container()
                | PortVlan()
            ):
                pass
            case _:
                assert_never(fact)
    for links in found.values():
        for link in links.values():
            ports = [port.mtu for port in links.values() if port.bridge == link.name]
            link.mtu = min(ports, default=link.mtu)  # (br_mtu_auto_adjust of net/bridge/br_if.c)
    return found


LOOPBACK_MTU = 65536

VRF_MTU = 65575
"""That of the device of a VRF: the longest packet of IPv6 (IP6_MAX_MTU)."""


# --- queueing disciplines ---------------------------------------------------------------------------

Queues = dict[tuple[str, ...], int]
"""The distinct sets of queueing disciplines, as commands for `lo`, with an index for each."""


def queues(plan: Plan) -> tuple[Queues, Facts]:
    """All sets of queueing disciplines, and a line for each shaped interface."""
    own: dict[str, dict[str, tuple[str, ...]]] = {namespace: {} for namespace in plan.namespaces}
    for fact in plan.facts:
        if isinstance(fact, Qdisc):
            devices = own[fact.namespace]
            command = " ".join(qdisc(fact._replace(device="lo"), "add"))
            devices[fact.device] = (*devices.get(fact.device, ()), command)
    numbers: Queues = {}
    for devices in own.values():
        for commands in devices.values():
            numbers.setdefault(commands, len(numbers))
    return numbers, {
        namespace: [f"qdisc {device} {numbers[commands]}" for device, commands in devices.items()]
        for namespace, devices in own.items()
    }
