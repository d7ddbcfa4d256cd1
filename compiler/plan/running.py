"""What runs in a lab from up to down: processes, servers for transfers between machines, and captures."""

import shlex
from collections import Counter
from collections.abc import Iterator

from compiler.ground.source import Span
from compiler.plan import served
from compiler.plan.commands import Words
from compiler.plan.engines import inside, settings
from compiler.plan.inventory import Inventory, attached
from compiler.plan.plan import Capture, Process


class Running:
    """Makes the processes and captures of one machine."""

    def __init__(self, inventory: Inventory, servers: dict[str, bool]) -> None:
        self.has = inventory
        self.lab = inventory.lab
        self.servers = servers
        """The nodes with servers for transfers that other machines open, and whether any of them is MPTCP."""

    def processes(self) -> Iterator[Process]:
        """The processes of the lab; the logs of a node are numbered as parallel links are."""
        count = Counter[str]()
        numbers: dict[Span, int] = {}
        for run in (run for run in self.lab.runs if run.node in self.has.names):
            number = numbers.setdefault(run.span, len(numbers))
            count[run.node] += 1
            name = _log(run.node, count)
            here, variables = self.has.namespace[run.node], settings(run.environment)
            ready = self._ready(run.node, run.ready)
            if isinstance(run.command, str):
                yield Process(here, name, run.command, variables, False, ready, number)
            else:
                container, told = self._inside(run.node, here)
                call = inside(self.has.engine[run.node], container, run.command, (*told, *variables))
                yield Process(here, name, f"exec {shlex.join(call)}", (), True, ready, number)
        yield from self._servers(count, len(numbers))

    def _ready(self, node: str, ready: int | str | Words | None) -> int | Words | None:
        """What tells that a process of a node is ready: a port, or a command of the machine."""
        here = self.has.namespace[node]
        if isinstance(ready, str):
            return ("ip", "netns", "exec", here, "bash", "-c", "--", ready)
        if isinstance(ready, tuple):
            return inside(self.has.engine[node], self._inside(node, here)[0], ready, ())
        return ready

    def _servers(self, count: Counter[str], number: int) -> Iterator[Process]:
        """Servers for transfers that other machines open, after `count` processes of each node."""
        for node in (node for node in self.has.nodes if node.name in self.servers):
            count[node.name] += 1
            anywhere = node.name in served.at_interfaces(self.lab)
            line = served.command(node, mptcp=self.servers[node.name], anywhere=anywhere)
            yield Process(node.namespace, _log(node.name, count), line, (), False, served.PORT, number)

    def captures(self) -> Iterator[Capture]:
        """The captures of interfaces, in written order."""
        for capture in (one for one in self.lab.captures if one.interface.node in self.has.names):
            node, interface = capture.interface
            file = f"{self.lab.name}.{node}.{interface}.pcap"
            yield Capture(self.has.namespace[node], node, interface, capture.snap or 0, file)

    def _inside(self, name: str, namespace: str) -> tuple[str, tuple[str, ...]]:
        """The container of a node, and what a process in it is told if it was started without: its lab."""
        (found,) = (attached(node) for node in self.has.nodes if node.name == name)
        told = (f"MPC_LAB={self.lab.name}", f"MPC_NODE={name}", f"MPC_NETNS={namespace}")
        return (found, told) if found else (namespace, ())


def _log(node: str, count: Counter[str]) -> str:
    """The name of the log of the last of so many processes of nodes."""
    return node if count[node] == 1 else f"{node}.{count[node]}"
