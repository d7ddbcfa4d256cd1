"""Notes on benches that have nothing to measure, as one end does not reach the other."""

from itertools import islice

from compiler.ground.diagnostics import Diagnostics
from compiler.model.trials import Bench
from compiler.prediction.causes import cause
from compiler.prediction.predict import Predictor
from compiler.prediction.trips import Trip

MOST, MOST_TRIED = 5, 300
"""The most notes, the last of which counts the other benches; and the most benches that are looked at."""


def tell(predictor: Predictor, diagnostics: Diagnostics) -> None:
    """Adds the notes. Events are not considered."""
    found = []
    for bench in islice(predictor.lab.benches, MOST_TRIED):
        prediction = predictor.between(bench.source, bench.target)
        if prediction.trips and not prediction.working and all(trip.is_known for trip in prediction.trips):
            found.append((bench, prediction.trips[0]))
    for bench, broken in found[:MOST]:
        message = f"`{bench.source}` does not reach `{bench.target}`, so that bench measures nothing"
        diagnostics.note("MPC570", message, bench.span, *_cause(predictor, bench, broken))
    if left := found[MOST:]:
        message = f"{len(left)} more benches measure nothing"
        diagnostics.note("MPC570", message, left[0][0].span, "the first of them")


def _cause(predictor: Predictor, bench: Bench, broken: Trip) -> tuple[str, str]:
    """Where packets are lost, and what mends it: of a private network, the end inside opens connections."""
    source, target = bench.source, bench.target
    label, help = cause(predictor.graphs.values(), source.node, target.node, broken)
    hides = predictor.lab.sites.hides
    if hides(target.node, source.node) and not hides(source.node, target.node):
        help = f"`{target}` is in a private network: `bench {target} -> {source} using tcp reverse`"
    return label, help
