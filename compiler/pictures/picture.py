"""A lab as what is drawn of it: nodes, lines, a caption, and the ways between two nodes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import log10
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.links import Link
from compiler.model.nodes import Role
from compiler.model.vrfs import whole
from compiler.pictures import wording

MOST_LABELS = 48
"""The most labels of lines; of a picture that would have more, none is drawn."""

FEW_LINES = 3
"""Of so few lines each has its own label."""

MOST_PAIRS = 4
"""The most pairs of a kind that the caption names."""

THIN, THICK, PLAIN = 0.8, 4.0, 1.2
"""The widths of lines in points: of the least and the greatest rate of the lab, and without rates."""


class Vertex(NamedTuple):
    """A node as it is drawn: its name, and below it what it does with packets. `facts` are for hovering."""

    name: str
    role: Role
    does: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class Edge(NamedTuple):
    """A link between two nodes, by their places in the picture. `facts` are for hovering."""

    ends: tuple[int, int]
    label: str = ""
    width: float = PLAIN
    spare: bool = False
    tunnel: bool = False
    facts: tuple[str, ...] = ()


class Course(NamedTuple):
    """A way of packets, by the places of its lines, with what is predicted for it.

    `over` are the lines by which it goes, tunnels and bonds beside the links that carry them; `bottleneck` is
    the line of its lowest rate.
    """

    said: str
    over: tuple[int, ...]
    bottleneck: int | None = None


class Picture(NamedTuple):
    """What is drawn. `ends` are two nodes to draw at the sides; `levels` are the heights of nodes if every
    line joins two levels that are next to each other."""

    name: str
    nodes: tuple[Vertex, ...]
    lines: tuple[Edge, ...]
    caption: tuple[str, ...] = ()
    ends: tuple[int, int] | None = None
    levels: tuple[int, ...] | None = None
    courses: tuple[Course, ...] = ()

    @property
    def has_spare(self) -> bool:
        return any(line.spare for line in self.lines)

    @property
    def has_tunnel(self) -> bool:
        return any(line.tunnel for line in self.lines)


def picture(lab: Lab) -> Picture:
    lab = whole(lab)
    place = {node.name: number for number, node in enumerate(lab.nodes)}
    ports = wording.ports(lab)
    nodes = tuple(
        Vertex(node.name, node.role, wording.marks(node), (*wording.of_node(node), *ports[node.name]))
        for node in lab.nodes
    )
    common, labels = _without_common([wording.label(link) for link in lab.links])
    hidden = sum(map(bool, labels)) > MOST_LABELS
    widths = _widths(lab.links)
    lines = tuple(
        Edge(
            (place[link.left.node], place[link.right.node]),
            "" if hidden else label,
            width,
            link.spare,
            bool(link.tunnel),
            tuple(wording.of_link(link, lab.interfaces)),
        )
        for link, label, width in zip(lab.links, labels, widths, strict=True)
    )
    said = [common] if common else []
    pair = _only_pair(lab)
    ends = (place[pair[0]], place[pair[1]]) if pair else None
    return Picture(lab.name, nodes, lines, (*said, *_pairs(lab)), ends, levels(nodes, lines))


def _without_common(labels: list[str]) -> tuple[str, list[str]]:
    """The label that most lines have, as a text for the caption, and the labels without it."""
    text, times = Counter(labels).most_common(1)[0] if labels else ("", 0)
    if not text or len(labels) <= FEW_LINES or 2 * times <= len(labels):
        return "", labels
    said = text.replace("\n", ", ")
    if times == len(labels):
        return f"every link: {said}", [""] * len(labels)
    return f"links without a label: {said}", ["" if own == text else own or "not shaped" for own in labels]


def _widths(links: Iterable[Link]) -> list[float]:
    """The width of each link's line, by the logarithm of its greater rate."""
    rates = [max(end.shaping.rate or 0 for end in link.ends) for link in links]
    known = {rate: log10(rate) for rate in rates if rate}
    low, high = min(known.values(), default=0), max(known.values(), default=0)
    if low == high:
        return [PLAIN] * len(rates)
    step = (THICK - THIN) / (high - low)
    return [round(THIN + step * (known[rate] - low), 1) if rate else PLAIN for rate in rates]


def _pairs(lab: Lab) -> Iterator[str]:
    """The pairs of `mptcp` and `spray`."""
    mptcp = [f"{one.left} {'->' if one.client else '--'} {one.right}" for one in lab.pairs]
    sprays = [f"{one.left} {'--' if one.both else '->'} {one.right}" for one in lab.sprays]
    for what, pairs in (("mptcp", mptcp), ("spray", sprays)):
        if pairs:
            yield f"{what} {', '.join(pairs[:MOST_PAIRS])}{' ...' if len(pairs) > MOST_PAIRS else ''}"


def pairs(lab: Lab) -> list[tuple[str, str]]:
    """The pairs of `mptcp`, `spray` and `bench`."""
    found = [(one.left, one.right) for one in lab.pairs]
    found += [(one.left, one.right) for one in lab.sprays]
    return found + [(one.source.node, one.target.node) for one in lab.benches]


def _only_pair(lab: Lab) -> tuple[str, str] | None:
    """The two nodes that the lab is about: of all its pairs, or its hosts if it has no pairs."""
    hosts = [node.name for node in lab.nodes if node.role in (Role.HOST, Role.CONTAINER)]
    found = pairs(lab) or ([(hosts[0], hosts[1])] if len(hosts) == 2 else [])
    return found[0] if len({frozenset(pair) for pair in found}) == 1 else None


def neighbours(count: int, lines: Iterable[Edge]) -> list[list[int]]:
    """The nodes that lines other than tunnels join each node with."""
    near: list[list[int]] = [[] for _ in range(count)]
    for line in lines:
        if not line.tunnel:
            left, right = line.ends
            near[left].append(right)
            near[right].append(left)
    return near


def hops(starts: Iterable[int], near: list[list[int]]) -> dict[int, int]:
    """The number of lines from the nearest of some nodes to each node that they reach."""
    found = dict.fromkeys(starts, 0)
    waiting = [*found]
    for node in waiting:
        for other in near[node]:
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return found


def levels(nodes: tuple[Vertex, ...], lines: tuple[Edge, ...]) -> tuple[int, ...] | None:
    """The distance of each node from the hosts, if every line joins levels that are next to each other, as in
    a tree or a Clos network; None otherwise, and for what has no more than two hosts or two levels."""
    hosts = [place for place, node in enumerate(nodes) if node.role in (Role.HOST, Role.CONTAINER)]
    found = hops(hosts, neighbours(len(nodes), lines))
    if len(hosts) < 3 or len(found) < len(nodes) or max(found.values()) < 2:
        return None
    if any(abs(found[line.ends[0]] - found[line.ends[1]]) != 1 for line in lines if not line.tunnel):
        return None
    return tuple(found[place] for place in range(len(nodes)))
