"""Transfers of check and bench scripts, as arguments of the functions in transfer.bash."""

import re
from collections import defaultdict

from compiler.model.lab import Lab
from compiler.model.links import Mode
from compiler.model.trials import End, Protocol, Transfer
from compiler.plan import served
from compiler.plan.plan import Plan
from compiler.prediction.tcp import control

UNSHAPED = 10**9
"""The offered rate of UDP, in bits per second, if a link of its source has no rate."""


class Ends:
    """The nodes of a lab by name, as senders and receivers; `here` are the namespaces of this machine."""

    def __init__(self, lab: Lab, plan: Plan) -> None:
        self.lab = lab
        self.here = set(plan.namespaces)
        self.nodes = {node.name: node for node in lab.ip_nodes}
        self.sprays = {node.name for node in lab.ip_nodes if node.sprays}
        """The nodes whose packets take turns, by sprays or by bonds."""
        bonds = (link for link in lab.links if link.bond and link.bond.mode is Mode.TURNS)
        self.sprays |= {end.node for link in bonds for end in link.ends}
        self.rates: defaultdict[str, list[int | None]] = defaultdict(list)
        for link in (link for link in lab.links if not (link.tunnel or link.bond or link.vlan)):
            for end in link.ends:
                self.rates[end.node].append(end.shaping.rate)

    def addresses(self, source: End, target: End) -> list[str]:
        """The addresses that stand for a target, each after that of a source that is an interface."""
        known = self.lab.meanings.between(source, target)
        begun = [served.source(self.lab, source, address) for address in known]
        return [f"{own},{one}" if own else f"{one}" for own, one in zip(begun, known, strict=True)]

    def namespaces(self, source: End, target: End) -> tuple[str, str]:
        return self.nodes[source.node].namespace, self.nodes[target.node].namespace

    def transfer(self, source: End, target: End, transfer: Transfer) -> tuple[str, ...]:
        """The arguments of `transfer` in transfer.bash; `-` is the namespace of a node of another machine.

        The end that opens the connections may be the one that receives (in reverse, or if only the target
        may open those of MPTCP): it has the other one send.
        """
        opens, accepts = served.ends(self.lab, source, target, transfer)
        near, far = self.namespaces(opens, accepts)
        address = served.address(self.lab, accepts, opens)
        words = (near, far if far in self.here else "-", str(address), transfer.protocol)
        sender, _ = transfer.data(source, target)
        offered, chosen = self._offered(sender.node), self._control(sender.node, transfer.protocol)
        own = served.source(self.lab, opens, address)
        begun = ("-B", str(own)) if own else ()
        return *words, str(transfer.flows), offered, chosen, *begun, *(("-R",) if opens != sender else ())

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
