"""A plan as lines: what each namespace has to have, as drift.bash tells what it has."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_interface
from itertools import chain

from compiler.infer.shaping import DEFAULT_MTU
from compiler.plan.plan import Command, Plan, target
from compiler.scripts.braces import braces

Facts = dict[str, list[str]]
"""Lines by namespace."""

_FLAGS = ("signal", "subflow", "fullmesh", "backup", "laminar")

_COPIES = {
    "net.ipv4.ip_forward": ("net.ipv4.conf.*.forwarding",),
    "net.ipv4.conf.all.forwarding": ("net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding"),
    "net.ipv6.conf.all.forwarding": ("net.ipv6.conf.*.forwarding",),
    "net.ipv6.conf.all.disable_ipv6": ("net.ipv6.conf.*.disable_ipv6",),
}
"""The sysctls that the kernel sets when one is set."""


def facts(plan: Plan) -> Facts:
    """What each namespace has to have, but for its brief routes and its queueing disciplines."""
    found: dict[str, dict[str, str]] = {namespace: {} for namespace in plan.namespaces}
    told = ((command.namespace or "", _told(command, call)) for command, call in _calls(plan))
    processes = ((process.namespace, [f"process {process.name}"]) for process in plan.processes)
    for namespace, lines in chain(_links(plan), told, processes):
        for fact in lines:
            key = fact.partition(" = ")[0]
            found[namespace].pop(key, None)  # of a sysctl that is set twice, the last counts
            found[namespace][key] = fact
    return {namespace: list(lines.values()) for namespace, lines in found.items()}


def _calls(plan: Plan) -> Iterator[tuple[Command, tuple[str, ...]]]:
    for section in plan.sections:
        for command in section.commands:
            for call in () if command.brief else command.calls:
                yield command, call


def brief(plan: Plan) -> Facts:
    """The routes of each namespace that are told in short, a line for each next hop."""
    found: dict[str, dict[str, list[str]]] = {}
    for command in (command for section in plan.sections for command in section.commands if command.brief):
        for hop in _ways(command.rest):
            found.setdefault(command.namespace or "", {}).setdefault(hop, []).extend(command.each)
    return {
        namespace: [f'routes "{way}" {braces(targets)}' for way, targets in ways.items()]
        for namespace, ways in found.items()
    }


def _told(command: Command, arguments: tuple[str, ...]) -> Iterator[str]:
    """What one call of a command of a plan makes in its namespace, but for links."""
    match command.tool[0], *arguments:
        case "ip", "address", "add", address, "dev", device:
            yield from _address(address, device)
        case "ip", "route", "add", target, *rest:
            yield from (f"route {target} {way}" for way in _ways(rest))
        case "ip", "rule", "add", *rest:
            yield " ".join(("rule", *command.tool[1:], *rest))
        case "ip", "mptcp", "limits", "set", *rest:
            yield f"limits {' '.join(rest)}"
        case "ip", "mptcp", "endpoint", "add", address, *rest:
            yield f"endpoint {' '.join([address, *_flags(rest)])}"
        case "sysctl", setting:
            key, _, value = setting.partition("=")
            yield from (f"sysctl {name} = {_read_back(value)}" for name in (key, *_COPIES.get(key, ())))
        case "nft", "add", *words:
            yield from _table(words)
        case ("ip", "netns" | "link", *_) | ("tc", *_):
            return
        case _:
            raise AssertionError(command)


def _table(words: list[str]) -> Iterator[str]:
    """What nft(8) is told to add, as `nft list` tells it."""
    match words:
        case "table", *table:
            yield f"nft {' '.join(table)}"
        case "chain", *names, what:
            yield f"nft chain {' '.join(names)}"
            yield f"nft in {' '.join(names)}: {what.strip('{ }')}"
        case "rule", family, table, name, *rule:
            yield f"nft in {family} {table} {name}: {' '.join(rule)}"
        case _:
            raise AssertionError(words)


def _address(text: str, device: str) -> Iterator[str]:
    """An address, and the route that the kernel adds to the network that it is in."""
    yield f"address {text} dev {device}"
    own = ip_interface(text)
    if own.version == 6 or (device != "lo" and own.network.num_addresses > 1):
        yield f"connected {target(own.network)} dev {device}"


def _read_back(value: str) -> str:
    """A value of a sysctl as the kernel tells it: in single spaces, and all numbers as decimal ones."""
    octal, hexadecimal = re.compile("0[0-7]+"), re.compile("0[xX][0-9a-fA-F]+")
    numbers = (
        (word, 8 * bool(octal.fullmatch(word)) or 16 * bool(hexadecimal.fullmatch(word)))
        for word in value.split()
    )
    return " ".join(str(int(word, base)) if base else word for word, base in numbers)


def _ways(words: Sequence[str]) -> Iterator[str]:
    """The next hops of a route, each after its table and before what else is said of it.

    Interfaces may be called like any of these words: all but `nexthop` and `onlink` have a value. Of several
    next hops each has its flags, and of one the route.
    """
    hops: list[dict[str, str]] = [{}]
    common: dict[str, str] = {}
    place = 0
    while place < len(words):
        match words[place : place + 2]:
            case "nexthop", *_:
                hops.append({"weight": "1"})
                place += 1
            case "onlink", *_:
                hops[-1]["onlink"] = ""
                place += 1
            case key, value:
                (hops[-1] if key in ("via", "dev", "weight") else common)[key] = value
                place += 2
    table = [("table", common.pop("table"))] if "table" in common else []
    for hop in filter(None, hops):
        own = [(key, hop[key]) for key in ("via", "dev", "weight") if key in hop]
        flags = ["onlink"] if "onlink" in hop else []
        pairs = (*table, *own), tuple(common.items())
        first, last = ([word for pair in part for word in pair] for part in pairs)
        yield " ".join([*first, *flags, *last] if "weight" in hop else [*first, *last, *flags])


def _flags(words: list[str]) -> Iterator[str]:
    """What is said of an endpoint: its interface, which may be called like a flag; the flags in one order."""
    device, rest = words[:2], words[2:]
    yield from (*device, *(word for word in rest if word not in _FLAGS))
    yield from (flag for flag in _FLAGS if flag in rest)


# --- links ------------------------------------------------------------------------------------------


@dataclass
class _Link:
    """An interface, as all commands together make it."""

    name: str
    kind: str
    mtu: int
    to: str = ""
    """The namespace at its other end."""
    options: str = ""
    """Those of a bridge."""
    up: bool = False
    alias: str = ""
    bridge: str = ""
    """That of which it is a port."""

    @property
    def fact(self) -> str:
        state = "up" if self.up else "down"
        words = (state, *["noarp"] * (self.kind == "dummy"))
        words += (
            *([f"master {self.bridge}"] if self.bridge else []),
            *([f"to {self.to}"] if self.to else []),
        )
        return f"link {self.name} mtu {self.mtu} {' '.join(words)}"


def bridges(plan: Plan) -> dict[str, int]:
    """The ways in which bridges are made, by the options of ip-link(8), by their number."""
    every = chain.from_iterable(links.values() for links in _all_links(plan).values())
    options = dict.fromkeys(link.options for link in every if link.kind == "bridge")
    return {text: number for number, text in enumerate(options)}


def _links(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    numbers = bridges(plan)
    for namespace, links in _all_links(plan).items():
        facts = [f"mark {links['lo'].alias}", *(link.fact for link in links.values())]
        for link in links.values():
            if link.kind == "bridge":
                facts.append(f"bridge {link.name} {numbers[link.options]}")
            if link.bridge:
                facts.append(f"port {link.name} {numbers[links[link.bridge].options]}")
        yield namespace, facts


def _all_links(plan: Plan) -> dict[str, dict[str, _Link]]:
    """The links of each namespace, by their names."""
    found = {name: {"lo": _Link("lo", "loopback", LOOPBACK_MTU)} for name in plan.namespaces}
    for command, call in _calls(plan):
        match call:
            case "link", "add", *words:
                for namespace, link in _added(words):
                    found[namespace][link.name] = link
            case "link", "set", "dev", name, *words:
                _set(found[command.namespace or ""][name], words)
    for links in found.values():
        for link in links.values():
            ports = [port.mtu for port in links.values() if port.bridge == link.name]
            link.mtu = min(ports, default=link.mtu)  # (br_mtu_auto_adjust of net/bridge/br_if.c)
    return found


LOOPBACK_MTU = 65536


def _added(words: list[str]) -> Iterator[tuple[str, _Link]]:
    """The links that one `link add` makes, each in its namespace; the peer of each is the other."""
    split = next((place for place in range(0, len(words), 2) if words[place] == "peer"), len(words))
    ends = [dict(zip(end[::2], end[1::2], strict=True)) for end in (words[:split], words[split + 1 :]) if end]
    kind = ends[0].pop("type")
    for end, other in zip(ends, reversed(ends), strict=True):
        name, mtu = end.pop("name"), int(end.pop("mtu", DEFAULT_MTU))
        options = " ".join(f"{key} {value}" for key, value in end.items() if key != "netns")
        yield end["netns"], _Link(name, kind, mtu, other["netns"] if len(ends) > 1 else "", options)


def _set(link: _Link, words: list[str]) -> None:
    """What one `link set` makes of a link."""
    match words:
        case "master", bridge, *rest:
            link.bridge = bridge
            _set(link, rest)
        case "alias", alias, *rest:
            link.alias = alias
            _set(link, rest)
        case "up", *rest:
            link.up = True
            _set(link, rest)
        case [_, *_]:
            raise AssertionError(words)


# --- queueing disciplines ---------------------------------------------------------------------------

Queues = dict[tuple[str, ...], int]
"""Ways to shape an interface, as commands for `lo`, by their number."""


def queues(plan: Plan) -> tuple[Queues, Facts]:
    """All ways to shape an interface, and a line for each interface that is shaped."""
    own: dict[str, dict[str, tuple[str, ...]]] = {namespace: {} for namespace in plan.namespaces}
    for command, call in _calls(plan):
        if command.tool == ("tc",):
            device = call[3]
            devices = own[command.namespace or ""]
            devices[device] = (*devices.get(device, ()), " ".join((*call[:3], "lo", *call[4:])))
    numbers: Queues = {}
    for devices in own.values():
        for commands in devices.values():
            numbers.setdefault(commands, len(numbers))
    return numbers, {
        namespace: [f"qdisc {device} {numbers[commands]}" for device, commands in devices.items()]
        for namespace, devices in own.items()
    }
