"""A phase as plain data, for `--emit`."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import get_args

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import Address, AddressWithPrefix, Network
from compiler.plan.facts import Fact

FACTS = get_args(Fact)

ADDRESSES = (*get_args(Address), *get_args(AddressWithPrefix), *get_args(Network))

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None


def phase_as_json(value: object) -> Json:
    """A phase as JSON data: classes are objects, a span is `LINE:COLUMN`, an address is its text, and a fact
    has its kind."""
    match value:
        case None | bool() | int() | str():
            return value
        case Span():
            return "{}:{}".format(*value.source.position(value.start))
        case InterfaceName():
            return str(value)
        case tuple() if hasattr(value, "_asdict"):
            kind = {"fact": type(value).__name__} if isinstance(value, FACTS) else {}
            return kind | {name: phase_as_json(item) for name, item in value._asdict().items()}
        case tuple():
            return [phase_as_json(item) for item in value]
        case Mapping():
            return {str(key): phase_as_json(item) for key, item in value.items()}
        case _ if is_dataclass(value):
            return {field.name: phase_as_json(getattr(value, field.name)) for field in fields(value)}
        case _ if isinstance(value, ADDRESSES):
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON yet")
