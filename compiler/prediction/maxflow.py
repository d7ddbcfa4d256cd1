"""The most that can go from one node to another over all links at once, and the links that bound it.

By augmenting shortest paths (Edmonds and Karp 1972); the bound is that of Ford and Fulkerson's theorem. Links
without a rate carry any amount.
"""

from collections import defaultdict, deque
from itertools import pairwise
from math import inf
from typing import NamedTuple

from compiler.ir.lab import InterfaceName, Lab


class Bound(NamedTuple):
    """Bits a second of frames, and the links that hold it there: a minimum cut, nearest to the source."""

    rate: float
    cut: tuple[InterfaceName, ...]


class _Network:
    """The lab as arcs, each with what it can still carry, through nodes that forward and switches."""

    def __init__(self, lab: Lab, source: str, target: str) -> None:
        passes = {node.name for node in lab.nodes if node.forwards} | {source}
        passes |= {switch.name for switch in lab.switches}
        self.links: list[tuple[InterfaceName, str, str]] = []
        self.left: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for link in (link for link in lab.links if not link.spare):
            for near, far in link.directions:
                if near.node in passes and far.node in passes | {target}:
                    self.links.append((near.id, near.node, far.node))
                    self.left[near.node][far.node] += near.shaping.rate or inf

    def path(self, source: str, target: str) -> list[str]:
        """The nodes of a shortest path on which there is something left; empty where there is none."""
        by = self.reached(source)
        path = [target]
        while path[-1] != source:
            if path[-1] not in by:
                return []
            path.append(by[path[-1]])
        return path[::-1]

    def reached(self, source: str) -> dict[str, str]:
        """The nodes that more can be sent to, each with the node before it."""
        by = {source: source}
        queue = deque([source])
        while queue:
            name = queue.popleft()
            for onward, left in self.left[name].items():
                if left > 0 and onward not in by:
                    by[onward] = name
                    queue.append(onward)
        return by

    def send(self, path: list[str]) -> float:
        arcs = list(pairwise(path))
        amount = min(self.left[a][b] for a, b in arcs)
        for a, b in arcs if amount < inf else []:
            self.left[a][b] -= amount
            self.left[b][a] += amount
        return amount


def bound(lab: Lab, source: str, target: str) -> Bound:
    """The bound between two nodes; infinite where links without a rate lead all the way."""
    network = _Network(lab, source, target)
    total = 0.0
    while path := network.path(source, target):
        total += network.send(path)
        if total == inf:
            return Bound(inf, ())
    reached = network.reached(source)
    cut = tuple(id for id, near, far in network.links if near in reached and far not in reached)
    return Bound(total, cut)
