"""Interfaces that commands of a lab make: all kinds that the language has no statement for."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import InterfaceName
from compiler.model.networks import AddressWithPrefix


class DeviceAddress(NamedTuple):
    """An address of a device."""

    address: AddressWithPrefix
    span: Span


class Device(NamedTuple):
    """An interface that is there when command lines of bash have been run in its node, in written order."""

    interface: InterfaceName
    commands: tuple[str, ...]
    addresses: tuple[DeviceAddress, ...]
    span: Span
