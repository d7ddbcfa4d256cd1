"""The number of paths that each pair uses, as the kernel bounds the endpoints of a node.

A pair with several paths in both families gets half of the bound for each. If a node is in several pairs,
those with the most paths give up paths until the endpoints fit.
"""

from collections import defaultdict

from compiler.ground.diagnostics import Diagnostics, enumerated
from compiler.infer.endpoints import flags_of
from compiler.infer.graph import Graph
from compiler.infer.paths import Path, Side, paths, sides
from compiler.model.multipath import MPTCP_MOST, Pair
from compiler.model.networks import Address

FEWEST = 2
"""The fewest paths of a pair: with one, MPTCP gains nothing."""


class Share:
    """The paths of a pair by address family, of which it uses `most` in each.

    `alone` is the number that it could use if its ends were in no other pair.
    """

    def __init__(self, pair: Pair, graphs: list[Graph]) -> None:
        self.pair = pair
        several = [graph for graph in graphs if len(_paths(graph, pair, FEWEST)) == FEWEST]
        self.most = self.alone = MPTCP_MOST // max(1, len(several))
        found = ((graph, _paths(graph, pair, self.most + 1)) for graph in several or graphs)
        self.found: list[tuple[Graph, list[Path]]] = [(graph, ways) for graph, ways in found if ways]

    @property
    def used(self) -> list[tuple[Graph, list[Path]]]:
        return [(graph, found[: self.most]) for graph, found in self.found]

    @property
    def width(self) -> int:
        """The number of paths in use, of the family with more."""
        return max((len(found) for _, found in self.used), default=0)

    def endpoints(self) -> dict[str, set[tuple[str, Address]]]:
        """The endpoints of each end, as interface and address."""
        ends = [side for graph, found in self.used for side in sides(graph, self.pair, found)]
        return {
            name: set().union(*(_endpoints(side) for side in ends if side.node == name))
            for name in (self.pair.left, self.pair.right)
        }


def _paths(graph: Graph, pair: Pair, most: int) -> list[Path]:
    return paths(graph, pair.left, pair.right, most)


def _endpoints(side: Side) -> set[tuple[str, Address]]:
    return {(path.first.interface, path.first.own) for path in side.paths} if flags_of(side) else set()


def share(shares: list[Share], pinned: set[str], diagnostics: Diagnostics) -> None:
    """Reduces paths until no node has too many endpoints; nodes with `pinned` endpoints do not count."""
    at: dict[str, list[Share]] = defaultdict(list)
    for own in shares:
        for name in (own.pair.left, own.pair.right):
            if name not in pinned:
                at[name].append(own)
    for name, several in at.items():
        if len(several) > 1:
            _fit(name, several, diagnostics)


def _fit(name: str, shares: list[Share], diagnostics: Diagnostics) -> None:
    asked = needed = _count(name, shares)
    widest = max(own.width for own in shares)
    while needed > MPTCP_MOST:
        if widest <= FEWEST:
            _refuse(name, shares, needed, diagnostics)
            return
        widest -= 1
        for own in shares:
            own.most = min(own.most, widest)
        needed = _count(name, shares)
    if needed < asked:
        peers = enumerated([_peer(own.pair, name) for own in shares], 4)
        message = f"the MPTCP pairs of `{name}` ask for {asked} endpoints, and the kernel takes {MPTCP_MOST}"
        help = f"to each of {peers}, the first {widest} paths are used"
        diagnostics.warning("MPC755", message, shares[-1].pair.span, "too many together", help)


def _refuse(name: str, shares: list[Share], needed: int, diagnostics: Diagnostics) -> None:
    message = f"the MPTCP pairs of `{name}` need {needed} endpoints, and the kernel takes {MPTCP_MOST}"
    help = (
        f"leave pairs out, or pin at most {MPTCP_MOST} `endpoints` of `{name}`, which are for all its pairs"
    )
    diagnostics.error("MPC610", message, shares[-1].pair.span, f"{len(shares)} pairs", help)


def _count(name: str, shares: list[Share]) -> int:
    return len(set[tuple[str, Address]]().union(*(own.endpoints()[name] for own in shares)))


def _peer(pair: Pair, name: str) -> str:
    return pair.right if pair.left == name else pair.left
