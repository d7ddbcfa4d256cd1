"""Nodes and switches."""

from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import Pin
from compiler.model.multipath import Endpoint, Limits
from compiler.model.networks import AddressWithPrefix
from compiler.model.routes import Route, Rule, Table


class NodeAddress(NamedTuple):
    """An address of a node itself, on `lo` or a dummy device."""

    address: AddressWithPrefix
    device: str
    span: Span


class Node(NamedTuple):
    """A namespace. `inferred_address` is whether families without a pinned address get one.

    `backlog` is how many bytes a subflow of MPTCP may hold unsent.
    """

    name: str
    namespace: str
    forwards: bool
    inferred_address: bool
    addresses: tuple[NodeAddress, ...]
    sysctls: tuple[tuple[str, str], ...]
    masquerade: tuple[str, ...]
    span: Span
    sysctl_places: tuple[Span, ...] = ()
    routes: tuple[Route, ...] = ()
    tables: tuple[Table, ...] = ()
    rules: tuple[Rule, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    limits: Limits | None = None
    backlog: int | None = None


class Switch(NamedTuple):
    """A bridge in a namespace of its own; `bridge` is the name of the device.

    Where it takes part in a spanning tree (`stp`), `priority` is its place among those of its broadcast
    domain that do, by name: the first is the root.
    """

    name: str
    namespace: str
    bridge: str
    stp: bool
    pins: tuple[Pin, ...]
    sysctls: tuple[tuple[str, str], ...]
    span: Span
    priority: int = 0
