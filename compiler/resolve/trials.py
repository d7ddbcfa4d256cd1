"""`expect`, `bench` and `run` statements: trials on a running lab."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from compiler.ground import units
from compiler.ground.source import Span
from compiler.language import syntax
from compiler.language.sets import directed_pairs
from compiler.model.nodes import Node
from compiler.model.trials import (
    Bench,
    Claim,
    Expectation,
    Protocol,
    Reachability,
    RoundTrip,
    Run,
    Throughput,
    Transfer,
)
from compiler.resolve.attributes import quantity
from compiler.resolve.scope import Scope

Value = TypeVar("Value")

MOST_FLOWS = 128
"""The most concurrent connections: MAX_STREAMS of iperf3."""

BENCH_TIME = 10 * 10**6
"""The default duration of a transfer, in microseconds."""

LONGEST_COMMAND = 65_535
"""The most bytes of a command line with its variables; some kernels take no more than 128 KiB of it."""

BYTES_OF_ONE = 1000
"""Bytes of commands that count as one part (Scope.stands_for), as each node has a copy of its command."""

OWN_VARIABLES = "MPC_"
"""The prefix of the environment variables that mpc sets for each process."""

_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class Trials:
    """Collects the expectations, benches and runs of a lab."""

    def __init__(self, scope: Scope, nodes: dict[str, Node]) -> None:
        self.scope = scope
        self.nodes = nodes
        self.expectations: list[Expectation] = []
        self.benches: list[Bench] = []
        self.runs: list[Run] = []
        self.places: dict[str, Span] = {}

    def expect(self, statement: syntax.Expect) -> None:
        self.scope.stands_for(len(statement.sources.words) * len(statement.targets.words), statement.span)
        claim = self._claim(statement.claim)
        for source, target in self._pairs(statement.sources, statement.targets):
            what = f"{_regard(claim)} from `{source}` to `{target}`" if claim else ""
            if claim and self._is_new(what, statement.span):
                self.expectations.append(Expectation(source, target, claim, statement.span))

    def bench(self, statement: syntax.Bench) -> None:
        parts = len(statement.sources.words) * len(statement.targets.words) * len(statement.transfers)
        self.scope.stands_for(parts, statement.span)
        time = self._read(statement.time, units.seconds, "for") if statement.time else BENCH_TIME
        transfers = [(self._transfer(written), written.span) for written in statement.transfers]
        for source, target in self._pairs(statement.sources, statement.targets):
            own = tuple(
                transfer
                for transfer, span in transfers
                if transfer and self._is_new(f"the bench of {transfer} from `{source}` to `{target}`", span)
            )
            if time and own:
                self.benches.append(Bench(source, target, own, time, statement.span))

    def run(self, statement: syntax.Run) -> None:
        assignments = statement.environment or ()
        self.scope.stands_for(len(statement.nodes.words) * (1 + len(assignments)), statement.span)
        environment = self._environment(assignments)
        command = statement.command
        nodes = self.scope.known_nodes(statement.nodes)
        size = len(command.text.encode()) + sum(
            len(f"{key}={value}\0".encode()) for key, value in environment
        )
        if not command.text.strip() or size > LONGEST_COMMAND:
            message = f"a command has, with its variables, 1 to {LONGEST_COMMAND} bytes, and is not blank"
            self.scope.diagnostics.error("MPC803", message, command.span, "not such a command")
            return
        self.scope.stands_for(len(nodes) * size // BYTES_OF_ONE, statement.span)
        self.runs += [Run(node, command.text, environment, statement.span) for node in nodes]

    def _pairs(self, sources: syntax.Nodes, targets: syntax.Nodes) -> Iterator[tuple[str, str]]:
        """The nodes of all pairs of a source and a target with an address."""
        for a, b in directed_pairs(sources, targets):
            what = "send or receive what is tried"
            source, target = self.scope.addressed(a, what), self.scope.addressed(b, what)
            if source is None or target is None:
                continue
            if source == target:
                message = f"this leads from `{source}` to itself"
                self.scope.diagnostics.error("MPC801", message, b.span, "both are one node")
            elif self._has_address(target, b.span):
                yield source, target

    def _has_address(self, name: str, span: Span) -> bool:
        node = self.nodes[name]
        if node.addresses or node.inferred_address:
            return True
        message = f"`{name}` has no address of its own to reach it by"
        help = f"leave out the `address none` of `{name}`"
        self.scope.diagnostics.error("MPC802", message, span, "has no address", help)
        return False

    def _is_new(self, what: str, span: Span) -> bool:
        first = self.places.setdefault(what, span)
        if first is not span:
            self.scope.set_twice(what, span, first)
        return first is span

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
            return Transfer(protocol)
        word = written.flows.text
        help = f"did you mean `, {word}`?" if word in set(Protocol) else ""
        flows = self.scope.number(written.flows, protocol, 1, MOST_FLOWS, help)
        return Transfer(protocol, flows) if flows else None

    def _read(self, word: syntax.Word, form: Callable[[str], Value], what: str) -> Value | None:
        """A quantity; reports a malformed one."""
        return quantity(word, form, what, self.scope.diagnostics)

    def _environment(self, assignments: tuple[syntax.Assignment, ...]) -> tuple[tuple[str, str], ...]:
        found: dict[str, str] = {}
        places: dict[str, Span] = {}
        for assignment in assignments:
            key = assignment.key.text
            first = places.setdefault(key, assignment.span)
            if first is not assignment.span:
                self.scope.set_twice(f"the variable `{key}`", assignment.span, first)
            elif not _VARIABLE.fullmatch(key):
                message = f"`{key}` cannot name an environment variable"
                help = "such a name has letters, digits and `_`, and starts with no digit"
                self.scope.diagnostics.error("MPC804", message, assignment.key.span, "not such a name", help)
            elif key.startswith(OWN_VARIABLES):
                message = f"`{key}` is a name that mpc keeps for what it tells a process itself"
                help = "names that begin with `MPC_` are its own: MPC_LAB, MPC_NODE, MPC_NETNS"
                self.scope.diagnostics.error("MPC804", message, assignment.key.span, "not to be set", help)
            found[key] = assignment.value.text
        return tuple(found.items())


def _regard(claim: Claim) -> str:
    """The subject of a claim; a pair may have one claim on each."""
    match claim:
        case Reachability():
            return "the reachability expected"
        case RoundTrip():
            return "the rtt expected"
        case Throughput(transfer=transfer):
            return f"the rate of {transfer} expected"
