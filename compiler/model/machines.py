"""Machines: the hosts that scripts run on, where a lab is spread over several."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.networks import Address

DEFAULT_MTU = 1500
"""Bytes of an IP packet in the network of machines, where nothing is set."""


class Machine(NamedTuple):
    """A machine, which `ssh` reaches at `host`, and other machines at `address`.

    `mtu` is that of the network between machines, and `rate` that of its card in bits per second.
    """

    name: str
    user: str | None
    host: str
    port: int | None
    address: Address
    mtu: int
    rate: int | None
    span: Span | None = None
