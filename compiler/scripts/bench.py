"""The bench: a script that measures transfers, beside what is predicted of them."""

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
    """The script that measures what the `bench` statements of a lab that is up name."""
    transfers = [transfer for bench in lab.benches for transfer in bench.transfers]
    start = head(plan, "bench", f'Measures the lab "{plan.lab}" that is up', USAGE, OPTIONS)
    programs = ("ip", "nsenter", *tools(transfers))
    needs = [*need_tools(programs), join(("need_nodes", *(node.name for node in lab.ip_nodes)))]
    functions = {"needs": needs, "transfers": _rows(lab)}
    return script([*start, *namespaces(plan)], functions, "bench", ("needs", "transfers", "run_all"))


def _rows(lab: Lab) -> Iterator[str]:
    """The transfers, in written order."""
    ends, predictor = Ends(lab), Predictor(lab)
    for bench in lab.benches:
        prediction = predictor.between(bench.source, bench.target)
        for transfer in bench.transfers:
            expected = prediction.goodput(transfer)
            yield join(("row", *_row(bench, transfer, _predicted(expected), ends)))
            if len(told := estimate(expected)) > 1:
                yield join(("likely", ", ".join(told)))


def _predicted(expected: Estimate) -> str:
    """On average, and between what 9 of 10 lie; `-` where nothing bounds it, `?` where it is unknown."""
    if not expected.is_known:
        return "?"
    rates = (expected.expected, *expected.likely)
    return "-" if max(rates) == inf else ",".join(str(round(rate)) for rate in rates)


def _row(bench: Bench, transfer: Transfer, predicted: str, ends: Ends) -> Iterator[str]:
    """The arguments of `row` in bench.bash."""
    yield from (bench.source, bench.target, predicted)
    yield str(bench.time // 10**6)
    yield from ends.transfer(bench.source, bench.target, transfer)
