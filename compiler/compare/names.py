"""The links of two labs that are the same, and what interfaces and addresses are called."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.links import InterfaceName, Link, Port
from compiler.model.networks import Address, AddressWithPrefix, Network, PerNetwork

LinkKey = tuple[str, str, bool, int]
"""A link: its two nodes in order of name, whether it is a tunnel, and a number among those alike."""


class Matched(NamedTuple):
    """The keys of the links of two labs, in their order; those of the same link are equal.

    `renamed` are the old interfaces that have another name, with the new one. `gone` are old interfaces of
    which another one has the name now, with a name that none has.
    """

    old: tuple[LinkKey, ...]
    new: tuple[LinkKey, ...]
    renamed: Mapping[InterfaceName, InterfaceName]
    gone: Mapping[InterfaceName, InterfaceName]


def matched(old: Lab, new: Lab) -> Matched:
    """Links between the same nodes are the same if their interfaces have the same names; of others, if they
    are shaped alike, best with one interface of the same name; of those left, by their order.
    """
    before, after = _between(old), _between(new)
    keys: tuple[dict[int, LinkKey], dict[int, LinkKey]] = {}, {}
    renamed: dict[InterfaceName, InterfaceName] = {}
    for ends in {**before, **after}:
        couples = _couples(old, new, before.get(ends, []), after.get(ends, []))
        for number, (left, right) in enumerate(couples):
            key = (*ends, number)
            if left is not None:
                keys[0][left] = key
            if right is not None:
                keys[1][right] = key
            if left is not None and right is not None:
                both = zip(sides(old.links[left]), sides(new.links[right]), strict=True)
                renamed |= {one.id: other.id for one, other in both if one.id != other.id}
    first, second = (tuple(own[place] for place in sorted(own)) for own in keys)
    taken, known = set(renamed.values()), set(second)
    alone = [link for key, link in zip(first, old.links, strict=True) if key not in known]
    lost = sorted(end.id for link in alone for end in link.ends if end.id in taken)
    gone = {id: id._replace(name=f"{id.name} (old)") for id in lost}
    return Matched(first, second, renamed, gone)


def _between(lab: Lab) -> dict[tuple[str, str, bool], list[int]]:
    """The links by index, by what two of the same have in common."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    for place, link in enumerate(lab.links):
        left, right = sides(link)
        found.setdefault((left.node, right.node, link.tunnel is not None), []).append(place)
    return found


def _couples(
    old: Lab, new: Lab, before: list[int], after: list[int]
) -> Iterator[tuple[int | None, int | None]]:
    """The links between two nodes, each old one with the same one in new; or None."""
    for key in (_names, _left, _right, _shapings, _anything):
        waiting: dict[object, list[int]] = {}
        for place in before:
            waiting.setdefault(key(old.links[place]), []).append(place)
        for place in after:
            if found := waiting.get(key(new.links[place])):
                same = found.pop(0)
                yield same, place
                before = [one for one in before if one != same]
                after = [one for one in after if one != place]
    yield from ((place, None) for place in before)
    yield from ((None, place) for place in after)


def _names(link: Link) -> object:
    return link.identity


def _left(link: Link) -> object:
    return sides(link)[0].id, _shapings(link)


def _right(link: Link) -> object:
    return sides(link)[1].id, _shapings(link)


def _shapings(link: Link) -> object:
    return link.mtu, link.cost, *(end.shaping._replace(places=()) for end in sides(link))


def _anything(link: Link) -> object:
    return link.tunnel is None


def sides(link: Link) -> tuple[Port, Port]:
    """The ends of a link in order of name."""
    return link.ends if link.left.id <= link.right.id else (link.right, link.left)


class Names:
    """What one lab's interfaces, addresses and networks are called; old interfaces by their new names."""

    def __init__(self, lab: Lab, renamed: Mapping[InterfaceName, InterfaceName]) -> None:
        self.renamed = renamed
        self.owners: dict[Address, str] = {}
        self.networks: dict[Network, str] = {}
        for node in lab.nodes:
            self.owners |= {own.address.ip: node.name for own in node.addresses}
        for end in lab.interfaces.values():
            self.owners |= {own.ip: self.end(end.id) for own in end.addresses if own.ip not in lab.shared}
        for segment in lab.segments:
            name = " -- ".join(sorted(end.node for end in segment.ends))
            name = f"the subnet of {segment.identity}" if segment.switches else name
            for network in {own.network for end in segment.ends for own in end.addresses}:
                self.networks.setdefault(network, name)
        self.targets = PerNetwork(self.network)

    def end(self, id: InterfaceName) -> str:
        return str(self.renamed.get(id, id))

    def device(self, node: str, interface: str) -> str:
        """The name of an interface within its node."""
        return self.renamed.get(InterfaceName(node, interface), InterfaceName(node, interface)).name

    def address(self, address: Address) -> str:
        return self.owners.get(address, str(address))

    def network(self, network: Network) -> str:
        """A route's target: the node, interface or link whose it is, or the prefix."""
        if network.prefixlen == 0:
            return "default"
        if network.num_addresses == 1:
            return self.address(network.network_address)
        return self.networks.get(network, str(network))


def addresses(found: Iterable[AddressWithPrefix]) -> str:
    """Addresses as text, each of a whole prefix length without it."""
    return " ".join(
        str(one.ip if one.network.prefixlen == one.max_prefixlen else one) for one in sorted(found, key=_rank)
    )


def _rank(one: AddressWithPrefix) -> tuple[int, int]:
    return one.version, int(one)
