"""What a lab states, as things with attributes in the words of the language.

A thing is a node, a link, or what another statement says of some. What is inferred is no attribute of one.
"""

import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from compiler.compare.names import LinkKey, Names, addresses, sides
from compiler.ground.names import LOGICAL
from compiler.ground.units import format_rate, format_time
from compiler.model.events import Reshaping
from compiler.model.lab import Lab
from compiler.model.links import FORMS, InterfaceName, Link, LinkKind, Port, Shaping
from compiler.model.machines import Machine
from compiler.model.multipath import EndpointPin, Pair
from compiler.model.networks import Network
from compiler.model.nodes import Bridge, Container, Engine, Node, PortForward, Role
from compiler.model.routes import ExplicitHop, ExplicitRoute, SprayPair
from compiler.model.trials import Capture, Claim, Reachability, RoundTrip, Throughput

Attribute = tuple[str, str]
"""The name of an attribute, and the direction of a link that it is of, `a -> b`; or an empty text."""


class Thing(NamedTuple):
    """`key` is equal for the same thing in two labs, `said` is how a statement would begin; `nodes` are those
    that it is about."""

    key: tuple[object, ...]
    said: str
    attributes: dict[Attribute, str]
    nodes: tuple[str, ...] = ()


def things(lab: Lab, keys: Iterable[LinkKey], names: Names) -> dict[tuple[object, ...], Thing]:
    """All things of a lab by key, in the order of the kinds of statements."""
    found: dict[tuple[object, ...], Thing] = {}
    for one in _all(lab, keys, names):
        key, again = one.key, 1
        while key in found:
            key, again = (*one.key, again), again + 1
        found[key] = one._replace(key=key)
    return found


def _all(lab: Lab, keys: Iterable[LinkKey], names: Names) -> Iterator[Thing]:
    yield _lab(lab)
    yield from map(_machine, lab.machines)
    yield from (_node(node, lab, names) for node in lab.nodes)
    yield from (_link(link, key, lab, names) for link, key in zip(lab.links, keys, strict=True))
    yield from (_route(route, names) for route in lab.explicit_routes)
    yield from (_pair(pair, names) for pair in lab.pairs)
    yield from (_spray(spray, names) for spray in lab.sprays)
    yield from map(_port_forward, lab.port_forwards)
    yield from _devices(lab)
    if lab.uplink:
        out = lab.uplink
        yield _made(("uplink",), "uplink", (out.node,), node=out.node, to=out.card or "the default route")
    yield from _events(lab, names)
    yield from _trials(lab, names)


def _made(key: tuple[object, ...], said: str, nodes: Iterable[str], **attributes: str) -> Thing:
    return Thing(key, said, {(name, ""): value for name, value in attributes.items() if value}, tuple(nodes))


def _lab(lab: Lab) -> Thing:
    pools = " ".join(map(str, lab.pools))
    options = " aggregate" * lab.aggregate + " failover" * lab.failover
    routing = (
        ("daemon" if lab.daemon else "none") if lab.metric is None else f"shortest by {lab.metric}{options}"
    )
    return _made(("lab",), "lab", (), name=lab.name, pool=pools, routing=routing)


def _machine(machine: Machine) -> Thing:
    host = f"[{machine.host}]" if ":" in machine.host else machine.host
    return _made(
        ("machine", machine.name),
        f"machine {machine.name}",
        (),
        ssh=f"{machine.user}@" * (machine.user is not None) + host + f":{machine.port}" * bool(machine.port),
        address=str(machine.address),
        mtu=str(machine.mtu),
        rate=format_rate(machine.rate) if machine.rate else "",
    )


def _node(node: Node, lab: Lab, names: Names) -> Thing:
    made = _made(
        ("node", node.name),
        f"{node.role} {node.name}",
        (node.name,),
        netns=node.namespace if node.namespace != f"{lab.name}-{node.name}" else "",
        forward="" if node.forwards == (node.role is Role.ROUTER) else "on" if node.forwards else "off",
        address=_own_addresses(node),
        anycast=" ".join(sorted(str(own.address.ip) for own in node.anycast)),
        masquerade=_masquerade(node, names),
        private="yes" if node.private else "",
        place=node.machine,
        stp="on" if node.bridge and node.bridge.stp else "",
        subnet=_subnets(node.bridge) if node.bridge else "",
    )
    made.attributes.update({(f"sysctl {key}", ""): value for key, value in node.sysctls})
    if node.container:
        made.attributes.update({(name, ""): value for name, value in _started(node.container) if value})
    return made


def _subnets(bridge: Bridge) -> str:
    """The subnets of a switch, and of its VLANs."""
    of_vlans = sorted(f"{pin.network} vlan {number}" for number, pin in bridge.vlan_pins)
    return " ".join(filter(None, [_networks(pin.network for pin in bridge.pins), *of_vlans]))


def _started(container: Container) -> Iterator[tuple[str, str]]:
    """What a container is started with, its words as a shell quotes them."""
    yield "image", container.image
    yield "attach", container.attached
    yield "mptcpize", "on" if container.mptcpize else ""
    yield "command", "" if container.words is None else shlex.join(container.words)
    yield "env", " ".join(f"{key}={shlex.quote(value)}" for key, value in container.environment)
    yield "options", shlex.join(container.options)
    yield "engine", "" if container.engine is Engine.PODMAN else container.engine
    yield "ready", _ready(container.ready)


