"""The standard topologies compared with networkx: nodes, links, degrees and diameter."""

import networkx as nx
import pytest

from compiler.driver import Compilation
from compiler.resources import names

LABS = {
    "line": ({"n": 7}, nx.path_graph(7)),
    "ring": ({"n": 9}, nx.cycle_graph(9)),
    "star": ({"n": 6}, nx.star_graph(6)),
    "mesh": ({"n": 6}, nx.complete_graph(6)),
    "grid": ({"x": 4, "y": 3}, nx.grid_2d_graph(4, 3)),
    "torus": ({"x": 5, "y": 4}, nx.grid_2d_graph(5, 4, periodic=True)),
    "hypercube": ({"d": 5}, nx.hypercube_graph(5)),
    "tree": ({"width": 3, "depth": 3}, nx.balanced_tree(3, 3)),
}
"""The params of a lab, and the same graph by networkx."""


def leaf_spine(spines: int, leaves: int, hosts: int) -> nx.Graph:
    graph = nx.complete_bipartite_graph(spines, leaves)
    for leaf in range(spines, spines + leaves):
        graph.add_edges_from((leaf, (leaf, host)) for host in range(hosts))
    return graph


def fat_tree(k: int) -> nx.Graph:
    """Each aggregation router of a pod is linked with one row of the square of core routers."""
    graph, half = nx.Graph(), range(k // 2)
    for pod in range(k):
        for a in half:
            graph.add_edges_from((("agg", pod, a), ("core", a, j)) for j in half)
            graph.add_edges_from((("agg", pod, a), ("edge", pod, e)) for e in half)
            graph.add_edges_from((("edge", pod, a), ("host", pod, a, host)) for host in half)
    return graph


def dragonfly(a: int, h: int, p: int) -> nx.Graph:
    """Groups are complete graphs, with one link between every two groups; hosts on each router."""
    groups = a * h + 1
    graph = nx.disjoint_union_all([nx.complete_graph(a)] * groups)
    for one in range(groups):
        for step in range(a * h):
            other = (one + step + 1) % groups
            graph.add_edge(one * a + step // h, other * a + (groups - 2 - step) // h)
    graph.add_edges_from([(router, (router, host)) for router in range(groups * a) for host in range(p)])
    return graph


LABS |= {
    "leaf-spine": ({"spines": 3, "leaves": 5, "hosts": 4}, leaf_spine(3, 5, 4)),
    "fat-tree": ({"k": 6}, fat_tree(6)),
    "dragonfly": ({"a": 4, "h": 2, "p": 1}, dragonfly(4, 2, 1)),
}


def lab(name: str, settings: dict[str, int]) -> Compilation:
    values = " ".join(f"{key}={value}" for key, value in settings.items())
    return Compilation("lab.topo", f"routing none\nuse std/{name} as x with {values}")


def graph_of(compilation: Compilation) -> nx.MultiGraph:
    graph = nx.MultiGraph()
    graph.add_nodes_from(node.name for node in compilation.lab.ip_nodes)
    graph.add_edges_from((link.left.node, link.right.node) for link in compilation.lab.links)
    return graph


def test_every_topology_is_here() -> None:
    assert set(LABS) == set(names("grammar/std", ".topo"))


@pytest.mark.parametrize("name", LABS)
def test_topology(name: str) -> None:
    settings, wanted = LABS[name]
    found = graph_of(lab(name, settings))
    assert found.number_of_nodes() == wanted.number_of_nodes()
    assert found.number_of_edges() == wanted.number_of_edges()
    assert nx.degree_histogram(found) == nx.degree_histogram(wanted)
    assert nx.diameter(found) == nx.diameter(wanted)
    assert nx.is_isomorphic(nx.Graph(found), wanted)


@pytest.mark.parametrize("name", LABS)
def test_topology_is_quiet(name: str) -> None:
    """By itself, with the default values of its params."""
    compilation = Compilation("lab.topo", f"use std/{name}")
    _ = compilation.plan
    assert list(compilation.diagnostics) == []


@pytest.mark.parametrize("name", LABS)
def test_links_take_a_rate_and_a_delay(name: str) -> None:
    settings, _ = LABS[name]
    compilation = Compilation("lab.topo", f"routing none\nuse std/{name} with rate=10mbit delay=5ms")
    assert settings
    shapings = [end.shaping for link in compilation.lab.links for end in link.ends]
    assert {(shaping.rate, shaping.delay) for shaping in shapings} == {(10**7, 5000)}


@pytest.mark.parametrize(("name", "side"), [("torus", "x"), ("torus", "y")])
def test_a_side_of_two_has_no_parallel_links(name: str, side: str) -> None:
    found = graph_of(lab(name, {"x": 3, "y": 3} | {side: 2}))
    assert nx.Graph(found).number_of_edges() == found.number_of_edges() == 9


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("grid", {"x": 256, "y": 2}),
        ("torus", {"x": 2, "y": 256}),
        ("hypercube", {"d": 9}),
        ("tree", {"width": 2, "depth": 9}),
        ("leaf-spine", {"spines": 2, "leaves": 256, "hosts": 2}),
        ("leaf-spine", {"spines": 240, "leaves": 2, "hosts": 64}),
        ("fat-tree", {"k": 8}),
        ("dragonfly", {"a": 6, "h": 3, "p": 16}),
    ],
)
def test_structured_addresses_reach_as_far_as_is_said(name: str, settings: dict[str, int]) -> None:
    compilation = lab(name, settings)
    pinned = [own.address for node in compilation.lab.ip_nodes for own in node.addresses]
    assert len(set(pinned)) == len(compilation.lab.ip_nodes)
    assert all(link.pins for link in compilation.lab.links)


def test_two_uses_have_addresses_of_their_own() -> None:
    text = "routing none\nuse std/torus as t\nuse std/torus as u with net=11\nlink t-r0-0 -- u-r0-0"
    assert nx.is_connected(graph_of(Compilation("lab.topo", text)))
