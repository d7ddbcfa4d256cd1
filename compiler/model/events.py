"""Timed changes of a running lab."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName, Shaping


class Reshaping(NamedTuple):
    """A new shaping for the packets that leave through an interface."""

    interface: InterfaceName
    shaping: Shaping


class Switching(NamedTuple):
    """A link, by its left and right end, that is set down or up at both ends."""

    link: tuple[InterfaceName, InterfaceName]
    up: bool


Change = Reshaping | Switching


class Event(NamedTuple):
    """Changes at `time` microseconds after the start of a play."""

    time: int
    changes: tuple[Change, ...]
    span: Span
