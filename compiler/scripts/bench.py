"""The bench script, which measures transfers and shows their predicted rates."""

from collections.abc import Iterator
from math import inf

from compiler.model.lab import Lab
from compiler.model.trials import Bench, Transfer
from compiler.plan.plan import Plan
from compiler.prediction.estimate import Estimate
from compiler.prediction.predict import Predictor
from compiler.prediction.quantities import estimate
from compiler.scripts.bash import head, namespaces, need_tools, script
from compiler.scripts.measure import Ends, tools
from compiler.scripts.quoting import join

USAGE = "bench.sh [--tsv | --json] [--repeat N]"
OPTIONS = (
    "--tsv, --json  prints values separated by tabs, or JSON, and no table",
    "--repeat N     measures everything N times (3)",
)


def bench(lab: Lab, plan: Plan) -> Iterator[str]:
    """The script that measures the transfers of `bench` statements in a running lab."""
    transfers = [transfer for bench in lab.benches for transfer in bench.transfers]
    start = head(plan, "bench", f'Measures the lab "{plan.lab}" that is up', USAGE, OPTIONS)
    programs = ("ip", "nsenter", *tools(transfers))
    needs = [*need_tools(programs), join(("need_nodes", *(node.name for node in lab.ip_nodes)))]
    functions = {"needs": needs, "transfers": _rows(lab)}
    return script([*start, *namespaces(plan)], functions, "bench", ("needs", "transfers", "run_all"))


def _rows(lab: Lab) -> Iterator[str]:
    """The transfers in source order."""
    ends, predictor = Ends(lab), Predictor(lab)
    for bench in lab.benches:
        prediction = predictor.between(bench.source, bench.target)
        for transfer in bench.transfers:
            expected = prediction.goodput(transfer)
            yield join(("row", *_row(bench, transfer, _predicted(expected), ends)))
            if len(told := estimate(expected)) > 1:
                yield join(("likely", ", ".join(told)))


def _predicted(expected: Estimate) -> str:
    """A mean rate with its 90% interval; `-` if the rate has no bound, `?` if it is unknown."""
    if not expected.is_known:
        return "?"
    rates = (expected.expected, *expected.likely)
    return "-" if max(rates) == inf else ",".join(str(round(rate)) for rate in rates)


def _row(bench: Bench, transfer: Transfer, predicted: str, ends: Ends) -> Iterator[str]:
    """The arguments of `row` in bench.bash."""
    yield from (bench.source, bench.target, predicted)
    yield str(bench.time // 10**6)
    yield from ends.transfer(bench.source, bench.target, transfer)
