"""The plan: a lab as facts about a machine, in the order in which they are established, and what runs in it.

The scripts up, down, check and play are all made from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from compiler.model.machines import Machine
from compiler.model.networks import Address
from compiler.plan.commands import Command, Words, commands
from compiler.plan.facts import Attached, Bond, Container, Device, Fact, Teql, Uplink, Vxlan
from compiler.plan.needs import Need

ATTACHED = "attached"
"""The title of the section of containers that run already."""

DEVICES, ADDRESSES = "devices", "addresses"
"""The titles of the sections of what commands make, and of its addresses."""

UPLINKS = "the uplink, on this machine's own network"
"""The title of the section of what is not in namespaces alone."""

CONTAINERS = "containers"
"""The title of the section of containers."""


@dataclass(frozen=True)
class Section:
    """A named group of facts."""

    title: str
    facts: tuple[Fact, ...]

    @cached_property
    def commands(self) -> tuple[Command, ...]:
        """The commands that establish them, in order."""
        return tuple(chain.from_iterable(map(commands, self.facts)))


class Process(NamedTuple):
    """A command line of bash that runs in a namespace from up to down; `name` is that of its log.

    Or (`inside`) one that has a program run in the container of that namespace, and has its own environment.
    Those of one `statement`, by its number, start together. Where one has `ready`, the next statement waits
    until something listens at that TCP port of the namespace, or until these words, as a command, succeed.
    """

    namespace: str
    name: str
    command: str
    environment: tuple[str, ...]
    inside: bool
    ready: int | Words | None
    statement: int


class Capture(NamedTuple):
    """The packets of an interface in a file, from before it is up to down; or of a device, from when its
    commands have made it.

    `snap` is the bytes of each that are kept, 0 for all.
    """

    namespace: str
    node: str
    interface: str
    snap: int
    file: str

    @property
    def name(self) -> str:
        """The name of its log."""
        return f"{self.node}:{self.interface}"

    @property
    def words(self) -> tuple[str, ...]:
        """What the scripts call it with."""
        return (self.namespace, self.node, self.interface, str(self.snap), self.file)


class Crosslink(NamedTuple):
    """A link to another machine that a check tries: its ends and that machine, as text; the namespace of
    its end here; and the addresses of its other end."""

    link: str
    namespace: str
    addresses: tuple[str, ...]


class Peer(NamedTuple):
    """Another machine that links lead to: its name, its address, and the bytes of the largest packet of the
    network between both that such a link sends."""

    name: str
    address: Address
    largest: int


class Plan(NamedTuple):
    """Everything about a lab that scripts are made from: the machine's needed features, the namespaces, the
    hosts(5) file that these share, the facts, and the processes that run in the lab and capture its packets.

    `own_hosts` are the lines that some namespaces have in that file before all others.

    `switches` are the namespaces whose bridges have to forward before the lab is up, and `bonds` those where
    all legs of bonds and teqls have to work. `machine` is the one that scripts are for, if the lab names any;
    links lead to its `peers`, and `crosslinks` are those of them that a check of this machine tries.
    """

    lab: str
    source: str
    tools: tuple[str, ...]
    needs: tuple[Need, ...]
    sysctls: tuple[str, ...]
    namespaces: tuple[str, ...]
    hosts: tuple[str, ...]
    own_hosts: tuple[tuple[str, tuple[str, ...]], ...]
    sections: tuple[Section, ...]
    switches: tuple[str, ...]
    bonds: tuple[str, ...]
    processes: tuple[Process, ...]
    captures: tuple[Capture, ...] = ()
    machine: Machine | None = None
    peers: tuple[Peer, ...] = ()
    crosslinks: tuple[Crosslink, ...] = ()

    @property
    def facts(self) -> Iterator[Fact]:
        """The facts of all sections, in order."""
        return chain.from_iterable(section.facts for section in self.sections)

    @property
    def network(self) -> Iterator[Section]:
        """The sections of namespaces and what is in them, without devices and containers."""
        return (one for one in self.sections if one.title not in (DEVICES, ADDRESSES, CONTAINERS))

    @property
    def made(self) -> Iterator[Section]:
        """The sections of devices, which are made when the network carries packets."""
        return (one for one in self.sections if one.title in (DEVICES, ADDRESSES))

    def captured(self, *, devices: bool) -> list[Capture]:
        """The captures of devices, or of all other interfaces."""
        made = {(one.namespace, one.name) for one in self.devices}
        return [one for one in self.captures if ((one.namespace, one.interface) in made) is devices]

    @property
    def devices(self) -> list[Device]:
        """What commands make, in written order."""
        return [fact for fact in self.facts if isinstance(fact, Device)]

    @property
    def containers(self) -> list[Container]:
        """The containers, in the order of nodes."""
        return [fact for fact in self.facts if isinstance(fact, Container)]

    @property
    def engines(self) -> list[str]:
        """The engines that run them, or what is attached."""
        attached = (one.engine for one in self.attached)
        return list(dict.fromkeys([*(one.started.engine.value for one in self.containers), *attached]))

    @property
    def mptcpized(self) -> tuple[str, ...]:
        """The names of containers whose programs get MPTCP where they ask for TCP."""
        return tuple(one.namespace for one in self.containers if one.started.mptcpize)

    @property
    def attached(self) -> list[Attached]:
        """The namespaces of containers that run already, in the order of nodes."""
        return [fact for fact in self.facts if isinstance(fact, Attached)]

    @property
    def teqls(self) -> int:
        """The number of teql devices that the lab takes."""
        return sum(isinstance(fact, Teql) for fact in self.facts)

    @property
    def uplink(self) -> Uplink | None:
        """What joins a node to the machine's own network, if any."""
        return next((fact for fact in self.facts if isinstance(fact, Uplink)), None)

    @property
    def wires(self) -> dict[str, list[str]]:
        """The names of the interfaces whose links lead to other machines, by namespace."""
        found: dict[str, list[str]] = {}
        for fact in self.facts:
            if isinstance(fact, Vxlan):
                found.setdefault(fact.namespace, []).append(fact.name)
        return found

    @property
    def runs(self) -> bool:
        """Whether anything runs in the lab."""
        return bool(self.processes or self.captures or self.devices or self.containers or self.attached)

    @property
    def digest(self) -> str:
        """A short hash of the plan's content, without the name of the source file."""
        own = (self.lab, self.namespaces, self.hosts, self.switches, self.processes)
        over = (self.machine.name, str(self.machine.address)) if self.machine else ()
        ready = tuple(one.started.ready for one in self.containers)
        more = filter(None, (ready, self.mptcpized, self.captures, self.own_hosts))
        found = sha256(repr((*own, *more, *over)).encode())
        for command in chain.from_iterable(section.commands for section in self.sections):
            words = (*command.tool, command.namespace or "", *command.arguments, *command.each)
            found.update("\n".join(words).encode())
        return found.hexdigest()[:12]


PROBED = 8
"""The looks in a row that find a leg working where ARP asks: longer than a bond takes to find it broken."""


def looks(plan: Plan) -> int:
    """How often in a row all legs of bonds have to be found working before the lab is up."""
    return PROBED if any(isinstance(fact, Bond) and fact.target for fact in plan.facts) else 1


NO_SERVER = "# This lab has no name server."
"""The content of a namespace's resolv.conf."""


HERE = ""
"""The name of the machine that a script runs on, if the lab names no machines."""
