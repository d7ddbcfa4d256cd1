"""Answers about a text and an offset in it, without any protocol."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from compiler.driver import Compilation, TopologyError
from compiler.ground.codes import EXPLANATIONS
from compiler.ground.diagnostics import Diagnostic, Diagnostics
from compiler.ground.source import Span
from compiler.ground.units import format_rate, format_time
from compiler.language import grammars, syntax
from compiler.language.parse import parse
from compiler.language.tables import for_lark
from compiler.model.lab import Lab
from compiler.model.links import Port
from compiler.model.nodes import Node
from compiler.model.vrfs import whole

WORD = re.compile(r"[A-Za-z0-9_:]+(?:[.-]+[A-Za-z0-9_:]+)*")
BEGUN = re.compile(r"[A-Za-z0-9_:.-]*\Z")
MEND = re.compile(r"did you mean `([^`]+)`\?")


class Fix(NamedTuple):
    """A replacement of a part of the text, by which a diagnostic is gone."""

    title: str
    span: Span
    text: str


class Proposal(NamedTuple):
    """A word that can be completed to; `is_name` if it is that of a node or an interface, else a keyword."""

    word: str
    is_name: bool


class Symbol(NamedTuple):
    """A name that a text declares, and what it is of."""

    name: str
    kind: str
    span: Span


def fixes(found: Diagnostic) -> list[Fix]:
    """What can be written instead. A help line "did you mean `X`?" means that X replaces the marked span."""
    match = MEND.match(found.help)
    return [Fix(f"Replace with `{match[1]}`", found.span, match[1])] if match else []


def word_at(text: str, offset: int) -> str:
    """The word that an offset is in, or at the end of."""
    start = text.rfind("\n", 0, offset) + 1
    line = text[start : (text + "\n").index("\n", offset)]
    at = offset - start
    return next((found[0] for found in WORD.finditer(line) if found.start() <= at <= found.end()), "")


def hover(compilation: Compilation, lab: Lab | None, offset: int) -> str:
    """Markdown on what is at an offset: the explanation of a diagnostic, or the addresses of a node."""
    for found in compilation.diagnostics:
        if found.span.source is compilation.source and found.span.start <= offset < found.span.end:
            return f"**{found.code}** {found.message}\n\n```text\n{EXPLANATIONS[found.code]}\n```"
    name = word_at(compilation.source.text, offset).partition(":")[0]
    node = next((one for one in lab.nodes if one.name == name), None) if lab else None
    return "\n".join(_node(node, lab)) if lab and node else ""


def _node(node: Node, lab: Lab) -> Iterator[str]:
    yield from (f"**{node.role} {node.name}**, namespace `{node.namespace}`", "")
    yield from (f"- `{own.address}` on `{own.device}`" for own in node.all_addresses)
    for link in whole(lab).links:
        yield from (_port(near, far, lab) for near, far in link.directions if near.node == node.name)
    routes = sum(len(route.targets) for route in node.routes)
    yield f"- {routes} routes, {len(node.endpoints)} MPTCP endpoints"


def _port(near: Port, far: Port, lab: Lab) -> str:
    interface = lab.interfaces.get(near.id)
    addresses = " ".join(f"`{one}`" for one in interface.addresses) if interface else ""
    rate, delay = near.shaping.rate, near.shaping.delay
    shaped = [f"rate {format_rate(rate)}"] if rate else []
    shaped += [f"delay {format_time(delay)}"] if delay else []
    return " ".join([f"- `{near.name}`", addresses, f"to `{far.id}`", *shaped])


def completions(text: str, lab: Lab | None, tables: str | None) -> list[Proposal]:
    """What the word at the end of a text can become: keywords that the parser takes, and names.

    Only the statement at the end is parsed: what stands before it does not decide what can follow.
    """
    line = text[_start_of_statement(text) :]
    begun = BEGUN.search(line)
    assert begun
    kept = for_lark("topo", tables)
    accepted = grammars.accepted(grammars.parser("topo", kept), line[: begun.start()])
    words = sorted(word for word in accepted.values() if word.isalnum() or "-" in word.strip("-"))
    found = [Proposal(word, is_name=False) for word in words if word.startswith(begun[0])]
    if lab and "WORD" in accepted:
        found += [Proposal(name, is_name=True) for name in _names(lab, begun[0]) if name.startswith(begun[0])]
    return found


def _start_of_statement(text: str) -> int:
    """Where the line at the end of a text begins, or the first of those that it goes on from."""
    start = text.rfind("\n") + 1
    while text[:start].endswith("\\\n"):
        start = text.rfind("\n", 0, start - 1) + 1
    return start


def _names(lab: Lab, begun: str) -> list[str]:
    """Nodes, or after `NODE:` its interfaces."""
    node, colon, _ = begun.partition(":")
    if not colon:
        return [one.name for one in whole(lab).nodes]
    return [str(end.id) for link in whole(lab).links for end in link.ends if end.node == node]


def symbols(compilation: Compilation) -> list[Symbol]:
    """The names that a text declares, in order; of a text with mistakes, those of the other statements."""
    found: list[Symbol] = []
    for node in parse(compilation.source, Diagnostics(), compilation.tables):
        match node:
            case syntax.Declaration(names=names):
                kind = node.span.text.split(None, 1)[0]
                found += [Symbol(word.span.text, kind, word.span) for word in names]
            case syntax.Lab(name=name) | syntax.Profile(name=name) | syntax.Param(name=name):
                found.append(Symbol(name.text, type(node).__name__.lower(), name.span))
    return found


def definition(compilation: Compilation, lab: Lab | None, offset: int) -> Span | None:
    """Where what an offset names is declared, perhaps in another file."""
    name = word_at(compilation.source.text, offset).partition(":")[0]
    declared = next((one.span for one in symbols(compilation) if one.name == name), None)
    node = next((one for one in lab.nodes if one.name == name), None) if lab else None
    return declared or (node.span if node else None)


def layout(compilation: Compilation) -> str | None:
    """The text in the one layout of labs; None if it has syntax errors."""
    try:
        return Compilation(compilation.source.name, compilation.source.text, compilation.tables).layout()
    except TopologyError:
        return None
