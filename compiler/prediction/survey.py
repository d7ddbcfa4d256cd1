"""Notes on a whole lab: unreachable nodes, asymmetric paths, and subflows that some kernels refuse.

`mpc check` reports them. They are no warnings, as a lab may be so on purpose. Findings that are alike for
many nodes are one note.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from compiler.ground.diagnostics import Diagnostics, listed
from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.model.vlans import whole_of
from compiler.prediction import anycast, idle, outages, passed, turns
from compiler.prediction.causes import barred, blocked, lost, mend, why
from compiler.prediction.groups import MOST_NAMES, Apart, Groups, places
from compiler.prediction.inbound import Bits
from compiler.prediction.joins import refusals
from compiler.prediction.predict import Predictor
from compiler.prediction.quantities import times
from compiler.prediction.reach import Reach, arrives

MOST = 5
"""The most notes of one code and family; the last one counts the remaining pairs."""


def survey(lab: Lab, diagnostics: Diagnostics) -> None:
    """Adds the notes. Of events, only those that part pairs are considered; of routes that a daemon makes,
    none."""
    _tell_devices(lab, diagnostics)
    if lab.daemon:
        tell_daemon(lab, diagnostics)
        return
    if lab.metric is None and not lab.explicit_routes:
        _without_routes(lab, diagnostics)
        return
    predictor = Predictor(lab)
    anycast.tell(lab, predictor.lookup, diagnostics)
    passed.tell(lab, predictor.lookup, diagnostics)
    found = {version: Reach(lab, predictor.lookup, version) for version in lab.versions}
    apart = _without_a_family_in_common(lab, list(found.values()))
    alike = len({tuple(reach.unreached) for reach in found.values()}) == 1
    for reach in list(found.values())[: 1 if alike else None]:
        over = "" if alike else f" over IPv{reach.version}"
        _Unreached(predictor, reach, apart, over, diagnostics).tell()
    for reach in found.values():
        _tell_uneven(lab, reach, diagnostics)
        _tell_extent(lab, reach, diagnostics)
    for reach in found.values():
        _tell_entries(lab, reach, diagnostics)
    if turns.has_turns(lab):
        turns.note(predictor, diagnostics)
    if lab.events:
        outages.tell(lab, found, diagnostics)
    idle.tell(predictor, diagnostics)
    _tell_refusals(predictor, diagnostics)


def _tell_devices(lab: Lab, diagnostics: Diagnostics) -> None:
    """Adds a note on what commands make, if they make anything, which nothing here takes into account."""
    if not lab.devices:
        return
    named = listed((f"`{device.interface}`" for device in lab.devices), MOST_NAMES)
    help = "commands may do anything; what is said of all else holds as far as they leave it as it is"
    message = f"nothing is predicted of packets by {named}"
    diagnostics.note("MPC765", message, lab.devices[0].span, "made by commands", help)


def tell_daemon(lab: Lab, diagnostics: Diagnostics) -> None:
    """Notes that the routes of a daemon are not predicted."""
    message = "the routes of a daemon are not predicted: who reaches whom, by which links, and how fast"
    help = "`expect` says what is to hold, and `mpc check --live` tries it"
    diagnostics.note("MPC751", message, lab.span, "has `routing daemon`", help)


def _without_routes(lab: Lab, diagnostics: Diagnostics) -> None:
    """Without inferred and explicit routes, a node reaches only what it shares a link with."""
    near: dict[str, set[str]] = {node.name: set() for node in lab.ip_nodes}
    for segment in lab.segments:
        for name in segment.nodes:
            near[name] |= segment.nodes
    with_addresses = [node for node in lab.ip_nodes if node.addresses]
    beyond = any(len(found) < len(near) for found in near.values() if found)
    if len(lab.ip_nodes) > 1 and (with_addresses or beyond):
        message = "no node reaches another one"
        message += "'s own address" if with_addresses else " that is not on a link of its own"
        help = "write `route`, or leave `routing none` out"
        diagnostics.note("MPC740", message, lab.span, "has no routes", help)


def _without_a_family_in_common(lab: Lab, found: Sequence[Reach]) -> list[Bits]:
    """For each node with a family, the nodes with which it has no address family in common."""
    sets = [sum(1 << reach.places[name] for name in reach.members) for reach in found]
    if len(sets) < 2:
        return [0] * len(lab.ip_nodes)
    everybody, met = sets[0] | sets[1], []
    for place in range(len(lab.ip_nodes)):
        own = [members for members in sets if members >> place & 1]
        met.append(everybody & ~(own[0] | own[-1]) if own else 0)
    return met


class _Unreached:
    """The pairs of nodes that do not reach each other in one family, or in all alike."""

    def __init__(
        self, predictor: Predictor, reach: Reach, apart: Sequence[Bits], over: str, diagnostics: Diagnostics
    ) -> None:
        self.predictor = predictor
        self.lab = predictor.lab
        self.reach = reach
        self.over = over
        self.diagnostics = diagnostics
        self.rows = [row | more for row, more in zip(reach.unreached, apart, strict=True)]
        linked = {end.node for link in self.lab.links for end in link.ends}
        linked -= predictor.lookup.open  # what passes there is not known
        alone = sum(1 << place for name, place in reach.places.items() if name not in linked)
        self.rows = [0 if alone >> place & 1 else row & ~alone for place, row in enumerate(self.rows)]
        if self.lab.sites.inside:
            self._leave_out_hidden()

    def _leave_out_hidden(self) -> None:
        """Leaves out that nodes outside of a site do not reach those inside, as that is what is written."""
        inside: dict[str, Bits] = {}
        for name in self.lab.sites.inside:
            site = self.lab.sites.of[name]
            inside[site] = inside.get(site, 0) | 1 << self.reach.places[name]
        everybody = sum(inside.values())
        for name, place in self.reach.places.items():
            self.rows[place] &= ~everybody | inside.get(self.lab.sites.of.get(name, ""), 0)

    def tell(self) -> None:
        symmetric = not (self.reach.examined or self.lab.sites.inside)
        groups = Groups(self.lab, len(self.reach.members), self.rows, symmetric=symmetric)
        self._tell(groups, groups.mutual(), groups.both, mutual=True)
        self._tell(groups, groups.directed(), groups.one_way, mutual=False)

    def _tell(self, groups: Groups, found: Iterator[Apart], rows: list[Bits], *, mutual: bool) -> None:
        for apart in islice(found, MOST):
            source, target = groups.example(apart)
            label, help = self._cause(source, target)
            node = self.predictor.lookup.nodes[source]
            self.diagnostics.note("MPC740", f"{groups.sentence(apart)}{self.over}", node.span, label, help)
        if more := sum(row.bit_count() for row in rows):
            message = (
                f"{more // 2 if mutual else more} more pairs of nodes do not reach each other{self.over}"
            )
            self.diagnostics.note("MPC740", message, self.lab.span, "besides those that are named", "")

    def _cause(self, source: str, target: str) -> tuple[str, str]:
        """The cause and the fix for a node that does not reach another."""
        version = self.reach.version
        if not self.predictor.lookup.own[source] or not self.reach.targets(source, target):
            return "has no address in common with the other", ""
        between = blocked(self.predictor.graphs[version], source, target)
        if between is None:
            unlinked = "no links lead from one to the other", "`link` them, or nodes that they reach"
            return self._apart_by_vrfs(source, target) or unlinked
        if between:
            return barred(between, MOST_NAMES)
        for address in self.reach.targets(source, target):
            for trip in self.predictor.between(source, target, address).trips:
                if not arrives(trip):
                    if trip.out.delivered and self.lab.sites.hides(source, target):
                        help = f"`masquerade` where packets leave the private network of `{source}`"
                        return why(trip), help
                    return why(trip), mend(lost(trip))
        return "", ""

    def _apart_by_vrfs(self, source: str, target: str) -> tuple[str, str] | None:
        """The cause and the fix where packets come to a router whose VRFs have no way for them."""
        routers = {whole_of(node.name) for node in self.lab.ip_nodes if node.vrf}
        for address in self.reach.targets(source, target) if routers else ():
            for trip in self.predictor.between(source, target, address).trips:
                router = whole_of(lost(trip).at)
                if router in routers and not arrives(trip):
                    help = "a `route` with `vrf` leads from one to another, and answers need one too"
                    if target in routers:
                        help = f"nodes in a VRF reach `{target}` by its interfaces there"
                    return f"kept apart by the VRFs of `{router}`", help
        return None


def _tell_entries(lab: Lab, reach: Reach, diagnostics: Diagnostics) -> None:
    """Adds notes on private nodes that are reached from outside, as routes of one's own lead there."""
    sites = lab.sites
    found = [
        (source, target)
        for target in sorted(sites.inside & set(reach.members))
        for source in reach.examined
        if sites.hides(target, source)
        and not reach.unreached[reach.places[source]] >> reach.places[target] & 1
    ]
    for source, target in found[:MOST]:
        message = f"`{source}` reaches `{target}`, in a private network that it is outside of"
        help = f"see `mpc paths LAB {source} {target}`"
        diagnostics.note("MPC748", message, reach.lookup.nodes[source].span, "a `route` leads there", help)
    if len(found) > MOST:
        message = f"{len(found) - MOST} more pairs of nodes reach into private networks"
        diagnostics.note("MPC748", message, lab.span, "besides those that are named", "")


