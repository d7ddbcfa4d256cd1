"""What happens to a lab that is up."""

from dataclasses import dataclass

from compiler.ground.source import Span
from compiler.model.links import InterfaceName, Shaping


@dataclass(frozen=True, slots=True)
class Reshaping:
    """The shaping that what leaves through an interface has from now on."""

    interface: InterfaceName
    shaping: Shaping


@dataclass(frozen=True, slots=True)
class Switching:
    """A link, by its left and right end, that goes down at both or comes up again."""

    link: tuple[InterfaceName, InterfaceName]
    up: bool


Change = Reshaping | Switching


@dataclass(frozen=True, slots=True)
class Event:
    """What changes when a lab has been played for `time` microseconds."""

    time: int
    changes: tuple[Change, ...]
    span: Span
