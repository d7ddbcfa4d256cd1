"""Max-min fair rates of flows, by progressive filling (Bertsekas and Gallager, Data Networks, 6.5.2).

The rates of all flows grow alike until a link is full, or a flow reaches its own ceiling.
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple

from compiler.model.links import InterfaceName


class Demand(NamedTuple):
    """Flows that are alike: the links that each crosses, with the fraction of its packets on each, and the
    rate of one flow without others."""

    loads: tuple[tuple[InterfaceName, float], ...]
    ceiling: float = inf
    flows: int = 1


class Got(NamedTuple):
    """The rate of a flow, and the link that bounds it; None if its own ceiling does."""

    rate: float
    limit: InterfaceName | None


def share(demands: Sequence[Demand], capacity: Mapping[InterfaceName, float]) -> list[Got]:
    """The rate of each flow. A link without a capacity bounds none."""
    left = {link: capacity[link] for demand in demands for link, _ in demand.loads if link in capacity}
    got: list[Got | None] = [None] * len(demands)
    level = 0.0
    while open_flows := [i for i, one in enumerate(got) if one is None]:
        uses: dict[InterfaceName, float] = {}
        for i in open_flows:
            for link, part in demands[i].loads:
                if link in left:
                    uses[link] = uses.get(link, 0) + demands[i].flows * part
        step, limit = min(((left[link] / count, link) for link, count in uses.items()), default=(inf, None))
        least = min(demands[i].ceiling for i in open_flows) - level
        if least <= step:
            step, limit = least, None
        if step == inf:
            return [one or Got(inf, None) for one in got]
        before, level = level, level + step
        for link, count in uses.items():
            left[link] -= step * count
        for i in open_flows:
            if limit in dict(demands[i].loads) or (limit is None and demands[i].ceiling - before <= step):
                got[i] = Got(level, limit)
    return [one or Got(inf, None) for one in got]
