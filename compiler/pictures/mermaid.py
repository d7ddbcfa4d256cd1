"""A picture as a Mermaid flowchart, which GitHub and GitLab draw in Markdown."""

from collections.abc import Iterable, Iterator

from compiler.ground.diagnostics import visible
from compiler.model.nodes import Role
from compiler.pictures.courses import COLOURS
from compiler.pictures.picture import Edge, Picture, hops, neighbours

MOST_LINES, MOST_TEXT = 500, 50_000
"""The most lines, and the most characters, that Mermaid draws, unless its `maxEdges` and `maxTextSize` are
set."""

SHAPES = {
    Role.HOST: ("[", "]"),
    Role.ROUTER: ("([", "])"),
    Role.SWITCH: ("[[", "]]"),
    Role.CONTAINER: ("[", "]"),
}
FILLS = {Role.HOST: "#fff4d6", Role.ROUTER: "#dceaf7", Role.SWITCH: "#e3f2e1", Role.CONTAINER: "#ffe3c2"}


def mermaid(picture: Picture) -> str:
    return "".join(f"{line}\n" for line in _lines(picture))


def _lines(picture: Picture) -> Iterator[str]:
    yield "---"
    yield f'title: "{_plain([picture.name])}"'
    yield "---"
    yield "flowchart BT" if picture.levels and not picture.ends else "flowchart LR"
    for place, node in enumerate(picture.nodes):
        left, right = SHAPES[node.role]
        yield f'  n{place}{left}"{_escaped([node.name, *node.does])}"{right}:::{node.role}'
    ranks = _ranks(picture)
    for line in picture.lines:
        near, far = sorted(line.ends, key=lambda end: ranks.get(end, 0))
        yield f"  n{near} {_line(line)} n{far}"
    said = [*picture.caption, *_key(picture), *(course.said for course in picture.courses)]
    if said:
        yield f'  caption["{_escaped(said)}"]:::caption'
    yield from _styles(picture)


def _key(picture: Picture) -> Iterator[str]:
    """What the looks of lines mean, of those that are drawn."""
    if picture.has_spare:
        yield "dotted: spare, blocked by the spanning tree"
    if picture.has_tunnel:
        yield "thick: a tunnel"
    if any(course.bottleneck is not None for course in picture.courses):
        yield "thick and coloured: the bottleneck of a way"


def _ranks(picture: Picture) -> dict[int, int]:
    """The order of layers, by which lines are directed."""
    if picture.levels and not picture.ends:
        return dict(enumerate(picture.levels))
    starts = picture.ends[:1] if picture.ends else range(min(1, len(picture.nodes)))
    return hops(starts, neighbours(len(picture.nodes), picture.lines))


def _line(line: Edge) -> str:
    drawn = "===" if line.tunnel else "-.-" if line.spare else "---"
    return f'{drawn}|"{_escaped(line.label.split(chr(10)))}"|' if line.label else drawn


def _styles(picture: Picture) -> Iterator[str]:
    for role, fill in FILLS.items():
        if role is not Role.CONTAINER or any(node.role is role for node in picture.nodes):
            yield f"  classDef {role} fill:{fill},stroke:#808080,color:#000"
    yield "  classDef caption fill:none,stroke:none"
    narrow = {course.bottleneck for course in picture.courses}
    for colour, course in reversed(list(zip(COLOURS, picture.courses, strict=False))):
        for place in course.over:
            yield f"  linkStyle {place} stroke:{colour},stroke-width:{6 if place in narrow else 3}px"


def _escaped(lines: Iterable[str]) -> str:
    """A text in quotes: Mermaid reads `#35;` as the character of that number, and some others as markup."""
    return "<br>".join(
        "".join(c if c.isalnum() or c in " -.,:/%±_" else f"#{ord(c)};" for c in visible(line))
        for line in lines
    )


def _plain(lines: Iterable[str]) -> str:
    """A text in the quotes of YAML, as which Mermaid reads the title."""
    return "".join(c if c.isalnum() or c in " -._" else "\N{REPLACEMENT CHARACTER}" for c in "".join(lines))
