"""What checks and benches of a lab have in common: how a transfer is told to the parts that run it."""

import re
from collections import defaultdict

from compiler.model.lab import Lab
from compiler.model.multipath import opener
from compiler.model.networks import Address
from compiler.model.trials import Protocol, Transfer
from compiler.prediction.tcp import control

UNSHAPED = 10**9
"""What a UDP transfer offers where a link of its source has no rate, in bits a second."""


class Ends:
    """The nodes of one lab by name, as what sends and what receives."""

    def __init__(self, lab: Lab) -> None:
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.pairs = lab.pairs
        self.sprays = {node.name for node in lab.ip_nodes if node.sprays}
        self.rates: defaultdict[str, list[int | None]] = defaultdict(list)
        for link in lab.links:
            for end in link.ends:
                self.rates[end.node].append(end.shaping.rate)

    def address(self, target: str) -> Address:
        """What a node's name means first: an IPv4 address where it has one."""
        return min((own.address.ip for own in self.nodes[target].addresses), key=lambda own: own.version)

    def addresses(self, target: str) -> list[str]:
        return [str(own.address.ip) for own in self.nodes[target].addresses]

    def namespaces(self, source: str, target: str) -> tuple[str, str]:
        return self.nodes[source].namespace, self.nodes[target].namespace

    def transfer(self, source: str, target: str, transfer: Transfer) -> tuple[str, ...]:
        """The arguments of `transfer` in transfer.bash.

        Where it is the target that opens MPTCP connections, it asks the source to send over them.
        """
        mptcp = transfer.protocol is Protocol.MPTCP
        opens = opener(self.pairs, source, target) if mptcp else source
        accepts = target if opens == source else source
        words = (*self.namespaces(opens, accepts), str(self.address(accepts)), transfer.protocol)
        more = (str(transfer.flows), self._offered(source), self._control(source, transfer.protocol))
        return *words, *more, *(("-R",) if opens != source else ())

    def _control(self, source: str, protocol: Protocol) -> str:
        """The congestion control that predictions are for, or `-` where none could be asked for."""
        name = control(self.nodes[source])
        return name if protocol is not Protocol.UDP and re.fullmatch(r"[a-z0-9_-]{2,15}", name) else "-"

    def _offered(self, source: str) -> str:
        """What each flow of UDP offers: a quarter more than the fastest way out of its source, or than all of
        them where its packets take turns."""
        rates = [rate for rate in self.rates[source] if rate]
        if not rates or None in self.rates[source]:
            return str(UNSHAPED)
        return str((sum(rates) if source in self.sprays else max(rates)) * 5 // 4)


def tools(transfers: list[Transfer]) -> list[str]:
    """The programs that transfers need."""
    found = ["ss", "iperf3", "flock"] if transfers else []
    return found + ["mptcpize"] * any(one.protocol is Protocol.MPTCP for one in transfers)