def _ready(ready: int | str | tuple[str, ...] | None) -> str:
    return shlex.join(ready) if isinstance(ready, tuple) else str(ready or "")


def _own_addresses(node: Node) -> str:
    """The addresses that the source pins, and `none` where the node has none of its own."""
    if node.role is Role.SWITCH:
        return ""
    pinned = [own for own in node.addresses if own.span != node.span]
    devices = dict.fromkeys(own.device for own in pinned)
    told = (
        addresses([own.address for own in pinned if own.device == device])
        + f" on {device}" * (device != "lo")
        for device in devices
    )
    return "none" if not (node.addresses or node.inferred_address) else " ".join(told)


def _masquerade(node: Node, names: Names) -> str:
    found = ((names.device(node.name, one.interface), one.version) for one in node.masquerade)
    out = sorted(f"{name} ipv{version}" if version else name for name, version in found)
    return f"out {' '.join(out)}" if out else ""


def _networks(found: Iterable[Network]) -> str:
    return " ".join(sorted(dict.fromkeys(map(str, found))))


def _end(port: Port, far: Port, names: Names) -> str:
    """An end of a link, with its interface unless that has the name which the compiler gives such an end."""
    name = names.end(port.id)
    inferred = (f"{port.node}:{before}{far.node}" for before in ("", *LOGICAL.values()))
    return port.node if name in inferred else name


def _link(link: Link, key: LinkKey, lab: Lab, names: Names) -> Thing:
    left, right = sides(link)
    statement = "tunnel" if link.tunnel else link.kind.value if link.bond else "link"
    said = f"{statement} {_end(left, right, names)} -- {_end(right, left, names)}"
    made = _made(
        ("link", *key),
        said,
        (left.node, right.node),
        kind=str(link.kind) if link.tunnel else "",
        via=_carriers(link, lab, names),
        mode=str(link.bond.mode) if link.bond and link.kind is LinkKind.BOND else "",
        over=_legs(link, names),
        vni=str(link.underlay.number) if link.underlay and link.underlay.pinned else "",
        vlan=str(link.access) if link.access else "",
        trunk=",".join(map(str, link.trunk)),
        mtu=str(link.mtu) if link.mtu else "",
        cost=str(link.cost) if link.cost != 1 else "",
        subnet=_networks(pin.network for pin in link.pins),
        private="yes" if link.private else "",
    )
    pinned = [pin.network for pin in link.pins]
    for near, far in ((left, right), (right, left)):
        own = lab.interfaces[near.id].addresses if near.id in lab.interfaces else ()
        if told := addresses([one for one in own if one.network in pinned]):
            made.attributes[f"address of {near.node}", ""] = told
        elif near.id in lab.interfaces and lab.interfaces[near.id].bare:
            made.attributes[f"address of {near.node}", ""] = "none"
        if near.vrf:
            made.attributes[f"vrf of {near.node}", ""] = near.vrf
        if near.mac:
            made.attributes[f"mac of {near.node}", ""] = near.mac
        direction = f"{near.node} -> {far.node}"
        made.attributes.update({(name, direction): value for name, value in shaped(near.shaping)})
    return made


def _carriers(link: Link, lab: Lab, names: Names) -> str:
    """The links that carry a tunnel, from the end that is first in order of name."""
    if link.tunnel is None:
        return ""
    ports = {port.id: port for one in lab.links for port in one.ends}
    found = [(ports[left], ports[right]) for left, right in link.tunnel.links]
    if sides(link)[0].id != link.left.id:
        found = [(right, left) for left, right in reversed(found)]
    return ", ".join(f"{_end(near, far, names)} -- {_end(far, near, names)}" for near, far in found)


def _legs(link: Link, names: Names) -> str:
    """The interfaces of a bond's legs, in their order, at the end that is first in order of name."""
    if link.bond is None:
        return ""
    is_left = sides(link)[0].id == link.left.id
    return " ".join(names.end(leg.left if is_left else leg.right) for leg in link.bond.legs)


INFERRED = ("queue", "burst")
"""The attributes that a direction with a rate has also where the source sets none."""


def shaped(shaping: Shaping) -> Iterator[tuple[str, str]]:
    """The attributes of a direction that the source sets, and their values."""
    for name in FORMS:
        if getattr(shaping, name) is not None and (name not in INFERRED or shaping.place(name)):
            yield name, " ".join(shaping.said(name))


def _route(route: ExplicitRoute, names: Names) -> Thing:
    target = names.end(route.target) if isinstance(route.target, InterfaceName) else str(route.target)
    via = ", ".join(sorted(_hop(route.source, hop, names) for hop in route.hops))
    dev = names.device(*route.device) if route.device else ""
    refusal = str(route.refusal) if route.refusal else ""
    turns = "yes" if route.per_packet else ""
    within = (f" vrf {route.vrf}" if route.vrf else "") + (f" from {route.within}" if route.within else "")
    metric = f" metric {route.metric}" if route.metric else ""
    key = ("route", f"{route.source}{within}", f"{target}{metric}")
    told = f"route {route.source}{within} to {target}{metric}"
    onward = {"via": via, "dev": dev, "type": refusal, "per-packet": turns}
    return _made(key, told, (route.source,), **onward)


