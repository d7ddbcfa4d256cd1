"""Renaming of interfaces in the statements of used files to their names in the lab.

In a file, the interface of a towards b is `a:b`. Where the file is used as r, the nodes are `r-a` and
`r-b`, and so the interface is `r-a:r-b`, unless a link of the file pins the name `b`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from compiler.ground.names import LOGICAL, is_name
from compiler.language import syntax

_NUMBERED = re.compile(r"(.+?)(?:\.([1-9][0-9]{0,8}))?")
_OF_INTERFACE = re.compile(r"(net\.\w+\.(?:conf|neigh)\.)([^.]+)(\..+)")


def with_references(statements: list[syntax.Statement]) -> tuple[syntax.Statement, ...]:
    """The statements with the lab's interface names."""
    return tuple(_References(statements).all())


class _References:
    def __init__(self, statements: list[syntax.Statement]) -> None:
        self.statements = statements
        self.nodes: set[str] = set()
        self.pinned: set[str] = set()
        for statement in statements:
            match statement:
                case syntax.Declaration(names=names):
                    self.nodes.update(word.text for word in names)
                case syntax.Link(chain=chain):
                    self._pin(chain)
                case syntax.Tunnel() | syntax.Bond() | syntax.Teql():
                    left, right = statement.left, statement.right
                    self._pin((left, right))

    def _pin(self, ends: Iterable[syntax.Nodes]) -> None:
        """Records the interface names that a statement pins."""
        self.pinned.update(word.text for nodes in ends for word in nodes.words if ":" in word.text)

    def all(self) -> Iterator[syntax.Statement]:
        for statement in self.statements:
            unit = statement.span.unit
            if not unit or not unit.prefix or isinstance(statement, syntax.Link | syntax.Declaration):
                yield statement
            elif isinstance(statement, syntax.Sysctl):
                yield from self._sysctls(statement, unit.prefix)
            elif isinstance(statement, syntax.Expect | syntax.Bench):
                sources, targets = (self._renamed(own, unit.prefix) for own in statement[1:3])
                yield statement._replace(sources=sources, targets=targets)
            else:
                yield self._renamed(statement, unit.prefix)

    def _renamed(self, value: Any, prefix: str) -> Any:
        """A part of a statement with its interfaces renamed, recursively."""
        match value:
            case syntax.Word(span, text) if ":" in text:
                return syntax.Word(span, self._interface(text, prefix))
            case syntax.Nodes(span, words):
                return syntax.Nodes(span, tuple(self._renamed(word, prefix) for word in words))
            case (
                syntax.Hop()
                | syntax.Outgoing()
                | syntax.Weight()
                | syntax.Endpoint()
                | syntax.Capture()
                | syntax.Bench()
            ):
                return type(value)(*(self._renamed(part, prefix) for part in value))
            case syntax.Route(target=target, onward=onward):
                onward = (
                    tuple(self._renamed(hop, prefix) for hop in onward)
                    if type(onward) is tuple
                    else self._renamed(onward, prefix)
                )
                return value._replace(target=self._renamed(target, prefix), onward=onward)
            case syntax.Spray(weights=weights):
                return value._replace(
                    weights=weights and tuple(self._renamed(one, prefix) for one in weights)
                )
            case syntax.Mptcp():
                return self._mptcp(value, prefix)
            case syntax.Shape() | syntax.Switching() | syntax.Tunnel() | syntax.Bond() | syntax.Teql():
                return type(value)(*(self._ends(part, prefix) for part in value))
            case syntax.At(span, time, event):
                return syntax.At(span, time, self._renamed(event, prefix))
            case syntax.Masquerade(out=out):
                return value._replace(out=out and self._renamed(out, prefix))
            case _:
                return value

    def _ends(self, part: Any, prefix: str) -> Any:
        if isinstance(part, tuple) and all(isinstance(one, syntax.Nodes) for one in part):
            return tuple(self._renamed(nodes, prefix) for nodes in part)
        return self._renamed(part, prefix) if isinstance(part, syntax.Nodes) else part

    def _mptcp(self, statement: syntax.Mptcp, prefix: str) -> syntax.Mptcp:
        options = tuple(
            option
            if isinstance(option, syntax.Limit)
            else tuple(self._renamed(endpoint, prefix) for endpoint in option)
            for option in statement.options
        )
        return statement._replace(options=options)

    def _interface(self, text: str, prefix: str) -> str:
        """The lab's name of the interface `r-a:b`."""
        node, _, name = text.partition(":")
        return text if text in self.pinned else f"{node}:{self._name(name, prefix)}"

    def _name(self, name: str, prefix: str) -> str:
        """The lab's name of an interface, which is prefixed if it is that of a node of the file."""
        for before in LOGICAL.values():
            if name.startswith(before) and name not in self.nodes:
                return f"{before}{self._name(name.removeprefix(before), prefix)}"
        match = _NUMBERED.fullmatch(name)
        if not match or not is_name(match[1]) or prefix + match[1] not in self.nodes:
            return name
        return prefix + name

    def _sysctls(self, statement: syntax.Sysctl, prefix: str) -> Iterator[syntax.Sysctl]:
        """One statement per node, as an interface's name may be pinned on one and inferred on another."""
        if not any(_OF_INTERFACE.fullmatch(assignment.key.text) for assignment in statement.assignments):
            yield statement
            return
        for word in statement.nodes.words:
            keys = tuple(
                assignment._replace(key=self._key(assignment.key, word.text, prefix))
                for assignment in statement.assignments
            )
            yield syntax.Sysctl(statement.span, statement.nodes._replace(words=(word,)), keys)

    def _key(self, key: syntax.Word, node: str, prefix: str) -> syntax.Word:
        match = _OF_INTERFACE.fullmatch(key.text)
        if not match:
            return key
        interface = self._interface(f"{node}:{match[2].replace('/', '.')}", prefix)
        name = interface.partition(":")[2].replace(".", "/")
        return key._replace(text=f"{match[1]}{name}{match[3]}")
