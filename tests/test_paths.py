"""The paths of an MPTCP pair: as many as the minimum cut, with the least total cost, all usable."""

from itertools import chain, combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from labs import lab_of

from compiler.infer.graph import Graph
from compiler.infer.paths import Path, disjoint_paths, paths
from compiler.model.lab import Lab

NAMES = "stabcde"
MANY = 20


@st.composite
def labs(draw: st.DrawFn) -> str:
    """Labs of up to 7 nodes, with paths from s to t."""
    names = NAMES[: draw(st.integers(2, len(NAMES)))]
    pairs = draw(st.lists(st.sampled_from(list(combinations(names, 2))), min_size=1, max_size=12))
    kinds = [draw(st.sampled_from(["host", "router", "router", "router"])) for _ in names]
    lines = [f"{kind} {name}" for kind, name in zip(kinds, names, strict=True)]
    lines += [f"link {a}:l{i} -- {b}:r{i} cost {draw(st.integers(1, 4))}" for i, (a, b) in enumerate(pairs)]
    return "routing shortest by cost\n" + "\n".join(lines)


def minimum_cut(lab: Lab) -> int:
    """The minimum cut between s and t, over every set of forwarding nodes beside s."""
    forwarding = [node.name for node in lab.ip_nodes if node.forwards and node.name not in "st"]
    usable = {*forwarding, "s", "t"}
    links = [(link.left.node, link.right.node) for link in lab.links]
    links = [ends for ends in links if usable.issuperset(ends)]
    subsets = chain.from_iterable(combinations(forwarding, n) for n in range(len(forwarding) + 1))
    return min(crossing(links, {"s", *side}) for side in subsets)


def crossing(links: list[tuple[str, str]], side: set[str]) -> int:
    return sum((left in side) != (right in side) for left, right in links)


def find(lab: Lab, most: int = MANY) -> list[Path]:
    return paths(Graph(lab, 4), "s", "t", most)


def find_disjoint(lab: Lab) -> list[Path]:
    return disjoint_paths(Graph(lab, 4), "s", "t", MANY)


def simple_paths(lab: Lab) -> list[tuple[frozenset[int], int]]:
    """The links and the cost of each simple path from s to t."""
    graph = Graph(lab, 4)
    found: list[tuple[frozenset[int], int]] = []

    def walk(name: str, seen: frozenset[str], links: frozenset[int], cost: int) -> None:
        if name == "t":
            found.append((links, cost))
            return
        if name != "s" and not graph.forwards[name]:
            return
        for edge in graph.outgoing[name]:
            if edge.target not in seen:
                walk(edge.target, seen | {edge.target}, links | {edge.link}, cost + edge.weight)

    walk("s", frozenset("s"), frozenset(), 0)
    return found


def cheapest(ways: list[tuple[frozenset[int], int]], count: int) -> int:
    """The least total cost of `count` link-disjoint paths."""

    def best(start: int, left: int, used: frozenset[int]) -> float:
        if left == 0:
            return 0
        sums = [
            cost + best(place + 1, left - 1, used | links)
            for place, (links, cost) in enumerate(ways[start:], start)
            if not links & used
        ]
        return min(sums, default=float("inf"))

    return int(best(0, count, frozenset()))


@settings(max_examples=300)
@given(labs())
def test_as_many_as_a_minimum_cut_allows(text: str) -> None:
    lab = lab_of(text)
    assert len(find_disjoint(lab)) == minimum_cut(lab)


@settings(max_examples=300)
@given(labs())
def test_paths_lead_from_end_to_end_over_forwarding_nodes(text: str) -> None:
    lab = lab_of(text)
    forwards = {node.name: node.forwards for node in lab.ip_nodes}
    for path in find(lab):
        nodes = [path.edges[0].source, *(edge.target for edge in path.edges)]
        assert nodes[0] == "s"
        assert nodes[-1] == "t"
        assert [edge.source for edge in path.edges] == nodes[:-1]
        assert len(set(nodes)) == len(nodes)
        assert all(forwards[name] for name in nodes[1:-1])


@settings(max_examples=300)
@given(labs())
def test_disjoint_paths_share_no_link(text: str) -> None:
    lab = lab_of(text)
    links = [edge.link for path in find_disjoint(lab) for edge in path.edges]
    assert len(set(links)) == len(links)


@settings(max_examples=100)
@given(labs())
def test_disjoint_paths_are_shortest_in_sum(text: str) -> None:
    lab = lab_of(text)
    own = find_disjoint(lab)
    ways = simple_paths(lab)
    assert sum(edge.weight for path in own for edge in path.edges) == cheapest(ways, len(own))


@settings(max_examples=200)
@given(labs())
def test_every_useful_interface_of_either_end_has_a_path(text: str) -> None:
    """An interface is useful if a simple path between the ends uses it."""
    lab = lab_of(text)
    graph = Graph(lab, 4)
    used = {edge.link for path in find(lab) for edge in path.edges}
    for links, _ in simple_paths(lab):
        ends = {edge.link for edge in (*graph.outgoing["s"], *graph.incoming["t"])}
        assert links & ends <= used


@given(labs(), st.integers(1, 3))
def test_no_more_than_are_asked_for(text: str, most: int) -> None:
    lab = lab_of(text)
    found = find(lab, most)
    assert len(found) <= most
    assert len(found) == min(most, len(find(lab)))


@given(labs())
def test_in_the_order_of_interfaces(text: str) -> None:
    lab = lab_of(text)
    order = [edge.interface for edge in Graph(lab, 4).outgoing["s"]]
    begins = [order.index(path.first.interface) for path in find(lab)]
    assert begins == sorted(begins)


def test_a_trap_for_greedy_search() -> None:
    """The shortest path, over a and b, blocks both others unless the search reverses its middle link."""
    lab = lab_of(
        "routing shortest by cost\nhost s t\nrouter a b\nlink s -- a -- b -- t\n"
        "link s -- b cost 3\nlink a -- t cost 3"
    )
    assert [[edge.target for edge in path.edges] for path in find(lab)] == [["a", "t"], ["b", "t"]]


def test_an_end_with_one_link_shares_it() -> None:
    lab = lab_of("host s t\nrouter a b c\nlink s -- {a,b} -- c -- t")
    found = find(lab)
    assert len(found) == 2
    assert len(find_disjoint(lab)) == 1
    assert {path.edges[-1].source for path in found} == {"c"}