def _hop(source: str, hop: ExplicitHop, names: Names) -> str:
    ends = sorted(id.node if id.name == source else names.end(id) for id in hop.interfaces)
    return " and ".join(ends) + (f" weight {hop.weight}" if hop.weight != 1 else "")


def _port_forward(one: PortForward) -> Thing:
    said = f"forward {one.node} {one.protocol} {one.port}"
    key = ("forward", one.node, one.protocol, one.port)
    return _made(key, said, (one.node, one.target), to=f"{one.target}:{one.to}")


def _pair(pair: Pair, names: Names) -> Thing:
    left, right = sorted((pair.left, pair.right))
    there = (pair.right, pair.left) if pair.client == pair.right else (pair.left, pair.right)
    said = f"mptcp {left} -- {right}" if pair.client is None else f"mptcp {' -> '.join(there)}"
    return _made(
        ("mptcp", left, right),
        said,
        (left, right),
        endpoints=", ".join(sorted(_endpoint(pin, names) for pin in pair.pins)),
        subflows="" if pair.subflows is None else str(pair.subflows),
        accept="" if pair.accept is None else str(pair.accept),
    )


def _endpoint(pin: EndpointPin, names: Names) -> str:
    port = [f"port {pin.port}"] if pin.port else []
    return " ".join([names.end(pin.interface), *pin.flags, *port])


def _spray(spray: SprayPair, names: Names) -> Thing:
    left, right = sorted((spray.left, spray.right)) if spray.both else (spray.left, spray.right)
    weights = sorted(
        f"{names.end(one.over) if isinstance(one.over, InterfaceName) else one.over} {one.weight}"
        for one in spray.weights
    )
    said = f"spray {left} {'--' if spray.both else '->'} {right}"
    return _made(("spray", *sorted((left, right))), said, sorted((left, right)), weights=" ".join(weights))


def _devices(lab: Lab) -> Iterator[Thing]:
    for device in lab.devices:
        said = f"device {device.interface}"
        commands = " ".join(shlex.quote(command) for command in device.commands)
        own = [one.address for one in device.addresses]
        nodes = (device.interface.node,)
        yield _made(("device", said), said, nodes, commands=commands, address=addresses(own))


def _events(lab: Lab, names: Names) -> Iterator[Thing]:
    far = {near.id: other for link in lab.links for near, other in link.directions}
    ports = {port.id: port for link in lab.links for port in link.ends}
    for event in lab.events:
        at = f"at {format_time(event.time)}"
        for change in event.changes:
            if isinstance(change, Reshaping):
                near, other = ports[change.interface], far[change.interface]
                said = f"{at} shape {_end(near, other, names)} -> {other.node}"
                yield _made(("at", said), said, (near.node, other.node), **dict(shaped(change.shaping)))
            else:
                left, right = sorted(change.link)
                ends = f"{_end(ports[left], ports[right], names)} -- {_end(ports[right], ports[left], names)}"
                said = f"{at} {'up' if change.up else 'down'} {ends}"
                yield _made(("at", said), said, (left.node, right.node))


def _trials(lab: Lab, names: Names) -> Iterator[Thing]:
    for one in lab.expectations:
        kind, value = _claim(one.claim)
        said = f"expect {one.source} -> {one.target} {kind}"
        yield _made(("expect", said), said, (one.source.node, one.target.node), **value)
    for bench in lab.benches:
        using = ", ".join(map(str, bench.transfers))
        said = f"bench {bench.source} -> {bench.target}"
        yield _made(
            ("bench", said),
            said,
            (bench.source.node, bench.target.node),
            using=using,
            capture=" ".join(_captured(one, names) for one in bench.captures),
            **{"for": format_time(bench.time)},
        )
    for run in lab.runs:
        environment = " ".join(f"{name}={value}" for name, value in run.environment)
        command = f"inside {shlex.join(run.command)}" if isinstance(run.command, tuple) else run.command
        said = f"run {run.node} {command}"
        yield _made(("run", said), said, (run.node,), env=environment, ready=_ready(run.ready))
    for capture in lab.captures:
        said = f"capture {names.end(capture.interface)}"
        yield _made(("capture", said), said, (capture.interface.node,), snap=str(capture.snap or ""))


def _captured(capture: Capture, names: Names) -> str:
    return names.end(capture.interface) + (f" snap {capture.snap}" if capture.snap else "")


def _claim(claim: Claim) -> tuple[str, dict[str, str]]:
    """The kind of a claim, and the value that it claims."""
    match claim:
        case Reachability(reachable):
            return "reachable" if reachable else "unreachable", {}
        case RoundTrip(least, most):
            return "rtt", {"within": f"{format_time(least)}..{format_time(most)}"}
        case Throughput(least, transfer):
            return f"rate using {transfer}", {"at least": format_rate(least)}
