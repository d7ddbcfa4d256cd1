"""The paths of packets from one node to an address, and the probability of each for a flow.

Among equal next hops, a hash of the flow's addresses and ports chooses. The node that sends a flow has its
own hash; all routers that forward it have the same one, over the same fields and with one secret of the
kernel. So the choice of the first router constrains those of later ones (measured: of the four paths through
two stages of two, flows take two). Nodes that hash other fields have other hashes (`kernel.Hash`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise, product

from compiler.model.links import InterfaceName
from compiler.model.networks import Address
from compiler.model.routes import Nexthop, Spray
from compiler.prediction.kernel import Hash
from compiler.prediction.lookup import Choices, Crossing, Lookup

MOST_WAYS = 64
"""The most paths of a flow that are followed."""


class Fate(StrEnum):
    """How a way ends, in words that go on with the node."""

    DELIVERED = "delivered at"
    NO_ROUTE = "no route at"
    NOT_FORWARDED = "not forwarded by"
    FILTERED = "dropped by the reverse path filter of"
    LOOP = "in a circle at"
    BLACKHOLE = "lost by a blackhole route of"
    UNREACHABLE = "refused by an unreachable route of"
    PROHIBIT = "refused by a prohibit route of"
    LOST = "lost, like all packets, by a link of"
    ELSEWHERE = "taken for its own by"
    UNKNOWN = "not known beyond"


Bounds = tuple[Fraction, Fraction]
"""An interval of a hash, as fractions of its range."""

ALL: Bounds = (Fraction(0), Fraction(1))

Draws = tuple[tuple[Hash, Bounds], ...]
"""The intervals that hashes are in if a way is taken, in the order of first use."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A source address that a masquerading node has replaced; the node reverses that for answers."""

    node: str
    address: Address
    original: Address


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a packet: the links that it crosses, how and where it ends, and its share of flows.

    `source` and `target` are the packet's addresses as the target sees them.
    """

    source: Address | None
    target: Address
    crossings: tuple[Crossing, ...]
    share: Fraction
    fate: Fate
    at: str
    translations: tuple[Translation, ...] = ()
    fixed: Draws = ()
    """The conditions on hashes that are the same for all flows between two addresses."""
    drawn: Draws = ()
    """The conditions on hashes that are the same for all packets of a flow, with those of `fixed`."""
    turns: Fraction = Fraction(1)
    """The share of packets of such a flow that take this way, as sprays split flows."""

    @property
    def chance(self) -> Fraction:
        """The probability that flows between these two addresses can take this way."""
        return share_of(self.fixed)

    @property
    def delivered(self) -> bool:
        return self.fate is Fate.DELIVERED

    @property
    def links(self) -> tuple[InterfaceName, ...]:
        return tuple(crossing.link for crossing in self.crossings)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes on the path, with both ends."""
        first = (self.crossings[0].out.node,) if self.crossings else (self.at,)
        return *first, *(crossing.into.node for crossing in self.crossings)


@dataclass(frozen=True, slots=True)
class _Packet:
    """A packet that has come to a node; `draws` are those of the nodes behind it."""

    node: str
    source: Address | None
    target: Address
    crossings: tuple[Crossing, ...] = ()
    draws: Draws = ()
    device: str | None = None
    translations: tuple[Translation, ...] = ()
    seen: frozenset[tuple[str, str | None, Address]] = frozenset()

    @property
    def incoming(self) -> str | None:
        return self.crossings[-1].into.name if self.crossings else None


def ways(
    lookup: Lookup,
    node: str,
    target: Address,
    source: Address | None = None,
    device: str | None = None,
    translations: Iterable[Translation] = (),
    most: int = MOST_WAYS,
) -> tuple[Way, ...]:
    """The ways of a packet that a node sends, at most `most`; `translations` are reversed for replies."""
    undo = {(made.node, made.address): made.original for made in translations}
    found: list[Way] = []
    waiting = [_Packet(node, source, target, device=device)]
    while waiting and len(found) < most:
        packet = waiting.pop()
        original = undo.get((packet.node, packet.target))
        if original is not None and original != packet.target:
            packet = replace(packet, target=original)
        if lookup.losing and (lost := _losing(lookup, packet)):
            found.append(replace(_ended(packet, Fate.LOST), at=lost.node))
        elif fate := _fate(lookup, packet):
            found.append(_ended(packet, fate))
        else:
            onward = list(_onward(lookup, packet))
            found += [] if onward else [_ended(packet, _without_a_way(lookup, packet))]
            waiting += reversed(onward)
    return tuple(found)


