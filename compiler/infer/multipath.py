"""Pass: endpoints, limits and policy routing for MPTCP pairs, and the spraying of packets over paths.

Based on measurements at the receiver: grammar/README.md has the figures, and `make bench` repeats them.

- An end that may open connections has a `subflow` endpoint on the interface of each path. An end with one
  interface against several cannot begin a path of its own, so there the other end signals its addresses.
- Each end sends the packets of a path out of the path's interface, through a table per interface: by the
  peer's address if each path has its own, else by the node's own address.
- Each end bounds the unsent bytes of a subflow, so that a slow path delays the others less.
- A router whose own route would leave a path forwards packets from the path's link along the path.
"""

from collections import Counter

from compiler.ground.diagnostics import Diagnostics
from compiler.infer.backlog import Backlog, Rates
from compiler.infer.endpoints import Endpoints
from compiler.infer.graph import Graph
from compiler.infer.paths import Path, sides
from compiler.infer.quotas import FEWEST, Share, share
from compiler.infer.spraying import Spraying
from compiler.infer.steering import Steering
from compiler.model.lab import Lab
from compiler.model.multipath import Pair
from compiler.model.routes import SprayPair

UNEQUAL = 10
"""The ratio of two paths' rates from which the slower one costs throughput (measured)."""

MOST_SEARCHED = 1_000_000
"""The bound of link visits in the search for all pairs' paths, which takes some ten seconds."""


def connect(lab: Lab, diagnostics: Diagnostics) -> Lab:
    """Gives the ends of each pair endpoints and limits, and the nodes on their paths tables and rules.

    With `routing none` there are no tables and rules, as all routes are explicit.
    """
    per_packet = any(route.per_packet for route in lab.explicit_routes)
    if not (lab.pairs or lab.sprays or per_packet) or _are_too_many(lab, diagnostics):
        return lab
    graphs = [Graph(lab, version, numbered=True) for version in lab.versions]
    steering, endpoints = Steering(lab, diagnostics), Endpoints(lab, diagnostics)
    rates = Rates(lab)
    advice, backlog = _Advice(rates, diagnostics), Backlog(rates)
    shares = [Share(pair, graphs) for pair in lab.pairs]
    share(shares, set(endpoints.pinned), diagnostics)
    for own in shares:
        advice.give(own)
        for graph, found in own.used:
            ends = sides(graph, own.pair, found)
            for side in ends:
                endpoints.infer(side)
                backlog.add(side)
            if lab.metric is not None and len(found) > 1:
                steering.steer(own.pair, ends)
        endpoints.limit(own.pair)
    spraying = Spraying(lab, rates, steering, diagnostics)
    for pair in lab.sprays:
        spraying.pair(pair, graphs)
    spraying.routes()
    return spraying.apply(backlog.apply(steering.apply(endpoints.apply(lab))))


def _are_too_many(lab: Lab, diagnostics: Diagnostics) -> bool:
    """Whether the search for paths would exceed MOST_SEARCHED; reports it."""
    pairs: list[Pair | SprayPair] = [*lab.pairs, *lab.sprays]
    links = len(lab.links)
    if len(pairs) * links <= MOST_SEARCHED:
        return False
    message = f"{len(pairs)} pairs in a lab of {links} links are too many to find the paths of"
    help = f"write `{'mptcp' if lab.pairs else 'spray'}` for the pairs that are used"
    diagnostics.error("MPC606", message, pairs[-1].span, "makes it too many", help)
    return True


