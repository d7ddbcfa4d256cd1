"""Links towards switches that carry VLANs: access ports, trunks, and VLAN devices of hosts and routers."""

from compiler.ground.names import INTERFACE_BYTES
from compiler.language.sets import Pair, node_of
from compiler.model.links import InterfaceName, Link, Pin, Port
from compiler.model.segments import Interface
from compiler.model.vlans import device
from compiler.resolve.attributes import LinkAttributes, Values
from compiler.resolve.pinned import Addresses, Pinned, hosts_of, macs_of, pinned
from compiler.resolve.scope import Scope

Names = dict[InterfaceName, Port]


def pinned_of(read: LinkAttributes, pairs: list[Pair], values: Values, scope: Scope) -> list[Pinned]:
    """The pinned addresses of each link of a statement with `vlan` or `trunk`; none if it cannot have it."""
    if "vlan" in values and "trunk" in values:
        message = "a port is an access port of one VLAN, or a trunk of several"
        help = "leave out `vlan`, or `trunk`"
        scope.diagnostics.error("MPC549", message, values["vlan"].span, "and a trunk", help)
        return []
    name = "vlan" if "vlan" in values else "trunk"
    for left, right in pairs:
        ends = [node_of(word) for word in (left, right)]
        if all(end in scope.nodes for end in ends) and not any(end in scope.switches for end in ends):
            message = f"neither `{ends[0]}` nor `{ends[1]}` is a switch, so their link has no VLAN"
            help = f"a link towards a `switch` takes `{name}`"
            scope.diagnostics.error("MPC546", message, values[name].span, "no switch here", help)
            return []
    if name == "vlan":
        return pinned(read, pairs, scope)
    trunks = [_of_trunk(read, pairs, values, scope)] * len(pairs)
    if read.addresses and all(ends == (None,) for ends, _ in read.addresses):
        trunks = [Pinned(bare=hosts_of(pair, scope)) for pair in pairs]
    for macs, span in read.macs:
        found = zip(trunks, macs_of(macs, pairs, span, scope), strict=False)
        trunks = [own._replace(macs=more.macs) for own, more in found] or trunks
    return trunks


def _of_trunk(read: LinkAttributes, pairs: list[Pair], values: Values, scope: Scope) -> Pinned:
    """The addresses of a trunk's VLANs at the end that is no switch: of a family one for each, in order."""
    numbers, diagnostics = _numbers(values), scope.diagnostics
    if read.subnets:
        message = "a trunk has no subnet: each of its VLANs shares that of its broadcast domain"
        help = f"write `switch NAME subnet {read.subnets[0][0]} vlan {numbers[0]}`"
        diagnostics.error("MPC410", message, read.subnets[0][1], "a trunk", help)
        return Pinned()
    written = [own for ends, _ in read.addresses for own in ends]
    found: Addresses = tuple(own for own in written if own)
    if not found:
        return Pinned()
    counts = [sum(own.version == version for own in found) for version in {own.version for own in found}]
    ports = [node_of(word) in scope.switches for word in pairs[0]]
    if len(pairs) > 1 or all(ports) or None in written or any(count != len(numbers) for count in counts):
        message = f"a trunk of {len(numbers)} VLANs has one address of a family for each, at a host or router"
        help = f"write {len(numbers)} of `address A`, in the order of the VLANs, or none"
        diagnostics.error("MPC552", message, read.addresses[0][1], f"{len(found)} here", help)
        return Pinned()
    return Pinned((), found) if ports[0] else Pinned(found, ())


def _numbers(values: Values) -> tuple[int, ...]:
    found = values["trunk"].value
    assert isinstance(found, tuple)
    return found


def tagged(link: Link, values: Values, own: Pinned, scope: Scope, lowered: Names) -> Link:
    """A link as access port or as trunk; a host or router at its end has a device for each VLAN.

    `lowered` are the names of interfaces that are taken, in lower case.
    """
    if "vlan" in values:
        number = values["vlan"].value
        assert isinstance(number, int)
        return link._replace(access=number)
    numbers, pins = _numbers(values), list[tuple[int, Pin]]()
    for side, (end, addresses) in enumerate(zip(link.ends, own.ends, strict=True)):
        if end.node in scope.switches:
            continue
        del scope.interfaces[end.id]
        for place, number in enumerate(numbers):
            mine = _at(place, addresses)
            pins += ((number, Pin(one.network, values["trunk"].span)) for one in mine)
            versions = tuple(one.version for one in mine)
            made = Interface(device(end.id, number), mine, end.span, versions, side in own.bare)
            _add_device(made, end, number, scope, lowered)
    return link._replace(trunk=numbers, trunk_pins=tuple(pins))


def _at(place: int, addresses: Addresses) -> Addresses:
    """The addresses of one VLAN, by its place in the trunk."""
    families = ([one for one in addresses if one.version == version] for version in (4, 6))
    return tuple(own for family in families for own in family[place : place + 1])


def _add_device(made: Interface, end: Port, number: int, scope: Scope, lowered: Names) -> None:
    """Adds the VLAN device of a trunk, whose name has to be free, and no longer than the kernel takes.

    One whose name is not stays in the lab, as the end of a link, for what is examined after that.
    """
    id = made.id
    lower = InterfaceName(id.node, id.name.lower())
    if len(id.name) > INTERFACE_BYTES:
        message = f"`{id.name}` is too long for the device of VLAN {number} at `{id.node}`"
        help = f"name the interface, like `{id.node}:up`"
        scope.diagnostics.error("MPC207", message, end.span, f"over {INTERFACE_BYTES} characters", help)
    elif lower in lowered:
        message = f"`{id.node}` has two interfaces named `{id.name}`"
        help = f"name one of them otherwise, like `{id.node}:up`"
        scope.diagnostics.error("MPC208", message, end.span, "the device of a VLAN", help)
    lowered.setdefault(lower, end)
    scope.ports.setdefault(id, len(scope.links))
    scope.interfaces.setdefault(id, made)
