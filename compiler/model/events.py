"""What happens to a lab that is up."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName, Shaping


class Reshaping(NamedTuple):
    """The shaping that what leaves through an interface has from now on."""

    interface: InterfaceName
    shaping: Shaping


class Switching(NamedTuple):
    """A link, by its left and right end, that goes down at both or comes up again."""

    link: tuple[InterfaceName, InterfaceName]
    up: bool


Change = Reshaping | Switching


class Event(NamedTuple):
    """What changes when a lab has been played for `time` microseconds."""

    time: int
    changes: tuple[Change, ...]
    span: Span