def _tell_uneven(lab: Lab, reach: Reach, diagnostics: Diagnostics) -> None:
    """Adds notes on asymmetric paths, at a link that only one direction takes."""
    over = f" over IPv{reach.version}" if len(lab.versions) > 1 else ""
    groups = list(reach.uneven.items())
    for links, pairs in groups[:MOST]:
        source, target = next(iter(pairs.values()))
        sides = [f"`{a}` and `{b}`" for a, b in islice(pairs.values(), MOST_NAMES)]
        more = len(pairs) - MOST_NAMES
        said = ", ".join(sides) + (f" and {more} more pairs" if more > 0 else "")
        ways = [listed(_named(lab, side), MOST_NAMES) for side in links if side]
        label = (
            f"one way over {ways[0]}, the other over {ways[1]}" if ways[1:] else f"one way over {ways[0]} too"
        )
        message = f"packets between {said} go and come by different links{over}"
        place = _first_link(lab, links).span
        diagnostics.note("MPC741", message, place, label, f"see `mpc paths LAB {source} {target}`")
    if left := sum(len(pairs) for _, pairs in groups[MOST:]):
        message = f"{left} more pairs of nodes have packets that go and come by different links{over}"
        diagnostics.note("MPC741", message, lab.span, "besides those that are named", "")


