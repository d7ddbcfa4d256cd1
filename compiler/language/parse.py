"""The parser: text to syntax tree, by the tables of `grammar/topo.lark`.

Statements that do not parse are reported and left out, by `recovery.py`.
"""

import re
from collections.abc import Callable
from typing import Any

from compiler.ground.diagnostics import Diagnostics
from compiler.ground.source import Source, Span
from compiler.ground.text import check
from compiler.language import syntax
from compiler.language.tables import read

_BLANK = " \t\f\r\n\\"
"""Characters to strip around a formula: blanks and continued lines. Elsewhere, `\\` is in strings only."""


def parse(source: Source, diagnostics: Diagnostics, folder: str | None = None) -> tuple[syntax.Node, ...]:
    """The syntax tree of a source; statements that do not parse are reported and left out.

    `folder` is as for `tables.read`.
    """
    check(source, diagnostics)
    maker = Maker(source)
    found: tuple[syntax.Node, ...] | None = read("topo", source.text, maker, folder)
    if found is None:
        from compiler.language import recovery

        maker = Maker(source)
        found = recovery.parse(source, diagnostics, maker, folder)
    for nodes in maker.braced:
        _check_apart(nodes, diagnostics)
    return found or ()


CLASSES: dict[str, Callable[..., object]] = {
    "assignment": syntax.Assignment,
    "at": syntax.At,
    "bench": syntax.Bench,
    "capture": syntax.Capture,
    "bond": syntax.Bond,
    "branch": syntax.Branch,
    "container": syntax.Declaration,
    "container_attribute": syntax.ContainerAttribute,
    "run_item": syntax.ContainerAttribute,
    "declaration": syntax.Declaration,
    "default_link": syntax.DefaultLink,
    "device": syntax.Device,
    "device_address": syntax.Attribute,
    "endpoint": syntax.Endpoint,
    "expect": syntax.Expect,
    "flag": syntax.Flag,
    "hop": syntax.Hop,
    "kind": syntax.Attribute,
    "lab": syntax.Lab,
    "limit": syntax.Limit,
    "link": syntax.Link,
    "loop": syntax.Loop,
    "masquerade": syntax.Masquerade,
    "mode": syntax.Attribute,
    "machine": syntax.Machine,
    "machine_item": syntax.Attribute,
    "mptcp": syntax.Mptcp,
    "node_attribute": syntax.NodeAttribute,
    "outgoing": syntax.Outgoing,
    "param": syntax.Param,
    "placing": syntax.Place,
    "pool": syntax.Pool,
    "port_forward": syntax.PortForward,
    "profile": syntax.Profile,
    "reachability": syntax.Reachability,
    "round_trip": syntax.RoundTrip,
    "route": syntax.Route,
    "routing": syntax.Routing,
    "shape": syntax.Shape,
    "switching": syntax.Switching,
    "spray": syntax.Spray,
    "sysctl": syntax.Sysctl,
    "teql": syntax.Teql,
    "throughput": syntax.Throughput,
    "transfer": syntax.Transfer,
    "tunnel": syntax.Tunnel,
    "uplink": syntax.Uplink,
    "variable": syntax.Assignment,
    "weight": syntax.Weight,
}
"""The classes of rules, which take the span as the first argument; `MADE` has all rules."""

TUPLES = frozenset(
    (
        "start block node_attributes container_attributes variables chain path legs items tunnel_items"
        " bond_items machine_items run_items hops weights options endpoints flags assignments transfers"
        " commands device_addresses"
    ).split()
)
"""The rules that become tuples of their children."""

NODES = frozenset("nodes ends where braced inside joined passed bound placed over recorded made".split())
"""The rules of sets of nodes."""


LONGEST_HEAD = 500
"""Characters of a word before braces that a diagnostic shows."""


