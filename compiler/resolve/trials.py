"""`expect`, `bench`, `run` and `capture` statements: trials on a running lab."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from compiler.ground import units
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import directed_pairs, unique
from compiler.model.links import InterfaceName
from compiler.model.multipath import Pair, opener
from compiler.model.nodes import Node
from compiler.model.trials import (
    Bench,
    Capture,
    Claim,
    End,
    Expectation,
    Protocol,
    Reachability,
    RoundTrip,
    Run,
    Throughput,
    Transfer,
)
from compiler.resolve.attributes import quantity, read_network
from compiler.resolve.programs import (
    BYTES_OF_ONE,
    Line,
    Read,
    bytes_of,
    environment,
    first_of_each,
    is_command,
    line,
    ready,
    words,
)
from compiler.resolve.scope import Scope

Value = TypeVar("Value")

MOST_FLOWS = 128
"""The most concurrent connections: MAX_STREAMS of iperf3."""

BENCH_TIME = 10 * 10**6
"""The default duration of a transfer, in microseconds."""

MOST_SNAP = 262144
"""The most bytes of a packet that tcpdump(8) captures: MAXIMUM_SNAPLEN of its netdissect.h."""

SNAP = "bytes of each packet, without a unit: 96 keep the headers"


class Trials:
    """Collects the expectations, benches, runs and captures of a lab."""

    def __init__(
        self, scope: Scope, nodes: dict[str, Node], pairs: tuple[Pair, ...], devices: Collection[str]
    ) -> None:
        self.scope = scope
        self.nodes = nodes
        self.pairs = pairs
        self.devices = devices
        """The interfaces that commands make, as they are written: they can be captured."""
        self.expectations: list[Expectation] = []
        self.benches: list[Bench] = []
        self.runs: list[Run] = []
        self.captures: list[Capture] = []
        self.places: dict[str, Span] = {}

    def expect(self, statement: syntax.Expect) -> None:
        self.scope.stands_for(len(statement.sources.words) * len(statement.targets.words), statement.span)
        claim = self._claim(statement.claim)
        alone = isinstance(claim, Throughput)
        for source, target in self._pairs(statement.sources, statement.targets, alone=alone):
            what = f"{_regard(claim)} from `{source}` to `{target}`" if claim else ""
            if isinstance(claim, Throughput) and not self._may_open(
                claim.transfer, source, target, statement.span
            ):
                continue
            if claim and self._is_new(what, statement.span):
                self.expectations.append(Expectation(source, target, claim, statement.span))

    def bench(self, statement: syntax.Bench) -> None:
        parts = len(statement.sources.words) * len(statement.targets.words) * len(statement.transfers)
        self.scope.stands_for(parts, statement.span)
        time = self._read(statement.time, units.seconds, "for") if statement.time else BENCH_TIME
        transfers = [(self._transfer(written), written.span) for written in statement.transfers]
        captures = tuple(self._captured(statement.capture)) if statement.capture else ()
        for source, target in self._pairs(statement.sources, statement.targets, alone=True):
            own = tuple(
                transfer
                for transfer, span in transfers
                if transfer
                and self._may_open(transfer, source, target, span)
                and self._is_new(f"the bench of {transfer} from `{source}` to `{target}`", span)
            )
            if time and own:
                self.benches.append(Bench(source, target, own, time, statement.span, captures))

    def run(self, statement: syntax.Run) -> None:
        self.scope.stands_for(len(statement.nodes.words) * (1 + _count(statement.items)), statement.span)
        read: Read[str | tuple[str, ...]] = words if statement.inside else line
        variables, is_ready = self._started(statement.items, read)
        nodes = self.scope.known_nodes(statement.nodes)
        command = statement.command
        size = len(command.text.encode()) + bytes_of(*(f"{key}={value}" for key, value in variables))
        if not is_command(command.text, size, command.span, self.scope):
            return
        called = read(command, self.scope)
        if statement.inside:
            self._are_containers(statement.nodes)
        self.scope.stands_for(len(nodes) * size // BYTES_OF_ONE, statement.span)
        self.runs += [Run(node, called, variables, is_ready, statement.span) for node in nodes if called]

    def _started(
        self, items: tuple[syntax.ContainerAttribute, ...], read: Read[Line]
    ) -> tuple[tuple[tuple[str, str], ...], int | Line | None]:
        """The environment of what `run` starts, and what tells that it is ready."""
        variables: tuple[tuple[str, str], ...] = ()
        is_ready: int | Line | None = None
        for item in first_of_each(items, self.scope):
            if isinstance(item.value, syntax.Word | syntax.String):
                is_ready = ready(item.value, read, self.scope)
            else:
                variables = environment(item.value, self.scope)
        return variables, is_ready

    def capture(self, statement: syntax.Capture) -> None:
        for one in self._captured(statement):
            if self._is_new(f"the capture of `{one.interface}`", one.span):
                self.captures.append(one)

    def _captured(self, statement: syntax.Capture) -> Iterator[Capture]:
        """The captures of a statement, or of a bench."""
        snap = self.scope.number(statement.snap, "snap", 1, MOST_SNAP, SNAP) if statement.snap else None
        self.scope.stands_for(len(statement.interfaces.words), statement.span)
        for word in unique(statement.interfaces):
            if word.text in self.devices:
                interface: InterfaceName | None = InterfaceName(*word.text.split(":"))
            else:
                interface = self.scope.interface(word, self.devices)
            if interface:
                yield Capture(interface, snap, word.span)

    def _are_containers(self, nodes: syntax.Nodes) -> None:
        """Reports nodes that are no containers, where a command is to run inside of one."""
        for word in nodes.words:
            if word.text in self.nodes and not self.nodes[word.text].container:
                message = f"`{word.text}` is no container"
                help = f'without `inside`, a command runs in its namespace: `run {word.text} "COMMAND"`'
                self.scope.diagnostics.error("MPC908", message, word.span, "not a container", help)

    def _pairs(
        self, sources: syntax.Nodes, targets: syntax.Nodes, *, alone: bool
    ) -> Iterator[tuple[End, End]]:
        """All pairs of a source and a target, which for a transfer is one node `alone`."""
        for a, b in directed_pairs(sources, targets):
            source, target = self._end(a), self._shared(b, alone=alone) or self._end(b)
            if source is None or target is None:
                continue
            if source.node == target.node:
                message = f"this leads from `{source.node}` to itself"
                self.scope.diagnostics.error("MPC801", message, b.span, "both are one node")
            else:
                yield source, target

    def _shared(self, word: syntax.Word, *, alone: bool) -> End | None:
        """The address of several nodes that a word is; None for any other word."""
        network = read_network(word, of_one=True) if "/" not in word.text else None
        if network is None:
            return None
        address = network.network_address
        for node in self.nodes.values():
            if any(own.address.ip == address for own in node.anycast):
                if alone:
                    message = f"a transfer is with one node, and several may have `{address}`"
                    help = "name the node that receives it"
                    self.scope.diagnostics.error("MPC226", message, word.span, "which of them?", help)
                return End(node.name, address=address)
        return None

    def _end(self, word: syntax.Word) -> End | None:
        """The node or the interface that a word names, which have addresses; reports any other."""
        what = "send or receive what is tried"
        if word.text.partition(":")[0] in self.scope.switches:
            self.scope.is_switch(word, what)
            return None
        if ":" not in word.text:
            node = self.scope.addressed(word, what)
            return End(node) if node else None
        interface = self.scope.addressed_interface(word, what)
        return End(*interface) if interface else None

    def _is_new(self, what: str, span: Span) -> bool:
        first = self.places.setdefault(what, span)
        if first is not span:
            self.scope.set_twice(what, span, first)
        return first is span

    def _may_open(self, transfer: Transfer, source: End, target: End, span: Span) -> bool:
        """Whether the source of a transfer in reverse may open it; reports one of MPTCP that it may not."""
        of_mptcp = transfer.reverse and transfer.protocol is Protocol.MPTCP
        if not of_mptcp or opener(self.pairs, source.node, target.node) == source.node:
            return True
        message = f"`{source.node}` opens no MPTCP connection to `{target.node}`, which `reverse` needs"
        label = f"only `{target.node}` may open one"
        turned = str(transfer._replace(reverse=False))
        help = f"`{target} -> {source} using {turned}` has `{target.node}` open it, and send over it"
        self.scope.diagnostics.error("MPC818", message, span, label, help)
        return False

    def _claim(self, written: syntax.Reachability | syntax.RoundTrip | syntax.Throughput) -> Claim | None:
        match written:
            case syntax.Reachability(_, word):
                return Reachability(word.text == "reachable")
            case syntax.RoundTrip(_, times):
                bounds = self._read(times, units.time_range, "rtt")
                return RoundTrip(*bounds) if bounds else None
            case syntax.Throughput(_, least, transfer):
                rate = self._read(least, units.rate, "rate")
                using = self._transfer(transfer) if transfer else Transfer()
                return Throughput(rate, using) if rate and using else None

    def _transfer(self, written: syntax.Transfer) -> Transfer | None:
        protocol = Protocol(written.protocol.text)
        if written.flows is None:
            return Transfer(protocol, reverse=bool(written.reverse))
        word = written.flows.text
        flows = self.scope.number(
            written.flows, protocol, 1, MOST_FLOWS, "" if word.isdigit() else _meant(word)
        )
        return Transfer(protocol, flows, bool(written.reverse)) if flows else None

    def _read(self, word: syntax.Word, form: Callable[[str], Value], what: str) -> Value | None:
        """A quantity; reports a malformed one."""
        return quantity(word, form, what, self.scope.diagnostics)


def _regard(claim: Claim) -> str:
    """The subject of a claim; a pair may have one claim on each."""
    match claim:
        case Reachability():
            return "the reachability expected"
        case RoundTrip():
            return "the rtt expected"
        case Throughput(transfer=transfer):
            return f"the rate of {transfer} expected"


def _meant(word: str) -> str:
    """A help line for a word in place of a number of flows, or an empty text."""
    from compiler.ground import foreign, mends
    from compiler.ground.diagnostics import nearest

    if word in set(Protocol):
        return mends.did_you_mean(f", {word}")
    is_reverse = foreign.KEYWORDS.our(word) == "reverse" or nearest(word, ["reverse"])
    return mends.did_you_mean("reverse") if is_reverse else ""


def _count(items: Iterable[syntax.ContainerAttribute]) -> int:
    """How many values attributes have."""
    values = (item.value for item in items)
    return sum(1 if isinstance(value, syntax.Word | syntax.String) else len(value) for value in values)
