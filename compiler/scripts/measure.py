"""Transfers of check and bench scripts, as arguments of the functions in transfer.bash."""

import re
from collections import defaultdict

from compiler.model.lab import Lab
from compiler.model.multipath import opener
from compiler.model.networks import Address
from compiler.model.trials import Protocol, Transfer
from compiler.prediction.tcp import control

UNSHAPED = 10**9
"""The offered rate of UDP, in bits per second, if a link of its source has no rate."""


class Ends:
    """The nodes of a lab by name, as senders and receivers."""

    def __init__(self, lab: Lab) -> None:
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.pairs = lab.pairs
        self.sprays = {node.name for node in lab.ip_nodes if node.sprays}
        self.rates: defaultdict[str, list[int | None]] = defaultdict(list)
        for link in lab.links:
            for end in link.ends:
                self.rates[end.node].append(end.shaping.rate)

    def address(self, target: str) -> Address:
        """The address that a node's name resolves to first: IPv4 if it has one."""
        return min((own.address.ip for own in self.nodes[target].addresses), key=lambda own: own.version)

    def addresses(self, target: str) -> list[str]:
        return [str(own.address.ip) for own in self.nodes[target].addresses]

    def namespaces(self, source: str, target: str) -> tuple[str, str]:
        return self.nodes[source].namespace, self.nodes[target].namespace

    def transfer(self, source: str, target: str, transfer: Transfer) -> tuple[str, ...]:
        """The arguments of `transfer` in transfer.bash.

        If the target opens the MPTCP connections, it has the source send in the reverse direction.
        """
        mptcp = transfer.protocol is Protocol.MPTCP
        opens = opener(self.pairs, source, target) if mptcp else source
        accepts = target if opens == source else source
        words = (*self.namespaces(opens, accepts), str(self.address(accepts)), transfer.protocol)
        more = (str(transfer.flows), self._offered(source), self._control(source, transfer.protocol))
        return *words, *more, *(("-R",) if opens != source else ())

    def _control(self, source: str, protocol: Protocol) -> str:
        """The congestion control that predictions assume, or `-` if it cannot be chosen."""
        name = control(self.nodes[source])
        return name if protocol is not Protocol.UDP and re.fullmatch(r"[a-z0-9_-]{2,15}", name) else "-"

    def _offered(self, source: str) -> str:
        """The offered rate per flow of UDP: 5/4 of the fastest link of its source, or of all of them together
        if packets are sprayed."""
        rates = [rate for rate in self.rates[source] if rate]
        if not rates or None in self.rates[source]:
            return str(UNSHAPED)
        return str((sum(rates) if source in self.sprays else max(rates)) * 5 // 4)


def tools(transfers: list[Transfer]) -> list[str]:
    """The programs that transfers need."""
    found = ["ss", "iperf3", "flock"] if transfers else []
    return found + ["mptcpize"] * any(one.protocol is Protocol.MPTCP for one in transfers)
