"""Nodes: hosts, routers and switches."""

from enum import StrEnum
from typing import NamedTuple

from compiler.ground.source import Span
from compiler.model.links import Pin
from compiler.model.multipath import Endpoint, Limits
from compiler.model.networks import AddressWithPrefix
from compiler.model.routes import Route, Rule, Spray, Table


class NodeAddress(NamedTuple):
    """An address of a node itself, on `lo` or a dummy device."""

    address: AddressWithPrefix
    device: str
    span: Span


class Role(StrEnum):
    """The role of a node. Hosts and routers have addresses and routes; switches have a bridge."""

    HOST = "host"
    ROUTER = "router"
    SWITCH = "switch"


class Bridge(NamedTuple):
    """The bridge of a switch. `name` is that of the device; `pins` are subnets of its broadcast domain.

    Where the bridge runs a spanning tree (`stp`), `priority` is its rank by name among those of its broadcast
    domain that do: the first is the root.
    """

    name: str
    stp: bool
    pins: tuple[Pin, ...]
    priority: int = 0


class Node(NamedTuple):
    """A node, which has its own namespace. `forwards` is true for routers unless the source says otherwise.

    `inferred_address` is whether families without a pinned address get one. `backlog` is the bound of
    unsent bytes of an MPTCP subflow. `single` are the interfaces with gso_max_segs 1.
    `bridge` is that of a switch, which has none of the optional fields above except sysctls.
    """

    name: str
    namespace: str
    role: Role
    span: Span
    forwards: bool = False
    inferred_address: bool = False
    addresses: tuple[NodeAddress, ...] = ()
    masquerade: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()
    sysctl_places: tuple[Span, ...] = ()
    routes: tuple[Route, ...] = ()
    tables: tuple[Table, ...] = ()
    rules: tuple[Rule, ...] = ()
    sprays: tuple[Spray, ...] = ()
    single: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    limits: Limits | None = None
    backlog: int | None = None
    bridge: Bridge | None = None
