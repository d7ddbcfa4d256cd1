"""One statement to flat ones: computes words, adds frames to spans, prefixes the names of used files."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, ClassVar

from compiler.ground.names import is_interface, is_name, is_word
from compiler.ground.source import Frame, Span
from compiler.language import syntax
from compiler.language.sets import node_of
from compiler.language.words import Names, Words


class Flattener:
    """Flattens statements under one frame; `names` are the params and variables in scope."""

    def __init__(self, words: Words, names: Names, within: Frame | None, prefix: str) -> None:
        self.words = words
        self.names = names
        self.within = within
        self.prefix = prefix

    def statements(self, statement: syntax.Statement) -> Iterator[syntax.Statement]:
        """The flat statements of one: none for an empty set of nodes, several if empty sets split a chain."""
        if self.within is None and "[" not in statement.span.text:
            yield statement
            return
        made: Any = self._made(statement)
        match made:
            case syntax.Link():
                yield from self._links(made)
            case syntax.Declaration():
                yield from [made] if made.names else []
            case syntax.Tunnel(left=left, right=right, via=via):
                yield from [made] if all(nodes.words for nodes in (left, right, *via)) else []
            case (
                syntax.Bond(left=left, right=right, over=over)
                | syntax.Teql(left=left, right=right, over=over)
            ):
                yield from [made] if all(nodes.words for nodes in (left, right, *(over or ()))) else []
            case syntax.Route(sources=sources):
                yield from [made] if sources.words else []
            case _:
                parts = made.event if isinstance(made, syntax.At) else made
                sets = [part for part in parts if isinstance(part, syntax.Nodes)]
                yield from [made] if all(part.words for part in sets) else []

    def _made(self, value: Any) -> Any:
        """A part of a statement, flattened recursively."""
        make = self._MAKERS.get(type(value))
        if make:
            return make(self, value)
        return type(value)._make(map(self._made, value))

    def _parts(self, parts: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(map(self._made, parts))

    def _span(self, span: Span) -> Span:
        return Span(span.source, span.start, span.end, self.within)

    def word(self, word: syntax.Word) -> syntax.Word:
        framed = syntax.Word(self._span(word.span), word.text)
        return syntax.Word(framed.span, self.words.word(framed, self.names)) if "[" in word.text else framed

    def _string(self, string: syntax.String) -> syntax.String:
        return syntax.String(self._span(string.span), string.text)

    def _set(self, nodes: syntax.Nodes) -> syntax.Nodes:
        return syntax.Nodes(self._span(nodes.span), self._nodes(nodes.words))

    def _declaration(self, made: syntax.Declaration) -> syntax.Declaration:
        span, kind, names, attributes = made
        parts = self.word(kind), self._nodes(names), self._parts(attributes)
        return syntax.Declaration(self._span(span), *parts)

    def _hop(self, hop: syntax.Hop) -> syntax.Hop:
        return syntax.Hop(self._span(hop.span), self._node(hop.to), self._made(hop.weight))

    def _outgoing(self, outgoing: syntax.Outgoing) -> syntax.Outgoing:
        return syntax.Outgoing(self._span(outgoing.span), self._node(outgoing.interface))

    def _weight(self, weight: syntax.Weight) -> syntax.Weight:
        return syntax.Weight(self._span(weight.span), self._node(weight.to), self.word(weight.weight))

    def _endpoint(self, endpoint: syntax.Endpoint) -> syntax.Endpoint:
        interface, flags = self._node(endpoint.interface), self._parts(endpoint.flags)
        return syntax.Endpoint(self._span(endpoint.span), interface, flags)

    def _assignment(self, made: syntax.Assignment) -> syntax.Assignment:
        return syntax.Assignment(self._span(made.span), self.word(made.key), self._text(made.value))

    def _port_forward(self, made: syntax.PortForward) -> syntax.PortForward:
        span, keyword, nodes, protocol, port, target = made
        parts = self._set(nodes), self.word(protocol), self.word(port), self._node(target)
        return syntax.PortForward(self._span(span), self.word(keyword), *parts)

    def _run(self, made: syntax.Run) -> syntax.Run:
        span, nodes, inside, command, items = made
        parts = self._set(nodes), self._made(inside), self._text(command), self._made(items)
        return syntax.Run(self._span(span), *parts)

    def _device(self, made: syntax.Device) -> syntax.Device:
        span, interfaces, commands, addresses = made
        parts = self._set(interfaces), tuple(map(self._text, commands)), self._parts(addresses)
        return syntax.Device(self._span(span), *parts)

    def _machine(self, made: syntax.Machine) -> syntax.Machine:
        span, name, ssh, items = made
        return syntax.Machine(self._span(span), self.word(name), self._text(ssh), self._parts(items))

    def _attribute(self, made: syntax.ContainerAttribute) -> syntax.ContainerAttribute:
        span, keyword, value = made
        if isinstance(value, syntax.Word) and keyword.text in syntax.TEXTS:
            return syntax.ContainerAttribute(self._span(span), self.word(keyword), self._text(value))
        return syntax.ContainerAttribute(self._span(span), self.word(keyword), self._made(value))

    def _text(self, value: syntax.Word | syntax.String) -> syntax.Word | syntax.String:
        """A value that may be any text: a string if it is computed and not a valid word."""
        if isinstance(value, syntax.String):
            return self._string(value)
        framed = syntax.Word(self._span(value.span), value.text)
        text = self.words.text(framed, self.names)
        return syntax.Word(framed.span, text) if is_word(text) else syntax.String(framed.span, text)

    def _node(self, word: syntax.Word) -> syntax.Word:
        made = self.word(word)
        return made._replace(text=prefixed(made.text, self.prefix))

    def _nodes(self, words: tuple[syntax.Word, ...]) -> tuple[syntax.Word, ...]:
        """The nodes that words expand to, where several are allowed."""
        found = []
        for word in words:
            framed = syntax.Word(self._span(word.span), word.text)
            texts = self.words.nodes(framed, self.names) if "[" in word.text else [word.text]
            found += [syntax.Word(framed.span, prefixed(text, self.prefix)) for text in texts]
        return tuple(found)

    def _links(self, made: syntax.Link) -> Iterator[syntax.Link]:
        """A link without hops to empty sets and without computed self-loops."""
        runs = [[made.chain[0]]]
        for before, nodes in pairwise(made.chain):
            self.words.spend(len(before.words) * len(nodes.words), made.span)
            if before.words and nodes.words and not _is_loop(before, nodes):
                runs[-1].append(nodes)
            elif _texts(before) != _texts(nodes):
                runs.append([nodes])
        if len(runs[0]) == len(made.chain):
            yield made
        else:
            yield from (made._replace(chain=tuple(run)) for run in runs if len(run) > 1)

    _MAKERS: ClassVar[dict[type, Callable[["Flattener", Any], Any]]] = {
        type(None): lambda _, nothing: nothing,
        tuple: _parts,
        Span: _span,
        syntax.Word: word,
        syntax.String: _string,
        syntax.Nodes: _set,
        syntax.Declaration: _declaration,
        syntax.ContainerAttribute: _attribute,
        syntax.Hop: _hop,
        syntax.Outgoing: _outgoing,
        syntax.Weight: _weight,
        syntax.Endpoint: _endpoint,
        syntax.Assignment: _assignment,
        syntax.PortForward: _port_forward,
        syntax.Run: _run,
        syntax.Device: _device,
        syntax.Machine: _machine,
    }
    """The methods for parts of some classes; any other part is rebuilt from its flattened fields."""


def _is_loop(before: syntax.Nodes, nodes: syntax.Nodes) -> bool:
    """Whether a hop is a self-loop that results from a computed word."""
    if len({node_of(word) for word in (*before.words, *nodes.words)}) > 1:
        return False
    return "[" in before.span.text or "[" in nodes.span.text


def _texts(nodes: syntax.Nodes) -> list[str]:
    return [word.text for word in nodes.words]


def prefixed(text: str, prefix: str) -> str:
    """A node or `node:interface` with the prefix of a used file; addresses and `default` stay as they are."""
    node, colon, interface = text.partition(":")
    is_node = is_name(node) and (not colon or is_interface(interface))
    return prefix + text if prefix and is_node else text
