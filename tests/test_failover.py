"""Routes for when a link is down: no pair that is still joined is parted by any one link."""

import random
from itertools import combinations

import networkx as nx
import pytest

from compiler.driver import Compilation
from compiler.model.lab import Lab
from compiler.model.routes import BY_RETURN
from compiler.prediction.lookup import Lookup
from compiler.prediction.outages import Outage, parted
from compiler.prediction.predict import Predictor
from compiler.prediction.reach import Reach


def compiled(text: str) -> Lab:
    return Compilation("-", text).lab


def text_of(seed: int) -> str:
    """A connected lab of routers, with hosts, a metric, costs and delays."""
    draw = random.Random(seed)
    graph = nx.gnm_random_graph(7, 10, seed=seed)
    graph.add_edges_from((place - 1, place) for place in range(1, 7))
    links = [
        f"link r{a} -- r{b} cost {draw.randint(1, 3)} delay {draw.randint(1, 3)}ms" for a, b in graph.edges
    ]
    metric = draw.choice(("", " by cost", " by delay"))
    family = draw.choice(("", "pool fd00:77::/48\n"))
    hosts = "host x y\nlink x -- {r0,r3}\nlink y -- r6\n"
    return "\n".join([f"{family}routing shortest{metric} failover", "router r[0..6]", hosts, *links])


def lost(lab: Lab) -> list[tuple[str, int]]:
    """The links between routers whose outage parts pairs that other links join, and how many pairs."""
    found = []
    for version in lab.versions:
        before = Reach(lab, Lookup(lab), version)
        for link in lab.links:
            if not {"x", "y"} & {end.node for end in link.ends}:
                outage = Outage(0, lab.span, frozenset(end.id for end in link.ends), frozenset())
                pairs = sum(row.bit_count() for row in parted(lab, outage, before)) // 2
                found += [(str(link.left.id), pairs)] if pairs else []
    return found


@pytest.mark.parametrize("seed", range(12))
def test_one_link_parts_nobody(seed: int) -> None:
    text = text_of(seed)
    assert not lost(compiled(text))
    assert lost(compiled(text.replace(" failover", "")))


@pytest.mark.parametrize("seed", range(4))
def test_while_all_links_are_up_packets_go_as_without(seed: int) -> None:
    text = text_of(seed)
    with_it, without = Predictor(compiled(text)), Predictor(compiled(text.replace(" failover", "")))
    for a, b in combinations([node.name for node in with_it.lab.ip_nodes], 2):
        assert _ways(with_it, a, b) == _ways(without, a, b)


def _ways(predictor: Predictor, source: str, target: str) -> list[tuple[object, ...]]:
    trips = predictor.between(source, target).trips
    return [(trip.out.links, [way.links for way in trip.back]) for trip in trips]


def test_subflows_keep_to_their_paths() -> None:
    """Where packets of a subflow come in as those do that come back, a rule of MPTCP is before."""
    ring = "router r[0..4]\nfor i in 0..4 { link r[i] -- r[(i+1) % 5] }\nmptcp r1 -- r2\n"
    plain, other = compiled(ring), compiled(f"routing shortest failover\n{ring}")
    for name in ("r0", "r3", "r4"):
        mine, theirs = (next(one for one in lab.ip_nodes if one.name == name) for lab in (plain, other))
        own = {(rule.incoming, rule.priority) for rule in theirs.rules if rule.priority != BY_RETURN}
        assert {(rule.incoming, rule.priority) for rule in mine.rules} <= own
    ways = [_ways(Predictor(lab), "r1", "r2") for lab in (plain, other)]
    assert ways[0] == ways[1]


def test_nodes_with_a_route_to_them_are_left_out() -> None:
    lab = compiled(
        "routing shortest failover\nrouter a b c d\nlink a -- b -- c -- d -- a\nroute a to c via b"
    )
    own = {own.address.ip for node in lab.nodes if node.name == "c" for own in node.addresses}
    second = {t.network_address for n in lab.nodes for r in n.routes if r.metric for t in r.targets}
    assert second
    assert not own & second


def test_a_second_default_route_goes_over_dearer_links() -> None:
    links = "link a -- b\nlink h:e1 -- a\nlink h:e2 -- a cost 9"
    text = f"routing shortest by cost failover\nhost h\nrouter a b\n{links}"
    (host,) = (node for node in compiled(text).nodes if node.name == "h")
    found = {(str(r.targets[0]), r.nexthops[0].interface, r.metric) for r in host.routes}
    assert {("0.0.0.0/0", "e1", 0), ("0.0.0.0/0", "e2", 2048)} <= found