def _tell_extent(lab: Lab, reach: Reach, diagnostics: Diagnostics) -> None:
    """Notes that the ways between some nodes alone were looked up."""
    if len(reach.examined) < len(reach.members) and reach.examined:
        message = f"ways were looked up between {len(reach.examined)} of {len(reach.members)} nodes"
        help = "what is told of the others is what inferred routes would do" if lab.metric else ""
        diagnostics.note("MPC742", message, lab.span, "a lab of this size", help)


def _tell_refusals(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Adds notes on MPTCP pairs that have fewer subflows on some kernels."""
    found = list(refusals(predictor))
    for pair, (slow, fast) in found[:MOST]:
        message = f"some kernels refuse a subflow between `{pair.left}` and `{pair.right}` at times"
        label = (
            f"joins over a round trip of {times((slow, slow))}, after data over one of {times((fast, fast))}"
        )
        diagnostics.note("MPC743", message, pair.span, label, "see `mpc explain MPC743` for which")
    if len(found) > MOST:
        message = f"some kernels refuse a subflow of {len(found) - MOST} more pairs at times"
        diagnostics.note("MPC743", message, predictor.lab.span, "besides those that are named", "")


def _named(lab: Lab, links: Bits) -> Iterable[str]:
    return (f"`{lab.links[place].left.node}` -- `{lab.links[place].right.node}`" for place in places(links))


def _first_link(lab: Lab, sides: Iterable[Bits]) -> Link:
    return lab.links[next(places(next(side for side in sides if side)))]
