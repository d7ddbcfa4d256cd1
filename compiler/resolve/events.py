"""`at` statements: timed changes, and the shaping of each direction after each of them."""

from compiler.ground import units
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import pairs
from compiler.model.events import Change, Event, Reshaping, Switching
from compiler.model.links import InterfaceName
from compiler.resolve.attributes import Values, quantity
from compiler.resolve.links import Linker
from compiler.resolve.scope import Scope

Link = tuple[InterfaceName, InterfaceName]


class Events:
    """Resolves events in order of time; each applies to the state after the events before it."""

    def __init__(self, scope: Scope, linker: Linker) -> None:
        self.scope = scope
        self.linker = linker
        self.values: dict[InterfaceName, Values] = {}
        self.down: set[Link] = set()
        self.places: dict[tuple[int, object], Span] = {}
        """The place of each setting, by its time and what it sets."""

    def all(self, statements: list[syntax.At]) -> tuple[Event, ...]:
        """The events in order of time; those at one time in written order."""
        timed = [(self._time(statement.time), statement) for statement in statements]
        known = [(time, statement) for time, statement in timed if time is not None]
        return tuple(self._event(*one) for one in sorted(known, key=lambda one: one[0]))

    def _time(self, word: syntax.Word) -> int | None:
        return quantity(word, lambda text: units.time(text, "s"), "at", self.scope.diagnostics)

    def _event(self, time: int, statement: syntax.At) -> Event:
        event = statement.event
        changes = self._reshape(time, event) if isinstance(event, syntax.Shape) else self._switch(time, event)
        failed = self.scope.diagnostics.failed
        if not changes and not failed:
            message = "this event is on no link"
            self.scope.diagnostics.error("MPC805", message, event.span, "no link joins these nodes")
        elif not failed and not any(changes.values()):
            message = "this event changes nothing"
            label = "it is so at that time already"
            self.scope.diagnostics.warning("MPC720", message, statement.span, label)
        return Event(time, tuple(changes), statement.span)

    def _reshape(self, time: int, statement: syntax.Shape) -> dict[Change, bool]:
        """The new shaping of each direction, and whether it differs from the one before."""
        values, ports = self.linker.read_shape(statement)
        found: dict[Change, bool] = {}
        for port in ports:
            before = self.values.get(port, self.linker.values_of(port))
            for name, value in values.items():
                self._set_at(time, (port, name), f"`{name}` of `{port}`", value.span)
            self.values[port] = {**before, **values}
            shaping = self.linker.shaping(self.values[port])
            found[Reshaping(port, shaping)] = any(
                name not in before or before[name][::2] != value[::2] for name, value in values.items()
            )
        return found

    def _switch(self, time: int, statement: syntax.Switching) -> dict[Change, bool]:
        """The links that are set down or up, and whether their state was another before."""
        up = statement.state.text == "up"
        self.scope.stands_for(len(statement.left.words) * len(statement.right.words), statement.span)
        found: dict[Change, bool] = {}
        for left, right in pairs(statement.left, statement.right):
            for index in self._switched(left, right):
                near, far = (end.id for end in self.scope.links[index].ends)
                self._set_at(time, (near, far), f"whether the link of `{near}` is up", statement.span)
                found[Switching((near, far), up)] = up == ((near, far) in self.down)
                (self.down.discard if up else self.down.add)((near, far))
        return found

    def _switched(self, left: syntax.Word, right: syntax.Word) -> list[int]:
        """The links between two words; legs of a bond are meant by their interfaces only."""
        pinned = ":" in left.text or ":" in right.text
        found = self.scope.links_between(left, right)
        return [index for index, _ in found if pinned or index not in self.scope.legs]

    def _set_at(self, time: int, key: object, what: str, span: Span) -> None:
        """Records a setting; a second one at the same time is an error."""
        first = self.places.setdefault((time, key), span)
        if first is not span:
            self.scope.set_twice(f"{what} at {units.format_time(time)}", span, first)
