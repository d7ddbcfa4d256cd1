"""Why one node does not reach another, and what mends it."""

from collections.abc import Iterable
from heapq import heappop, heappush

from compiler.ground.diagnostics import listed
from compiler.infer.graph import Graph
from compiler.prediction.trips import Trip
from compiler.prediction.ways import Fate, Way

REFUSED = (Fate.BLACKHOLE, Fate.UNREACHABLE, Fate.PROHIBIT)
"""The fates of packets that a route refuses."""


def why(broken: Trip | None) -> str:
    """Where packets, or the answers to them, are lost."""
    if broken is None:
        return "no address of that family"
    if not broken.out.delivered:
        return f"{broken.out.fate} `{broken.out.at}`"
    back = next((way for way in broken.back if not way.delivered), None)
    return f"the answers: {back.fate} `{back.at}`" if back else "the answers have no way"


def lost(broken: Trip) -> Way:
    """The way on which packets are lost: an answer's, where they arrive."""
    return next((way for way in broken.back if not way.delivered), broken.out)


def mend(lost: Way) -> str:
    if lost.fate is Fate.LOST:
        return "lower the `loss` of that link"
    if lost.fate is Fate.FILTERED:
        return f"set `rp_filter` of `{lost.at}` to 0, or to 2"
    if lost.fate is Fate.NOT_FORWARDED:
        return f"declare `{lost.at}` a router, or with `forward on`"
    if lost.fate in REFUSED:
        return f"leave that route of `{lost.at}` out, or name what else is to go on"
    router, _, vrf = lost.at.partition(".")
    route = f"`route {router} vrf {vrf} to ...`" if vrf else f"a `route` for `{router}`"
    return f"write {route} as well"


def cause(graphs: Iterable[Graph], source: str, target: str, broken: Trip | None) -> tuple[str, str]:
    """Why packets of one node do not reach another, or answers do not come back, and what mends it."""
    found = why(broken), mend(lost(broken)) if broken else ""
    for graph in graphs:
        if between := blocked(graph, source, target):
            found = barred(between)
    return found


def barred(between: Iterable[str], most: int = 10) -> tuple[str, str]:
    """That nodes would have to forward, of which at most so many are named, and what mends it."""
    names = listed((f"`{name}`" for name in between), most)
    return f"only by way of {names}, which does not forward", f"write `forward on` for {names}"


def blocked(graph: Graph, source: str, target: str) -> list[str] | None:
    """The fewest nodes that would have to forward; None if no links lead to the target."""
    best, by, queue = {source: 0}, {source: source}, [(0, source)]
    while queue:
        cost, name = heappop(queue)
        if name == target:
            break
        more = cost + (name != source and not graph.forwards.get(name, True))
        for edge in graph.outgoing[name] if cost == best[name] else ():
            if more < best.get(edge.target, more + 1):
                best[edge.target], by[edge.target] = more, name
                heappush(queue, (more, edge.target))
    if target not in by:
        return None
    way = [target]
    while way[-1] != source:
        way.append(by[way[-1]])
    return [name for name in way[1:-1] if not graph.forwards.get(name, True)][::-1]