class _Advice:
    """Warnings about pairs that gain less from their paths than expected."""

    def __init__(self, rates: Rates, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.rates = rates

    def give(self, share: Share) -> None:
        pair, most = share.pair, share.alone
        if share.width < FEWEST:
            self._too_few(pair, share.width)
        if any(len(found) > most for _, found in share.found):
            message = f"`{pair.left}` and `{pair.right}` have more paths than the kernel takes endpoints"
            help = f"the first {most} are used"
            self.diagnostics.warning("MPC713", message, pair.span, f"more than {most} paths", help)
        self._flags(pair)
        for _, found in share.used:
            self._single_interface(pair, found)
            self._bottlenecks(pair, found)
            self._unequal(pair, found)

    def _too_few(self, pair: Pair, count: int) -> None:
        ends = f"`{pair.left}` and `{pair.right}`"
        message = f"there is only one path between {ends}" if count else f"there is no path between {ends}"
        help = "MPTCP gains nothing here; paths go through nodes that forward: `router`, or `forward on`"
        self.diagnostics.warning("MPC703", message, pair.span, "has no effect", help)

    def _flags(self, pair: Pair) -> None:
        for pin in pair.pins:
            server = pair.client is not None and pin.interface.node != pair.client
            if "fullmesh" in pin.flags and "subflow" not in pin.flags:
                message, help = "`fullmesh` does nothing without `subflow`", "write `subflow fullmesh`"
            elif "backup" in pin.flags and len(pin.flags) == 1:
                message, help = "`backup` does nothing without `subflow` or `signal`", "add one of them"
            elif "signal" in pin.flags and pin.interface.node == pair.client:
                message = f"`{pair.client}` opens the connections, so nobody can connect to what it signals"
                help = "write `subflow`"
            elif "subflow" in pin.flags and server:
                message = f"`{pin.interface.node}` does not open connections, so it begins no subflow"
                help = "write `signal`"
            else:
                continue
            self.diagnostics.warning("MPC704", message, pin.span, "does not do what it seems to", help)

    def _single_interface(self, pair: Pair, found: list[Path]) -> None:
        """Warns of a single interface at one end, if the end with several may listen as well as connect."""
        left = len({path.first.interface for path in found})
        right = len({path.last.arrival for path in found})
        if pair.client is None and len(found) > 1 and 1 in (left, right):
            single, other = (pair.left, pair.right) if left == 1 else (pair.right, pair.left)
            message = f"`{single}` has one interface on the way to `{other}`"
            help = (
                f"connections that `{single}` opens to `{other}` may stay on one path; where only one of them"
                f" opens connections, write `{single} -> {other}` or `{other} -> {single}`"
            )
            self.diagnostics.warning("MPC714", message, pair.span, "works from one side", help)

    def _bottlenecks(self, pair: Pair, found: list[Path]) -> None:
        """Warns of links shared by paths whose other links together have a higher rate."""
        uses = Counter(edge for path in found for edge in path.edges)
        for edge, count in uses.items():
            rate = self.rates.lowest([edge])
            if count < 2 or rate is None:
                continue
            rests = [self.rates.lowest(e for e in p.edges if e is not edge) for p in found if edge in p.edges]
            if any(rest is None for rest in rests) or sum(rest or 0 for rest in rests) > rate:
                shared = f"`{edge.source}:{edge.interface}`"
                message = f"{count} paths of `{pair.left}` and `{pair.right}` share the link {shared}"
                self.diagnostics.warning("MPC705", message, pair.span, "slower than they are together")

    def _unequal(self, pair: Pair, found: list[Path]) -> None:
        """Warns of paths in concurrent use whose rates differ widely; backup paths do no harm."""
        standby = {pin.interface for pin in pair.pins if "backup" in pin.flags}
        used = [path for path in found if standby.isdisjoint(path.interfaces)]
        rates = [rate for path in used if (rate := self.rates.lowest(path.edges))]
        if len(rates) > 1 and max(rates) > UNEQUAL * min(rates):
            message = (
                f"the paths of `{pair.left}` and `{pair.right}` differ in rate by more than {UNEQUAL} times"
            )
            help = "a much slower path holds the faster one up; its endpoint can be pinned as `backup`"
            self.diagnostics.warning("MPC710", message, pair.span, "very unequal paths", help)
