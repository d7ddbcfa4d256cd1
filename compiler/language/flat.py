"""One statement of a tree to flat statements: words computed, places framed, names of used files prefixed."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from compiler.ground.names import is_interface, is_name, is_word
from compiler.ground.source import Frame, Span
from compiler.language import syntax
from compiler.language.sets import node_of
from compiler.language.words import Names, Words


class Flattener:
    """Makes statements flat under one frame; `names` are the params and variables that they see."""

    def __init__(self, words: Words, names: Names, within: Frame | None, prefix: str) -> None:
        self.words = words
        self.names = names
        self.within = within
        self.prefix = prefix

    def statements(self, statement: syntax.Statement) -> Iterator[syntax.Statement]:
        """What a statement stands for: nothing where a set of nodes is empty, several for a broken chain."""
        if self.within is None and "[" not in statement.span.text:
            yield statement
            return
        made: Any = self._made(statement)
        match made:
            case syntax.Link():
                yield from self._links(made)
            case syntax.Declaration():
                yield from [made] if made.names else []
            case syntax.Route(sources=sources):
                yield from [made] if sources.words else []
            case _:
                parts = made.event if isinstance(made, syntax.At) else made
                sets = [part for part in parts if isinstance(part, syntax.Nodes)]
                yield from [made] if all(part.words for part in sets) else []

    def _made(self, value: Any) -> Any:
        """A part of a statement, with all parts within it."""
        match value:
            case Span():
                return value.under(self.within)
            case syntax.Word():
                return self.word(value)
            case syntax.Nodes():
                return syntax.Nodes(self._made(value.span), self._nodes(value.words))
            case syntax.Declaration():
                names = self._nodes(value.names)
                return value._replace(
                    span=self._made(value.span), names=names, attributes=self._made(value.attributes)
                )
            case syntax.Hop() | syntax.Endpoint():
                span, node, rest = value
                return type(value)(self._made(span), self._node(node), self._made(rest))
            case syntax.Assignment():
                span, key, text = value
                return syntax.Assignment(self._made(span), self.word(key), self._text(text))
            case syntax.Run():
                span, nodes, command, environment = value
                return syntax.Run(
                    self._made(span), self._made(nodes), self._text(command), self._made(environment)
                )
            case tuple():
                parts = map(self._made, value)
                return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
            case _:
                return value

    def framed(self, value: syntax.Word) -> syntax.Word:
        return syntax.Word(value.span.under(self.within), value.text)

    def word(self, word: syntax.Word) -> syntax.Word:
        framed = self.framed(word)
        return (
            framed if "[" not in word.text else syntax.Word(framed.span, self.words.word(framed, self.names))
        )

    def _text(self, value: syntax.Word | syntax.String) -> syntax.Word | syntax.String:
        """A value that may be any text: a string, where it is computed and no word."""
        if isinstance(value, syntax.String):
            return syntax.String(self._made(value.span), value.text)
        framed = self.framed(value)
        text = self.words.text(framed, self.names)
        return syntax.Word(framed.span, text) if is_word(text) else syntax.String(framed.span, text)

    def _node(self, word: syntax.Word) -> syntax.Word:
        made = self.word(word)
        return made._replace(text=prefixed(made.text, self.prefix))

    def _nodes(self, words: tuple[syntax.Word, ...]) -> tuple[syntax.Word, ...]:
        """The nodes that words stand for, in a place that takes several."""
        found = []
        for word in words:
            framed = self.framed(word)
            texts = self.words.nodes(framed, self.names) if "[" in word.text else [word.text]
            found += [syntax.Word(framed.span, prefixed(text, self.prefix)) for text in texts]
        return tuple(found)

    def _links(self, made: syntax.Link) -> Iterator[syntax.Link]:
        """A link without the hops of an empty set, and those from a computed node to itself."""
        runs = [[made.chain[0]]]
        for before, nodes in pairwise(made.chain):
            self.words.spend(len(before.words) * len(nodes.words), made.span)
            if before.words and nodes.words and not _is_loop(before, nodes):
                runs[-1].append(nodes)
            elif _texts(before) != _texts(nodes):
                runs.append([nodes])
        yield from (made._replace(chain=tuple(run)) for run in runs if len(run) > 1)


def _is_loop(before: syntax.Nodes, nodes: syntax.Nodes) -> bool:
    """Whether a hop is from a node to itself, and not written so."""
    computed = "[" in before.span.text or "[" in nodes.span.text
    return computed and len({node_of(word) for word in (*before.words, *nodes.words)}) == 1


def _texts(nodes: syntax.Nodes) -> list[str]:
    return [word.text for word in nodes.words]


def prefixed(text: str, prefix: str) -> str:
    """A node or `node:interface` with the prefix of a used file; addresses and `default` stay as they are."""
    node, colon, interface = text.partition(":")
    is_node = is_name(node) and (not colon or is_interface(interface))
    return prefix + text if prefix and is_node else text