def meant(lookup: Lookup, node: str, found: Iterable[Way]) -> tuple[Way, ...]:
    """Ways of packets for a node, which may end at another: one with its address in a private network."""
    return tuple(
        replace(way, fate=Fate.ELSEWHERE) if way.delivered and not _is_meant(lookup, node, way) else way
        for way in found
    )


def _is_meant(lookup: Lookup, node: str, way: Way) -> bool:
    """Whether packets on a way come to a node, or to an address that is meant to be that of several."""
    return way.at == node or way.target in lookup.anycast


def cases(found: Sequence[Way]) -> Iterator[tuple[float, list[tuple[int, float]]]]:
    """The cases of the hashes that flows between two addresses share, with their probabilities.

    Each case has the indices of the ways that are open to flows, with the share of flows on each.
    """
    for cell, places in cells([way.fixed for way in found]):
        yield (
            float(share_of(cell)),
            [(place, float(found[place].share / found[place].chance)) for place in places],
        )


def cells(found: Sequence[Draws]) -> Iterator[tuple[Draws, list[int]]]:
    """A partition of the hashes' ranges into cells with the same open ways, with the indices of these."""
    bounds: dict[Hash, set[Fraction]] = {}
    for draws in found:
        for chosen_by, between in draws:
            bounds.setdefault(chosen_by, {*ALL}).update(between)
    for cell in product(*(pairwise(sorted(edges)) for edges in bounds.values())):
        drawn = dict(zip(bounds, cell, strict=True))
        places = [
            place
            for place, draws in enumerate(found)
            if all(low <= drawn[key][0] and drawn[key][1] <= high for key, (low, high) in draws)
        ]
        if places:
            yield tuple(drawn.items()), places


def _ended(packet: _Packet, fate: Fate) -> Way:
    return Way(
        packet.source,
        packet.target,
        packet.crossings,
        share_of(packet.draws),
        fate,
        packet.node,
        packet.translations,
        tuple(draw for draw in packet.draws if not draw[0].per_flow),
        tuple(draw for draw in packet.draws if not draw[0].per_packet),
        share_of(draw for draw in packet.draws if draw[0].per_packet),
    )


def share_of(draws: Iterable[tuple[Hash, Bounds]]) -> Fraction:
    """The probability that all hashes are in their intervals."""
    share = Fraction(1)
    for _, (low, high) in draws:
        share *= high - low
    return share


def _fate(lookup: Lookup, packet: _Packet) -> Fate | None:
    """How a packet ends at its current node; None if it is sent on."""
    incoming = packet.incoming
    if incoming and lookup.filtered(packet.node, incoming, packet.source, packet.target):
        return Fate.FILTERED
    if packet.target in lookup.own[packet.node]:
        return Fate.DELIVERED
    if incoming and not lookup.kernel(packet.node).forwards(packet.target.version, incoming):
        return Fate.NOT_FORWARDED
    return Fate.LOOP if (packet.node, incoming, packet.target) in packet.seen else None


def _without_a_way(lookup: Lookup, packet: _Packet) -> Fate:
    """How a packet ends that its node does not send on."""
    refused = lookup.refused(packet.node, packet.target, packet.source, packet.incoming)
    if refused:
        return Fate[refused.name]
    return Fate.UNKNOWN if packet.node in lookup.open else Fate.NO_ROUTE


def _losing(lookup: Lookup, packet: _Packet) -> InterfaceName | None:
    """The first crossed link that loses all packets, if any."""
    return next((crossing.link for crossing in packet.crossings if crossing.link in lookup.losing), None)


def _onward(lookup: Lookup, packet: _Packet) -> Iterator[_Packet]:
    """The packet at each next node that it can be sent to."""
    if spray := lookup.spray(packet.node, packet.target, packet.incoming):
        packet = _with_only_source(lookup, packet)
        if turns := _turns(lookup, packet, spray):
            for drawn, choices in turns:
                yield from _chosen(lookup, drawn, choices)
            return
    choices = lookup.choices(packet.node, packet.target, packet.source, packet.incoming, packet.device)
    yield from _chosen(lookup, packet, choices)


