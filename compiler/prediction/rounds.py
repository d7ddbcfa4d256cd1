"""Round trips that main tables alone decide, computed for all nodes at once, per address.

Rules, filters, address translation and forwarding per interface make the fate of a packet depend on its path;
such packets are left to `ways`, which follows each of them.
"""

from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.routes import BY_RETURN, Table
from compiler.prediction.inbound import Inbound, Steps
from compiler.prediction.lookup import Lookup

KEPT = 64
"""The most addresses whose inbound paths are kept."""


class Delays(NamedTuple):
    """Microseconds of a round trip: the longest of the least delays, and the shortest of the most delays, of
    all paths."""

    longest_least: float
    shortest_most: float


class Rounds:
    """The round trips of one lab."""

    def __init__(self, lab: Lab, lookup: Lookup) -> None:
        self.lab = lab
        self.lookup = lookup
        self.steps = Steps(lookup, lab)
        self.inbound = cache(self._inbound)
        self.answers = lru_cache(KEPT)(self._inbound)

    def _inbound(self, target: Address) -> Inbound:
        return Inbound(self.lookup, self.steps, target)

    @cached_property
    def by_way(self) -> bool:
        """Whether what becomes of packets depends on where they were, so that each way is followed alone."""
        sprays = (spray for node in self.lab.nodes for spray in node.sprays)
        by_way = (self.lookup.kernel(name).by_way for name in self.lookup.nodes)
        rules = (rule for node in self.lab.nodes for rule in node.rules)
        return (
            any(by_way)
            or any(spray.target.num_addresses > 1 for spray in sprays)
            or any(isinstance(rule.source, IPv4Network | IPv6Network) for rule in rules)
        )

    @cached_property
    def steered(self) -> frozenset[Address]:
        """The addresses in the targets of rules, but for those that count where a link is down while all
        are up; and those that several nodes have, in networks apart."""
        tables = (table for node in self.lab.nodes for table in self._counting(node))
        targets = (target for table in tables for route in table.routes for target in route.targets)
        return self.lab.shared.union(target.network_address for target in targets)

    def _counting(self, node: Node) -> Iterator[Table]:
        """The tables of a node that packets may be looked up in."""
        idle = (
            set() if self.lookup.down else {rule.table for rule in node.rules if rule.priority == BY_RETURN}
        )
        return (table for table in node.tables if table.number not in idle)

    def knows(self, address: Address) -> bool:
        return not self.by_way and address not in self.steered

    def none_arrives(self, source: str, address: Address) -> bool:
        """Whether it is certain that no packet from a node arrives at an address."""
        return self.knows(address) and source not in self.inbound(address).some

    def delays(self, source: str, target: str, address: Address) -> Delays | None:
        """The delays of round trips; None unless it is certain that all packets and all answers arrive."""
        if not self.knows(address) or source not in self.inbound(address).links:
            return None
        inbound, found = self.inbound(address), []
        for own, steps in inbound.steps_by_source(source).items():
            if own is None or not self.knows(own) or target not in (answers := self.inbound(own)).links:
                return None
            there, back = inbound.delays(steps), answers.taken[target]
            found.append(Delays(there[0] + back[0], there[1] + back[1]))
        return Delays(max(one[0] for one in found), min(one[1] for one in found)) if found else None
