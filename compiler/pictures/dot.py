"""A picture in DOT, the language of Graphviz, with the layout that the structure of the lab calls for."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import NamedTuple

from compiler.ground.diagnostics import visible
from compiler.model.nodes import Role
from compiler.pictures.courses import COLOURS
from compiler.pictures.picture import Edge, Picture, Vertex, hops, neighbours

MOST_IN_LAYERS, MOST_BETWEEN_ENDS, MOST_BY_STRESS = 400, 24, 120
"""The most nodes that `dot` draws in layers, in layers from one end to the other, and `neato` by distances;
`sfdp`, which takes any number, draws what has more."""

MOST_NAMED, MOST_CURVED = 120, 40
"""The most nodes that are drawn with their names in them, and the most between which lines are curved."""

MOST_FACTS = 12
"""The most lines of text that appear over a node in a picture without a page."""

COURSE = 2.4
"""The least width of a line that is on a course."""

FONT = "DejaVu Sans,Verdana,Helvetica,Arial,sans-serif"
"""A wide one first: who has no such font sees texts that are shorter than the room for them."""

GREY = "#808080"
SHAPES = {
    Role.HOST: 'shape=box style="filled,rounded" fillcolor="#fff4d6"',
    Role.ROUTER: 'shape=ellipse fillcolor="#dceaf7"',
    Role.SWITCH: 'shape=box peripheries=2 fillcolor="#e3f2e1"',
    Role.CONTAINER: 'shape=box style="filled,rounded" fillcolor="#ffe3c2"',
}
SMALL = {
    Role.HOST: 'shape=circle fixedsize=true label="" width=0.09 fillcolor="#e69f00"',
    Role.ROUTER: 'shape=circle fixedsize=true label="" width=0.2 fillcolor="#dceaf7"',
    Role.SWITCH: 'shape=square fixedsize=true label="" width=0.18 peripheries=2 fillcolor="#e3f2e1"',
    Role.CONTAINER: 'shape=circle fixedsize=true label="" width=0.09 fillcolor="#d55e00"',
}
"""The look of nodes, with names and without."""


class Layout(NamedTuple):
    """A program of Graphviz and its attributes. `ranks` are the nodes' places in the order of layers, by
    which lines are directed, if the layout has layers."""

    engine: str
    attributes: str
    ranks: dict[int, int] | None = None


def dot(picture: Picture) -> str:
    return "".join(f"{line}\n" for line in _lines(picture))


def layout(picture: Picture) -> Layout:
    count = len(picture.nodes)
    if picture.ends and count <= MOST_BETWEEN_ENDS:
        ranks = hops(picture.ends[:1], neighbours(count, picture.lines))
        return Layout("dot", "rankdir=LR nodesep=0.5 ranksep=1.1", ranks)
    if picture.levels and count <= MOST_IN_LAYERS:
        height = max(0.9, count / 80)
        return Layout("dot", f"rankdir=BT nodesep=0.12 ranksep={height:.1f}", dict(enumerate(picture.levels)))
    splines = "true" if count <= MOST_CURVED else "line"
    if count <= MOST_BY_STRESS:
        room = 8 if any(line.label for line in picture.lines) else 4
        return Layout("neato", f'overlap=prism overlap_scaling=-{room} sep="+8" splines={splines}')
    return Layout("sfdp", f"overlap=prism splines={splines}")


def _lines(picture: Picture) -> Iterator[str]:
    chosen = layout(picture)
    small = len(picture.nodes) > MOST_NAMED
    yield f"graph {_quoted(picture.name)} {{"
    yield (
        f"  graph [layout={chosen.engine} {chosen.attributes} outputorder=edgesfirst pad=0.2 labelloc=b"
        f' bgcolor=white fontname="{FONT}" fontsize=11 label={_caption(picture)}];'
    )
    yield (
        f'  node [fontname="{FONT}" fontsize=11 style=filled penwidth=0.8'
        ' margin="0.08,0.04" height=0.3 width=0.4];'
    )
    yield f'  edge [fontname="{FONT}" fontsize=9 color="{GREY}"];'
    shapes = SMALL if small else SHAPES
    for place, node in enumerate(picture.nodes):
        yield f"  {_quoted(node.name)} [{_node(place, node, shapes[node.role], small=small)}];"
    yield from _ranks(picture, chosen)
    for place, line in enumerate(picture.lines):
        left, right = _directed(line, chosen)
        names = _quoted(picture.nodes[left].name), _quoted(picture.nodes[right].name)
        yield f"  {names[0]} -- {names[1]} [{' '.join(_line(place, line, picture))}];"
    yield "}"


def _caption(picture: Picture) -> str:
    """The name, the caption, and a row for each course with its colour, as a table."""
    said = [f"<b>{_text(picture.name)}</b>", *map(_text, [*picture.caption, *_key(picture)])]
    rows = [f'<tr><td colspan="2">{text}</td></tr>' for text in said]
    rows += [
        f'<tr><td bgcolor="{colour}" width="18"></td><td align="left">{_text(course.said)}</td></tr>'
        for colour, course in zip(COLOURS, picture.courses, strict=False)
    ]
    return f'<<table border="0" cellspacing="2">{"".join(rows)}</table>>'


def _key(picture: Picture) -> Iterator[str]:
    """What the looks of lines mean, of those that are drawn."""
    if len({line.width for line in picture.lines}) > 1 and not any(line.label for line in picture.lines):
        yield "wider lines have higher rates"
    if picture.has_spare:
        yield "dashed: spare, blocked by the spanning tree"
    if picture.has_tunnel:
        yield "double: a tunnel"


def _node(place: int, node: Vertex, shape: str, *, small: bool) -> str:
    label = "" if small else f"label={_quoted_text(chr(10).join([visible(node.name), *node.does]))} "
    facts = node.facts[:MOST_FACTS]
    more = [f"and {len(node.facts) - MOST_FACTS} more"] if len(node.facts) > MOST_FACTS else []
    hover = _quoted_text("\n".join([visible(node.name), *facts, *more]))
    return f'{label}{shape} id="n{place}" class={node.role} tooltip={hover}'


def _ranks(picture: Picture, chosen: Layout) -> Iterator[str]:
    """Layers: all of them if they are levels, or only the two ends."""
    names = [_quoted(node.name) for node in picture.nodes]
    if chosen.ranks is None:
        return
    if picture.ends and len(picture.nodes) <= MOST_BETWEEN_ENDS:
        yield f"  {{ rank=source; {names[picture.ends[0]]} }}"
        yield f"  {{ rank=sink; {names[picture.ends[1]]} }}"
        return
    for level in sorted(set(chosen.ranks.values())):
        members = (names[place] for place, own in chosen.ranks.items() if own == level)
        yield f"  {{ rank=same; {' '.join(members)} }}"


def _directed(line: Edge, chosen: Layout) -> tuple[int, int]:
    """The ends of a line, in the order of layers."""
    left, right = line.ends
    ranks = chosen.ranks or {}
    return (right, left) if ranks.get(left, 0) > ranks.get(right, 0) else (left, right)


def _line(place: int, line: Edge, picture: Picture) -> Iterator[str]:
    colours = [c for c, one in zip(COLOURS, picture.courses, strict=False) if place in one.over]
    width = max(line.width, COURSE if colours else 0)
    yield f'id="l{place}" penwidth={width:.1f}'
    if line.tunnel:
        yield f'class=tunnel weight=0 color="{":".join(_pipe(colours))}"'
    elif colours:
        yield f'color="{":".join(colours)}"'
    if line.spare:
        yield "class=spare style=dashed"
    narrow = any(place == course.bottleneck for course in picture.courses)
    label = [line.label] if line.label else []
    label += ["bottleneck"] if narrow else []
    if label:
        yield f"label={_quoted_text(chr(10).join(label))}"
    hover = _quoted_text("\n".join(line.facts))
    yield f"tooltip={hover} labeltooltip={hover}"


def _pipe(colours: list[str]) -> list[str]:
    """The colours of a tunnel: two parallel lines with a space between them."""
    return [*(colours[:1] or [GREY]), "transparent", *(colours[1:] or colours or [GREY])]


def _text(text: str) -> str:
    """A text in HTML-like labels, where dot reads entities, and none may be empty."""
    return escape(visible(text)) or " "


def _quoted(name: str) -> str:
    r"""A name as a quoted ID. Only `\"` is an escape in one; a backslash is doubled to keep names apart."""
    return '"' + visible(name).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted_text(text: str) -> str:
    r"""A text as a quoted string, in which dot expands entities, `\N`, `\n` and others."""
    lines: Iterable[str] = (escape(visible(line), quote=False) for line in text.split("\n"))
    return '"' + "\\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
