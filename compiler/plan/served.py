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
from compiler.model.trials import End, Protocol, Throughput, Transfer

PORT = 5380
"""The TCP and UDP port of such a server; scripts know it, too (SERVED of parts/transfer.bash)."""


class Ends(NamedTuple):
    """The ends that open and accept the connections of a transfer, in either of which data may go."""

    opens: End
    accepts: End


def ends(lab: Lab, source: End, target: End, transfer: Transfer) -> Ends:
    """The ends of a transfer from `source` to `target`, of which in reverse the source opens it."""
    nodes = source.node, target.node
    is_mptcp = transfer.protocol is Protocol.MPTCP and not transfer.reverse
    if is_mptcp and opener(lab.pairs, *nodes) == target.node:
        return Ends(target, source)
    return Ends(source, target)


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
        if on[accepts.node] == machine != on[opens.node]:
            known = found.get(accepts.node, False)
            found[accepts.node] = known or transfer.protocol is Protocol.MPTCP
    return found


def at_interfaces(lab: Lab) -> set[str]:
    """The nodes that accept transfers at the address of an interface."""
    return {ends.accepts.node for ends, _ in measured(lab) if ends.accepts.interface}


def address(lab: Lab, accepts: End, opens: End) -> Address:
    """The address at which an end accepts what another opens: IPv4 if it has one."""
    return min(lab.meanings.between(opens, accepts), key=lambda own: own.version)


def source(lab: Lab, opens: End, address: Address) -> Address | None:
    """The address that an end opens connections to another from; None where its routes say."""
    if not opens.interface:
        return None
    own = lab.meanings.tried(opens.node, opens.node, opens.interface)
    return next(one for one in own if one.version == address.version)


def programs(served: Collection[bool]) -> list[str]:
    """The programs that servers need, of which some are for MPTCP."""
    return ["iperf3"] * bool(served) + ["mptcpize"] * any(served)


def command(node: Node, *, mptcp: bool, anywhere: bool) -> str:
    """A server that accepts transfers, one after the other, as a command line of bash: at the own address of
    its node, or `anywhere`."""
    own = min((one.address.ip for one in node.addresses), key=lambda ip: ip.version, default=None)
    bound = "" if anywhere or own is None else f" -B {own}"
    return f"exec {'mptcpize run ' * mptcp}iperf3 -s{bound} -p {PORT} -f k -i 0.1"