class Maker:
    """Makes the classes of `syntax` from rules and terminals."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.braced: list[syntax.Nodes] = []
        """The sets of nodes in braces, to check for words that touch the braces."""

    def token(self, kind: str, text: str, start: int) -> syntax.Word | syntax.String | syntax.Formula:
        span = Span(self.source, start, start + len(text))
        if kind == "STRING":
            return syntax.String(span, re.sub(r"\\(.)", r"\1", text[1:-1]))
        return _formula(span, text) if kind in ("IF", "OVER") else syntax.Word(span, text)

    def rule(self, name: str, start: int, end: int, children: list[Any]) -> object:
        if name in TUPLES:
            return tuple(children)
        if name in NODES:
            return self._nodes(Span(self.source, start, end), children)
        return MADE[name](Span(self.source, start, end), *children)

    def _nodes(self, span: Span, words: list[syntax.Word]) -> syntax.Nodes:
        nodes = syntax.Nodes(span, tuple(words))
        if self.source.text[span.start] == "{":
            self.braced.append(nodes)
        return nodes


def _formula(span: Span, text: str) -> syntax.Formula:
    """The formula after the keyword `if` or `in`; an empty span if there is none."""
    formula = text[2:].strip(_BLANK)
    start = len(text) - len(text[2:].lstrip(_BLANK)) if formula else 2
    return syntax.Formula(span.part(start, start + len(formula)), formula)


def _listing(span: Span, *words: syntax.Word | syntax.String) -> syntax.Listing:
    return syntax.Listing(span, words)


def _choice(span: Span, *children: Any) -> syntax.Choice:
    *branches, otherwise = children
    return syntax.Choice(span, tuple(branches), otherwise or ())


def _use(span: Span, file: Any, name: syntax.Word | None, values: Any) -> syntax.Use:
    return syntax.Use(span, file, name, values or ())


def _attributes(_: Span, profile: syntax.Word | None, items: Any) -> syntax.Attributes:
    return syntax.Attributes(profile, items)


def _attribute(span: Span, keyword: syntax.Word, *values: Any) -> syntax.Attribute:
    """An attribute, whose value is its keyword where nothing follows, and may have several words."""
    value, second, *more = (*(values or (keyword,)), None)[: max(2, len(values))]
    return syntax.Attribute(span, keyword, value, second, tuple(more))


def _node_attribute(span: Span, keyword: syntax.Word, *values: Any) -> syntax.NodeAttribute:
    """An attribute of a node, whose value is its keyword where nothing follows, with what follows `on` or
    `vlan`."""
    value, *rest = values or (keyword,)
    return syntax.NodeAttribute(span, keyword, value, rest[-1] if rest else None)


def _names(_: Span, *children: syntax.Word | syntax.Nodes) -> tuple[syntax.Word, ...]:
    parts = [child.words if isinstance(child, syntax.Nodes) else (child,) for child in children]
    return tuple(word for part in parts for word in part)


def _run(span: Span, nodes: syntax.Nodes, *parts: Any) -> syntax.Run:
    """A `run` of a command, and its attributes; the keyword `inside` is there or not."""
    inside, command, items = parts if len(parts) == 3 else (None, *parts)
    return syntax.Run(span, nodes, inside, command, items)


MADE: dict[str, Callable[..., object]] = {
    **CLASSES,
    "attribute": _attribute,
    "node_attribute": _node_attribute,
    "attributes": _attributes,
    "choice": _choice,
    "contained": _names,
    "listing": _listing,
    "names": _names,
    "place": _node_attribute,
    "run": _run,
    "use": _use,
}
"""The functions that make a rule's value of its span and its children."""


def _check_apart(nodes: syntax.Nodes, diagnostics: Diagnostics) -> None:
    """Reports words that touch braces: bash would expand them, this language does not."""
    text, braces = nodes.span.source.text, nodes.span
    if re.match(r"[\w\]]", text[braces.start - 1 : braces.start]) or re.match(
        r"[\w\[]", text[braces.end : braces.end + 1]
    ):
        from compiler.ground.mends import in_braces

        before = re.search(r"\w*$", text[max(0, braces.start - LONGEST_HEAD) : braces.start])
        head, words = before[0] if before else "", [word.text for word in nodes.words]
        help = in_braces(words, head)
        diagnostics.excused.update(head + word for word in words)
        message = "braces do not expand inside a word"
        diagnostics.error("MPC106", message, braces, "touches a word", help)
        diagnostics.excused.update(word.text for word in nodes.words)
