"""A phase as plain data, for `--emit`."""

from dataclasses import fields, is_dataclass

from compiler.ground.source import Span
from compiler.model.lab import InterfaceName

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None


def as_json(value: object) -> Json:
    """A phase's dataclasses as dictionaries; a place in the source is `LINE:COLUMN`, an address its text."""
    match value:
        case None | bool() | int():
            return value
        case Span():
            return "{}:{}".format(*value.source.position(value.start))
        case InterfaceName():
            return str(value)
        case tuple() if hasattr(value, "_asdict"):
            return {name: as_json(item) for name, item in value._asdict().items()}
        case tuple():
            return [as_json(item) for item in value]
        case _ if is_dataclass(value):
            return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        case _:
            return str(value)
