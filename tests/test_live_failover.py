"""Routes for when a link is down: packets take another way at once, whichever end is taken down."""

import random
from itertools import combinations, permutations

import gaps
import live
import networkx as nx
import pytest

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.prediction.lookup import Lookup
from compiler.prediction.outages import Outage, parted
from compiler.prediction.reach import Reach

pytestmark = [pytest.mark.live, pytest.mark.every_kernel]

RING = f"routing shortest failover\n{gaps.RING}"
"""No neighbour of r1 reaches r2 without it, so that packets come back to r0."""


def text_of(seed: int) -> str:
    """A connected lab of routers and hosts with as many links again as it needs, and costs both ways."""
    draw = random.Random(seed)
    names = [f"r{number}" for number in range(6)]
    links = [(draw.choice(names[:place]), name) for place, name in enumerate(names) if place]
    others = [pair for pair in combinations(names, 2) if pair not in links and pair[::-1] not in links]
    links += draw.sample(others, 3)
    lines = [f"link {a} -- {b} cost {draw.randint(1, 4)}" for a, b in links]
    pools = draw.choice(("", "pool 10.0.0.0/8\npool fd00:77::/48\n"))
    hosts = ["host x y", f"link x -- {draw.choice(names)}", f"link y -- {draw.choice(names)}"]
    return "\n".join(
        [f"{pools}routing shortest by cost failover", f"router {' '.join(names)}", *lines, *hosts]
    )


@pytest.mark.parametrize("seed", range(4))
def test_each_pair_that_is_still_joined_reaches_the_other(seed: int) -> None:
    """One end of a link is taken down, so that the other one has no carrier, of which the kernel tells
    within a second."""
    text = text_of(seed)
    lab = Compilation("-", text).lab
    draw = random.Random(seed)
    names = [node.name for node in lab.ip_nodes]
    link = draw.choice(lab.links)
    cut = Outage(0, lab.span, frozenset(end.id for end in link.ends), frozenset())
    for version in lab.versions:
        assert not any(parted(lab, cut, Reach(lab, Lookup(lab), version)))
    joined = _joined(lab, link)
    near = draw.choice(link.ends)
    with live.running(live.lab_of("over", text)) as running:
        live.succeed("ip", "-n", running.ns(near.node), "link", "set", "dev", near.name, "down")
        lost = [
            (a, b, version)
            for version in lab.versions
            for a, b in permutations(names, 2)
            if frozenset((a, b)) in joined and not live.pings(running.ns(a), b, f"-{version}")
        ]
        assert not lost, near.id


def _joined(lab: Lab, without: Link) -> set[frozenset[str]]:
    """The pairs that links join without one."""
    graph = nx.Graph([(one.left.node, one.right.node) for one in lab.links if one is not without])
    return {
        frozenset(pair) for part in nx.connected_components(graph) for pair in combinations(sorted(part), 2)
    }
