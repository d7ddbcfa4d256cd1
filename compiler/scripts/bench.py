"""The bench script, which measures transfers and shows their predicted rates."""

import re
from collections.abc import Iterator
from itertools import chain
from math import inf

from compiler.model.lab import Lab
from compiler.model.trials import Bench, Transfer
from compiler.model.vlans import whole_of
from compiler.plan.facts import Bond, Bridge, Device, Teql, Tunnel, VlanDevice, Vrf
from compiler.plan.inventory import is_whole
from compiler.plan.plan import Plan
from compiler.prediction.estimate import Estimate
from compiler.prediction.predict import Prediction, Predictor
from compiler.prediction.quantities import estimate
from compiler.scripts.bash import RUNTIME, head, namespaces, need_tools, script, text
from compiler.scripts.identity import identity
from compiler.scripts.measure import Ends, tools
from compiler.scripts.play import play
from compiler.scripts.quoting import join

USAGE = "bench.sh [--tsv | --json] [--repeat N]"
MOST_WATCHED = 32
"""The most nodes that are watched during a transfer; where its ways have more, only its ends are."""

OPTIONS = (
    "--tsv, --json  prints values separated by tabs, or JSON, and no table",
    "--repeat N     measures everything N times (3)",
)
CAPTURES = "--captures DIR writes captures there, and not into the current directory"
DURING = "--during-play  plays the events of the lab beside each transfer"


def bench(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that measures the transfers of `bench` statements in a running lab."""
    transfers = [transfer for bench in lab.benches for transfer in bench.transfers]
    player = _player(lab, plan)
    usage, options = (f"{USAGE} [--during-play]", (*OPTIONS, DURING)) if player else (USAGE, OPTIONS)
    recorded = _records(lab, plan)
    if recorded:
        usage, options = f"{usage} [--captures DIR]", (*options, CAPTURES)
    start = head(plan, "bench", f'Measures the lab "{plan.lab}" that is up', usage, options)
    programs = ("ip", "tc", "nsenter", "awk", *tools(transfers))
    needs = [*need_tools(programs), join(("need_nodes", *_nodes(lab, plan)))]
    needs += need_tools(["tcpdump"]) if recorded else ()
    if above := list(_above(lab, plan)):
        needs.append(join(("above", *above)))
    functions = {"needs": needs, "transfers": _rows(lab, plan)}
    call = ("needs", "transfers", "need_files", "run_all") if transfers else (f"say {NOTHING}",)
    records = list(text("CAPTURED", ("yes",))) if recorded else []
    own = [*start, *identity(lab, plan), *namespaces(plan), *player, *records]
    return script(own, functions, "bench", call)


def _records(lab: Lab, plan: Plan) -> bool:
    """Whether packets of this machine's interfaces are captured during a transfer."""
    return any(any(_recorded(bench, lab, plan)) for bench in lab.benches)


def _above(lab: Lab, plan: Plan) -> Iterator[str]:
    """Interfaces of nodes that receive whose packets have come in by another one, as those of a tunnel or a
    bond have: they arrive once."""
    names = {node.namespace: node.name for node in lab.nodes if is_whole(node)}
    takes = {
        whole_of(transfer.data(bench.source, bench.target)[1].node)
        for bench in lab.benches
        for transfer in bench.transfers
    }
    for fact in plan.facts:
        if isinstance(fact, Tunnel | Bond | Teql | Bridge | VlanDevice | Vrf | Device):
            name = names.get(fact.namespace)
            yield from (f"{name}:{fact.name}",) if name in takes else ()


def _recorded(bench: Bench, lab: Lab, plan: Plan) -> Iterator[str]:
    """The arguments of `record` in record.bash: what is captured on this machine."""
    here = {node.name: node.namespace for node in lab.nodes if node.namespace in plan.namespaces}
    for capture in bench.captures:
        node, interface = capture.interface
        if node in here:
            yield from (here[node], node, interface, str(capture.snap or 0))


def _player(lab: Lab, plan: Plan) -> list[str]:
    """The play script as a variable, if the lab has events; over several machines, all play together.

    What heads its parts is marked as the play's, as a script has one runtime, whose hash its own head tells.
    """
    if not (lab.events and lab.benches) or plan.machine:
        return []
    lines = "".join(play(lab, plan)).splitlines()
    own = (re.sub("^# === the ", "# === the play's ", line) for line in lines)
    return list(text("PLAY", (line for line in own if not line.startswith(RUNTIME)), "PLAY"))


NOTHING = "'nothing is measured on this machine'"


def _nodes(lab: Lab, plan: Plan) -> Iterator[str]:
    """The nodes that interfaces of this machine are of, each at the place of its namespace among those of
    the plan."""
    own = set(plan.namespaces)
    return (node.name for node in lab.ip_nodes if node.namespace in own and is_whole(node))


UNKNOWN = "?"
"""What is shown in place of a rate that is not predicted."""


def _rows(lab: Lab, plan: Plan) -> Iterator[str]:
    """The transfers in source order."""
    ends, predictor = Ends(lab, plan), Predictor(lab)
    namespaces = {node.name: node.namespace for node in lab.nodes if node.namespace in ends.here}
    for bench in lab.benches:
        prediction = predictor.between(bench.source, bench.target)
        for transfer in bench.transfers:
            expected = prediction.goodput(transfer)
            predicted = UNKNOWN if lab.daemon else _predicted(expected)
            yield join(("row", *_row(bench, transfer, predicted, ends)))
            if recorded := tuple(_recorded(bench, lab, plan)):
                yield join(("record", *recorded))
            if transfer.reverse:
                yield "reverse"
            over = _over(bench, transfer, prediction)
            yield join(
                (
                    "over",
                    *chain.from_iterable((name, namespaces[name]) for name in over if name in namespaces),
                )
            )
            if not lab.daemon and len(told := estimate(expected)) > 1:
                yield join(("likely", ", ".join(told)))


def _over(bench: Bench, transfer: Transfer, prediction: Prediction) -> list[str]:
    """The nodes that packets of a transfer leave, by what is predicted: its ends first, and then in order."""
    sender, receiver = transfer.data(bench.source, bench.target)
    trips = prediction.data(transfer) if transfer.reverse else (*prediction.trips, *prediction.detours)
    passed = (whole_of(crossing.out.node) for trip in trips for crossing in trip.out.crossings)
    found = list(dict.fromkeys((sender.node, receiver.node, *passed)))
    return found if len(found) <= MOST_WATCHED else found[:2]


def _predicted(expected: Estimate) -> str:
    """A mean rate with its 90% interval; `-` if the rate has no bound, `?` if it is unknown."""
    if not expected.is_known:
        return UNKNOWN
    rates = (expected.expected, *expected.likely)
    return "-" if max(rates) == inf else ",".join(str(round(rate)) for rate in rates)


def _row(bench: Bench, transfer: Transfer, predicted: str, ends: Ends) -> Iterator[str]:
    """The arguments of `row` in bench.bash."""
    yield from (str(bench.source), str(bench.target), predicted)
    yield str(bench.time // 10**6)
    yield from ends.transfer(bench.source, bench.target, transfer)