def _with_only_source(lookup: Lookup, packet: _Packet) -> _Packet:
    """The packet with the source address that its node chooses, if that does not depend on a hash."""
    if packet.source is not None:
        return packet
    choices = lookup.choices(packet.node, packet.target, None, packet.incoming, packet.device)
    sources = {lookup.source_address(packet.node, hop) for hop in choices}
    return replace(packet, source=sources.pop()) if len(sources) == 1 else packet


def _turns(lookup: Lookup, packet: _Packet, spray: Spray) -> list[tuple[_Packet, Choices]]:
    """The packets of a sprayed flow by next hop, with the choices for each.

    Empty if all packets have the same choices: before the source is chosen, or if earlier rules apply.
    """
    if packet.source is None:
        return []
    to = packet.node, packet.target, packet.source, packet.incoming, packet.device
    found = [(turn.hop.weight, lookup.choices(*to, mark=turn.table)) for turn in spray.turns]
    if all(choices == found[0][1] for _, choices in found):
        return []
    name = f"turn of {packet.node} {packet.incoming or ''} {spray.target}"
    turns, passed = [], 0
    for weight, choices in found:
        begin, passed = passed, passed + weight
        total = sum(weight for weight, _ in found)
        in_turn = Hash(name, per_flow=True, per_packet=True)
        if drawn := _drawn(packet, in_turn, Fraction(begin, total), Fraction(passed, total)):
            turns.append((drawn, choices))
    return turns


def _chosen(lookup: Lookup, packet: _Packet, choices: Choices) -> Iterator[_Packet]:
    """The packet at each next node that a hash can choose."""
    total, passed = sum(hop.weight for hop in choices), 0
    if len(choices) == 1:
        yield from _sent(lookup, packet, choices[0])
        return
    begins, bound = not packet.crossings, packet.source is not None
    chosen_by = lookup.kernel(packet.node).hash_of(packet.target.version, begins=begins, bound=bound)
    for hop in choices:
        begin, passed = Fraction(passed, total), passed + hop.weight
        if drawn := _drawn(packet, chosen_by, begin, Fraction(passed, total)):
            yield from _sent(lookup, drawn, hop)


def _drawn(packet: _Packet, chosen_by: Hash, begin: Fraction, end: Fraction) -> _Packet | None:
    """The packet of the flows whose hash is between two bounds; None if there are none."""
    draws = dict(packet.draws)
    low, high = draws.get(chosen_by, ALL)
    low, high = max(low, begin), min(high, end)
    return replace(packet, draws=tuple((draws | {chosen_by: (low, high)}).items())) if low < high else None


def _sent(lookup: Lookup, packet: _Packet, hop: Nexthop) -> Iterator[_Packet]:
    """The packet after it has left its node by a next hop."""
    if packet.source is None:
        yield from _with_source(lookup, packet, hop)
        return
    out = lookup.leaving(packet.node, hop.interface)
    found = lookup.ways(out, hop.via)
    packet = _masqueraded(lookup, packet, hop)
    seen = packet.seen | {(packet.node, packet.incoming, packet.target)}
    for place, crossed in enumerate(found):
        bounds = Fraction(place, len(found)), Fraction(place + 1, len(found))
        drawn = _drawn(packet, lookup.choice_of_leg(out), *bounds) if len(found) > 1 else packet
        if drawn:
            crossings = (*packet.crossings, *crossed)
            yield replace(drawn, node=crossed[-1].into.node, crossings=crossings, seen=seen, device=None)


def _with_source(lookup: Lookup, packet: _Packet, hop: Nexthop) -> Iterator[_Packet]:
    """The packet after its node has chosen the source address, with which routes are looked up again.

    If the choice stays the same (no rule selects the address), the packet is sent.
    """
    packet = replace(packet, source=lookup.source_address(packet.node, hop))
    if packet.source is None:
        return
    again = lookup.choices(packet.node, packet.target, packet.source, None, packet.device)
    if hop in again and not lookup.spray(packet.node, packet.target, None):
        yield from _sent(lookup, packet, hop)
    else:
        yield from _onward(lookup, packet)


def _masqueraded(lookup: Lookup, packet: _Packet, hop: Nexthop) -> _Packet:
    masquerades = lookup.nodes[packet.node].masquerade
    if packet.source is None or not any(one.covers(hop.interface, hop.via.version) for one in masquerades):
        return packet
    address = lookup.interface_address(packet.node, hop)
    if address is None or address == packet.source:
        return packet
    made = Translation(packet.node, address, packet.source)
    return replace(packet, source=address, translations=(*packet.translations, made))
