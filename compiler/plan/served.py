"""Transfers between machines: which end opens the connections, and the servers that the other ends have.

One script starts both ends of a transfer on its machine. Where a transfer is opened on another machine than
it is accepted on, the accepting node has a server from up to down, and the machine that opens it measures.
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from compiler.model.lab import Lab
from compiler.model.multipath import opener
from compiler.model.networks import Address
from compiler.model.nodes import Node
from compiler.model.trials import Protocol, Throughput, Transfer

PORT = 5380
"""The TCP and UDP port of such a server; scripts know it, too (SERVED of parts/transfer.bash)."""


class Ends(NamedTuple):
    """The nodes that open and accept the connections of a transfer, in either of which data may go."""

    opens: str
    accepts: str


def ends(lab: Lab, source: str, target: str, transfer: Transfer) -> Ends:
    """The ends of a transfer from `source` to `target`."""
    opens = opener(lab.pairs, source, target) if transfer.protocol is Protocol.MPTCP else source
    return Ends(opens, target if opens == source else source)


def measured(lab: Lab) -> Iterator[tuple[Ends, Transfer]]:
    """The ends of all transfers of a lab."""
    for one in lab.expectations:
        if isinstance(one.claim, Throughput):
            yield ends(lab, one.source, one.target, one.claim.transfer), one.claim.transfer
    for bench in lab.benches:
        for transfer in bench.transfers:
            yield ends(lab, bench.source, bench.target, transfer), transfer


def servers(lab: Lab, machine: str) -> dict[str, bool]:
    """The nodes of a machine that accept what is opened on others, and whether any of it is MPTCP."""
    on = {node.name: node.machine for node in lab.nodes}
    found: dict[str, bool] = {}
    for (opens, accepts), transfer in measured(lab):
        if on[accepts] == machine != on[opens]:
            found[accepts] = found.get(accepts, False) or transfer.protocol is Protocol.MPTCP
    return found


def address(node: Node) -> Address:
    """The address that a node's name resolves to first: IPv4 if it has one."""
    return min((own.address.ip for own in node.addresses), key=lambda own: own.version)


def programs(served: Collection[bool]) -> list[str]:
    """The programs that servers need, of which some are for MPTCP."""
    return ["iperf3"] * bool(served) + ["mptcpize"] * any(served)


def command(node: Node, *, mptcp: bool) -> str:
    """A server that accepts transfers, one after the other, as a command line of bash."""
    return f"exec {'mptcpize run ' * mptcp}iperf3 -s -B {address(node)} -p {PORT} -f k -i 0.1"
