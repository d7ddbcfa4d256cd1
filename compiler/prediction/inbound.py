"""The paths of packets from all nodes to one address, by main tables alone.

A traversal backwards from the target visits each node once; following the packets of each node would visit
a node once for each path through it.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.model.routes import Nexthop
from compiler.prediction.lookup import Choices, Lookup
from compiler.prediction.trips import delay

Bits = int
"""A set of nodes or links, by index in the lab."""


class Step(NamedTuple):
    """A next hop with what it leads to: the source address it implies, the next node, and the links to that.

    `passed` is whether the next node forwards the packets; `delay` is the least and the most delay of the
    links.
    """

    source: Address | None
    following: str
    passed: bool
    links: Bits
    delay: tuple[float, float]


class Steps:
    """The steps of all nodes, memoized."""

    def __init__(self, lookup: Lookup, lab: Lab) -> None:
        self.lookup = lookup
        self.bits = {end.id: 1 << place for place, link in enumerate(lab.links) for end in link.ends}
        self._found: dict[tuple[str, str, int, int, Address | None], Step | None] = {}

    def __call__(self, node: str, hop: Nexthop) -> Step | None:
        """The step of a node by a next hop; None if nobody has that address, or a link loses all packets."""
        key = node, hop.interface, hop.via.version, int(hop.via), hop.source
        if key not in self._found:
            self._found[key] = self._step(node, hop)
        return self._found[key]

    def _step(self, node: str, hop: Nexthop) -> Step | None:
        ways = self.lookup.ways(self.lookup.leaving(node, hop.interface), hop.via)
        crossed = list(chain.from_iterable(ways))
        if not crossed or any(crossing.link in self.lookup.losing for crossing in crossed):
            return None
        into, links = crossed[-1].into, 0
        for crossing in crossed:
            links |= self.bits[crossing.link]
        passed = self.lookup.kernel(into.node).forwards(hop.via.version, into.name)
        delays = list(map(delay, ways))
        least, most = min(low for low, _ in delays), max(high for _, high in delays)
        return Step(self.lookup.source_address(node, hop), into.node, passed, links, (least, most))


class Inbound:
    """The paths from all nodes to one address.

    `links` has the links of all paths from each node whose packets all arrive; `taken` the longest least
    delay and the shortest most delay of its paths; and `some` the nodes from which some packets may arrive.
    """

    def __init__(self, lookup: Lookup, steps: Steps, target: Address) -> None:
        self.steps: dict[str, list[Step]] = {}
        self.links: dict[str, Bits] = {}
        self.taken: dict[str, tuple[float, float]] = {}
        self.some: set[str] = set()
        owners = {name for name in lookup.nodes if target in lookup.own[name]}
        lossy: set[str] = set()
        behind: dict[str, list[str]] = {}
        for name in lookup.nodes:
            if name not in owners and (choices := lookup.choices(name, target)):
                found = self.steps[name] = list(_arriving(name, choices, steps, owners))
                if len(found) < len(choices):
                    lossy.add(name)
                for step in found:
                    behind.setdefault(step.following, []).append(name)
        self._reach(list(owners), behind)
        self._fill(owners, behind, lossy)

    def _reach(self, waiting: list[str], behind: dict[str, list[str]]) -> None:
        while waiting:
            for name in behind.get(waiting.pop(), ()):
                if name not in self.some:
                    self.some.add(name)
                    waiting.append(name)

    def _fill(self, owners: set[str], behind: dict[str, list[str]], lossy: set[str]) -> None:
        """Traverses backwards from the target: a node is done when all its next nodes are."""
        self.links |= dict.fromkeys(owners, 0)
        self.taken |= dict.fromkeys(owners, (0.0, 0.0))
        left = {name: len(found) + (name in lossy) for name, found in self.steps.items()}
        waiting = list(owners)
        while waiting:
            for name in behind.get(waiting.pop(), ()):
                left[name] -= 1
                if not left[name]:
                    self.links[name] = 0
                    for step in self.steps[name]:
                        self.links[name] |= step.links | self.links[step.following]
                    self.taken[name] = self.delays(self.steps[name])
                    waiting.append(name)

    def delays(self, steps: Iterable[Step]) -> tuple[float, float]:
        """The value of `taken` for some steps of a node."""
        both = [(step.delay, self.taken[step.following]) for step in steps]
        return max(own[0] + rest[0] for own, rest in both), min(own[1] + rest[1] for own, rest in both)

    def steps_by_source(self, name: str) -> dict[Address | None, list[Step]]:
        """The steps of a node, by the source address that they imply."""
        found: dict[Address | None, list[Step]] = {}
        for step in self.steps[name]:
            found.setdefault(step.source, []).append(step)
        return found

    def by_source(self, name: str) -> dict[Address | None, Bits]:
        """The links that a node's packets take, by source address."""
        found: dict[Address | None, Bits] = {}
        for step in self.steps[name]:
            found[step.source] = found.get(step.source, 0) | step.links | self.links[step.following]
        return found


def _arriving(name: str, choices: Choices, steps: Steps, owners: set[str]) -> Iterator[Step]:
    """The steps of a node by which packets may arrive."""
    for hop in choices:
        step = steps(name, hop)
        if step and (step.passed or step.following in owners):
            yield step
